"""The command line: what it prints where, its exit codes, and that every help has an example that is true."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kinescribe import cli, weights
from kinescribe.cli import app, progress, show
from kinescribe.errors import BackendError
from kinescribe.runs.execute import Progress
from kinescribe.runs.store import Failure
from kinescribe.runs.summary import Counts
from tests import run_stages

ROOT = Path(__file__).parents[1]
QUICK = ("--set", "detect.objects=", "--set", "detect.people=", "--workers", "1")
"""The pipeline without what takes time."""


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
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("my media")
    run_stages.write_video(folder / "a ü.mp4", 1)
    run_stages.write_video(folder / "deeper" / "b.mp4", 2)
    (folder / "notes.txt").touch()
    return folder


@pytest.fixture(scope="module")
def run(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    command = [sys.executable, "-m", "kinescribe", "annotate", str(media), "--out", str(folder), *QUICK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 clips annotated (2.0 s of video)" in done.stdout
    return folder


def test_annotate_resumes_and_says_what_the_run_holds(call: Call, media: Path, run: Path) -> None:
    again = call("annotate", media, "--out", run, *QUICK)
    assert again.code == 0
    assert "nothing to do: everything is up to date" in again.out
    assert "2 clips of 2 videos, 2.0 s" in again.out
    assert again.err == ""


def test_annotate_without_videos_goes_on_with_those_it_knows(call: Call, run: Path) -> None:
    assert call("annotate", "--out", run, *QUICK).code == 0


def test_json_is_all_that_stands_on_standard_output(call: Call, media: Path, run: Path) -> None:
    said = call("annotate", media, "--out", run, "--json", *QUICK)
    result = json.loads(said.out)
    assert result["summary"]["clips"] == result["holds"]["clips"] == 2
    assert result["summary"]["failures"] == []
    assert "nothing to do" in said.err
    assert json.loads(call("stats", run, "--json").out)["sources"] == 2
    assert json.loads(call("failures", run, "--json").out) == []
    assert {net["name"] for net in json.loads(call("models", "list", "--json").out)["nets"]} == set(
        weights.NETS
    )


def test_failures_are_listed_and_the_rest_is_done(call: Call, media: Path, tmp_path: Path) -> None:
    (tmp_path / "bad[1].mp4").write_text("no video")
    run, gone = tmp_path / "run", tmp_path / "gone.mp4"
    said = call("annotate", media / "a ü.mp4", tmp_path / "bad[1].mp4", gone, "--out", run, *QUICK)
    assert said.code == 1
    assert "1 clip annotated" in said.out
    assert "2 failures (run again to retry):" in said.out
    assert re.search(r"bad\[1\]\.mp4: ingest: VideoError: is not a video", said.out)
    assert "gone.mp4: ingest: VideoError: no such file; check the path" in said.out
    listed = json.loads(call("failures", run, "--json").out)
    assert [Path(failure["source"]).name for failure in listed] == ["bad[1].mp4", "gone.mp4"]
    assert "bad[1].mp4" in call("failures", run).out
    (tmp_path / "bad[1].mp4").unlink()
    shutil.copy(media / "deeper" / "b.mp4", tmp_path / "bad[1].mp4")
    assert call("annotate", tmp_path / "bad[1].mp4", "--out", run, *QUICK).code == 0


def test_stats_counts(call: Call, run: Path) -> None:
    said = call("stats", run)
    assert said.code == 0
    assert "2 clips of 2 videos, 2.0 s" in said.out
    assert "seconds by stage" in said.out
    assert "b.mp4" in said.out


def test_export_and_report(call: Call, run: Path, tmp_path: Path) -> None:
    said = call("export", run, "--to", "jsonl", "--out", tmp_path / "data")
    assert said.code == 0
    files = [Path(line) for line in said.out.split("\n") if line]
    assert all(file.is_file() for file in files)
    clips = next(file for file in files if file.name == "clips.jsonl")
    assert len(clips.read_text().splitlines()) == 2
    assert "2 clips exported" in said.err
    said = call("report", run, "--out", tmp_path / "report.html")
    assert said.code == 0
    assert Path(said.out.strip()).read_text().startswith("<!")


def test_overlays_lie_in_the_run(call: Call, media: Path, run: Path) -> None:
    assert call("annotate", media, "--out", run, "--overlay", *QUICK).code == 0
    names = sorted(path.name for path in (run / "overlays").iterdir())
    names = [name for name in names if not name.startswith(".")]
    assert [re.sub(r"-\w{16}\.mp4$", "", name) for name in names] == ["a ü", "b"]


def test_overlays_that_show_what_is_true_are_kept(call: Call, media: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = call("annotate", media, "--out", run, "--overlay", *QUICK)
    assert "overlay 1/2: " in first.out
    assert "overlay 2/2: " in first.out
    folder = run / "overlays"
    one, two = sorted(folder.glob("*.mp4"))
    one.write_bytes(b"kept")
    again = call("annotate", "--out", run, "--overlay")
    assert f"2 overlays up to date in {folder}" in again.out
    assert one.read_bytes() == b"kept"
    two.unlink()
    said = call("annotate", "--out", run, "--overlay").out
    assert "overlay 2/2: " in said
    assert "1 overlay up to date" in said
    assert two.stat().st_size > 1000
    said = call("annotate", "--out", run, "--overlay", *QUICK, "--set", "track.min_length_s=0.7").out
    assert "up to date in" not in said  # the records have changed
    assert one.read_bytes() != b"kept"


def test_a_run_goes_on_with_its_own_settings(call: Call, media: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    some = ("--set", "ingest.samples_per_s=5", *QUICK)
    assert call("annotate", media, "--out", run, *some).code == 0
    before = (run / "run.toml").read_bytes()
    assert b"samples_per_s = 5.0" in before
    again = call("annotate", "--out", run)
    assert "nothing to do" in again.out
    assert (run / "run.toml").read_bytes() == before
    again = call("annotate", media, "--out", run, "--workers", 2)
    assert "nothing to do" in again.out
    assert (run / "run.toml").read_bytes() == before.replace(b"workers = 1", b"workers = 2")
    assert "2 clips annotated" in call("annotate", "--out", run, *QUICK).out  # given settings count alone
    assert b"samples_per_s = 10.0" in (run / "run.toml").read_bytes()
    assert "unless --recipe or --set is given" in re.sub(r"\s+", " ", call("annotate", "--help").out)


def test_what_was_not_looked_for_is_told(
    call: Call, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path / "empty"))
    run = tmp_path / "run"
    arguments = ["annotate", str(media), "--out", str(run), "--set", "detect.objects=motion", "--workers=1"]
    # A process of its own: workers have the environment of the first one that was started from a process.
    command = [sys.executable, "-m", "kinescribe", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = [line for line in done.stdout.splitlines() if line.startswith("  note (2 clips): ")]
    assert any("kinescribe models pull" in line for line in told), done.stdout
    assert "kinescribe models pull" in call("stats", run).out
    for json_text, path in (
        (call("stats", run, "--json").out, ()),
        (call(*arguments, "--json").out, ("holds",)),
    ):
        found = json.loads(json_text)
        for key in path:
            found = found[key]
        assert any("models pull" in note and number == 2 for note, number in found["notes"].items())
    call("report", run)
    assert "All clips: " in (run / "report.html").read_text()


def test_many_notes_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    counts = Counts(notes={f"note {i} [x]": 9 - i for i in range(7)})
    show.notes(show.console(), counts, most=5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  note (9 clips): note 0 [x]"
    assert lines[5:] == ["  and 2 notes more: kinescribe stats RUN"]


def test_parse_reads_text_files_and_standard_input(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "The man walks to the left, then waves twice."
    said = call("parse", text)
    assert said.code == 0
    assert re.search(r"0 +man +walk +left", said.out)
    (tmp_path / "t.txt").write_text(text)
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setattr(sys, "stdin", (tmp_path / "t.txt").open())
    for argument in (text, tmp_path / "t.txt", "-"):
        actions = json.loads(call("parse", argument, "--json").out)
        assert [(action["predicate"], action["count"]) for action in actions] == [("walk", None), ("wave", 2)]
    assert call("parse", "A blue house.").err == "the text asserts no motion\n"
    assert call("parse", tmp_path / "bad.txt").code == 2
    assert call("parse", "He walks/runs.").code == 0
    assert call("parse", "He walks to the left/right").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("annotate x.mp4 --out OUT --set trak.x=1", 2, 'error: [trak]: no such table; did you mean "track"?'),
        ("annotate x.mp4 --out OUT --recipe nothing", 2, 'error: no recipe "nothing"'),
        ("annotate --out OUT", 2, "name at least one video"),
        ("annotate x.mp4", 2, "--out"),
        ("annotate x.mp4 --out OUT --workers 0", 2, "--workers"),
        ("annotate x.mp4 --out OUT --set camera.backend=lkgrid", 2, 'did you mean "lk_grid"'),
        ("stats OUT", 2, "does not exist; make one with `kinescribe annotate"),
        ("annotate x.mp4 --out OUT --set camera.options.foo=1", 2, "camera.options.foo: no such setting"),
        ("annotate x.mp4 --out OUT --set detect.people=foo", 2, 'detect.people: no backend "foo"'),
        ("annotate x.mp4 --out OUT --set ingest.max_clip_s=0.001", 2, "max_clip_s must be at least 1 s"),
        ("annotate x.mp4 --out OUT --set camera", 2, "e.g. ingest.max_side=640"),
        ("export RUN --to jsnol --out OUT", 2, 'did you mean "jsonl"'),
        ("export RUN --to jsonl --out AFILE", 2, "choose another path"),
        ("export RUN --to jsonl --out RUN/records", 2, "belongs to the run"),
        ("report RUN --out ADIR", 2, "choose another path"),
        ("report RUN --out RUN/run.toml", 2, "belongs to the run"),
        ("report RUN --out RUN/records/x/report.html", 2, "belongs to the run"),
        ("report RUN --out RUN/ledger.sqlite-wal", 2, "belongs to the run"),
        ("parse nofile.txt", 2, "there is no file nofile.txt"),
        ("parse no/such", 2, "there is no file no/such"),
        ("export RUN --out OUT", 2, "--to"),
        ("nonsense", 2, "nonsense"),
    ],
)
def test_wrong_usage_is_one_clean_line(
    call: Call, run: Path, tmp_path: Path, arguments: str, code: int, words: str
) -> None:
    before = (run / "run.toml").read_bytes()
    (tmp_path / "afile").write_text("mine")
    (tmp_path / "adir").mkdir()
    for name in ("AFILE", "ADIR"):
        arguments = arguments.replace(name, str(tmp_path / name.lower()))
    filled = arguments.replace("OUT", str(tmp_path / "out")).replace("RUN", str(run))
    said = call(*filled.split())
    assert said.code == code
    assert words in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert (run / "run.toml").read_bytes() == before
    assert (tmp_path / "afile").read_text() == "mine"
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_cannot_run_leaves_the_run_as_it_was(call: Call, media: Path, run: Path) -> None:
    before = (run / "run.toml").read_bytes()
    assert call("annotate", media, "--out", run, "--set", "camera.backend=no_package_here:X").code == 1
    assert (run / "run.toml").read_bytes() == before


def test_debug_shows_the_trace(call: Call, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="does not exist"):
        call("--debug", "stats", tmp_path / "no")
    assert call("stats", tmp_path / "no").code == 2


def test_debug_shows_the_trace_of_what_the_system_refuses(call: Call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        call("--debug", "export", run, "--to", "jsonl", "--out", tmp_path / "file")
    assert call("export", run, "--to", "jsonl", "--out", tmp_path / "file").err.count("\n") == 1


def test_version(call: Call) -> None:
    assert re.fullmatch(r"kinescribe \d+\.\d+\.\d+\S*\n", call("--version").out)


COMMANDS = [["annotate"], ["export"], ["report"], ["parse"], ["stats"], ["failures"], ["doctor"]]
COMMANDS += [["models", "list"], ["models", "pull"], ["score", "captions"], ["score", "pairs"]]
COMMANDS += [["judge", name] for name in ("questions", "captions", "pair", "inputs")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_has_an_example_that_parses(
    command: list[str], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = call(*command, "--help")
    assert said.code == 0
    text = re.sub(r"\s+", " ", said.out)
    example = re.search(r"Example: kinescribe (.*?)(?= Arguments: | Options: |$)", text)
    assert example, text
    words = shlex.split(example[1])
    assert words[: len(command)] == command
    found = app.app
    # It parses: the command is reached with these arguments (and stops there).
    reached: list[str] = []
    for info in [
        *found.registered_commands,
        *app.models.registered_commands,
        *app.texts.score.registered_commands,
        *app.judge.judge.registered_commands,
    ]:
        name = info.name or info.callback.__name__  # type: ignore[union-attr]
        stand_in = _stand_in(info.callback, name, reached)
        monkeypatch.setattr(info, "callback", stand_in)
    assert call(*words).code == 0, words
    assert reached == [command[-1]]


def _stand_in(callback: Any, name: str, reached: list[str]) -> Any:
    import functools

    @functools.wraps(callback)
    def stand_in(*args: Any, **kwargs: Any) -> None:
        reached.append(name)

    return stand_in


def test_no_command_is_without_a_test_of_its_help(call: Call) -> None:
    text = call("--help").out.partition("Commands:")[2]
    listed = set(re.findall(r"^  (\w+)", text, flags=re.MULTILINE))
    assert listed == {command[0] for command in COMMANDS}


# --- models and doctor --------------------------------------------------------------------------------------


def test_doctor_names_what_is_missing_and_the_remedy(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path))
    said = call("doctor")
    assert said.code == 1
    assert "MISS  net pose_detection" in said.out
    assert "kinescribe models pull" in said.out
    assert "ok    FFmpeg: libavutil" in said.out
    monkeypatch.setattr(weights, "available", lambda name: True)
    found = json.loads(call("doctor", "--json").out)
    missing = [check["name"] for check in found if not check["fine"]]
    assert missing == [name for name in missing if name == "kinescribe"]  # not installed, in a bare checkout


def test_a_cache_that_cannot_be_written_is_found(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path / "file"))
    said = call("doctor")
    assert said.code == 1
    assert "MISS  cache" in said.out
    assert "KINESCRIBE_CACHE" in said.out


def test_models_pull_prints_files_and_clean_errors(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(names: Any, tell: Callable[[str], None]) -> list[Path]:
        tell("downloading")
        if names:
            raise BackendError(f"no net is called {names[0]}")
        return [Path("x.tflite")]

    monkeypatch.setattr(weights, "pull", pull)
    assert call("models", "pull") == Said(0, "x.tflite\n", "downloading\n")
    assert call("models", "pull", "y") == Said(1, "", "downloading\nerror: no net is called y\n")


# --- on a terminal ------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:lance is not fork-safe")  # the copy only starts another program
def test_ctrl_c_on_a_terminal_stops_cleanly_and_tells_how_to_go_on(media: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    long = run_stages.write_video(tmp_path / "long.mp4", 3, 600.0)
    arguments = ["annotate", str(media), str(long), "--out", str(run), *QUICK]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ.update(TERM="xterm", COLUMNS="150")
        os.execv(sys.executable, [sys.executable, "-m", "kinescribe", *arguments])
    said = b""
    sent = False
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            said += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not sent and b"2/3 clips" in said:
            os.write(terminal, b"\x03")
            sent = True
    _, status = os.waitpid(pid, 0)
    text = said.decode()
    assert sent, text
    assert os.waitstatus_to_exitcode(status) == 130, text
    assert "Traceback" not in text
    assert "stopped; all that was finished is kept. To go on: kinescribe annotate" in text.replace("\r\n", "")
    assert "2 clips annotated" in text


def test_progress_in_words() -> None:
    assert progress.words(Progress(3, 4, 1, 2, 5.0, 20.0, 1)) == "3/4 videos scanned, 1/2 clips, 1 failed"
    assert progress.remaining(Progress(4, 4, 1, 2, 5.0, 20.0, 0), 10.0) == "about 30 s left"
    assert progress.remaining(Progress(4, 4, 1, 2, 5.0, 95.0, 0), 10.0) == "about 3 min left"
    assert progress.remaining(Progress(4, 4, 0, 2, 0.0, 20.0, 0), 10.0) == "time left not known yet"
    assert progress.remaining(Progress(3, 4, 1, 2, 5.0, 20.0, 0), 10.0) == "time left not known yet"


def test_a_long_list_of_failures_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Failure(f"{i}.mp4", None, "ingest", "VideoError", f"{i}.mp4: bad", 1) for i in range(25)]
    show.failures(show.console(), found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  0.mp4: ingest: VideoError: bad"
    assert lines[-1] == "  and 5 more: kinescribe failures RUN"
    assert len(lines) == 21


def test_json_has_no_nan() -> None:
    assert json.loads(show.to_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": None})) == {
        "a": None,
        "b": [None, 1.5],
        "c": None,
    }
