"""Who is drawn and listed, and by what name and colour: one choice for pictures and text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kinescribe.draw import PALETTE, color_of, palette_index, tag_of
from kinescribe.plain import hand_parts
from kinescribe.records import Hands, Tracks
from kinescribe.vocabulary import HAND_OFFSETS, hand_side

COLOR_NAMES = ("sky blue", "orange", "green", "pink", "yellow", "red", "blue")
"""What people call ``draw.PALETTE``'s colours."""


def shown(tracks: Tracks, hands: Hands | None, most: int) -> Tracks:
    """Return at most so many tracks, those seen longest, in their order; then the hands of the people among them.

    A hand and what it holds come as tracks of their own, with the ids that ``Hands`` gives them, and do not count.
    """
    seen = np.isfinite(tracks.xyxy[..., 0]).sum(axis=1)
    first = np.argsort(-seen, kind="stable")[:most]
    rows = np.sort(first[seen[first] > 0])
    kept = Tracks(
        ids=tracks.ids[rows],
        label=tuple(tracks.label[row] for row in rows),
        xyxy=tracks.xyxy[rows],
        score=tracks.score[rows],
        detection=tracks.detection[rows],
        masks=None if tracks.masks is None else tracks.masks.of(rows),
    )
    people = set(kept.ids.tolist())
    parts = [part for part in hand_parts(hands) if person_of(part.id) in people]
    if not parts:
        return kept
    xyxy = np.stack([part.xyxy for part in parts])
    unseen = np.full(xyxy.shape[:2], np.nan)
    return Tracks(
        ids=np.concatenate([kept.ids, [part.id for part in parts]]),
        label=(*kept.label, *(part.label for part in parts)),
        xyxy=np.concatenate([kept.xyxy, xyxy]),
        score=np.concatenate([kept.score, unseen]),
        detection=np.concatenate([kept.detection, np.zeros(xyxy.shape[:2], kept.detection.dtype)]),
        masks=None
        if kept.masks is None
        else replace(kept.masks, rle=(*kept.masks.rle, *((None,) * xyxy.shape[1] for _ in parts))),
    )


def only(tracks: Tracks, track_id: int) -> Tracks:
    """Return one subject alone; KeyError if there is none of this id."""
    row = tracks.row(track_id)
    return Tracks(
        ids=tracks.ids[row : row + 1],
        label=(tracks.label[row],),
        xyxy=tracks.xyxy[row : row + 1],
        score=tracks.score[row : row + 1],
        detection=tracks.detection[row : row + 1],
        masks=None if tracks.masks is None else tracks.masks.of(np.array([row])),
    )


def person_of(part_id: int) -> int:
    """Return the person whose hand, or whose hand's object, an id names."""
    within = part_id % 10
    hand = part_id if within in HAND_OFFSETS.values() else part_id - 1
    return hand - HAND_OFFSETS[hand_side(hand)]


def tags(tracks: Tracks) -> dict[int, str]:
    """Return what each subject is called on the pictures, e.g. ``person #10``."""
    return {int(i): tag_of(label, int(i)) for i, label in zip(tracks.ids, tracks.label, strict=True)}


def color_words(track_id: int) -> str:
    """Return a subject's colour on the pictures, e.g. ``orange #e69f00``."""
    red, green, blue = color_of(track_id)
    return f"{COLOR_NAMES[palette_index(track_id) % len(PALETTE)]} #{red:02x}{green:02x}{blue:02x}"
