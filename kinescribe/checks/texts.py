"""What a whole text asserts, and what of it is false."""

from __future__ import annotations

from typing import NamedTuple

from kinescribe.checks.judge import check
from kinescribe.checks.measurements import Measurements
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
    found = ((claim.action, check(claim, measured)) for claim in claims_of(text, measured.tracks))
    return [
        Objection(action.start, action.end, judged.why) for action, judged in found if judged.holds is False
    ]
