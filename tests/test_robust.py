"""Whatever a file holds, it ends in frames or in an error that says what is wrong; nothing false is said of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from kinescribe import recipe, video
from kinescribe.errors import VideoError
from kinescribe.records import CameraMotion, Captions, Clip, Events, Facts, Questions, Tracks, Verdicts
from kinescribe.runs import execute, ingest, store
from kinescribe.stages.camera import MeasureCamera
from tests import run_stages
from tests.test_video import sized, write_as

SETTINGS = recipe.IngestSettings()
SPLIT = recipe.IngestSettings(split_at_cuts=True)
OFFLINE = ["detect.people=", "run.workers=1"]
"""No person nets: they may not be on this machine."""


def frames_or_error(path: Path, settings: recipe.IngestSettings = SETTINGS) -> list[Clip] | str:
    """Bring a file through the door and look at every sample; any exception but a VideoError fails the test."""
    try:
        clips = ingest.clips_of(path, settings)
    except VideoError as error:
        told = str(error)
    else:
        told = ""
    if told:
        assert str(path) in told
        assert len(told) > len(str(path)) + 15, "says what is wrong"
        return told
    for clip in clips:
        assert (np.diff(clip.times_s) > 0).all()
        samples = list(video.VideoFrames(clip, max_side=160))
        assert len(samples) == len(clip.times_s), path
        assert all(s.image.dtype == np.uint8 and s.image.ndim == 3 for s in samples)
    return clips


# --- the files that other projects keep for this ------------------------------------------------------------


def test_every_nasty_file_ends_in_frames_or_in_an_error_that_says_what_is_wrong(
    shared: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads((shared / "robust" / "expected_pyav18.json").read_text())
    files = [
        p for p in sorted((shared / "robust").rglob("*")) if p.is_file() and p.suffix not in (".md", ".json")
    ]
    assert len(files) > 100
    for path in files:
        known = expected[str(path.relative_to(shared))]
        found = frames_or_error(path)
        frames = 0 if isinstance(found, str) else sum(clip.num_frames for clip in found)
        if "dec_err" in known:  # we read on where the decoder's first error ends a plain pass
            assert frames >= known["n"], path
        else:
            assert frames == known.get("n", 0), path
        if frames and "dec_err" not in known:
            assert not isinstance(found, str)
            turned = known["rot"] % 180 == 90
            assert (found[0].width, found[0].height) == tuple(known["wh_last"])[:: -1 if turned else 1], path
            assert found[0].notes == (), path
    assert capfd.readouterr().err == "", "decoders are kept from talking"


def test_every_ordinary_video_gives_all_its_frames_without_a_note(shared: Path) -> None:
    for path in sorted((shared / "videos").rglob("*")):
        if path.is_file() and path.suffix != ".md":
            source = video.scan(path)
            assert len(source.times_s) > 20, path
            assert source.notes == (), path


# --- files of our own ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small videos in several containers, by ending."""
    folder = tmp_path_factory.mktemp("whole")
    made = {
        ".mp4": write_as(folder / "v.mp4", "libx264", 60, options={"g": "20", "bf": "2"}),
        ".mkv": write_as(folder / "v.mkv", "libx264", 60, options={"g": "20", "bf": "2"}),
        ".avi": write_as(folder / "v.avi", "mpeg4", 60, options={"g": "20", "bf": "2"}),
        ".ts": write_as(folder / "v.ts", "mpeg2video", 60, options={"g": "12"}),
        ".webm": write_as(folder / "v.webm", "libvpx", 60, options={"deadline": "realtime"}),
        ".gif": gif(folder / "v.gif"),
    }
    return {ending: path.read_bytes() for ending, path in made.items()}


def gif(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb8"
        for k in range(20):
            image = np.full((48, 64, 3), 10 * k, np.uint8)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="rgb8"))
            )
        container.mux(stream.encode())
    return path


