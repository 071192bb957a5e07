"""How probable it is that a fact is true, by its family and by how far its effect is above its limit.

Facts first think of themselves by the size of their effect (``fact.confidence_of``). How often facts of that size are
true was counted on rendered worlds, from pixels up: the curves below are logistic in it (Platt 1999), one per family.
They hold for worlds like those: on real clips, where nobody counted, they say which fact is surer, not how sure.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from kinescribe.records import CAMERA, MotionFact
from kinescribe.vocabulary import ORDERS, RELATIONS

EFFECT = "effect_confidence"
"""Where the evidence keeps what a fact first thought of itself."""


class Curve(NamedTuple):
    """P(true) = 1 / (1 + exp(-(level + steepness x)))."""

    level: float
    steepness: float

    def __call__(self, first: float) -> float:
        """Return the probability for what a fact first thought of itself."""
        return 1 / (1 + math.exp(-(self.level + self.steepness * first)))


# Fitted on development worlds by `python -m quality --calibrate`, which replaces these lines.
# <fitted>
# 1538 facts of 444 worlds, development seeds 0-2
CURVES: Mapping[str, Curve] = {
    "bodies": Curve(1.66, 2.55),
    "borders": Curve(3.45, 0.0),
    "camera": Curve(4.49, 0.0),
    "depth": Curve(2.77, 0.0),
    "relations": Curve(3.99, 0.0),
    "repeats": Curve(3.56, 0.0),
    "rests": Curve(2.58, 0.0),
    "tempo": Curve(2.85, 0.42),
    "travel": Curve(-0.53, 3.57),
}
# </fitted>


def identity() -> str:
    """Return a short digest of the curves."""
    return hashlib.sha256(repr(sorted(CURVES.items())).encode()).hexdigest()[:12]


def family(fact: MotionFact) -> str:
    """Return the family whose curve a fact goes by: facts that are measured alike fail alike."""
    if fact.subject == CAMERA:
        return "camera"
    if fact.predicate in ORDERS or "depth_change" in fact.evidence:
        return "seen_depth"  # by a net, whose worth no rendered world shows: no curve
    if fact.predicate in RELATIONS:
        return "relations"
    if fact.part is not None or fact.predicate in ("jump", "lean", "turn", "bend", "straighten"):
        return "bodies"
    if fact.predicate in ("enter", "leave"):
        return "borders"
    if fact.predicate in ("stay", "stop", "pause"):
        return "rests"
    if fact.predicate in ("accelerate", "decelerate"):
        return "tempo"
    if {"toward_camera", "away_from_camera"} & set(fact.direction):
        return "depth"
    return "repeats" if fact.count is not None or fact.trajectory == "back_and_forth" else "travel"


def effect_confidence(fact: MotionFact) -> float:
    """Return what a fact first thought of itself, in [0, 1], also after it was calibrated."""
    return float(fact.evidence.get(EFFECT, fact.confidence))


def calibrated(fact: MotionFact) -> MotionFact:
    """Return a fact with the probability that it is true as its confidence, and the first one in its evidence.

    A fact of a family without a curve keeps its confidence.
    """
    first = effect_confidence(fact)
    curve = CURVES.get(family(fact))
    confidence = first if curve is None else round(curve(first), 3)
    return replace(fact, confidence=confidence, evidence={**fact.evidence, EFFECT: first})
