"""Paths, speeds and headings of everything tracked; joint angles and spectra of bodies (KPM 3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.geometry import (
    apply_affine,
    box_center,
    box_size,
    corners,
    fill_gaps,
    heading_deg,
    inner_angle_deg,
    smooth,
    stretches,
    touches_border,
)
from kinescribe.kinematics import body
from kinescribe.kinematics.posture import SEEN, trunk_px
from kinescribe.records import CameraMotion, Clip, JointKinematics, Kinematics, Poses, TrackKinematics, Tracks
from kinescribe.stages.trust import MAX_FLOW_GAP_S, doubtful, overlarge, parallax
from kinescribe.vocabulary import ANGLE_PAIRS, ANGLES, SKELETONS

SHOULDERS = ("left_shoulder", "right_shoulder")
TORSO = (*SHOULDERS, "left_hip", "right_hip")
MIN_KNOWN = 0.8
"""Share of a track's samples for which its torso, or its pixels' velocity, must be known to be used."""
MIN_CUT_OFF = 0.5
"""Share of a track's samples at the picture's border from which its pixels are asked instead of its box."""
STANCE_S = 1.0
"""A body that moves over one and the same foot for longer leans, bends or swings: in a walk each foot rests for some
0.6 s of every step of 1 s (Whittle, Gait Analysis), and the first step takes little longer ..."""
STANCE_TRUNKS = 0.2
"""... where a foot rests if it keeps within so many trunk lengths: 11 cm, twice the error of a seen ankle ..."""
BOTH_FEET_S = 0.3
"""Over both feet a body does so sooner: in a walk both are on the ground for a tenth of a step."""
LEAN_TRUNKS_S = 0.25
"""... and a body moves if it goes so many trunk lengths a second: 0.14 m/s, a tenth of a walk."""
SCALE_WINDOW_S = 2.0
"""Over so long to either side a body is of one size, or grows evenly as it comes."""
LIMB_SLACK = 1.05
"""Bones are this much longer than they are seen to be at most (95 % of the time), before they bound an angle."""

MAX_FOOT_GAP_S = 0.35
"""A foot that is not seen for so long is where it was: three samples at 10 Hz, a third of a step."""
TRAVEL_NOISE = 2.0
"""Turns of a path within so many times its noise are no way that was gone: the noise of 95 % of the samples."""
PAIRED = ("symmetry", "phase")
"""Of what a body's angles did (``kinematics.body.Angles``), what there is once for left and right."""
KNEE_SLACK_DEG = 20.0
"""A knee is not bent more than the picture shows by more than the error of monocular joint angles (docs/method.md):
depth makes legs that swing sideways bend by 50 degrees (camera clips). Over two feet that stay, how far the hips sink
counts instead of the angle in the picture, which a squat towards the camera hardly changes."""
PLANTED_S, PLANTED_TRUNKS = 0.5, 0.2
"""Feet are planted if within so long to either side they stray by less than this share of the trunk: ankles at rest
stray by 0.1."""


