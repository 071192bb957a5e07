"""Decode with true timestamps, sample by time, encode: all that touches a codec (PyAV / FFmpeg).

A ``Frames`` is what pixel stages iterate over. ``VideoFrames`` decodes a clip's samples in one pass, as often
as it is iterated, and keeps them in memory only up to a budget, so that memory stays flat for long videos.
Tests and worlds use ``ArrayFrames``.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
MAX_PIXELS = 2**26
"""Larger pictures (8192 x 8192) are refused before memory is taken for them: 8K film has half as many pixels, and
a header can promise 65535 x 65535 in a few bytes."""
LARGE_PIXELS = 2**22
"""From here on (half of a 4K picture) a decoder that gives up may have lacked memory: not all of them say so."""
LOOK_SIDE = 256
"""Longer side of the small pictures that ``scan`` shows to a ``look``."""
SAME_SHAPE = 0.02
"""Aspect ratios within this of each other are one: streams that adapt their size round to even pixels."""
BACK_OFF_S = (0.0, 2.0, 20.0)
"""How far before the wanted time a seek aims, one after the other, before the file is decoded from its beginning:
containers count in decoding time, which runs ahead of presentation time."""
VECTOR_CODECS = frozenset(
    "h264 mpeg4 mpeg2video mpeg1video h263 h263p flv1 msmpeg4v1 msmpeg4v2 msmpeg4v3 wmv1 wmv2".split()
)
"""Codecs of which FFmpeg tells the motion vectors."""
SPARING_CODECS = frozenset({"h264", "hevc"})
"""Codecs of which pictures that no other picture needs are left out where nobody asks for them."""
Look = Callable[[float, UInt8[np.ndarray, "h w 3"]], None]
"""Shown every frame's time and a small RGB picture while a file is scanned."""


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


class Shape(NamedTuple):
    """The size of a source's pictures, upright, from a time on."""

    start_s: float
    width: int
    height: int


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
    shapes: tuple[Shape, ...] = ()
    """Where the aspect ratio changes: one entry per stretch, in order; at most one for an ordinary file."""

    def shape_at(self, time_s: float) -> Shape:
        """Return the shape of the pictures at a time."""
        first = Shape(0.0, self.width, self.height)
        return max((s for s in self.shapes if s.start_s <= time_s + SAME_INSTANT_S), default=first)

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


