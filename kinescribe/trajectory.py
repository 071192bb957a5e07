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


def cycles(values: Float[np.ndarray, "T"], prominence: float) -> Cycles | None:
    """Return the repetition in a gapless signal, or None where there is none to speak of.

    The number of cycles is the total variation divided by twice the median swing, so that a movement that
    starts or ends half way is counted by its length; a longer swing (the lift before the shaking) counts as one.
    """
    turns = turning_points(values, prominence)
    if len(turns) < 4:
        return None
    swings = np.abs(np.diff([turn.value for turn in turns]))
    inner = swings[1:-1] if len(swings) > 3 else swings
    swing = float(np.median(inner))
    number = float(np.minimum(swings / swing, 1).sum()) / 2
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

    A full circle and a single smooth arc are one leg; anything else is followed by straight lines within
    ``tolerance`` (pixels). Three or more alternating corners with progress make a zigzag.
    """
    if len(path) < 3:
        return [Leg(0, len(path) - 1, "straight", 1.0)]
    length = float(np.hypot(*(path[-1] - path[0])))
    bend = chord_deviation(path)
    circle = fit_circle(path)
    if circle is not None and circle.radius > 1.5 * tolerance and circle.residual < 0.2 * circle.radius:
        quality = 1 - circle.residual / (0.2 * circle.radius)
        if abs(circle.turned_deg) >= CIRCLE_TURN_DEG:
            return [Leg(0, len(path) - 1, "circular", quality, circle.turned_deg)]
        on_arc = circle.residual < 0.07 * bend and bend > max(tolerance, 0.12 * length)
        if on_arc and 40 <= abs(circle.turned_deg) <= 200:
            return [Leg(0, len(path) - 1, "curved", quality, circle.turned_deg)]
    points = corners(path, max(tolerance, 0.1 * length))
    if _zigzag(path[points]):
        return [Leg(0, len(path) - 1, "zigzag", 1.0)]
    return [_straight(path, a, b) for a, b in zip(points[:-1], points[1:], strict=True)]


def _straight(path: Float[np.ndarray, "M 2"], a: int, b: int) -> Leg:
    length = float(np.hypot(*(path[b] - path[a])))
    deviation = chord_deviation(path[a : b + 1])
    return Leg(a, b, "straight", float(np.clip(1 - deviation / max(length, 1e-9), 0, 1)))


def _zigzag(polygon: Float[np.ndarray, "P 2"]) -> bool:
    """Whether a polygon alternates at three or more corners and still gets somewhere."""
    if len(polygon) < 5:
        return False
    sides = np.diff(polygon, axis=0)
    cross = sides[:-1, 0] * sides[1:, 1] - sides[:-1, 1] * sides[1:, 0]
    turn = np.degrees(np.arctan2(cross, (sides[:-1] * sides[1:]).sum(1)))
    alternates = bool((np.sign(turn[:-1]) * np.sign(turn[1:]) < 0).all())
    progress = np.hypot(*(polygon[-1] - polygon[0])) / np.hypot(*sides.T).sum()
    return alternates and bool((np.abs(turn) > 35).all()) and float(progress) > 0.3
