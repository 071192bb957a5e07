"""Check every claim of every caption against the measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinescribe.checks import Measurements, check_all
from kinescribe.records import (
    CameraMotion,
    Captions,
    Clip,
    Kinematics,
    Poses,
    Tracks,
    Verdict,
    Verdicts,
)


@dataclass(frozen=True)
class VerifyCaptions:
    """Captions in, one verdict per claim out; reads no events or facts, so that no fact vouches for itself."""

    revision: ClassVar[int] = 4

    def __call__(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        captions: Captions,
    ) -> Verdicts:
        """Judge all claims, in the order of the captions."""
        measured = Measurements(clip, camera, tracks, poses, kinematics)
        verdicts: list[Verdict] = []
        for i, caption in enumerate(captions.captions):
            verdicts += [Verdict(i, j, *found) for j, found in enumerate(check_all(caption.claims, measured))]
        return Verdicts(tuple(verdicts))
