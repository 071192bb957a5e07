"""Trajectories as JSON in FoundationMotion's published shape (its paper, A.2).

``{"object_00": {"bbox": [...], "object_type": "person", "interactions": [...]}, ...}``, one entry of ``bbox`` and of
``interactions`` per shown frame. A box is ``[left, top, right, bottom]`` in [0, 1], rounded to 4 decimals, or null
where the subject is not seen; interactions are the keys of the subjects that it touches then, or null. Its released
code writes other keys and no interactions.

Our additions: ``track_id``, ``tag`` and ``color``, as drawn on the pictures; for hands and what they hold ``part_of``,
the key of the person or of the hand; for hands ``contact_state``, one of ``vocabulary.CONTACTS`` or null where unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from kinescribe.inputs.subjects import color_words, tags
from kinescribe.plain import hand_parts, normalised_boxes
from kinescribe.records import Clip, Events, Facts, Hands, Span, Tracks
from kinescribe.vocabulary import CONTACTS

DECIMALS = 4
"""Of a normalised coordinate (FoundationMotion's code)."""

TOUCH = "touch"
"""The event and the predicate that are an interaction; who only comes near does not interact."""


class Contact(NamedTuple):
    """Two subjects that touch."""

    one: int
    other: int
    when: Bool[np.ndarray, "T"]


def trajectories(
    clip: Clip,
    subjects: Tracks,
    samples: Sequence[int],
    facts: Facts | None = None,
    events: Events | None = None,
    hands: Hands | None = None,
) -> dict[str, Any]:
    """Return the boxes and contacts of subjects at samples, by key.

    Args:
        clip: the clip.
        subjects: who is listed, in order (``subjects.shown``).
        samples: positions on the T axis, those of the frames that are shown.
        facts, events: where contacts between tracks are told.
        hands: what hands touch and hold.
    """
    at = np.array(samples, dtype=np.int64)
    keys = {int(track_id): f"object_{row:02d}" for row, track_id in enumerate(subjects.ids)}
    boxes = normalised_boxes(clip, subjects.xyxy[:, at], DECIMALS)
    called = tags(subjects)
    objects: dict[str, Any] = {
        key: {
            "bbox": boxes[row],
            "object_type": subjects.label[row],
            "interactions": [None] * len(at),
            "track_id": track_id,
            "tag": called[track_id],
            "color": color_words(track_id),
        }
        for row, (track_id, key) in enumerate(keys.items())
    }
    for contact in (*_told(clip, facts, events), *_held(hands)):
        if contact.one in keys and contact.other in keys:
            _note(objects, keys[contact.one], keys[contact.other], contact.when[at])
    _tie_hands(objects, keys, hands, at.tolist())
    return objects


def _told(clip: Clip, facts: Facts | None, events: Events | None) -> Iterator[Contact]:
    """Yield contacts between tracks that were measured."""
    for fact in facts.facts if facts is not None else ():
        if fact.predicate == TOUCH and fact.object is not None:
            yield Contact(fact.subject, fact.object, _within(clip, fact.span))
    for event in events.events if events is not None else ():
        if event.kind == TOUCH and event.other is not None:
            yield Contact(event.subject, event.other, _within(clip, event.span))


def _within(clip: Clip, span: Span) -> Bool[np.ndarray, "T"]:
    """Return the samples in a span; where there is none, as at a short contact, the nearest one."""
    inside: Bool[np.ndarray, "T"] = (clip.times_s >= span.start_s) & (clip.times_s <= span.end_s)
    if not inside.any() and len(inside):
        inside[int(np.abs(clip.times_s - (span.start_s + span.end_s) / 2).argmin())] = True
    return inside


def _held(hands: Hands | None) -> Iterator[Contact]:
    """Yield hands with what they hold, as it shows beside the hand and, where it has one, as a track."""
    for part in hand_parts(hands):
        if part.track is None:
            continue
        yield Contact(part.part_of, part.id, np.isfinite(part.xyxy).all(axis=-1))
        for track_id in set(part.track[part.track >= 0].tolist()):
            yield Contact(part.part_of, track_id, part.track == track_id)


def _note(objects: dict[str, Any], one: str, other: str, when: Bool[np.ndarray, "F"]) -> None:
    for frame in np.flatnonzero(when):
        for key, partner in ((one, other), (other, one)):
            before = objects[key]["interactions"][frame] or []
            objects[key]["interactions"][frame] = sorted({*before, partner})


def _tie_hands(objects: dict[str, Any], keys: dict[int, str], hands: Hands | None, at: list[int]) -> None:
    """Note whose a hand is and what it does, and which hand an object is in."""
    for part in hand_parts(hands):
        if part.id not in keys:
            continue
        own = objects[keys[part.id]]
        own["part_of"] = keys.get(part.part_of)
        if part.contact is not None:
            states = [part.contact[sample] for sample in at]
            own["contact_state"] = [None if state == CONTACTS[0] else state for state in states]
