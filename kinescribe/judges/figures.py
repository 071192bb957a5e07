"""Figures of a judgement: means that no order of showing shifts, how far repeats spread, and what a place is worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from kinescribe.metrics import mean_interval


class Value(NamedTuple):
    """One number of one rating."""

    id: str
    repeat: int
    swapped: bool
    number: float


class Figure(NamedTuple):
    """A figure of a whole set: the mean over its items."""

    mean: float
    low: float
    high: float
    """95 % interval: bootstrap over the items (``metrics.mean_interval``)."""
    spread: float | None
    """Standard deviation of the set's mean from repeat to repeat, over the items that were rated in each; None with
    fewer than two repeats, or without such an item."""
    items: int
    """Items that have a rating."""


def figure(values: Sequence[Value]) -> Figure | None:
    """Return the figure of values; None without any."""
    means = by_item(values)
    whole = mean_interval(list(means.values()))
    return None if whole is None else Figure(*whole, _spread(values), len(means))


def by_item(values: Iterable[Value]) -> dict[str, float]:
    """Return each item's mean, in which both orders of showing weigh the same however often each was asked."""
    orders: dict[str, dict[bool, list[float]]] = defaultdict(lambda: defaultdict(list))
    for value in values:
        orders[value.id][value.swapped].append(value.number)
    return {item: fmean(fmean(numbers) for numbers in both.values()) for item, both in orders.items()}


def spread_of(values: Iterable[Value]) -> dict[str, float | None]:
    """Return each item's standard deviation over its repeats; None for an item with one."""
    repeats: dict[str, list[float]] = defaultdict(list)
    for value in values:
        repeats[value.id].append(value.number)
    return {item: stdev(numbers) if len(numbers) > 1 else None for item, numbers in repeats.items()}


def place_bonus(a: Sequence[Value], b: Sequence[Value]) -> Figure | None:
    """Return how much more something gets when it is shown first than when it is shown second.

    Over the items that were shown in both orders; 0 for a judge that does not look at the place.

    Args:
        a: what A got; it is shown first where a value is not ``swapped``.
        b: what B got.
    """
    first = [v for v in a if not v.swapped] + [v for v in b if v.swapped]
    second = [v for v in a if v.swapped] + [v for v in b if not v.swapped]
    both = {v.id for v in a if v.swapped} & {v.id for v in a if not v.swapped}
    # Within an item A and B weigh the same in each place.
    ahead, behind = by_item(first), by_item(second)
    whole = mean_interval([ahead[item] - behind[item] for item in sorted(both)])
    return None if whole is None else Figure(*whole, None, len(both))


def _spread(values: Sequence[Value]) -> float | None:
    repeats = {value.repeat for value in values}
    rated: dict[str, set[int]] = defaultdict(set)
    for value in values:
        rated[value.id].add(value.repeat)
    whole = {item for item, found in rated.items() if found == repeats}
    if len(repeats) < 2 or not whole:
        return None
    means = [
        fmean(by_item(v for v in values if v.repeat == repeat and v.id in whole).values())
        for repeat in sorted(repeats)
    ]
    return stdev(means)
