"""Check every claim of every caption against the measurements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from kinescribe.checks import Judgement, Measurements, check
from kinescribe.records import (
    CameraMotion,
    Captions,
    Claim,
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

    revision: ClassVar[int] = 3

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
            verdicts += [Verdict(i, j, *found) for j, found in enumerate(judged(caption.claims, measured))]
        return Verdicts(tuple(verdicts))


def judged(claims: Iterable[Claim], measured: Measurements) -> list[Judgement]:
    """Return what the measurements say to each claim."""
    return [check(claim, measured) for claim in claims]
