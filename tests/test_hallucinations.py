"""The hallucination set of a run: honest and false captions of clips whose claims all hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kinescribe import pipeline
from kinescribe.checks import compare
from kinescribe.corruptions import KINDS
from kinescribe.exporters.hallucinations import export
from kinescribe.language import parse
from kinescribe.records import Clip, Verdicts
from tests.fake_run import FakeRun, run_of
from tests.worlds import SCENARIOS, render

NAMES = ("start_stop", "pause", "back_and_forth_horizontal")


@pytest.fixture(scope="module")
def run() -> FakeRun:
    held = []
    for name in NAMES:
        known = render(SCENARIOS[name](0))
        got = pipeline.annotate(known.clip, known.frames, {n: s() for n, s in pipeline.STAGES.items()})
        held.append({**got, Clip: known.clip})
    return run_of(*held)


def test_the_set(run: FakeRun, tmp_path: Path) -> None:
    done = export(run, tmp_path)
    rows = [json.loads(line) for line in done.files[0].read_text(encoding="utf-8").splitlines()]
    assert done.clips == len({row["clip_id"] for row in rows}) == len(NAMES)
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["type"] for row in rows} <= {"honest", *KINDS}
    assert {row["type"] for row in rows} > {"honest", "wrong_direction", "wrong_count", "added_action"}
    for row in rows:
        match = compare(parse(row["reference"]), parse(row["candidate"]))
        assert (match.score == 1.0) == row["honest"] == (row["type"] == "honest"), row
        assert bool(row["changed"]) != row["honest"]
        if row["type"] in ("wrong_direction", "wrong_count"):
            assert row["refuted"], row


def test_the_set_is_the_same_every_time(run: FakeRun, tmp_path: Path) -> None:
    one, two = (export(run, tmp_path / name).files[0].read_bytes() for name in "ab")
    assert one == two


def test_a_caption_with_a_doubtful_claim_is_left_out(run: FakeRun, tmp_path: Path) -> None:
    first = dict(run.contents[run.clips()[0].id])
    first[Verdicts] = Verdicts(tuple(replace(v, holds=None) for v in first[Verdicts].verdicts))
    assert export(run_of(first), tmp_path).clips == 0
