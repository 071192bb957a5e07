"""What finders of events look at, and what several of them work out from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from kinescribe.events.settings import EventSettings
from kinescribe.kinematics.posture import Figure
from kinescribe.records import NO_DEPTH, CameraMotion, Clip, Depth, Event, Kinematics, Poses, Span, Tracks


@dataclass(frozen=True, eq=False)
class Scene:
    """The records of one clip that motion shows in, and what several finders work out from them."""

    clip: Clip
    camera: CameraMotion
    tracks: Tracks
    poses: Poses
    kinematics: Kinematics
    depth: Depth = NO_DEPTH

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """The skeletons, each in its own measure, the camera's motion removed where it is known."""
        times, poses, maps = self.clip.times_s, self.poses, self.camera.to_scene
        return tuple(Figure(times, points, poses.skeleton, maps) for points in poses.keypoints)


Finder = Callable[[Scene, EventSettings, Sequence[Event]], Iterator[Event]]
"""Finds one family of events; it may read what the finders before it have found."""


def span_of(clip: Clip, a: int, b: int) -> Span:
    """Return the time from one sample to another."""
    return Span(float(clip.times_s[a]), float(clip.times_s[b]))


def core(values: Float[np.ndarray, "M"], a: int, b: int) -> tuple[int, int]:
    """Return the part of a swing between its turning points in which 5-95 % of the change happens."""
    swing = np.abs(values[a : b + 1] - values[a]) / max(abs(values[b] - values[a]), 1e-9)
    started = b - int((swing[::-1] <= 0.05).argmax())
    done = a + int((swing >= 0.95).argmax())
    return (started, done) if done > started else (a, b)


def changes_scale(camera: CameraMotion, span: Span) -> bool:
    """Whether boxes grow, or may grow, because of the camera, so that growth says nothing about the subject."""
    return any(label.startswith(("zoom", "dolly", "complex", "unknown")) for label in camera.labels_in(span))
