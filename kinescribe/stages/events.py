"""Measured happenings: who moved when, how, how often, and relative to whom; every event carries its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinescribe.events import FINDERS, EventSettings, Scene, segments
from kinescribe.records import (
    NO_DEPTH,
    CameraMotion,
    Clip,
    Depth,
    Event,
    Events,
    Kinematics,
    Poses,
    Tracks,
)


@dataclass(frozen=True)
class FindEvents(EventSettings):
    """Kinematics in, events out."""

    revision: ClassVar[int] = 4

    def __call__(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        depth: Depth = NO_DEPTH,
    ) -> Events:
        """Find all events, ordered by start, subject and kind, and the segments that they fill."""
        scene = Scene(clip, camera, tracks, poses, kinematics, depth)
        found: list[Event] = []
        for find in FINDERS:
            found += find(scene, self, found)
        found.sort(key=lambda e: (e.span.start_s, e.subject, e.kind, e.part or "", e.span.end_s))
        return Events(tuple(found), segments.find(scene, self, found))
