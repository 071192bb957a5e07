"""MotionAtlas-Bench's layout: the checklist questions of a run, so that its published runner can ask them.

- ``mcqs.jsonl``: id, sample_id (a whole number), event_id, video_path (relative to the folder), video_type ("video"),
  target_entity {name, visual_id}, question, options, answer_index, answer. A sample is one subject of one clip. Our
  additions, which the runner passes over: clip_id, category, template, roles, t_start, t_end, provenance.
- ``target_masks.jsonl.gz``: ``{"sample_id", "masks": {frame: RLE}}`` with COCO's compressed run lengths, frames
  counted from 0 in the order of decoding. They are there where the tracker gave masks (``sam2``, ``sam3``). **Elsewhere
  each is the subject's box as a filled rectangle**, at the samples where it is seen; the runner then outlines boxes.
- ``videos/CLIP.mp4``: the clip alone, every frame in order, so that frame numbers are those of the masks (option
  ``videos=false``: not written; for where sources are gone).
- ``manifest.json``: what made it; ``checksums.sha256``: of the other files.

Questions about nobody, and about a subject that is nowhere seen, have no sample and are left out. Options may be more
than four. Scores on such questions are not comparable to the published ones: the questions are other ones.

Source: the bench's release and its runner (MotionAtlas, 2026).
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from kinescribe.exporters import Exported, RunReader, Sieve, is_pending, wanted_clips, whole_paths
from kinescribe.exporters._clipfile import write_clip
from kinescribe.exporters.jsonl import question_row
from kinescribe.exporters.parquet import provenance
from kinescribe.language.referring import names
from kinescribe.plain import to_json
from kinescribe.records import Clip, Question, Questions, Span, Tracks
from kinescribe.vocabulary import CHECKLIST

__all__ = ["export"]

Row = dict[str, Any]


class _Samples:
    """Numbers the samples of an export and writes them."""

    def __init__(self, questions: io.TextIOWrapper, masks: io.TextIOWrapper) -> None:
        self._questions, self._masks, self._next = questions, masks, 0
        self.questions = self.unfit = 0

    @property
    def samples(self) -> int:
        """How many there are."""
        return self._next

    def add(self, clip: Clip, records: Mapping[type, Any]) -> bool:
        """Write a clip's samples; return whether it has any."""
        by_subject: dict[int | None, list[Question]] = {}
        for question in records.get(Questions, Questions(())).questions:
            if question.category == CHECKLIST:
                by_subject.setdefault(question.subject, []).append(question)
        before = self._next
        tracks: Tracks | None = records.get(Tracks)
        called = {} if tracks is None else names(tracks)
        for subject, questions in by_subject.items():
            seen = {} if subject is None or tracks is None else boxes(clip, tracks, subject)
            if not seen or subject is None or tracks is None:
                self.unfit += len(questions)
                continue
            target = {"name": called[subject].removeprefix("the "), "visual_id": subject}
            for row in mcqs(clip, questions, self._next, target):
                self._questions.write(to_json(row) + "\n")
                self.questions += 1
            self._masks.write(to_json({"sample_id": self._next, "masks": seen}) + "\n")
            self._next += 1
        return self._next > before


def export(run: RunReader, out: Path, *, videos: bool = True) -> Exported:
    """Write a run's checklist questions as a bench.

    Args:
        run: what is exported.
        out: the folder; it is made.
        videos: whether the clips that are asked about are written as videos of their own.

    Raises:
        VideoError: a clip's source cannot be read any more.
        OSError: the folder cannot be written.
    """
    out = Path(out)
    (out / "videos").mkdir(parents=True, exist_ok=True)
    done = pending = 0
    sieve = Sieve()
    files = ("mcqs.jsonl", "target_masks.jsonl.gz", "manifest.json", "checksums.sha256")
    paths = [out / name for name in files]
    shown: list[Path] = []
    with whole_paths(paths) as (mcqs_path, masks_path, manifest, checksums):
        with _text(mcqs_path) as questions, _gzipped(masks_path) as masks:
            samples = _Samples(questions, masks)
            for clip in wanted_clips(run):
                records = run.records(clip.id)
                if is_pending(records):
                    pending += 1
                    continue
                if samples.add(clip, sieve(clip, records)) and videos:
                    shown.append(_shown(clip, out / video_path(clip)))
                done += 1
        told = {
            **provenance(run),
            "samples": samples.samples,
            "questions": samples.questions,
            "masks": "boxes",
        }
        manifest.write_text(to_json(told, indent=1) + "\n", encoding="utf-8")
        sums = [(mcqs_path, files[0]), (masks_path, files[1]), (manifest, files[2])]
        sums += [(path, path.relative_to(out).as_posix()) for path in shown]
        checksums.write_text("".join(f"{_sha256(path)}  {name}\n" for path, name in sums), encoding="utf-8")
    return sieve.exported(run, [*paths, *shown], done, pending, samples.unfit)


