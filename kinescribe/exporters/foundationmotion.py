"""FoundationMotion's layout: per video a motion JSON, a captions JSON and a QA JSON.

Files (``NAME`` is the video's file name without its last suffix; where several clips share it, ``NAME_CLIPID``):

- ``motion/NAME.json``. **As the paper (A.2) describes it, not as the released code writes it**: keys
  ``object_00``, ``object_01``, ... each with ``bbox``, ``object_type`` and ``interactions``. ``bbox`` has one
  entry per source frame of the clip: ``[left, top, right, bottom]`` in [0, 1], rounded to 4 decimals (both
  agree), or null where the object is not seen. ``interactions`` has one entry per frame: the keys of the other
  objects that this one touches by a measured fact or event, or that it holds, or null where there is none or none
  is known; who only comes near does not interact, as in ``inputs.motion``.
  ``track_id`` is our addition (the code has it too) and leads back to the run. Hands and objects in hands
  follow the tracks as objects of their own; ``interactions`` ties a hand and what it holds. Our additions there
  are ``part_of``, the key of the hand's person or of the object's hand, and for hands ``contact_state`` per frame,
  one of ``vocabulary.CONTACTS`` or null between two samples that differ; the code asks for it and drops it.
  The released code writes ``detected_objects`` and ``preson_00`` (so spelled) with nested hands instead, and never
  any interaction, while its prompt promises the paper's keys; we write what the prompt and the paper promise.
- ``video_general_obj_det_finished/NAME.json`` and ``NAME.mp4``, with the option ``scripts=true``: what its scripts for
  captions and questions read, in the released code's shape (``code_motion``), and the clip with boxes drawn on it. A
  list of boxes has one entry per frame of that video.
- ``videos_captions_kinescribe/NAME.json``: ``{"kinescribe_res": TEXT}``, as the code's ``{"<model>_res": ...}``.
  The text is the scene captions, then a bullet per captioned subject. A caption with a claim that was found
  false is left out (option ``contradicted=true``: kept).
- ``videos_QAs_kinescribe/NAME.json``: ``{"kinescribe_res": {"questions": [{"question", "A", "B", "C", "D",
  "correct_answer"}]}, "metadata": {...}}``, as the code; ``correct_answer`` is a letter. ``category`` is our
  addition: the paper promises it and the code does not store it. Checklist questions are left out: they are asked
  of a caption, and these files of a video. Its evaluation wants this folder as ``TASK/qa_shuffled/``, beside
  ``TASK/videos/``.

Kinescribe looks at samples, FoundationMotion at every frame: between two neighbouring samples that both see the
object, and with no cut between, boxes are interpolated; elsewhere a frame without a sample is null.

Source: FoundationMotion paper, A.2 and A.3; its public code at commit 56497656.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from kinescribe.exporters import (
    Exported,
    RunReader,
    Sieve,
    is_pending,
    wanted_clips,
    whole_files,
)
from kinescribe.exporters._clipfile import write_clip
from kinescribe.exporters.jsonl import question_rows
from kinescribe.inputs.motion import TOUCH
from kinescribe.plain import HandPart, hand_parts, normalised_boxes, to_json
from kinescribe.records import (
    CameraMotion,
    Captions,
    Clip,
    Events,
    Facts,
    Hands,
    Questions,
    Span,
    Tracks,
)
from kinescribe.vocabulary import CHECKLIST, PERSON

__all__ = ["export"]

MODEL = "kinescribe"
"""What stands for the captioning model in names and keys."""

DETECTED = "video_general_obj_det_finished"
"""Where its scripts look for boxes and for videos with boxes."""
FIRST_CLASS = 200
"""Its class ids of objects count from here."""
DECIMALS = 4
"""Of a normalised coordinate (FoundationMotion's code)."""

Records = Mapping[type, Any]


def export(run: RunReader, out: Path, *, contradicted: bool = False, scripts: bool = False) -> Exported:
    """Write a run in FoundationMotion's layout into a folder; each video's files are replaced together.

    Args:
        run: what is exported.
        out: the folder; it is made.
        contradicted: whether captions with a contradicted claim are kept.
        scripts: whether to write, too, what the released scripts read: boxes in their shape and videos with them.

    Raises:
        StoreError: a question does not have four options.
        VideoError: a video is to be written and its source cannot be read any more.
        OSError: the folder cannot be written.
    """
    out = Path(out)
    folders = {
        "motion": motion,
        f"videos_captions_{MODEL}": captions,
        f"videos_QAs_{MODEL}": questions,
        **({DETECTED: code_motion} if scripts else {}),
    }
    for folder in folders:
        (out / folder).mkdir(parents=True, exist_ok=True)
    clips = wanted_clips(run)
    written: list[Path] = []
    pending = unfit = 0
    sieve = Sieve(contradicted)
    for clip, name in zip(clips, names(clips), strict=True):
        records = run.records(clip.id)
        if is_pending(records):
            pending += 1
            continue
        records = sieve(clip, records)
        unfit += sum(q.category == CHECKLIST for q in records.get(Questions, Questions(())).questions)
        if scripts:
            written.append(write_clip(clip, out / DETECTED / f"{name}.mp4", records))
        paths = [out / folder / f"{name}.json" for folder in folders]
        with whole_files(paths) as streams:
            for stream, content in zip(streams, folders.values(), strict=True):
                stream.write(to_json(content(clip, records), indent=1) + "\n")
        written += paths
    return sieve.exported(run, written, len(clips) - pending, pending, unfit)


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
    objects: dict[str, Any] = {
        key: {
            "bbox": boxes[row],
            "object_type": [*tracks.label, *(part.label for part in parts)][row],
            "interactions": [None] * clip.num_frames,
            "track_id": track_id,
        }
        for row, (track_id, key) in enumerate(keys.items())
    }
    _meet(clip, objects, keys, records)
    for part in parts:
        _tie(clip, objects, keys, part)
    return objects


def code_motion(clip: Clip, records: Records) -> dict[str, Any]:
    """Return the boxes of a clip as the released code writes them.

    ``{"detected_objects": {"CLASS_ID": {"class_name", "class_id", "track_id", "bbox"}}, "preson_00": {"bbox",
    "left_hand": {"bbox", "left_hand_1st_obj": [...]}, "right_hand": {...}}, ...}``: people by their number, hands that
    were never seen left out.
    """
    tracks: Tracks | None = records.get(Tracks)
    if tracks is None:
        return {"detected_objects": {}}
    parts = [
        part for part in hand_parts(records.get(Hands)) if part.part_of in tracks.ids or part.contact is None
    ]
    xyxy = np.concatenate([tracks.xyxy, *(part.xyxy[None] for part in parts)])
    boxes = normalised_boxes(clip, _every_frame(clip, xyxy, records.get(CameraMotion)), DECIMALS)
    classes = list(dict.fromkeys(label for label in tracks.label if label != PERSON))
    objects: dict[str, Any] = {}
    people: dict[int, dict[str, Any]] = {}
    for track_id, label, box in zip(tracks.ids.tolist(), tracks.label, boxes, strict=False):
        if label == PERSON:
            people[track_id] = {"bbox": box}
        else:
            objects[f"{label}_{track_id}"] = {
                "class_name": label,
                "class_id": FIRST_CLASS + classes.index(label),
                "track_id": track_id,
                "bbox": box,
            }
    sides: dict[int, tuple[dict[str, Any], str]] = {}
    for part, box in zip(parts, boxes[len(tracks.ids) :], strict=True):
        if part.contact is not None and part.part_of in people:
            side = part.label.replace(" ", "_")
            people[part.part_of][side] = {"bbox": box}
            sides[part.id] = (people[part.part_of][side], side)
        elif part.contact is None and part.part_of in sides:
            hand, side = sides[part.part_of]
            hand[f"{side}_1st_obj"] = box
    return {"detected_objects": objects} | {
        f"preson_{number:02d}": person for number, (_, person) in enumerate(sorted(people.items()))
    }


def _tie(clip: Clip, objects: dict[str, Any], keys: Mapping[int, str], part: HandPart) -> None:
    """Note whose a hand is and in which states, or which hand an object is in, frame by frame."""
    own = objects[keys[part.id]]
    own["part_of"] = keys.get(part.part_of)
    if part.contact is not None:
        own["contact_state"] = _states(clip, part.contact)
        return
    _note(
        objects,
        keys[part.part_of],
        keys[part.id],
        [f for f, box in enumerate(own["bbox"]) if box is not None],
    )
    for track_id in set(part.track[part.track >= 0].tolist()) & keys.keys() if part.track is not None else ():
        frames = clip.frame_indices[part.track == track_id].tolist()
        _note(objects, keys[part.part_of], keys[track_id], frames)


def _note(objects: dict[str, Any], one: str, other: str, frames: Sequence[int]) -> None:
    """Note on both sides that two objects interact in frames."""
    for key, partner in ((one, other), (other, one)):
        told = objects[key]["interactions"]
        for frame in frames:
            told[frame] = sorted({*(told[frame] or ()), partner})


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
    scene = [caption.text for caption in told if caption.scope == "scene"]
    regions = [f"- {caption.text}" for caption in told if caption.scope != "scene"]
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
                if row["category"] != CHECKLIST
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


def _meet(clip: Clip, objects: dict[str, Any], keys: Mapping[int, str], records: Records) -> None:
    """Note which objects touch, as facts and events tell."""
    # Frame times between samples are interpolated: they only decide which frames a span covers.
    times = np.interp(np.arange(clip.num_frames), clip.frame_indices, clip.times_s)
    facts, events = records.get(Facts, Facts(())).facts, records.get(Events, Events(())).events
    met = [(fact.subject, fact.object, fact.span) for fact in facts if fact.predicate == TOUCH]
    met += [(event.subject, event.other, event.span) for event in events if event.kind == TOUCH]
    for one, other, span in met:
        if one in keys and other in keys:
            _note(objects, keys[one], keys[other], _frames_in(times, span))


def _frames_in(times: Float[np.ndarray, "F"], span: Span) -> list[int]:
    """Return the frames in a span; where there is none, as at a short contact, the nearest one."""
    inside: list[int] = np.flatnonzero((times >= span.start_s) & (times <= span.end_s)).tolist()
    if inside or not len(times):
        return inside
    return [int(np.abs(times - (span.start_s + span.end_s) / 2).argmin())]
