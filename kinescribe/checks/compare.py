"""Two texts: how alike are the actions that they assert (MoPE, KPM 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from kinescribe.records import Action
from kinescribe.vocabulary import COMPASS, VERB_BY_LEMMA


class Match(NamedTuple):
    """How a candidate text's actions agree with a reference's; all shares in [0, 1]."""

    precision: float
    recall: float
    f1: float
    agent: float
    """Share of the matched actions with the same agent (likewise below)."""
    patient: float
    direction: float
    repetitions: float
    order: float
    """Share of the reference's ordered pairs that the candidate has in the same order; missing ones are wrong."""
    pairs: tuple[tuple[int, int], ...]
    """(reference, candidate) indices of the matched actions."""

    @property
    def score(self) -> float:
        """One number: F1 times the mean agreement of the attributes."""
        return self.f1 * (self.agent + self.patient + self.direction + self.repetitions + self.order) / 5


def compare(reference: Sequence[Action], candidate: Sequence[Action]) -> Match:
    """Align two texts' actions one to one by verb, then by attributes, and count what agrees.

    Verbs match by lemma or by what they assert (to raise, to lift). Denied actions match denied ones only.
    Two texts without actions agree fully.
    """
    pairs = _aligned(reference, candidate)
    hits = len(pairs)
    if not reference and not candidate:
        return Match(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, ())
    precision = hits / len(candidate) if candidate else 0.0
    recall = hits / len(reference) if reference else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    both = [(reference[i], candidate[j]) for i, j in pairs]
    shares = {name: _share([agree(a, b) for a, b in both]) for name, agree in _AGREE.items()}
    return Match(precision, recall, f1, **shares, order=_order(reference, candidate, pairs), pairs=pairs)


def _aligned(reference: Sequence[Action], candidate: Sequence[Action]) -> tuple[tuple[int, int], ...]:
    if not reference or not candidate:
        return ()
    gain = np.array([[_likeness(a, b) for b in candidate] for a in reference])
    rows, columns = linear_sum_assignment(-gain)
    return tuple((int(i), int(j)) for i, j in zip(rows, columns, strict=True) if gain[i, j] > 0)


def _likeness(a: Action, b: Action) -> float:
    """0 where the verbs do not match; else more, the more attributes agree."""
    if a.negated != b.negated or not _same_verb(a, b):
        return 0.0
    return 10.0 + (a.predicate == b.predicate) + sum(agree(a, b) for agree in _AGREE.values())


def _same_verb(a: Action, b: Action) -> bool:
    if a.predicate == b.predicate:
        return True
    one, two = VERB_BY_LEMMA.get(a.predicate), VERB_BY_LEMMA.get(b.predicate)
    return one is not None and two is not None and one.predicate == two.predicate


def _same_phrase(a: str | None, b: str | None) -> bool:
    if a is None or b is None:
        return a is b
    one, two = a.lower().split(), b.lower().split()
    sides = {"left", "right", "both", "other"}
    return one[-1] == two[-1] and set(one) & sides == set(two) & sides


def _ways(action: Action) -> frozenset[str]:
    """Directions with those of the verb, diagonals as two."""
    verb = VERB_BY_LEMMA.get(action.predicate)
    own = action.direction or (verb.direction if verb is not None else ())
    named = {"upper": "up", "lower": "down"}
    return frozenset(named.get(p, p) for d in own for p in (d.split("_") if d in COMPASS else [d]))


def _same_agent(a: Action, b: Action) -> bool:
    return _same_phrase(a.agent, b.agent)


def _same_patient(a: Action, b: Action) -> bool:
    return _same_phrase(a.patient or a.part, b.patient or b.part)


def _same_direction(a: Action, b: Action) -> bool:
    return _ways(a) == _ways(b)


def _same_count(a: Action, b: Action) -> bool:
    return (a.count or 1) == (b.count or 1)


_AGREE: Mapping[str, Callable[[Action, Action], bool]] = {
    "agent": _same_agent,
    "patient": _same_patient,
    "direction": _same_direction,
    "repetitions": _same_count,
}


def _share(agreements: Sequence[bool]) -> float:
    return float(np.mean(agreements)) if agreements else 0.0


def _order(
    reference: Sequence[Action], candidate: Sequence[Action], pairs: Sequence[tuple[int, int]]
) -> float:
    """Share of the reference's strict before-pairs kept by the candidate; 1 where there are none."""
    partner = dict(pairs)
    ordered = [
        (i, j)
        for i, a in enumerate(reference)
        for j, b in enumerate(reference)
        if a.order < b.order and not a.negated and not b.negated
    ]
    kept = [
        i in partner and j in partner and candidate[partner[i]].order < candidate[partner[j]].order
        for i, j in ordered
    ]
    return _share(kept) if ordered else 1.0
