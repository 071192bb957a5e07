"""Regions of a small picture: the connected parts of a mask as boxes, and how boxes lie to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from kinescribe.geometry import box_cover, box_size

Corners = tuple[float, float, float, float]
"""``xyxy`` in pixels of the small picture."""

MAX_BOX = 0.85
"""A box over more of the picture than this is no thing: the light or the camera changed."""
CHANGE_LEVELS = 4.0
"""A region changes if its pixels do by this many grey levels on average; codec noise makes 1 to 2."""
GHOST = 0.5
"""A region whose outline shows this much less in the sample than in the plate is a hole, left by what went away."""
LEAST_PIXELS = 6.0
"""A region has this many pixels at least, however small the picture: a 3 x 2 speck is noise."""


class Region(NamedTuple):
    """A box in the small picture, how far it stands out in [0, 1), and whether anything in it changes just now."""

    xyxy: Corners
    score: float
    changing: bool
    ghost: bool = False
    """Whether its outline is on the plate rather than in the sample."""

    @property
    def area(self) -> float:
        """Of the box, in pixels of the small picture."""
        x0, y0, x1, y1 = self.xyxy
        return (x1 - x0) * (y1 - y0)

    def is_near(self, others: Sequence[Region]) -> bool:
        """Whether one of the others lies within a box's own size and has a like size."""
        x0, y0, x1, y1 = self.xyxy
        reach = max(x1 - x0, y1 - y0)
        for other in others:
            a0, b0, a1, b1 = other.xyxy
            close = a0 < x1 + reach and a1 > x0 - reach and b0 < y1 + reach and b1 > y0 - reach
            if close and 1 / 6 < other.area / self.area < 6:
                return True
        return False


def overlap(a: Region, b: Region) -> float:
    """Return intersection over union."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.xyxy, b.xyxy
    shared = max(0.0, min(ax1, bx1) - max(ax0, bx0)) * max(0.0, min(ay1, by1) - max(ay0, by0))
    return shared / (a.area + b.area - shared)


def mapped(xyxy: Corners, affine: Float[np.ndarray, "2 3"]) -> Corners:
    """Return the box round a mapped box."""
    x0, y0, x1, y1 = xyxy
    corners = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]) @ affine[:, :2].T + affine[:, 2]
    low, high = corners.min(0), corners.max(0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


class Parts(NamedTuple):
    """The connected parts of a mask; row 0 is what is around them."""

    label: Int[np.ndarray, "h w"]
    area: Int[np.ndarray, "L"]
    """Pixels."""
    xyxy: Int[np.ndarray, "L 4"]


def connected(mask: UInt8[np.ndarray, "h w"]) -> Parts:
    """Return the parts of a mask that touch, also at corners."""
    # Grana's algorithm: with OpenCV 5.0's default, gathering the boxes takes three times as long.
    _, label, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_GRANA)
    corner, size = stats[:, :2], stats[:, 2:4]
    return Parts(np.asarray(label), stats[:, 4], np.concatenate([corner, corner + size], axis=1))


class Ground(NamedTuple):
    """What a mask is told apart from, with a steady camera."""

    change: UInt8[np.ndarray, "h w"]
    """Grey levels by which pixels change within a short time."""
    luma: UInt8[np.ndarray, "h w"]
    plate: UInt8[np.ndarray, "h w"]
    """Luma of the plate: a region whose outline is there is a hole."""


def regions_of(
    mask: UInt8[np.ndarray, "h w"],
    excess: Float[np.ndarray, "h w"],
    reach: tuple[int, int],
    min_pixels: float,
    ground: Ground | None = None,
) -> list[Region]:
    """Return the connected parts of a mask.

    Args:
        mask: 255 where something moves.
        excess: by how many thresholds.
        reach: width and height over which parts are joined; taller than wide, as people are.
        min_pixels: area of the smallest part.
        ground: tells holes, and what changes just now; None where all that is found moves.
    """
    if not mask.any():
        return []
    largest = MAX_BOX * mask.size
    near = _near(mask, reach)
    mask, excess = mask[near], excess[near]
    ground = ground and Ground(*(plane[near] for plane in ground))
    joined = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones(reach[::-1], np.uint8)))
    label, _, boxes = connected(joined)
    count = len(boxes)
    hit = mask > 0
    parts = label[hit]
    area = np.maximum(np.bincount(parts, minlength=count), 1)
    strength = np.bincount(parts, weights=excess[hit], minlength=count) / area
    changing, ghost = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
    keep = area >= max(LEAST_PIXELS, min_pixels)
    keep &= (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) <= largest
    keep[0] = False
    if ground is not None and keep.any():
        changing = np.bincount(parts, weights=ground.change[hit], minlength=count) / area > CHANGE_LEVELS
        ghost = _is_ghost(label, joined, count, ground)
    regions = []
    for k in np.flatnonzero(keep):
        x0, y0, x1, y1 = (boxes[k] + [near[1].start, near[0].start] * 2).tolist()
        score = 1 - 1 / (1 + max(0.0, float(strength[k]) - 0.5))
        regions.append(
            Region((float(x0), float(y0), float(x1), float(y1)), score, bool(changing[k]), bool(ghost[k]))
        )
    return _outer(regions)


def _near(mask: UInt8[np.ndarray, "h w"], reach: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns that hold a mask and all that joining its parts looks at."""
    x, y, w, h = cv2.boundingRect(mask)
    return slice(max(0, y - reach[1]), y + h + reach[1]), slice(max(0, x - reach[0]), x + w + reach[0])


def _is_ghost(
    label: Int[np.ndarray, "h w"] | np.ndarray, joined: UInt8[np.ndarray, "h w"], count: int, ground: Ground
) -> Bool[np.ndarray, "L"]:
    """Return which parts have their outline in the plate rather than in the picture."""
    square = np.ones((3, 3), np.uint8)
    rim = (joined > 0) & (cv2.erode(joined, square) == 0)
    here, there = (
        np.bincount(label[rim], weights=cv2.morphologyEx(p, cv2.MORPH_GRADIENT, square)[rim], minlength=count)
        for p in (ground.luma, ground.plate)
    )
    ghost: Bool[np.ndarray, "L"] = here < GHOST * there
    return ghost


def _outer(regions: list[Region]) -> list[Region]:
    """Drop boxes that lie in another one (parts in the hollow of a whole)."""
    if len(regions) < 2:
        return regions
    boxes = np.array([region.xyxy for region in regions])
    cover = box_cover(boxes, boxes)
    area = box_size(boxes)
    inner = np.any((cover > 0.9) & (area[:, None] < area[None]), axis=1).tolist()
    return [region for region, hidden in zip(regions, inner, strict=True) if not hidden]