@dataclass(frozen=True)
class MeasureKinematics:
    """Tracks and poses in, rates of change out. Nothing is differentiated before it is smoothed."""

    half_window_s: float = 0.35
    """Half length of the smoothing polynomial: 7 samples at 10 Hz. A 9-point filter of degree 2 cuts the speed
    that 1 cm of jitter fakes from 0.68 to 0.06 m/s while keeping movements up to about 2 Hz."""
    min_point_score: float = 0.6
    """A joint below this is unknown, and an angle needs all three of its joints (KPM appendix)."""
    high_hz: float = 2.5
    """Where high frequencies begin. KPM's cut is a bin number, whose meaning in Hz changes with the length."""
    still_fraction: float = 0.005
    """Below this many frame widths per second there is no heading."""

    revision: ClassVar[int] = 5

    def __call__(self, clip: Clip, camera: CameraMotion, tracks: Tracks, poses: Poses) -> Kinematics:
        """Measure every track and every skeleton."""
        return Kinematics(self._tracks(clip, camera, tracks, poses), self._joints(clip, poses))

    def _tracks(self, clip: Clip, camera: CameraMotion, tracks: Tracks, poses: Poses) -> TrackKinematics:
        center, doubt = _centers(clip, camera, tracks, poses, self.half_window_s)
        in_scene = apply_affine(camera.to_scene[None], center)
        image, _ = self._smooth_2d(clip, center)
        scene, _ = self._smooth_2d(clip, in_scene)
        seen = np.isfinite(center[..., 0]).sum(1)
        # A camera lost for a moment leaves gaps; a camera lost for most of a track leaves no scene to speak of.
        scene_known = np.isfinite(scene[..., 0]).sum(1) >= 0.8 * np.maximum(seen, 1)
        raw = np.where(scene_known[:, None, None], in_scene, center)
        path, velocity = self._smooth_2d(clip, raw)
        speed = np.hypot(velocity[..., 0], velocity[..., 1])
        heading = heading_deg(velocity[..., 0], velocity[..., 1])
        noise = _noise(raw - path)
        for known in (image, scene, path, velocity, speed):
            known[doubt] = np.nan
        sizes = np.log(np.maximum(box_size(tracks.xyxy), 1e-6))
        # What the border cuts off most of the time has no size to be told.
        sizes[_is_cut_off(clip, tracks)] = np.nan
        size = smooth(clip.times_s, sizes, self.half_window_s)
        acceleration = smooth(clip.times_s, speed, self.half_window_s).rate
        distance, displacement = _travel(path, noise)
        return TrackKinematics(
            ids=tracks.ids,
            frame=tuple("scene" if known else "image" for known in scene_known),
            image_px=image,
            scene_px=scene,
            velocity_px_s=velocity,
            speed_px_s=speed,
            acceleration_px_s2=acceleration,
            heading_deg=np.where(speed > self.still_fraction * clip.width, heading, np.nan),
            size_px=np.exp(size.value),
            scale_rate_s=size.rate,
            noise_px=noise,
            distance_px=distance,
            displacement_px=displacement,
            body_px=_median((tracks.xyxy[..., 2:] - tracks.xyxy[..., :2]).max(-1)),
            jerk_px_s3=_rms(smooth(clip.times_s, acceleration, self.half_window_s).rate),
        )

    def _smooth_2d(
        self, clip: Clip, points: Float[np.ndarray, "N T 2"]
    ) -> tuple[Float[np.ndarray, "N T 2"], Float[np.ndarray, "N T 2"]]:
        rows = points.transpose(0, 2, 1).reshape(-1, points.shape[1])
        value, rate = smooth(clip.times_s, rows, self.half_window_s)
        shape = (len(points), 2, points.shape[1])
        return value.reshape(shape).transpose(0, 2, 1), rate.reshape(shape).transpose(0, 2, 1)

    def _joints(self, clip: Clip, poses: Poses) -> JointKinematics:
        angle = self._angles(clip, poses)
        shape = angle.shape
        rows = angle.transpose(0, 2, 1).reshape(-1, shape[1])
        value, rate = smooth(clip.times_s, rows, self.half_window_s)
        angle, turn = (
            signal.reshape(shape[0], shape[2], shape[1]).transpose(0, 2, 1)
            for signal in (np.clip(value, 0, 180), rate)
        )
        settings = body.BodySettings(self.half_window_s, self.min_point_score, high_hz=self.high_hz)
        done = [body.summary(clip.times_s, a, w, settings) for a, w in zip(angle, turn, strict=True)]
        widths = {name: len(ANGLES) for name in body.Angles._fields} | dict.fromkeys(PAIRED, len(ANGLE_PAIRS))
        columns = {
            name: np.array([getattr(one, name) for one in done]).reshape(len(done), width)
            for name, width in widths.items()
        }
        bodies = [
            body.measure(world, points[..., 2], clip.times_s, poses.skeleton, settings)
            for world, points in zip(poses.world, poses.keypoints, strict=True)
        ]
        trunks = np.array([one.trunk for one in bodies]).reshape(
            len(bodies), len(body.Trunk._fields), shape[1]
        )
        return JointKinematics(
            ids=poses.ids,
            angle_deg=angle,
            speed_deg_s=turn,
            com_speed=np.array([one.com_speed for one in bodies]).reshape(shape[:2]),
            **{name: trunks[:, i] for i, name in enumerate(body.Trunk._fields)},
            **columns,
        )

    def _angles(self, clip: Clip, poses: Poses) -> Float[np.ndarray, "N T J"]:
        index = {name: i for i, name in enumerate(SKELETONS[poses.skeleton])}
        result = np.full((*poses.keypoints.shape[:2], len(ANGLES)), np.nan)
        for j, (joint, names) in enumerate(ANGLES.items()):
            if not all(name in index for name in names):
                continue  # a skeleton without heels has no ankles to speak of
            points = [index[name] for name in names]
            # Angles in space where there is a third dimension: in the picture they change with the view.
            angle = inner_angle_deg(*(poses.world[:, :, point] for point in points))
            with np.errstate(invalid="ignore"):
                sure = np.asarray((poses.keypoints[:, :, points, 2] >= self.min_point_score).all(-1))
            if joint.endswith(("elbow", "knee")):
                angle = np.fmax(angle, _least_angle_deg(clip, poses, points, sure))
            if joint.endswith("knee"):
                folded = _least_angle_deg(clip, poses, points, sure, slack=1.0)
                filmed = np.where(_planted(clip, poses), folded, _filmed_angle_deg(poses, points))
                angle = np.fmax(angle, filmed - KNEE_SLACK_DEG)
            result[..., j] = np.where(sure, angle, np.nan)
        return result


