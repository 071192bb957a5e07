"""What a list of facts got right about a world: direction, shape, count, order, boundaries, fact by fact.

Each measure is a function of stated facts, known facts and who stands for whom, so that it can be tested on facts made
by hand. ``Said`` holds the counts of one world; counts of many worlds add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import permutations

import numpy as np
from scipy.optimize import linear_sum_assignment

from kinescribe.records import CAMERA, MotionFact, Span
from kinescribe.vocabulary import COMPASS
from quality.matching import MIN_SPAN_OVERLAP, Score, overlap, pairs, same, same_subjects

MAX_HEADING_ERROR_DEG = 45.0
"""A direction is right up to here."""
ORDER_TOLERANCE_S = 0.35
"""Happenings that were stated to share less time have an order: what smoothing adds to either side of one
(``checks.tolerances``)."""
MISSED = "not stated"
UNSAID = "no shape"


@dataclass(frozen=True)
class Said:
    """Counts of one world, or of many."""

    facts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By kind of fact (``kind_of``) and one of right, stated, true."""
    directions: Counter[str] = field(default_factory=Counter)
    """Of true movements: right, wrong, not stated."""
    shapes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """True shape and stated one."""
    counts: Counter[str] = field(default_factory=Counter)
    """Of true repetitions: exact, off by one, wrong, refused, not stated; and counts of what was
    not repeated: made up."""
    orders: Counter[str] = field(default_factory=Counter)
    """Of true pairs, one after the other: right, wrong, at once, not stated."""
    starts_s: tuple[float, ...] = ()
    """Stated less true start of the facts that are true; without the camera's, which mostly last the clip."""
    ends_s: tuple[float, ...] = ()

    def __add__(self, other: Said) -> Said:
        return Said(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def score(self, kind: str | None = None) -> Score:
        """Return the counts of one kind of fact, or of all."""
        total = {what: sum(n for (k, w), n in self.facts.items() if w == what and kind in (None, k))
                 for what in ("right", "stated", "true")}  # fmt: skip
        return Score(total["right"], total["stated"], total["true"], total["right"])


def measure(
    stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int], last_s: float
) -> Said:
    """Compare facts with the truth.

    Args:
        stated: what was said.
        known: all that is true.
        ids: whom each measured subject stands for (``matching.subjects``).
        last_s: time of the last sample: nobody can see a happening end after it.
    """
    matched = pairs(stated, known, ids)
    spans = [(stated[i].span, known[j].span) for i, j in matched if known[j].subject != CAMERA]
    return Said(
        facts=Counter(
            [(kind_of(stated[i]), "right") for i, _ in matched]
            + [(kind_of(fact), "stated") for fact in stated]
            + [(kind_of(fact), "true") for fact in known]
        ),
        directions=directions(stated, known, ids),
        shapes=shapes(stated, known, ids),
        counts=counts(stated, known, ids),
        orders=orders(stated, known, matched),
        starts_s=tuple(said.start_s - true.start_s for said, true in spans),
        ends_s=tuple(said.end_s - min(true.end_s, last_s) for said, true in spans),
    )


def kind_of(fact: MotionFact) -> str:
    """Return the row of the table a fact belongs to: its predicate, and which sort of movement."""
    if fact.subject == CAMERA:
        return f"camera: {fact.predicate}"
    if set(fact.direction) & {"toward_camera", "away_from_camera"}:
        return f"{fact.predicate} in depth"
    if fact.trajectory in ("back_and_forth", "circular", "zigzag", "curved"):
        return f"{fact.predicate}, {fact.trajectory.replace('_', ' ')}"
    return fact.predicate


def answers(
    stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]
) -> list[MotionFact | None]:
    """Return for every truth the fact that speaks of it, right or wrong in direction, shape and count.

    It has the truth's predicate, subject, part and time; of several, the one that is true or else shares most time.
    No fact speaks of two truths.
    """
    if not stated or not known:
        return [None] * len(known)
    worth = np.array([[_worth(said, truth, ids) for said in stated] for truth in known])
    rows, columns = linear_sum_assignment(-worth)
    said = {int(i): stated[j] for i, j in zip(rows, columns, strict=True) if worth[i, j] > 0}
    return [said.get(i) for i in range(len(known))]


