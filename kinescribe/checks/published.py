"""Mo-Hall and the reward of KPM 4.3 as published: action F1, order, direction (eq. 9-12).

What the paper leaves open, and what is done here:

- The weights are not given. ``WEIGHTS`` are ours.
- A term without anything to count (no ordered pair, no direction in the reference) is left out and the other weights
  are scaled up; a caption is not rewarded for what it could not show.
- "Concepts" are counted as a multiset: of three jumps in the reference, one in the caption is one of three.
- "Common actions" are aligned one to one by lemma, the earliest first; no synonyms, since a concept is an AMR frame.
- Eq. 11 counts pairs of the reference over all its ordered pairs: pairs with a missing action are wrong.
- Eq. 12 compares the directions of matched actions with every direction of the matched reference actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from kinescribe.checks.compare import align
from kinescribe.records import Action


class Weights(NamedTuple):
    """Of eq. 9; they add up to 1."""

    action: float = 0.5
    order: float = 0.25
    direction: float = 0.25


WEIGHTS = Weights()


class Published(NamedTuple):
    """The three terms, each in [0, 1] or None where there is nothing to count."""

    action: float | None
    """Eq. 10."""
    order: float | None
    """Eq. 11."""
    direction: float | None
    """Eq. 12."""
    total: float | None
    """Eq. 9; None if neither text asserts a motion."""


def kpm(reference: Sequence[Action], candidate: Sequence[Action], weights: Weights = WEIGHTS) -> Published:
    """Return eq. 9-12 of KPM for two captions' actions."""
    real, said = ([a for a in actions if not a.negated] for actions in (reference, candidate))
    gain = np.array(
        [[(a.predicate == b.predicate) * (1 - 1e-3 * abs(i - j)) for j, b in enumerate(said)]
         for i, a in enumerate(real)]
    ).reshape(len(real), len(said))  # fmt: skip
    partner = dict(align(np.maximum(gain, 0)))
    if not real and not said:
        return Published(None, None, None, None)
    action = 2 * len(partner) / (len(real) + len(said))
    terms = (action, _order(real, said, partner), _direction(real, said, partner))
    counted = [(term, weight) for term, weight in zip(terms, weights, strict=True) if term is not None]
    whole = sum(weight for _, weight in counted)
    total = sum(term * weight for term, weight in counted) / whole if whole else None
    return Published(*terms, total)


def _order(real: Sequence[Action], said: Sequence[Action], partner: dict[int, int]) -> float | None:
    """Eq. 11."""
    before = [(i, j) for i, j in combinations(range(len(real)), 2) if real[i].order != real[j].order]
    kept = 0
    for i, j in before:
        if i in partner and j in partner:
            step = said[partner[j]].order - said[partner[i]].order
            kept += step * (real[j].order - real[i].order) > 0
    return kept / len(before) if before else None


def _direction(real: Sequence[Action], said: Sequence[Action], partner: dict[int, int]) -> float | None:
    """Eq. 12."""
    relevant = [(set(real[i].direction), set(said[j].direction)) for i, j in partner.items()]
    total = sum(len(ways) for ways, _ in relevant)
    return sum(len(ways & told) for ways, told in relevant) / total if total else None
