"""Pictures of a clip at a stated rate, each with its true presentation time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from kinescribe.draw import Moment, Pen, draw_boxes, draw_time
from kinescribe.errors import VideoError
from kinescribe.llm.messages import Frames as Shots
from kinescribe.llm.messages import Image, TimedImage
from kinescribe.records import Clip, Tracks
from kinescribe.video import Frame, Frames, sample_indices


@dataclass(frozen=True)
class FrameSettings:
    """How many pictures a model gets, and how large."""

    rate_hz: float = 2.0
    """FoundationMotion's, as its paper states it; its code sends 1 to 4.3 a second, depending on the source."""
    max_frames: int = 32
    """A clip that would give more is shown at a half, a third, ... of the rate."""
    max_side_px: int = 768
    """What hosted models look at without cutting a picture into tiles."""
    max_total_px: int = 12_000_000
    """Of all pictures together; beyond it each is made smaller. 32 frames of 768 x 432 px are 10.6 million."""
    jpeg_quality: int = 90
    """In percent; text on the picture stays clean."""

    def __post_init__(self) -> None:
        for name in ("rate_hz", "max_frames", "max_side_px", "max_total_px"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive")
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError("jpeg_quality must lie between 1 and 100")


class Choice(NamedTuple):
    """Which samples are shown."""

    samples: tuple[int, ...]
    """Increasing positions on the T axis; the last one is the clip's last."""
    rate_hz: float
    """Each sample but the last is the one nearest to a multiple of 1 / rate."""


def choose(times_s: Float[np.ndarray, "T"], settings: FrameSettings) -> Choice:
    """Return the samples nearest to the instants of a rate, and the last one.

    The rate is the one asked for, or the samples' own where that is lower, divided by the smallest whole number that
    keeps to the number of frames.
    """
    if not len(times_s):
        return Choice((), settings.rate_hz)
    rate = settings.rate_hz
    if len(times_s) > 1:
        rate = min(rate, 1 / float(np.median(np.diff(times_s))))
    last, duration_s = len(times_s) - 1, float(times_s[-1] - times_s[0])
    part = max(1, math.floor(duration_s * rate / (settings.max_frames + 1)))
    while True:
        picked = sample_indices(times_s - times_s[0], rate / part).tolist()
        samples = picked if picked[-1] == last else [*picked, last]
        if len(samples) <= settings.max_frames or len(picked) == 1:
            break
        part += 1
    return Choice(tuple(samples[-settings.max_frames :]), rate / part)


def pictures(
    clip: Clip, frames: Frames, choice: Choice, subjects: Tracks | None, settings: FrameSettings
) -> Shots:
    """Return the chosen samples as JPEG pictures, with boxes and the time drawn on them where subjects are given.

    Raises:
        VideoError: the frames do not have all chosen samples.
    """
    wanted = set(choice.samples)
    side = side_px(clip.width, clip.height, len(wanted), settings)
    found = {
        frame.sample: TimedImage(frame.time_s, _picture(clip, frame, subjects, side, settings.jpeg_quality))
        for frame in frames
        if frame.sample in wanted
    }
    if len(found) < len(wanted):
        raise VideoError(clip.source, f"gives {len(found)} of {len(wanted)} frames; annotate it again")
    return Shots(tuple(found[sample] for sample in choice.samples), choice.rate_hz)


def side_px(width: int, height: int, number: int, settings: FrameSettings) -> int:
    """Return the longer side that keeps so many pictures of a size within both limits."""
    longer, area = max(width, height), width * height
    within = longer * math.sqrt(settings.max_total_px / (max(1, number) * area))
    return max(16, math.floor(min(longer, settings.max_side_px, within)))


def _picture(clip: Clip, frame: Frame, subjects: Tracks | None, side: int, quality: int) -> Image:
    image = _resized(frame.image, side)
    if subjects is not None:
        # Lines and letters are drawn at the size at which they are looked at.
        scale = max(clip.width, clip.height) / max(image.shape[:2])
        pen, moment = Pen.of(image), Moment(frame.time_s, frame.sample, frame.sample, 0.0, 0)
        draw_boxes(image, subjects, moment, scale, pen)
        draw_time(image, frame.time_s, pen)
    return jpeg(image, quality)


def jpeg(image: UInt8[np.ndarray, "H W 3"], quality: int) -> Image:
    """Return an RGB picture as it is sent."""
    # cv2 takes BGR.
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "a picture in memory can be encoded"
    return Image(data.tobytes())


def _resized(image: UInt8[np.ndarray, "H W 3"], side: int) -> UInt8[np.ndarray, "h w 3"]:
    """Return a copy, made smaller if need be."""
    shrink = max(image.shape[:2]) / side
    if shrink <= 1:
        return image.copy()
    size = max(1, round(image.shape[1] / shrink)), max(1, round(image.shape[0] / shrink))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
