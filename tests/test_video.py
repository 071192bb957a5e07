"""The door: true times, upright pictures, clear errors, and what the decoder does with nasty files."""

from __future__ import annotations

from dataclasses import replace
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


def test_a_scan_that_nobody_looks_at_finds_the_same_frames(tmp_path):
    path = write(tmp_path / "a.mp4", np.arange(40) / 30)
    path.write_bytes(path.read_bytes()[:-700])  # breaks before its end
    shown: list[float] = []
    looked, swift = video.scan(path, lambda time_s, image: shown.append(time_s)), video.scan(path)
    assert swift.times_s.tolist() == looked.times_s.tolist() == shown
    assert (swift.notes, swift.shapes) == (looked.notes, looked.shapes)


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


# --- what may be wrong with a file --------------------------------------------------------------------------


def pattern(k: int, size: tuple[int, int] = (160, 96)) -> np.ndarray:
    """A picture that tells its number: bright columns, one per bit, over a level that changes."""
    image = np.full((size[1], size[0], 3), 40 + k % 7, np.uint8)
    for bit in range(10):
        if k >> bit & 1:
            image[:, 16 * bit : 16 * bit + 16] = 220
    return image


def number_of(image: np.ndarray) -> int:
    columns = image.mean(axis=(0, 2)).reshape(10, 16).mean(axis=1)
    return int(sum(1 << bit for bit in range(10) if columns[bit] > 130))