def scan(path: str | Path, look: Look | None = None) -> Source:
    """Decode a file once and return its frame times.

    What cannot be decoded is left out up to the next key frame, and a note says where; a file that breaks gives
    the frames before the break.

    Args:
        path: the file.
        look: is shown every frame on the way, 256 pixels on the longer side.

    Raises:
        VideoError: there is no such file, no video in it, its pictures are too large, or not one frame can be
            decoded.
    """
    name, file = str(path), _existing(path)
    seen = _Seen(look)
    # Where nobody looks at them, pictures need not be smooth: a fifth of the time, and as many of them.
    options = {} if look else {"skip_loop_filter": "all"}
    with _open(name) as container:
        reading = _Reading(container, _video_stream(container, name, options))
        try:
            for frame, time_s in reading.timed():
                seen.add(frame, time_s)
        except MemoryError as error:
            raise VideoError(
                name, "needs more memory than one video may take; re-encode it smaller"
            ) from error
        if not seen.times:
            raise VideoError(name, *reading.why_nothing())
        notes = reading.notes(len(seen.times)) + seen.notes()
    times, left_out = _increasing(seen.times)
    if left_out:
        notes.append(f"{left_out} frames with repeated or backward timestamps are left out")
    first, rotation = seen.shapes[0], seen.rotation_deg
    shapes = tuple(seen.shapes)
    return Source(name, _sha256(file), first.width, first.height, rotation, times, tuple(notes), shapes)


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
    shape = source.shape_at(start)
    return Clip(
        id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        source=source.path,
        source_sha256=source.sha256,
        start_s=start,
        end_s=end,
        fps=fps,
        width=shape.width,
        height=shape.height,
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
    # Of the grid only what lies next to a frame: broken timestamps can be years apart.
    beside = np.floor(times_s * samples_per_s)[:, None] + np.arange(-1, 3)
    grid = np.unique(beside[beside >= 0]) * (1 / samples_per_s)
    grid = grid[grid < times_s[-1] + 0.5 / samples_per_s]
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
        wanted = 0
        # Where timestamps are missing or false, sparing may lose frames; behind a seek some containers (MPEG program
        # streams) do. Then once more, at last the whole way. What is damaged is concealed with whatever is there.
        ways = ((True, True), (True, False), (False, False))
        for seek, sparing in ways[1:] if self.clip.notes else ways:
            for frame in self._samples(wanted, seek, sparing):
                yield frame
                wanted += 1
            if wanted == len(self):
                return
        raise VideoError(
            self.clip.source,
            f"gave {wanted} of {len(self)} samples; it was changed since it was ingested: annotate it again",
            time_s=float(self.clip.times_s[wanted] + self.clip.start_s),
        )

    def _samples(self, first: int, seek: bool, sparing: bool) -> Iterator[Frame]:
        """Yield the samples from one on, up to the first that is missing.

        Args:
            first: the sample.
            seek: begin shortly before the clip instead of at the beginning of the file.
            sparing: leave out what neither is a sample nor is needed for one.
        """
        clip, wanted = self.clip, first
        asked = clip.times_s + clip.start_s if sparing else None
        for frame, time_s in _from(clip.source, clip.start_s if seek else 0.0, asked=asked):
            if sparing and frame.pts is None:
                return  # its time was counted, and not all were
            late_s = time_s - clip.start_s - float(clip.times_s[wanted])
            if late_s > SAME_INSTANT_S:
                return
            if late_s >= -SAME_INSTANT_S:
                image = _upright(frame, self.size, clip.rotation_deg)
                yield Frame(wanted, float(clip.times_s[wanted]), image, self.scale)
                wanted += 1
                if wanted == len(clip.times_s):
                    return


class CodedFrame(NamedTuple):
    """A reference frame, and where its codec found its blocks in an earlier one."""

    time_s: float
    """From the clip's start."""
    predicted: bool
    """Whether this is a P frame: its vectors reach back to the I or P frame before."""
    before: Float[np.ndarray, "V 2"]
    """Centres of the blocks in that frame, upright, in pixels of the clip; empty without vectors."""
    after: Float[np.ndarray, "V 2"]
    """Where they are now."""
    area: Float[np.ndarray, "V"]
    """Pixels that each block stands for."""


def coded_frames(clip: Clip, most: int = 1000) -> Iterator[CodedFrame]:
    """Yield a clip's I and P frames with their motion vectors, none where the codec keeps them to itself.

    Much cheaper than pictures: frames that no other frame needs are not decoded, and blocks are not smoothed.
    FFmpeg exports the vectors of the MPEG family up to H.264, not those of HEVC, VP9 and AV1.

    Args:
        clip: what to read.
        most: of more blocks, evenly spread ones are taken.
    """
    swift = {"flags2": "+export_mvs", "skip_loop_filter": "all", "skip_frame": "noref"}
    for frame, time_s in _from(clip.source, clip.start_s, swift, VECTOR_CODECS):
        if time_s > clip.end_s - SAME_INSTANT_S:
            return
        if time_s < clip.start_s - SAME_INSTANT_S or frame.pict_type == av.video.frame.PictureType.B:
            continue
        yield _coded(frame, time_s - clip.start_s, clip, most)


def _coded(frame: Any, time_s: float, clip: Clip, most: int) -> CodedFrame:
    predicted = frame.pict_type == av.video.frame.PictureType.P
    side = frame.side_data.get("MOTION_VECTORS") if predicted else None
    if side is None:
        return CodedFrame(time_s, predicted, np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    vectors = side.to_ndarray()
    vectors = vectors[vectors["source"] < 0]
    whole = float((vectors["w"].astype(np.float64) * vectors["h"]).sum())
    vectors = vectors[:: max(1, len(vectors) // most)]  # they come row by row
    after = np.stack([vectors["dst_x"], vectors["dst_y"]], 1).astype(np.float64)
    motion = np.stack([vectors["motion_x"], vectors["motion_y"]], 1)
    before = after + motion / np.maximum(vectors["motion_scale"], 1)[:, None]
    area = vectors["w"].astype(np.float64) * vectors["h"]
    area *= whole / max(area.sum(), 1.0)
    return CodedFrame(time_s, predicted, _turned(before, frame, clip), _turned(after, frame, clip), area)


def _turned(points: Float[np.ndarray, "V 2"], frame: Any, clip: Clip) -> Float[np.ndarray, "V 2"]:
    """Return points of a coded frame as points of the upright clip."""
    x, y = points.T
    width, height = frame.width, frame.height
    upright = {90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}
    return np.stack(upright.get(clip.rotation_deg, (x, y)), 1)


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
        # x264's macroblock tree reads memory that nobody has set: with it the same pictures give other bytes each time.
        # Without it, weighted prediction carries one scene into the next where both are of one colour.
        options = {"crf": str(crf), "preset": "veryfast", "x264-params": "mbtree=0:weightp=0"}
        stream = container.add_stream("libx264", options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = base
        for time_s, image in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
            picture.pts, picture.time_base = round(time_s / base), base
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


# --- the decoder's corner cases -----------------------------------------------------------------------------


def _existing(path: str | Path) -> Path:
    name, file = str(path), Path(path)
    if not file.exists():
        raise VideoError(name, "no such file; check the path")
    if file.is_dir():
        raise VideoError(name, "is a folder; name its files, e.g. FOLDER/*.mp4")
    if file.stat().st_size == 0:
        raise VideoError(name, "is empty (zero bytes); copy or download it again")
    return file


def _open(name: str) -> Any:
    try:
        return av.open(name, metadata_errors="ignore")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(name, "is not a video that can be opened", decoder=_words(error)) from error


def _video_stream(container: Any, name: str, options: Mapping[str, str] | None = None) -> Any:
    cover = av.stream.Disposition.attached_pic
    videos = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not videos:
        found = "only a cover picture" if container.streams.video else "audio only?"
        raise VideoError(name, f"has no video stream ({found})")
    # FFmpeg's own choice among several video streams: the default one, or the largest.
    best = container.streams.best("video")
    stream = best if best in videos else videos[0]
    if stream.codec_context is None:
        raise VideoError(name, "is in a video format that has no decoder here; re-encode it, e.g. as H.264")
    # One thread: as many clips are decoded at once as there are cores, a thread of its own for every frame
    # takes that many times the memory, and what a damaged file gives would depend on the machine.
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS), **(options or {})}
    return stream


@dataclass(eq=False)
class _Reading:
    """One pass over a stream's pictures, and what went wrong on the way."""

    container: Any
    stream: Any
    packets: int = 0
    encrypted: bool = False
    broken: list[float] = field(default_factory=list)
    """Time of the last picture before each stretch that cannot be decoded; NaN before the first picture."""
    last_words: str = ""
    last_s: float = math.nan
    declared: tuple[int, int] = (0, 0)
    """Width and height as the header says, before a decoder has looked."""
    asked: Float[np.ndarray, "T"] | None = None
    """Times of the pictures that are asked for, where others may be left out; increasing."""
    base: float = math.nan
    """Time of the file's first picture, once it is known."""

    def __post_init__(self) -> None:
        self.declared = (self.stream.codec_context.width, self.stream.codec_context.height)

    def timed(self, base: float = math.nan) -> Iterator[tuple[Any, float]]:
        """Yield frames with their time since ``base`` (the first one); a missing timestamp continues the last step."""
        last = math.nan
        step = float(1 / self.stream.average_rate) if self.stream.average_rate else 1 / 25
        for frame in self.pictures():
            absolute = _absolute(frame)
            if math.isnan(absolute):
                absolute = 0.0 if math.isnan(last) else last + step
            self.base = base = absolute if math.isnan(base) else base
            last = absolute
            self.last_s = absolute - base
            yield frame, absolute - base

    def pictures(self) -> Iterator[Any]:
        """Yield what can be decoded; after damage, what follows from the next key frame on."""
        skipping = False
        for packet in self._packets():
            skipping = skipping and not packet.is_keyframe and packet.size > 0
            if skipping:
                continue
            if self.asked is not None:
                needless = packet.pts is not None and not self._is_asked(float(packet.pts * packet.time_base))
                self.stream.codec_context.skip_frame = "NONREF" if needless else "DEFAULT"
            try:
                yield from packet.decode()
            except (av.FFmpegError, OSError) as error:
                if isinstance(error, av.error.EOFError):
                    continue
                yield from self._left()
                self._note(error)  # after those: the gap begins behind them
                skipping = True

    def _is_asked(self, absolute_s: float) -> bool:
        """Whether a picture is asked for; also where its time is not known yet."""
        if self.asked is None or math.isnan(self.base):
            return True
        after = int(np.searchsorted(self.asked, absolute_s - self.base))
        near = self.asked[max(0, after - 1) : after + 1]
        return bool((np.abs(near - (absolute_s - self.base)) <= SAME_INSTANT_S).any())

    def _packets(self) -> Iterator[Any]:
        try:
            while True:
                try:
                    for packet in self.container.demux(self.stream):
                        self.packets += packet.size > 0
                        self.encrypted = self.encrypted or packet.has_sidedata("encryption_info")
                        yield packet
                except IndexError:  # PyAV's, at a packet of a stream that was not there at the beginning
                    continue
                return
        except (av.FFmpegError, OSError) as error:
            self._note(error)

    def _left(self) -> list[Any]:
        """Return the pictures that the decoder holds back, and make it ready to begin anew."""
        context = self.stream.codec_context
        try:
            return list(context.decode(None))
        except (av.FFmpegError, OSError):
            return []
        finally:
            context.flush_buffers()

    def _note(self, error: BaseException) -> None:
        if isinstance(error, MemoryError):
            raise MemoryError(_words(error)) from error
        self.last_words = _words(error)
        if not self.broken or self.last_s > self.broken[-1]:
            self.broken.append(self.last_s)

    def notes(self, num_frames: int) -> list[str]:
        """Return what of the file is missing, given how many frames it gave."""
        if self.broken:
            places = ["the beginning" if math.isnan(at) else f"{at:.2f} s" for at in self.broken]
            if self.broken[-1] == self.last_s:
                last = f"ends at {places.pop()}: the rest cannot be decoded ({self.last_words})"
                return [last, *_gaps(places, self.last_words)]
            return _gaps(places, self.last_words)
        declared, end = self.stream.frames, self.stream.duration
        # An edit list may leave out frames, also such that never leave the container; then the rest is complete.
        early = end is None or self.last_s < 0.9 * float(end * self.stream.time_base) - 0.1
        if early and num_frames < 0.9 * declared - 1:
            return [f"gives {num_frames} of the {declared} frames it declares: it is damaged or cut off"]
        return []

    def why_nothing(self) -> tuple[str]:
        """Return why there is not one picture."""
        width, height = self.declared
        if width * height > MAX_PIXELS:
            limit = f"more than {MAX_PIXELS / 1e6:.0f} million pixels"
            return (f"says its pictures are {width} x {height}, {limit}: damaged, or to be scaled down",)
        if self.encrypted:
            return ("is encrypted; decrypt it first",)
        if not self.packets:
            return ("holds a header but no pictures; it is cut off, or one part of a video in several files",)
        said = f" (decoder: {self.last_words})" if self.last_words else ""
        large = ", or too large for the memory" if width * height > LARGE_PIXELS else ""
        return (f"no frame can be decoded: it is damaged, cut off or encrypted{large}{said}",)


def _gaps(places: Sequence[str], words: str) -> list[str]:
    if not places:
        return []
    more = f" and at {len(places) - 3} more places" if len(places) > 3 else ""
    return [f"cannot be decoded after {', '.join(places[:3])}{more}, up to the next key frame each ({words})"]


@dataclass(eq=False)
class _Seen:
    """What ``scan`` keeps of the frames that pass by: eight bytes each."""

    look: Look | None
    times: array[float] = field(default_factory=lambda: array("d"))
    shapes: list[Shape] = field(default_factory=list)
    sizes: list[Shape] = field(default_factory=list)
    """Every change of the size, also at the same aspect ratio; the first few are told."""
    rotation_deg: int = 0

    def add(self, frame: Any, time_s: float) -> None:
        """Take note of a frame."""
        if not self.times:
            self.rotation_deg = _rotation(frame)
        self.times.append(time_s)
        last = self.sizes[-1] if self.sizes else None
        width, height = frame.width, frame.height
        if self.rotation_deg in (90, 270):
            width, height = height, width
        if last is None or last[1:] != (width, height):
            self._resized(Shape(time_s, width, height))
        if self.look:
            shrink = max(1.0, max(width, height) / LOOK_SIDE)
            size = max(1, round(width / shrink)), max(1, round(height / shrink))
            self.look(time_s, _upright(frame, size, self.rotation_deg))

    def _resized(self, shape: Shape) -> None:
        self.sizes.append(shape)
        before = self.shapes[-1] if self.shapes else None
        if before and abs(before.width * shape.height / (before.height * shape.width) - 1) <= SAME_SHAPE:
            return
        self.shapes.append(shape)

    def notes(self) -> list[str]:
        """Return what is odd about the pictures."""
        if len(self.sizes) < 2:
            return []
        told = ", ".join(f"{s.width} x {s.height} from {s.start_s:.2f} s" for s in self.sizes[:4])
        return [f"changes the size of its pictures: {told}{', ...' if len(self.sizes) > 4 else ''}"]


def _from(
    name: str,
    start_s: float,
    options: Mapping[str, str] | None = None,
    codecs: Container[str] | None = None,
    asked: Float[np.ndarray, "T"] | None = None,
) -> Iterator[tuple[Any, float]]:
    """Yield decoded frames from at or before ``start_s``; times count from the file's first frame.

    Args:
        name: the file.
        start_s: no frame between this and the first one that is yielded is missing.
        options: of the decoder.
        codecs: nothing is yielded of a stream in another one than these.
        asked: times of the frames that are asked for; others may be left out. None: all are.
    """
    base = math.nan
    for back_s in BACK_OFF_S if start_s > 0 else ():
        with _open(name) as container:
            stream = _video_stream(container, name, options)
            if codecs is not None and stream.codec_context.name not in codecs:
                return
            if math.isnan(base):
                base = _absolute(next(_Reading(container, stream).pictures(), None))
            found = _sought(container, stream, base, start_s, back_s, asked)
            first = next(found, None)
            if first is not None:
                yield first
                yield from found
                return
    with _open(name) as container:
        stream = _video_stream(container, name, options)
        if codecs is None or stream.codec_context.name in codecs:
            yield from _sparing(container, stream, asked).timed()


def _sparing(container: Any, stream: Any, asked: Float[np.ndarray, "T"] | None) -> _Reading:
    spares = stream.codec_context.name in SPARING_CODECS
    return _Reading(container, stream, asked=asked if spares else None)


def _sought(
    container: Any,
    stream: Any,
    base: float,
    start_s: float,
    back_s: float,
    asked: Float[np.ndarray, "T"] | None,
) -> Iterator[tuple[Any, float]]:
    """Yield frames from a key frame at or before ``start_s`` on; none where the container cannot lead there.

    The first one must carry its own time: a counted one would depend on where counting began.
    """
    aim = start_s - back_s
    if math.isnan(base) or aim <= 0:
        return
    try:
        container.seek(int((aim + base) / stream.time_base), stream=stream, backward=True)
    except (av.FFmpegError, OSError):
        return
    reading = _sparing(container, stream, asked)
    reading.base = base
    found = reading.timed(base)
    first = next(found, None)
    if first is None or first[0].pts is None or first[1] > start_s + SAME_INSTANT_S:
        return
    yield first
    yield from found


def _absolute(frame: Any) -> float:
    """Return a frame's own time in seconds; NaN where it has none."""
    if frame is None or frame.pts is None or frame.time_base is None:
        return math.nan
    return float(frame.pts * frame.time_base)


def _increasing(times: Sequence[float]) -> tuple[Float[np.ndarray, "F"], int]:
    """Return strictly increasing times from 0, and how many others there were."""
    found = np.array(times, dtype=np.float64)
    found -= found[0]
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(found)) > SAME_INSTANT_S])
    return found[keep], int((~keep).sum())


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
