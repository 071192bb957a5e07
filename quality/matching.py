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
    """Whether a stated fact is the known one: predicate, subjects, direction, part, count and time."""
    pair = {ids.get(stated.subject), ids.get(stated.object) if stated.object is not None else None}
    truth = {known.subject, known.object}
    return (
        stated.predicate == known.predicate
        and pair == truth
        and set(stated.direction) == set(known.direction)
        and stated.part == known.part
        and (known.count is None or stated.count is None or stated.count == known.count)
        and _overlap(stated.span, known.span) >= MIN_SPAN_OVERLAP
    )


def score(stated: Sequence[MotionFact], known: Sequence[MotionFact], ids: dict[int, int]) -> Score:
    """Match stated facts to truths, one to one."""
    if not stated or not known:
        return Score(0, len(stated), len(known), 0)
    fits = np.array([[same(s, k, ids) for k in known] for s in stated])
    rows, columns = linear_sum_assignment(-fits.astype(float))
    right = int(fits[rows, columns].sum())
    return Score(right, len(stated), len(known), right)


def _overlap(a: Span, b: Span) -> float:
    shared = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return shared / max(min(a.duration_s, b.duration_s), 1e-9)