def _filmed_angle_deg(poses: Poses, points: Sequence[int]) -> Float[np.ndarray, "N T"]:
    """Return an angle as the picture shows it."""
    flat = np.pad(poses.keypoints[..., :2], ((0, 0), (0, 0), (0, 0), (0, 1)))
    return inner_angle_deg(*(flat[:, :, point] for point in points))


def _planted(clip: Clip, poses: Poses) -> Bool[np.ndarray, "N T"]:
    """Return where both feet of a body stay where they are, as filmed."""
    names = SKELETONS[poses.skeleton]
    ankles = poses.keypoints[:, :, [names.index("left_ankle"), names.index("right_ankle")]]
    with np.errstate(invalid="ignore"):
        seen = ankles[..., 2] >= SEEN
    place = np.array(
        [body.bridged(clip.times_s, *row, MAX_FOOT_GAP_S) for row in zip(ankles[..., :2], seen, strict=True)]
    ).reshape(*seen.shape, 2)
    trunks = [trunk_px(row, poses.skeleton) for row in poses.keypoints]
    reach = np.array([PLANTED_TRUNKS * np.nanmedian(t) if np.isfinite(t).any() else np.nan for t in trunks])
    first = np.searchsorted(clip.times_s, clip.times_s - PLANTED_S - 1e-9)
    last = np.searchsorted(clip.times_s, clip.times_s + PLANTED_S + 1e-9)
    strayed = [np.ptp(place[:, a:b], axis=1).max((1, 2)) for a, b in zip(first, last, strict=True)]
    with np.errstate(invalid="ignore"):
        planted: Bool[np.ndarray, "N T"] = reach[:, None] >= np.array(strayed).reshape(len(first), -1).T
    return planted


def _least_angle_deg(
    clip: Clip,
    poses: Poses,
    points: Sequence[int],
    sure: Bool[np.ndarray, "N T"],
    slack: float = LIMB_SLACK,
) -> Float[np.ndarray, "N T"]:
    """Return how straight a limb is at least: its ends are no nearer to each other in space than in the picture.

    Depth is a guess. With the bones' lengths (the longest that they are seen) the distance of their ends in the picture
    gives a lower bound of the angle between them, by the law of cosines.
    """
    picture = np.where(sure[..., None, None], poses.keypoints[:, :, points, :2], np.nan)
    trunk = np.array([_scale(clip, row, poses.skeleton) for row in poses.keypoints]).reshape(sure.shape)
    ends = ((0, 1), (1, 2), (0, 2))
    one, two, apart = (
        np.hypot(*np.moveaxis(picture[..., a, :] - picture[..., b, :], -1, 0)) / trunk for a, b in ends
    )
    bound = np.full(sure.shape, np.nan)
    for n in np.flatnonzero(np.isfinite(apart).any(1)).tolist():
        a, b = (slack * float(np.nanpercentile(bone[n], 95)) for bone in (one, two))
        cosine = (a**2 + b**2 - apart[n] ** 2) / max(2 * a * b, 1e-9)
        bound[n] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return bound


