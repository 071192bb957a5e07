"""People who are seen as something that moves before, or after, they are seen as people.

Somebody who walks into the picture is a moving region first: a head and a shoulder show no skeleton. The region's
track ends where the person's begins. They are one subject, and only together they show who came in from where.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.geometry import box_center, box_size
from kinescribe.records import Clip, Tracks

PERSON = "person"
MIN_AREA = 0.35
"""Share of the person's box, where the two meet, that the thing's must have to stand for the person."""


def absorb(clip: Clip, tracks: Tracks, max_life_s: float, max_gap_s: float) -> Tracks:
    """Give short tracks of things that lead into, or out of, a person's track to the person.

    Args:
        clip: for its times.
        tracks: all of them.
        max_life_s: a thing that lives longer is a subject of its own.
        max_gap_s: between the thing's end and the person's beginning (or the other way round).
    """
    xyxy, score, detection = tracks.xyxy.copy(), tracks.score.copy(), tracks.detection.copy()
    gone = np.zeros(len(tracks.ids), bool)
    people = [n for n, label in enumerate(tracks.label) if label == PERSON]
    for thing in np.flatnonzero(np.array([label != PERSON for label in tracks.label], bool)).tolist():
        host = _host(clip, xyxy, thing, people, max_life_s, max_gap_s)
        if host is not None:
            rows = _worth(xyxy[thing], xyxy[host])
            for column in (xyxy, score, detection):
                column[host, rows] = column[thing, rows]
            gone[thing] = True
    return _without(replace(tracks, xyxy=xyxy, score=score, detection=detection), gone)


def _host(
    clip: Clip,
    xyxy: Float[np.ndarray, "N T 4"],
    thing: int,
    people: list[int],
    max_life_s: float,
    max_gap_s: float,
) -> int | None:
    """Return whose beginning or end a thing is; None if nobody's."""
    own = _life(xyxy[thing])
    if not len(own) or clip.times_s[own[-1]] - clip.times_s[own[0]] > max_life_s:
        return None
    for person in people:
        life = _life(xyxy[person])
        if not len(life):
            continue
        for ends, begins, a, b in ((own, life, thing, person), (life, own, person, thing)):
            gap = float(clip.times_s[begins[0]] - clip.times_s[ends[-1]])
            overlapping = -gap > 0.5 * max_life_s
            if gap <= max_gap_s and not overlapping and _meet(xyxy[a, ends[-1]], xyxy[b, begins[0]]):
                return person
    return None


def _worth(thing: Float[np.ndarray, "T 4"], person: Float[np.ndarray, "T 4"]) -> Int[np.ndarray, "R"]:
    """Return the samples in which the thing is most of the person, from where they meet.

    Of somebody who goes out at the side, a foot and a shadow are seen last, at the bottom: they would tell of a
    way that nobody went.
    """
    own, life = _life(thing), _life(person)
    later = own[-1] > life[-1]
    meeting = person[life[-1]] if later else person[life[0]]
    free = [int(t) for t in (own if later else own[::-1]) if not np.isfinite(person[t, 0])]
    least = MIN_AREA * float(box_size(meeting[None])[0]) ** 2
    enough = [float(box_size(thing[t][None])[0]) ** 2 >= least for t in free]
    return np.array(free[: enough.index(False)] if False in enough else free, np.int64)


def _meet(one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"]) -> bool:
    """Whether two boxes are close enough to be the same body a moment apart."""
    away = float(np.hypot(*(box_center(one[None]) - box_center(two[None]))[0]))
    size = float(np.maximum(box_size(one[None]), box_size(two[None]))[0])
    return away <= 0.8 * size


def _life(boxes: Float[np.ndarray, "T 4"]) -> Int[np.ndarray, "L"]:
    return np.flatnonzero(np.isfinite(boxes[:, 0]))


def _without(tracks: Tracks, gone: Bool[np.ndarray, "N"]) -> Tracks:
    keep = np.flatnonzero(~gone)
    return replace(
        tracks,
        ids=tracks.ids[keep],
        label=tuple(tracks.label[n] for n in keep),
        xyxy=tracks.xyxy[keep],
        score=tracks.score[keep],
        detection=tracks.detection[keep],
    )
