"""The door: true times, upright pictures, clear errors, and what the decoder does with nasty files."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe import video
from kinescribe.errors import VideoError


def write(path: Path, times: np.ndarray, size: tuple[int, int] = (64, 48)) -> Path:
    """A video whose frame k is a grey picture of level 10 k."""
    frames = (
        (float(t), np.full((size[1], size[0], 3), 10 * (k % 25), np.uint8)) for k, t in enumerate(times)
    )
    video.encode(path, frames, size, crf=0)
    return path


def test_times_are_presentation_times_of_a_variable_frame_rate(tmp_path):
    times = np.array([0, 0.04, 0.08, 0.2, 0.24, 1.0, 1.04, 1.5])
    source = video.scan(write(tmp_path / "v.mp4", times))
    np.testing.assert_allclose(source.times_s, times, atol=1e-4)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    np.testing.assert_allclose(clip.times_s, times[clip.frame_indices], atol=1e-4)


def test_frames_are_the_ones_the_clip_names(tmp_path):
    source = video.scan(write(tmp_path / "v.mp4", np.arange(0, 2, 1 / 24)))
    clip = video.make_clip(source, 0.5, 1.5, 8)
    frames = list(video.VideoFrames(clip))
    first = int(np.flatnonzero(source.times_s >= 0.5)[0])
    levels = [round(float(f.image.mean()) / 10) for f in frames]
    assert levels == [(first + int(i)) % 25 for i in clip.frame_indices]
    assert [f.sample for f in frames] == list(range(len(clip.times_s)))
    assert clip.start_s == pytest.approx(0.5, abs=1 / 24)
    assert clip.num_frames == 24


def test_iterating_twice_gives_the_same_with_and_without_memory(tmp_path):
    source = video.scan(write(tmp_path / "v.mp4", np.arange(0, 1, 1 / 25)))
    clip = video.make_clip(source, 0, 1, 10)
    kept, streamed = video.VideoFrames(clip, keep_mb=10), video.VideoFrames(clip, keep_mb=0)
    passes = [np.stack([f.image for f in frames]) for frames in (kept, kept, streamed, streamed)]
    for other in passes[1:]:
        np.testing.assert_array_equal(passes[0], other)


def test_big_pictures_are_scaled_and_say_so(tmp_path):
    source = video.scan(write(tmp_path / "v.mp4", np.arange(3) / 10, size=(400, 200)))
    (frame, *_) = video.VideoFrames(video.make_clip(source, 0, 1, 10), max_side=100)
    assert frame.image.shape == (50, 100, 3)
    assert frame.scale == 4.0


@given(st.lists(st.floats(0.002, 0.5), min_size=1, max_size=80), st.floats(1, 40))
def test_sampling_takes_the_nearest_frame_to_a_regular_grid(gaps, rate):
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    picked = video.sample_indices(times, rate)
    assert picked[0] == 0
    assert (np.diff(picked) > 0).all()
    for k in range(int(times[-1] * rate) + 1):
        distance = np.abs(times - k / rate)
        assert distance[picked].min() <= distance.min() + 1e-9


def test_a_source_slower_than_the_rate_gives_every_frame():
    assert video.sample_indices(np.arange(10) / 5, 10).tolist() == list(range(10))


def test_ids_follow_the_content_not_the_name(tmp_path):
    one = write(tmp_path / "a.mp4", np.arange(5) / 10)
    two = tmp_path / "b c é.mp4"
    two.write_bytes(one.read_bytes())
    clips = [video.make_clip(video.scan(p), 0, 1, 10) for p in (one, two)]
    assert clips[0].id == clips[1].id
    assert clips[0].id != video.make_clip(video.scan(one), 0, 0.3, 10).id


def test_encoding_keeps_the_times(tmp_path):
    times = np.array([0, 0.1, 0.15, 0.6])
    with av.open(str(write(tmp_path / "v.mp4", times, size=(65, 49)))) as container:
        frames = list(container.decode(video=0))
    np.testing.assert_allclose([f.time - frames[0].time for f in frames], times, atol=1e-4)
    assert (frames[0].width, frames[0].height) == (64, 48)
    assert not list(tmp_path.glob("*.part"))


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_bytes(b""), "empty"),
        (lambda p: p.write_text("not a video\n" * 50), "cannot be opened|not a video"),
        (audio_only, "no video stream"),
    ],
    ids=["missing", "folder", "zero bytes", "text", "audio"],
)
def test_bad_input_is_a_clear_error(tmp_path, make, words):
    path = tmp_path / "x.mp4"
    make(path)
    with pytest.raises(VideoError, match=words) as caught:
        video.scan(path)
    assert str(path) in str(caught.value)


def test_a_truncated_file_gives_its_beginning_and_a_note(tmp_path):
    whole = write(tmp_path / "v.mp4", np.arange(60) / 20, size=(320, 240))
    cut = tmp_path / "cut.mp4"
    data = whole.read_bytes()
    cut.write_bytes(data[: int(len(data) * 0.75)])
    source = video.scan(cut)
    assert 5 < len(source.times_s) < 60
    assert any("damaged or cut off" in note or "cannot be decoded" in note for note in source.notes)
    clip = video.make_clip(source, 0, source.duration_s, 10)
    assert len(list(video.VideoFrames(clip))) == len(clip.times_s)


def test_a_file_that_changed_after_ingest_is_an_error_not_other_data(tmp_path):
    path = write(tmp_path / "v.mp4", np.arange(40) / 20)
    clip = video.make_clip(video.scan(path), 0, 2, 10)
    write(path, np.arange(10) / 20)
    with pytest.raises(VideoError, match="changed"):
        list(video.VideoFrames(clip))


def test_every_nasty_file_ends_in_frames_or_in_an_error_that_says_what_is_wrong(shared):
    expected = json.loads((shared / "robust" / "expected_pyav18.json").read_text())
    checked = 0
    for name, known in expected.items():
        path = shared / name
        if not path.exists():
            continue
        checked += 1
        if known.get("n"):
            source = video.scan(path)
            assert len(source.times_s) == known["n"], name
            clip = video.make_clip(source, 0, source.duration_s + 1, 10)
            assert len(list(video.VideoFrames(clip))) == len(clip.times_s), name
        else:
            with pytest.raises(VideoError):
                video.scan(path)
    assert checked > 60
