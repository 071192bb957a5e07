"""Setting off, resting, and change of speed."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from kinescribe.checks.measurements import Judgement, Window, in_span
from kinescribe.checks.tolerances import INSTANT_S, SPEED_RATIO, STEADY_RATIO
from kinescribe.records import Action


def _at_change(action: Action, window: Window, forward: bool) -> Judgement:
    """Judge a start or stop: near the claimed time, or anywhere."""
    life = window.life
    instants = life.stops if forward else life.starts
    near = [t for t in instants if action.span is None or in_span(np.array([t]), action.span)[0]]
    word = "comes to rest" if forward else "sets off"
    if near:
        return Judgement(True, f"{word} at {near[0]:.1f} s")
    seen = ", ".join(f"{t:.1f}" for t in instants[:3])
    return Judgement(False, f"{word} at {seen} s only" if seen else f"never {word} in {life.when}")


def stop(action: Action, window: Window) -> Judgement:
    """Come to rest."""
    return _at_change(action, window, forward=True)


def start(action: Action, window: Window) -> Judgement:
    """Set off."""
    return _at_change(action, window, forward=False)


def pause(action: Action, window: Window) -> Judgement:
    """A rest between two motions: a stop and a later start, near the claimed span."""
    for a, b in window.life.rests:
        if action.span is None or (
            a <= action.span.end_s + INSTANT_S and b >= action.span.start_s - INSTANT_S
        ):
            return Judgement(True, f"rests from {a:.1f} to {b:.1f} s")
    return Judgement(False, f"no rest between two motions in {window.when}")


def _speed_changes(window: Window, sign: int) -> Judgement:
    """Mean speed of the last third against the first; without a span, of some stretch of a second or more."""
    step = np.diff(window.times)
    speed = np.hypot(*np.diff(window.path, axis=0).T) / np.maximum(step, 1e-9)
    if window.broken:
        return Judgement(None, f"its place is lost in between in {window.when}")
    if len(speed) < 6:
        return Judgement(None, f"too short to compare speeds in {window.when}")
    if float(speed.mean()) * (window.times[-1] - window.times[0]) < window.needed:
        return Judgement(False, f"hardly moves in {window.when}")
    ratio = _third_ratio(speed) if window.said is not None else _largest_ratio(speed, window, sign)
    ratio = ratio if sign > 0 else 1 / max(ratio, 1e-9)
    why = f"speed changes {ratio if sign > 0 else 1 / max(ratio, 1e-9):.2f}-fold in {window.when}"
    if ratio >= SPEED_RATIO:
        return Judgement(True, why)
    return Judgement(False if ratio <= STEADY_RATIO else None, why)


def _third_ratio(speed: Float[np.ndarray, "M"]) -> float:
    third = max(2, len(speed) // 3)
    return float(speed[-third:].mean() / max(float(speed[:third].mean()), 1e-9))


def _largest_ratio(speed: Float[np.ndarray, "M"], window: Window, sign: int) -> float:
    """Largest change of the speed (mean over half a second) while it moves."""
    samples = max(2, round(0.5 / float(np.median(np.diff(window.times)))))
    even = np.convolve(speed, np.full(samples, 1 / samples), "valid")
    moving = even[even >= 0.5 * window.needed]
    if len(moving) < 4:
        return 1.0
    climb = moving / np.minimum.accumulate(moving)
    fall = np.maximum.accumulate(moving) / moving
    return float(climb.max()) if sign > 0 else 1 / float(fall.max())


def accelerate(action: Action, window: Window) -> Judgement:
    """Speed up."""
    return _speed_changes(window, 1)


def decelerate(action: Action, window: Window) -> Judgement:
    """Slow down."""
    return _speed_changes(window, -1)
