"""A run on disk: who may open it, what a reader sees while another writes, and what a ledger remembers."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kinescribe.errors import StoreError
from kinescribe.recipe import IngestSettings, Recipe, RunSettings, load
from kinescribe.records import Clip, Events, Facts, MotionFact, Span
from kinescribe.runs import execute, spool, store
from kinescribe.runs.ledger import DONE, FAILED, ItemRow, Ledger, SourceRow
from kinescribe.runs.store import Run
from tests import run_stages

RECIPE = Recipe(run=RunSettings(workers=1))


def facts(predicate: str) -> Facts:
    return Facts((MotionFact("f0", 0, predicate, Span(0.0, 1.0)),))


def put(run: Run, clip_id: str, fingerprint: str, record: Facts, note: bool = True) -> None:
    """Commit one record the way the driver does; without ``note`` the driver dies in between."""
    table = spool.to_table(Facts, [spool.Row(clip_id, "facts", fingerprint, record)])
    item = ItemRow(clip_id, "facts", "Facts", fingerprint)
    run.commit({Facts: [table]}, lambda: run.ledger.put_item(item) if note else None)


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video and its run."""
    folder = tmp_path_factory.mktemp("annotated")
    (folder / "orders").mkdir()
    file = run_stages.write_video(folder / "media" / "a.mp4", 1)
    with Run.create_or_open(folder / "run", RECIPE) as run:
        execute.annotate_all([file], run, RECIPE, stages=run_stages.stages(folder / "orders"))
    return folder