def video_path(clip: Clip) -> str:
    """Return where a clip's video lies."""
    return f"videos/{clip.id}.mp4"


def mcqs(clip: Clip, questions: list[Question], sample: int, target: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of a sample; its events are numbered in order of time."""
    spans = sorted({question.span or Span(0.0, clip.duration_s) for question in questions})
    for number, question in enumerate(questions):
        told = question_row(clip, question)
        yield {
            "id": f"{clip.id}-{sample}-{number}",
            "sample_id": sample,
            "event_id": spans.index(question.span or Span(0.0, clip.duration_s)),
            "video_path": video_path(clip),
            "video_type": "video",
            "target_entity": dict(target),
            "question": told["question"],
            "options": told["options"],
            "answer_index": told["answer_index"],
            "answer": told["options"][told["answer_index"]],
            **{
                key: told[key]
                for key in ("clip_id", "category", "template", "roles", "t_start", "t_end", "provenance")
            },
        }


# --- boxes as masks -----------------------------------------------------------------------------------------


def boxes(clip: Clip, tracks: Tracks, subject: int) -> dict[str, Row]:
    """Return a subject's masks, else its boxes as filled rectangles, by frame number.

    There are none of somebody who is no track.
    """
    if subject not in tracks.ids:
        return {}
    found: dict[str, Row] = {}
    row, masks = tracks.row(subject), tracks.masks
    for k, (frame, box) in enumerate(zip(clip.frame_indices.tolist(), tracks.xyxy[row], strict=True)):
        mask = None if masks is None else masks.rle[row][k]
        counts = rectangle(box, clip.width, clip.height)
        if mask is not None and masks is not None:
            found[str(frame)] = {"size": [masks.height, masks.width], "counts": mask}
        elif counts is not None:
            found[str(frame)] = {"size": [clip.height, clip.width], "counts": compressed(counts)}
    return found


def rectangle(box: Float[np.ndarray, "4"], width: int, height: int) -> list[int] | None:
    """Return a filled box as COCO's run lengths: down the columns, first of what is outside; None if it is empty."""
    if not np.isfinite(box).all():
        return None
    left, right = (int(np.clip(round(float(x)), 0, width)) for x in box[[0, 2]])
    top, bottom = (int(np.clip(round(float(y)), 0, height)) for y in box[[1, 3]])
    columns, rows = right - left, bottom - top
    if columns <= 0 or rows <= 0:
        return None
    edges = [0]
    for x in range(left, right):
        for edge in (x * height + top, x * height + bottom):
            if len(edges) > 1 and edges[-1] == edge:
                edges.pop()  # a box of the picture's height: one column runs on into the next
            else:
                edges.append(edge)
    edges.append(width * height)
    runs = [end - start for start, end in pairwise(edges)]
    return runs if runs[-1] else runs[:-1]


def compressed(counts: list[int]) -> str:
    """Return run lengths as COCO writes them: five bits a letter, from the fourth on less the last but one.

    Source: ``rleToString`` of the COCO API (Lin et al. 2014).
    """
    letters = []
    for i, count in enumerate(counts):
        left = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            bits = left & 0x1F
            left >>= 5  # of a negative number: rounds down, so that it ends at -1
            more = left != (-1 if bits & 0x10 else 0)
            letters.append(chr((bits | 0x20 if more else bits) + 48))
    return "".join(letters)


# --- files --------------------------------------------------------------------------------------------------


def _text(path: Path) -> io.TextIOWrapper:
    return path.open("w", encoding="utf-8", newline="\n")


def _gzipped(path: Path) -> io.TextIOWrapper:
    """Open a file that holds the same bytes whenever it is written."""
    return io.TextIOWrapper(_Packed(path), encoding="utf-8", newline="\n")


class _Packed(gzip.GzipFile):
    """A gzip file without a name and a time in it; closes the file that it writes to."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        super().__init__(filename="", mode="wb", fileobj=self._file, mtime=0)

    def close(self) -> None:
        super().close()
        self._file.close()


def _shown(clip: Clip, path: Path) -> Path:
    """Write a clip's own video, unless it is there: its name is of what it shows."""
    return path if path.exists() else write_clip(clip, path)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
