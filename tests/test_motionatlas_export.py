"""The bench layout: rows, run lengths against independent decoders, and clips whose frames are those of the masks."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervision import rle_to_mask

from kinescribe import regions, video
from kinescribe.errors import VideoError
from kinescribe.exporters import motionatlas
from kinescribe.records import Clip, Question, Questions, Span, Tracks
from kinescribe.vocabulary import CHECKLIST
from tests import fake_run
from tests.fake_run import run_of

ROLES = ("content", "content", "not_mentioned", "unclear", "differs")


def asked(subject: int | None, span: Span | None, answer: int = 0) -> Question:
    options = ("left", "right", "not mentioned", "unclear", "differs")
    return Question(
        CHECKLIST, f"Which way does {subject} go?", options, answer, subject, "f3", "why", "t", span, ROLES
    )


def street(*questions: Question, clip: Clip | None = None) -> dict[type, Any]:
    records = fake_run.street(clip)
    return {**records, Questions: Questions((*records[Questions].questions, *questions))}


def read(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    mcqs = [json.loads(line) for line in (folder / "mcqs.jsonl").read_text("utf-8").splitlines()]
    with gzip.open(folder / "target_masks.jsonl.gz", "rt", encoding="utf-8") as lines:
        return mcqs, [json.loads(line) for line in lines]


REQUIRED = {
    "id": str, "sample_id": int, "event_id": int, "video_path": str, "video_type": str, "question": str,
    "options": list, "answer_index": int,
}  # fmt: skip


def test_the_rows_are_those_of_the_bench(tmp_path: Path) -> None:
    questions = (asked(0, Span(1.0, 2.5)), asked(1000, None, 4), asked(0, Span(0.0, 1.0), 1))
    told = motionatlas.export(run_of(street(*questions)), tmp_path, videos=False)
    assert (told.clips, told.unfit) == (1, 0)
    mcqs, masks = read(tmp_path)
    assert len(mcqs) == 3
    for row in mcqs:
        assert all(isinstance(row[key], kind) for key, kind in REQUIRED.items())
        assert 0 <= row["answer_index"] < len(row["options"])
        assert row["options"][row["answer_index"]] == row["answer"]
        assert not Path(row["video_path"]).is_absolute()
    assert len({row["id"] for row in mcqs}) == 3
    by_sample = {row["sample_id"]: row["target_entity"] for row in mcqs}
    assert by_sample == {0: {"name": "person", "visual_id": 0}, 1: {"name": "car", "visual_id": 1000}}
    assert [(row["sample_id"], row["event_id"]) for row in mcqs] == [(0, 1), (0, 0), (1, 0)]  # events by time
    assert [set(mask) for mask in masks] == [{"sample_id", "masks"}] * 2
    assert [mask["sample_id"] for mask in masks] == [0, 1]
    assert all(mask["masks"] for mask in masks)


def test_masks_are_the_boxes_where_the_subject_is_seen(tmp_path: Path) -> None:
    motionatlas.export(run_of(street(asked(0, None))), tmp_path, videos=False)
    _, (mask,) = read(tmp_path)
    clip, tracks = fake_run.street_clip(), fake_run.street()[Tracks]
    seen = np.isfinite(tracks.xyxy[0, :, 0])
    assert set(mask["masks"]) == {str(i) for i in clip.frame_indices[seen]}
    for frame, box in zip(clip.frame_indices[seen], tracks.xyxy[0][seen], strict=True):
        rle = mask["masks"][str(frame)]
        assert rle["size"] == [180, 320]
        filled = rle_to_mask(rle["counts"], (320, 180))
        rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
        left, top, right, bottom = np.round(np.clip(box, 0, [320, 180, 320, 180]))
        assert (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1) == (left, right, top, bottom)
        assert filled.sum() == (right - left) * (bottom - top)


def decoded(text: str) -> list[int]:
    """COCO's ``rleFrString``, written anew."""
    counts: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[at]) - 48
            value |= (bits & 0x1F) << shift
            more = bool(bits & 0x20)
            at, shift = at + 1, shift + 5
            if not more and bits & 0x10:
                value |= -1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=40))
def test_run_lengths_come_back(counts: list[int]) -> None:
    assert decoded(motionatlas.compressed(counts)) == counts


