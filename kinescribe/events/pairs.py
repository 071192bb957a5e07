"""What two subjects do to each other: coming nearer, getting farther, and what ``passing`` and ``contact`` find."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from kinescribe.events import contact, passing
from kinescribe.events.scene import Scene, core
from kinescribe.events.settings import EventSettings
from kinescribe.events.two import Two, Ways, relation
from kinescribe.geometry import turning_points
from kinescribe.kinematics.posture import one_level, stays_in_view
from kinescribe.records import Event
from kinescribe.vocabulary import PERSON

GOES = ("move", "oscillate", "enter", "leave")
"""What shows that something goes somewhere."""
BESIDE_S = 0.4
"""Coming up to and getting away from something belong to going by it if they end or begin so near that in time."""


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield relations; a region without a class that comes and goes nowhere may be nothing, and is nobody's other."""
    tracks = scene.tracks
    going = {event.subject for event in found if event.kind in GOES}
    lifetime = np.isfinite(scene.kinematics.tracks.image_px[..., 0]).sum(1)
    worth = [
        n
        for n, label in enumerate(tracks.label)
        if label != "object" or int(tracks.ids[n]) in going or stays_in_view(tracks.xyxy[n])
    ]
    longest = sorted(sorted(worth, key=lambda n: (-lifetime[n], n))[: _subjects(settings.max_pairs)])
    events: list[Event] = []
    ways = {in_scene: Ways(scene, in_scene) for in_scene in (True, False)} if len(longest) > 1 else {}
    frame = scene.kinematics.tracks.frame
    for i, j in list(combinations(longest, 2))[: settings.max_pairs]:
        if going & {int(tracks.ids[i]), int(tracks.ids[j])}:
            events += _pair(scene, Two(ways[frame[i] == frame[j] == "scene"], i, j), settings)
    yield from _nearest_leaders(events)


def _subjects(pairs: int) -> int:
    """Return of how many subjects there are at most so many pairs."""
    return (1 + math.isqrt(1 + 8 * pairs)) // 2


def _pair(scene: Scene, two: Two, settings: EventSettings) -> Iterator[Event]:
    """Who goes by something has come up to it and gets away from it: that is marked (``part``), as it is no news."""
    passed = [event for event in passing.find(two, settings) if _on_one_level(scene, two, event)]
    for event in _distance(scene, two, settings):
        if not _on_one_level(scene, two, event):
            continue
        part = any(_is_part(event, whole) for whole in passed if whole.kind != "follow")
        yield replace(event, values={**event.values, "part": float(part)})
    yield from passed
    yield from contact.find(two, settings)


def _is_part(event: Event, whole: Event) -> bool:
    """Whether coming nearer ends, or getting farther begins, as one goes by the other."""
    turn = event.span.end_s if event.kind == "approach" else event.span.start_s
    return whole.span.start_s - BESIDE_S <= turn <= whole.span.end_s + BESIDE_S


def _nearest_leaders(events: Sequence[Event]) -> Iterator[Event]:
    """Leave out that somebody follows one who is farther ahead than another one that they follow."""
    follows = [event for event in events if event.kind == "follow"]
    for event in events:
        nearer = (
            e.values["distance_widths"] < event.values["distance_widths"]
            and e.span.start_s < event.span.end_s
            and event.span.start_s < e.span.end_s
            for e in follows
            if event.kind == "follow" and e.subject == event.subject
        )
        if not any(nearer):
            yield event


def _distance(scene: Scene, two: Two, settings: EventSettings) -> Iterator[Event]:
    """Changes of the distance between the centres."""
    times = scene.clip.times_s
    gap = two.distance / two.width
    for a, b in two.together:
        if times[b] - times[a] < 0.8:
            continue
        turns = turning_points(gap[a : b + 1], settings.min_pair_widths)
        for one, end in zip(turns[:-1], turns[1:], strict=True):
            change = end.value - one.value
            if abs(change) < 0.3 * max(one.value, end.value):
                continue
            p, q = (a + at for at in core(gap[a : b + 1], one.at, end.at))
            if times[q] - times[p] < 0.4:
                continue
            shares = [_share(two, mover, p, q) for mover in (0, 1)]
            mover = 0 if shares[0] >= shares[1] else 1
            values = {
                "share": max(shares),
                "needed": settings.min_pair_widths,
                "from_widths": one.value,
                "to_widths": end.value,
            }
            yield relation(two, mover, "separate" if change > 0 else "approach", p, q, values)


def _share(two: Two, mover: int, p: int, q: int) -> float:
    """Return how much of the change of distance is the doing of one of the two (0 or 1), in [0, 1]."""
    line = two.apart[p] / max(float(two.distance[p]), 1e-9)
    own, others = np.abs(two.way(p, q) @ line).tolist()[:: 1 if mover == 0 else -1]
    return float(own / max(own + others, 1e-9))


def _on_one_level(scene: Scene, two: Two, event: Event) -> bool:
    """Whether two people can stand on one floor when they are nearest; other things have no feet to tell by."""
    if two.labels != (PERSON, PERSON):
        return True
    times = scene.clip.times_s
    during = (times >= event.span.start_s) & (times <= event.span.end_s) & np.isfinite(two.distance)
    seen = np.flatnonzero(during & np.isfinite(two.boxes[..., 0]).all(0))
    if not len(seen):
        return False
    nearest = int(seen[np.argmin(two.distance[seen])])
    return one_level(two.boxes[0, nearest], two.boxes[1, nearest])