def _scale(clip: Clip, points: Float[np.ndarray, "T K 3"], skeleton: str) -> Float[np.ndarray, "T"]:
    """Return how large a body is in the picture: its trunk over a long time, since it leans in between."""
    return smooth(clip.times_s, trunk_px(points, skeleton)[None], SCALE_WINDOW_S, degree=1).value[0]


def _centers(
    clip: Clip, camera: CameraMotion, tracks: Tracks, poses: Poses, half_window_s: float
) -> tuple[Float[np.ndarray, "N T 2"], Bool[np.ndarray, "N T"]]:
    """Return where each subject is, and where that is no path of the subject.

    It is the middle of the torso where a skeleton shows it, of the shoulders where it shows only them, else of the
    box. A raised arm moves the middle of a person's box, not the person; and the middle of a box that the picture's
    border cuts off stays behind the thing, whose pixels say how it moves. One of them is used for a whole track:
    changing between them would look like a jump.
    """
    center = box_center(tracks.xyxy)
    doubt = doubtful(clip, camera, tracks, half_window_s)
    if tracks.velocity_px_s is not None:
        large = overlarge(clip, tracks) | parallax(clip, camera, tracks, half_window_s)
        for n in np.flatnonzero(_is_cut_off(clip, tracks)).tolist():
            seen = np.isfinite(center[n, :, 0])
            if float(np.isfinite(tracks.velocity_px_s[n, seen, 0]).mean()) >= MIN_KNOWN:
                center[n] = _carried(clip, center[n], tracks.velocity_px_s[n])
                rate = fill_gaps(clip.times_s, tracks.velocity_px_s[n, :, 0], MAX_FLOW_GAP_S)
                doubt[n] = large[n] | (seen & ~np.isfinite(rate))
    names = SKELETONS[poses.skeleton]
    for row, track_id in enumerate(poses.ids):
        n = tracks.row(int(track_id))
        seen = np.isfinite(center[n, :, 0])
        for joints in (TORSO, SHOULDERS):
            points = poses.keypoints[row][:, [names.index(name) for name in joints]]
            middle = points[..., :2].mean(1)
            middle[~(points[..., 2] >= SEEN).all(1)] = np.nan
            if seen.any() and np.isfinite(middle[seen, 0]).mean() >= MIN_KNOWN:
                center[n] = middle
                doubt[n] = _leans(clip, camera, middle, poses, row, half_window_s)
                break
    return center, doubt


def _leans(
    clip: Clip,
    camera: CameraMotion,
    body: Float[np.ndarray, "T 2"],
    poses: Poses,
    row: int,
    half_window_s: float,
) -> Bool[np.ndarray, "T"]:
    """Return where a body moves over a foot that stays: it leans, bends or swings, and nobody can say that it goes."""
    result = np.zeros(len(body), bool)
    points, names = poses.keypoints[row], SKELETONS[poses.skeleton]
    trunk = trunk_px(points, poses.skeleton)
    if not np.isfinite(trunk).any():
        return result
    size = float(np.nanmedian(trunk))
    place = _fixed(camera, body)
    velocity = smooth(clip.times_s, place.T.copy(), half_window_s).rate
    with np.errstate(invalid="ignore"):
        moves = ~(np.hypot(*velocity) <= LEAN_TRUNKS_S * size)  # also where it is lost for a moment
    feet = []
    for side in ("left", "right"):
        ankle = points[:, names.index(f"{side}_ankle")]
        with np.errstate(invalid="ignore"):
            foot = np.where((ankle[:, 2] >= SEEN)[:, None], _fixed(camera, ankle[:, :2]), np.nan)
        feet.append(np.stack([fill_gaps(clip.times_s, foot[:, k], MAX_FOOT_GAP_S) for k in (0, 1)], axis=1))
    for stands, least_s in (*((foot, STANCE_S) for foot in feet), (np.hstack(feet), BOTH_FEET_S)):
        for first, last in stretches(moves & np.isfinite(stands).all(1)):
            for a, b in _stances(clip, stands[first : last + 1], STANCE_TRUNKS * size, first, least_s):
                result[a : b + 1] = True
    return result


