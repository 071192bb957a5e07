"""Boxes, affine maps, angles, smooth derivatives, spectra, turning points: pure numpy and scipy.

Image axes: x right, y down. Angles of headings are mathematical: 0 right, 90 up, counterclockwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.vocabulary import COMPASS

# --- boxes --------------------------------------------------------------------------------------------------


def box_center(xyxy: Float[np.ndarray, "*B 4"]) -> Float[np.ndarray, "*B 2"]:
    """Return the middles of boxes."""
    return (xyxy[..., :2] + xyxy[..., 2:]) / 2


def box_size(xyxy: Float[np.ndarray, "*B 4"]) -> Float[np.ndarray, "*B"]:
    """Return the square root of the areas: the side of the square with the same area."""
    side = np.maximum(xyxy[..., 2:] - xyxy[..., :2], 0)
    return np.sqrt(side[..., 0] * side[..., 1])


def box_iou(a: Float[np.ndarray, "A 4"], b: Float[np.ndarray, "B 4"]) -> Float[np.ndarray, "A B"]:
    """Return the intersection over union of every pair; 0 for empty or unknown boxes."""
    shared = _intersection(a, b)
    union = box_size(a)[:, None] ** 2 + box_size(b)[None] ** 2 - shared
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(np.where(union > 0, shared / union, 0.0))


def box_cover(a: Float[np.ndarray, "A 4"], b: Float[np.ndarray, "B 4"]) -> Float[np.ndarray, "A B"]:
    """Return which share of each ``a`` lies inside each ``b``; 0 for empty or unknown boxes."""
    area = box_size(a)[:, None] ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(np.where(area > 0, _intersection(a, b) / area, 0.0))


def _intersection(a: Float[np.ndarray, "A 4"], b: Float[np.ndarray, "B 4"]) -> Float[np.ndarray, "A B"]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    side = np.maximum(high - low, 0)
    area: Float[np.ndarray, "A B"] = side[..., 0] * side[..., 1]
    return area


def touches_border(
    xyxy: Float[np.ndarray, "*B 4"], width: float, height: float, margin: float = 0.012
) -> Bool[np.ndarray, "*B 4"]:
    """Return whether boxes reach the left, top, right, bottom border within ``margin`` of the longer side."""
    slack = margin * max(width, height)
    limit = np.array([slack, slack, width - slack, height - slack])
    with np.errstate(invalid="ignore"):
        reached: Bool[np.ndarray, "*B 4"] = np.concatenate(
            [xyxy[..., :2] <= limit[:2], xyxy[..., 2:] >= limit[2:]], axis=-1
        )
    return reached


# --- affine maps --------------------------------------------------------------------------------------------


def apply_affine(
    matrix: Float[np.ndarray, "*#B 2 3"], points: Float[np.ndarray, "*#B 2"]
) -> Float[np.ndarray, "... 2"]:
    """Map points by affine matrices (one matrix per point, or broadcast)."""
    turned = np.einsum("...ij,...j->...i", matrix[..., :2], points)
    mapped: Float[np.ndarray, "... 2"] = turned + matrix[..., 2]
    return mapped


def invert_affine(matrix: Float[np.ndarray, "*B 2 3"]) -> Float[np.ndarray, "*B 2 3"]:
    """Return the inverse maps; NaN where unknown or singular."""
    a, b, c, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 0], matrix[..., 1, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        det = np.where(np.abs(a * d - b * c) > 1e-12, a * d - b * c, np.nan)
        linear = np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2) / det[..., None, None]
    shift = -np.einsum("...ij,...j->...i", linear, matrix[..., 2])
    return np.concatenate([linear, shift[..., None]], axis=-1)


def compose_affine(
    outer: Float[np.ndarray, "*#B 2 3"], inner: Float[np.ndarray, "*#B 2 3"]
) -> Float[np.ndarray, "... 2 3"]:
    """Return the maps that apply ``inner`` first, then ``outer``."""
    linear = np.einsum("...ij,...jk->...ik", outer[..., :2], inner[..., :2])
    shift = np.einsum("...ij,...j->...i", outer[..., :2], inner[..., 2]) + outer[..., 2]
    return np.concatenate([linear, shift[..., None]], axis=-1)


# --- angles -------------------------------------------------------------------------------------------------


def heading_deg(dx: Float[np.ndarray, "*B"], dy: Float[np.ndarray, "*B"]) -> Float[np.ndarray, "*B"]:
    """Return headings of image vectors in [0, 360): 0 right, 90 up."""
    heading: Float[np.ndarray, "*B"] = np.degrees(np.arctan2(-dy, dx)) % 360
    return heading


def compass(dx: float, dy: float) -> str:
    """Return the nearest of the eight directions of an image vector."""
    return COMPASS[round(float(np.degrees(np.arctan2(-dy, dx))) / 45) % 8]


def inner_angle_deg(
    a: Float[np.ndarray, "*B C"], vertex: Float[np.ndarray, "*B C"], c: Float[np.ndarray, "*B C"]
) -> Float[np.ndarray, "*B"]:
    """Return the angle at ``vertex``, in [0, 180] (KPM eq. 3, by atan2: arccos loses digits near 0 and 180)."""
    u, v = a - vertex, c - vertex
    dot = (u * v).sum(-1)
    if u.shape[-1] == 2:
        across = np.abs(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
    else:
        across = np.sqrt(
            sum((u[..., i] * v[..., j] - u[..., j] * v[..., i]) ** 2 for i, j in ((0, 1), (1, 2), (2, 0)))
        )
    angle: Float[np.ndarray, "*B"] = np.degrees(np.arctan2(across, dot))
    return angle


# --- signals over time --------------------------------------------------------------------------------------


class Smoothed(NamedTuple):
    """A smooth signal and its derivative per second."""

    value: Float[np.ndarray, "S T"]
    rate: Float[np.ndarray, "S T"]


def smooth(
    times_s: Float[np.ndarray, "T"],
    values: Float[np.ndarray, "S T"],
    half_window_s: float = 0.35,
    degree: int = 2,
) -> Smoothed:
    """Fit a polynomial round every sample (Savitzky-Golay for irregular times and gaps).

    A sample that is NaN stays NaN. With too few neighbours the degree falls; a lone sample keeps its value and
    has no rate. Who smooths several times at the same instants keeps a ``Smoother``.

    Args:
        times_s: increasing times.
        values: S signals; NaN where unknown.
        half_window_s: neighbours within this time take part.
        degree: 0 to 2; 2 keeps peaks (a moving average would cut them).
    """
    return Smoother(times_s, half_window_s, degree)(values)


CHUNK = 64
"""Samples fitted at once: their weights are one small dense matrix, which multiplies faster than a sparse one."""
PAIRS = 1 << 16
"""Samples beside gaps that are fitted at once, which bounds the memory."""


class _Neighbours(NamedTuple):
    """Who takes part in the fit of each sample, W at most."""

    first: Int[np.ndarray, "T"]
    last: Int[np.ndarray, "T"]
    """One beyond."""
    column: Int[np.ndarray, "T W"]
    offset: Float[np.ndarray, "T W"]
    """In time, from -1 to 1."""
    inside: Bool[np.ndarray, "T W"]


class _Block(NamedTuple):
    """What some consecutive samples take from their neighbours."""

    rows: slice
    """Samples."""
    columns: slice
    """Neighbours."""
    weights: Float[np.ndarray, "2 R C"]
    """Of the value and of the rate."""


@dataclass(frozen=True, eq=False)
class Smoother:
    """``smooth`` at given times: what depends only on them is computed once, for however many signals.

    Signals in single precision are smoothed in single precision, the weights never are computed in it.
    """

    times_s: Float[np.ndarray, "T"]
    half_window_s: float
    degree: int = 2

    def __post_init__(self) -> None:
        if self.degree not in (0, 1, 2):
            raise ValueError(f"degree must be 0, 1 or 2, not {self.degree}")

    def __call__(self, values: Float[np.ndarray, "S T"]) -> Smoothed:
        """Smooth signals; NaN where unknown."""
        value, rate = self._fitted(values, (0, 1))
        return Smoothed(value, rate)

    def value(self, values: Float[np.ndarray, "S T"]) -> Float[np.ndarray, "S T"]:
        """Return only the smooth signals, in half the time."""
        return self._fitted(values, (0,))[0]

    def rate(self, values: Float[np.ndarray, "S T"]) -> Float[np.ndarray, "S T"]:
        """Return only the derivatives, in half the time."""
        return self._fitted(values, (1,))[0]

    def _fitted(self, values: Float[np.ndarray, "S T"], orders: tuple[int, ...]) -> list[np.ndarray]:
        """Return derivatives of these orders: 0 is the value."""
        present = np.isfinite(values)
        if present.all():
            return self._gapless(values, orders)
        # A sample without an unknown neighbour is fitted like all others; only those beside gaps need weights
        # of their own.
        filled = values.copy()
        np.copyto(filled, 0, where=~present)
        result = self._gapless(filled, orders)
        self._beside_gaps(filled, present, dict(zip(orders, result, strict=True)))
        for signal in result:
            np.copyto(signal, np.nan, where=~present)
        return result

    @cached_property
    def _near(self) -> _Neighbours:
        times, reach = self.times_s, self.half_window_s + 1e-9
        first, last = np.searchsorted(times, times - reach), np.searchsorted(times, times + reach)
        column = first[:, None] + np.arange(int((last - first).max(initial=0)))
        inside = column < last[:, None]
        column = np.minimum(column, len(times) - 1)
        return _Neighbours(first, last, column, (times[column] - times[:, None]) / self.half_window_s, inside)

    @cached_property
    def _blocks(self) -> list[_Block]:
        near = self._near
        weights = np.stack(self._weights(near.offset, near.inside, (0, 1)))
        place = np.arange(near.inside.shape[1])
        blocks = []
        for start in range(0, len(self.times_s), CHUNK):
            rows = slice(start, min(start + CHUNK, len(self.times_s)))
            low, high = int(near.first[rows.start]), int(near.last[rows.stop - 1])
            row, column = np.arange(rows.stop - start)[:, None], near.first[rows, None] - low + place
            dense = np.zeros((2, len(row), high - low + len(place)))
            dense[:, row, column] = weights[:, rows]
            blocks.append(_Block(rows, slice(low, high), dense[..., : high - low]))
        return blocks

    def _gapless(self, signal: Float[np.ndarray, "S T"], orders: tuple[int, ...]) -> list[np.ndarray]:
        results = [np.empty_like(signal) for _ in orders]
        for block in self._blocks:
            for order, result in zip(orders, results, strict=True):
                weight = block.weights[order].T.astype(signal.dtype, copy=False)
                np.matmul(signal[:, block.columns], weight, out=result[:, block.rows])
        return results

    def _beside_gaps(
        self,
        filled: Float[np.ndarray, "S T"],
        present: Bool[np.ndarray, "S T"],
        results: Mapping[int, Float[np.ndarray, "S T"]],
    ) -> None:
        """Put right what has unknown neighbours, which ``filled`` holds as zeros, in results by order.

        (``take`` is up to four times as fast as indexing.)
        """
        near, total = self._near, len(self.times_s)
        # Rows after each other that are known at the same samples (x, y and z of a point) share their weights.
        start = np.flatnonzero(np.append(True, (present[1:] != present[:-1]).any(1)))
        many = np.diff(np.append(start, len(present)))
        gappy = np.flatnonzero(~present[start].all(1))
        start, many = start[gappy], many[gappy]
        known = present[start]
        pattern, sample = np.divmod(self._lacking(known), total)
        for a in range(0, len(sample), PAIRS):
            p, t = pattern[a : a + PAIRS], sample[a : a + PAIRS]
            inside = near.inside.take(t, 0) & known.take(near.column.take(t, 0) + total * p[:, None])
            pair = np.repeat(np.arange(len(p)), many[p])
            row = np.arange(len(pair)) + np.repeat(start[p] - np.cumsum(many[p]) + many[p], many[p])
            column = t[pair]
            taken = filled.take(near.column.take(column, 0) + total * row[:, None])
            weights = self._weights(near.offset.take(t, 0), inside, tuple(results))
            for signal, weight in zip(results.values(), weights, strict=True):
                signal[row, column] = np.einsum("mw,mw->m", taken, weight.take(pair, 0))

    def _lacking(self, known: Bool[np.ndarray, "P T"]) -> Int[np.ndarray, "M"]:
        """Return the cells that are known but for some of their neighbours."""
        near = self._near
        so_far = np.zeros((len(known), known.shape[1] + 1), np.int32)
        np.cumsum(known, axis=1, out=so_far[:, 1:])
        neighbours = so_far.take(near.last, axis=1) - so_far.take(near.first, axis=1)
        return np.flatnonzero(known & (neighbours < near.last - near.first))

    def _weights(
        self, offset: Float[np.ndarray, "M W"], inside: Bool[np.ndarray, "M W"], orders: tuple[int, ...]
    ) -> list[Float[np.ndarray, "M W"]]:
        """Return what the value (order 0) and the slope (1) of each sample's polynomial take from its neighbours.

        They are rows of the inverse of the normal equations, whose entries are sums of powers of the offsets, times the
        powers themselves.
        """
        one = inside.astype(np.float64)
        x = offset * one
        x2 = x * x
        found = []
        for order, of_one, of_x, of_x2 in _rows_of_inverse(one, x, x2, self.degree, orders):
            weights = of_one[:, None] * one + of_x[:, None] * x + of_x2[:, None] * x2
            found.append(weights / self.half_window_s if order else weights)
        return found


def _rows_of_inverse(
    one: Float[np.ndarray, "M W"],
    x: Float[np.ndarray, "M W"],
    x2: Float[np.ndarray, "M W"],
    degree: int,
    orders: tuple[int, ...],
) -> Iterator[tuple[int, Float[np.ndarray, "M"], Float[np.ndarray, "M"], Float[np.ndarray, "M"]]]:
    """Yield rows of the inverse of the normal equations of polynomials, with their number, from powers of the offsets.

    The degree falls with the neighbours; with none there is no slope: NaN.
    """
    s0, s1, s2 = one.sum(1), x.sum(1), x2.sum(1)
    s3, s4 = np.einsum("mw,mw->m", x, x2), np.einsum("mw,mw->m", x2, x2)
    power, nothing = np.minimum(s0 - 1, degree), np.zeros_like(s0)
    line = s0 * s2 - s1**2
    c00, c01, c02 = s2 * s4 - s3**2, s2 * s3 - s1 * s4, s1 * s3 - s2**2
    parabola = s0 * c00 + s1 * c01 + s2 * c02
    with np.errstate(invalid="ignore", divide="ignore"):
        for order in orders:
            if order == 0:
                constant, linear, square = (1 / s0, nothing, nothing), (s2, -s1, nothing), (c00, c01, c02)
            else:
                constant = np.where(power == 0, np.nan, 0.0), nothing, nothing
                linear, square = (-s1, s0, nothing), (c01, s0 * s4 - s2**2, s1 * s2 - s0 * s3)
            of_one, of_x, of_x2 = (
                np.where(power == 2, c / parabola, np.where(power == 1, b / line, a))
                for a, b, c in zip(constant, linear, square, strict=True)
            )
            yield order, of_one, of_x, of_x2


def stretches(mask: Bool[np.ndarray, "T"]) -> list[tuple[int, int]]:
    """Return the runs of True as (first, last) index pairs, both inclusive."""
    framed = np.zeros(len(mask) + 2, bool)
    framed[1:-1] = mask
    edges = (framed[1:] != framed[:-1]).nonzero()[0].tolist()
    return [(a, b - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def fill_gaps(
    times_s: Float[np.ndarray, "T"], values: Float[np.ndarray, "T"], max_gap_s: float
) -> Float[np.ndarray, "T"]:
    """Return a signal with gaps up to ``max_gap_s`` filled by straight lines; longer gaps stay NaN."""
    filled, present = values.copy(), np.isfinite(values)
    if present.all():
        return filled
    known = np.flatnonzero(present)
    for gap in np.flatnonzero(known[1:] > known[:-1] + 1).tolist():
        a, b = known[gap : gap + 2].tolist()
        if times_s[b] - times_s[a] <= max_gap_s:
            filled[a + 1 : b] = np.interp(times_s[a + 1 : b], times_s[[a, b]], values[[a, b]])
    return filled


def median(values: Float[np.ndarray, "M"]) -> float:
    """Return the median of one or more known numbers. (Of a few dozen, NumPy's takes several times as long.)"""
    ordered, half = np.sort(values), len(values) // 2
    return float(ordered[half]) if len(values) % 2 else float(ordered[half - 1] + ordered[half]) / 2


def quantile(values: Float[np.ndarray, "M"], share: float) -> float:
    """Return the number below which a share (0 to 1) of one or more known numbers lies, as NumPy's ``quantile``."""
    ordered = np.sort(values)
    at = share * (len(ordered) - 1)
    below = int(at)
    low, high = ordered[[below, min(below + 1, len(ordered) - 1)]].tolist()
    part = at - below
    return float(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))


