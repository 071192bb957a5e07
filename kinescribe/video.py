"""Decode with true timestamps, sample by time, encode: all that touches a codec (PyAV / FFmpeg).

A ``Frames`` is what pixel stages iterate over. ``VideoFrames`` decodes a clip's samples in one pass, as often
as it is iterated, and keeps them in memory only up to a budget, so that memory stays flat for long videos.
Tests and worlds use ``ArrayFrames``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import av
import numpy as np
from jaxtyping import Float, Int, UInt8

from kinescribe.errors import VideoError
from kinescribe.records import Clip

SAME_INSTANT_S = 1e-4
"""Presentation times closer than this are the same frame; 1000 fps is the fastest source we know."""


class Frame(NamedTuple):
    """One sample of a clip."""

    sample: int
    """Position on the T axis."""
    time_s: float
    image: UInt8[np.ndarray, "H W 3"]
    """RGB, upright."""
    scale: float
    """Clip pixels per image pixel: multiply image coordinates by it before they enter a record."""


@runtime_checkable
class Frames(Protocol):
    """The samples of a clip, in time order; may be iterated many times."""

    def __iter__(self) -> Iterator[Frame]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class ArrayFrames:
    """Frames that are already in memory (tests, worlds, images)."""

    images: UInt8[np.ndarray, "T H W 3"]
    times_s: Float[np.ndarray, "T"]
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Frame]:
        for i, (time_s, image) in enumerate(zip(self.times_s, self.images, strict=True)):
            yield Frame(i, float(time_s), image, self.scale)


@dataclass(frozen=True, eq=False)
class Source:
    """What one pass through a file found: every frame that can be decoded, with its time."""

    path: str
    sha256: str
    width: int
    height: int
    rotation_deg: int
    times_s: Float[np.ndarray, "F"]
    """Presentation times from the first frame, strictly increasing."""
    notes: tuple[str, ...] = ()

    @property
    def fps(self) -> float:
        """Average frame rate; NaN with fewer than two frames."""
        if len(self.times_s) < 2:
            return math.nan
        return float((len(self.times_s) - 1) / (self.times_s[-1] - self.times_s[0]))

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last (which is taken to last as long as the median frame)."""
        last = float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0
        return float(self.times_s[-1]) + last if len(self.times_s) else 0.0


def scan(path: str | Path) -> Source:
    """Decode a file once and return its frame times.

    A file that breaks in the middle gives the frames before the break and a note.

    Raises:
        VideoError: there is no such file, no video in it, or not one frame can be decoded.
    """
    name = str(path)
    file = Path(path)
    if not file.exists():
        raise VideoError(name, "no such file; check the path")
    if file.is_dir():
        raise VideoError(name, "is a folder; name its files, e.g. FOLDER/*.mp4")
    if file.stat().st_size == 0:
        raise VideoError(name, "is empty (zero bytes); copy or download it again")
    times: list[float] = []
    first: Any = None
    notes: list[str] = []
    with _open(name) as container:
        stream = _video_stream(container, name)
        declared = stream.frames
        try:
            for frame, time_s in _timed(container, stream):
                first = first or frame
                times.append(time_s)
        except (av.FFmpegError, OSError) as error:
            if not times:
                raise VideoError(name, "no frame can be decoded", decoder=_words(error)) from error
            notes.append(f"ends at {times[-1]:.2f} s: the rest cannot be decoded ({_words(error)})")
    if not notes and len(times) < 0.9 * declared - 1:
        notes.append(f"gives {len(times)} of the {declared} frames it declares: it is damaged or cut off")
    if first is None:
        raise VideoError(name, "holds no frame that can be decoded; it may be cut off or encrypted")
    rotation = _rotation(first)
    width, height = first.width, first.height
    if rotation in (90, 270):
        width, height = height, width
    return Source(name, _sha256(file), width, height, rotation, _increasing(times, notes), tuple(notes))


