"""A clip cut where its motion changes: for each subject, and for the scene as a whole.

Change points of a path's velocity and of the rate of its size (PELT: Killick, Fearnhead and Eckley 2012, JASA 107;
by ``ruptures``, Truong, Oudre and Vayatis 2020, Signal Processing 167) say when motions start and end; events say what
the pieces between them are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.events.scene import Scene
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import median, stretches
from kinescribe.records import Event, Segment, Span
from kinescribe.vocabulary import NAMELESS, RELATIONS

GRID_S = 0.1
"""Signals are looked at on this grid, so that the frame rate decides nothing."""
LONGEST = 600
"""Points of the grid that are searched at once (a minute): the search takes up to the square of it."""
MIN_POINTS = 5
"""A piece is no shorter than this: half a second, less than the shortest event of a path but for a turn."""
PENALTY = 8.0
"""Of a change, per parameter and ln of the number of points. White noise needs 1 (the Bayesian information criterion;
Yao 1988, Statistics and Probability Letters 6); smoothing over 0.7 s makes about four neighbours at 10 Hz one, and
knows less at the ends. With 8, a minute of noise has 0.4 changes, with 4 it has 1.6."""
NOTABLE = 4.0
"""Standard deviations of the noise in the least speed that counts (see ``EventSettings.min_speed_noise_s``)."""
RAMP_POINTS = 8
"""What smoothing over 0.7 s makes of a sudden change is no longer than this; a longer piece is a motion of its own."""
RAMP_STRAY = 1.15
"""A ramp lies on the line between what is before and after it: by it the way is hardly longer."""
NEAR_S = 0.6
"""A change point this near an event's start or end is what the event means: smoothing moves them by up to 0.35 s, and
thresholds on a noisy speed by as much again."""
MIN_ADDED = 0.15
"""Share of a growth that a piece at its start or end must add: a piece of half a second is more of all that last three
seconds or less."""
MIN_PIECE_S = 0.5
"""Two changes that follow each other sooner are one."""
OF_PLACE, OF_SIZE = ("move", "oscillate", "still"), ("grow", "shrink")
"""Events whose starts and ends are changes of velocity, and of the rate of size. A limb's swings are told from their
turning points as well as change points of its angle can tell them (0.10 s and 0.09 s from the truth)."""
QUIET = frozenset(("visible", "enter", "leave", "start", "accelerate", "decelerate", *RELATIONS))
"""Events that may fill a piece but cut none: they speak of a part of a motion, or of others."""


def find(scene: Scene, settings: EventSettings, events: Sequence[Event]) -> tuple[Segment, ...]:
    """Return each subject's segments, in the order of the tracks and of time, then those of the scene.

    Args:
        scene: what moves.
        settings: from where on a change counts.
        events: all events of the clip; a segment names them by their place here.
    """
    own = [s for row in range(len(scene.tracks.ids)) for s in _of_subject(scene, settings, events, row)]
    return (*own, *_of_scene(scene, events, own))


def change_points(
    times_s: Float[np.ndarray, "T"], signals: Float[np.ndarray, "T S"], unit: Float[np.ndarray, "S"]
) -> list[float]:
    """Return the times at which the level of signals changes; first and last known samples are none.

    Args:
        times_s: increasing times.
        signals: rates, smoothed over 0.7 s; where one is unknown (NaN), pieces end.
        unit: standard deviation of each signal's noise, or what is as good as none.
    """
    known = np.isfinite(signals).all(1)
    return [at for a, b in stretches(known) for at in _changes(times_s[a : b + 1], signals[a : b + 1] / unit)]


def trimmed(
    times_s: Float[np.ndarray, "T"], signal: Float[np.ndarray, "T"], span: Span, changes: Sequence[float]
) -> Span:
    """Return the part of a span in which a signal really rises or falls.

    The highest and the lowest point of a signal that rests before and after may lie anywhere in these rests. Pieces
    between changes of its rate are left out at both ends while they add less than ``MIN_ADDED`` of the whole.
    """
    known = np.isfinite(signal)
    if not known.any():
        return span
    bounds = [span.start_s, *(at for at in changes if span.start_s < at < span.end_s), span.end_s]
    levels = np.interp(bounds, times_s[known], signal[known])
    least = MIN_ADDED * (levels[-1] - levels[0])
    adds = np.flatnonzero(np.diff(levels) * np.sign(least) > abs(least))
    return Span(bounds[adds[0]], bounds[adds[-1] + 1]) if len(adds) else span


# --- change points ------------------------------------------------------------------------------------------


def _changes(times_s: Float[np.ndarray, "M"], signals: Float[np.ndarray, "M S"]) -> list[float]:
    grid = np.arange(times_s[0], times_s[-1] + 1e-9, GRID_S)
    levels = _on_grid(times_s, signals, grid)
    penalty = PENALTY * (levels.shape[1] + 1) * float(np.log(max(len(levels), 2)))
    bounds = _without_ramps(levels, _worthwhile(levels, _searched(levels, penalty), penalty))
    return [float(grid[0]) + GRID_S * at for at in _half_ways(levels, bounds)]


def _on_grid(
    times_s: Float[np.ndarray, "M"], signals: Float[np.ndarray, "M S"], grid: Float[np.ndarray, "G"]
) -> Float[np.ndarray, "G S"]:
    return np.column_stack([np.interp(grid, times_s, signal) for signal in signals.T])


def _searched(levels: Float[np.ndarray, "G S"], penalty: float) -> list[int]:
    """Return where pieces begin, 0 first, and the length: the search's result, minute by minute."""
    bounds = [0]
    for start in range(0, len(levels), LONGEST):
        piece = levels[start : start + LONGEST]
        if len(piece) >= 2 * MIN_POINTS:
            from ruptures import KernelCPD  # takes a while to import

            search = KernelCPD(kernel="linear", min_size=MIN_POINTS)
            bounds += [start + int(at) for at in search.fit(piece).predict(pen=penalty)]
        else:
            bounds.append(start + len(piece))
    return bounds