def test_what_is_not_a_run_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no does not exist; make one with `kinescribe annotate"):
        Run.open(tmp_path / "no")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(StoreError, match="is not a run"):
        Run.open(tmp_path)
    with pytest.raises(StoreError, match=r"is not a run but holds notes\.txt; choose another --out"):
        Run.create_or_open(tmp_path, RECIPE)
    with pytest.raises(StoreError, match="is not a run"):
        Run.create_or_open(tmp_path / "notes.txt", RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_was_killed_while_it_was_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "run" / "records").mkdir(parents=True)
    (tmp_path / "run" / "lock").touch()
    (tmp_path / "run" / "run.toml.part").touch()
    with Run.create_or_open(tmp_path / "run", RECIPE) as run:
        assert run.clips() == []


def test_the_freshest_record_is_the_one_the_ledger_names(tmp_path: Path) -> None:
    with Run.create_or_open(tmp_path / "run", RECIPE) as run:
        reader = Run.open(tmp_path / "run")
        assert reader.record("c", Facts) is None
        put(run, "c", "one", facts("move"))
        assert reader.record("c", Facts) == facts("move")
        put(run, "c", "two", facts("stay"), note=False)  # killed between records and ledger
        assert reader.record("c", Facts) == facts("move")
        put(run, "c", "two", facts("stay"))
        assert reader.record("c", Facts) == facts("stay")
        put(run, "d", "one", facts("rise"))
        assert reader.records("d") == {Facts: facts("rise")}
        assert reader.record("d", Events) is None
        reader.close()


def test_a_record_that_is_gone_is_unknown_not_wrong(tmp_path: Path) -> None:
    with Run.create_or_open(tmp_path / "run", RECIPE) as run:
        put(run, "c", "one", facts("move"))
    shutil.rmtree(tmp_path / "run" / "records" / "Facts.lance")
    with Run.open(tmp_path / "run") as reader:
        assert reader.record("c", Facts) is None


def test_a_damaged_table_says_what_to_do(tmp_path: Path) -> None:
    with Run.create_or_open(tmp_path / "run", RECIPE) as run:
        put(run, "c", "one", facts("move"))
    for file in (tmp_path / "run" / "records" / "Facts.lance" / "data").iterdir():
        file.write_bytes(b"torn")
    with (
        Run.open(tmp_path / "run") as reader,
        pytest.raises(StoreError, match=r"Facts\.lance.*delete that folder"),
    ):
        reader.record("c", Facts)


def test_failures_of_videos_and_stages(tmp_path: Path) -> None:
    with Run.create_or_open(tmp_path / "run", RECIPE) as run, run.ledger.transaction():
        run.ledger.put_source(
            SourceRow("a.mp4", 1, 1, "k", status=FAILED, error_type="VideoError", error="bad")
        )
        run.ledger.put_source(SourceRow("b.mp4", 1, 1, "k"))
        (found,) = run.failures()
        assert found == store.Failure("a.mp4", None, "ingest", "VideoError", "bad", 1)


def test_attempts_add_up_until_it_works(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite", write=True)
    for expected in (1, 2, 3):
        ledger.put_item(ItemRow("c", "facts", "Facts", "one", FAILED))
        assert ledger.items("c")["c", "facts"].attempts == expected
    ledger.put_item(ItemRow("c", "facts", "Facts", "two", FAILED))  # other settings: counted anew
    assert ledger.items("c")["c", "facts"].attempts == 1
    ledger.put_item(ItemRow("c", "facts", "Facts", "two", DONE))
    assert ledger.items()["c", "facts"][4:6] == (DONE, 2)  # done at the second attempt
    ledger.put_item(ItemRow("c", "facts", "Facts", "two", DONE))
    assert ledger.items()["c", "facts"][4:6] == (DONE, 1)


def test_a_transaction_is_seen_whole_or_not_at_all(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l ?#%.sqlite", write=True)
    reader = Ledger(tmp_path / "l ?#%.sqlite")

    def half() -> None:
        with ledger.transaction():
            ledger.put_source(SourceRow("a", 1, 1, "k"))
            assert not reader.sources()
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert not ledger.sources()
    with ledger.transaction():
        ledger.put_source(SourceRow("a", 1, 1, "k"))
    assert list(reader.sources()) == ["a"]


def test_a_reader_cannot_write_and_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    writer = Ledger(tmp_path / "l.sqlite", write=True)
    reader = Ledger(tmp_path / "l.sqlite")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.put_source(SourceRow("a", 1, 1, "k"))
    reader._db.execute("BEGIN")
    assert not reader.sources()  # holds a snapshot open
    writer.put_source(SourceRow("a", 1, 1, "k"))
    assert not reader.sources()
    reader._db.execute("COMMIT")
    assert reader.sources()


def test_another_versions_ledger_and_recipe_are_told_apart(annotated: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(annotated / "run", run)
    (run / "run.toml").write_text("[track]\nno_such = 1\n")
    with Run.open(run) as opened:
        assert len(opened.clips()) == 1  # what was measured can still be read
        with pytest.raises(StoreError, match=r"run\.toml.*no_such.*another version"):
            opened.recipe  # noqa: B018
    db = sqlite3.connect(run / "ledger.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="ledger version 99"):
        Run.open(run)
    (run / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot open the ledger"):
        Run.open(run)


def test_a_run_moved_with_its_media_finds_them(annotated: Path, tmp_path: Path) -> None:
    shutil.copytree(annotated / "media", tmp_path / "media")
    shutil.copytree(annotated / "run", tmp_path / "run")
    with Run.open(tmp_path / "run") as run:
        assert run.clips()[0].source == str(annotated / "media" / "a.mp4")  # still where it was
    hidden = annotated / "media" / "hidden"
    (annotated / "media" / "a.mp4").rename(hidden)
    try:
        with Run.open(tmp_path / "run") as run:
            assert run.clips()[0].source == str(tmp_path / "media" / "a.mp4")
    finally:
        hidden.rename(annotated / "media" / "a.mp4")


def test_a_run_on_a_read_only_medium_can_be_read(annotated: Path) -> None:
    code = (
        "import os, sys\n"
        "from kinescribe.runs.store import Run\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"  # nothing is read-only to root
        "run = Run.open(sys.argv[1])\n"
        "print(len(run.clips()), len(run.records(run.clips()[0].id)), os.access(sys.argv[1], os.W_OK))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        shutil.copytree(annotated / "run", run)
        for path in [Path(folder), run, *run.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", code, str(run)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for path in [Path(folder), run, *run.rglob("*")]:
            path.chmod(0o755)
    assert done.stdout.split() == ["1", "4", "False"], done.stderr


def test_the_lock_ends_with_its_holder_however_it_ends(tmp_path: Path) -> None:
    code = (
        "import os, sys, signal\n"
        "from kinescribe.runs.store import Run\n"
        "from kinescribe.recipe import Recipe\n"
        "run = Run.create_or_open(sys.argv[1], Recipe())\n"
        "print(os.getpid(), flush=True)\n"
        "signal.pause()\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    pid = int(holder.stdout.readline())
    with pytest.raises(StoreError, match=f"process {pid} on"):
        Run.create_or_open(tmp_path / "run", RECIPE)
    Run.open(tmp_path / "run").close()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with Run.create_or_open(tmp_path / "run", RECIPE):
        pass


def test_run_toml_is_the_resolved_recipe_and_the_versions(tmp_path: Path) -> None:
    made = load(None, ["track.max_gap_s=0.3", "run.seed=5", "ingest.end_s=9"])
    with Run.create_or_open(tmp_path / "run", made) as run:
        assert run.recipe == made
        text = (tmp_path / "run" / "run.toml").read_text()
    assert 'numpy = "' in text
    assert "max_gap_s = 0.3" in text
    other = Recipe(ingest=IngestSettings(max_side=64), stages=made.stages)
    with Run.create_or_open(tmp_path / "run", other) as run:
        assert run.recipe == made  # until it turns out that the other one can run
        run.adopt(other)
        assert run.recipe == other


def test_clips_come_by_source_and_start(tmp_path: Path) -> None:
    files = [run_stages.write_video(tmp_path / f"{name}.mp4", i, 2.0) for i, name in enumerate("ba")]
    (tmp_path / "orders").mkdir()
    cut = Recipe(ingest=IngestSettings(max_clip_s=1.0), run=RunSettings(workers=1))
    with Run.create_or_open(tmp_path / "run", cut) as run:
        execute.annotate_all(files, run, cut, stages=run_stages.stages(tmp_path / "orders"))
        found = [(Path(clip.source).name, round(clip.start_s, 3)) for clip in run.clips()]
        assert found == [("a.mp4", 0.0), ("a.mp4", 1.0), ("b.mp4", 0.0), ("b.mp4", 1.0)]
        for clip in run.clips():
            stored = run.record(clip.id, Clip)
            assert stored is not None
            assert stored.start_s == clip.start_s
