"""The door: a video file becomes clips with true times. All later rooms trust what it says.

Decoders can crash or hang on hostile files, so a run calls this in a worker, never in the driver.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from kinescribe.errors import VideoError
from kinescribe.recipe import IngestSettings
from kinescribe.records import Clip, Span
from kinescribe.runs.cuts import CutFinder
from kinescribe.video import Source, make_clip, scan

VIDEO_SUFFIXES = tuple(
    ".3gp .asf .avi .flv .gif .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv .y4m".split()
)
"""What a folder is searched for. A file that is named itself may end in anything."""
CROP_AWAY = 0.2
"""FoundationMotion 3.1: the middle of a crop lies within this share of the video's length of the video's middle."""
CROPPED = "a random stretch of a longer video (ingest.crop_max_s)"
SCENE = "one of several scenes of its video (ingest.split_at_cuts)"


def clips_of(path: str | Path, settings: IngestSettings) -> list[Clip]:
    """Return the clips of a video, in time order.

    A video longer than ``max_clip_s`` is split into the least number of equal parts; a part without a frame
    (a gap in the recording) gives no clip.

    Raises:
        VideoError: the file cannot be read, or has no frame in the wanted span.
    """
    name = str(path)
    if not _is_text(name):
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise VideoError(shown, "has a name that is not UTF-8 and cannot be stored; rename it")
    if Path(path).is_dir():
        raise VideoError(name, f"is a folder without videos; known endings: {' '.join(VIDEO_SUFFIXES)}")
    finder = CutFinder(settings.min_scene_s) if settings.split_at_cuts else None
    source = scan(path, finder.see if finder else None)
    cuts_s = finder.cuts_s() if finder else ()
    wanted = _wanted(source, settings)
    found = spans(source, settings, cuts_s)
    notes = [CROPPED] if wanted != _wanted(source, replace(settings, crop_max_s=0.0)) else []
    notes += [SCENE] if any(wanted.start_s < cut < wanted.end_s for cut in cuts_s) else []
    clips = [make_clip(source, start_s, end_s, settings.samples_per_s) for start_s, end_s in found]
    return [replace(clip, notes=(*clip.notes, *notes)) for clip in clips]


def spans(
    source: Source, settings: IngestSettings, cuts_s: Sequence[float] = ()
) -> list[tuple[float, float]]:
    """Return the spans of a source's clips in seconds, those without a frame left out.

    The wanted stretch is divided at cuts and where the pictures change their aspect ratio; what is longer than
    ``max_clip_s`` then into the least number of equal parts. The last span is open, so that it holds the last
    frame.

    Args:
        source: the video.
        settings: how it is divided.
        cuts_s: times at which another scene begins, in order.
    """
    wanted = _wanted(source, settings)
    inner = {*cuts_s, *(shape.start_s for shape in source.shapes)}
    edges = [wanted.start_s, *sorted(t for t in inner if wanted.start_s < t < wanted.end_s), wanted.end_s]
    last_s = min(wanted.end_s, source.duration_s)
    found = [
        part
        for a, b in zip(edges[:-1], edges[1:], strict=True)
        for part in _parts(
            source.times_s[(source.times_s >= a) & (source.times_s < b)], a, min(b, last_s), settings
        )
    ]
    if not found:
        raise VideoError(source.path, f"no frame between {wanted.start_s:.2f} and {wanted.end_s:.2f} s")
    return [*found[:-1], (found[-1][0], wanted.end_s)]


def _parts(
    times_s: Float[np.ndarray, "F"], start_s: float, end_s: float, settings: IngestSettings
) -> list[tuple[float, float]]:
    """Divide a span evenly and return the parts that hold a frame: broken timestamps may be years apart.

    Args:
        times_s: of the frames in the span.
        start_s: beginning of the span.
        end_s: its end.
        settings: how long a part may be.
    """
    # The hair keeps a video that is as long as the limit, up to rounding, in one piece.
    number = max(1, math.ceil((end_s - start_s) / settings.max_clip_s - 1e-9))
    length_s = (end_s - start_s) / number
    near = np.floor((times_s - start_s) / length_s) if length_s > 0 else np.zeros(len(times_s))
    part = np.unique(np.clip(near[:, None] + np.arange(-1, 2), 0, number - 1))  # rounding may be one off
    begins, ends = (
        start_s + part * length_s,
        np.where(part < number - 1, start_s + (part + 1) * length_s, end_s),
    )
    open_ends = np.where(part < number - 1, ends, np.inf)
    filled = np.searchsorted(times_s, begins) < np.searchsorted(times_s, open_ends)
    return list(zip(begins[filled].tolist(), ends[filled].tolist(), strict=True))


def _wanted(source: Source, settings: IngestSettings) -> Span:
    """Return the stretch of a source that is looked at."""
    if settings.start_s > source.times_s[-1]:
        raise VideoError(
            source.path,
            f"ends at {source.duration_s:.2f} s, before ingest.start_s = {settings.start_s:g}; lower start_s",
        )
    whole = Span(settings.start_s, min(settings.end_s, source.duration_s))
    cropped = crop(whole, source.sha256, settings)
    return Span(settings.start_s, settings.end_s) if cropped == whole else cropped


def crop(whole: Span, content: str, settings: IngestSettings) -> Span:
    """Return a random stretch of a span as FoundationMotion 3.1 takes it; a shorter one is kept whole.

    Args:
        whole: all there is.
        content: stands for the file; the same content and seed give the same crop.
        settings: the length, and the seed.
    """
    if whole.duration_s <= settings.crop_min_s or not settings.crop_max_s:
        return whole
    digest = hashlib.sha256(f"{content}:{settings.seed}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    length_s = rng.uniform(settings.crop_min_s, min(settings.crop_max_s, whole.duration_s))
    away_s = rng.uniform(-CROP_AWAY, CROP_AWAY) * whole.duration_s
    spare_s = whole.duration_s - length_s
    start_s = whole.start_s + min(max(spare_s / 2 + away_s, 0.0), spare_s)
    return Span(start_s, start_s + length_s)


def key(settings: IngestSettings) -> str:
    """Return a hash of what decides which clips a file gives."""
    drawn = settings if settings.crop_max_s else replace(settings, seed=0)
    return hashlib.sha256(repr(astuple(drawn)).encode()).hexdigest()[:16]


def content_key(clip: Clip, settings: IngestSettings) -> str:
    """Return a hash of what stages can see of a clip: samples, size and content, not where the file lies."""
    told = (clip.id, clip.source_sha256, clip.width, clip.height, clip.rotation_deg, settings.max_side)
    digest = hashlib.sha256(repr(told).encode())
    digest.update(np.asarray(clip.times_s, "<f8").tobytes() + np.asarray(clip.frame_indices, "<i8").tobytes())
    return digest.hexdigest()[:16]


def expand(paths: Sequence[str | Path], besides: Path | None = None) -> list[Path]:
    """Return the videos named, and those inside the folders named (sorted, at any depth), each once.

    A folder that is a run is not searched: the overlays in it are no new videos.

    Paths are made absolute, so that a run can be resumed from anywhere. A path that does not exist, and a
    folder without videos, stay in: the run reports them.

    Args:
        paths: files and folders.
        besides: a folder that is not searched (the run's own, which may lie among the videos).
    """
    skipped = None if besides is None else Path(os.path.abspath(besides))
    found: dict[Path, None] = {}
    for path in paths:
        whole = Path(os.path.abspath(Path(path).expanduser()))
        inside = sorted(_videos_in(whole, skipped))
        found.update(dict.fromkeys(inside or [whole]))
    return list(found)


def _videos_in(folder: Path, skipped: Path | None) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        if Path(where) == skipped or "run.toml" in files:
            folders.clear()  # nothing below is visited
            continue
        yield from (path for path in (Path(where) / name for name in files) if _is_video(path))


def _is_text(name: str) -> bool:
    """Return whether a file name is text: Python stands surrogates for bytes that are not UTF-8."""
    return not any(0xD800 <= ord(letter) < 0xE000 for letter in name)


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".") and path.is_file()
