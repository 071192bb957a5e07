"""From a measured path to words about it: when it moves, where it turns, what shape it has.

Works on plain arrays, so that it can be tested on curves whose shape is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.geometry import chord_deviation, corners, fit_circle, stretches, turning_points

MIN_CYCLES = 1.8
"""Fewer than about two cycles are a movement there and back, not a repetition."""
COUNT_TOLERANCE = 0.3
"""How far from a whole number of cycles a count may be; between, the count is unknown."""
CIRCLE_TURN_DEG = 300.0
"""An arc is called a circle from here on."""
MAX_OUT_OF_ROUND = 0.2
"""Root mean square distance from its circle, over the radius: 0.13 for an ellipse whose axes are as 10 to 7."""
ARC_DEG = (40.0, 230.0)
"""An arc turns by so much: less is hardly told from a line, more does not lead anywhere."""
MIN_BEND = 0.12
"""A curve leaves the line between its ends by more than this share of its length, as the judge has it ..."""
MAX_STRAY = 0.1
"""... and a straight leg by less than this."""
MAX_OFF_ARC = 0.12
"""Root mean square distance of a curve from its arc, over how far it leaves the chord. Over random noisy paths at 5 to
30 Hz arcs have 0.01 (at most 0.1), two lines with a corner 0.12 (at least 0.08)."""
MIN_ZIG = 0.03
"""How far the corners of a zigzag stand out, over its extent ..."""
MIN_BEND_DEG = 35.0
"""... by how much it turns at each ..."""
MIN_SIDE = 0.4
"""... how alike its sides are (the steps of a staircase are not) ..."""
MIN_PROGRESS = 0.3
"""... and how far it gets, over the length of its sides: less goes back and forth."""
PACE_S = 0.5
"""How soon after it shows a motion has its pace: smoothing shows it up to 0.35 s early and spreads it as long."""


class Cycles(NamedTuple):
    """A repeated swing along one axis."""

    first: int
    last: int
    number: int | None
    """Whole cycles; None where it is between two numbers."""
    swing: float
    """Median distance between neighbouring turning points."""
    regularity: float
    """1 for equal swings at equal intervals, towards 0 for none."""
    turns: tuple[int, ...]


class Leg(NamedTuple):
    """A piece of a path that one word of shape describes; indices are inclusive."""

    first: int
    last: int
    shape: str
    quality: float
    """How well the shape fits, in [0, 1]."""
    turned_deg: float = 0.0
    """Signed turn of circular and curved legs; positive is counterclockwise."""


def moving_stretches(
    times_s: Float[np.ndarray, "T"],
    speed: Float[np.ndarray, "T"],
    threshold: float,
    min_move_s: float = 0.3,
    max_rest_s: float = 0.8,
) -> list[tuple[int, int]]:
    """Return the inclusive index ranges in which something moves.

    Hysteresis: a movement begins above ``threshold`` and lasts while above half of it. Rests shorter than
    ``max_rest_s`` (a turning point is one) do not end a movement; unknown speeds do.
    """
    with np.errstate(invalid="ignore"):
        sure, maybe = speed > threshold, speed > threshold / 2
    spans = [(a, b) for a, b in stretches(maybe) if sure[a : b + 1].any()]
    merged: list[tuple[int, int]] = []
    for a, b in spans:
        if merged and _rest_between(times_s, speed, merged[-1][1], a) <= max_rest_s:
            merged[-1] = (merged[-1][0], b)
        else:
            merged.append((a, b))
    return [(a, b) for a, b in merged if times_s[b] - times_s[a] >= min_move_s]


def _rest_between(times_s: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T"], a: int, b: int) -> float:
    return float(times_s[b] - times_s[a]) if np.isfinite(speed[a : b + 1]).all() else float("inf")


def onset_s(
    times_s: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T"], first: int, sure: int, last: int
) -> float:
    """Return when the motion of some samples began, to a part of a sample.

    A symmetric straight-line fit over a sudden start has half of the speed at its very instant, whatever the window:
    so the start is where the speed crosses half of the pace that it soon has. What moves from its first known sample on
    began then at the latest.

    Args:
        times_s: increasing times.
        speed: smoothed, at least 0.
        first: the sample from which on the motion may show.
        sure: the first at which it surely does.
        last: its last sample.
    """
    if sure == first and (first == 0 or not np.isfinite(speed[first - 1])):
        return float(times_s[first])
    soon = sure + int(np.searchsorted(times_s[sure : last + 1], times_s[sure] + PACE_S, "right"))
    pace = float(speed[sure:soon].max()) / 2
    at = sure + int(np.argmax(speed[sure:soon] >= pace))
    while at > first and speed[at - 1] >= pace:
        at -= 1
    if at == 0 or not np.isfinite(speed[at - 1]) or speed[at - 1] >= pace:
        return float(times_s[at])
    share = (pace - speed[at - 1]) / (speed[at] - speed[at - 1])
    return float(times_s[at - 1] + share * (times_s[at] - times_s[at - 1]))


def cycles(values: Float[np.ndarray, "T"], prominence: float) -> Cycles | None:
    """Return the repetition in a gapless signal, or None where there is none to speak of.

    A swing between two turns is one, noisy or not; the swings at the ends count by their length, since a movement may
    start or end half way, and one that is longer (the lift before the shaking) counts as one.
    """
    turns = turning_points(values, prominence)
    if len(turns) < 4:
        return None
    swings = np.abs(np.diff([turn.value for turn in turns]))
    inner = swings[1:-1] if len(swings) > 3 else swings
    swing = float(np.median(inner))
    number = (len(swings) - 2 + float(np.minimum(swings[[0, -1]] / swing, 1).sum())) / 2
    if number < MIN_CYCLES or inner.min() < 0.4 * swing:
        return None
    gaps = np.diff([turn.at for turn in turns])[1:-1] if len(swings) > 3 else np.array([1.0])
    spread = inner.std() / swing + gaps.std() / max(gaps.mean(), 1e-9)
    whole = abs(number - round(number)) <= COUNT_TOLERANCE
    return Cycles(
        turns[0].at,
        turns[-1].at,
        round(number) if whole else None,
        swing,
        float(np.exp(-spread)),
        tuple(turn.at for turn in turns),
    )


def legs(path: Float[np.ndarray, "M 2"], tolerance: float) -> list[Leg]:
    """Split a moving path into legs of one shape each.

    A full circle, a single smooth arc and a zigzag are one leg; anything else is followed by straight lines within
    ``tolerance`` (pixels).
    """
    if len(path) < 3:
        return [Leg(0, len(path) - 1, "straight", 1.0)]
    round_leg = _round(path, tolerance) or _zigzag(path, tolerance)
    if round_leg is not None:
        return [round_leg]
    length = float(np.hypot(*(path[-1] - path[0])))
    points = corners(path, max(tolerance, MAX_STRAY * length))
    return [_straight(path, a, b) for a, b in zip(points[:-1], points[1:], strict=True)]


def _round(path: Float[np.ndarray, "M 2"], tolerance: float) -> Leg | None:
    """Return a path as a circle or an arc; None where it is neither."""
    circle = fit_circle(path)
    if (
        circle is None
        or circle.radius <= 1.5 * tolerance
        or circle.residual >= MAX_OUT_OF_ROUND * circle.radius
    ):
        return None
    last, turned = len(path) - 1, abs(circle.turned_deg)
    if turned >= CIRCLE_TURN_DEG:
        quality = 1 - circle.residual / (2 * MAX_OUT_OF_ROUND * circle.radius)
        return Leg(0, last, "circular", quality, circle.turned_deg)
    bend, length = chord_deviation(path), float(np.hypot(*(path[-1] - path[0])))
    if bend <= max(tolerance, MIN_BEND * length) or not ARC_DEG[0] <= turned <= ARC_DEG[1]:
        return None
    # Two straight lines with a corner between them are nowhere near a circle, an arc is nowhere near two lines.
    if circle.residual >= min(MAX_OFF_ARC * bend, _off_one_corner(path)):
        return None
    return Leg(0, last, "curved", 1 - circle.residual / bend, circle.turned_deg)


def _off_one_corner(path: Float[np.ndarray, "M 2"]) -> float:
    """Return the root mean square distance of a path from two lines that meet where it is farthest from its chord."""
    chord = path[-1] - path[0]
    across = np.array([-chord[1], chord[0]]) / max(float(np.hypot(*chord)), 1e-9)
    at = int(np.abs((path - path[0]) @ across).argmax())
    return _off_polygon(path, [0, at, len(path) - 1])


def _off_polygon(path: Float[np.ndarray, "M 2"], points: list[int]) -> float:
    """Return the root mean square distance of a path from the lines between some of its points."""
    square = np.zeros(len(path))
    for a, b in zip(points[:-1], points[1:], strict=True):
        side = path[b] - path[a]
        across = np.array([-side[1], side[0]]) / max(float(np.hypot(*side)), 1e-9)
        square[a : b + 1] = ((path[a : b + 1] - path[a]) @ across) ** 2
    return float(np.sqrt(square.mean()))


def _straight(path: Float[np.ndarray, "M 2"], a: int, b: int) -> Leg:
    length = float(np.hypot(*(path[b] - path[a])))
    deviation = chord_deviation(path[a : b + 1])
    return Leg(a, b, "straight", float(np.clip(1 - deviation / max(length, 1e-9), 0, 1)))


def _zigzag(path: Float[np.ndarray, "M 2"], tolerance: float) -> Leg | None:
    """Return a path that bends to alternating sides three or more times and still gets somewhere; else None."""
    extent = float(np.ptp(path, axis=0).max())
    points = corners(path, max(tolerance, MIN_ZIG * extent))
    sides = np.diff(path[points], axis=0)
    if len(sides) < 4:
        return None
    cross = sides[:-1, 0] * sides[1:, 1] - sides[:-1, 1] * sides[1:, 0]
    turn = np.degrees(np.arctan2(cross, (sides[:-1] * sides[1:]).sum(1)))
    # A rounded corner is two corners to one side.
    runs = np.split(np.arange(len(turn)), np.flatnonzero(np.diff(np.sign(turn))) + 1)
    bends = [abs(float(turn[run].sum())) for run in runs]
    way = float(np.hypot(*sides.T).sum())
    progress = float(np.hypot(*(path[-1] - path[0]))) / way
    if len(bends) < 3 or min(bends) <= MIN_BEND_DEG or progress <= MIN_PROGRESS:
        return None
    at = [points[0], *(points[1 + int(run[len(run) // 2])] for run in runs), points[-1]]
    lengths = np.hypot(*np.diff(path[at], axis=0).T)
    # The first and the last side may be cut short; longer ones mean a straight way with a wiggle in it.
    if lengths[1:-1].min() < MIN_SIDE * lengths.max():
        return None
    depth = way / len(bends) * float(np.sqrt(1 - min(progress, 1.0) ** 2)) / 2
    return Leg(0, len(path) - 1, "zigzag", float(np.clip(1 - _off_polygon(path, points) / depth, 0, 1)))
