"""One goes by another: passing, overtaking, crossing its path, following it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.events.settings import EventSettings
from kinescribe.events.two import Two, angle_deg, bridged, minima, relation
from kinescribe.geometry import compass, stretches
from kinescribe.records import Event, Span

ROUND_S = 4.0
"""Passes with more time between them are happenings of their own (as swings of limbs are: ``max_pause_s``)."""
BLOCK = 256
"""Pieces of a path that are compared at once with those of another: a table of all would grow with the square."""
AXIS_S = 0.3
"""The way in which one goes by is taken from so long before and after they are nearest."""
BEND_S = 0.4
"""A heading at a crossing is taken from so long before and after it."""
MANY = 3
"""From so many times on, going by something to and fro is one happening with a number."""
ALIKE_SHARE = 0.65
"""Of two that meet, each passes the other; one of them is said to if its way is this share of both, the one that comes
from the left if they are alike."""


def find(two: Two, settings: EventSettings) -> Iterator[Event]:
    """Yield how one of two goes by the other, where their paths show who goes."""
    if not two.own_ways or not two.together or not np.isfinite(two.half).all((0, 2)).any():
        return
    yield from _joined(list(_passes(two, settings)), two)
    yield from _crossings(two, settings)
    yield from _follows(two, settings)


# --- passing ------------------------------------------------------------------------------------------------


def _passes(two: Two, settings: EventSettings) -> Iterator[Event]:
    """A pass is the time in which one is beside the other: before, it was clear of it, then again on its other side."""
    done = -1
    limit = settings.max_pass_sizes * two.mean_size_px
    clear = max(two.most_reach, settings.min_pass_widths * two.width)
    farthest = math.hypot(clear, two.most_reach + limit)
    for a, b in two.together:
        for at, axis in _nearest(two, a, b, limit, farthest):
            if at <= done:
                continue
            beside = _beside(two, a, b, at, axis, settings)
            if beside is None:
                continue
            done = beside.last
            event = _pass_event(two, beside, settings)
            if event is not None:
                yield event


def _joined(passes: list[Event], two: Two) -> Iterator[Event]:
    """Join three and more passes, to and fro, into one event: their number is told, and no direction."""
    ends = zip(passes[:-1], passes[1:], strict=True)
    apart = any(later.span.start_s - earlier.span.end_s > ROUND_S for earlier, later in ends)
    if len(passes) < MANY or apart or any(event.kind == "overtake" for event in passes):
        yield from passes
        return
    by_first = sum(event.subject == two.ids[0] for event in passes)
    mover = 0 if 2 * by_first >= len(passes) else 1
    clear = min(event.values["clear_px"] / event.values["needed_px"] for event in passes)
    own = next((event for event in passes if event.subject == two.ids[mover]), passes[0])
    values = {**own.values, "times": float(len(passes)), "clear_px": clear, "needed_px": 1.0}
    span = Span(passes[0].span.start_s, passes[-1].span.end_s)
    yield replace(own, kind="pass", span=span, values=values, direction=())


def _nearest(
    two: Two, a: int, b: int, limit: float, farthest: float
) -> Iterator[tuple[int, Float[np.ndarray, "2"]]]:
    """Yield when two are nearest in a time, and the direction in which the first then goes by the second.

    Not where they go together, nor where too much is left between their edges.

    Args:
        two: the two.
        a: the first sample of the time.
        b: its last.
        limit: so many pixels may be left between the edges.
        farthest: no pass is possible where the centres are farther apart, in pixels.
    """
    at = a + minima(two.distance[a : b + 1])
    at = at[~(two.distance[at] > farthest)]
    if not len(at):
        return
    times, apart = two.times_s, two.apart
    first = np.searchsorted(times, times[at] - AXIS_S - 1e-6).clip(min=a)
    last = (np.searchsorted(times, times[at] + AXIS_S + 1e-6, "right") - 1).clip(max=b)
    step = apart[last] - apart[first]
    length = np.hypot(step[:, 0], step[:, 1])
    at, axis = at[length > 1e-6], step[length > 1e-6] / length[length > 1e-6, None]
    across = axis[:, ::-1] * [-1, 1]
    aside = np.abs((apart[at] * across).sum(1))
    near = ~(aside > two.reach(across) + limit)
    yield from zip(at[near].tolist(), axis[near], strict=True)


class _Beside(NamedTuple):
    """The samples around a pass at which one is clear of the other, first before, then behind it."""

    first: int
    last: int
    needed: float
    """How far along the way that is, in pixels."""
    clear: float
    """How far it gets from being beside the other to the nearer end of the pass, in pixels."""


def _beside(
    two: Two, a: int, b: int, at: int, axis: Float[np.ndarray, "2"], settings: EventSettings
) -> _Beside | None:
    """Return when the second lies beside the first; None if it does not get from one side to the other."""
    along = two.apart[a : b + 1] @ axis
    needed = max(float(two.reach(axis)), settings.min_pass_widths * two.width)
    before, after = -along[at - a :: -1], along[at - a :]  # from where they are nearest
    far = min(float(before.max()), float(after.max()))
    if far < needed or abs(float(after[0])) >= needed:
        return None
    first, last = at - int((before >= needed).argmax()), at + int((after >= needed).argmax())
    between = along[first - a : last - a + 1]
    if (between[1:] - between[:-1] < -0.1 * needed).any():  # it hangs about beside the other
        return None
    return _Beside(first, last, needed, far)


def _pass_event(two: Two, beside: _Beside, settings: EventSettings) -> Event | None:
    """Say who passes: the one that moves, of two that meet the faster; of two that go one way it overtakes."""
    a, b = beside.first, beside.last
    ways = two.way(a, b)
    lengths = np.hypot(*ways.T)
    mover = int(lengths[1] > lengths[0])
    long, short = float(lengths[mover]), float(lengths[1 - mover])
    share = long / max(long + short, 1e-9)
    least = max(settings.min_shift_widths * two.width, settings.min_shift_noise * float(two.noise_px.max()))
    angle = angle_deg(ways[0], ways[1])
    kind = "pass"
    if short >= max(settings.max_resting_share * long, least):
        if angle <= settings.max_parallel_deg:
            kind = "overtake"
        elif angle < 180 - settings.max_parallel_deg:
            return None
        elif share < ALIKE_SHARE:
            mover = int(two.apart[a, 0] > 0)
    both = {"angle_deg": angle, "speed_ratio": long / short} if short >= least else {}
    values = {
        **both,
        "share": share,
        "nearest_widths": float(two.distance[a : b + 1].min()) / two.width,
        "nearest_sizes": float(two.distance[a : b + 1].min()) / two.mean_size_px,
        "clear_px": beside.clear,
        "needed_px": beside.needed,
    }
    direction = () if kind == "overtake" else (compass(*ways[mover].tolist()),)
    return relation(two, mover, kind, a, b, values, direction)


# --- crossing -----------------------------------------------------------------------------------------------


class _Crossing(NamedTuple):
    """Where two paths meet: sample (with its fraction) of each, and the angle between them."""

    at: tuple[float, float]
    angle_deg: float
    clear_sizes: float
    """How far the shorter of the four arms goes on, in its subject's sizes."""


