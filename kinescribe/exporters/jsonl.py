"""JSON Lines: ``clips``, ``tracks``, ``facts``, ``captions`` and ``qa.jsonl``, a stable contract.

UTF-8, one object per line, unknown numbers are null. Keys, in order:

- ``clips.jsonl``: clip_id, source, start_s, end_s, fps, width, height, num_frames,
  camera {labels, score, transforms, frame_indices, stretches: one {t_start, t_end, labels} per stretch of time,
  empty where only the whole clip was looked at}. A transform [a, b, c, d, e, f] maps pixels of that frame to
  the first frame's pixels, x' = a x + b y + c and y' = d x + e y + f; it is null where the camera is unknown.
- ``tracks.jsonl``: clip_id, track_id, label, frame_indices, boxes: one [left, top, right, bottom] in [0, 1] or
  null per frame index; part_of, contact, same_as, which are null but for hands and what they hold. A hand
  (label ``left hand`` or ``right hand``) is part_of a person's track and has one contact state per frame index; what
  it holds (label ``object in left hand`` ...) is part_of the hand, and same_as names, per frame index, the track
  of the same object or null. With option ``masks=true`` also masks: per frame index COCO's {size: [height, width],
  counts} on a picture of that size, or null; null for tracks without any.
- ``facts.jsonl``: clip_id, fact_id, subject, predicate, part, level, direction, magnitude, trajectory, count,
  t_start, t_end, object, frame_of_reference, confidence, evidence. Subject -1 is the camera.
- ``captions.jsonl``: clip_id, scope, subject, text, source, verdicts: one {claim, start, end, holds, why} per
  claim; the claim's words are ``text[start:end]``, and holds is null where it cannot be known; edits: what was done
  to the text before. Captions with a claim that does not hold are left out (option ``contradicted=true``: kept).
- ``qa.jsonl``: clip_id, category, question, options (4), answer_index, subject, fact_id, provenance, template (the form
  of the question), t_start and t_end of the event that is asked about (null: the whole clip), roles: per option one of
  ``vocabulary.OPTION_ROLES``, empty where all are contents. Checklist questions with more or fewer options are left
  out; ``--to motionatlas`` writes all of them.

``frame_indices`` are source frame numbers counted from the clip's first frame. Lines are sorted by source, start
and clip id, within a clip as recorded. Keys are only ever added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kinescribe.errors import StoreError
from kinescribe.exporters import (
    Exported,
    RunReader,
    Sieve,
    is_pending,
    wanted_clips,
    whole_files,
)
from kinescribe.plain import hand_parts, normalised_boxes, number, numbers, to_json
from kinescribe.records import (
    CameraMotion,
    Captions,
    Clip,
    Facts,
    Hands,
    Question,
    Questions,
    Tracks,
    Verdicts,
)
from kinescribe.vocabulary import CHECKLIST

__all__ = ["export"]

NUM_OPTIONS = 4
"""Options of a question, by the contract."""

BOX_DECIMALS = 6
"""A millionth of the picture: below a hundredth of a pixel at 8K."""

Records = Mapping[type, Any]
Row = dict[str, Any]
Table = Callable[[Clip, Records], Iterator[Row]]


def export(run: RunReader, out: Path, *, contradicted: bool = False, masks: bool = False) -> Exported:
    """Write a run as JSON Lines into a folder; the five files are replaced together.

    Args:
        run: what is exported.
        out: the folder; it is made.
        contradicted: whether captions with a contradicted claim are kept, with their verdicts.
        masks: whether tracks are written with their masks; the file grows by half a kilobyte per box.

    Raises:
        StoreError: a question does not have four options.
        OSError: the folder cannot be written.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    paths = tuple(out / f"{name}.jsonl" for name in TABLES)
    done = pending = unfit = 0
    sieve = Sieve(contradicted)
    tables: dict[str, Table] = {**TABLES, "tracks": partial(track_rows, masks=masks)}
    with whole_files(paths) as streams:
        for clip in wanted_clips(run):
            records = run.records(clip.id)
            if is_pending(records):
                pending += 1
                continue
            records = sieve(clip, records)
            unfit += num_unfit(records)
            for stream, rows in zip(streams, tables.values(), strict=True):
                stream.writelines(to_json(row) + "\n" for row in rows(clip, records))
            done += 1
    return sieve.exported(run, paths, done, pending, unfit)


def clip_rows(clip: Clip, records: Records) -> Iterator[Row]:
    """Yield the one row of a clip."""
    yield {
        "clip_id": clip.id,
        "source": clip.source,
        "start_s": number(clip.start_s),
        "end_s": number(clip.end_s),
        "fps": number(clip.fps),
        "width": clip.width,
        "height": clip.height,
        "num_frames": clip.num_frames,
        "camera": _camera(clip, records.get(CameraMotion)),
    }


def track_rows(clip: Clip, records: Records, masks: bool = False) -> Iterator[Row]:
    """Yield a row per track, then a row per hand and per object in a hand that was ever seen."""
    own = _masks(records.get(Tracks))
    for n, row in enumerate(_track_rows(clip, records)):
        yield {**row, "masks": own[n] if n < len(own) else None} if masks else row


def _masks(tracks: Tracks | None) -> list[list[Row | None]]:
    """Return the tracks' masks as COCO has them; none where there are none."""
    if tracks is None or tracks.masks is None:
        return []
    size = [tracks.masks.height, tracks.masks.width]
    return [
        [None if counts is None else {"size": size, "counts": counts} for counts in row]
        for row in tracks.masks.rle
    ]


