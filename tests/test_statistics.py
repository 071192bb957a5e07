"""Statistics: every number against what was put in, and files that hold whatever a label says."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sqlite3
import tracemalloc
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from kinescribe.backends import Told
from kinescribe.checks import Objection
from kinescribe.errors import StoreError
from kinescribe.exporters import Failure
from kinescribe.llm.calls import CALLS, LOG, Call, Calls
from kinescribe.llm.messages import Answer, Reply, Request, Text
from kinescribe.records import (
    Action,
    CameraMotion,
    Caption,
    Captions,
    Claim,
    Clip,
    Facts,
    Question,
    Questions,
    Span,
    Tracks,
    Verdict,
    Verdicts,
)
from kinescribe.runs.store import Run
from kinescribe.stages import mending
from kinescribe.statistics import calls, figures, page, tables
from kinescribe.statistics.measure import (
    EDITS,
    Statistics,
    edits_of,
    evenness,
    measure,
    position_balance,
)
from kinescribe.statistics.spread import Values
from kinescribe.vocabulary import CHECKLIST
from tests import browser, built_run, fake_run
from tests.fake_run import INJECTION, FakeFailure, run_of


def found(*clips: dict[type, Any], failed: tuple[Failure, ...] = ()) -> Statistics:
    return measure(run_of(*clips, failed=failed))


def question(
    text: str, options: Iterable[str], answer: int, category: str = "motion_recognition", **more: Any
) -> Question:
    return Question(category, text, tuple(options), answer, None, None, "", **more)


def clip_with(clip_id: str, *records: Any, seconds: float = 3.0) -> dict[type, Any]:
    clip = replace(fake_run.street_clip(clip_id, f"videos/{clip_id}.mp4"), end_s=seconds)
    return {Clip: clip, **{type(record): record for record in records}}


# --- numbers ------------------------------------------------------------------------------------------------


def test_a_spread_is_that_of_its_numbers() -> None:
    values = Values()
    for value in (1.0, 2.0, None, 3.0, float("nan"), 10.0, float("inf")):
        values.add(value)
    spread = values.spread()
    assert (spread.n, spread.sum, spread.mean, spread.min, spread.median, spread.max) == (
        4,
        16,
        4,
        1,
        2.5,
        10,
    )
    assert spread.sd == pytest.approx(np.std([1, 2, 3, 10]))
    assert (spread.p25, spread.p75) == (1.75, 4.75)


@given(st.lists(st.integers(0, 5000) | st.integers(0, 12), min_size=1), st.booleans())
def test_a_histogram_holds_every_number_once_and_in_its_bin(numbers: list[int], whole: bool) -> None:
    values = Values()
    for number in numbers:
        values.add(number if whole else number / 7)
    shown = values.spread(whole).histogram
    assert shown is not None
    assert sum(shown.bins) + shown.over == len(numbers)
    assert len(shown.bins) <= 40
    if whole:
        assert shown.step == int(shown.step)
        for i, got in enumerate(shown.bins):
            low = shown.start + i * shown.step
            assert got == sum(low <= n < low + shown.step for n in numbers)


def test_no_numbers_are_no_spread() -> None:
    spread = Values().spread()
    assert (spread.n, spread.sum, spread.mean, spread.histogram) == (0, 0.0, None, None)


def test_positions_are_held_against_chance() -> None:
    even = position_balance((i % 4, 4) for i in range(40))
    assert even.positions == dict.fromkeys("ABCD", 10) == even.expected
    assert even.p == pytest.approx(1.0)
    always_a = position_balance([(0, 4)] * 37 + [(1, 4)])
    assert always_a.positions == {"A": 37, "B": 1, "C": 0, "D": 0}
    assert always_a.p == pytest.approx(chisquare([37, 1, 0, 0]).pvalue)
    assert always_a.p < 1e-6


def test_positions_of_different_numbers_of_options() -> None:
    mixed = position_balance([(0, 2)] * 20 + [(2, 4)] * 40)
    assert mixed.expected == {"A": 20.0, "B": 20.0, "C": 10.0, "D": 10.0}
    assert mixed.p == pytest.approx(chisquare([20, 0, 40, 0], [20, 20, 10, 10]).pvalue)


@pytest.mark.parametrize("few", [[], [(0, 4)], [(0, 4)] * 19, [(0, 1)] * 50])
def test_too_few_questions_prove_nothing(few: list[tuple[int, int]]) -> None:
    assert position_balance(few).p is None


def test_evenness() -> None:
    assert evenness({"a": 5, "b": 5, "c": 5}) == pytest.approx(1.0)
    assert evenness({"a": 3, "b": 1}) == pytest.approx(
        -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2)
    )
    assert evenness({"a": 3}) is None
    assert evenness({}) is None


# --- a run --------------------------------------------------------------------------------------------------


def test_the_street() -> None:
    s = found(fake_run.street())
    assert (s.holds.clips, s.holds.sources, s.holds.captions, s.holds.questions) == (1, 1, 2, 2)
    assert (s.holds.people, s.holds.objects) == (1, 1)
    assert s.video.duration_s.mean == 3.0
    assert s.video.fps.mean == 24.0
    assert s.video.frames.mean == 72.0
    assert s.video.sizes == {"320 x 180": 1}
    region, scene = s.writers
    assert (region.writer, region.scope, scene.scope) == ("template", "region", "scene")
    assert (scene.words.sum, scene.words_per_s.mean, scene.verbs.sum) == (13, pytest.approx(13 / 3), 3)
    assert scene.verdicts == {"holds": 1, "contradicted": 1, "unknown": 1, "not_judged": 0}
    assert scene.contradicted == 1
    assert sum(region.verdicts.values()) == region.contradicted == 0
    assert s.motion.directions == {"right": 2}
    assert s.motion.trajectories == {"straight": 1}
    assert s.motion.magnitudes == {"deeply": 1, "slowly": 1}
    assert s.motion.subjects == {"person": 3, "car": 1, "the camera": 1}
    assert s.motion.verbs == {"fall": 1, "stop": 1, "walk": 1}
    assert s.motion.parts == {"right_elbow": 1}
    assert s.qa.questions == 2
    assert s.qa.per_clip.mean == 2
    assert s.qa.per_s.mean == pytest.approx(2 / 3)
    texts = ["Which way does the person move?", "What stays in place?"]
    assert s.qa.length.mean == np.mean([len(text) for text in texts])
    assert s.qa.categories == {"motion_attribute": 1, "motion_object": 1}
    assert s.qa.subjects == {"car": 1, "person": 1}
    assert s.qa.balance.positions == {"A": 0, "B": 1, "C": 1, "D": 0}
    assert (s.qa.lengths.right.sum, s.qa.lengths.wrong.sum) == (5 + 7, 4 + 2 + 4 + 10 + 7 + 7)
    assert s.checklist.questions == 0
    assert s.calls is None


def test_denied_motions_are_no_verbs_and_unjudged_claims_are_no_verdicts() -> None:
    actions = [Action("walk", 0, 5), Action("jump", 0, 5, negated=True)]
    caption = Caption("He walks and does not jump.", "region", "w", tuple(Claim(a, None) for a in actions))
    (writer,) = found(clip_with("a", Captions((caption,)))).writers
    assert writer.verbs.sum == 1
    assert writer.verdicts == {"holds": 0, "contradicted": 0, "unknown": 0, "not_judged": 2}
    (writer,) = found(clip_with("a", Captions((caption,)), Verdicts((Verdict(0, 1, True, ""),)))).writers
    assert writer.verdicts == {"holds": 1, "contradicted": 0, "unknown": 0, "not_judged": 1}


def test_means_are_over_clips_and_captions() -> None:
    def told(words: int) -> Captions:
        return Captions((Caption(" ".join(["word"] * words), "scene", "w", ()),))

    s = found(clip_with("a", told(10), seconds=2.0), clip_with("b", told(30), seconds=10.0))
    (writer,) = s.writers
    assert writer.words.mean == 20
    assert writer.words_per_s.mean == pytest.approx((10 / 2 + 30 / 10) / 2)  # not 40 / 12
    assert (writer.captions, writer.clips) == (2, 2)


def test_clips_without_questions_count_and_clips_that_were_not_asked_do_not() -> None:
    asked = Questions((question("What?", "abcd", 0), question("Why?", "abcd", 1)))
    s = found(clip_with("a", asked), clip_with("b", Questions(())), clip_with("c"))
    assert (s.qa.clips, s.qa.per_clip.mean, s.qa.questions) == (2, 1.0, 2)


def test_a_right_answer_that_is_long_tells_itself() -> None:
    asked = Questions((
        question("1?", ("the longest", "b", "c", "d"), 0),
        question("2?", ("aa", "bb", "c", "d"), 0),  # one of two longest
        question("3?", ("a", "bbb", "ccc", "ddd"), 0),
    ))  # fmt: skip
    lengths = found(clip_with("a", asked)).qa.lengths
    assert lengths.longest == pytest.approx((1 + 0.5 + 0) / 3)
    assert lengths.shortest == pytest.approx((0 + 0 + 1) / 3)
    assert lengths.chance == pytest.approx(0.25)


def test_checklists_are_counted_apart() -> None:
    roles = ("content", "content", "not_mentioned", "unclear", "differs")
    checklist = question("Which way?", "abcde", 4, CHECKLIST, roles=roles, template="ma.way")
    s = found(clip_with("a", Questions((checklist, question("What?", "abcd", 0)), {"blind": 3})))
    assert (s.qa.questions, s.checklist.questions) == (1, 1)
    assert s.checklist.answer_roles == {"differs": 1}
    assert s.checklist.templates == {"ma.way": 1}
    assert s.checklist.num_options == {"5": 1}
    assert s.qa.answer_roles == {"content": 1}
    assert s.questions_dropped == {"blind": 3}


def test_a_question_without_a_right_answer_is_counted_and_compared_with_nothing() -> None:
    s = found(clip_with("a", Questions((question("What?", "ab", 7), question("And?", "", 0)))))
    assert (s.qa.questions, s.qa.balance.positions, s.qa.lengths.longest) == (2, {}, None)


def test_failures_by_stage_and_error() -> None:
    failed = (
        FakeFailure("a.mp4", "a", "pose", "BackendError", "no", 1),
        FakeFailure("b.mp4", "b", "pose", "MemoryError", "no", 1),
        FakeFailure("c.mp4", None, "ingest", "VideoError", "empty", 3),
    )
    s = found(failed=failed)
    assert s.failed.stages == {"pose": 2, "ingest": 1}
    assert s.failed.errors == {"ingest: VideoError": 1, "pose: BackendError": 1, "pose: MemoryError": 1}
    assert (s.holds.failures, s.holds.clips, s.holds.sources) == (3, 0, 3)


@pytest.mark.parametrize(
    "make", [fake_run.empty, fake_run.unknown, fake_run.one_sample, fake_run.crowd, fake_run.hostile]
)
def test_nasty_clips_are_counted_drawn_and_written(make: Any, tmp_path: Path) -> None:
    s = found(make())
    written = page.write([s], tmp_path)
    assert json.loads((tmp_path / "stats.json").read_text())["clips"] == 1
    for path in written:
        if path.suffix == ".svg":
            ET.fromstring(path.read_text("utf-8"))


def test_an_empty_run_is_zeros_and_no_figure(tmp_path: Path) -> None:
    s = found()
    assert figures.figures(s) == []
    page.write([s], tmp_path)
    assert "Nothing to draw yet." in (tmp_path / "index.html").read_text("utf-8")
    assert not (tmp_path / "figures").exists() or not list((tmp_path / "figures").iterdir())
    assert [row.values[0] for row in tables.main_table([s])][:2] == [0, 0]


# --- edits: what the caption stage notes --------------------------------------------------------------------


def test_what_the_caption_stage_notes_is_understood() -> None:
    """The words are mending's own: if they change, this fails."""

    def objections(said: str) -> list[Objection]:
        start = said.find("He jumps.")
        return [] if start < 0 else [Objection(start, start + 9, "he stands")]

    request = Request((Text("tell"),))
    stubborn = Answer("ok", "He walks left. He jumps.")
    told = Told(request, stubborn, lambda answer: answer.text)
    mended = mending.mend(told, lambda requests: [stubborn for _ in requests], objections, rounds=2)
    assert mended.text == "He walks left."
    counted = Counter()
    for edit in mended.edits:
        counted.update(edits_of(edit))
    assert counted == {"claims_sent_back": 2, "sentences_cut": 1}
    refused = mending.mend(
        told._replace(answer=Answer("refused", error="no")), lambda _: [], objections, rounds=2
    )
    assert [edits_of(edit) for edit in refused.edits] == [{"answers_not_used": 1}]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("round 1: 3 contradicted claims sent back", {"claims_sent_back": 3}),
        ('cut "He jumps.": he stands', {"sentences_cut": 1}),
        ("kpm: the model's answer was refused: no", {"answers_not_used": 1}),
        ("the model's answer was invalid: no JSON", {"answers_not_used": 1}),
        ("step limb: 2 contradicted tuples sent back", {"claims_sent_back": 2}),
        ('left out "he jumps": he stands', {"claims_left_out": 1}),
        (
            "event 1: 9 statements, 4 measured to hold, 2 contradicted, 3 not measured",
            {"claims_left_out": 2},
        ),
        ("event 1: 1 of 3 not measured are kept; 1 of 5 answers could not be used", {"claims_left_out": 2}),
        ("no body: asked from the video alone", {"video_alone": 1}),
        ('cut "the model\'s answer was 3 contradicted claims sent back": no', {"sentences_cut": 1}),
        ("nothing was left", {"other": 1}),
        ("", {"other": 1}),
    ],
)
def test_edits(edit: str, told: dict[str, int]) -> None:
    assert edits_of(edit) == told


