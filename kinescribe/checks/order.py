"""Whether things happen in the order that a text says, recomputed from the same measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinescribe.checks.judge import check
from kinescribe.checks.measurements import Judgement, Measurements
from kinescribe.language.grounding import meaning
from kinescribe.records import Claim, Span

STEPS = 24
"""Instants of a clip at which "up to now" is told from "from now on": a quarter of a second in a clip of six."""
LEAST_STEP_S = 0.1
"""Two samples at the door's 10 Hz: no order is seen more finely."""


def check_all(claims: Sequence[Claim], measured: Measurements) -> list[Judgement]:
    """Judge the claims of a text, each by itself and in the order in which they are said to happen.

    A claim that holds is contradicted if it is said to come after another one that holds, and does not. A rest that has
    a place in an order ("stays in place, then moves") need not last all the time, as one without must.
    """
    found = [check(claim, measured) for claim in claims]
    for rest, other, first in _rests(claims):
        if found[rest].holds is False and found[other].holds is True:
            pair = (claims[rest], claims[other]) if first else (claims[other], claims[rest])
            order = in_order(*pair, measured)
            found[rest] = order if order.holds is True else found[rest]
    return [
        _in_its_place(claim, own, claims, found, measured) for claim, own in zip(claims, found, strict=True)
    ]


def _rests(claims: Sequence[Claim]) -> Iterator[tuple[int, int, bool]]:
    """Yield rests without a time that are said to come before or after something: both places, and whether before."""
    for i, claim in enumerate(claims):
        after = claim.action.after
        if after is None or not 0 <= after < len(claims):
            continue
        for rest, other, first in ((after, i, True), (i, after, False)):
            meant = meaning(claims[rest].action, claims[rest].subject)
            if meant is not None and meant.predicate == "stay" and meant.span is None and not meant.negated:
                yield rest, other, first


def in_order(first: Claim, second: Claim, measured: Measurements) -> Judgement:
    """Judge "first, then second", both of which hold.

    It is true if there is an instant up to which the first and from which on the second is seen: what lasts, or
    happens again, may stand in either order. It is false if there is none, and one for the other way round.
    """
    ways = (
        (_Parts(first, measured), _Parts(second, measured)),
        (_Parts(second, measured), _Parts(first, measured)),
    )
    for holds, (one, two) in zip((True, False), ways, strict=True):
        for now in _instants(measured):
            until = one.until(now)
            since = two.since(now) if until.holds else until
            if until.holds and since.holds:
                said = "in this order" if holds else "the other way round"
                return Judgement(holds, f"{said}: up to {now:.1f} s {until.why}; from then on {since.why}")
    return Judgement(None, "which comes first is not sure")


def _instants(measured: Measurements) -> list[float]:
    seconds = measured.clip.duration_s
    step = max(LEAST_STEP_S, seconds / STEPS)
    found: list[float] = np.arange(step, seconds - step / 2, step).tolist()
    return found


@dataclass(frozen=True)
class _Parts:
    """A claim in the time up to an instant, and from it on."""

    claim: Claim
    measured: Measurements

    def until(self, now: float) -> Judgement:
        return self._during(Span(0.0, now))

    def since(self, now: float) -> Judgement:
        return self._during(Span(now, self.measured.clip.duration_s))

    def _during(self, span: Span) -> Judgement:
        timeless = replace(self.claim, action=replace(self.claim.action, span=None))
        return check(timeless, self.measured.within(span))


def _in_its_place(
    claim: Claim, own: Judgement, claims: Sequence[Claim], found: Sequence[Judgement], measured: Measurements
) -> Judgement:
    after = claim.action.after
    if (
        own.holds is not True
        or after is None
        or not 0 <= after < len(claims)
        or found[after].holds is not True
    ):
        return own
    if claim.action.span is not None and claims[after].action.span is not None:
        return own  # both were judged in their time
    if claim.action.negated or claims[after].action.negated:
        return own  # what does not happen has no time
    order = in_order(claims[after], claim, measured)
    if order.holds is True:
        return Judgement(True, f"{own.why}; {order.why}")
    said = f'after "{claims[after].action.predicate}": {order.why}'
    return Judgement(order.holds, said if order.holds is False else f"{own.why}; {said}")