ENDINGS = (".mp4", ".mkv", ".avi", ".ts", ".webm", ".gif")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_cut_off_anywhere(ending: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    data, got = whole[ending], []
    for share in (0.001, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 0.999):
        path = tmp_path / f"{share}{ending}"
        path.write_bytes(data[: max(1, int(share * len(data)))])
        found = frames_or_error(path)
        got.append(0 if isinstance(found, str) else sum(clip.num_frames for clip in found))
    assert got[0] == 0
    assert got == sorted(got), "more of the file never gives less"
    if ending != ".mp4":  # whose table of contents stands at the end
        assert got[-2] > got[3] > 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ending", ENDINGS)
def test_flipped_bits(ending: str, seed: int, whole: dict[str, bytes], tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    data = np.frombuffer(whole[ending], np.uint8).copy()
    number = int(10 ** rng.uniform(0, 2.5))
    data[rng.integers(0, len(data), number)] ^= rng.integers(1, 256, number).astype(np.uint8)
    path = tmp_path / f"v{ending}"
    path.write_bytes(data.tobytes())
    frames_or_error(path, SPLIT)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits_in_the_table_of_contents(seed: int, whole: dict[str, bytes], tmp_path: Path) -> None:
    """Sizes, counts and offsets of an MP4 file: where a header can promise anything."""
    rng = np.random.default_rng(seed)
    data = np.frombuffer(whole[".mp4"], np.uint8).copy()
    start = whole[".mp4"].index(b"moov")
    for _ in range(5):
        data[rng.integers(start, len(data))] = rng.choice([0, 127, 255])
    path = tmp_path / "v.mp4"
    path.write_bytes(data.tobytes())
    frames_or_error(path)


def test_a_header_that_promises_65535_pixels_takes_no_memory(whole: dict[str, bytes], tmp_path: Path) -> None:
    data = bytearray(whole[".mp4"])
    at = data.index(b"avc1", data.index(b"stsd"))
    assert data[at + 28 : at + 32] == bytes([0, 160, 0, 96])
    data[at + 28 : at + 32] = b"\xff\xff\xff\xff"
    path = tmp_path / "v.mp4"
    path.write_bytes(bytes(data))
    (clip,) = ingest.clips_of(path, SETTINGS)  # the stream itself knows better
    assert (clip.width, clip.height, clip.num_frames) == (160, 96, 60)
    begin = data.index(b"mdat") + 4
    length = int.from_bytes(data[begin - 8 : begin - 4], "big") - 8
    data[begin : begin + length] = bytes(length)
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match="no frame can be decoded"):
        video.scan(path)


def test_a_wrong_ending_does_no_harm(whole: dict[str, bytes], tmp_path: Path) -> None:
    for ending in ENDINGS:
        path = tmp_path / f"v{ending}.txt"
        path.write_bytes(whole[ending])
        found = frames_or_error(path)
        assert not isinstance(found, str)
        assert sum(clip.num_frames for clip in found) == (20 if ending == ".gif" else 60)


def test_a_header_without_pictures_says_so(whole: dict[str, bytes], tmp_path: Path) -> None:
    """As fragmented streams begin: a table of contents and nothing else."""
    data = whole[".mp4"]
    path = tmp_path / "v.mp4"
    path.write_bytes(data[: data.index(b"mdat") - 4] + data[data.index(b"moov") - 4 :])
    assert "no pictures" in str(frames_or_error(path)) or "no frame" in str(frames_or_error(path))


# --- the whole way ------------------------------------------------------------------------------------------


def written(path: Path, images: Iterator[np.ndarray], size: tuple[int, int] = (160, 120)) -> Path:
    video.encode(path, ((k / 10, image) for k, image in enumerate(images)), size)
    return path


def room() -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.clip(np.kron(rng.normal(120, 40, (15, 20, 3)), np.ones((8, 8, 1))), 0, 255).astype(np.uint8)


def noisy(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 2, (120, 160, 3))
    return np.clip(room() + noise, 0, 255).astype(np.uint8)


QUIET: dict[str, Callable[[Path], Path]] = {
    "black": lambda p: written(p, (np.zeros((120, 160, 3), np.uint8) for _ in range(30))),
    "one frame": lambda p: written(p, (room() for _ in range(1))),
    "two frames": lambda p: written(p, (room() for _ in range(2))),
    "nothing moves": lambda p: written(p, (noisy(k) for k in range(40))),
    "two by two": lambda p: written(p, (np.zeros((2, 2, 3), np.uint8) for _ in range(20)), (2, 2)),
    "changes size": lambda p: sized(p.with_suffix(".ts"), [(320, 180), (640, 360), (180, 320)]),
}


@pytest.mark.parametrize("name", QUIET)
def test_where_nothing_happens_nothing_is_said_to(name: str, tmp_path: Path) -> None:
    chosen = recipe.load("offline", OFFLINE)
    path = QUIET[name](tmp_path / "v.mp4")
    with store.Run.create_or_open(tmp_path / "run", chosen) as run:
        done = execute.annotate_all([path], run, chosen)
        assert done.failures == ()
        assert len(run.clips()) == (2 if name == "changes size" else 1)
        for clip in run.clips():
            records = run.records(clip.id)
            assert {CameraMotion, Tracks, Events, Facts, Captions, Verdicts, Questions} <= records.keys()
            assert [fact for fact in records[Facts].facts if fact.predicate != "stay"] == []
            assert not [v for v in records[Verdicts].verdicts if v.holds is False]
            assert not any(word in MOVING for word in records[CameraMotion].labels)


MOVING = ("pan_left", "pan_right", "tilt_up", "tilt_down", "zoom_in", "zoom_out", "dolly_in", "handheld")


def test_clips_over_the_gate_are_dropped_recorded_and_taken_up_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wall = np.kron(rng.normal(120, 40, (30, 120, 3)), np.ones((6, 6, 1)))
    wall = np.clip(wall, 0, 255).astype(np.uint8)
    panning = written(tmp_path / "pan.mp4", (wall[20:140, 9 * k : 9 * k + 160] for k in range(40)))
    still = written(tmp_path / "still.mp4", (noisy(k) for k in range(40)))
    orders = tmp_path / "orders"
    orders.mkdir()
    settings = recipe.Recipe(run=recipe.RunSettings(workers=1))

    def annotate(drop_above: float | None) -> tuple[execute.Summary, dict[str, set[str]], int]:
        chosen = {**run_stages.stages(orders), "camera": MeasureCamera(drop_above=drop_above)}
        stages = {name: chosen[name] for name in ("camera", "think", "ask")}
        with store.Run.create_or_open(tmp_path / "run", settings) as run:
            done = execute.annotate_all([panning, still], run, settings, stages=stages)
            held = {
                Path(clip.source).stem: {kind.__name__ for kind in run.records(clip.id)}
                for clip in run.clips()
            }
            calls = (orders / "calls").read_text().splitlines() if (orders / "calls").exists() else []
            (orders / "calls").unlink(missing_ok=True)
            assert run.failures() == []
            return done, held, len(calls)

    everything = {"Clip", "CameraMotion", "Facts", "Questions"}
    done, held, calls = annotate(0.1)
    assert [(Path(d.source).stem, d.stage) for d in done.dropped] == [("pan", "camera")]
    assert "is above camera.drop_above = 0.1" in done.dropped[0].why
    assert (done.clips, done.annotated, done.given_up) == (2, 2, 0)
    assert held == {"pan": {"Clip", "CameraMotion"}, "still": everything}
    assert calls == 2, "think and ask, of the still clip alone"
    done, _, calls = annotate(0.1)
    assert (done.annotated, len(done.dropped), calls) == (0, 1, 0)
    done, held, calls = annotate(None)
    assert (done.dropped, calls) == ((), 2)
    assert held == {"pan": everything, "still": everything}
    done, held, calls = annotate(0.2)  # what was measured meanwhile is kept on disk, but is not current
    assert (len(done.dropped), held["pan"], calls) == (1, {"Clip", "CameraMotion"}, 0)
    done, held, calls = annotate(None)
    assert (done.dropped, held["pan"], calls) == ((), everything, 0)
    shutil.rmtree(tmp_path / "run")
