"""Charts as SVG coordinates: lanes of happenings and lines of measured values, on one time axis per clip.

A line is drawn in a box of ``CHART_WIDTH`` x ``CHART_HEIGHT`` that the page stretches. An unknown value is a
gap; a known value between two unknown ones is a dot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.geometry import stretches

CHART_WIDTH, CHART_HEIGHT = 1000, 100
RESOLUTION = 100
"""Steps of a plot's height that a read-out tells apart: about its pixels."""
_MARGIN = 0.06  # of the height, so that a line at the limit is not cut in half


class Series(NamedTuple):
    """Values of one subject over a clip's samples."""

    subject: int
    name: str
    values: Float[np.ndarray, "T"]
    dash: int = 0
    """Which dash pattern, to tell lines of one colour apart."""


class Line(NamedTuple):
    """A series ready to draw."""

    subject: int
    name: str
    dash: int
    path: str
    """SVG path data."""
    values: list[float | None]


class Plot(NamedTuple):
    """Lines that share an axis."""

    title: str
    unit: str
    top: float
    """Value at the upper edge."""
    bottom: float
    digits: int
    """Decimals worth showing."""
    lines: list[Line]


class Placed(NamedTuple):
    """A span on the time axis, in percent of its length, and the row it is packed into."""

    left: float
    width: float
    row: int


class Tick(NamedTuple):
    """A mark on the time axis."""

    left: float
    label: str


def plot(
    title: str,
    unit: str,
    times_s: Float[np.ndarray, "T"],
    length_s: float,
    series: Sequence[Series],
    downwards: bool = False,
) -> Plot | None:
    """Return a plot of the series of which anything is known; None if that is none of them.

    Args:
        title: what is shown.
        unit: of the values.
        times_s: the samples.
        length_s: length of the time axis.
        series: values over the samples.
        downwards: whether the values grow downwards, as the picture's y does.
    """
    known = [s for s in series if np.isfinite(s.values).any()]
    if not known:
        return None
    low, high = limits(np.concatenate([s.values for s in known]))
    top, bottom = (low, high) if downwards else (high, low)
    digits = min(max(math.ceil(-math.log10((high - low) / RESOLUTION)), 0), 6)
    return Plot(
        title, unit, top, bottom, digits,
        [
            Line(
                s.subject, s.name, s.dash, path(times_s / length_s, (s.values - top) / (bottom - top)),
                rounded(s.values, digits),
            )
            for s in known
        ],
    )  # fmt: skip


def limits(values: Float[np.ndarray, "M"]) -> tuple[float, float]:
    """Return round limits that hold all known values, e.g. (0, 120) for 3 to 117; never equal.

    Zero is a limit where it is close to the values, as for a speed.
    """
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    if 0 < low < 0.3 * high:
        low = 0.0
    # A change below a hundredth of the values (or of 1) is shown as small as it is.
    span = max(high - low, 0.01 * max(abs(low), abs(high), 1.0))
    step = round_step(span / 10)
    low, high = step * math.floor(low / step), step * math.ceil(high / step)
    return (low, high) if high > low else (low - step, high + step)


def path(x: Float[np.ndarray, "T"], y: Float[np.ndarray, "T"]) -> str:
    """Return SVG path data of a line with gaps; x and y in [0, 1], y downwards."""
    across = x * CHART_WIDTH
    down = (_MARGIN + y * (1 - 2 * _MARGIN)) * CHART_HEIGHT
    pieces = []
    for first, last in stretches(np.isfinite(y) & np.isfinite(x)):
        points = [f"{across[i]:.1f} {down[i]:.1f}" for i in range(first, last + 1)]
        pieces.append("M" + "L".join(points) + ("h0" if first == last else ""))
    return "".join(pieces)


def rounded(values: Float[np.ndarray, "T"], digits: int) -> list[float | None]:
    """Return values with so many decimals (and no negative zero); None where unknown."""
    return [round(v, digits) + 0.0 if math.isfinite(v) else None for v in values.tolist()]


def pack(spans: Sequence[tuple[float, float]], length_s: float, least: float = 0.8) -> list[Placed]:
    """Place spans of seconds on the axis so that none covers another: each in the first row that is free.

    Args:
        spans: start and end, ordered by start.
        length_s: length of the axis.
        least: width in percent below which nothing could be seen or clicked.
    """
    ends: list[float] = []
    placed = []
    for start_s, end_s in spans:
        left = 100 * min(max(start_s / length_s, 0.0), 1.0)
        width = max(100 * min(end_s / length_s, 1.0) - left, least)
        left = min(left, 100 - width)
        row = next((i for i, end in enumerate(ends) if end <= left + 1e-6), len(ends))
        ends[row : row + 1] = [left + width]
        placed.append(Placed(round(left, 3), round(width, 3), row))
    return placed


def time_ticks(length_s: float, most: int = 8) -> list[Tick]:
    """Return marks at round seconds, at most ``most`` and one."""
    step = round_step(length_s / most)
    count = math.floor(length_s / step + 1e-9)
    return [Tick(round(100 * i * step / length_s, 3), f"{i * step:g}") for i in range(count + 1)]


def round_step(least: float) -> float:
    """Return the next number from ``least`` up that is 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= least * (1 - 1e-9))
