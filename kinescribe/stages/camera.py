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
    drop_above: float | None = None
    """Do not go on with clips whose score s_m is above this; FoundationMotion's command line has 0.3, which is an
    even pan by 57 degrees. None keeps all: their motion is compensated."""

    revision: ClassVar[int] = 1
    GATES: ClassVar[tuple[str, ...]] = ("drop_above",)

    def __post_init__(self) -> None:
        if self.drop_above is not None and not self.drop_above >= 0:
            raise ValueError("drop_above must be at least 0")

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
        """Measure the camera of a clip.

        Raises:
            BackendError: there is no such backend, or what it needs is missing.
        """
        motion: CameraMotion = plugins.load("cameras", self.backend)(**self.options)(clip, frames)
        return motion

    def drops(self, motion: CameraMotion) -> str | None:
        """Return why a clip is not worth going on with; None where it is, or where the score is unknown."""
        if self.drop_above is None or not motion.score > self.drop_above:
            return None
        return f"s_m = {motion.score:.2f} is above camera.drop_above = {self.drop_above:g}"

    def identity(self) -> str:
        """Name what the answer depends on besides the settings."""
        return plugins.identity("cameras", self.backend, self.options)