class Turn(NamedTuple):
    """A high or low point of a signal."""

    at: int
    """Index of the sample."""
    value: float
    high: bool


def turning_points(values: Float[np.ndarray, "T"], prominence: float) -> list[Turn]:
    """Return the alternating highs and lows that stand out by ``prominence``, ends included where they do.

    The signal must have no gaps. An end counts as a turning point if the signal leaves it by ``prominence``
    before it turns.
    """
    if len(values) < 2:
        return []
    turns: list[Turn] = []
    numbers: list[float] = values.tolist()
    low = high = numbers[0]
    at_low = at_high = direction = 0
    for i, value in enumerate(numbers):
        if value < low:
            low, at_low = value, i
        if value > high:
            high, at_high = value, i
        if direction <= 0 and value - low >= prominence:
            turns.append(Turn(at_low, low, False))
            direction, high, at_high = 1, value, i
        elif direction >= 0 and high - value >= prominence:
            turns.append(Turn(at_high, high, True))
            direction, low, at_low = -1, value, i
    if direction:
        turns.append(Turn(at_high, high, True) if direction > 0 else Turn(at_low, low, False))
    return turns


class Spectrum(NamedTuple):
    """One-sided power spectrum: ``power`` sums to the mean square of the mean-free signal."""

    frequency_hz: Float[np.ndarray, "F"]
    power: Float[np.ndarray, "*S F"]


