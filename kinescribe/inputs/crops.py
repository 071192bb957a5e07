"""One subject from near and from afar: a stretch of a clip cropped to it, and whole pictures with it outlined.

A crop stays where it is for the whole stretch: one that went along would take the motion out of the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from kinescribe.draw import draw_outline
from kinescribe.errors import VideoError
from kinescribe.inputs.frames import Choice, FrameSettings, choose, jpeg, side_px
from kinescribe.llm.messages import Frames as Shots
from kinescribe.llm.messages import TimedImage
from kinescribe.prompts import Own
from kinescribe.records import Clip, Span
from kinescribe.video import Frame, Frames


class Crop(NamedTuple):
    """A part of a picture in whole pixels of the clip; ``right`` and ``bottom`` are the first beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels of the clip."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels of the clip."""
        return self.bottom - self.top


@dataclass(frozen=True)
class CropSettings:
    """How much of a picture is shown round a subject."""

    context: float = 1.6
    """Sides of a crop round a thing at rest over the longer side of its box. What somebody acts on lies within arm's
    reach, and 0.3 of a body's height on every side is an arm's length."""
    least_share: float = 0.15
    """Of the picture's longer side, at least: of a ball alone nobody can tell where it is."""
    max_aspect: float = 4 / 3
    """Longer over shorter side: models look at square tiles."""
    max_enlarged: float = 2.0
    """Pixels of the shown picture per pixel of the one that is cropped, at most: more adds nothing but tokens."""

    def __post_init__(self) -> None:
        for name in ("context", "max_aspect"):
            if not 1 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be at least 1")
        if not 0 <= self.least_share <= 1:
            raise ValueError("least_share must lie between 0 and 1")
        if not 0 < self.max_enlarged < math.inf:
            raise ValueError("max_enlarged must be positive")


class View(NamedTuple):
    """Pictures to be taken of a clip."""

    choice: Choice
    crop: Crop | None = None
    """What is cut out; None: the whole picture."""
    outlined: frozenset[int] = frozenset()
    """Samples on which the subject is outlined."""
    added: bool = False
    """Whether one sample was taken besides, because it shows the subject (``shown_on``)."""


def within(times_s: Float[np.ndarray, "T"], span: Span, settings: FrameSettings) -> Choice:
    """Return the samples of a span nearest to the instants of a rate from its first sample on, and its last one.

    A span that holds no sample gets the one nearest to its middle.
    """
    inside = np.flatnonzero((times_s >= span.start_s - 1e-9) & (times_s <= span.end_s + 1e-9))
    if not len(inside) and len(times_s):
        inside = np.array([int(np.abs(times_s - (span.start_s + span.end_s) / 2).argmin())])
    found = choose(times_s[inside], settings)
    return Choice(tuple(int(inside[i]) for i in found.samples), found.rate_hz)


