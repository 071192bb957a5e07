"""The clean plate: what a steady camera's picture shows behind everything that moves, and how far pixels stray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from kinescribe.backends.detectors._pictures import in_planes

# Levels are grey levels.
MIN_LEVELS, MIN_COLOUR_LEVELS = 14.0, 8.0
"""Foreground leaves the plate by at least this. H.264 noise in static clips stays below 10 and 5."""
NOISE_FACTOR = 5.0
"""And by this many robust standard deviations of the pixel."""
DARKER, SHADOW = 1.6, 0.8
"""A darker pixel must differ this much more, and fall below this share of the plate: soft shadows have no colour of
their own and take up to a fifth of the light."""
MODE_SHARE, MODE_SIGMAS, MODE_LEVELS = 0.25, 0.64, 10.0
"""The densest quarter of a pixel's values spans 0.64 standard deviations where they are Gaussian; it is preferred
to the median when the quarter round that spans more than twice as much, and these levels."""


class Plate(NamedTuple):
    """The picture without what moves, and the band in which its pixels stay."""

    median: UInt8[np.ndarray, "R w"]
    noise: Float[np.ndarray, "R w"]
    """Robust standard deviation."""
    low: UInt8[np.ndarray, "R w"]
    high: UInt8[np.ndarray, "R w"]
    least: Float[np.ndarray, "h w"]
    """What a luma pixel must differ by."""

    @classmethod
    def of(cls, pictures: Sequence[UInt8[np.ndarray, "R w"]], tolerant: bool) -> Plate:
        """Return the plate of some pictures.

        Args:
            pictures: I420, aligned.
            tolerant: let every luma pixel have its neighbours' values too (for warped pictures).
        """
        median, narrow, width = _steadiest(sort_pixels(pictures))
        spread = median_pixels([cv2.absdiff(picture, median) for picture in pictures])
        # The neighbourhood's noise: a leaf that sways here sways next to here too.
        noise = 1.4826 * in_planes(spread, cv2.dilate).astype(np.float64)
        noise[narrow] = width[narrow] / MODE_SIGMAS
        return cls.round(median, noise, tolerant)

    @classmethod
    def round(
        cls, median: UInt8[np.ndarray, "R w"], noise: Float[np.ndarray, "R w"], tolerant: bool
    ) -> Plate:
        """Return the band round a picture."""
        rows = len(median) * 2 // 3
        level = median.astype(np.float64)
        margin = np.maximum(MIN_LEVELS, NOISE_FACTOR * noise)
        # Less light makes colours paler in proportion.
        paler = (1 - SHADOW) * np.abs(level[rows:] - 128)
        margin[rows:] = np.maximum(MIN_COLOUR_LEVELS, NOISE_FACTOR * noise[rows:]) + paler
        above, below = level, level
        if tolerant:
            above, below = (
                in_planes(median, change).astype(np.float64) for change in (cv2.dilate, cv2.erode)
            )
        low, high = below - margin, above + margin
        low[:rows] = np.minimum(below[:rows] - DARKER * margin[:rows], SHADOW * below[:rows])
        bytes_low, bytes_high = (np.clip(band, 0, 255).astype(np.uint8) for band in (low, high))
        return cls(median, noise, bytes_low, bytes_high, margin[:rows])

    def holds(self, yuv: UInt8[np.ndarray, "R w"]) -> UInt8[np.ndarray, "R w"]:
        """Return 255 where a picture stays in the band, else 0."""
        return np.asarray(cv2.inRange(yuv, self.low, self.high))


def median_pixels(pictures: Sequence[UInt8[np.ndarray, "R w"]]) -> UInt8[np.ndarray, "R w"]:
    """Return, pixel by pixel, the (upper) median of some pictures."""
    return sort_pixels(pictures)[len(pictures) // 2]


def sort_pixels(pictures: Sequence[UInt8[np.ndarray, "R w"]]) -> list[UInt8[np.ndarray, "R w"]]:
    """Return, pixel by pixel, the smallest, second smallest, ... value of some pictures.

    Batcher's odd-even merge sort with pictures for numbers: a comparison is one min and one max over bytes, which
    is 30 times faster than sorting every pixel's values.
    """
    lane = list(pictures)
    count = len(lane)
    step = 1
    while step < count:
        for width in _halvings(step):
            for i in range(width % step, count - width, 2 * width):
                for j in range(i, min(i + width, count - width)):
                    if j // (2 * step) == (j + width) // (2 * step):
                        lane[j], lane[j + width] = _in_order(lane[j], lane[j + width])
        step *= 2
    return lane


def _in_order(
    a: UInt8[np.ndarray, "R w"], b: UInt8[np.ndarray, "R w"]
) -> tuple[UInt8[np.ndarray, "R w"], UInt8[np.ndarray, "R w"]]:
    return np.asarray(cv2.min(a, b)), np.asarray(cv2.max(a, b))


def _halvings(step: int) -> Iterator[int]:
    while step:
        yield step
        step //= 2


def _steadiest(
    lane: Sequence[UInt8[np.ndarray, "R w"]],
) -> tuple[UInt8[np.ndarray, "R w"], Bool[np.ndarray, "R w"], UInt8[np.ndarray, "R w"]]:
    """Return the plate's values, where they are modes, and the width of the shortest interval of values.

    A thing that creeps over a pixel for most of the time brings many different values, the background always the
    same: where the values round the median are scattered, the densest ones are taken.

    Args:
        lane: pictures sorted pixel by pixel.
    """
    count, middle = len(lane), len(lane) // 2
    inside = max(2, round(MODE_SHARE * count))
    if count < 2 * inside:
        return lane[middle], np.zeros(lane[0].shape, dtype=bool), np.zeros_like(lane[0])
    low = middle - inside // 2
    central = cv2.subtract(lane[low + inside], lane[low])
    width, mode = central.copy(), lane[middle].copy()
    for i in range(count - inside):
        here = cv2.subtract(lane[i + inside], lane[i])
        better = here < width
        np.copyto(width, here, where=better)
        np.copyto(mode, lane[i + inside // 2], where=better)
    narrow = central > 2.0 * width + MODE_LEVELS
    return np.where(narrow, mode, lane[middle]), narrow, np.asarray(width)
