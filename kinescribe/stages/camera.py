"""How the camera moves: the first thing that is measured, because everything else moves with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kinescribe import plugins
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import Frames


@dataclass(frozen=True)
class MeasureCamera:
    """Pictures in, the camera's motion out."""

    backend: str = "lk_grid"
    """File in ``backends/cameras``."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the backend."""

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
        """Measure the camera of a clip.

        Raises:
            BackendError: there is no such backend, or what it needs is missing.
        """
        motion: CameraMotion = plugins.load("cameras", self.backend)(**self.options)(clip, frames)
        return motion

    def identity(self) -> str:
        """Name what the answer depends on besides the settings."""
        return plugins.identity("cameras", self.backend)
