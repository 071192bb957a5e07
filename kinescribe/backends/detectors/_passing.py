"""A moving camera: what neither the past nor the future shows at its place moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from kinescribe.backends.detectors._pictures import Held, covered, gain, luma, warped_plane
from kinescribe.backends.detectors._regions import Region, regions_of

NEIGHBOURS_S = (0.3, 0.8)
"""How far the compared samples are away. A fast thing is not met twice in the short time; a slow and plain one needs
the long one to leave its own outline."""
RESIDUAL_LEVELS = 24.0
"""Grey levels by which what moves leaves its place in both neighbours."""
MIN_INLIER_RATIO = 0.55
"""Below, parallax makes still things seem to move."""
MAX_RESIDUAL = 0.25
"""More of the picture than this does not move at once: the camera's map is wrong."""
REACH = (11, 15)
"""Width and height, in pixels of the small picture, over which parts of a region are joined."""
SLACK_S = 0.02
"""Samples are whole frames: at 25 a second, off the even grid by up to half of 0.04 s."""


def passing_regions(held: Held) -> Iterator[list[Region]]:
    """Yield the regions of every sample, in its own pixels."""
    for i in range(len(held.samples)):
        pairs = [pair for lag in NEIGHBOURS_S if (pair := _neighbours(held.times_s, i, lag)) is not None]
        reach = [k for pair in pairs[:1] for k in (*pair, i)]
        if not pairs or np.nanmin(held.inlier_ratio[min(reach) + 1 : max(reach) + 1]) < MIN_INLIER_RATIO:
            yield []
        else:
            yield _unlike(held, i, pairs)


def _neighbours(times_s: Float[np.ndarray, "P"], i: int, lag_s: float) -> tuple[int, int] | None:
    """Return a sample before and one after, or two on the same side at the ends; None in short stretches."""
    before = times_s[i] - times_s[0] >= lag_s - SLACK_S
    after = times_s[-1] - times_s[i] >= lag_s - SLACK_S
    offsets = (-lag_s, lag_s) if before and after else (lag_s, 2 * lag_s) if after else (-lag_s, -2 * lag_s)
    wanted = times_s[i] + np.array(offsets)
    if (wanted < times_s[0] - SLACK_S).any() or (wanted > times_s[-1] + SLACK_S).any():
        return None
    a, b = (int(np.abs(times_s - t).argmin()) for t in wanted)
    return None if i in (a, b) or a == b else (a, b)


def _unlike(held: Held, i: int, pairs: Sequence[tuple[int, int]]) -> list[Region]:
    """Return what, for one of the pairs, neither of its samples shows at its place."""
    light = luma(held.samples[i].yuv)
    most = np.zeros_like(light)
    for pair in pairs:
        least = np.full_like(light, 255)
        for j in pair:
            other = luma(held.samples[j].yuv)
            least = np.asarray(cv2.min(least, _difference(light, other, held.place_in(i, j))))
        most = np.asarray(cv2.max(most, least))
    level = max(RESIDUAL_LEVELS, 3 * float(np.percentile(most, 75)))
    mask = np.asarray(cv2.medianBlur((most > level).astype(np.uint8) * 255, 3))
    if np.count_nonzero(mask) > MAX_RESIDUAL * mask.size:
        return []
    return regions_of(mask, most / level, REACH, held.min_pixels)


def _difference(
    light: UInt8[np.ndarray, "h w"], other: UInt8[np.ndarray, "h w"], place: Float[np.ndarray, "2 3"]
) -> UInt8[np.ndarray, "h w"]:
    """Return how far a picture leaves the other's 5 x 5 neighbourhood; 0 where the other did not look."""
    shifted = warped_plane(other, place)
    shifted = np.asarray(cv2.convertScaleAbs(shifted, alpha=gain(light, shifted)))
    square = np.ones((5, 5), np.uint8)
    above = cv2.subtract(light, cv2.dilate(shifted, square))
    below = cv2.subtract(cv2.erode(shifted, square), light)
    return np.asarray(cv2.bitwise_and(cv2.max(above, below), covered(other, place)))