def spectrum(values: Float[np.ndarray, "*S T"], rate_hz: float) -> Spectrum:
    """Return the one-sided, Hann-windowed power spectrum of evenly sampled, gapless signals.

    KPM eq. 5 with its open points settled: the mean is removed, |V|^2 is meant by V^2, the mirrored half is
    not counted as high frequencies, and dividing by the window's energy makes the power independent of length.
    """
    total = values.shape[-1]
    window = 0.5 + 0.5 * np.cos(np.pi * np.arange(1 - total, total + 1, 2) / (total + 1))
    transform = np.fft.rfft((values - values.mean(-1, keepdims=True)) * window)
    twice = np.full(transform.shape[-1], 2.0)
    twice[0] = 1.0
    if total % 2 == 0:
        twice[-1] = 1.0
    power = (twice / (total * float(window @ window))) * (transform.real**2 + transform.imag**2)
    return Spectrum(np.arange(len(twice)) * (rate_hz / total), power)


# --- shapes of paths ----------------------------------------------------------------------------------------


def chord_deviation(path: Float[np.ndarray, "M 2"]) -> float:
    """Return the largest distance of a path's points from the line between its ends."""
    chord = path[-1] - path[0]
    length = float(np.hypot(*chord))
    if length < 1e-9:
        return float(np.hypot(*(path - path[0]).T).max())
    normal = np.array([-chord[1], chord[0]]) / length
    return float(np.abs((path - path[0]) @ normal).max())


