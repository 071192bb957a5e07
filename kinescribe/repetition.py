"""How often something is repeated: period, count and times of the turns of a signal, and when to say nothing.

A count is believed when two independent views agree: the autocorrelation finds a period (Box & Jenkins 1976), and the
signal's turning points come at that period, alike in height. Everything else (drift, random walks, one movement there
and back) is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from kinescribe.geometry import Smoother, Turn, median, quantile, stretches, turning_points

SMOOTH_S = 0.2
"""Half window of the smoothing before turns are looked for."""
HIGH_PASS_S = 2.5
"""Window of the second detrending: removes drift and what is slower, keeps exercise down to 0.25 Hz. Alone it miscounts
slow exercise, as a straight line alone miscounts what wanders: both are tried."""
PROMINENCE = 0.35
"""A turn stands out by this share of the signal's 5-95 % range."""
CALM = 0.2
"""Half window, in periods, of the smoothing in which turns are looked for: takes a tenth off a sine."""
FIRST = 0.8
"""The period is the first peak of the autocorrelation with this share of the highest; later ones are multiples."""
MIN_CYCLES = 1.8
"""Fewer than about two are a movement there and back."""
CLEAR = 0.8
"""A signal that is so clear without its straight trend is not asked again without what is slow."""
WHOLE = 0.3
"""How far from a whole number of cycles a count may be; between, the count is unknown."""


@dataclass(frozen=True)
class CountSettings:
    """When a repetition is believed."""

    min_confidence: float = 0.6
    """On random walks less than 1 % reach it, on white noise none; see tests/test_repetition.py."""
    min_count: int = 3
    """Fewer cycles are counted only ..."""
    agreeing: int = 3
    """... if this many signals agree."""
    min_period_s: float = 0.3
    """Three samples at 10 Hz: faster is not resolved."""


class Repetition(NamedTuple):
    """A repeated movement."""

    signal: str
    """The clearest signal."""
    number: int | None
    """Whole cycles; None where it lies between two numbers."""
    cycles: float
    """Cycles, with the broken ones at the ends."""
    period_s: float
    """Median time from high to high (or low to low)."""
    start_s: float
    end_s: float
    swing: float
    """Median distance of neighbouring turns, in the unit of the signal."""
    confidence: float
    """In [0, 1]: autocorrelation at the period times evenness of heights and intervals."""
    highs_s: tuple[float, ...]
    """When the signal is highest."""
    agreeing: tuple[str, ...]
    """Signals that find the same number at the same period, this one included."""


def count(
    times_s: Float[np.ndarray, "T"],
    signals: Mapping[str, Float[np.ndarray, "T"]],
    least: Mapping[str, float],
    settings: CountSettings = CountSettings(),
) -> Repetition | None:
    """Return what is repeated, by the clearest of some signals of one movement; None if nothing is for sure.

    Args:
        times_s: increasing times.
        signals: by name; NaN where unknown. The longest known stretch of each is used.
        least: by name, the smallest swing worth speaking of, in the signal's unit.
        settings: when it is believed.
    """
    found = [
        repetition
        for name, values in signals.items()
        if (repetition := one_signal(times_s, values, least[name], name, settings)) is not None
    ]
    if not found:
        return None
    best = max(found, key=lambda r: r.confidence)
    alike = tuple(r.signal for r in found if _alike(r, best))
    enough = best.cycles >= settings.min_count - WHOLE or len(alike) >= settings.agreeing
    if best.confidence < settings.min_confidence or not enough:
        return None
    return best._replace(agreeing=alike)


def one_signal(
    times_s: Float[np.ndarray, "T"],
    values: Float[np.ndarray, "T"],
    least: float,
    name: str = "",
    settings: CountSettings = CountSettings(),
) -> Repetition | None:
    """Return the repetition in one signal with its confidence, however low; None where there is no cycle at all."""
    a, b = max(stretches(np.isfinite(values)), key=lambda run: run[1] - run[0], default=(0, -1))
    if b - a < 8:
        return None
    times = np.linspace(times_s[a], times_s[b], b - a + 1)
    even = np.interp(times, times_s[a : b + 1], values[a : b + 1])
    if np.ptp(even) < least:
        return None
    level = _level(times, _calm(times, even, SMOOTH_S))
    found = _counted(times, level, least, name, settings)
    if found is not None and found.confidence >= CLEAR:
        return found
    fast = _fast(times, level)
    other = None if fast is None else _counted(times, fast, least, name, settings)
    return max((r for r in (found, other) if r is not None), key=lambda r: r.confidence, default=None)


def _calm(
    times: Float[np.ndarray, "M"], values: Float[np.ndarray, "M"], half_window_s: float
) -> Float[np.ndarray, "M"]:
    """Return an evenly sampled signal smoothed."""
    smoother = _smoother(len(times), round(float(times[1] - times[0]), 6), round(half_window_s, 6))
    return smoother(values[None]).value[0]


@lru_cache(maxsize=64)
def _smoother(many: int, step_s: float, half_window_s: float) -> Smoother:
    """Signals of one movement share their instants: what depends on them alone is worked out once."""
    return Smoother(np.arange(many) * step_s, half_window_s)


