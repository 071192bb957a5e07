"""Check every claim of every caption against the measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kinescribe.checks import Measurements, check_all
from kinescribe.records import (
    NO_DEPTH,
    CameraMotion,
    Captions,
    Clip,
    Depth,
    Kinematics,
    Poses,
    Tracks,
    Verdict,
    Verdicts,
)


@dataclass(frozen=True)
class VerifyCaptions:
    """Captions in, one verdict per claim out; reads no events or facts, so that no fact vouches for itself."""

    revision: ClassVar[int] = 5

    def __call__(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        captions: Captions,
        depth: Depth = NO_DEPTH,
    ) -> Verdicts:
        """Judge all claims, in the order of the captions."""
        measured = Measurements(clip, camera, tracks, poses, kinematics, depth)
        verdicts: list[Verdict] = []
        for i, caption in enumerate(captions.captions):
            verdicts += [Verdict(i, j, *found) for j, found in enumerate(check_all(caption.claims, measured))]
        return Verdicts(tuple(verdicts))