def make_clip(source: Source, start_s: float, end_s: float, samples_per_s: float) -> Clip:
    """Return the clip ``[start_s, end_s)`` of a source, sampled by time.

    Sample k is the frame whose presentation time is nearest to k / samples_per_s; no frame is taken twice,
    so a source slower than the sampling rate gives every frame.
    """
    inside = np.flatnonzero((source.times_s >= start_s) & (source.times_s < end_s))
    if not len(inside):
        raise VideoError(source.path, f"no frame between {start_s:.2f} and {end_s:.2f} s")
    times = source.times_s[inside]
    picked = sample_indices(times - times[0], samples_per_s)
    spans_all = len(inside) == len(source.times_s)
    start, end = float(times[0]), source.duration_s if spans_all else min(end_s, source.duration_s)
    identity = f"{source.sha256}:{start:.6f}:{end:.6f}"
    fps = (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 else math.nan
    return Clip(
        id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        source=source.path,
        source_sha256=source.sha256,
        start_s=start,
        end_s=end,
        fps=fps,
        width=source.width,
        height=source.height,
        rotation_deg=source.rotation_deg,
        num_frames=len(inside),
        frame_indices=picked,
        times_s=times[picked] - times[0],
        notes=source.notes,
    )


def sample_indices(times_s: Float[np.ndarray, "F"], samples_per_s: float) -> Int[np.ndarray, "T"]:
    """Return the frames nearest to a regular grid in time, each at most once.

    Args:
        times_s: increasing times from 0.
        samples_per_s: positive rate.
    """
    grid = np.arange(0, times_s[-1] + 0.5 / samples_per_s, 1 / samples_per_s)
    right = np.clip(np.searchsorted(times_s, grid), 1, max(1, len(times_s) - 1))
    left = right - 1
    right = np.minimum(right, len(times_s) - 1)
    nearest = np.where(grid - times_s[left] <= times_s[right] - grid, left, right)
    return np.unique(nearest)


class VideoFrames:
    """A clip's samples, decoded from its source.

    Args:
        clip: what to decode.
        max_side: images are scaled down so that the longer side is at most this.
        keep_mb: the images are kept for the next pass if they fit into this many megabytes.
    """

    def __init__(self, clip: Clip, max_side: int = 960, keep_mb: float = 256) -> None:
        self.clip = clip
        self.scale = max(1.0, max(clip.width, clip.height) / max_side)
        self.size = (max(1, round(clip.width / self.scale)), max(1, round(clip.height / self.scale)))
        fits = len(clip.times_s) * self.size[0] * self.size[1] * 3 <= keep_mb * 1e6
        self._kept: list[Frame] | None = [] if fits else None

    def __len__(self) -> int:
        return len(self.clip.times_s)

    def __iter__(self) -> Iterator[Frame]:
        if self._kept is not None and len(self._kept) == len(self):
            yield from self._kept
            return
        kept: list[Frame] = []
        for frame in self._decode():
            if self._kept is not None:
                kept.append(frame)
            yield frame
        if self._kept is not None:
            self._kept = kept

    def _decode(self) -> Iterator[Frame]:
        clip = self.clip
        wanted = 0
        for frame, time_s in _from(clip.source, clip.start_s):
            while (
                wanted < len(clip.times_s) and time_s > clip.times_s[wanted] + clip.start_s + SAME_INSTANT_S
            ):
                raise VideoError(
                    clip.source,
                    "changed since it was ingested: a frame is missing",
                    time_s=float(clip.times_s[wanted] + clip.start_s),
                )
            if (
                wanted < len(clip.times_s)
                and abs(time_s - clip.times_s[wanted] - clip.start_s) <= SAME_INSTANT_S
            ):
                image = _upright(frame, self.size, clip.rotation_deg)
                yield Frame(wanted, float(clip.times_s[wanted]), image, self.scale)
                wanted += 1
            if wanted == len(clip.times_s):
                return
        if wanted < len(clip.times_s):
            raise VideoError(clip.source, f"gave {wanted} of {len(clip.times_s)} samples; was it changed?")


def iterate_all(clip: Clip, max_side: int = 960) -> Iterator[tuple[float, UInt8[np.ndarray, "H W 3"]]]:
    """Yield every frame of a clip (not only the samples) with its time from the clip's start."""
    scale = max(1.0, max(clip.width, clip.height) / max_side)
    size = (max(2, round(clip.width / scale)), max(2, round(clip.height / scale)))
    count = 0
    for frame, time_s in _from(clip.source, clip.start_s):
        if time_s < clip.start_s - SAME_INSTANT_S:
            continue
        if count == clip.num_frames:
            return
        count += 1
        yield time_s - clip.start_s, _upright(frame, size, clip.rotation_deg)


def encode(
    path: str | Path,
    frames: Iterable[tuple[float, UInt8[np.ndarray, "H W 3"]]],
    size: tuple[int, int],
    crf: int = 26,
) -> None:
    """Write RGB images as H.264 at their own times (variable frame rate).

    Args:
        path: an ``.mp4`` file; written under a temporary name and moved into place.
        frames: (seconds, image) in time order.
        size: width and height; odd sizes are cut by one pixel, as H.264 needs.
        crf: constant rate factor, 0 (lossless) to 51.
    """
    target = Path(path)
    partial = target.with_name(target.name + ".part")
    width, height = size[0] // 2 * 2, size[1] // 2 * 2
    try:
        _write(partial, frames, width, height, crf)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _write(
    path: Path, frames: Iterable[tuple[float, UInt8[np.ndarray, "H W 3"]]], width: int, height: int, crf: int
) -> None:
    base = Fraction(1, 90000)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = base
        for time_s, image in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
            picture.pts, picture.time_base = round(time_s / base), base
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


# --- the decoder's corner cases -----------------------------------------------------------------------------


def _open(name: str) -> Any:
    try:
        return av.open(name, metadata_errors="ignore")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(name, "is not a video that can be opened", decoder=_words(error)) from error


def _video_stream(container: Any, name: str) -> Any:
    if not container.streams.video:
        raise VideoError(name, "has no video stream (audio only?)")
    # FFmpeg's own choice among several video streams: the default one, or the largest.
    stream = container.streams.best("video") or container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _timed(container: Any, stream: Any) -> Iterator[tuple[Any, float]]:
    """Yield frames with their time since the first frame; a missing timestamp continues the last step."""
    base: float | None = None
    last, step = 0.0, float(1 / stream.average_rate) if stream.average_rate else 1 / 25
    for frame in container.decode(stream):
        if frame.pts is None or frame.time_base is None:
            time_s = 0.0 if base is None else last + step
        else:
            absolute = float(frame.pts * frame.time_base)
            base = absolute if base is None else base
            time_s = absolute - base
        last = time_s
        yield frame, time_s


def _from(name: str, start_s: float) -> Iterator[tuple[Any, float]]:
    """Yield decoded frames from at or before ``start_s``; times count from the file's first frame."""
    with _open(name) as container:
        stream = _video_stream(container, name)
        try:
            if start_s > 0:
                yield from _sought(container, stream, start_s)
            else:
                yield from _timed(container, stream)
        except (av.FFmpegError, OSError):
            return  # scan() has noted where the file breaks; the caller counts its samples


def _sought(container: Any, stream: Any, start_s: float) -> Iterator[tuple[Any, float]]:
    """Seek to the key frame before ``start_s``; where the container cannot, decode from the beginning."""
    first = next(iter(container.decode(stream)))
    if first.pts is None:
        container.seek(0)
        yield from _timed(container, stream)
        return
    base = float(first.pts * first.time_base)
    target = int((start_s + base) / stream.time_base)
    container.seek(target, stream=stream, backward=True)
    started = False
    for frame in container.decode(stream):
        time_s = float(frame.pts * frame.time_base) - base
        if not started and time_s > start_s + SAME_INSTANT_S:  # a seek that overshoots
            container.seek(int(base / stream.time_base), stream=stream, backward=True)
            yield from ((f, float(f.pts * f.time_base) - base) for f in container.decode(stream))
            return
        started = True
        yield frame, time_s


def _increasing(times: list[float], notes: list[str]) -> Float[np.ndarray, "F"]:
    array = np.asarray(times, dtype=np.float64)
    array -= array[0]
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(array)) > SAME_INSTANT_S])
    if not keep.all():
        notes.append(f"{int((~keep).sum())} frames with repeated or backward timestamps are left out")
    return array[keep]


def _rotation(frame: Any) -> int:
    """Clockwise rotation in degrees that shows the frame upright; multiples of 90 only."""
    degrees = float(getattr(frame, "rotation", 0) or 0)
    return round(-degrees / 90) * 90 % 360 if abs(degrees) <= 360 else 0  # a broken matrix says anything


def _upright(frame: Any, size: tuple[int, int], rotation_deg: int) -> UInt8[np.ndarray, "H W 3"]:
    width, height = size if rotation_deg in (0, 180) else size[::-1]
    image = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA")
    return np.ascontiguousarray(np.rot90(image, k=-rotation_deg // 90)) if rotation_deg else image


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"


def with_source(clip: Clip, source: str) -> Clip:
    """Return the clip with its file found at another place (runs can be moved together with their media)."""
    return replace(clip, source=source)
