"""Caption metrics: one file each, chosen by its file name; each offers a class whose objects take items to columns.

A value that does not exist (nothing to compare, no length given) is None and is counted, never averaged as 0.
Confidence intervals are the 95 % bootstrap over items (Efron 1979), seeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from kinescribe.language import parse, parse_all
from kinescribe.records import Action

SEED, RESAMPLES = 0, 1000
"""Of the bootstrap."""
BLOCK = 1 << 20
"""Numbers drawn at once, which bounds the memory."""


class Item(NamedTuple):
    """A caption to score."""

    id: str
    candidate: str
    references: tuple[str, ...] = ()
    seconds: float | None = None
    """Length of the video."""


class Interval(NamedTuple):
    """A figure of a whole set and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class Column(NamedTuple):
    """One figure of every item, and of all of them."""

    values: tuple[float | None, ...]
    whole: Interval | None
    """None if no item has a value."""
    higher_is_better: bool | None = True
    """None for what only describes."""


@runtime_checkable
class Metric(Protocol):
    """What a file of this folder offers."""

    def __call__(self, items: Sequence[Item]) -> Mapping[str, Column]:
        """Return figures by name."""
        ...


def read(items: Sequence[Item]) -> None:
    """Read the texts of many items at once, several times as fast as ``actions`` one by one, and keep what they say."""
    wanted = dict.fromkeys(text for item in items for text in (item.candidate, *item.references))
    fresh = [text for text in wanted if text not in _READ]
    for text, found in zip(fresh, parse_all(fresh), strict=True):
        _READ[text] = found
    while len(_READ) > max(_KEPT, len(wanted)):
        _READ.pop(next(iter(_READ)))


def actions(text: str) -> tuple[Action, ...]:
    """Return what a text asserts; several metrics ask."""
    found = _READ.get(text)
    return parse(text) if found is None else found


_KEPT = 65536
_READ: dict[str, tuple[Action, ...]] = {}
"""What texts say that were read: a function of the text alone, so that nothing depends on what is in here."""


def column(values: Sequence[float | None], higher_is_better: bool | None = True) -> Column:
    """Return a column whose figure for the set is the mean of the known values."""
    return Column(tuple(values), mean_interval(values), higher_is_better)


def mean_interval(values: Sequence[float | None]) -> Interval | None:
    """Return the mean of the known values with its interval; None without any."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(known):
        return None
    rng, block = np.random.default_rng(SEED), max(1, BLOCK // len(known))
    sizes = [min(block, RESAMPLES - start) for start in range(0, RESAMPLES, block)]
    means = np.concatenate([known[rng.integers(0, len(known), (n, len(known)))].mean(1) for n in sizes])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(known.mean()), float(low), float(high))


def best(values: Sequence[float | None]) -> float | None:
    """Return the highest of the values for an item's references; None if none is known."""
    known = [value for value in values if value is not None]
    return max(known) if known else None