def corners(path: Float[np.ndarray, "M 2"], tolerance: float) -> list[int]:
    """Return the indices of the polygon that follows a path within ``tolerance`` (Douglas-Peucker)."""
    keep = {0, len(path) - 1}
    todo = [(0, len(path) - 1)]
    while todo:
        a, b = todo.pop()
        if b <= a + 1:
            continue
        chord = path[b] - path[a]
        length = float(np.hypot(*chord))
        rest = path[a + 1 : b] - path[a]
        if length < 1e-9:
            distance = np.hypot(*rest.T)
        else:
            # Distance to the segment, not to the endless line: a path that overshoots its end must be split.
            along = np.clip(rest @ chord / length**2, 0, 1)
            distance = np.hypot(*(rest - along[:, None] * chord).T)
        worst = int(distance.argmax())
        if distance[worst] > tolerance:
            keep.add(a + 1 + worst)
            todo += [(a, a + 1 + worst), (a + 1 + worst, b)]
    return sorted(keep)


class Circle(NamedTuple):
    """A circle fitted to a path."""

    center: Float[np.ndarray, "2"]
    radius: float
    residual: float
    """Root mean square distance from the circle."""
    turned_deg: float
    """Signed angle swept about the centre; positive is counterclockwise as seen."""


def fit_circle(path: Float[np.ndarray, "M 2"]) -> Circle | None:
    """Return the least-squares circle of a path (Kasa), or None for a line."""
    middle = path.mean(0)
    centred = path - middle
    system = np.ones((len(path), 3))
    system[:, :2] = 2 * centred
    solution, _, rank, _ = np.linalg.lstsq(system, (centred**2).sum(1), rcond=1e-9)
    if rank < 3:
        return None
    center = solution[:2]
    radius = float(np.sqrt(max(solution[2] + center @ center, 0)))
    arms = centred - center
    distance = np.hypot(*arms.T)
    way = np.arctan2(-arms[:, 1], arms[:, 0])
    steps = way[1:] - way[:-1]
    swept = (steps - 2 * np.pi * np.round(steps / (2 * np.pi))).sum()
    return Circle(
        center + middle,
        radius,
        math.sqrt(((distance - radius) ** 2).mean()),
        math.degrees(swept),
    )
