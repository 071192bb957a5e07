"""How often a fact of a given confidence is true, and the map that makes confidence a probability.

A reliability diagram (Murphy and Winkler 1977, doi:10.2307/2346866) bins facts by their confidence; the expected
calibration error (Naeini et al. 2015, AAAI) is the mean distance of confidence and truth over the bins, weighted by
the number of facts. The map is logistic in what facts first think of themselves (Platt 1999), one per family of facts,
never falling.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from kinescribe.facts import calibration
from kinescribe.facts.calibration import Curve, effect_confidence, family
from kinescribe.records import MotionFact
from quality.matching import pairs

BINS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Edges of the bins: narrow where most facts are."""
PRIOR_STEEPNESS = 2.0
"""Standard deviation of how steep a curve may be, in logits per unit of first confidence: where few facts or none
differ in confidence, the curve stays flat."""
PRIOR_FACTS = (1.0, 1.0)
"""Facts that every family is given beside its own, right and wrong (Laplace): nothing is ever quite sure."""


class Point(NamedTuple):
    """One stated fact."""

    family: str
    first: float
    """What the fact thought of itself."""
    confidence: float
    """What it was stated with."""
    right: bool


class Bin(NamedTuple):
    """Facts of similar confidence."""

    low: float
    high: float
    facts: int
    confidence: float
    """Mean."""
    right: float
    """Share that is true."""


def points(
    stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]
) -> tuple[Point, ...]:
    """Return the confidence of every stated fact, and whether it is true; a truth makes one fact true, not two."""
    right = {i for i, _ in pairs(stated, known, ids)}
    return tuple(
        Point(family(fact), effect_confidence(fact), fact.confidence, i in right)
        for i, fact in enumerate(stated)
    )


def bins(found: Iterable[Point]) -> list[Bin]:
    """Return the reliability diagram: one row per bin that holds a fact."""
    rows = list(found)
    confidence = np.array([p.confidence for p in rows])
    right = np.array([p.right for p in rows], dtype=float)
    place = np.clip(np.searchsorted(BINS, confidence, side="right") - 1, 0, len(BINS) - 2)
    return [
        Bin(BINS[b], BINS[b + 1], int((place == b).sum()), float(confidence[place == b].mean()),
            float(right[place == b].mean()))
        for b in range(len(BINS) - 1)
        if (place == b).any()
    ]  # fmt: skip


def error(found: Iterable[Point]) -> float:
    """Return the expected calibration error; NaN without facts."""
    rows = bins(found)
    total = sum(b.facts for b in rows)
    return sum(b.facts * abs(b.confidence - b.right) for b in rows) / total if total else float("nan")


def fit(found: Iterable[Point]) -> dict[str, Curve]:
    """Return the curve of every family of which there is a fact, in alphabetical order."""
    rows = list(found)
    return {name: _fit([p for p in rows if p.family == name]) for name in sorted({p.family for p in rows})}


def _fit(own: Sequence[Point]) -> Curve:
    first = np.array([p.first for p in own])
    right = np.array([p.right for p in own], dtype=float)
    middle = float(first.mean())
    offset = np.append(first - middle, [0.0, 0.0])
    wins = np.append(right, [1.0, 0.0])
    weight = np.append(np.ones(len(own)), PRIOR_FACTS)

    def cost(parameters: np.ndarray) -> float:
        level, steep = parameters
        logit = level + steep * offset
        likelihood = float((weight * (np.logaddexp(0, logit) - wins * logit)).sum())
        return likelihood + 0.5 * (steep / PRIOR_STEEPNESS) ** 2

    found = minimize(cost, np.zeros(2), bounds=[(-8, 8), (0, None)], method="L-BFGS-B").x
    level, steep = (float(v) for v in found)
    return Curve(round(level - steep * middle, 2), round(steep, 2))


MARKS = ("# <fitted>\n", "# </fitted>\n")


def write(curves: dict[str, Curve], note: str, path: Path = Path(calibration.__file__)) -> None:
    """Put fitted curves into the product's source, between the marks."""
    text = path.read_text()
    begin, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    lines = [f"# {note}", "CURVES: Mapping[str, Curve] = {"]
    lines += [f'    "{name}": Curve({curve.level}, {curve.steepness}),' for name, curve in curves.items()]
    path.write_text(text[:begin] + "\n".join([*lines, "}", ""]) + text[end:])


SIDE, MARGIN = 260, 34
LEAST = 0.5
"""Confidence at the left border: nothing is stated below it."""


def picture(found: Iterable[Point]) -> str:
    """Return the reliability diagram as SVG: circles of an area that grows with the number of facts."""
    rows = bins(found)
    most = max((b.facts for b in rows), default=1)

    def at(value: float) -> float:
        return round(MARGIN + SIDE * (value - LEAST) / (1 - LEAST), 1)

    def up(value: float) -> float:
        return round(MARGIN + SIDE * (1 - value), 1)

    whole = SIDE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{whole}" '
        'font-family="sans-serif" font-size="10">',
        f'<rect width="{whole}" height="{whole}" fill="white"/>',
        f'<path d="M{at(LEAST)} {up(1)}V{up(0)}H{at(1)}" fill="none" stroke="black"/>',
        f'<path d="M{at(LEAST)} {up(LEAST)}L{at(1)} {up(1)}" stroke="#999" stroke-dasharray="3 3"/>',
    ]
    for tick in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        parts.append(f'<text x="{at(tick)}" y="{up(0) + 12}" text-anchor="middle">{tick:g}</text>')
    for tick in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{at(LEAST) - 5}" y="{up(tick) + 4}" text-anchor="end">{tick:g}</text>')
    for b in rows:
        radius = round(2 + 10 * (b.facts / most) ** 0.5, 1)
        parts.append(
            f'<circle cx="{at(b.confidence)}" cy="{up(b.right)}" r="{radius}" fill="#1f77b4" fill-opacity="0.6"/>'
            f'<text x="{at(b.confidence)}" y="{up(b.right) + radius + 10}" text-anchor="middle">{b.facts}</text>'
        )
    parts.append(f'<text x="{at(0.75)}" y="{whole - 4}" text-anchor="middle">confidence</text>')
    parts.append(f'<text x="4" y="{MARGIN - 14}">share that is true</text></svg>')
    return "\n".join(parts) + "\n"
