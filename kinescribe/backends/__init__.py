"""Models behind stages: one file each, chosen by its file name (``plugins.load``).

A backend is a frozen dataclass: its fields are its settings (set in a recipe as ``[stage.options]``), its
``__call__`` does the work. An optional classmethod ``identity() -> str`` names what its answers depend on
besides the settings (weights present, their checksum); a changed identity makes stored results stale.
``revision`` (a class variable) is raised when the same input gives another output than before.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from kinescribe.records import CameraMotion, Clip, Detections, Facts, Kinematics, Poses, Tracks
from kinescribe.video import Frames


@runtime_checkable
class Camera(Protocol):
    """``backends/cameras``: how the camera moves."""

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion: ...


@runtime_checkable
class Detector(Protocol):
    """``backends/detectors``: what is seen in single samples.

    ``regions`` are proposals of the detectors that ran before (moving things without a name).
    """

    def __call__(
        self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections
    ) -> Detections: ...


@runtime_checkable
class Tracker(Protocol):
    """``backends/trackers``: which detections are the same subject over time."""

    def __call__(self, clip: Clip, camera: CameraMotion, detections: Detections) -> Tracks: ...


@runtime_checkable
class Pose(Protocol):
    """``backends/poses``: skeletons for tracks."""

    def __call__(self, clip: Clip, frames: Frames, detections: Detections, tracks: Tracks) -> Poses: ...


@runtime_checkable
class Draft(Protocol):
    """A text before it is read back: scope, subject and the words."""

    @property
    def text(self) -> str:
        """The words."""
        ...

    @property
    def scope(self) -> str:
        """``scene`` or ``region``."""
        ...

    @property
    def subject(self) -> int | None:
        """Track id of a region's subject; None for a scene."""
        ...


@runtime_checkable
class Captioner(Protocol):
    """``backends/captioners``: texts about a clip. What they assert is read back by the parser, not taken on trust."""

    def __call__(self, clip: Clip, tracks: Tracks, kinematics: Kinematics, facts: Facts) -> list[Draft]: ...
