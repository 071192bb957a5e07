"""Exporters: one file each, chosen by its file name; each offers ``export(run, out) -> Exported``.

An exporter reads a run and never changes it. Clips that failed, or that a stage dropped (``camera.drop_above``), are
left out: a half-annotated clip is not a clip in which little happened. Files appear whole or not at all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.records import Clip, Hands
from kinescribe.vocabulary import CONTACTS, HAND_OFFSETS, hand_side

R = TypeVar("R")


@runtime_checkable
class Failure(Protocol):
    """What a run remembers of a clip, or of a whole source, that failed."""

    @property
    def source(self) -> str: ...

    @property
    def clip_id(self) -> str | None: ...

    @property
    def stage(self) -> str: ...

    @property
    def error_type(self) -> str: ...

    @property
    def message(self) -> str: ...

    @property
    def attempts(self) -> int: ...


@runtime_checkable
class Drop(Protocol):
    """What a run remembers of a clip that a stage found not worth going on with."""

    @property
    def clip_id(self) -> str: ...


@runtime_checkable
class RunReader(Protocol):
    """What exporters and the viewer need of a run."""

    def clips(self) -> list[Clip]: ...

    def record(self, clip_id: str, kind: type[R], /) -> R | None: ...

    def records(self, clip_id: str) -> dict[type, Any]: ...

    def failures(self) -> Sequence[Failure]: ...

    def dropped(self) -> Sequence[Drop]: ...


class Exported(NamedTuple):
    """What an export wrote, and what it left out."""

    files: tuple[Path, ...]
    clips: int
    failed: int
    """Clips and unreadable sources that failed and are not in the files."""
    pending: int
    """Clips that no stage has seen yet and that are not in the files."""


def in_order(clips: Iterable[Clip]) -> list[Clip]:
    """Return clips by source, start and id: an order that does not depend on how the run went."""
    return sorted(clips, key=lambda clip: (clip.source, clip.start_s, clip.id))


def wanted_clips(run: RunReader) -> list[Clip]:
    """Return the clips of a run in which no stage failed and that none dropped, in order."""
    left_out = {failure.clip_id for failure in run.failures()} | {drop.clip_id for drop in run.dropped()}
    return in_order(clip for clip in run.clips() if clip.id not in left_out)


def num_failed(run: RunReader) -> int:
    """Return how many clips, and sources that gave no clip, failed."""
    return len({(failure.clip_id, failure.clip_id or failure.source) for failure in run.failures()})


def is_pending(records: Mapping[type, Any]) -> bool:
    """Whether no stage has seen a clip yet."""
    return not records.keys() - {Clip}


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


@contextmanager
def whole_files(paths: Iterable[Path]) -> Iterator[list[TextIO]]:
    """Open files for writing that take their names together at the end; an error leaves what was there."""
    targets = list(paths)
    partials = [path.with_name(path.name + ".part") for path in targets]
    streams: list[TextIO] = []
    try:
        for partial in partials:
            streams.append(partial.open("w", encoding="utf-8", newline="\n"))
        yield streams
        for stream in streams:
            stream.close()
        for partial, path in zip(partials, targets, strict=True):
            partial.replace(path)
    finally:
        for stream, partial in zip(streams, partials, strict=False):
            stream.close()
            partial.unlink(missing_ok=True)
