"""Movements through the scene, their shapes and repetitions; with the rests between them and the changes of speed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from kinescribe.events.course import Bout, Course, course
from kinescribe.events.rests import rests
from kinescribe.events.scene import Scene
from kinescribe.events.settings import EventSettings
from kinescribe.events.tempo import changes
from kinescribe.geometry import compass, heading_deg, median
from kinescribe.records import Event
from kinescribe.repetition import one_signal
from kinescribe.trajectory import Cycles, Leg, cycles, legs

MAX_ASIDE = 1.2
"""What goes farther across its swings than this many of them does not swing: it goes somewhere."""

SAME_PERIOD = 0.2
"""Two views find one period if they differ by at most this share of it (as signals do in ``repetition``)."""
MIN_DIRECT = 0.5
"""A leg whose path is twice as long as the way it makes sways and drifts (a juggler does): it goes nowhere."""


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield what each subject's path shows."""
    for row in range(len(scene.tracks.ids)):
        if np.isfinite(scene.tracks.xyxy[row, :, 0]).any():
            yield from _travel(course(scene, row, settings), settings)


def _travel(way: Course, settings: EventSettings) -> Iterator[Event]:
    moves = []
    for bout in way.bouts:
        shown = list(_movements(way, bout))
        yield from shown
        moves += [bout] if shown else []
    yield from rests(way, moves, settings)


def _movements(way: Course, bout: Bout) -> Iterator[Event]:
    """Movements of one bout of motion: a repetition and what comes before and after it, or one leg after another."""
    path = way.path[bout.first : bout.last + 1]
    pieces = legs(path, way.shift_px / 2)
    if len(pieces) > 1 or pieces[0].shape == "zigzag":
        repeated = _best_cycles(path, way.shift_px)
        if repeated is not None:
            axis, cycle = repeated
            if np.ptp(path[:, 1 - axis]) <= MAX_ASIDE * cycle.swing:
                first, last = bout.first + cycle.first, bout.first + cycle.last
                yield _oscillation(way, bout, axis, cycle)
                for a, b in ((bout.first, first), (last, bout.last)):
                    yield from _legs(way, bout, a, b, legs(way.path[a : b + 1], way.shift_px / 2))
                return
    yield from _legs(way, bout, bout.first, bout.last, pieces)


def _legs(way: Course, bout: Bout, first: int, last: int, pieces: Sequence[Leg]) -> Iterator[Event]:
    """The legs of a part of a bout, and the changes of speed in it."""
    if last - first < 2:
        return
    moved, corners = False, []
    for leg in pieces:
        a, b = first + leg.first, first + leg.last
        corners += [b] if b < last else []
        net, length = float(np.hypot(*(way.path[b] - way.path[a]))), way.way_px(a, b)
        if leg.shape == "straight" and net < MIN_DIRECT * length:
            continue
        if (length if leg.shape == "circular" else net) >= way.shift_px:
            moved = True
            yield _move(way, bout, a, b, leg)
        if leg.shape == "zigzag":
            return
    if moved:
        part = bout._replace(first=first, last=last)
        start, end = way.span(first, last, bout)
        yield from changes(way, part._replace(start_s=start, end_s=end), corners)


def _best_cycles(path: Float[np.ndarray, "M 2"], prominence: float) -> tuple[int, Cycles] | None:
    """Return the axis (0 x, 1 y) with the larger repeated swing, and the repetition."""
    found = [(axis, cycles(path[:, axis], prominence)) for axis in (0, 1)]
    some = [(axis, cycle) for axis, cycle in found if cycle is not None]
    return max(some, key=lambda pair: pair[1].swing) if some else None


def _oscillation(way: Course, bout: Bout, axis: int, cycle: Cycles) -> Event:
    values = {
        "swing_px": cycle.swing,
        "swing_widths": cycle.swing / way.clip.width,
        "regularity": cycle.regularity,
        "noise_px": way.noise_px,
        "in_scene": float(way.in_scene),
    }
    count = _agreed(way, bout, axis, cycle)
    if count is not None:
        values["count"] = float(count)
    span = way.span(bout.first + cycle.first, bout.first + cycle.last, bout)
    direction = ("left", "right") if axis == 0 else ("up", "down")
    return Event(way.subject, "oscillate", span, values, direction=direction, shape="back_and_forth")


def _agreed(way: Course, bout: Bout, axis: int, cycle: Cycles) -> int | None:
    """Return the number of swings by turning points if the autocorrelation finds their period and as many but one.

    It may count one more or less where the first or the last swing is longer than the others: a kettle is lifted
    before it is swung.
    """
    within = slice(bout.first + cycle.first, bout.first + cycle.last + 1)
    times, values = way.clip.times_s[within], way.path[within, axis]
    again = one_signal(times, values, way.shift_px)
    if again is None or cycle.number is None or abs(again.cycles - cycle.number) > 1:
        return None
    turns = way.clip.times_s[bout.first + np.array(cycle.turns)]
    period = median(turns[2:] - turns[:-2])
    return cycle.number if abs(again.period_s - period) <= SAME_PERIOD * period else None


def _move(way: Course, bout: Bout, first: int, last: int, leg: Leg) -> Event:
    path, width = way.path, way.clip.width
    dx, dy = (path[last] - path[first]).tolist()
    span = way.span(first, last, bout)
    length, net = way.way_px(first, last), float(np.hypot(dx, dy))
    values = {
        "dx_px": dx,
        "dy_px": dy,
        "net_px": net,
        "length_px": length,
        "heading_deg": float(heading_deg(np.array([dx]), np.array([dy]))[0]),
        "speed_px_s": length / span.duration_s,
        "speed_widths_s": length / span.duration_s / width,
        "net_widths": net / width,
        "shape_quality": leg.quality,
        "turned_deg": leg.turned_deg,
        "needed_px": way.shift_px,
        "noise_px": way.noise_px,
        "in_scene": float(way.in_scene),
    }
    if way.size_px > 0:  # not where the border hides how large it is
        values |= {"net_sizes": net / way.size_px, "speed_sizes_s": length / span.duration_s / way.size_px}
    direction = compass(dx, dy)
    if leg.shape == "circular":
        direction = "counterclockwise" if leg.turned_deg > 0 else "clockwise"
        values["count"] = abs(leg.turned_deg) / 360
    return Event(way.subject, "move", span, values, direction=(direction,), shape=leg.shape)