def _worth(said: MotionFact, truth: MotionFact, ids: dict[int, int]) -> float:
    about = (
        said.predicate == truth.predicate
        and said.part == truth.part
        and same_subjects(said, truth, ids)
        and overlap(said.span, truth.span) >= MIN_SPAN_OVERLAP
    )
    return (float(same(said, truth, ids)) + _time_iou(said.span, truth.span)) if about else 0.0


def directions(
    stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]
) -> Counter[str]:
    """Count the true movements of things whose direction was said right, wrong, or not at all."""
    counted: Counter[str] = Counter()
    for truth, said in zip(known, answers(stated, known, ids), strict=True):
        if truth.predicate == "move" and truth.subject != CAMERA and truth.direction:
            counted[MISSED if said is None else "right" if _same_way(said, truth) else "wrong"] += 1
    return counted


def _time_iou(a: Span, b: Span) -> float:
    shared = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return shared / max(max(a.end_s, b.end_s) - min(a.start_s, b.start_s), 1e-9)


def _same_way(said: MotionFact, truth: MotionFact) -> bool:
    """Two single directions of the compass may be 45 degrees apart; anything else must be the same words."""
    if not _single(said) or not _single(truth):
        return set(said.direction) == set(truth.direction)
    off = (45.0 * COMPASS.index(said.direction[0]) - heading_of(truth) + 180) % 360 - 180
    return abs(off) <= MAX_HEADING_ERROR_DEG + 1e-6


def _single(fact: MotionFact) -> bool:
    return len(fact.direction) == 1 and fact.direction[0] in COMPASS


def heading_of(truth: MotionFact) -> float:
    """Return a true heading in degrees, 90 up: from its numbers where the world gives them, else from its word."""
    if {"dx_px", "dy_px"} <= set(truth.evidence):
        return float(np.degrees(np.arctan2(-truth.evidence["dy_px"], truth.evidence["dx_px"])))
    return 45.0 * COMPASS.index(truth.direction[0])


def shapes(
    stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]
) -> Counter[tuple[str, str]]:
    """Count true shapes of paths by what was said of them."""
    counted: Counter[tuple[str, str]] = Counter()
    for truth, said in zip(known, answers(stated, known, ids), strict=True):
        if truth.trajectory is not None:
            counted[truth.trajectory, MISSED if said is None else said.trajectory or UNSAID] += 1
    return counted


def counts(stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]) -> Counter[str]:
    """Count how true repetitions were counted, and counts of what was not repeated."""
    counted: Counter[str] = Counter()
    repeated = [truth for truth in known if truth.count is not None and truth.count > 1]
    for truth, said in zip(repeated, answers(stated, repeated, ids), strict=True):
        counted[MISSED if said is None else _count(said.count, int(truth.count or 0))] += 1
    made_up = [
        fact
        for fact in stated
        if fact.count is not None
        and fact.count > 1
        and not any(_worth(fact, truth, ids) for truth in repeated)
    ]
    return counted + Counter({"made up": len(made_up)})


def _count(said: int | None, true: int) -> str:
    if said is None:
        return "refused"
    return {0: "exact", 1: "off by one"}.get(abs(said - true), "wrong")


def orders(
    stated: Sequence[MotionFact], known: Sequence[MotionFact], matched: Sequence[tuple[int, int]]
) -> Counter[str]:
    """Count pairs of true happenings, one after the other, by the order in which they were stated."""
    said = {j: stated[i].span for i, j in matched}
    counted: Counter[str] = Counter()
    for one, two in permutations(range(len(known)), 2):
        if CAMERA in (known[one].subject, known[two].subject) or not before(
            known[one].span, known[two].span, 0.0
        ):
            continue
        if one not in said or two not in said:
            counted[MISSED] += 1
        elif before(said[one], said[two]):
            counted["right"] += 1
        else:
            counted["wrong" if before(said[two], said[one]) else "at once"] += 1
    return counted


def before(a: Span, b: Span, tolerance_s: float = ORDER_TOLERANCE_S) -> bool:
    """Whether one happening is over when another begins; both begin and end in this order."""
    return a.end_s <= b.start_s + tolerance_s + 1e-6 and a.start_s < b.start_s and a.end_s < b.end_s