def test_edits_are_summed_by_writer() -> None:
    edits = (
        "round 1: 2 contradicted claims sent back",
        "round 2: 1 contradicted claims sent back",
        'cut "x": y',
    )
    s = found(
        clip_with(
            "a", Captions((Caption("A.", "scene", "kpm", (), edits=edits), Caption("B.", "scene", "t", ())))
        )
    )
    told = {name: number for name, number in s.writers[0].edits.items() if number}
    assert told == {"claims_sent_back": 3, "sentences_cut": 1}
    assert tuple(s.writers[0].edits) == EDITS
    assert set(s.writers[1].edits.values()) == {0}


# --- language models ----------------------------------------------------------------------------------------


def kept_calls(folder: Path) -> None:
    kept = Calls(folder)
    for i, (model, cost) in enumerate([("a", 0.5), ("a", None), ("b", 0.25)]):
        reply = Reply("text", tokens_in=100 * i, tokens_out=None if i == 2 else 10)
        kept.put(Call(f"{i:064x}", reply, 2.0 * i, cost, model, f"prompt_{i % 2}", attempts=i + 1))
        kept.note({"status": "ok" if i else "refused", "kept": False})
    kept.note({"status": "ok", "kept": True})
    kept.close()


def test_calls_of_models(tmp_path: Path) -> None:
    kept_calls(tmp_path)
    with (tmp_path / LOG).open("ab") as log:
        log.write(b'\xff not json\n[1]\n{"status": "ok"')
    told = calls.asked(tmp_path)
    assert told is not None
    a, b = told.models
    assert (a.model, a.calls, a.tokens_in, a.tokens_out, a.cost_usd, a.unpriced) == ("a", 2, 100, 20, 0.5, 1)
    assert (a.attempts, a.latency_s) == (3, 1.0)
    assert (b.calls, b.tokens_in, b.tokens_out, b.unpriced) == (1, 200, 0, 0)
    assert told.prompts == {"prompt_0": 2, "prompt_1": 1}
    assert told.statuses == {"ok": 2, "refused": 1}
    assert told.kept == 1


