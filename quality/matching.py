"""Which stated facts are true in a world, and which truths were stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from kinescribe.geometry import box_iou
from kinescribe.records import CAMERA, MotionFact, Span, Tracks

MIN_TRACK_IOU = 0.3
"""Mean overlap over a truth's life from which a measured track stands for it."""
MIN_SPAN_OVERLAP = 0.5
"""Shared time over the shorter span from which two facts speak of the same happening."""
ONE_WAY = ("overtake", "follow")
"""Relations in which it always matters who does it to whom. In the others it does where the truth gives a direction:
who passes somebody at rest; else the pair stands for both."""


@dataclass(frozen=True)
class Score:
    """Counts that add up over worlds."""

    right: int = 0
    stated: int = 0
    true: int = 0
    found: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.right + other.right,
            self.stated + other.stated,
            self.true + other.true,
            self.found + other.found,
        )

    @property
    def precision(self) -> float:
        """Share of the stated facts that are true; NaN if nothing was stated."""
        return self.right / self.stated if self.stated else float("nan")

    @property
    def recall(self) -> float:
        """Share of the truths that were stated; NaN if there was none."""
        return self.found / self.true if self.true else float("nan")


def subjects(known: Tracks, measured: Tracks) -> dict[int, int]:
    """Return, for each measured track id, the truth's id it stands for.

    Fragments of one subject all stand for it; the facts they state are then judged one by one.
    """
    result = {CAMERA: CAMERA}
    for row, track_id in enumerate(measured.ids.tolist()):
        iou = [_mean_iou(known.xyxy[n], measured.xyxy[row]) for n in range(len(known.ids))]
        if iou and max(iou) >= MIN_TRACK_IOU:
            result[track_id] = int(known.ids[int(np.argmax(iou))])
    return result


def _mean_iou(known: np.ndarray, measured: np.ndarray) -> float:
    both = np.isfinite(measured[:, 0])
    if not both.any():
        return 0.0
    pairs = [box_iou(a[None], b[None])[0, 0] for a, b in zip(known[both], measured[both], strict=True)]
    return float(np.mean(pairs))


def same(stated: MotionFact, known: MotionFact, ids: dict[int, int]) -> bool:
    """Whether a stated fact is the known one: predicate, subjects, direction, part, shape, count and time.

    A shape or a count that the fact or the truth leaves open fits any.
    """
    return (
        stated.predicate == known.predicate
        and same_subjects(stated, known, ids)
        and set(stated.direction) == set(known.direction)
        and stated.part == known.part
        and _fits(stated.trajectory, known.trajectory)
        and _fits(stated.count, known.count)
        and overlap(stated.span, known.span) >= MIN_SPAN_OVERLAP
    )


def same_subjects(stated: MotionFact, known: MotionFact, ids: dict[int, int]) -> bool:
    """Whether a stated fact speaks of the known one's subject, and of its object where it has one."""
    pair = (ids.get(stated.subject), None if stated.object is None else ids.get(stated.object))
    truth = (known.subject, known.object)
    # An object that stands for nothing must not pass for no object.
    if (stated.object is None) != (known.object is None):
        return False
    one_way = known.predicate in ONE_WAY or known.direction
    return pair == truth if one_way else set(pair) == set(truth)


def _fits(stated: object, known: object) -> bool:
    return stated is None or known is None or stated == known


def pairs(
    stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]
) -> list[tuple[int, int]]:
    """Match stated facts to truths one to one; returns their indices."""
    if not stated or not known:
        return []
    fits = np.array([[same(s, k, ids) for k in known] for s in stated])
    rows, columns = linear_sum_assignment(-fits.astype(float))
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if fits[i, j]]


def score(stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]) -> Score:
    """Count the stated facts that are true, and the truths that were stated."""
    right = len(pairs(stated, known, ids))
    return Score(right, len(stated), len(known), right)


def overlap(a: Span, b: Span) -> float:
    """Return the shared time as a share of the shorter span; negative for spans apart."""
    shared = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return shared / max(min(a.duration_s, b.duration_s), 1e-9)
