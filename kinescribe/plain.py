"""Records as JSON can hold them: numbers without NaN, boxes in [0, 1], hands as tracks, text on one line.

What is written for others (exports, the inputs of a model) goes through here, so that all of it agrees.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.records import Clip, Hands
from kinescribe.vocabulary import CONTACTS, HAND_OFFSETS, hand_side


class HandPart(NamedTuple):
    """A hand, or the object in one, as a track of its own."""

    id: int
    part_of: int
    """The person of a hand (who may have no track), the hand of an object."""
    label: str
    xyxy: Float[np.ndarray, "T 4"]
    contact: list[str] | None
    """Per sample, for hands."""
    track: Int[np.ndarray, "T"] | None
    """Per sample, for objects: the track of the same object, or -1."""


def hand_parts(hands: Hands | None) -> Iterator[HandPart]:
    """Yield the hands that were ever seen, each followed by what it holds, if it ever holds anything."""
    if hands is None:
        return
    for row, hand_id in enumerate(hands.ids.tolist()):
        if not np.isfinite(hands.xyxy[row]).any():
            continue
        side = hand_side(hand_id)
        states = [CONTACTS[code] for code in hands.contact[row].tolist()]
        person = hand_id - HAND_OFFSETS[side]
        yield HandPart(hand_id, person, f"{side} hand", hands.xyxy[row], states, None)
        if np.isfinite(hands.held_xyxy[row]).any():
            label = f"object in {side} hand"
            yield HandPart(hand_id + 1, hand_id, label, hands.held_xyxy[row], None, hands.held_track[row])


def normalised_boxes(
    clip: Clip, xyxy: Float[np.ndarray, "N F 4"], decimals: int
) -> list[list[list[float] | None]]:
    """Return boxes in pixels as [left, top, right, bottom] in [0, 1], or None where none is in the picture.

    A box that reaches beyond the picture is cut off at its border.
    """
    size = np.array([clip.width, clip.height] * 2, dtype=np.float64)
    boxes: Float[np.ndarray, "N F 4"] = np.round(np.clip(xyxy / size, 0, 1), decimals)
    with np.errstate(invalid="ignore"):
        there: Bool[np.ndarray, "N F"] = np.asarray((boxes[..., 2:] > boxes[..., :2]).all(axis=-1))
    return [
        [box if known else None for box, known in zip(path, seen, strict=True)]
        for path, seen in zip(boxes.tolist(), there.tolist(), strict=True)
    ]


def number(value: float | None) -> float | None:
    """Return a float as JSON can hold it: None for what is unknown (NaN) or not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return a mapping's values as JSON can hold them."""
    return {key: number(value) for key, value in values.items()}


def to_json(value: Any, indent: int | None = None) -> str:
    """Return JSON in UTF-8 that stays on one line whatever splits it, and never holds NaN.

    Line separators that JSON allows inside a string but ``str.splitlines`` does not are escaped; so is half of
    a surrogate pair, which a file name that is not UTF-8 brings along.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    text = text.replace("\x85", "\\u0085").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