def test_no_calls_and_a_damaged_file(tmp_path: Path) -> None:
    assert calls.asked(tmp_path) is None
    (tmp_path / CALLS).write_bytes(b"torn" * 500)
    with pytest.raises(StoreError, match=r"llm_calls\.sqlite.*move it away"):
        calls.asked(tmp_path)
    (tmp_path / CALLS).unlink()
    sqlite3.connect(tmp_path / CALLS).close()
    assert calls.asked(tmp_path) is None or calls.asked(tmp_path) == calls.Asked((), {}, {}, 0)


def test_calls_of_another_version_are_refused(tmp_path: Path) -> None:
    kept_calls(tmp_path)
    db = sqlite3.connect(tmp_path / CALLS)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="version 99"):
        calls.asked(tmp_path)


# --- on disk ------------------------------------------------------------------------------------------------


def test_a_run_on_disk_gives_the_same_and_more(tmp_path: Path) -> None:
    other = fake_run.renamed(fake_run.street(), "other", source="videos/ü.mp4", source_sha256="1" * 64)
    built_run.build(
        tmp_path / "run", [fake_run.street(), other], [("other", "pose", "BackendError")], ["bad.mp4"]
    )
    kept_calls(tmp_path / "run")
    with Run.open(tmp_path / "run") as run:
        s = measure(run, run.ledger, run.path)
    assert (s.holds.sources, s.holds.clips, s.holds.failures) == (3, 2, 2)
    assert s.holds.stage_s["captions"] == 2 * built_run.SECONDS
    assert s.failed.errors == {"ingest: VideoError": 1, "pose: BackendError": 1}
    in_memory = measure(run_of(fake_run.street(), other))
    assert (s.qa, s.writers, s.video, s.motion) == (
        in_memory.qa, in_memory.writers, in_memory.video, in_memory.motion,
    )  # fmt: skip
    assert s.calls is not None
    assert sum(model.calls for model in s.calls.models) == 3