def _crossings(two: Two, settings: EventSettings) -> Iterator[Event]:
    """One event for all crossings of two paths; who comes later crosses the other's path."""
    met = [
        crossing
        for at in _intersections(two, settings.max_crossing_s)
        if (crossing := _crossing(two, at, settings)) is not None
    ]
    apart = [c for k, c in enumerate(met) if not any(_same(two, c, earlier) for earlier in met[:k])]
    if not apart:
        return
    first = apart[0]
    moments = np.array([_moment(two, at) for at in first.at])
    later = int(moments[1] > moments[0])
    if abs(float(moments[1] - moments[0])) < 0.3:  # at once: the faster one
        later = int(np.hypot(*_velocity(two, 1, first.at[1])) > np.hypot(*_velocity(two, 0, first.at[0])))
    a, b = _crossing_samples(two, apart)
    values = {
        "angle_deg": first.angle_deg,
        "apart_s": abs(float(moments[1] - moments[0])),
        "times": float(len(apart)),
        "clear_sizes": first.clear_sizes,
        "needed_sizes": settings.min_crossing_sizes,
    }
    yield relation(two, later, "cross", a, b, values)


def _intersections(two: Two, within_s: float) -> Iterator[tuple[float, float]]:
    """Yield the (fractional) samples at which two paths meet, not farther apart in time, in order of the first's."""
    if not two.paths_may_meet:
        return
    times, pieces = two.times_s, len(two.times_s) - 1
    for start in range(0, pieces, BLOCK):
        stop = min(start + BLOCK, pieces)
        low, high = np.searchsorted(times, (times[start] - within_s, times[stop] + within_s)).tolist()
        low, high = max(low - 1, 0), min(high, pieces)
        met = _meeting(two.path[0, start : stop + 1], two.path[1, low : high + 1])
        yield from ((start + i, low + j) for i, j in met)


