"""Two things meet: one comes up to the other until their edges do, and stops, pushes or bounces there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from kinescribe.events.settings import EventSettings
from kinescribe.events.two import Two, relation
from kinescribe.records import Event
from kinescribe.vocabulary import PERSON

LOOK_S = 0.5
"""So long before and after a contact velocities are taken."""
WAIT_S = 0.7
"""So long after a contact the two must be seen not to overlap: what goes on behind or before takes longer to clear."""
MAX_MERGED_S = 0.6
"""So long two things in contact may be seen as one before they are told apart again."""
SWAP_S = 0.25
"""Out of sight for so much longer than they need to meet and part, two things may have gone through each other, and
each of them be taken for the other: two samples and a half at 10 Hz."""
MIN_CLOSING_SIZES_S = 0.3
"""Slower than so many sizes a second nothing comes up to anything: edges of boxes drift."""


def find(two: Two, settings: EventSettings) -> Iterator[Event]:
    """Yield contacts of things; people's boxes meet whenever they stand side by side."""
    if PERSON in two.labels or not np.isfinite(two.mean_size_px):
        return
    gap = edge_gap(two.boxes) * two.scale
    seen = np.flatnonzero(np.isfinite(gap) & two.whole & two.detected)
    if not len(seen) or gap[seen].min() > settings.min_touch_gap * two.mean_size_px:
        return
    for run in np.split(seen, np.flatnonzero(np.diff(two.times_s[seen]) > MAX_MERGED_S) + 1):
        for at in _arrivals(two.times_s[run], gap[run] / two.mean_size_px, settings):
            event = _contact(two, gap, run, at, settings)
            if event is not None:
                yield event


def edge_gap(boxes: Float[np.ndarray, "2 T 4"]) -> Float[np.ndarray, "T"]:
    """Return how far apart the edges of two boxes are, in pixels; negative by how deep they overlap."""
    aside = np.maximum(boxes[0, :, :2], boxes[1, :, :2]) - np.minimum(boxes[0, :, 2:], boxes[1, :, 2:])
    apart = np.hypot(*np.maximum(aside, 0).T)
    return np.asarray(np.where((aside > 0).any(1), apart, aside.max(1)))


def _arrivals(
    times_s: Float[np.ndarray, "M"], gap: Float[np.ndarray, "M"], settings: EventSettings
) -> Iterator[int]:
    """Yield the samples at which edges meet, or may meet before the next one, and were clearly apart before.

    Args:
        times_s: of the samples in which both are seen.
        gap: between the edges, in sizes.
    """
    if len(gap) < 2:
        return
    steps = np.diff(times_s)
    closing = np.maximum(-np.diff(gap) / steps, 0)  # sizes per second, up to the second sample and so on
    between = gap[1:-1] - closing[:-1] * steps[1:] / 2
    nearest = np.concatenate([gap[:1], between, gap[-1:]])
    ready = False
    for at, (value, least) in enumerate(zip(gap.tolist(), nearest.tolist(), strict=True)):
        if value >= settings.min_touch_gap:
            ready = True
        elif ready and least <= settings.max_touch_gap:
            yield at
            ready = False


def _contact(
    two: Two, gap: Float[np.ndarray, "T"], run: Int[np.ndarray, "M"], arrival: int, settings: EventSettings
) -> Event | None:
    """Return a contact if the two come together, do not overlap and do not go on as they came.

    Args:
        run: samples in which both are seen.
        arrival: the place in ``run`` at which they meet.
    """
    size, at = two.mean_size_px, int(run[arrival])
    since = two.times_s[run] - two.times_s[at]
    met = since[arrival + 1] if arrival + 1 < len(run) else 0.0  # they are together until then at the latest
    before, after = run[(since >= -LOOK_S) & (since <= 0)], run[(since >= met) & (since <= met + LOOK_S)]
    waited = run[(since >= 0) & (since <= met + WAIT_S)]
    if len(before) < 3 or len(after) < 4 or since[-1] < met + LOOK_S - 0.1:
        return None
    came, went = (_relative_velocity(two, during) for during in (before, after))
    speed, rest = float(np.hypot(*came)), float(np.hypot(*went))
    line = two.apart[at] / max(float(two.distance[at]), 1e-9)  # from the second to the first
    closing, opening = -float(came @ line), float(went @ line)
    if not closing >= max(MIN_CLOSING_SIZES_S * size, 0.5 * speed):
        return None  # too slow, or unknown
    changed = float(np.hypot(*(went - came))) / max(speed, 1e-9)
    nearest = float(gap[waited].min()) / size
    short = rest < 0.3 * speed and nearest > settings.max_touch_gap
    swapped = opening > 0.25 * closing and met > SWAP_S + _nearing_s(gap, run, arrival, closing, opening)
    if swapped or short or changed < settings.min_touch_change or nearest < -settings.max_touch_overlap:
        return None
    values = {
        "closing_px_s": closing,
        "change": changed,
        "nearest_sizes": nearest,
        "bounces": float(opening > 0.25 * closing),
    }
    parted = np.flatnonzero(gap[run[arrival + 1 :]] > settings.max_touch_gap * size)
    last = int(run[arrival + 1 + (int(parted[0]) if len(parted) else len(run) - arrival - 2)])
    return relation(two, _mover(two, before), "touch", at, last, values)


def _nearing_s(
    gap: Float[np.ndarray, "T"], run: Int[np.ndarray, "M"], arrival: int, closing: float, opening: float
) -> float:
    """Return how long the two take to close the last gap that is seen and to open the next one."""
    before, after = gap[run[arrival]], gap[run[min(arrival + 1, len(run) - 1)]]
    return max(float(before), 0.0) / closing + max(float(after), 0.0) / opening


def _relative_velocity(two: Two, during: Int[np.ndarray, "M"]) -> Float[np.ndarray, "2"]:
    """Return the slope of a line through the boxes' offsets: smoothed paths blur when a velocity changes."""
    times, apart = two.times_s[during], two.middle_apart[during]
    times = times - times.mean()
    return np.asarray(times @ apart / max(float(times @ times), 1e-12))


def _mover(two: Two, during: Int[np.ndarray, "M"]) -> int:
    """Return which of the two gets on farther; the first where the camera does not let us tell."""
    known = during[np.isfinite(two.distance[during])]
    if not two.own_ways or len(known) < 2:
        return 0
    ways = np.hypot(*two.way(int(known[0]), int(known[-1])).T)
    return int(ways[1] > ways[0])