def _track_rows(clip: Clip, records: Records) -> Iterator[Row]:
    tracks: Tracks | None = records.get(Tracks)
    if tracks is not None:
        boxes = normalised_boxes(clip, tracks.xyxy, BOX_DECIMALS)
        for track_id, label, path in zip(tracks.ids, tracks.label, boxes, strict=True):
            yield _track(clip, int(track_id), label, path)
    ids = [] if tracks is None else tracks.ids.tolist()
    for part in hand_parts(records.get(Hands)):
        (path,) = normalised_boxes(clip, part.xyxy[None], BOX_DECIMALS)
        same_as = None if part.track is None else [int(i) if i >= 0 else None for i in part.track]
        extra = {
            "part_of": part.part_of if part.part_of in ids else None,
            "contact": part.contact,
            "same_as": same_as,
        }
        yield {**_track(clip, part.id, part.label, path), **extra}
        ids.append(part.id)


def fact_rows(clip: Clip, records: Records) -> Iterator[Row]:
    """Yield a row per fact."""
    for fact in records.get(Facts, Facts(())).facts:
        yield {
            "clip_id": clip.id,
            "fact_id": fact.id,
            "subject": int(fact.subject),
            "predicate": fact.predicate,
            "part": fact.part,
            "level": fact.level,
            "direction": list(fact.direction),
            "magnitude": fact.magnitude,
            "trajectory": fact.trajectory,
            "count": fact.count,
            "t_start": number(fact.span.start_s),
            "t_end": number(fact.span.end_s),
            "object": fact.object,
            "frame_of_reference": fact.frame,
            "confidence": number(fact.confidence),
            "evidence": numbers(fact.evidence),
        }


def caption_rows(clip: Clip, records: Records) -> Iterator[Row]:
    """Yield a row per caption, with its verdicts."""
    verdicts = records.get(Verdicts, Verdicts(())).verdicts
    for index, caption in enumerate(records.get(Captions, Captions(())).captions):
        judged = {v.claim: v for v in verdicts if v.caption == index}
        actions = {i: claim.action for i, claim in enumerate(caption.claims)}
        yield {
            "clip_id": clip.id,
            "scope": caption.scope,
            "subject": caption.subject,
            "text": caption.text,
            "source": caption.source,
            "verdicts": [
                {
                    "claim": caption.text[actions[i].start : actions[i].end],
                    "start": actions[i].start,
                    "end": actions[i].end,
                    "holds": judged[i].holds,
                    "why": judged[i].why,
                }
                for i in sorted(actions.keys() & judged.keys())
            ],
            "edits": list(caption.edits),
        }


def question_rows(clip: Clip, records: Records) -> Iterator[Row]:
    """Yield a row per question with four options.

    Raises:
        StoreError: a question that is no checklist question has other than four, or no right one among them.
    """
    for question in records.get(Questions, Questions(())).questions:
        if not _fits(question):
            if question.category == CHECKLIST:
                continue
            raise StoreError(
                f'clip {clip.id}: the question "{question.text}" has {len(question.options)} options and answer '
                f"{question.answer_index}; an export needs exactly {NUM_OPTIONS}: annotate again with the qa "
                "stage that ships with Kinescribe"
            )
        yield question_row(clip, question)


def question_row(clip: Clip, question: Question) -> Row:
    """Return the row of a question, however many options it has."""
    span = question.span
    return {
        "clip_id": clip.id,
        "category": question.category,
        "question": question.text,
        "options": list(question.options),
        "answer_index": question.answer_index,
        "subject": question.subject,
        "fact_id": question.fact_id,
        "provenance": question.provenance,
        "template": question.template,
        "t_start": None if span is None else number(span.start_s),
        "t_end": None if span is None else number(span.end_s),
        "roles": list(question.roles),
    }


def num_unfit(records: Records) -> int:
    """Return how many checklist questions have other than four options."""
    asked = records.get(Questions, Questions(())).questions
    return sum(question.category == CHECKLIST and not _fits(question) for question in asked)


def _fits(question: Question) -> bool:
    return len(question.options) == NUM_OPTIONS and 0 <= question.answer_index < NUM_OPTIONS


TABLES: dict[str, Table] = {
    "clips": clip_rows,
    "tracks": track_rows,
    "facts": fact_rows,
    "captions": caption_rows,
    "qa": question_rows,
}
"""The files of the contract and who fills them."""


def _track(clip: Clip, track_id: int, label: str, boxes: list[list[float] | None]) -> Row:
    return {
        "clip_id": clip.id,
        "track_id": track_id,
        "label": label,
        "frame_indices": clip.frame_indices.tolist(),
        "boxes": boxes,
        "part_of": None,
        "contact": None,
        "same_as": None,
    }


def _camera(clip: Clip, camera: CameraMotion | None) -> Row:
    """Return the camera of a clip; without a record every transform is unknown."""
    maps = np.full((len(clip.times_s), 6), np.nan) if camera is None else camera.to_scene.reshape(-1, 6)
    return {
        "labels": [] if camera is None else list(camera.labels),
        "score": None if camera is None else number(camera.score),
        "transforms": [row.tolist() if np.isfinite(row).all() else None for row in maps],
        "frame_indices": clip.frame_indices.tolist(),
        "stretches": [
            {"t_start": s.span.start_s, "t_end": s.span.end_s, "labels": list(s.labels)}
            for s in (() if camera is None else camera.stretches)
        ],
    }