def _meeting(one: Float[np.ndarray, "A 2"], other: Float[np.ndarray, "B 2"]) -> list[tuple[float, float]]:
    """Return the (fractional) points at which two polylines meet, in order of the first's."""
    if not (np.isfinite(one).any() and np.isfinite(other).any()):
        return []
    p, q = one[:-1], other[:-1]
    r, s = one[1:] - p, other[1:] - q
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = np.fmax(_least(one), _least(other)), np.fmin(-_least(-one), -_least(-other))
        if not (high >= low).all():
            return []
        rows, columns = (_near(line, step, low, high) for line, step in ((p, r), (q, s)))
        gap = q[columns][None] - p[rows][:, None]
        turn = r[rows][:, None, 0] * s[columns][None, :, 1] - r[rows][:, None, 1] * s[columns][None, :, 0]
        t = (gap[..., 0] * s[columns][None, :, 1] - gap[..., 1] * s[columns][None, :, 0]) / turn
        u = (gap[..., 0] * r[rows][:, None, 1] - gap[..., 1] * r[rows][:, None, 0]) / turn
        # Ends count, too.
        found = np.argwhere((np.abs(t - 0.5) <= 0.5 + 1e-9) & (np.abs(u - 0.5) <= 0.5 + 1e-9))
    return [(float(rows[i] + t[i, j]), float(columns[j] + u[i, j])) for i, j in found.tolist()]


def _least(path: Float[np.ndarray, "S 2"]) -> Float[np.ndarray, "2"]:
    return np.asarray(np.fmin.reduce(path, axis=0))


def _near(
    start: Float[np.ndarray, "S 2"],
    step: Float[np.ndarray, "S 2"],
    low: Float[np.ndarray, "2"],
    high: Float[np.ndarray, "2"],
) -> np.ndarray:
    """Return the pieces of a line that reach into a box."""
    end = start + step
    inside = (np.maximum(start, end) >= low) & (np.minimum(start, end) <= high)
    return np.flatnonzero(inside.all(1))


def _crossing(two: Two, at: tuple[float, float], settings: EventSettings) -> _Crossing | None:
    """Return a meeting of two paths if both go through it at a clear angle, not too long after each other."""
    if abs(_moment(two, at[0]) - _moment(two, at[1])) > settings.max_crossing_s:
        return None
    ways = [_velocity(two, k, at[k]) for k in (0, 1)]
    angle = angle_deg(*ways)
    if not settings.min_crossing_deg <= angle <= 180 - settings.min_crossing_deg:
        return None
    arms = [_arm(two, k, at[k], ways[k], sign) / two.size_px[k] for k in (0, 1) for sign in (-1, 1)]
    clear = min(arms)
    return _Crossing(at, angle, clear) if clear >= settings.min_crossing_sizes else None


def _arm(two: Two, k: int, at: float, way: Float[np.ndarray, "2"], sign: int) -> float:
    """Return how far one comes from, or goes on, along its heading at a sample, before it turns back or is lost."""
    path = two.path[k]
    here = round(at)
    line = path[here::sign] if sign > 0 else path[here::-1]
    gone = (line - path[here]) @ (way / max(float(np.hypot(*way)), 1e-9)) * sign
    lost = np.flatnonzero(~np.isfinite(gone))
    gone = gone[: int(lost[0])] if len(lost) else gone
    back = np.flatnonzero(np.diff(gone) < -0.5)
    return float(gone[: int(back[0]) + 1].max() if len(back) else gone.max(initial=0.0))


