"""Boxes, affine maps, angles, smooth derivatives, spectra, turning points: pure numpy and scipy.

Image axes: x right, y down. Angles of headings are mathematical: 0 right, 90 up, counterclockwise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

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
    square = np.maximum((u * u).sum(-1) * (v * v).sum(-1) - dot**2, 0)
    angle: Float[np.ndarray, "*B"] = np.degrees(np.arctan2(np.sqrt(square), dot))
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
    has no rate.

    Args:
        times_s: increasing times.
        values: S signals; NaN where unknown.
        half_window_s: neighbours within this time take part.
        degree: 2 keeps peaks (a moving average would cut them).
    """
    value, rate = np.full_like(values, np.nan), np.full_like(values, np.nan)
    present = np.isfinite(values)
    if present.all() and values.size:
        return _fit(times_s, values, half_window_s, degree)
    # Rows that are known at the same samples (x, y and z of a point) share their weights.
    patterns, member = np.unique(np.packbits(present, axis=1), axis=0, return_inverse=True)
    for k in range(len(patterns)):
        rows = np.flatnonzero(member.ravel() == k)
        samples = np.flatnonzero(present[rows[0]])
        if len(samples):
            some = np.ix_(rows, samples)
            value[some], rate[some] = _fit(times_s[samples], values[some], half_window_s, degree)
    return Smoothed(value, rate)


CHUNK = 64
"""Samples fitted at once: their weights are one small dense matrix, which multiplies faster than a sparse one."""


def _fit(
    times_s: Float[np.ndarray, "M"], signal: Float[np.ndarray, "S M"], half_window_s: float, degree: int
) -> Smoothed:
    """Smooth signals without gaps."""
    first = np.searchsorted(times_s, times_s - half_window_s - 1e-9)
    last = np.searchsorted(times_s, times_s + half_window_s + 1e-9)
    column = first[:, None] + np.arange(int((last - first).max()))
    inside = column < last[:, None]
    column = np.minimum(column, len(times_s) - 1)
    weights = _weights((times_s[column] - times_s[:, None]) / half_window_s, inside, degree)
    value, rate = np.empty_like(signal), np.empty_like(signal)
    for start in range(0, len(times_s), CHUNK):
        rows = np.s_[start : min(start + CHUNK, len(times_s))]
        low, high = int(first[rows.start]), int(last[rows.stop - 1])
        used = inside[rows]
        place = np.nonzero(used)[0], column[rows][used] - low
        for result, weight in zip((value, rate), weights, strict=True):
            dense = np.zeros((len(used), high - low))
            dense[place] = weight[rows][used]
            result[:, rows] = signal[:, low:high] @ dense.T
    return Smoothed(value, rate / half_window_s)


def _weights(
    offset: Float[np.ndarray, "M W"], inside: Bool[np.ndarray, "M W"], degree: int
) -> tuple[Float[np.ndarray, "M W"], Float[np.ndarray, "M W"]]:
    """Return what the value and the slope of each sample's polynomial take from its neighbours.

    The degree falls with the neighbours; with none there is no slope: NaN.
    """
    power = np.minimum(inside.sum(1) - 1, degree)
    to_value, to_rate = np.zeros_like(offset), np.zeros_like(offset)
    to_rate[power == 0] = np.nan
    for order in np.unique(power).tolist():
        at = np.flatnonzero(power == order)
        basis = [offset[at] ** k * inside[at] for k in range(order + 1)]
        # The normal equations: sums of powers of the offsets, symmetric and at most 3 by 3.
        gram = np.stack([np.stack([(a * b).sum(1) for b in basis], -1) for a in basis], -2)
        inverse = np.linalg.inv(gram)
        to_value[at] = sum(inverse[:, 0, k, None] * basis[k] for k in range(order + 1))
        if order:
            to_rate[at] = sum(inverse[:, 1, k, None] * basis[k] for k in range(order + 1))
    return to_value, to_rate


def stretches(mask: Bool[np.ndarray, "T"]) -> list[tuple[int, int]]:
    """Return the runs of True as (first, last) index pairs, both inclusive."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def fill_gaps(
    times_s: Float[np.ndarray, "T"], values: Float[np.ndarray, "T"], max_gap_s: float
) -> Float[np.ndarray, "T"]:
    """Return a signal with gaps up to ``max_gap_s`` filled by straight lines; longer gaps stay NaN."""
    known = np.flatnonzero(np.isfinite(values))
    filled = values.copy()
    for a, b in zip(known[:-1], known[1:], strict=True):
        if b > a + 1 and times_s[b] - times_s[a] <= max_gap_s:
            filled[a + 1 : b] = np.interp(times_s[a + 1 : b], times_s[[a, b]], values[[a, b]])
    return filled


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
    anchor_low = anchor_high = 0
    direction = 0
    for i, value in enumerate(values):
        if value < values[anchor_low]:
            anchor_low = i
        if value > values[anchor_high]:
            anchor_high = i
        if direction <= 0 and value - values[anchor_low] >= prominence:
            turns.append(Turn(anchor_low, float(values[anchor_low]), False))
            direction, anchor_high = 1, i
        elif direction >= 0 and values[anchor_high] - value >= prominence:
            turns.append(Turn(anchor_high, float(values[anchor_high]), True))
            direction, anchor_low = -1, i
    if direction:
        last = anchor_high if direction > 0 else anchor_low
        turns.append(Turn(last, float(values[last]), direction > 0))
    return turns


class Spectrum(NamedTuple):
    """One-sided power spectrum: ``power`` sums to the mean square of the mean-free signal."""

    frequency_hz: Float[np.ndarray, "F"]
    power: Float[np.ndarray, "F"]


def spectrum(values: Float[np.ndarray, "T"], rate_hz: float) -> Spectrum:
    """Return the one-sided, Hann-windowed power spectrum of an evenly sampled, gapless signal.

    KPM eq. 5 with its open points settled: the mean is removed, |V|^2 is meant by V^2, the mirrored half is
    not counted as high frequencies, and dividing by the window's energy makes the power independent of length.
    """
    window = np.hanning(len(values) + 2)[1:-1]
    centred = (values - values.mean()) * window
    transform = np.abs(np.fft.rfft(centred)) ** 2
    twice = np.full(len(transform), 2.0)
    twice[0] = 1.0
    if len(values) % 2 == 0:
        twice[-1] = 1.0
    power = twice * transform / (len(values) * float((window**2).sum()))
    return Spectrum(np.fft.rfftfreq(len(values), 1 / rate_hz), power)


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
    system = np.column_stack([2 * centred, np.ones(len(path))])
    solution, _, rank, _ = np.linalg.lstsq(system, (centred**2).sum(1), rcond=1e-9)
    if rank < 3:
        return None
    center = solution[:2]
    radius = float(np.sqrt(max(solution[2] + center @ center, 0)))
    arms = centred - center
    distance = np.hypot(*arms.T)
    swept = np.unwrap(np.arctan2(-arms[:, 1], arms[:, 0]))
    return Circle(
        center + middle,
        radius,
        float(np.sqrt(((distance - radius) ** 2).mean())),
        float(np.degrees(swept[-1] - swept[0])),
    )
