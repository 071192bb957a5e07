"""Two subjects side by side: their ways in one frame of reference, and how their boxes lie to each other."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.events.scene import Scene
from kinescribe.geometry import apply_affine, median, stretches, touches_border
from kinescribe.records import Event, Span


class Ways:
    """All tracks of a scene in one frame of reference: what is the same for every two of them.

    Args:
        scene: the records.
        in_scene: whether in scene coordinates; else as filmed.
    """

    def __init__(self, scene: Scene, in_scene: bool) -> None:
        motion, boxes, maps = scene.kinematics.tracks, scene.tracks.xyxy, scene.camera.to_scene
        self.scene, self.in_scene = scene, in_scene
        self.path: Float[np.ndarray, "N T 2"] = motion.scene_px if in_scene else motion.image_px
        self.low: Float[np.ndarray, "N 2"] = np.fmin.reduce(self.path, axis=1)
        self.high: Float[np.ndarray, "N 2"] = np.fmax.reduce(self.path, axis=1)
        """The box that each path fills; NaN where it is not known at all."""
        middle, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
        linear = maps[:, :, :2]
        scale = np.sqrt(np.abs(linear[:, 0, 0] * linear[:, 1, 1] - linear[:, 0, 1] * linear[:, 1, 0]))
        self.scale: Float[np.ndarray, "T"] = scale if in_scene else np.ones(len(scale))
        """Pixels of this frame of reference per pixel as filmed."""
        self.middle: Float[np.ndarray, "N T 2"] = apply_affine(maps[None], middle) if in_scene else middle
        """Of the boxes, not smoothed."""
        self.half: Float[np.ndarray, "N T 2"] = half * self.scale[:, None]
        """Half width and half height of the boxes."""
        areas = 4 * np.maximum(self.half, 0).prod(-1)
        self.size_px = tuple(
            math.sqrt(median(area[np.isfinite(area)])) if np.isfinite(area).any() else float("nan")
            for area in areas
        )
        """Of each track: square root of its box's area in the median of the samples in which it is known."""
        cut = touches_border(boxes, scene.clip.width, scene.clip.height)
        self.whole: Bool[np.ndarray, "N T"] = np.asarray(cut.sum(-1) == 0)
        """Where the border does not cut a box off."""
        self.detected: Bool[np.ndarray, "N T"] = scene.tracks.seen
        """Where a box was seen."""