def _level(times: Float[np.ndarray, "M"], values: Float[np.ndarray, "M"]) -> Float[np.ndarray, "M"]:
    """Return a signal without its straight trend."""
    since = times - times.mean()
    slope = float(since @ values) / float(since @ since)
    level: Float[np.ndarray, "M"] = values - values.mean() - slope * since
    return level


def _fast(times: Float[np.ndarray, "M"], level: Float[np.ndarray, "M"]) -> Float[np.ndarray, "M"] | None:
    """Return a level signal without what is slower than ``HIGH_PASS_S``; None if it is not twice as long."""
    step = float(times[1] - times[0])
    if times[-1] - times[0] < 2 * HIGH_PASS_S:
        return None
    fast: Float[np.ndarray, "M"] = level - uniform_filter1d(
        level, max(3, round(HIGH_PASS_S / step)), mode="reflect"
    )
    return fast


def _counted(
    times: Float[np.ndarray, "M"],
    values: Float[np.ndarray, "M"],
    least: float,
    name: str,
    settings: CountSettings,
) -> Repetition | None:
    step = float(times[1] - times[0])
    likeness = _autocorrelation(values)
    lag = _lag(likeness, settings.min_period_s / step)
    if lag is None:
        return None
    # What is much shorter than the period is noise, however high.
    calm = _calm(times, values, max(SMOOTH_S, CALM * lag * step))
    height = quantile(calm, 0.95) - quantile(calm, 0.05)
    turns = turning_points(calm, max(PROMINENCE * height, 0.5 * least))
    if len(turns) < 4:
        return None
    heights = np.array([turn.value for turn in turns])
    swings = np.abs(np.diff(heights))
    inner = swings[1:-1] if len(swings) > 3 else swings
    swing = median(inner)
    if swing < least:
        return None
    # A swing between two turns is one, noisy or not; those at the ends may be cut off.
    number = (len(swings) - 2 + float(np.minimum(swings[[0, -1]] / swing, 1).sum())) / 2
    period = _period(times, turns)
    if number < MIN_CYCLES or period < settings.min_period_s:
        return None
    again = _again(likeness, period / step)
    confidence = max(again, 0.0) * _evenness(times, turns, inner)
    whole = round(number) if abs(number - round(number)) <= WHOLE else None
    first, last = (float(times[turns[i].at]) for i in (0, -1))
    highs = tuple(float(times[turn.at]) for turn in turns if turn.high)
    return Repetition(name, whole, number, period, first, last, swing, confidence, highs, ())


def _lag(likeness: Float[np.ndarray, "M"], shortest: float) -> int | None:
    """Return the lag of the first strong peak of an autocorrelation; None if there is none above zero."""
    near = likeness[1 : 2 * len(likeness) // 3 + 1]  # two cycles have one lag at half their length
    inner = near[1:-1]
    lags = 2 + np.flatnonzero((inner >= near[:-2]) & (inner > near[2:]))
    lags = lags[(lags >= shortest) & (likeness[lags] > 0)]
    if not len(lags):
        return None
    return int(lags[likeness[lags] >= FIRST * likeness[lags].max()][0])


def _period(times: Float[np.ndarray, "M"], turns: list[Turn]) -> float:
    at = times[[turn.at for turn in turns]]
    return median(at[2:] - at[:-2])


def _again(likeness: Float[np.ndarray, "M"], lag: float) -> float:
    """Return how like itself a signal is one period later: the best correlation near that lag."""
    first, beyond = max(1, round(0.85 * lag)), min(round(1.15 * lag) + 1, len(likeness) - 4)
    return float(likeness[first:beyond].max()) if first < beyond else 0.0


def _autocorrelation(values: Float[np.ndarray, "M"]) -> Float[np.ndarray, "M"]:
    """Return how a signal correlates (Pearson) with itself so many samples later, over the samples that both have."""
    centred = values - values.mean()
    square, many = centred**2, np.arange(len(values), 0, -1)
    products = np.correlate(centred, centred, "full")[len(values) - 1 :]
    first, last = np.cumsum(centred)[::-1], np.cumsum(centred[::-1])[::-1]
    first_2, last_2 = np.cumsum(square)[::-1], np.cumsum(square[::-1])[::-1]
    norm = np.sqrt(np.maximum((first_2 - first**2 / many) * (last_2 - last**2 / many), 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        alike: Float[np.ndarray, "M"] = np.where(norm > 0, (products - first * last / many) / norm, 0.0)
    return alike


def _evenness(times: Float[np.ndarray, "M"], turns: list[Turn], swings: Float[np.ndarray, "S"]) -> float:
    """Return 1 for equal swings at equal intervals, towards 0 for none; highs are compared with highs."""
    at = times[[turn.at for turn in turns]]
    periods = at[2:] - at[:-2]
    # The turns at the very ends may lie outside the movement.
    periods = periods[1:-1] if len(periods) > 3 else periods
    return math.exp(-_spread(swings.tolist()) - _spread(periods.tolist()))


def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation of positive numbers over their mean. (NumPy takes long over so few.)"""
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)) / max(mean, 1e-9)


def _alike(one: Repetition, two: Repetition) -> bool:
    return abs(one.cycles - two.cycles) <= 1 and abs(one.period_s - two.period_s) <= 0.2 * two.period_s
