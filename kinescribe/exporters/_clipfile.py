"""A clip as a video of its own: every frame, in order, at its time; as filmed, or with the measured drawn on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from kinescribe import draw, video
from kinescribe.errors import VideoError
from kinescribe.records import Clip

CRF = 18
"""Hardly to be told from the source."""
TimedImage = tuple[float, UInt8[np.ndarray, "H W 3"]]


def write_clip(clip: Clip, path: Path, drawn: Mapping[type, Any] | None = None) -> Path:
    """Write a clip at its full size and return the path; the file appears whole or not at all.

    Args:
        clip: what is written.
        path: an ``.mp4`` file in a folder that exists.
        drawn: the clip's records, to be drawn on it; None: as filmed.

    Raises:
        VideoError: the source cannot be read any more, or has not the frames that the clip counted.
    """
    frames: Iterator[TimedImage] = video.iterate_all(clip, max(clip.width, clip.height))
    if drawn is not None:
        frames = ((t, draw.overlay(image, clip, drawn, t)) for t, image in frames)
    video.encode(path, _all(clip, frames), (clip.width, clip.height), crf=CRF)
    return path


def _all(clip: Clip, frames: Iterable[TimedImage]) -> Iterator[TimedImage]:
    """Pass frames on; VideoError if there are not as many as the clip has."""
    number = 0
    for frame in frames:
        number += 1
        yield frame
    if number != clip.num_frames:
        raise VideoError(
            clip.source,
            f"gives {number} of {clip.num_frames} frames of clip {clip.id}; was it changed? Annotate it again, or "
            "export without videos",
        )