def _worthwhile(levels: Float[np.ndarray, "G S"], bounds: list[int], penalty: float) -> list[int]:
    """Leave out the changes that the search owes to where its minutes end."""
    kept = list(bounds)
    for at in range(LONGEST, len(levels), LONGEST):
        i = kept.index(at)
        before, after = levels[kept[i - 1] : at], levels[at : kept[i + 1]]
        parts = len(before) * len(after) / (len(before) + len(after))
        if parts * float(((before.mean(0) - after.mean(0)) ** 2).sum()) < penalty:
            del kept[i]
    return kept


def _without_ramps(levels: Float[np.ndarray, "G S"], bounds: list[int]) -> list[int]:
    """Make one change of two that hold nothing but what smoothing made of it."""
    i = 1
    while i < len(bounds) - 2:
        start, first, last, end = bounds[i - 1 : i + 3]
        pieces = (start, first), (first, last), (last, end)
        if last - first > RAMP_POINTS or not _is_ramp(*(_mean(levels[a:b]) for a, b in pieces)):
            i += 1
            continue
        bounds = [*bounds[:i], (first + last) // 2, *bounds[i + 2 :]]
        i = max(i - 1, 1)
    return bounds


def _is_ramp(before: Sequence[float], level: Sequence[float], after: Sequence[float]) -> bool:
    """Whether a level lies on the line between two others."""
    way = math.dist(before, level) + math.dist(level, after)
    return way <= RAMP_STRAY * math.dist(before, after)


def _mean(levels: Float[np.ndarray, "M S"]) -> list[float]:
    """Return the mean of each signal."""
    return [level / len(levels) for level in np.add.reduce(levels, axis=0).tolist()]


def _middle(levels: Float[np.ndarray, "M S"]) -> Float[np.ndarray, "S"]:
    """Return the median of each signal."""
    ordered, half = np.sort(levels, axis=0), len(levels) // 2
    return ordered[half] if len(levels) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _half_ways(levels: Float[np.ndarray, "G S"], bounds: list[int]) -> Iterator[float]:
    """Yield where, between points of the grid, each change is half done: smoothing leaves that instant where it is."""
    for start, at, end in zip(bounds[:-2], bounds[1:-1], bounds[2:], strict=True):
        a, b = max(start, at - RAMP_POINTS), min(end, at + RAMP_POINTS)
        before, after = _middle(levels[start:at]), _middle(levels[at:end])
        step = after - before
        done = (levels[a:b] - before) @ step / max(float(step @ step), 1e-12)
        crossed = np.flatnonzero((done[:-1] < 0.5) & (done[1:] >= 0.5))
        if not len(crossed):
            yield at - 0.5
            continue
        i = int(crossed[np.abs(a + crossed + 0.5 - at).argmin()])
        yield a + i + float((0.5 - done[i]) / (done[i + 1] - done[i]))


# --- segments -----------------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """A stretch of time before it is a segment."""

    span: Span
    events: tuple[int, ...]
    camera: frozenset[str]
    """What the camera does, for the scene's."""


def _of_subject(
    scene: Scene, settings: EventSettings, events: Sequence[Event], row: int
) -> Iterator[Segment]:
    subject = int(scene.tracks.ids[row])
    own = [i for i, event in enumerate(events) if event.subject == subject and event.kind != "visible"]
    spans = _exact_spans(scene, settings, [events[i] for i in own], row)
    found = dict(zip(own, spans, strict=True))
    cutting = [found[i] for i in own if _cuts(events[i], [events[j] for j in own])]
    for a, b in stretches(np.isfinite(scene.tracks.xyxy[row, :, 0])):
        life = Span(float(scene.clip.times_s[a]), float(scene.clip.times_s[b]))
        bounds = _thinned((life.start_s, life.end_s), [at for span in cutting for at in span])
        for piece in _merged(_pieces(bounds, found)):
            yield Segment(subject, piece.span, piece.events)


def _exact_spans(scene: Scene, settings: EventSettings, events: Sequence[Event], row: int) -> list[Span]:
    """Return the events' spans; starts and ends of motions of the whole are moved to change points."""
    if not any(event.kind in (*OF_PLACE, *OF_SIZE) for event in events):
        return [event.span for event in events]
    place, size = _changes_of(scene, settings, row)
    log_size = np.log(scene.kinematics.tracks.size_px[row])
    exact = []
    for event in events:
        if event.kind in OF_PLACE:
            exact.append(_snapped(event.span, place))
        elif event.kind in OF_SIZE:
            exact.append(trimmed(scene.clip.times_s, log_size, event.span, size))
        else:
            exact.append(event.span)
    return exact


def _changes_of(scene: Scene, settings: EventSettings, row: int) -> tuple[list[float], list[float]]:
    """Return the change points of a subject's velocity and of the rate of its size, each with where it is unknown."""
    times, motion = scene.clip.times_s, scene.kinematics.tracks
    typical = motion.size_px[row][np.isfinite(motion.size_px[row])]
    noise_px = float(motion.noise_px[row])
    least_px_s = max(
        settings.min_speed_widths_s * scene.clip.width,
        settings.min_speed_sizes_s * (median(typical) if len(typical) else 0.0),
        settings.min_speed_noise_s * (noise_px if math.isfinite(noise_px) else 0.0),
    )
    blob = scene.tracks.label[row] == NAMELESS
    least_s = settings.min_scale_log_blob if blob else settings.min_scale_log
    found = []
    for signals, least in (
        (motion.velocity_px_s[row], least_px_s),
        (motion.scale_rate_s[row][:, None], least_s),
    ):
        # What begins when its subject is first seen, or ends when it is last seen, is not cut off at a change near.
        known = stretches(np.isfinite(signals).all(1))
        changes = change_points(times, signals, np.full(signals.shape[1], least / NOTABLE))
        found.append(sorted([*changes, *(float(times[at]) for stretch in known for at in stretch)]))
    return found[0], found[1]


def _snapped(span: Span, changes: Sequence[float]) -> Span:
    if not changes:
        return span
    near = [min(changes, key=lambda change: abs(change - at)) for at in span]
    start, end = (new if abs(new - old) <= NEAR_S else old for new, old in zip(near, span, strict=True))
    return Span(start, end) if end > start else span


def _cuts(event: Event, own: Sequence[Event]) -> bool:
    """Whether an event's start and end are cuts: not what happens on the way, nor one swing of a repetition."""
    if event.kind in QUIET:
        return False
    if event.part is None:
        return True
    over = (
        e
        for e in own
        if e.kind in ("move", "oscillate") or (e.kind == "repeat" and e is not event and e.part == event.part)
    )
    return not any(_shared_s(e.span, event.span) >= 0.5 * event.span.duration_s for e in over)


def _of_scene(scene: Scene, events: Sequence[Event], own: Sequence[Segment]) -> Iterator[Segment]:
    clip, camera = scene.clip, scene.camera
    if len(clip.times_s) < 2:
        return
    ends = (float(clip.times_s[0]), float(clip.times_s[-1]))
    changes = [at for segment in own for at in segment.span]
    changes += [stretch.span.start_s for stretch in camera.stretches]
    spans = {i: event.span for i, event in enumerate(events) if event.kind != "visible"}
    shots = [ends[0], *(at for at in sorted(camera.cuts_s) if ends[0] < at < ends[1]), ends[1]]
    for start, end in zip(shots[:-1], shots[1:], strict=True):
        bounds = _thinned((start, end), changes)
        pieces = [piece._replace(camera=camera.labels_in(piece.span)) for piece in _pieces(bounds, spans)]
        for piece in _merged(pieces):
            yield Segment(None, piece.span, piece.events)


def _thinned(ends: tuple[float, float], changes: Sequence[float]) -> list[float]:
    """Return the ends and the changes between them that are ``MIN_PIECE_S`` from all others, the earlier first."""
    kept = [ends[0]]
    for at in sorted(changes):
        if at - kept[-1] >= MIN_PIECE_S and ends[1] - at >= MIN_PIECE_S:
            kept.append(at)
    return [*kept, ends[1]]


def _pieces(bounds: Sequence[float], spans: dict[int, Span]) -> list[_Piece]:
    """Return the pieces between bounds, each with the events that fill half of it, or lie there more than elsewhere."""
    cut = [Span(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True) if b > a]
    inside: list[list[int]] = [[] for _ in cut]
    if cut and spans:
        starts, ends = np.array(cut).T
        first, last = np.array(list(spans.values())).T
        shared = np.minimum(ends, last[:, None]) - np.maximum(starts, first[:, None])
        fills = shared >= 0.5 * (ends - starts)
        most, event = shared.argmax(1), np.arange(len(spans))
        fills[event, most] |= shared[event, most] > 0
        named = list(spans)
        for n, at in zip(*(index.tolist() for index in np.nonzero(fills)), strict=True):
            inside[at].append(named[n])
    return [_Piece(piece, tuple(held), frozenset()) for piece, held in zip(cut, inside, strict=True)]


def _merged(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Join neighbours in which the same goes on."""
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and joined[-1][1:] == piece[1:]:
            joined[-1] = piece._replace(span=Span(joined[-1].span.start_s, piece.span.end_s))
        else:
            joined.append(piece)
    return joined


def _shared_s(a: Span, b: Span) -> float:
    return max(0.0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s))