def test_a_record_that_is_gone_is_not_counted(tmp_path: Path) -> None:
    import shutil

    built_run.build(tmp_path / "run", [fake_run.street()])
    shutil.rmtree(tmp_path / "run" / "records" / "Questions.lance")
    with Run.open(tmp_path / "run") as run:
        s = measure(run, run.ledger, run.path)
    assert (s.qa.clips, s.holds.captions) == (0, 2)


def test_memory_does_not_grow_with_what_clips_hold() -> None:
    """Poses and boxes of a clip are megabytes; what is kept of it are numbers."""

    class Endless:
        def __init__(self, number: int) -> None:
            self.number = number
            self.one = fake_run.street()

        def clips(self) -> list[Clip]:
            clip = self.one[Clip]
            return [replace(clip, id=str(i), source_sha256=str(i)) for i in range(self.number)]

        def record(self, clip_id: str, kind: type) -> Any:
            made = self.one.get(kind)
            return replace(made, xyxy=np.zeros((2, len(made.score[0]), 4))) if kind is Tracks else made

        def records(self, clip_id: str) -> dict[type, Any]:
            raise AssertionError("only what is counted is read")

        def failures(self) -> list[Failure]:
            return []

        def dropped(self) -> list[Any]:
            return []

    def peak(number: int) -> int:
        run = Endless(number)
        tracemalloc.start()
        measure(run)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert (peak(1200) - peak(200)) / 1000 < 1500  # bytes a clip: its own record, and some numbers


