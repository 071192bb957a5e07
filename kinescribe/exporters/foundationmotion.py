"""FoundationMotion's layout: per video a motion JSON, a captions JSON and a QA JSON.

Files (``NAME`` is the video's file name without its last suffix; where several clips share it, ``NAME_CLIPID``):

- ``motion/NAME.json``. **As the paper (A.2) describes it, not as the released code writes it**: keys
  ``object_00``, ``object_01``, ... each with ``bbox``, ``object_type`` and ``interactions``. ``bbox`` has one
  entry per source frame of the clip: ``[left, top, right, bottom]`` in [0, 1], rounded to 4 decimals (both
  agree), or null where the object is not seen. ``interactions`` has one entry per frame: the keys of the other
  objects that this one approaches or separates from by a measured fact, or null where there is none or none is
  known. ``track_id`` is our addition (the code has it too) and leads back to the run. Hands and objects in hands
  follow the tracks as objects of their own; ``interactions`` ties a hand and what it holds. Our additions there
  are ``part_of``, the key of the hand's person or of the object's hand, and for hands ``contact_state`` per frame,
  one of ``vocabulary.CONTACTS`` or null between two samples that differ; the code asks for it and drops it.
  The released code writes ``detected_objects`` and ``preson_00`` (so spelled) with nested hands instead, and never
  any interaction, while its prompt promises the paper's keys; we write what the prompt and the paper promise.
  Its folder is called ``video_general_obj_det_finished``.
- ``videos_captions_kinescribe/NAME.json``: ``{"kinescribe_res": TEXT}``, as the code's ``{"<model>_res": ...}``.
  The text is the scene captions, then a bullet per captioned subject. A caption with a claim that was found
  false is left out.
- ``videos_QAs_kinescribe/NAME.json``: ``{"kinescribe_res": {"questions": [{"question", "A", "B", "C", "D",
  "correct_answer"}]}, "metadata": {...}}``, as the code; ``correct_answer`` is a letter. ``category`` is our
  addition: the paper promises it and the code does not store it.

Kinescribe looks at samples, FoundationMotion at every frame: between two neighbouring samples that both see the
object, and with no cut between, boxes are interpolated; elsewhere a frame without a sample is null.

Source: FoundationMotion paper, A.2 and A.3; its public code at commit 56497656.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from kinescribe.exporters import (
    Exported,
    RunReader,
    is_pending,
    num_failed,
    wanted_clips,
    whole_files,
)
from kinescribe.exporters.jsonl import question_rows
from kinescribe.plain import HandPart, hand_parts, normalised_boxes, to_json
from kinescribe.records import (
    CameraMotion,
    Caption,
    Captions,
    Clip,
    Facts,
    Hands,
    MotionFact,
    Tracks,
    Verdicts,
)

__all__ = ["export"]

MODEL = "kinescribe"
"""What stands for the captioning model in names and keys."""

DECIMALS = 4
"""Of a normalised coordinate (FoundationMotion's code)."""

Records = Mapping[type, Any]


def export(run: RunReader, out: Path) -> Exported:
    """Write a run in FoundationMotion's layout into a folder; each video's files are replaced together.

    Raises:
        StoreError: a question does not have four options.
        OSError: the folder cannot be written.
    """
    out = Path(out)
    folders = {
        "motion": motion,
        f"videos_captions_{MODEL}": captions,
        f"videos_QAs_{MODEL}": questions,
    }
    for folder in folders:
        (out / folder).mkdir(parents=True, exist_ok=True)
    clips = wanted_clips(run)
    written: list[Path] = []
    pending = 0
    for clip, name in zip(clips, names(clips), strict=True):
        records = run.records(clip.id)
        if is_pending(records):
            pending += 1
            continue
        paths = [out / folder / f"{name}.json" for folder in folders]
        with whole_files(paths) as streams:
            for stream, content in zip(streams, folders.values(), strict=True):
                stream.write(to_json(content(clip, records), indent=1) + "\n")
        written += paths
    return Exported(tuple(written), len(clips) - pending, num_failed(run), pending)


def names(clips: list[Clip]) -> list[str]:
    """Return a file name for each clip: the video's own where it is unique (on any file system)."""
    stems = [Path(clip.source).stem for clip in clips]
    uses = Counter(stem.casefold() for stem in stems)
    return [
        stem if stem and uses[stem.casefold()] == 1 else f"{stem}_{clip.id}".lstrip("_")
        for stem, clip in zip(stems, clips, strict=True)
    ]


def motion(clip: Clip, records: Records) -> dict[str, Any]:
    """Return the objects of a clip with their boxes and interactions per frame (paper A.2)."""
    tracks: Tracks | None = records.get(Tracks)
    if tracks is None:
        return {}
    parts = list(hand_parts(records.get(Hands)))
    ids = [*tracks.ids.tolist(), *(part.id for part in parts)]
    keys = {int(track_id): f"object_{row:02d}" for row, track_id in enumerate(ids)}
    xyxy = np.concatenate([tracks.xyxy, *(part.xyxy[None] for part in parts)])
    boxes = normalised_boxes(clip, _every_frame(clip, xyxy, records.get(CameraMotion)), DECIMALS)
    facts = records.get(Facts, Facts(())).facts
    objects: dict[str, Any] = {
        key: {
            "bbox": boxes[row],
            "object_type": [*tracks.label, *(part.label for part in parts)][row],
            "interactions": _interactions(clip, track_id, keys, facts),
            "track_id": track_id,
        }
        for row, (track_id, key) in enumerate(keys.items())
    }
    for part in parts:
        _tie(clip, objects, keys, part)
    return objects


def _tie(clip: Clip, objects: dict[str, Any], keys: Mapping[int, str], part: HandPart) -> None:
    """Note whose a hand is and in which states, or which hand an object is in, frame by frame."""
    own = objects[keys[part.id]]
    own["part_of"] = keys.get(part.part_of)
    if part.contact is not None:
        own["contact_state"] = _states(clip, part.contact)
        return
    hand = objects[keys[part.part_of]]
    for frame, box in enumerate(own["bbox"]):
        if box is not None:
            for one, other in ((own, keys[part.part_of]), (hand, keys[part.id])):
                one["interactions"][frame] = sorted({*(one["interactions"][frame] or ()), other})


def _states(clip: Clip, states: list[str]) -> list[str | None]:
    """Return a state per source frame: the one that the samples on both sides share, or None."""
    frames = np.arange(clip.num_frames)
    after = np.searchsorted(clip.frame_indices, frames)
    before = np.searchsorted(clip.frame_indices, frames, side="right") - 1
    inside = (after < len(states)) & (before >= 0)
    return [
        states[a] if known and states[a] == states[b] else None
        for a, b, known in zip(after, before, inside, strict=True)
    ]


def captions(clip: Clip, records: Records) -> dict[str, str]:
    """Return the text about a clip: whole scene first, then subject by subject."""
    told = records.get(Captions, Captions(())).captions
    false = {v.caption for v in records.get(Verdicts, Verdicts(())).verdicts if v.holds is False}
    kept: list[Caption] = [caption for index, caption in enumerate(told) if index not in false]
    scene = [caption.text for caption in kept if caption.scope == "scene"]
    regions = [f"- {caption.text}" for caption in kept if caption.scope != "scene"]
    return {f"{MODEL}_res": "\n\n".join([*scene, "\n".join(regions)]).strip()}


def questions(clip: Clip, records: Records) -> dict[str, Any]:
    """Return the questions about a clip, their options lettered A to D."""
    return {
        f"{MODEL}_res": {
            "questions": [
                {
                    "question": row["question"],
                    **dict(zip("ABCD", row["options"], strict=True)),
                    "correct_answer": "ABCD"[row["answer_index"]],
                    "category": row["category"],
                }
                for row in question_rows(clip, records)
            ]
        },
        "metadata": {
            "randomized_answers": True,
            "correct_answer_field": "correct_answer",
            "description": "Options were shuffled when the questions were made; correct_answer is the letter.",
        },
    }


def _every_frame(
    clip: Clip, xyxy: Float[np.ndarray, "N T 4"], camera: CameraMotion | None
) -> Float[np.ndarray, "N F 4"]:
    """Return boxes at every source frame: sampled, interpolated between two neighbours that see it, or NaN."""
    boxes = np.full((len(xyxy), clip.num_frames, 4), np.nan)
    boxes[:, clip.frame_indices] = xyxy
    cuts = camera.cuts_s if camera is not None else ()
    for i, (start, end) in enumerate(zip(clip.frame_indices[:-1], clip.frame_indices[1:], strict=True)):
        if any(clip.times_s[i] < cut <= clip.times_s[i + 1] for cut in cuts):
            continue
        share = (np.arange(start + 1, end) - start)[:, None] / (end - start)
        before, after = xyxy[:, i, None], xyxy[:, i + 1, None]
        boxes[:, start + 1 : end] = before + (after - before) * share
    return boxes


def _interactions(
    clip: Clip, track_id: int, keys: Mapping[int, str], facts: tuple[MotionFact, ...]
) -> list[list[str] | None]:
    """Return, per source frame, the objects that a fact ties this one to at that time."""
    # Frame times between samples are interpolated: they only decide which frames a span covers.
    times = np.interp(np.arange(clip.num_frames), clip.frame_indices, clip.times_s)
    others: list[set[str]] = [set() for _ in times]
    for fact in facts:
        if fact.object is None or track_id not in (fact.subject, fact.object):
            continue
        other = fact.object if fact.subject == track_id else fact.subject
        if other not in keys:
            continue
        for frame in np.flatnonzero((times >= fact.span.start_s) & (times <= fact.span.end_s)):
            others[frame].add(keys[other])
    return [sorted(found) or None for found in others]
