"""An annotated video of a clip: every source frame at its true time, with what was measured drawn on it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, takewhile
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kinescribe import draw, video
from kinescribe.errors import StoreError, VideoError
from kinescribe.exporters import RunReader
from kinescribe.records import Clip

TimedImage = tuple[float, UInt8[np.ndarray, "H W 3"]]


def write_overlay(run: RunReader, clip_id: str, path: str | Path, max_side: int = 960) -> Path:
    """Write a clip's annotated H.264 video and return its path.

    Boxes are interpolated between the samples, for display only.

    Args:
        run: where the clip and its records are.
        clip_id: which clip.
        path: an ``.mp4`` file; its folder is made.
        max_side: longer side in pixels, at most.

    Raises:
        StoreError: the run has no such clip.
        VideoError: the clip's source cannot be read.
    """
    clip = next((clip for clip in run.clips() if clip.id == clip_id), None)
    if clip is None:
        raise StoreError(f'the run has no clip "{clip_id}"; `kinescribe stats` lists its clips')
    encode_overlay(clip, annotated(run, clip, max_side), path)
    return Path(path)


def annotated(
    run: RunReader, clip: Clip, max_side: int, until_s: float = float("inf")
) -> Iterator[TimedImage]:
    """Yield a clip's frames up to a time, with everything that is known drawn on them."""
    records = run.records(clip.id)
    frames = video.iterate_all(clip, max_side)
    for t, image in takewhile(lambda frame: frame[0] <= until_s, frames):
        yield t, draw.overlay(image, clip, records, t, max(clip.width, clip.height) / max(image.shape[:2]))


def encode_overlay(clip: Clip, frames: Iterator[TimedImage], path: str | Path, crf: int = 26) -> None:
    """Encode a clip's frames; VideoError if there is none."""
    first = next(frames, None)
    if first is None:
        raise VideoError(clip.source, "gives no frame of this clip any more; was it changed or moved?")
    height, width = first[1].shape[:2]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    video.encode(path, chain([first], frames), (width, height), crf=crf)
