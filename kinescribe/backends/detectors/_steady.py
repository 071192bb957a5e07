"""A steady camera: what leaves the clean plate moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from kinescribe.backends.detectors._chains import Chain, mistakes, seen_twice
from kinescribe.backends.detectors._ends import without_residents
from kinescribe.backends.detectors._hollows import hollows
from kinescribe.backends.detectors._pictures import Held, covered, gain, luma, planes, warped
from kinescribe.backends.detectors._plate import Plate, median_pixels, sort_pixels
from kinescribe.backends.detectors._regions import Corners, Ground, Region, mapped, regions_of
from kinescribe.geometry import compose_affine, invert_affine

STEADY_NOISE, STEADY_SHARE = 3.0, 0.75
"""A picture of unknown camera is steady if this share of its pixels varies less than these grey levels."""
MAX_FOREGROUND = 0.6
"""More of the picture than this does not move at once: the light or the camera changed."""
CHANGE_S = 0.2
"""What changes is told from the pictures this long before and after."""
MIN_HOLE, HOLE_SAMPLES = 5, 9
"""Samples of a hole before the plate is mended, and samples it is mended with."""
MENDINGS = 4
"""Things that grow or shrink in their place for which the plate is mended."""
EXPOSURE = 0.01
"""Changes of exposure below this are left."""
REACH = (5, 9)
"""Width and height, in pixels of the small picture, over which parts of a region are joined."""


class Scene(NamedTuple):
    """The pictures of a stretch in one exposure and in the place of its middle sample, and their plate."""

    held: Held
    pictures: list[UInt8[np.ndarray, "R w"]]
    into: Float[np.ndarray, "P 2 3"]
    """From the middle sample's pixels to each sample's own."""
    plate: Plate

    @classmethod
    def of(cls, held: Held, plate_samples: int) -> Scene:
        """Align the pictures of a stretch and make their plate of at most so many of them, evenly spread."""
        middle = len(held.samples) // 2
        into = compose_affine(invert_affine(held.places), held.places[middle][None])
        pictures = _aligned(held, middle, into)
        plate = Plate.of([pictures[i] for i in _spread(len(pictures), plate_samples)], _is_warped(into))
        plate = without_residents(plate, pictures, held.min_pixels, _is_warped(into))
        return cls(held, pictures, into, plate)

    @property
    def is_steady(self) -> bool:
        """Whether the picture itself proves that the camera rests, where no map says so."""
        return bool((luma_noise(self.plate) <= STEADY_NOISE).mean() >= STEADY_SHARE)

    def regions(self) -> list[list[Region] | None]:
        """Return the regions of every sample in its own pixels; None if nearly everything changed."""
        found = [self._regions(i) for i in range(len(self.pictures))]
        holes = mistakes(seen_twice(found), MIN_HOLE)
        if holes:
            mended = self._replace(plate=self._mended(holes))
            return mended._grown([mended._regions(i) for i in range(len(self.pictures))])
        return self._grown(found)

    def _grown(self, found: list[list[Region] | None], rounds: int = MENDINGS) -> list[list[Region] | None]:
        """Return the regions with things that grow or shrink in their place told from the plate that shows them."""
        for hollow in hollows(found) if rounds else ():
            mended = self._replace(plate=self._mended([hollow.emptiest]))
            again = [mended._regions(i) for i in range(len(self.pictures))]
            told = hollow.explained_by(again)
            if told is not None:
                return mended._grown(told, rounds - 1)
        return found

    def _regions(self, i: int) -> list[Region] | None:
        mask = self._foreground(i)
        if np.count_nonzero(mask) > MAX_FOREGROUND * mask.size:
            return None
        if not mask.any():
            return []
        ground = Ground(self._change(i), luma(self.pictures[i]), luma(self.plate.median))
        excess = cv2.absdiff(ground.luma, ground.plate) / self.plate.least
        regions = regions_of(mask, excess, REACH, self.held.min_pixels, ground)
        if not _is_warped(self.into[i]):
            return regions
        return [region._replace(xyxy=mapped(region.xyxy, self.into[i])) for region in regions]

    def _foreground(self, i: int) -> UInt8[np.ndarray, "h w"]:
        """Return 255 where a sample leaves the plate in luma or in a colour."""
        inside = planes(self.plate.holds(self.pictures[i]))
        colour = cv2.bitwise_not(cv2.bitwise_and(inside[1], inside[2]))
        outside = cv2.resize(colour, inside[0].shape[::-1], interpolation=cv2.INTER_NEAREST)
        mask = np.asarray(cv2.medianBlur(cv2.bitwise_or(cv2.bitwise_not(inside[0]), outside), 3))
        if _is_warped(self.into[i]):
            return np.asarray(cv2.bitwise_and(mask, covered(mask, self.into[i])))
        return mask

    def _change(self, i: int) -> UInt8[np.ndarray, "h w"]:
        """Return how much each pixel changes from a little before to a little after."""
        step = max(1, round(CHANGE_S * self.held.samples_per_s))
        before, after = self.pictures[max(0, i - step)], self.pictures[min(len(self.pictures) - 1, i + step)]
        return np.asarray(cv2.absdiff(luma(before), luma(after)))

    def _mended(self, holes: Sequence[Chain]) -> Plate:
        """Return the plate with the holes filled by what is seen in them."""
        median, noise = self.plate.median.copy(), self.plate.noise.copy()
        for hole in holes:
            seen = [self.pictures[hole[k][0]] for k in _spread(len(hole), HOLE_SAMPLES)]
            number, region = hole[len(hole) // 2]
            area = _inside(mapped(region.xyxy, invert_affine(self.into[number])), median)
            # 255 where a picture is like the plate: a (lower) median of 0 says that at least half are not.
            like = sort_pixels([self.plate.holds(picture) for picture in seen])[(len(seen) - 1) // 2]
            unlike = cv2.bitwise_not(like)
            patch = area & (cv2.dilate(unlike, np.ones((3, 3), np.uint8)) > 0)
            median[patch] = median_pixels(seen)[patch]
            noise[patch] = np.minimum(noise[patch], np.median(noise))
        return Plate.round(median, noise, tolerant=_is_warped(self.into))


def luma_noise(plate: Plate) -> Float[np.ndarray, "h w"]:
    """Return the noise of the plate's luma."""
    return plate.noise[: len(plate.least)]


