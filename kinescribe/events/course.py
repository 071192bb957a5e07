"""One subject's path through a clip: what counts as motion on it, and the bouts in which it moves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.events.scene import Scene
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import fill_gaps, median, touches_border
from kinescribe.kinematics.posture import SEEN
from kinescribe.records import Clip, Poses, Span
from kinescribe.trajectory import moving_stretches, onset_s
from kinescribe.vocabulary import SKELETONS

MAX_GAP_S = 0.35
"""Shorter gaps in a path are bridged by a straight line: two lost samples at 10 Hz, as the judge does it
(``checks/tolerances``, ``MAX_LOST_S``). Boxes are doubted for a moment where a thing turns round."""

MIN_BOUT_S = 0.3
"""A shorter stretch of motion is jitter."""


class Bout(NamedTuple):
    """A stretch of motion; indices are inclusive."""

    first: int
    last: int
    start_s: float
    """When it set off: smoothing shows a motion before it begins and after it ends."""
    end_s: float


@dataclass(frozen=True, eq=False)
class Course:
    """Where one subject is, and its limits of motion."""

    clip: Clip
    poses: Poses
    subject: int
    in_scene: bool
    """Whether the path is free of the camera's motion; else it is as filmed."""
    path: Float[np.ndarray, "T 2"]
    """In pixels, smoothed; short gaps are bridged."""
    speed: Float[np.ndarray, "T"]
    """In pixels per second; bridged likewise."""
    whole: Bool[np.ndarray, "T"]
    """Where its speed is its own: the border of the picture cuts nothing off, or its shoulders are seen."""
    size_px: float
    """Typical square root of the box's area; NaN where the border hides it."""
    noise_px: float
    """Standard deviation of the box's jitter."""
    still_px_s: float
    """Slower is still."""
    shift_px: float
    """A shorter way is no movement."""
    rest_s: float
    """A shorter rest does not end a movement."""

    @cached_property
    def bouts(self) -> list[Bout]:
        """Stretches of motion, whether or not they lead anywhere; shorter stops than a rest do not end one."""
        merged: list[Bout] = []
        for a, b in moving_stretches(self.clip.times_s, self.speed, self.still_px_s, 0.0, 0.0):
            if self._twitch(a, b):
                continue
            bout = self._bout(a, b)
            before = merged[-1] if merged else bout
            known = np.isfinite(self.speed[before.last : a]).all()
            if merged and known and bout.start_s - before.end_s < self.rest_s:
                bout = Bout(before.first, b, before.start_s, bout.end_s)
                merged.pop()
            merged.append(bout)
        times = self.clip.times_s
        return [bout for bout in merged if times[bout.last] - times[bout.first] >= MIN_BOUT_S]

    def _twitch(self, a: int, b: int) -> bool:
        """Whether motion shows for a moment at the end of what is known, where rates are one-sided and no rates."""
        times, last = self.clip.times_s, len(self.clip.times_s) - 1
        ends = a == 0 or b == last or not np.isfinite(self.speed[[a - 1, b + 1]]).all()
        return ends and bool(times[b] - times[a] < MIN_BOUT_S)

    def _bout(self, a: int, b: int) -> Bout:
        times, back = self.clip.times_s, len(self.clip.times_s) - 1
        sure = a + np.flatnonzero(self.speed[a : b + 1] > self.still_px_s)
        start = onset_s(times, self.speed, a, int(sure[0]), b)
        end = -onset_s(-times[::-1], self.speed[::-1], back - b, back - int(sure[-1]), back - a)
        return Bout(a, b, start, end)

    def span(self, first: int, last: int, bout: Bout) -> Span:
        """Return the time of a part of a bout, whose own ends are known better than to a sample."""
        times = self.clip.times_s
        start = bout.start_s if first == bout.first else float(times[first])
        end = bout.end_s if last == bout.last else float(times[last])
        return Span(start, end) if end > start else Span(float(times[first]), float(times[last]))

    def way_px(self, first: int, last: int) -> float:
        """Return the length of the path between two samples."""
        return float(np.hypot(*np.diff(self.path[first : last + 1], axis=0).T).sum())

    def extent_px(self, first: int, last: int) -> float:
        """Return the larger side of the box that the path fills between two samples."""
        return float(np.ptp(self.path[first : last + 1], axis=0).max())


def course(scene: Scene, row: int, settings: EventSettings) -> Course:
    """Return the path of the track in a row of the kinematics."""
    clip, motion = scene.clip, scene.kinematics.tracks
    measured = motion.path_px(row)
    path = np.stack([fill_gaps(clip.times_s, measured[:, k], MAX_GAP_S) for k in (0, 1)], axis=1)
    known = np.isfinite(motion.size_px[row])
    size = median(motion.size_px[row, known]) if known.any() else float("nan")
    own, noise = (value if math.isfinite(value) else 0.0 for value in (size, float(motion.noise_px[row])))
    still = max(
        settings.min_speed_widths_s * clip.width,
        settings.min_speed_sizes_s * own,
        settings.min_speed_noise_s * noise * _scatter(clip),
    )
    shift = max(
        settings.min_shift_widths * clip.width,
        settings.min_shift_sizes * own,
        settings.min_shift_noise * noise,
    )
    return Course(
        clip=clip,
        poses=scene.poses,
        subject=int(motion.ids[row]),
        in_scene=motion.frame[row] == "scene",
        path=path,
        speed=fill_gaps(clip.times_s, motion.speed_px_s[row], MAX_GAP_S),
        whole=_whole(scene, row),
        size_px=size,
        noise_px=noise,
        still_px_s=still,
        shift_px=shift,
        rest_s=settings.min_rest_s,
    )


def _scatter(clip: Clip) -> float:
    """Return how much more jitter fakes as speed than it does at 10 Hz: a window holds so many fewer samples."""
    times = clip.times_s
    return float(np.sqrt((times[-1] - times[0]) / (len(times) - 1) / 0.1)) if len(times) > 1 else 1.0


def _whole(scene: Scene, row: int) -> Bool[np.ndarray, "T"]:
    clip, tracks, poses = scene.clip, scene.tracks, scene.poses
    whole = np.asarray(~touches_border(tracks.xyxy[row], clip.width, clip.height).any(-1))
    for points in poses.keypoints[poses.ids == tracks.ids[row]]:
        names = SKELETONS[poses.skeleton]
        shoulders = points[:, [names.index("left_shoulder"), names.index("right_shoulder")], 2]
        whole |= (shoulders >= SEEN).all(-1)
    return whole