# --- files --------------------------------------------------------------------------------------------------

KEYS = {
    "run", "sources", "clips", "video_s", "people", "objects", "facts", "captions", "claims", "questions",
    "failures", "dropped", "camera", "predicates", "categories", "labels", "stage_s", "notes", "video", "writers",
    "qa", "checklist", "questions_dropped", "motion", "failed", "calls",
}  # fmt: skip


def test_the_document_has_its_keys_and_is_strict_json() -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    told = json.loads(page.json_text([found(fake_run.unknown())]), parse_constant=refuse)
    assert set(told) == KEYS
    assert told["qa"]["length"]["n"] == 2
    assert set(told["video"]["fps"]) == {
        "n", "sum", "mean", "sd", "min", "p25", "median", "p75", "max", "histogram",
    }  # fmt: skip
    assert told["video"]["fps"]["mean"] is None
    assert isinstance(json.loads(page.json_text([found(), found()])), list)


def test_csv_has_every_number_once() -> None:
    s = replace(found(fake_run.street()), run='a "run", really')
    rows = list(csv.DictReader(io.StringIO(page.csv_text([s, s]))))
    assert {row["run"] for row in rows} == {'a "run", really'}
    values = {row["path"]: row["value"] for row in rows}
    assert len(values) * 2 == len(rows)
    assert values["qa/per_clip/mean"] == "2.0"
    assert values["writers/template, scene/words/mean"] == "13.0"
    assert values["predicates/move"] == "1"


def test_labels_stay_text_in_the_page_and_in_the_figures(tmp_path: Path) -> None:
    records = fake_run.hostile()
    records[Questions] = Questions(
        (replace(records[Questions].questions[0], category=INJECTION, subject=0, template=INJECTION),)
    )
    s = replace(found(records), run=f"runs/{INJECTION}\udcff")
    page.write([s], tmp_path)
    html = (tmp_path / "index.html").read_text("utf-8")
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;img" in html
    assert "default-src &#39;none&#39;" in html
    for file in (tmp_path / "figures").iterdir():
        tree = ET.fromstring(file.read_text("utf-8"))
        assert {element.tag.rpartition("}")[2] for element in tree.iter()} <= {
            "svg", "title", "rect", "text", "line", "circle",
        }  # fmt: skip


