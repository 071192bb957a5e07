"""What hands touch, as a net sees it: its hands are given to those of the skeletons, by side and overlap.

A net of this kind (Hands23; Cheng et al. 2023) looks at single pictures and knows nobody. Source of the rules:
FoundationMotion 3.2.2 and its code (side, overlap above 0.3; an object is in the hand only where the state says so).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from kinescribe.backends import SeenContacts
from kinescribe.geometry import box_iou, stretches
from kinescribe.records import CameraMotion, Clip, Hands, Tracks
from kinescribe.stages.touch import OBJECT
from kinescribe.vocabulary import PERSON, hand_side

IN_HAND_IOU = 0.3
"""A track is the object in the hand if their boxes overlap by this, on average over the time in which it is held: as
much as a hand's boxes must."""


def with_contacts(
    clip: Clip,
    camera: CameraMotion,
    tracks: Tracks,
    hands: Hands,
    seen: SeenContacts,
    min_iou: float,
    max_gap_s: float,
) -> Hands:
    """Return hands with what a net says they touch: its box, contact state, the object in the hand and the second one.

    A hand that the net does not see has contact unknown. Between two looks that agree, up to ``max_gap_s`` apart and
    within one shot, their state holds and boxes of objects go straight.
    """
    owner = owned(hands, seen, min_iou)
    here = owner >= 0
    contact = np.where(here, _taken(seen.contact, owner, 0), 0).astype(np.int8)
    held, second = (_taken(boxes, owner, np.nan) for boxes in (seen.held_xyxy, seen.second_xyxy))
    for h in range(len(owner)):
        for a, b in _bridges(clip, camera, np.flatnonzero(here[h]), max_gap_s):
            if contact[h, a] == contact[h, b]:
                between = np.arange(a + 1, b)
                contact[h, between] = contact[h, a]
                share = (clip.times_s[between] - clip.times_s[a]) / (clip.times_s[b] - clip.times_s[a])
                for boxes in (held, second):
                    boxes[h, between] = boxes[h, a] + share[:, None] * (boxes[h, b] - boxes[h, a])
    held, second = (np.where((contact == OBJECT)[..., None], boxes, np.nan) for boxes in (held, second))
    return replace(
        hands,
        xyxy=np.where(here[..., None], _taken(seen.xyxy, owner, np.nan), hands.xyxy),
        score=np.where(here, _taken(seen.score, owner, np.nan), hands.score),
        contact=contact,
        held_xyxy=held,
        held_track=tracks_in_hand(tracks, held),
        second_xyxy=second,
    )


def owned(hands: Hands, seen: SeenContacts, min_iou: float) -> Int[np.ndarray, "H T"]:
    """Return the row of ``seen`` that is each hand at each sample; -1 where none is."""
    owner = np.full(hands.contact.shape, -1, np.int64)
    right = np.array([hand_side(number) == "right" for number in hands.ids.tolist()], dtype=bool)
    for k in np.unique(seen.sample).tolist():
        for side in (False, True):
            rows = np.flatnonzero((seen.sample == k) & (seen.right == side))
            candidates = np.flatnonzero((right == side) & np.isfinite(hands.xyxy[:, k, 0]))
            for h, d in owners(hands.xyxy[candidates, k], seen.xyxy[rows], min_iou):
                owner[candidates[h], k] = rows[d]
    return owner


def tracks_in_hand(tracks: Tracks, held: Float[np.ndarray, "H T 4"]) -> Int[np.ndarray, "H T"]:
    """Return the track of the object that a box shows in each hand, one for each time in which it is held; else -1."""
    found = np.full(held.shape[:2], -1, np.int64)
    things = [row for row, label in enumerate(tracks.label) if label not in (PERSON, "hand")]
    for h in range(len(held)):
        for first, last in stretches(np.isfinite(held[h, :, 0])):
            span = slice(first, last + 1)
            fits = {row: _overlap(tracks.xyxy[row, span], held[h, span]) for row in things}
            best = max(things, key=lambda row: fits[row], default=-1)
            if best >= 0 and fits[best] > IN_HAND_IOU:
                there = np.isfinite(tracks.xyxy[best, span, 0])
                found[h, span] = np.where(there, int(tracks.ids[best]), -1)
    return found


def owners(
    hands: Float[np.ndarray, "H 4"], found: Float[np.ndarray, "D 4"], min_iou: float
) -> list[tuple[int, int]]:
    """Return pairs (hand, detection) of one sample: the assignment with the most overlap, each above ``min_iou``."""
    iou = box_iou(hands, found)
    rows, columns = linear_sum_assignment(np.where(iou > min_iou, iou, 0.0), maximize=True)
    return [(int(h), int(d)) for h, d in zip(rows, columns, strict=True) if iou[h, d] > min_iou]


def _overlap(one: Float[np.ndarray, "T 4"], two: Float[np.ndarray, "T 4"]) -> float:
    """Return how much two boxes overlap, on average over the samples; nothing where one is unknown."""
    iou = [float(box_iou(a[None], b[None])[0, 0]) for a, b in zip(one, two, strict=True)]
    return float(np.nan_to_num(iou).mean())


def _taken(column: np.ndarray, owner: Int[np.ndarray, "H T"], missing: float) -> np.ndarray:
    """Return a column's values at its owners; ``missing`` elsewhere."""
    if not len(column):
        return np.full((*owner.shape, *column.shape[1:]), missing)
    there: Bool[np.ndarray, "..."] = (owner >= 0).reshape(*owner.shape, *(1,) * (column.ndim - 1))
    return np.where(there, column[owner], missing)


def _bridges(
    clip: Clip, camera: CameraMotion, known: Int[np.ndarray, "M"], max_gap_s: float
) -> list[tuple[int, int]]:
    """Return neighbouring looks with samples between them that may be filled."""
    times = clip.times_s
    shot = np.searchsorted(np.asarray(camera.cuts_s, dtype=float), times, side="right")
    return [
        (a, b)
        for a, b in zip(known[:-1].tolist(), known[1:].tolist(), strict=True)
        if b - a > 1 and shot[a] == shot[b] and times[b] - times[a] <= max_gap_s + 1e-6
    ]
