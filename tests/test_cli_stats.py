"""`kinescribe stats` and the options of `kinescribe export`, on a run that was stored by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kinescribe import cli
from tests import built_run, fake_run


class Said(NamedTuple):
    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    def called(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["kinescribe", *map(str, arguments)])
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        return Said(code, *capsys.readouterr())

    return called


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored") / "run"
    other = fake_run.renamed(fake_run.street(), "other", source="videos/other.mp4", source_sha256="1" * 64)
    return built_run.build(folder, [fake_run.street(), other, fake_run.hostile()], unreadable=["bad.mp4"])


def test_the_terminal_shows_tables(call: Call, run: Path) -> None:
    said = call("stats", run)
    assert said.code == 0
    assert "3 clips of 4 videos, 9.0 s" in said.out
    for words in ("55.9 (FoundationMotion)", "22.21 (KPM-Cap)", "23 (MotionAtlas-Data)", "seconds by stage"):
        assert words in said.out
    row = next(line for line in said.out.splitlines() if line.split()[:2] == ["template", "scene"])
    assert row.split()[2:4] == ["2", "13"]
    assert fake_run.INJECTION in said.out  # a label is text, also where it looks like markup
    assert "ingest: VideoError" in said.out


def test_json_has_what_it_always_had_and_more(call: Call, run: Path) -> None:
    told = json.loads(call("stats", run, "--json").out)
    assert (told["sources"], told["clips"], told["questions"], told["failures"]) == (4, 3, 5, 1)
    assert told["run"] == str(run)
    assert told["qa"]["questions"] == 5
    assert told["qa"]["per_clip"]["mean"] == pytest.approx(5 / 3)
    assert [(w["writer"], w["scope"], w["captions"]) for w in told["writers"]][-2:] == [
        ("template", "region", 2), ("template", "scene", 2),
    ]  # fmt: skip
    assert told["failed"]["stages"] == {"ingest": 1}


def test_files(call: Call, run: Path, tmp_path: Path) -> None:
    said = call("stats", run, "--out", tmp_path / "figures of mine")
    assert said.code == 0
    files = [Path(line) for line in said.out.splitlines()]
    assert {file.name for file in files} >= {"stats.json", "stats.csv", "index.html", "question_length.svg"}
    assert all(file.is_file() for file in files)
    with_json = call("stats", run, "--out", tmp_path / "figures of mine", "--json")
    assert json.loads(with_json.out) == json.loads((tmp_path / "figures of mine" / "stats.json").read_text())


def test_several_runs(call: Call, run: Path, tmp_path: Path) -> None:
    empty = built_run.build(tmp_path / "empty", [fake_run.empty()])
    said = call("stats", run, empty)
    line = next(line for line in said.out.splitlines() if line.split()[:1] == ["clips"])
    assert line.split()[1:3] == ["3", "1"]
    assert [told["clips"] for told in json.loads(call("stats", run, empty, "--json").out)] == [3, 1]


def test_what_cannot_be(call: Call, run: Path, tmp_path: Path) -> None:
    assert call("stats").code == 2
    assert "belongs to the run" in call("stats", run, "--out", run / "records").err
    (tmp_path / "file").touch()
    assert "choose another path" in call("stats", run, "--out", tmp_path / "file").err
    assert "does not exist" in call("stats", run, tmp_path / "no").err
    (run / "llm_calls.sqlite").write_bytes(b"torn" * 999)
    said = call("stats", run)
    (run / "llm_calls.sqlite").unlink()
    assert said.code == 2
    assert "move it away" in said.err


def test_exports_leave_out_what_is_contradicted_and_say_so(call: Call, run: Path, tmp_path: Path) -> None:
    said = call("export", run, "--to", "jsonl", "--out", tmp_path / "a")
    assert "3 clips exported; left out: 1 failed, 2 contradicted captions" in said.err
    assert "The car falls." not in (tmp_path / "a" / "captions.jsonl").read_text()
    said = call("export", run, "--to", "jsonl", "--out", tmp_path / "b", "--with-contradicted")
    assert "contradicted captions" not in said.err
    assert "The car falls." in (tmp_path / "b" / "captions.jsonl").read_text()


def test_options_of_a_format(call: Call, run: Path, tmp_path: Path) -> None:
    given = ("--option", "split=test=0.34", "--option", "seed=4")
    said = call("export", run, "--to", "parquet", "--out", tmp_path / "data", *given)
    assert said.code == 0
    assert {Path(line).name for line in said.out.splitlines()} == {
        "train.parquet",
        "test.parquet",
        "README.md",
    }
    for option, words in (
        ("split=test=2", "leave something for train"), ("sed=1", 'did you mean "seed"'), ("seed=x", "a whole number"),
    ):  # fmt: skip
        said = call("export", run, "--to", "parquet", "--out", tmp_path / "no", "--option", option)
        assert said.code == 2
        assert words in said.err
        assert said.err.count("\n") == 1
    assert not (tmp_path / "no").exists()
