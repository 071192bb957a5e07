"""Small grey pictures that tell whether a net would see anything new: looking again at the same gives the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from kinescribe.backends.nets.blazepose import Region, crop_region

SIDE = 160
"""Pixels of the longer side: the smallest body that the detector finds, a fifth of the height, has 18 rows."""
CHANGE_LEVELS = 12
"""A pixel has changed from this many grey levels on. Pixels here are the mean of 16 of a 640-pixel picture: noise
with a standard deviation of 6 levels makes differences of 2, and codecs make less."""
MIN_CHANGED = 8
"""Fewer changed pixels (of 160 x 90) are no news: a tenth of the smallest body that is found."""
LIKE_LEVELS = 12.0
"""Mean difference of two thumbnails of one thing that moves on: a fifth of its square is ground, which changes."""
THUMB = 32
"""Side of what is kept of a region: a hand is two pixels of a body."""
THUMB_TOP = 20
"""Pixels of a thumbnail that changed most, whose mean change counts: a moving hand and forearm are that many."""


class Glance(NamedTuple):
    """A sample at a glance."""

    grey: UInt8[np.ndarray, "h w"]
    scale: float
    """Its pixels per pixel of the image."""

    @classmethod
    def of(cls, image: UInt8[np.ndarray, "H W 3"]) -> Glance:
        """Shrink an image."""
        scale = min(1.0, SIDE / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)  # first: one channel shrinks in half the time of three
        return cls(np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA)), scale)

    def thumbnail(self, region: Region) -> UInt8[np.ndarray, "S S"]:
        """Return what a region of the image looks like."""
        here = Region(region.center * self.scale, region.size * self.scale, region.angle)
        return crop_region(self.grey, here, THUMB, cv2.BORDER_REPLICATE)

    def changed(self, earlier: Glance) -> Bool[np.ndarray, "h w"]:
        """Return which pixels differ from an earlier glance."""
        return np.asarray(cv2.absdiff(self.grey, earlier.grey)) >= CHANGE_LEVELS

    def pixels(self, region: Region) -> tuple[slice, slice]:
        """Return the rows and columns of an upright region."""
        half = region.size / 2
        x0, y0 = np.maximum(np.floor((region.center - half) * self.scale), 0).astype(int).tolist()
        x1, y1 = np.maximum(np.ceil((region.center + half) * self.scale), 0).astype(int).tolist()
        return slice(y0, y1), slice(x0, x1)

    def outside(self, boxes: Iterable[Float[np.ndarray, "4"]]) -> Bool[np.ndarray, "h w"]:
        """Return which pixels lie in none of some boxes of the image."""
        free = np.ones(self.grey.shape, dtype=bool)
        for box in boxes:
            x0, y0 = np.maximum(np.floor(box[:2] * self.scale) - 1, 0).astype(int).tolist()
            x1, y1 = np.maximum(np.ceil(box[2:] * self.scale) + 1, 0).astype(int).tolist()
            free[y0:y1, x0:x1] = False
        return free


def unlikeness(one: UInt8[np.ndarray, "S S"], two: UInt8[np.ndarray, "S S"]) -> float:
    """Return by how many grey levels the pixels differ in which two thumbnails differ most."""
    differs = np.asarray(cv2.absdiff(one, two)).ravel()
    return float(np.partition(differs, -THUMB_TOP)[-THUMB_TOP:].mean())


def is_like(one: UInt8[np.ndarray, "S S"], two: UInt8[np.ndarray, "S S"]) -> bool:
    """Whether two thumbnails may show the same thing, before another ground perhaps."""
    return float(np.asarray(cv2.absdiff(one, two)).mean()) < LIKE_LEVELS


def is_new(changed: Bool[np.ndarray, "h w"]) -> bool:
    """Whether enough has changed to look again."""
    return bool(np.count_nonzero(changed) >= MIN_CHANGED)