def shown_on(
    choice: Choice, boxes: Float[np.ndarray, "T 4"], span: Span, times_s: Float[np.ndarray, "T"]
) -> Choice:
    """Return the samples and, where none of them shows the subject, one more that does, the middle one of the span.

    The same where it is nowhere seen in the span.
    """
    seen = np.isfinite(boxes).all(axis=1)
    if seen[list(choice.samples)].any():
        return choice
    known = np.flatnonzero(seen & (times_s >= span.start_s - 1e-9) & (times_s <= span.end_s + 1e-9))
    if not len(known):
        return choice
    return choice._replace(samples=tuple(sorted({*choice.samples, int(known[len(known) // 2])})))


def words(view: View, shots: Shots, whole: str) -> Own:
    """Return how a view's pictures were taken, for a prompt: ``whole`` is what they are of, in our own words."""
    times = [time_s for time_s, _ in shots.shots]
    if len(times) < 2:
        return Own("1 picture")
    more = " and one that shows the subject" if view.added else ""
    return Own(
        f"{len(times)} pictures, taken {shots.rate_hz:.4g} times a second, the last one of the {whole}{more} besides; "
        f"the first is at {times[0]:.2f} s, the last at {times[-1]:.2f} s"
    )


def crop_of(clip: Clip, boxes: Float[np.ndarray, "M 4"], settings: CropSettings) -> Crop:
    """Return the part of the picture that holds all boxes and what is round them.

    Args:
        clip: whose picture it is.
        boxes: of the subject; rows of NaN do not count. Where none is known, the crop is the whole picture.
        settings: how much is round them.
    """
    size = np.array([clip.width, clip.height] * 2, dtype=np.float64)
    known = np.clip(boxes[np.isfinite(boxes).all(axis=1)], 0, size)
    if not len(known):
        return Crop(0, 0, clip.width, clip.height)
    (left, top), (right, bottom) = known[:, :2].min(axis=0), known[:, 2:].max(axis=0)
    # What is round it goes with its size, not with its way: a long way is in the picture anyhow.
    around = (settings.context - 1) * float(np.median((known[:, 2:] - known[:, :2]).max(axis=1)))
    least = max(1.0, settings.least_share * max(clip.width, clip.height))
    wide, tall = (max(float(side) + around, least) for side in (right - left, bottom - top))
    wide, tall = max(wide, tall / settings.max_aspect), max(tall, wide / settings.max_aspect)
    x = _placed(float(left), float(right), wide, clip.width)
    y = _placed(float(top), float(bottom), tall, clip.height)
    return Crop(x[0], y[0], x[1], y[1])


def look(
    clip: Clip,
    frames: Frames,
    boxes: Float[np.ndarray, "T 4"],
    views: Sequence[View],
    settings: FrameSettings,
    max_enlarged: float = CropSettings.max_enlarged,
) -> list[Shots]:
    """Return the pictures of each view, all taken in one pass over the frames.

    Args:
        clip: the clip.
        frames: its samples.
        boxes: of the subject, for the outlines.
        views: what is to be seen.
        settings: how large the pictures may be.
        max_enlarged: ``CropSettings.max_enlarged``.

    Raises:
        VideoError: the frames do not have all chosen samples.
    """
    shots: list[dict[int, TimedImage]] = [{} for _ in views]
    wanted = {sample for view in views for sample in view.choice.samples}
    for frame in frames if wanted else ():
        if frame.sample not in wanted:
            continue
        for view, taken in zip(views, shots, strict=True):
            if frame.sample in view.choice.samples:
                image = _seen(frame, boxes[frame.sample], view, settings, max_enlarged)
                taken[frame.sample] = TimedImage(frame.time_s, jpeg(image, settings.jpeg_quality))
    missing = [(len(taken), len(v.choice.samples)) for v, taken in zip(views, shots, strict=True)]
    if short := [pair for pair in missing if pair[0] < pair[1]]:
        raise VideoError(clip.source, f"gives {short[0][0]} of {short[0][1]} frames; annotate it again")
    return [
        Shots(tuple(taken[sample] for sample in view.choice.samples), view.choice.rate_hz)
        for view, taken in zip(views, shots, strict=True)
    ]


def _placed(start: float, end: float, side: float, room: int) -> tuple[int, int]:
    """Return where a side lies that holds a stretch, in its middle where the picture has room for that."""
    first, beyond = math.floor(start), math.ceil(end)
    long = min(max(math.ceil(side), beyond - first), room)
    at = math.floor((start + end - long) / 2)
    at = min(max(at, 0, beyond - long), first, room - long)
    return at, at + long


def _seen(
    frame: Frame, box: Float[np.ndarray, "4"], view: View, settings: FrameSettings, max_enlarged: float
) -> UInt8[np.ndarray, "h w 3"]:
    """Return one picture of a view: cut out, made as large as it is shown, and outlined."""
    part = _part(frame, view.crop)
    enlarged = max_enlarged if view.crop is not None else 1.0
    wide, tall = (max(1, round(enlarged * length)) for length in (part.width, part.height))
    side = side_px(wide, tall, len(view.choice.samples), settings)
    factor = min(enlarged, side / max(part.width, part.height))
    size = max(1, round(factor * part.width)), max(1, round(factor * part.height))
    method = cv2.INTER_AREA if factor <= 1 else cv2.INTER_CUBIC
    pixels = frame.image[part.top : part.bottom, part.left : part.right]
    image = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=method))
    if frame.sample in view.outlined:
        origin, own = np.array([part.left, part.top] * 2), np.array([part.width, part.height] * 2)
        draw_outline(image, (box / frame.scale - origin) * (np.array(size * 2) / own))
    return image


def _part(frame: Frame, crop: Crop | None) -> Crop:
    """Return a crop in whole pixels of the picture at hand, which may be smaller than the clip's."""
    tall, wide = frame.image.shape[:2]
    if crop is None:
        return Crop(0, 0, wide, tall)
    left, top = (math.floor(edge / frame.scale) for edge in (crop.left, crop.top))
    right, bottom = (math.ceil(edge / frame.scale) for edge in (crop.right, crop.bottom))
    return Crop(min(left, wide - 1), min(top, tall - 1), min(right, wide), min(bottom, tall))