@given(st.integers(1, 40), st.integers(1, 40), st.lists(st.floats(-10, 50), min_size=4, max_size=4))
def test_a_rectangle_fills_its_box(width: int, height: int, edges: list[float]) -> None:
    box = np.array(
        [min(edges[0], edges[2]), min(edges[1], edges[3]), max(edges[0], edges[2]), max(edges[1], edges[3])]
    )
    counts = motionatlas.rectangle(box, width, height)
    wanted = np.zeros((height, width), bool)
    x0, x1 = (int(np.clip(round(v), 0, width)) for v in (box[0], box[2]))
    y0, y1 = (int(np.clip(round(v), 0, height)) for v in (box[1], box[3]))
    wanted[y0:y1, x0:x1] = True
    if counts is None:
        assert not wanted.any()
        return
    assert sum(counts) == width * height
    assert all(count > 0 for count in counts[1:])
    filled = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(width, height).T
    assert (filled == wanted).all()


def test_a_box_that_is_not_known_is_no_mask() -> None:
    assert motionatlas.rectangle(np.array([np.nan, 0, 1, 1]), 10, 10) is None


def test_questions_about_nobody_or_nobody_seen_are_left_out_and_counted(tmp_path: Path) -> None:
    records = street(asked(None, None), asked(77, None), asked(0, None), asked(1000, None))
    tracks = records[Tracks]
    xyxy = tracks.xyxy.copy()
    xyxy[1] = np.nan
    records[Tracks] = replace(tracks, xyxy=xyxy)
    told = motionatlas.export(run_of(records), tmp_path, videos=False)
    assert told.unfit == 3
    mcqs, masks = read(tmp_path)
    assert [row["sample_id"] for row in mcqs] == [mask["sample_id"] for mask in masks] == [0]


def test_our_own_reader_of_benches_takes_it(tmp_path: Path) -> None:
    motionatlas.export(run_of(street(asked(0, Span(1.0, 2.5)), asked(1000, None))), tmp_path, videos=False)
    found = regions.read(tmp_path / "target_masks.jsonl.gz").of(str(tmp_path / "videos" / "street.mp4"))
    assert len(found) == 2


def test_clips_are_written_with_the_frames_of_the_masks(tmp_path: Path) -> None:
    whole = fake_run.street_video(tmp_path / "street.mp4")
    part = video.make_clip(video.scan(tmp_path / "street.mp4"), 1.0, 2.0, 10.0)
    assert part.num_frames < whole.num_frames
    records = {**street(asked(0, None), clip=part)}
    told = motionatlas.export(run_of(records), tmp_path / "out")
    file = tmp_path / "out" / "videos" / f"{part.id}.mp4"
    assert file in told.files
    source = video.scan(file)
    assert len(source.times_s) == part.num_frames
    originals = [image for _, image in video.iterate_all(part)]
    copies = [image for _, image in video.iterate_all(video.make_clip(source, 0.0, source.duration_s, 10.0))]
    assert len(copies) == len(originals)
    for one, other in zip(originals, copies, strict=True):
        assert np.abs(one.astype(float) - other.astype(float)).mean() < 4
    sums = dict(
        reversed(line.split("  "))
        for line in (tmp_path / "out" / "checksums.sha256").read_text().splitlines()
    )
    assert set(sums) == {"mcqs.jsonl", "target_masks.jsonl.gz", "manifest.json", f"videos/{part.id}.mp4"}
    for name, checksum in sums.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == checksum
    before = file.stat().st_mtime_ns
    motionatlas.export(run_of(records), tmp_path / "out")
    assert file.stat().st_mtime_ns == before  # it is there


def test_a_source_that_is_gone_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(VideoError):
        motionatlas.export(run_of(street(asked(0, None))), tmp_path)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        motionatlas.export(run_of(street(asked(0, None))), tmp_path / name, videos=False)
    for file in (tmp_path / "a").glob("*.*"):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


@pytest.mark.parametrize("make", [fake_run.empty, fake_run.hostile, fake_run.crowd])
def test_clips_without_checklists_give_an_empty_bench(make: Any, tmp_path: Path) -> None:
    told = motionatlas.export(run_of(make()), tmp_path)
    assert read(tmp_path) == ([], [])
    assert told.clips == 1
    assert json.loads((tmp_path / "manifest.json").read_text())["questions"] == 0