def _aligned(held: Held, middle: int, into: Float[np.ndarray, "P 2 3"]) -> list[UInt8[np.ndarray, "R w"]]:
    """Return the samples in the exposure of the middle one, and in its place (``into`` leads back)."""
    lit = luma(held.samples[middle].yuv)
    pictures = []
    for sample, affine in zip(held.samples, into, strict=True):
        light, colours = luma(sample.yuv), sample.yuv[len(lit) :]
        factor = gain(lit, light)
        alike = abs(factor - 1) <= EXPOSURE
        yuv = sample.yuv if alike else np.concatenate([cv2.convertScaleAbs(light, alpha=factor), colours])
        pictures.append(warped(yuv, affine) if _is_warped(affine) else yuv)
    return pictures


def _is_warped(into: Float[np.ndarray, "*B 2 3"]) -> bool:
    return bool((into != np.eye(2, 3)).any())


def _spread(count: int, wanted: int) -> Int[np.ndarray, "k"]:
    """Return at most so many of ``count`` rows, evenly spread."""
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(int))


def _inside(xyxy: Corners, like: UInt8[np.ndarray, "R w"]) -> Bool[np.ndarray, "R w"]:
    """Return the pixels of a box (and a margin) in all three planes of an I420 picture."""
    area = np.zeros_like(like)
    for plane, scale in zip(planes(area), (1, 2, 2), strict=True):
        x0, y0, x1, y1 = (int(v / scale) for v in xyxy)
        plane[max(0, y0 - 3) : y1 + 4, max(0, x0 - 3) : x1 + 4] = 1
    return area > 0
