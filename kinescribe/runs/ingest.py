"""The door: a video file becomes clips with true times. All later rooms trust what it says.

Decoders can crash or hang on hostile files, so a run calls this in a worker, never in the driver.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np

from kinescribe.errors import VideoError
from kinescribe.recipe import IngestSettings
from kinescribe.records import Clip
from kinescribe.video import Source, make_clip, scan

VIDEO_SUFFIXES = tuple(
    ".3gp .asf .avi .flv .gif .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv .y4m".split()
)
"""What a folder is searched for. A file that is named itself may end in anything."""


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
    source = scan(path)
    return [
        make_clip(source, start_s, end_s, settings.samples_per_s)
        for start_s, end_s in spans(source, settings)
        if ((source.times_s >= start_s) & (source.times_s < end_s)).any()
    ]


def spans(source: Source, settings: IngestSettings) -> list[tuple[float, float]]:
    """Return the spans of a source's clips in seconds; the last is open, so that it holds the last frame."""
    start_s, end_s = settings.start_s, min(settings.end_s, source.duration_s)
    if start_s > source.times_s[-1]:
        raise VideoError(
            source.path,
            f"ends at {source.duration_s:.2f} s, before ingest.start_s = {start_s:g}; lower start_s",
        )
    # The hair keeps a video that is as long as the limit, up to rounding, in one piece.
    parts = max(1, math.ceil((end_s - start_s) / settings.max_clip_s - 1e-9))
    edges = np.linspace(start_s, end_s, parts + 1).tolist()
    edges[-1] = settings.end_s
    return list(zip(edges[:-1], edges[1:], strict=True))


def key(settings: IngestSettings) -> str:
    """Return a hash of what decides which clips a file gives."""
    return hashlib.sha256(repr(astuple(settings)).encode()).hexdigest()[:16]


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