def _fixed(camera: CameraMotion, points: Float[np.ndarray, "T 2"]) -> Float[np.ndarray, "T 2"]:
    """Return points in the scene where the camera is known, else as filmed."""
    scene: Float[np.ndarray, "T 2"] = apply_affine(camera.to_scene, points)
    return np.where(np.isfinite(scene), scene, points) if np.isfinite(scene).any() else points


def _stances(
    clip: Clip, foot: Float[np.ndarray, "M C"], within_px: float, first: int, least_s: float
) -> Iterator[tuple[int, int]]:
    """Yield the stretches of ``least_s`` or more in which a foot (or two) stays within so many pixels.

    Args:
        clip: for its times.
        foot: its place in consecutive samples, or that of both.
        within_px: how far it may stray.
        first: the number of the first of these samples.
        least_s: how long it must stay.
    """
    for start in range(len(foot)):
        spread = np.maximum.accumulate(foot[start:]) - np.minimum.accumulate(foot[start:])
        end = start + int((spread.max(1) <= within_px).sum()) - 1
        if clip.times_s[first + end] - clip.times_s[first + start] >= least_s - 1e-6:
            yield first + start, first + end


def _is_cut_off(clip: Clip, tracks: Tracks) -> Bool[np.ndarray, "N"]:
    """Return which things without a skeleton the picture's border cuts off for most of their time."""
    cut_off = touches_border(tracks.xyxy, clip.width, clip.height).any(-1)
    seen = np.maximum(np.isfinite(tracks.xyxy[..., 0]).sum(1), 1)
    things = np.array([label != "person" for label in tracks.label], bool)
    mostly: Bool[np.ndarray, "N"] = things & (cut_off.sum(1) >= MIN_CUT_OFF * seen)
    return mostly


def _carried(
    clip: Clip, center: Float[np.ndarray, "T 2"], velocity: Float[np.ndarray, "T 2"]
) -> Float[np.ndarray, "T 2"]:
    """Return the path that starts at the box's middle and goes as its pixels go."""
    path = np.full_like(center, np.nan)
    seen = np.flatnonzero(np.isfinite(center[:, 0]))
    known = np.flatnonzero(np.isfinite(velocity[:, 0]))
    rate = np.stack(
        [np.interp(clip.times_s, clip.times_s[known], velocity[known, k]) for k in (0, 1)], axis=1
    )
    step = np.diff(clip.times_s)[:, None] * (rate[1:] + rate[:-1]) / 2
    way = np.concatenate([np.zeros((1, 2)), np.cumsum(step, axis=0)])
    path[seen] = center[seen[0]] + way[seen] - way[seen[0]]
    return path


def _travel(
    path: Float[np.ndarray, "N T 2"], noise: Float[np.ndarray, "N"]
) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N 2"]]:
    """Return how long each path is, and from where to where it leads."""
    distance, displacement = np.full(len(path), np.nan), np.full((len(path), 2), np.nan)
    for n, row in enumerate(path):
        known = row[np.isfinite(row[:, 0])]
        if len(known):
            turns = known[corners(known, TRAVEL_NOISE * float(noise[n]))]
            distance[n] = np.hypot(*np.diff(turns, axis=0).T).sum()
            displacement[n] = known[-1] - known[0]
    return distance, displacement


def _noise(residual: Float[np.ndarray, "N T 2"]) -> Float[np.ndarray, "N"]:
    """Return a robust standard deviation of the residuals per track; NaN where nothing is known."""
    return 1.4826 * _median(np.hypot(residual[..., 0], residual[..., 1]))


def _median(values: Float[np.ndarray, "N T"]) -> Float[np.ndarray, "N"]:
    """Return the median of what is known in each row; NaN where nothing is."""
    return np.array(
        [float(np.median(row[np.isfinite(row)])) if np.isfinite(row).any() else np.nan for row in values]
    )


def _rms(values: Float[np.ndarray, "N T"]) -> Float[np.ndarray, "N"]:
    """Return the root mean square of what is known in each row; NaN where nothing is."""
    return np.array(
        [
            float(np.sqrt(np.mean(row[np.isfinite(row)] ** 2))) if np.isfinite(row).any() else np.nan
            for row in values
        ]
    )
