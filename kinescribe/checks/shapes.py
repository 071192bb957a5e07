"""Shapes, numbers and manners of a path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.signal import find_peaks

from kinescribe.checks.measurements import Judgement, Window, all_of, equal, limit, rises
from kinescribe.checks.tolerances import (
    CIRCLE_DEG,
    DOUBT,
    MANNERS,
    OPEN,
    ROUNDNESS,
    STRAIGHT_DEVIATION,
    SYNONYMS,
)
from kinescribe.geometry import chord_deviation, corners
from kinescribe.records import Action
from kinescribe.vocabulary import COMPASS


def shape(window: Window, trajectory: str) -> Judgement:
    """Straight, curved, circular or zigzag; shapes exclude each other."""
    if window.extent < window.needed:
        return Judgement(None, f"too short a way for a shape in {window.when}")
    return _SHAPES[trajectory](window)


def _deviation(window: Window) -> float:
    """Largest distance from the line between the ends, as a share of the way between them."""
    chord = float(np.hypot(*(window.path[-1] - window.path[0])))
    return chord_deviation(window.path) / max(chord, 1e-9)


def _is_straight(window: Window) -> Judgement:
    off, bends = _deviation(window), _bends(window)
    why = f"leaves a straight line by {off:.2f} of its length in {window.when}"
    if bends >= 3:
        return Judgement(False, f"{why} and bends to alternating sides {bends} times")
    if off <= STRAIGHT_DEVIATION * 1.25:
        return Judgement(True, why)
    return Judgement(False if off > STRAIGHT_DEVIATION * 2 else None, why)


def _is_curved(window: Window) -> Judgement:
    """One bend to one side, less than a circle."""
    off, bends = _deviation(window), _bends(window)
    why = f"leaves a straight line by {off:.2f} of its length, bends to {bends} sides in {window.when}"
    if off <= STRAIGHT_DEVIATION * DOUBT or bends > 2 or turned(window, 0, None).holds:
        return Judgement(False, why)
    return Judgement(True if off >= STRAIGHT_DEVIATION * 0.8 and bends == 1 else None, why)


def _is_circular(window: Window) -> Judgement:
    return turned(window, 0, None)


def _is_zigzag(window: Window) -> Judgement:
    """At least three corners that alternate."""
    bends = _bends(window)
    why = f"changes sides {bends - 1} times in {window.when}"
    return Judgement(True if bends >= 3 else None if bends == 2 else False, why)


_SHAPES: Mapping[str, Callable[[Window], Judgement]] = {
    "straight": _is_straight,
    "curved": _is_curved,
    "circular": _is_circular,
    "zigzag": _is_zigzag,
}


def _bends(window: Window) -> int:
    """Return how many runs of corners to one side the path has (0 for a line)."""
    points = window.path[corners(window.path, max(window.needed / 2, 0.04 * window.extent))]
    sides = np.diff(points, axis=0)
    if len(sides) < 2:
        return 0
    signs = np.sign(sides[:-1, 0] * sides[1:, 1] - sides[:-1, 1] * sides[1:, 0])
    return 1 + int((np.diff(signs) != 0).sum())


def turned(window: Window, sign: int, count: int | None) -> Judgement:
    """Angle swept about the middle of the path: circles, their sense and number."""
    arm = window.path - (window.path.max(0) + window.path.min(0)) / 2
    about = np.degrees(np.unwrap(np.arctan2(-arm[:, 1], arm[:, 0])))
    turned = float(about[-1] - about[0])
    why = f"swept {turned:+.0f} degrees about its middle in {window.when}"
    if window.extent < window.needed:
        return Judgement(False, f"did not move; {why}")
    radius = np.hypot(*arm.T)
    if float(radius.std() / radius.mean()) > ROUNDNESS:
        return Judgement(False, f"not round; {why}")
    swept = limit(abs(turned) if sign == 0 else sign * turned, CIRCLE_DEG, why)
    net = float(np.hypot(*(window.path[-1] - window.path[0])))
    if swept.holds is None and net > OPEN * window.extent:
        swept = Judgement(False, f"{why}, and ends far from where it began")
    judged = [swept]
    if count is not None:
        judged.append(equal(round(abs(turned) / 360), count, "turns"))
    return all_of(judged)


def to_and_fro(window: Window, axes: Sequence[str], count: int | None) -> Judgement:
    """Repeated swings along an axis; a time there and back is two swings.

    The number is counted by zero crossings about the middle of the swing with a dead band, and must be exactly the
    claimed one; a half swing over makes two numbers possible, so neither is refused nor confirmed.
    """
    axis = _axis(window, axes)
    signal = window.path[:, axis]
    half_swings = _half_swings(signal, window.needed)
    name = ("left and right", "up and down")[axis]
    why = f"{half_swings} swings {name} of over {window.needed:.0f} px in {window.when}"
    if half_swings < 3:
        return Judgement(None if half_swings == 2 else False, why)
    if count is None:
        return Judgement(True, why)
    if half_swings % 2 and abs(half_swings / 2 - count) < 1:
        return Judgement(None, f"{why}: between {half_swings // 2} and {half_swings // 2 + 1} times")
    return Judgement(half_swings == 2 * count, why)


def _axis(window: Window, axes: Sequence[str]) -> int:
    if set(axes) & {"left", "right"}:
        return 0
    if set(axes) & {"up", "down"}:
        return 1
    return int(np.ptp(window.path, axis=0).argmax())


def _half_swings(signal: Float[np.ndarray, "M"], least: float) -> int:
    """Return how many monotone swings follow each other (peaks of both signs), small ones among them not counted.

    Small is under 0.4 of the typical swing, not of the whole range: a thing may be lifted far before it shakes.
    """
    high = _peaks(signal, least)
    low = _peaks(-signal, least)
    turns = sorted([(i, 1) for i in high] + [(i, -1) for i in low])
    alternating = [turn for n, turn in enumerate(turns) if n == 0 or turns[n - 1][1] != turn[1]]
    swings = np.abs(np.diff([signal[i] for i, _ in alternating]))
    return int((swings >= 0.4 * np.median(swings)).sum()) if len(swings) else 0


def _peaks(signal: Float[np.ndarray, "M"], prominence: float) -> list[int]:
    """Return the highs that stand out, the ends included (a far lower value is put before and after)."""
    floor = float(signal.min()) - 2 * prominence
    padded = np.concatenate([[floor], signal, [floor]])
    found, _ = find_peaks(padded, prominence=prominence)
    return [int(i) - 1 for i in found if signal[int(i) - 1] - signal.min() >= prominence * 0.5]


def strokes(window: Window, compass: Sequence[str], count: int) -> Judgement:
    """How often it goes one way."""
    if len(compass) != 1:
        return Judgement(None, "what is counted has no direction")
    angle = np.radians(COMPASS.index(compass[0]) * 45.0)
    along = window.path @ np.array([np.cos(angle), -np.sin(angle)])
    return equal(rises(along, window.needed), count, f"ways {compass[0].replace('_', ' ')}")


def manner(action: Action, window: Window) -> list[Judgement]:
    """Judge words of speed and extent; other manners are left out."""
    word = SYNONYMS.get(action.magnitude or "", action.magnitude or "")
    if word not in MANNERS:
        return []
    quantity, side, bound = MANNERS[word]
    steps = np.hypot(*np.diff(window.path, axis=0).T)
    seconds = float(window.times[-1] - window.times[0])
    net = float(np.hypot(*(window.path[-1] - window.path[0])))
    value = {"speed": float(steps.sum()) / max(seconds, 1e-9), "way": net}[quantity] / window.width
    unit = "widths/s" if quantity == "speed" else "widths"
    why = f"{value:.2f} {unit} for {word}"
    if side == "above":
        return [limit(value, bound, why)]
    return [Judgement(True if value <= bound else False if value > bound / DOUBT else None, why)]