class Two:
    """Two tracks of a scene.

    Both are in scene coordinates if the camera is known for both, so that a zoom does not drive them apart; else
    both as filmed.

    Args:
        ways: all tracks, in the frame of reference of both.
        i: row of the first.
        j: row of the second.
    """

    def __init__(self, ways: Ways, i: int, j: int) -> None:
        scene, motion, rows = ways.scene, ways.scene.kinematics.tracks, [i, j]
        self.ids = (int(motion.ids[i]), int(motion.ids[j]))
        self.labels = (scene.tracks.label[i], scene.tracks.label[j])
        self.times_s, self.width, self.in_scene = scene.clip.times_s, scene.clip.width, ways.in_scene
        self.own_ways = ways.in_scene or not (
            scene.camera.moves or "scene" in (motion.frame[i], motion.frame[j])
        )
        """Whether the paths show who moves: not where a camera that moves carries both along."""
        self.path: Float[np.ndarray, "2 T 2"] = ways.path[rows]
        self.velocity_px_s: Float[np.ndarray, "2 T 2"] = motion.velocity_px_s[rows]
        """In the frame of the paths, if they are ``own_ways``."""
        self.noise_px: Float[np.ndarray, "2"] = np.nan_to_num(motion.noise_px[rows])
        self.half: Float[np.ndarray, "2 T 2"] = ways.half[rows]
        """Half width and half height of the boxes, in pixels of the paths' frame."""
        self.size_px = (ways.size_px[i], ways.size_px[j])
        self.mean_size_px = sum(self.size_px) / 2
        self.scale: Float[np.ndarray, "T"] = ways.scale
        shared = np.minimum(ways.high[i], ways.high[j]) - np.maximum(ways.low[i], ways.low[j])
        self.paths_may_meet = bool((shared >= 0).all())
        """Whether the boxes that the two paths fill overlap."""
        self._ways, self._rows = ways, rows

    @cached_property
    def boxes(self) -> Float[np.ndarray, "2 T 4"]:
        """As filmed."""
        return self._ways.scene.tracks.xyxy[self._rows]

    @cached_property
    def detected(self) -> Bool[np.ndarray, "T"]:
        """Where both boxes were seen, none filled in."""
        return np.asarray(self._ways.detected[self._rows].all(0))

    @cached_property
    def whole(self) -> Bool[np.ndarray, "T"]:
        """Where the border cuts off neither box."""
        return np.asarray(self._ways.whole[self._rows].all(0))

    @cached_property
    def middle_apart(self) -> Float[np.ndarray, "T 2"]:
        """From the second box to the first, not smoothed."""
        return np.asarray(self._ways.middle[self._rows[0]] - self._ways.middle[self._rows[1]])

    @cached_property
    def apart(self) -> Float[np.ndarray, "T 2"]:
        """From the second to the first, in pixels; NaN unless both are known."""
        return np.asarray(self.path[0] - self.path[1])

    @cached_property
    def distance(self) -> Float[np.ndarray, "T"]:
        """Between the two centres, in pixels."""
        return np.asarray(np.hypot(*self.apart.T))

    @cached_property
    def together(self) -> list[tuple[int, int]]:
        """First and last sample of each time in which both are known."""
        return stretches(np.isfinite(self.distance))

    @cached_property
    def _usual_half(self) -> Float[np.ndarray, "2"]:
        """Both half sides added, in the median: boxes of things that are near each other merge now and then."""
        both = self.half.sum(0)
        return np.array([median(side) for side in both[np.isfinite(both[:, 0])].T])

    @cached_property
    def most_reach(self) -> float:
        """In any direction, the largest ``reach``."""
        return math.hypot(*self._usual_half.tolist())

    def reach(self, along: Float[np.ndarray, "*K 2"]) -> Float[np.ndarray, "*K"]:
        """Return how far apart the centres are along unit vectors when one box ends where the other begins."""
        return np.asarray(np.abs(along) @ self._usual_half)

    def side_deg(self, mover: int, at: int) -> float:
        """Return where the other lies, seen from one of the two (0 or 1): 0 to the right of it, 90 above it."""
        dx, dy = (self.apart[at] * (-1 if mover == 0 else 1)).tolist()
        return math.degrees(math.atan2(-dy, dx)) % 360

    def way(self, a: int, b: int) -> Float[np.ndarray, "2 2"]:
        """Return how each gets on from one sample to another, in pixels."""
        return np.asarray(self.path[:, b] - self.path[:, a])


def bridged(runs: list[tuple[int, int]], samples: int) -> list[tuple[int, int]]:
    """Join runs of samples that are at most so many samples apart."""
    joined: list[tuple[int, int]] = []
    for a, b in runs:
        if joined and a - joined[-1][1] - 1 <= samples:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


def minima(values: Float[np.ndarray, "M"]) -> Int[np.ndarray, "K"]:
    """Return the samples that are lower than the two before and not higher than the two after; no ends."""
    inner = values[1:-1]
    lowest = (inner < values[:-2]) & (inner <= values[2:])
    lowest[1:] &= inner[1:] < values[:-3]
    lowest[:-1] &= inner[:-1] <= values[3:]
    return 1 + np.flatnonzero(lowest)


def angle_deg(one: Float[np.ndarray, "2"], other: Float[np.ndarray, "2"]) -> float:
    """Return the angle between two vectors, 0 to 180."""
    cross = float(one[0] * other[1] - one[1] * other[0])
    return math.degrees(math.atan2(abs(cross), float(one @ other)))


def relation(
    two: Two,
    subject: int,
    kind: str,
    a: int,
    b: int,
    values: dict[str, float],
    direction: tuple[str, ...] = (),
) -> Event:
    """Return an event of one of the two (0 or 1) with where the other lies, before and after, as evidence."""
    sides = {
        f"{when}_{name}": value
        for when, at in zip(("from", "to"), (a, b), strict=True)
        if math.isfinite(two.distance[at])
        for name, value in (
            ("widths", float(two.distance[at]) / two.width),
            ("side_deg", two.side_deg(subject, at)),
        )
    }
    return Event(
        two.ids[subject],
        kind,
        Span(float(two.times_s[a]), float(two.times_s[b])),
        {**sides, **values, "in_scene": float(two.in_scene)},
        other=two.ids[1 - subject],
        direction=direction,
    )
