"""The run survives what happens to it: errors, crashes, hangs, kills, signals; and never does a thing twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from kinescribe import recipe
from kinescribe.errors import KinescribeError, PipelineError, StoreError
from kinescribe.recipe import IngestSettings, Recipe, RunSettings
from kinescribe.records import CameraMotion, Clip, Facts, Questions
from kinescribe.runs import execute, ingest, pool, store
from kinescribe.runs.execute import Summary
from tests import run_stages
from tests.test_codec import bits_of

ROOT = Path(__file__).parents[1]
RECIPE = Recipe(run=RunSettings(workers=2))
NUM_VIDEOS = 4


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    for i in range(NUM_VIDEOS):
        run_stages.write_video(folder / f"{i}.mp4", seed=i)
    return folder


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    folder = tmp_path / "orders"
    folder.mkdir()
    return folder


def annotate(
    run: Path, paths: Sequence[Path], orders: Path, settings: Recipe = RECIPE, **changed: Any
) -> Summary:
    with store.Run.create_or_open(run, settings) as opened:
        return execute.annotate_all(paths, opened, settings, stages=run_stages.stages(orders, **changed))


def calls(orders: Path) -> Counter[str]:
    """How often each stage ran, and forget it."""
    file = orders / "calls"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return Counter(line.split()[0] for line in lines)


def content(run: Path) -> dict[str, Any]:
    """Everything a run says, bit for bit."""
    with store.Run.open(run) as opened:
        return {
            clip.id: {kind.__name__: bits_of(record) for kind, record in opened.records(clip.id).items()}
            for clip in opened.clips()
        }


def clip_of(run: Path, name: str) -> Clip:
    with store.Run.open(run) as opened:
        return next(clip for clip in opened.clips() if Path(clip.source).name == name)


def wait_for(condition: Callable[[], bool], limit_s: float = 60) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


# --- the plain case -----------------------------------------------------------------------------------------


def test_every_clip_gets_every_record(media: Path, orders: Path, tmp_path: Path) -> None:
    seen: list[execute.Progress] = []
    with store.Run.create_or_open(tmp_path / "run", RECIPE) as run:
        done = execute.annotate_all([media], run, RECIPE, seen.append, run_stages.stages(orders))
        assert [Path(clip.source).name for clip in run.clips()] == ["0.mp4", "1.mp4", "2.mp4", "3.mp4"]
        for clip in run.clips():
            assert run.records(clip.id).keys() == {Clip, CameraMotion, Facts, Questions}
            facts = run.record(clip.id, Facts)
            assert facts is not None
            assert facts.facts[0].span.end_s == clip.duration_s
    assert (done.clips, done.annotated, done.scanned, done.failures) == (4, 4, 4, ())
    assert done.video_s == pytest.approx(4.0)
    assert seen[-1] == execute.Progress(4, 4, 4, 4, pytest.approx(4.0), pytest.approx(4.0), 0)
    assert not list((tmp_path / "run" / "spool").iterdir())


def test_a_second_run_does_nothing_at_all(
    media: Path, orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate(tmp_path / "run", [media], orders)
    before = content(tmp_path / "run")
    calls(orders)
    monkeypatch.setattr(pool, "_started", lambda *_: pytest.fail("no process is needed"))
    done = annotate(tmp_path / "run", [media], orders)
    assert (done.clips, done.annotated, done.scanned) == (4, 0, 0)
    assert not calls(orders)
    assert content(tmp_path / "run") == before


def test_a_changed_setting_costs_only_the_stages_below(media: Path, orders: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    annotate(run, [media], orders)
    before = content(run)
    calls(orders)
    annotate(run, [media], orders, think={"word": "stay"})
    assert calls(orders) == {"think": 4, "ask": 4}
    changed = content(run)
    assert all(changed[clip]["CameraMotion"] == before[clip]["CameraMotion"] for clip in before)
    assert all(changed[clip]["Facts"] != before[clip]["Facts"] for clip in before)
    annotate(run, [media], orders)  # back again: the old records are still there
    assert not calls(orders)
    assert content(run) == before
    annotate(run, [media], orders, look={"gain": 2.0})
    assert calls(orders) == {"look": 4, "think": 4, "ask": 4}


def test_a_clip_that_failed_is_not_counted_as_annotated(media: Path, orders: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    annotate(run, [media / "0.mp4", media / "1.mp4"], orders)
    failing = clip_of(run, "1.mp4").id
    (orders / f"think.raise.{failing}").touch()
    done = annotate(run, [], orders, think={"word": "stay"})
    assert (done.annotated, done.given_up, len(done.failures)) == (1, 1, 1)
    assert done.video_s == pytest.approx(1.0)


def test_a_run_among_the_videos_is_no_input(media: Path, orders: Path, tmp_path: Path) -> None:
    shutil.copy(media / "0.mp4", tmp_path / "mine.mp4")
    other = tmp_path / "a" / "other"
    annotate(other, [media / "1.mp4"], orders)
    for folder in (other / "overlays", tmp_path / "b"):
        folder.mkdir()
        shutil.copy(media / "1.mp4", folder / "x.mp4")
    found = ingest.expand([tmp_path])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["b/x.mp4", "mine.mp4"]
    assert ingest.expand([other]) == [other]  # reported as a folder without videos
    assert ingest.expand([other / "overlays"]) == [other / "overlays" / "x.mp4"]  # if somebody insists
    assert ingest.expand([tmp_path], tmp_path / "b") == [tmp_path / "mine.mp4"]


def test_an_empty_folder_fails_until_it_is_not_named_again(media: Path, orders: Path, tmp_path: Path) -> None:
    run, empty = tmp_path / "run", tmp_path / "empty"
    empty.mkdir()
    for _ in range(2):
        (failure,) = annotate(run, [media / "0.mp4", empty], orders).failures
        assert "is a folder without videos" in failure.message
    assert annotate(run, [], orders).failures  # tried again
    assert annotate(run, [media / "0.mp4"], orders).failures == ()
    assert annotate(run, [empty], orders).failures
    shutil.copy(media / "1.mp4", empty / "1.mp4")
    done = annotate(run, [], orders)  # it holds a video now
    assert (done.clips, done.annotated, done.failures) == (2, 1, ())


def test_one_more_video_costs_one_video(media: Path, orders: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    annotate(run, [media / "0.mp4", media / "1.mp4"], orders)
    calls(orders)
    assert annotate(run, [media / "2.mp4"], orders).clips == 3
    assert calls(orders) == {"look": 1, "think": 1, "ask": 1}
    annotate(run, [], orders, think={"word": "stay"})  # a run has one recipe: all clips follow
    assert calls(orders) == {"think": 3, "ask": 3}


def test_the_pictures_size_counts_and_the_number_of_workers_does_not(
    media: Path, orders: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    annotate(run, [media / "0.mp4"], orders)
    calls(orders)
    annotate(run, [media / "0.mp4"], orders, replace(RECIPE, run=RunSettings(workers=1, clip_timeout_s=9)))
    assert not calls(orders)
    annotate(run, [media / "0.mp4"], orders, replace(RECIPE, ingest=IngestSettings(max_side=24)))
    assert calls(orders) == {"look": 1, "think": 1, "ask": 1}
    annotate(run, [media / "0.mp4"], orders, replace(RECIPE, ingest=IngestSettings(samples_per_s=5)))
    assert calls(orders) == {"look": 1, "think": 1, "ask": 1}
    assert len(clip_of(run, "0.mp4").times_s) == 5


def test_long_videos_are_split_and_cut_anew_when_asked(orders: Path, tmp_path: Path) -> None:
    run, long = tmp_path / "run", run_stages.write_video(tmp_path / "long.mp4", 9, 2.5)
    annotate(run, [long], orders, replace(RECIPE, ingest=IngestSettings(max_clip_s=1.0)))
    with store.Run.open(run) as opened:
        clips = opened.clips()
    assert [len(clip.times_s) for clip in clips] == [9, 8, 8]
    assert clips[-1].end_s == pytest.approx(2.5)
    annotate(run, [long], orders)
    with store.Run.open(run) as opened:
        assert [len(clip.times_s) for clip in opened.clips()] == [25]


def test_same_content_twice_is_one_clip(media: Path, orders: Path, tmp_path: Path) -> None:
    first, copy = tmp_path / "a b ü.mp4", tmp_path / "z 日本.mp4"
    shutil.copy(media / "0.mp4", first)
    shutil.copy(media / "0.mp4", copy)
    run = tmp_path / "run"
    done = annotate(run, [copy, first, copy, first], orders)
    assert (done.clips, done.scanned) == (1, 2)
    assert calls(orders)["look"] == 1
    with store.Run.open(run) as opened:
        assert [clip.source for clip in opened.clips()] == [str(first)]
        assert sorted(opened.ledger.sources()) == [str(first), str(copy)]


def test_a_file_that_changes_gives_other_clips(media: Path, orders: Path, tmp_path: Path) -> None:
    file = tmp_path / "v.mp4"
    shutil.copy(media / "0.mp4", file)
    annotate(tmp_path / "run", [file], orders)
    before = content(tmp_path / "run")
    shutil.copy(media / "1.mp4", file)
    os.utime(file, ns=(1, 1))
    annotate(tmp_path / "run", [file], orders)
    after = content(tmp_path / "run")
    assert len(before) == len(after) == 1
    assert before.keys() != after.keys()


def test_a_deleted_source_keeps_its_clips(media: Path, orders: Path, tmp_path: Path) -> None:
    file, run = tmp_path / "v.mp4", tmp_path / "run"
    shutil.copy(media / "0.mp4", file)
    annotate(run, [file], orders)
    before = content(run)
    file.unlink()
    assert annotate(run, [media / "1.mp4"], orders).failures == ()
    failed = annotate(run, [file], orders).failures
    assert [(f.source, f.stage, f.error_type) for f in failed] == [(str(file), "ingest", "VideoError")]
    assert before.items() <= content(run).items()
    assert annotate(run, [media / "1.mp4"], orders).failures == ()  # nobody asks for it any more
    assert before.items() <= content(run).items()


def test_deleted_records_are_computed_again(media: Path, orders: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    annotate(run, [media], orders)
    before = content(run)
    calls(orders)
    shutil.rmtree(run / "records" / "Facts.lance")
    annotate(run, [media], orders)
    assert calls(orders) == {"think": 4}
    shutil.rmtree(run / "records" / "Clip.lance")
    annotate(run, [media], orders)
    assert not calls(orders)
    assert content(run) == before


def test_an_impossible_order_is_found_before_a_video_is_opened(orders: Path, tmp_path: Path) -> None:
    stages = run_stages.stages(orders)
    with (
        store.Run.create_or_open(tmp_path / "run", RECIPE) as run,
        pytest.raises(PipelineError, match="Think reads CameraMotion"),
    ):
        execute.annotate_all([Path("nothing.mp4")], run, RECIPE, stages={"think": stages["think"]})


# --- failures -----------------------------------------------------------------------------------------------


def test_a_failed_stage_costs_itself_and_what_follows(media: Path, orders: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    annotate(run, [media / "0.mp4"], orders)
    unlucky = clip_of(run, "0.mp4").id
    (orders / f"think.raise.{unlucky}").touch()
    done = annotate(run, [media], orders, think={"word": "stay"})
    (failure,) = done.failures
    assert (failure.clip_id, failure.stage, failure.error_type) == (unlucky, "think", "ValueError")
    assert failure.source == str(media / "0.mp4")
    assert "told to fail" in failure.message
    assert failure.attempts == 1
    with store.Run.open(run) as opened:
        # Its old questions rested on facts of other settings: they are no longer current.
        assert opened.records(unlucky).keys() == {Clip, CameraMotion}
        assert all(Questions in opened.records(clip.id) for clip in opened.clips() if clip.id != unlucky)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert any("told to fail" in event.get("trouble", {}).get("trace", "") for event in events)
    calls(orders)
    assert annotate(run, [media], orders, think={"word": "stay"}).failures[0].attempts == 2
    assert calls(orders) == {"think": 1}
    (orders / f"think.raise.{unlucky}").unlink()
    assert annotate(run, [media], orders, think={"word": "stay"}).failures == ()
    assert calls(orders) == {"think": 1, "ask": 1}


def test_a_worker_that_dies_costs_one_clip(media: Path, orders: Path, tmp_path: Path) -> None:
    run, alone = tmp_path / "run", tmp_path / "alone"
    annotate(alone, [media / "1.mp4"], orders)
    unlucky = clip_of(alone, "1.mp4").id
    (orders / f"think.kill.{unlucky}").touch()
    calls(orders)
    (failure,) = annotate(run, [media], orders).failures
    assert (failure.clip_id, failure.stage, failure.error_type) == (unlucky, "think", "WorkerDied")
    assert "SIGKILL" in failure.message
    assert calls(orders) == {"look": 4, "think": 4, "ask": 3}
    (orders / f"think.kill.{unlucky}").unlink()
    assert annotate(run, [media], orders).failures == ()
    assert calls(orders) == {"think": 1, "ask": 1}  # what came before the crash was kept


def test_a_hang_costs_one_clip(media: Path, orders: Path, tmp_path: Path) -> None:
    run, alone = tmp_path / "run", tmp_path / "alone"
    annotate(alone, [media / "2.mp4"], orders)
    unlucky = clip_of(alone, "2.mp4").id
    (orders / f"ask.hang.{unlucky}").touch()
    calls(orders)
    settings = replace(RECIPE, run=RunSettings(workers=2, clip_timeout_s=2, timeout_per_s=1))
    (failure,) = annotate(run, [media], orders, settings).failures
    assert (failure.clip_id, failure.stage, failure.error_type) == (unlucky, "ask", "Timeout")
    assert "3 s; raise run.clip_timeout_s" in failure.message
    (orders / f"ask.hang.{unlucky}").unlink()
    calls(orders)
    assert annotate(run, [media], orders, settings).failures == ()
    assert calls(orders) == {"ask": 1}


def test_workers_that_cannot_start_are_an_error_and_not_a_loop(
    media: Path, tmp_path: Path, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute.worker, "start", run_stages.die)
    with pytest.raises(KinescribeError, match="worker processes die"):
        annotate(tmp_path / "run", [media], orders)


def audio_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_bad_files_are_named_with_their_reason_and_the_rest_is_done(
    media: Path, orders: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "text.mp4").write_text("This is no video.\n" * 100)
    (bad / "zero.mp4").touch()
    (bad / "folder").mkdir()
    audio_only(bad / "audio.mp4")
    whole = (media / "1.mp4").read_bytes()
    (bad / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (bad / "head.mp4").write_bytes(whole[:300])
    names = ["text.mp4", "zero.mp4", "folder", "audio.mp4", "cut.mp4", "head.mp4", "missing.mp4"]
    run = tmp_path / "run"
    done = annotate(run, [media / "0.mp4", *(bad / name for name in names)], orders)
    why = {Path(failure.source).name: failure for failure in done.failures}
    expected = {
        "text.mp4": "not a video",
        "zero.mp4": "zero bytes",
        "folder": "folder without videos",
        "audio.mp4": "no video stream",
        "head.mp4": "",
        "missing.mp4": "no such file",
    }
    assert {name for name in names if name in why} - {"cut.mp4"} == expected.keys()
    for name, words in expected.items():
        assert words in why[name].message, why[name].message
        assert (why[name].clip_id, why[name].stage, why[name].error_type) == (None, "ingest", "VideoError")
    with store.Run.open(run) as opened:
        good = {Path(clip.source).name: clip for clip in opened.clips()}
        assert opened.records(good["0.mp4"].id).keys() == {Clip, CameraMotion, Facts, Questions}
        # Half a file whose index is at the front is a shorter video.
        assert 0 < good["cut.mp4"].num_frames < 10
    again = annotate(run, [media / "0.mp4", *(bad / name for name in names)], orders)
    assert {f.attempts for f in again.failures} == {2}
    # A name that was mistyped is forgotten when it is not typed again.
    last = annotate(run, [media / "0.mp4"], orders)
    assert {Path(f.source).name for f in last.failures} == expected.keys() - {"missing.mp4", "folder"}


def test_a_name_that_is_not_text_is_refused_and_named(media: Path, orders: Path, tmp_path: Path) -> None:
    try:
        shutil.copy(media / "0.mp4", os.fsencode(tmp_path) + b"/b\xe4d.mp4")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    run = tmp_path / "run"
    (failure,) = annotate(run, [tmp_path, media / "1.mp4"], orders).failures
    assert failure.source == str(tmp_path / "b\\udce4d.mp4")
    assert "rename it" in failure.message
    assert len(content(run)) == 1


def test_a_run_among_its_videos_does_not_eat_its_own_overlays(
    media: Path, orders: Path, tmp_path: Path
) -> None:
    shutil.copy(media / "0.mp4", tmp_path / "0.mp4")
    run = tmp_path / "run"
    annotate(run, [tmp_path], orders)
    (run / "overlays").mkdir()
    shutil.copy(media / "1.mp4", run / "overlays" / "1.mp4")
    assert annotate(run, [tmp_path], orders).clips == 1


# --- stops --------------------------------------------------------------------------------------------------


def start_driver(run: Path, orders: Path, media: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.run_stages", str(run), str(orders), str(media)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE)


def workers(orders: Path) -> set[int]:
    """Process ids of the workers that were seen at work."""
    file = orders / "calls"
    lines = file.read_text().splitlines() if file.exists() else []
    return {int(line.split()[2]) for line in lines if len(line.split()) == 3}


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z" if stat.parent.parent.exists() else False
    except OSError:
        return False


@pytest.fixture(scope="session")
def undisturbed(media: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "orders").mkdir()
    annotate(folder / "run", [media], folder / "orders")
    return content(folder / "run")


@pytest.mark.parametrize("moment", ["look", "think", "ask"])
def test_a_killed_driver_resumes_to_the_same_records(
    moment: str, media: Path, orders: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    run = tmp_path / "run"
    for stage in ("look", "think", "ask"):
        (orders / f"{stage}.slow").touch()
    driver = start_driver(run, orders, media)
    wait_for(lambda: (orders / "calls").exists() and f"{moment} " in (orders / "calls").read_text())
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    seen = workers(orders)
    wait_for(lambda: not any(map(alive, seen)), 20)  # no orphans
    for file in orders.iterdir():
        if file.suffix == ".slow":
            file.unlink()
    finished = sum(1 for _ in (run / "spool").glob("*.arrow"))
    calls(orders)
    done = annotate(run, [media], orders)
    assert done.failures == ()
    assert calls(orders).total() <= 12 - finished  # what lay in the spool was taken over
    assert content(run) == undisturbed
    assert not list((run / "spool").iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_so_keeps_what_it_has_and_resumes(
    number: int, media: Path, orders: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    run = tmp_path / "run"
    (orders / "think.hang").touch()  # in C: the worker does not hear SIGTERM
    driver = start_driver(run, orders, media)
    wait_for(lambda: (orders / "calls").exists() and (orders / "calls").read_text().count("think") == 2)
    os.killpg(driver.pid, number) if number == signal.SIGINT else os.kill(driver.pid, number)
    _, said = driver.communicate(timeout=30)
    assert driver.returncode == 130, said
    assert b"Traceback" not in said
    assert not any(map(alive, workers(orders)))
    calls(orders)
    with store.Run.open(run) as opened:
        kept = sum(opened.record(clip.id, CameraMotion) is not None for clip in opened.clips())
        assert kept == 2
        assert opened.failures() == []
    (orders / "think.hang").unlink()
    annotate(run, [media], orders)
    assert calls(orders) == {"look": 2, "think": 4, "ask": 4}
    assert content(run) == undisturbed


def test_two_writers_are_told(media: Path, orders: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    run = tmp_path / "run"
    (orders / "look.wait").touch()
    driver = start_driver(run, orders, media)
    wait_for(lambda: (orders / "calls").exists())
    with pytest.raises(StoreError, match=f"being written by process {driver.pid} on"):
        annotate(run, [media], orders)
    with store.Run.open(run) as opened:  # a reader neither waits nor disturbs
        assert opened.failures() == []
        (orders / "look.wait").unlink()
        driver.communicate(timeout=60)
        assert driver.returncode == 0
        # A run opened before its records came sees them, as soon as the ledger does.
        assert [bits_of(opened.record(clip, Facts)) for clip in undisturbed] == [
            records["Facts"] for records in undisturbed.values()
        ]
    assert content(run) == {
        key: {**value, "Clip": content(run)[key]["Clip"]} for key, value in undisturbed.items()
    }


def test_a_recipe_is_kept_with_the_run(media: Path, orders: Path, tmp_path: Path) -> None:
    settings = recipe.load(None, ["ingest.max_side=64", "run.workers=2"])
    annotate(tmp_path / "run", [media / "0.mp4"], orders, settings)
    with store.Run.open(tmp_path / "run") as opened:
        assert opened.recipe == settings