def _velocity(two: Two, k: int, at: float) -> Float[np.ndarray, "2"]:
    """Return the way of one round a sample, per second; zero where it is not known."""
    here = _moment(two, at)
    first, beyond = np.searchsorted(two.times_s, [here - BEND_S, here + BEND_S]).tolist()
    path = two.path[k, first:beyond]
    known = np.flatnonzero(np.isfinite(path[:, 0]))
    if len(known) < 2:
        return np.zeros(2)
    a, b = int(known[0]), int(known[-1])
    return np.asarray((path[b] - path[a]) / (two.times_s[first + b] - two.times_s[first + a]))


def _moment(two: Two, at: float) -> float:
    """Return the time of a sample and a fraction."""
    before = min(int(at), len(two.times_s) - 2)
    start, end = two.times_s[before : before + 2].tolist()
    return float(start + (at - before) * (end - start))


def _same(two: Two, one: _Crossing, other: _Crossing) -> bool:
    """Whether two meetings of paths are one: jitter makes lines meet several times in one place."""
    return all(abs(_moment(two, one.at[k]) - _moment(two, other.at[k])) < BEND_S for k in (0, 1))


def _crossing_samples(two: Two, met: list[_Crossing]) -> tuple[int, int]:
    """Return from when to when: while the boxes, one after the other, are on the crossing."""
    edges = []
    for crossing in (met[0], met[-1]):
        for k in (0, 1):
            speed = float(np.hypot(*_velocity(two, k, crossing.at[k])))
            beside_s = two.size_px[k] / 2 / max(speed, 1e-9)
            moment = _moment(two, crossing.at[k])
            edges += [moment - beside_s, moment + beside_s]
    first, last = np.searchsorted(two.times_s, [min(edges), max(edges)])
    return int(first), min(int(last), len(two.times_s) - 1)


# --- following ----------------------------------------------------------------------------------------------


def _follows(two: Two, settings: EventSettings) -> Iterator[Event]:
    """One goes the other's way for a while, behind it and clear of it."""
    with np.errstate(invalid="ignore"):
        near = two.distance <= settings.max_follow_sizes * two.mean_size_px
    if not near.any():
        return
    speed = two.velocity_px_s
    pace = np.hypot(speed[..., 0], speed[..., 1])
    floor = np.maximum(settings.min_speed_widths_s * two.width, settings.min_speed_noise_s * two.noise_px)
    cosine = math.cos(math.radians(settings.max_follow_deg))
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = (
            near
            & (pace >= floor[:, None]).all(0)
            & ((speed[0] * speed[1]).sum(1) >= cosine * pace[0] * pace[1])
        )
        if not alike.any():
            return
        way = (speed / pace[..., None]).sum(0)
        way /= np.hypot(*way.T)[:, None]
        ahead = -(two.apart * way).sum(1)  # of the second
        clear = np.maximum(cosine * two.distance, (two.half.sum(0) * np.abs(way)).sum(1))
        behind = [alike & (ahead >= clear), alike & (-ahead >= clear)]
    for follower in (0, 1):
        for a, b in bridged(stretches(behind[follower]), 1):
            event = _follow(two, follower, a, b, settings)
            if event is not None:
                yield event


def _follow(two: Two, follower: int, a: int, b: int, settings: EventSettings) -> Event | None:
    seconds = float(two.times_s[b] - two.times_s[a])
    if seconds < settings.min_follow_s:
        return None
    distance = two.distance[a : b + 1]
    middle = float(np.nanmedian(distance))
    change = float(np.ptp(distance[np.isfinite(distance)])) / middle
    ways = np.hypot(*two.way(a, b).T)
    gone = bool((ways >= np.maximum(two.size_px, 2 * settings.min_pass_widths * two.width)).all())
    if change > settings.max_follow_change or not gone:
        return None
    values = {
        "distance_widths": middle / two.width,
        "distance_sizes": middle / two.mean_size_px,
        "change": change,
        "seconds": seconds,
        "needed_s": settings.min_follow_s,
    }
    return relation(two, follower, "follow", a, b, values)
