"""How numbers are spread: collected one by one, eight bytes each, and summed up at the end."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinescribe.viewer.charts import round_step

BINS = 16
"""Bins of a histogram, about: so many that its shape shows, and few enough for a small figure."""
TAIL = 99.0
"""Percentile beyond which values may be counted as "more", so that one text of 10,000 words hides no others."""


class Histogram(NamedTuple):
    """Numbers of values in bins of one width; a bin holds its lower edge and not its upper one."""

    start: float
    step: float
    bins: tuple[int, ...]
    over: int
    """Values at or above the last edge."""


@dataclass(frozen=True)
class Spread:
    """What a set of numbers looks like; None where there is no number."""

    n: int
    sum: float
    mean: float | None
    sd: float | None
    """Standard deviation of the set itself (divided by n)."""
    min: float | None
    p25: float | None
    median: float | None
    p75: float | None
    max: float | None
    histogram: Histogram | None


class Values:
    """Collects numbers; what is unknown (None, NaN) is passed over."""

    def __init__(self) -> None:
        self._found = array("d")

    def add(self, value: float | None) -> None:
        """Keep a number."""
        if value is not None and math.isfinite(value):
            self._found.append(value)

    def spread(self, whole: bool = False) -> Spread:
        """Return what was collected; ``whole`` for numbers that are counts, which fall on edges."""
        found = np.frombuffer(self._found, dtype=np.float64) if self._found else np.empty(0)
        if not len(found):
            return Spread(0, 0.0, None, None, None, None, None, None, None, None)
        low, lower, middle, upper, high = (float(v) for v in np.percentile(found, (0, 25, 50, 75, 100)))
        total, mean, sd = float(found.sum()), float(found.mean()), float(found.std())
        made = _histogram(found, whole)
        return Spread(len(found), total, mean, sd, low, lower, middle, upper, high, made)


def _histogram(found: np.ndarray, whole: bool) -> Histogram:
    low, tail, high = float(found.min()), float(np.percentile(found, TAIL)), float(found.max())
    top = high if high <= 2 * tail - low else tail
    step = round_step(max((top - low) / BINS, 1.0 if whole else 1e-9 + abs(top) * 1e-6))
    start = step * math.floor(low / step)
    number = math.floor((top - start) / step) + 1
    # Whole multiples of the step come out a little beside their edge: they are lifted onto it.
    places = np.floor((found - start) / step + 1e-9).astype(np.int64)
    counted = np.bincount(np.minimum(places, number), minlength=number + 1)
    return Histogram(start, step, tuple(int(n) for n in counted[:number]), int(counted[number:].sum()))