def write_as(
    path: Path, codec: str, count: int = 200, rate: int = 25, options: dict[str, str] | None = None
) -> Path:
    """A video of numbered pictures in any container, with the codec's own frame order."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = 160, 96
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 4_000_000
        for k in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(k), format="rgb24")))
        container.mux(stream.encode())
    return path


CONTAINERS = {
    "mp4 with B frames": ("v.mp4", "libx264", {"g": "40", "bf": "3", "b_strategy": "0"}),
    "mp4 with open groups": ("v.mp4", "libx264", {"x264-params": "keyint=30:bframes=3:open-gop=1"}),
    "mp4 with one key frame": ("v.mp4", "libx264", {"g": "9999"}),
    "mkv": ("v.mkv", "libx264", {"g": "40", "bf": "2"}),
    "ts": ("v.ts", "libx264", {"g": "40", "bf": "2"}),
    "avi": ("v.avi", "mpeg4", {"g": "30"}),
    "avi with B frames, no times": ("v.avi", "mpeg4", {"g": "30", "bf": "2"}),
    "mpg": ("v.mpg", "mpeg2video", {"g": "15", "bf": "2"}),
    "webm": ("v.webm", "libvpx", {"g": "40", "deadline": "realtime"}),
    "mov of whole pictures": ("v.mov", "mjpeg", {}),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_clip_from_the_middle_has_the_pictures_of_a_full_pass(name, tmp_path):
    file, codec, options = CONTAINERS[name]
    path = write_as(tmp_path / file, codec, options=options)
    source = video.scan(path)
    whole = video.make_clip(source, 0, 10, 1000)
    at = {round(f.time_s, 6): number_of(f.image) for f in video.VideoFrames(whole)}
    if name == "mpg":
        assert len(at) >= 190, "FFmpeg writes some times twice"
    else:
        np.testing.assert_allclose(source.times_s, np.arange(200) / 25, atol=2e-3)
        assert list(at.values()) == list(range(200))
    for start_s in (0.5, 3.18, 5.0, 7.6):
        clip = video.make_clip(source, start_s, start_s + 0.5, 1000)
        assert 9 <= len(clip.times_s) <= 13
        shown = [number_of(f.image) for f in video.VideoFrames(clip)]
        assert shown == [at[round(clip.start_s + t, 6)] for t in clip.times_s.tolist()]


def test_seeking_reads_a_small_part_of_a_long_file(tmp_path, monkeypatch):
    source = video.scan(write_as(tmp_path / "v.mp4", "libx264", 1000, options={"g": "25", "bf": "2"}))
    clip = video.make_clip(source, 36.0, 37.0, 10)
    decoded = 0
    pictures = video._Reading.pictures

    def counted(self):
        nonlocal decoded
        for frame in pictures(self):
            decoded += 1
            yield frame

    monkeypatch.setattr(video._Reading, "pictures", counted)
    assert [number_of(f.image) for f in video.VideoFrames(clip)] == [900 + int(i) for i in clip.frame_indices]
    assert decoded < 100, "one group of pictures before the clip at most, not 36 seconds"


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_pictures_that_nothing_needs_are_not_decoded_and_the_samples_stay_the_same(
    tmp_path, monkeypatch, codec
):
    options = {"bf": "3", "g": "50", "x265-params": "bframes=3:b-pyramid=0:log-level=none"}
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    source = video.scan(write_as(tmp_path / "v.mp4", codec, 100, options=options))
    clip = video.make_clip(source, 0.0, 4.0, 5)
    pictures, decoded = video._Reading.pictures, []

    def counted(self):
        for frame in pictures(self):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(video._Reading, "pictures", counted)
    spared = [f.image for f in video.VideoFrames(clip)]
    few, decoded[:] = len(decoded), []
    whole = [f.image for f in video.VideoFrames(replace(clip, notes=("damaged somewhere",)))]
    assert few <= 0.85 * len(decoded)
    np.testing.assert_array_equal(spared, whole)


def test_where_the_times_of_pictures_are_missing_sparing_is_given_up(tmp_path, monkeypatch):
    source = video.scan(write_as(tmp_path / "v.mp4", "libx264", 60, options={"bf": "2", "g": "30"}))
    clip = video.make_clip(source, 0.0, 2.0, 5)
    expected = [f.image for f in video.VideoFrames(clip)]
    monkeypatch.setattr(
        video._Reading, "_is_asked", lambda self, at_s: at_s < 1
    )  # as false times would have it
    np.testing.assert_array_equal([f.image for f in video.VideoFrames(clip)], expected)


def test_an_edit_list_that_leaves_out_the_beginning_is_no_damage(tmp_path):
    # Muxed with times that begin before zero, MP4 keeps the frames and hides them by an edit list.
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "50", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for k in range(60):
            frame = av.VideoFrame.from_ndarray(pattern(k), format="rgb24")
            frame.pts = k - 10
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    source = video.scan(path)
    assert len(source.times_s) == 50
    assert source.notes == ()
    clip = video.make_clip(source, 1.0, 2.0, 25)
    assert [number_of(f.image) for f in video.VideoFrames(clip)] == list(range(35, 60))


def sized(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """An MPEG-TS stream whose picture size changes every ten frames: the streams of several encoders in a row."""
    data = b""
    for i, size in enumerate(sizes):
        part = path.with_name(f"part{i}.ts")
        with av.open(str(part), "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=10, options={"bf": "0"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for k in range(10):
                image = np.full((size[1], size[0], 3), 20 * i + 10, np.uint8)
                image[:, : size[0] // 2] = 200
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts = 10 * i + k
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        data += part.read_bytes()
    path.write_bytes(data)
    return path


def test_pictures_that_change_size_are_told_and_scaled(tmp_path):
    source = video.scan(sized(tmp_path / "v.ts", [(320, 180), (640, 360), (160, 90)]))
    assert len(source.shapes) == 1, "the aspect ratio is the same throughout"
    assert any("changes the size" in note and "640 x 360 from 1.00 s" in note for note in source.notes)
    clip = video.make_clip(source, 0, 3.0, 10)
    images = [f.image for f in video.VideoFrames(clip)]
    assert {i.shape for i in images} == {(180, 320, 3)}
    edges = [int(np.argmax(np.diff(i[90, :, 0].astype(int)) < -60)) for i in images]
    assert max(edges) - min(edges) <= 2, "what is in the middle stays in the middle"


def test_a_new_aspect_ratio_is_a_new_shape(tmp_path):
    source = video.scan(sized(tmp_path / "v.ts", [(320, 180), (180, 320)]))
    assert [shape[1:] for shape in source.shapes] == [(320, 180), (180, 320)]
    assert source.shapes[1].start_s == pytest.approx(1.0, abs=0.01)
    late = video.make_clip(source, source.shapes[1].start_s, 3.0, 10)
    assert (late.width, late.height) == (180, 320)
    assert next(iter(video.VideoFrames(late))).image.shape == (320, 180, 3)


def test_a_cover_picture_is_no_video(tmp_path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=44100)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(
            cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24"))
        )
        container.mux(cover.encode())
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(VideoError, match="no video stream"):
        video.scan(path)


def test_after_damage_the_rest_is_read_from_the_next_key_frame(tmp_path):
    path = write_as(tmp_path / "v.mkv", "libx264", 150, options={"g": "25", "bf": "0", "sc_threshold": "0"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    at = data.find(bytes(packets[60]))
    assert at > 0
    data[at : at + packets[60].size] = b"\xff" * packets[60].size
    path.write_bytes(bytes(data))
    source = video.scan(path)
    assert any("cannot be decoded after 2.36 s, up to the next key frame" in note for note in source.notes)
    gap = np.arange(60, 75) / 25
    np.testing.assert_allclose(source.times_s, np.setdiff1d(np.arange(150) / 25, gap), atol=2e-3)
    for start_s in (0.0, 2.0, 4.0):  # the same pictures, whether sought or passed through
        clip = video.make_clip(source, start_s, 6.0, 25)
        shown = [number_of(f.image) for f in video.VideoFrames(clip)]
        assert shown == [round((clip.start_s + t) * 25) for t in clip.times_s]


def test_too_large_pictures_are_refused_before_memory_is_taken(tmp_path, monkeypatch):
    path = write_as(tmp_path / "v.mp4", "libx264", 5)
    monkeypatch.setattr(video, "MAX_PIXELS", 160 * 96 - 1)
    with pytest.raises(VideoError, match="160 x 96, more than"):
        video.scan(path)


def test_broken_timestamps_years_apart_cost_nothing():
    times = np.array([0.0, 0.1, 1e11, 1e11 + 0.1])
    assert video.sample_indices(times, 10.0).tolist() == [0, 1, 2, 3]


def test_the_same_pictures_are_encoded_to_the_same_bytes(tmp_path: Path) -> None:
    """Also while memory fills with other things: an encoder that reads what nobody has set writes other bytes."""
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 255, (180, 320, 3), dtype=np.uint8)
    frames = [(k / 10, np.roll(grain, 3 * k, axis=1)) for k in range(30)]
    written = []
    for k in range(4):
        waste = [np.full(1 << 20, k + n, np.uint8) for n in range(20)]
        video.encode(tmp_path / "a.mp4", frames, (320, 180))
        written.append((tmp_path / "a.mp4").read_bytes())
        del waste
    assert len(set(written)) == 1
