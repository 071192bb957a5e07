"""The plate against the first and the last pictures: what rested for long, or crept, is on the plate, and goes off it.

A pixel shows what it shows most of the time; where a thing comes and stays, that is the thing. Either the plate or the
picture from before (or from after) has then the thing's outline, and the other one has the ground's: the one with
the weaker outline is the background.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from kinescribe.backends.detectors._pictures import luma, planes
from kinescribe.backends.detectors._plate import Plate, median_pixels
from kinescribe.backends.detectors._regions import connected

AT_END = 3
"""Pictures at either end whose median is compared: a single one has flicker."""
MIN_PICTURES = 4 * AT_END
"""Fewer pictures have no middle between their ends."""
WEAKER, WEAKER_IN_BOTH = 0.7, 0.9
"""A patch is replaced if that leaves at most this share of the outline: the ground has texture of its own. What both
ends show alike has two witnesses."""
MAX_PATCH = 0.25
"""Of the picture: a larger one is a change of light."""


def without_residents(
    plate: Plate, pictures: Sequence[UInt8[np.ndarray, "R w"]], min_pixels: float, tolerant: bool
) -> Plate:
    """Return a plate without the things that were not there at the beginning, at the end, or at both.

    Args:
        plate: of the pictures.
        pictures: I420, aligned, in order of time.
        min_pixels: area of the smallest patch.
        tolerant: as for ``Plate.of``.
    """
    if len(pictures) < MIN_PICTURES:
        return plate
    first, last = median_pixels(pictures[:AT_END]), median_pixels(pictures[-AT_END:])
    # What is the same at both ends is the surest: nobody stands there at either.
    for other, both in ((first, last), (first, None), (last, None)):
        patch = _patch(plate, other, both, min_pixels)
        if patch.any():
            plate = _replaced(plate, other, patch, tolerant)
    return plate


def _patch(
    plate: Plate, other: UInt8[np.ndarray, "R w"], both: UInt8[np.ndarray, "R w"] | None, min_pixels: float
) -> Bool[np.ndarray, "h w"]:
    """Return the luma pixels at which a picture is to replace the plate."""
    differs = _outside(plate, other)
    if both is not None:
        alike = ~_outside(Plate.round(other, plate.noise, tolerant=False), both)
        differs = differs & _outside(plate, both) & alike
    mask = cv2.medianBlur(differs.astype(np.uint8) * 255, 3)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    found, weaker = np.zeros(mask.shape, dtype=bool), WEAKER if both is None else WEAKER_IN_BOTH
    for part in _parts(mask, min_pixels):
        without = np.where(part, luma(other), luma(plate.median))
        if _outline(without, part) < weaker * _outline(luma(plate.median), part):
            found |= part
    return found


def _parts(mask: UInt8[np.ndarray, "h w"], min_pixels: float) -> Iterator[Bool[np.ndarray, "h w"]]:
    parts = connected(mask)
    for k in range(1, len(parts.area)):
        if min_pixels <= parts.area[k] <= MAX_PATCH * mask.size:
            yield parts.label == k


def _outside(plate: Plate, picture: UInt8[np.ndarray, "R w"]) -> Bool[np.ndarray, "h w"]:
    """Return which luma pixels of a picture leave the plate, in luma or in a colour."""
    light, *colours = planes(plate.holds(picture))
    colour = cv2.resize(cv2.bitwise_and(*colours), light.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.bitwise_and(light, colour) == 0)


def _outline(light: UInt8[np.ndarray, "h w"], part: Bool[np.ndarray, "h w"]) -> float:
    """Return how strong the gradient is along the outline of a part, inside and outside of it."""
    square = np.ones((3, 3), np.uint8)
    area = part.astype(np.uint8)
    rim = cv2.dilate(area, square) > cv2.erode(area, square)
    return float(cv2.morphologyEx(light, cv2.MORPH_GRADIENT, square)[rim].mean())


def _replaced(
    plate: Plate, other: UInt8[np.ndarray, "R w"], patch: Bool[np.ndarray, "h w"], tolerant: bool
) -> Plate:
    """Return a plate with a patch of another picture, in all three planes."""
    median, noise = plate.median.copy(), plate.noise.copy()
    wide = cv2.dilate(patch.astype(np.uint8), np.ones((3, 3), np.uint8))
    area = np.zeros_like(median)
    for plane in planes(area):  # views: what is written to them is in the area
        plane[:] = cv2.resize(wide, plane.shape[::-1], interpolation=cv2.INTER_NEAREST)
    inside = area > 0
    median[inside] = other[inside]
    noise[inside] = np.minimum(noise[inside], np.median(noise))
    return Plate.round(median, noise, tolerant)