@given(st.text(st.characters(exclude_categories=()), max_size=60), st.integers(0, 10**9))
def test_any_label_gives_a_figure_that_can_be_read(label: str, number: int) -> None:
    made = figures._bars("n", label, {label: number, "other": 1}, "things", figures.BLUE, label)
    assert made is not None
    ET.fromstring(made.svg.encode("utf-8"))


def test_many_names_are_summed_up() -> None:
    made = figures._bars("n", "t", {f"name {i}": 100 - i for i in range(30)}, "things", figures.BLUE)
    assert made is not None
    assert made.svg.count("<rect") == 1 + figures.MOST_BARS
    assert f"{30 - figures.MOST_BARS + 1} others" in made.svg
    shown = [int(n) for n in re.findall(r">(\d+) \(\d+%\)<", made.svg)]
    assert sum(shown) == sum(100 - i for i in range(30))


def test_bars_are_as_long_as_their_numbers() -> None:
    made = figures._bars("n", "t", {"a": 40, "b": 10}, "things", figures.BLUE)
    assert made is not None
    widths = [float(w) for w in re.findall(r'<rect x="[^"]+" y="[^"]+" width="([^"]+)"', made.svg)]
    assert widths[0] == pytest.approx(4 * widths[1], rel=0.01)


def test_several_runs_stand_side_by_side(tmp_path: Path) -> None:
    one, two = (replace(found(fake_run.street()), run=name) for name in ("runs/one", "runs/two"))
    page.write([one, two], tmp_path)
    assert (tmp_path / "figures" / "1-question_length.svg").exists()
    assert (tmp_path / "figures" / "2-question_length.svg").exists()
    html = (tmp_path / "index.html").read_text("utf-8")
    assert html.count("runs/two</th>") == 1
    assert [row.values for row in tables.main_table([one, two])][1] == (1, 1)


def test_files_come_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.write([found(fake_run.street())], tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    monkeypatch.setattr(page, "to_json", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        page.write([found(fake_run.crowd())], tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.skipif(browser.find() is None, reason="needs a Chromium")
def test_a_browser_shows_the_page_without_complaint(tmp_path: Path) -> None:
    roles = ("content", "content", "unclear", "differs")
    records = fake_run.street()
    asked = tuple(question(f"{i}?", "abcd", i % 4, CHECKLIST, roles=roles) for i in range(30))
    records[Questions] = Questions((*records[Questions].questions, *asked), {"blind": 2})
    page.write([found(records, fake_run.hostile())], tmp_path / "out")
    with browser.Browser(tmp_path / "profile") as shown:
        shown.open(tmp_path / "out" / "index.html")
        assert shown.evaluate("document.querySelectorAll('svg').length") >= 12
        # No text reaches beyond its figure.
        beyond = """[...document.querySelectorAll('svg')].flatMap(s => [...s.querySelectorAll('text')].filter(t => {
            const a = s.getBoundingClientRect(), b = t.getBoundingClientRect();
            return b.left < a.left - 1 || b.right > a.right + 1 || b.bottom > a.bottom + 1
        }).map(t => t.textContent))"""
        assert shown.evaluate(beyond) == []
        assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert shown.errors == []
        assert all(address.startswith("file:") for address in shown.requests)


# --- the real thing -----------------------------------------------------------------------------------------


def test_camera_and_facts_of_a_clip_without_tracks() -> None:
    records = {
        kind: record for kind, record in fake_run.street().items() if kind in (Clip, Facts, CameraMotion)
    }
    s = found(records)
    assert s.motion.subjects == {"unknown": 4, "the camera": 1}
    assert s.holds.camera == {"pan_right": 1}


def test_a_question_about_an_event_is_about_its_subject() -> None:
    asked = Question("motion_object", "What?", tuple("abcd"), 0, 1000, "f", "", span=Span(1, 2))
    s = found(clip_with("a", fake_run.street()[Tracks], Questions((asked,))))
    assert s.qa.subjects == {"car": 1}
