"""Changes of speed: how a bout of motion speeds up and slows down, phase by phase."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from kinescribe.events.course import Bout, Course
from kinescribe.events.scene import core
from kinescribe.geometry import smooth, turning_points
from kinescribe.records import Event, Span

MIN_RATIO = 1.8
"""Speeds differ by this factor at least: a walk's pace varies by a third within a step, people notice about 1.3."""
MIN_FIT = 0.7
"""How straight the speed must go with time (r squared)."""
MIN_PHASE_S = 0.9
"""A phase lasts this long: shorter ones are starts, stops and corners."""
SMOOTH_S = 0.5
"""Half window of the smoothing before phases are looked for."""
SETTLE_S = 0.4
"""Smoothing spreads a start, a stop or a corner over so long."""
EDGE_S = 0.2
"""At the ends of what is known the rate has neighbours on one side only, and is no rate to rely on."""


def changes(course: Course, bout: Bout, corners: list[int]) -> Iterator[Event]:
    """Yield phases of a bout in which its speed grows or falls.

    Starts and stops are no such phases, and at corners only smoothing slows a path down.

    Args:
        course: the subject's path.
        bout: a stretch of motion.
        corners: samples at which the path turns sharply.
    """
    times = course.clip.times_s
    inside = _settled(course, bout)
    if len(inside) < 6:
        return
    at = times[inside]
    sharp = np.zeros(len(at), bool)
    for corner in corners:
        sharp |= np.abs(at - times[corner]) <= SETTLE_S
    if sharp.mean() > 0.5:
        return
    speed = np.interp(at, at[~sharp], course.speed[inside][~sharp])
    calm = smooth(at, speed[None], SMOOTH_S, degree=1).value[0]
    log_speed = np.log(np.maximum(calm, course.still_px_s / 2))
    turns = turning_points(log_speed, float(np.log(MIN_RATIO)) / 2)
    for one, two in zip(turns[:-1], turns[1:], strict=True):
        a, b = core(calm, one.at, two.at)
        found = _phase(course, at[a : b + 1], speed[a : b + 1])
        if found is not None:
            yield found


def _settled(course: Course, bout: Bout) -> np.ndarray:
    """Return the samples of a bout in which its speed is its own.

    Without its start and stop, without the ends of what is known, and whole in the picture: the middle of a box that
    comes in over the border goes half as fast as the thing.
    """
    times, known = course.clip.times_s, np.isfinite(course.speed)
    starts = bout.start_s > times[bout.first] or (bout.first > 0 and known[bout.first - 1])
    stops = bout.end_s < times[bout.last] or (bout.last + 1 < len(times) and known[bout.last + 1])
    first = bout.start_s + (SETTLE_S if starts else EDGE_S)
    last = bout.end_s - (SETTLE_S if stops else EDGE_S)
    clear = (times >= first) & (times <= last)
    for at in times[bout.first : bout.last + 1][~course.whole[bout.first : bout.last + 1]].tolist():
        clear &= np.abs(times - at) > SETTLE_S
    return np.flatnonzero(clear)


def _phase(course: Course, times: Float[np.ndarray, "M"], speed: Float[np.ndarray, "M"]) -> Event | None:
    """Return the change of speed in some samples, if it is clear: large, steady and on a way worth a movement."""
    if len(times) < 4 or times[-1] - times[0] < MIN_PHASE_S:
        return None
    slope, start = np.polyfit(times - times[0], speed, 1).tolist()
    end = start + slope * float(times[-1] - times[0])
    fit = float(np.corrcoef(times, speed)[0, 1] ** 2)
    floor = course.still_px_s / 2
    ratio = max(end, floor) / max(start, floor)
    way = float(np.trapezoid(speed, times))
    clear = abs(end - start) >= course.still_px_s and way >= course.shift_px
    if fit < MIN_FIT or not clear or 1 / MIN_RATIO < ratio < MIN_RATIO:
        return None
    values = {
        "ratio": ratio,
        "fit": fit,
        "from_px_s": start,
        "to_px_s": end,
        "in_scene": float(course.in_scene),
    }
    kind = "accelerate" if ratio > 1 else "decelerate"
    return Event(course.subject, kind, Span(float(times[0]), float(times[-1])), values)
