"""People who are seen as something that moves before, or after, they are seen as people.

Somebody who walks into the picture is a moving region first: a head and a shoulder show no skeleton. The region's
track ends where the person's begins. They are one subject, and only together they show who came in from where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kinescribe.geometry import box_center, box_size
from kinescribe.records import Clip, Tracks
from kinescribe.vocabulary import NAMELESS, PERSON

"""What has another name (a bottle that is set down by a hand) is nobody's arrival."""
MAX_AWAY = 0.8
"""How far apart two sightings of one body may be, in sizes of the larger box: a walker gets on by 0.8 body heights a
second, and the box of a head and a shoulder lies in the upper half of the body's."""
MAX_OVERLAP = 0.5
"""For this share of the longest arrival a thing and its person may be seen at once."""
CLEARER = 0.5
"""A thing that may be two people's is the nearer one's if that one is nearer by this factor; else nobody can tell."""


class _Offer(NamedTuple):
    """A thing that may be how a person comes or goes."""

    away: float
    """Between the thing and the person where one goes over into the other, in sizes."""
    thing: int
    person: int
    comes: bool


def absorb(clip: Clip, tracks: Tracks, max_life_s: float, max_gap_s: float) -> Tracks:
    """Give short tracks of things that lead into, or out of, a person's track to the person.

    A person comes and goes as one thing at most, and keeps its own sightings where both are seen. What the order of
    the tracks is does not matter.

    Args:
        clip: for its times.
        tracks: all of them.
        max_life_s: a thing that lives longer is a subject of its own.
        max_gap_s: between the thing's end and the person's beginning (or the other way round).
    """
    offers = sorted(_offers(clip, tracks, max_life_s, max_gap_s))
    xyxy, score, detection = tracks.xyxy.copy(), tracks.score.copy(), tracks.detection.copy()
    velocity = None if tracks.velocity_px_s is None else tracks.velocity_px_s.copy()
    gone: set[int] = set()
    served: set[tuple[int, bool]] = set()
    for offer in offers:
        if offer.thing in gone or (offer.person, offer.comes) in served or not _is_clear(offer, offers):
            continue
        rows = np.isfinite(tracks.xyxy[offer.thing, :, 0]) & ~np.isfinite(tracks.xyxy[offer.person, :, 0])
        for column in (xyxy, score, detection, velocity):
            if column is not None:
                column[offer.person, rows] = column[offer.thing, rows]
        gone.add(offer.thing)
        served.add((offer.person, offer.comes))
    whole = replace(tracks, xyxy=xyxy, score=score, detection=detection, velocity_px_s=velocity)
    return _only(whole, np.array([n for n in range(len(tracks.ids)) if n not in gone], np.int64))


def _offers(clip: Clip, tracks: Tracks, max_life_s: float, max_gap_s: float) -> Iterator[_Offer]:
    """Yield every thing with every person whose arrival or leave it may be."""
    lives = [np.flatnonzero(np.isfinite(boxes[:, 0])) for boxes in tracks.xyxy]
    people = [n for n, label in enumerate(tracks.label) if label == PERSON and len(lives[n])]
    for thing, own in enumerate(lives):
        if tracks.label[thing] != NAMELESS or not len(own) or _duration_s(clip, own) > max_life_s + 1e-6:
            continue
        for person in people:
            for comes in (True, False):
                first, then = (thing, person) if comes else (person, thing)
                if _follow(clip, lives[first], lives[then], max_gap_s, MAX_OVERLAP * max_life_s):
                    away = _apart(tracks.xyxy[first], tracks.xyxy[then], lives[first], int(lives[then][0]))
                    if away <= MAX_AWAY:
                        yield _Offer(away, thing, person, comes)


def _follow(
    clip: Clip,
    first: Int[np.ndarray, "A"],
    then: Int[np.ndarray, "B"],
    max_gap_s: float,
    max_overlap_s: float,
) -> bool:
    """Whether one life begins before the other, ends before it, and leads over to it in time."""
    gap = float(clip.times_s[then[0]] - clip.times_s[first[-1]])
    in_order = first[0] < then[0] and first[-1] < then[-1]
    return bool(in_order and -max_overlap_s - 1e-6 <= gap <= max_gap_s + 1e-6)


def _apart(
    one: Float[np.ndarray, "T 4"], two: Float[np.ndarray, "T 4"], life: Int[np.ndarray, "A"], begins: int
) -> float:
    """Return the distance of two boxes in sizes of the larger: where ``two`` begins, and ``one`` last before."""
    last, next_one = one[life[life <= begins][-1]][None], two[begins][None]
    away = float(np.hypot(*(box_center(last) - box_center(next_one))[0]))
    return away / max(float(box_size(last)[0]), float(box_size(next_one)[0]), 1e-9)


def _is_clear(offer: _Offer, offers: list[_Offer]) -> bool:
    rivals = [o for o in offers if o.thing == offer.thing and o.person != offer.person]
    return all(offer.away < CLEARER * rival.away for rival in rivals)


def _duration_s(clip: Clip, life: Int[np.ndarray, "A"]) -> float:
    return float(clip.times_s[life[-1]] - clip.times_s[life[0]])


def _only(tracks: Tracks, rows: Int[np.ndarray, "M"]) -> Tracks:
    return Tracks(
        ids=tracks.ids[rows],
        label=tuple(tracks.label[n] for n in rows),
        xyxy=tracks.xyxy[rows],
        score=tracks.score[rows],
        detection=tracks.detection[rows],
        velocity_px_s=None if tracks.velocity_px_s is None else tracks.velocity_px_s[rows],
    )
