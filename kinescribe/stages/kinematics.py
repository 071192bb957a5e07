"""Paths, speeds and headings of everything tracked; joint angles and spectra of bodies (KPM 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.geometry import (
    apply_affine,
    box_center,
    box_size,
    fill_gaps,
    heading_deg,
    inner_angle_deg,
    smooth,
    spectrum,
    stretches,
    touches_border,
)
from kinescribe.records import CameraMotion, Clip, JointKinematics, Kinematics, Poses, TrackKinematics, Tracks
from kinescribe.vocabulary import ANGLES, SKELETONS

TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
MIN_KNOWN = 0.8
"""Share of a track's samples for which its torso, or its pixels' velocity, must be known to be used."""
MIN_CUT_OFF = 0.5
"""Share of a track's samples at the picture's border from which its pixels are asked instead of its box."""


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

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, camera: CameraMotion, tracks: Tracks, poses: Poses) -> Kinematics:
        """Measure every track and every skeleton."""
        return Kinematics(self._tracks(clip, camera, tracks, poses), self._joints(clip, poses))

    def _tracks(self, clip: Clip, camera: CameraMotion, tracks: Tracks, poses: Poses) -> TrackKinematics:
        center = _centers(clip, tracks, poses)
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
        sizes = np.log(np.maximum(box_size(tracks.xyxy), 1e-6))
        # What the border cuts off most of the time has no size to be told.
        sizes[_is_cut_off(clip, tracks)] = np.nan
        size = smooth(clip.times_s, sizes, self.half_window_s)
        return TrackKinematics(
            ids=tracks.ids,
            frame=tuple("scene" if known else "image" for known in scene_known),
            image_px=image,
            scene_px=scene,
            velocity_px_s=velocity,
            speed_px_s=speed,
            acceleration_px_s2=smooth(clip.times_s, speed, self.half_window_s).rate,
            heading_deg=np.where(speed > self.still_fraction * clip.width, heading, np.nan),
            size_px=np.exp(size.value),
            scale_rate_s=size.rate,
            noise_px=_noise(raw - path),
        )

    def _smooth_2d(
        self, clip: Clip, points: Float[np.ndarray, "N T 2"]
    ) -> tuple[Float[np.ndarray, "N T 2"], Float[np.ndarray, "N T 2"]]:
        rows = points.transpose(0, 2, 1).reshape(-1, points.shape[1])
        value, rate = smooth(clip.times_s, rows, self.half_window_s)
        shape = (len(points), 2, points.shape[1])
        return value.reshape(shape).transpose(0, 2, 1), rate.reshape(shape).transpose(0, 2, 1)

    def _joints(self, clip: Clip, poses: Poses) -> JointKinematics:
        angle = self._angles(poses)
        shape = angle.shape
        rows = angle.transpose(0, 2, 1).reshape(-1, shape[1])
        value, rate = smooth(clip.times_s, rows, self.half_window_s)
        spectra = np.array([self._spectral(clip, row) for row in rate]).reshape(shape[0], shape[2], 3)
        return JointKinematics(
            ids=poses.ids,
            angle_deg=np.clip(value, 0, 180).reshape(shape[0], shape[2], shape[1]).transpose(0, 2, 1),
            speed_deg_s=rate.reshape(shape[0], shape[2], shape[1]).transpose(0, 2, 1),
            energy=spectra[..., 0],
            high_share=spectra[..., 1],
            sigma=spectra[..., 2],
        )

    def _angles(self, poses: Poses) -> Float[np.ndarray, "N T J"]:
        index = {name: i for i, name in enumerate(SKELETONS[poses.skeleton])}
        triplets = np.array([[index[point] for point in names] for names in ANGLES.values()])
        # Angles in space where there is a third dimension: in the picture they change with the view.
        a, b, c = (poses.world[:, :, column] for column in triplets.T)
        angle = inner_angle_deg(a, b, c)
        with np.errstate(invalid="ignore"):
            sure = (poses.keypoints[:, :, triplets, 2] >= self.min_point_score).all(-1)
        return np.where(sure, angle, np.nan)

    def _spectral(self, clip: Clip, rate: Float[np.ndarray, "T"]) -> tuple[float, float, float]:
        """Return energy, high-frequency share and sigma of the longest gapless stretch (KPM eq. 6-8)."""
        filled = fill_gaps(clip.times_s, rate, 0.3)
        runs = stretches(np.isfinite(filled))
        a, b = max(runs, key=lambda run: run[1] - run[0], default=(0, 0))
        if b - a < 8:  # under about a second at 10 Hz there is no spectrum to speak of
            return (np.nan, np.nan, np.nan)
        times = clip.times_s[a : b + 1]
        grid = np.linspace(times[0], times[-1], len(times))
        frequency, power = spectrum(
            np.interp(grid, times, filled[a : b + 1]), (len(grid) - 1) / (grid[-1] - grid[0])
        )
        total = float(power.sum())
        share = float(power[frequency > self.high_hz].sum()) / total if total > 1e-9 else np.nan
        return (total, share, float(np.sqrt(power).std()))


def _centers(clip: Clip, tracks: Tracks, poses: Poses) -> Float[np.ndarray, "N T 2"]:
    """Return where each subject is: the middle of the torso where a skeleton shows it, else of the box.

    A raised arm moves the middle of a person's box, not the person; and the middle of a box that the picture's
    border cuts off stays behind the thing, whose pixels say how it moves. One of the three is used for a whole
    track: changing between them would look like a jump.
    """
    center = box_center(tracks.xyxy)
    if tracks.velocity_px_s is not None:
        for n in np.flatnonzero(_is_cut_off(clip, tracks)).tolist():
            seen = np.isfinite(center[n, :, 0])
            if float(np.isfinite(tracks.velocity_px_s[n, seen, 0]).mean()) >= MIN_KNOWN:
                center[n] = _carried(clip, center[n], tracks.velocity_px_s[n])
    index = [SKELETONS[poses.skeleton].index(name) for name in TORSO]
    for row, track_id in enumerate(poses.ids):
        n = tracks.row(int(track_id))
        points = poses.keypoints[row][:, index]
        torso = points[..., :2].mean(1)
        torso[~(points[..., 2] >= 0.5).all(1)] = np.nan
        seen = np.isfinite(center[n, :, 0])
        if np.isfinite(torso[seen, 0]).mean() >= MIN_KNOWN:
            center[n] = torso
    return center


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


def _noise(residual: Float[np.ndarray, "N T 2"]) -> Float[np.ndarray, "N"]:
    """Return a robust standard deviation of the residuals per track; NaN where nothing is known."""
    result = np.full(len(residual), np.nan)
    for i, row in enumerate(np.hypot(residual[..., 0], residual[..., 1])):
        if np.isfinite(row).any():
            result[i] = 1.4826 * float(np.nanmedian(row))
    return result
