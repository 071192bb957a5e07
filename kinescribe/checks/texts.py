"""What a whole text asserts, and what of it is false."""

from __future__ import annotations

from typing import NamedTuple

from kinescribe.checks.measurements import Measurements
from kinescribe.checks.order import check_all
from kinescribe.language.grounding import ground
from kinescribe.language.mope import parse
from kinescribe.language.referring import names
from kinescribe.records import Claim, Tracks


class Objection(NamedTuple):
    """A sentence that asserts something false, by its place in the text, and why it is false."""

    start: int
    end: int
    why: str


def claims_of(text: str, tracks: Tracks) -> tuple[Claim, ...]:
    """Return what a text asserts, read back by the parser and tied to the tracks it names."""
    return ground(parse(text), tracks, names(tracks))


def refuted(text: str, measured: Measurements) -> list[Objection]:
    """Return the sentences of a text that assert something the judge refutes, with its reasons."""
    claims = claims_of(text, measured.tracks)
    return [
        Objection(claim.action.start, claim.action.end, judged.why)
        for claim, judged in zip(claims, check_all(claims, measured), strict=True)
        if judged.holds is False
    ]
