"""Skeletons of the people that are tracked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from kinescribe import plugins
from kinescribe.records import Clip, Detections, Poses, Tracks
from kinescribe.stages.trust import trusted
from kinescribe.video import Frames


@dataclass(frozen=True)
class EstimatePoses:
    """Tracks in, skeletons out; joints that time shows to be mis-seen have lost their score (``stages/trust.py``)."""

    backend: str = "detected"
    """File name in ``backends/poses``; ``detected`` uses what a one-stage detector saw."""
    options: dict[str, Any] = field(default_factory=dict)
    """Settings of the backend."""

    revision: ClassVar[int] = 2

    def __call__(self, clip: Clip, frames: Frames, detections: Detections, tracks: Tracks) -> Poses:
        """Estimate the pose of every track that has one."""
        poses: Poses = plugins.load("poses", self.backend)(**self.options)(clip, frames, detections, tracks)
        return trusted(clip, tracks, poses)

    def identity(self) -> str:
        """Name what the answer depends on besides the settings."""
        return plugins.identity("poses", self.backend, self.options)
