"""Small I420 pictures in which moving regions are looked for: luma, then both colours at half the resolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from kinescribe.geometry import compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import Frame


class Sample(NamedTuple):
    """What is kept of a sample while its stretch is looked at."""

    number: int
    yuv: UInt8[np.ndarray, "R w"]
    """I420: luma, then both colours at half the resolution."""


class Held(NamedTuple):
    """The samples of one stretch of a clip, in memory, and where the camera's maps place them."""

    samples: list[Sample]
    places: Float[np.ndarray, "P 2 3"]
    """To the clip's first frame, in pixels of the small pictures; NaN where unknown."""
    times_s: Float[np.ndarray, "P"]
    inlier_ratio: Float[np.ndarray, "P"]
    """Of the camera's maps; NaN where unknown."""
    samples_per_s: float
    """Of the whole clip."""
    min_pixels: float
    """Area of the smallest region, in pixels of the small pictures."""

    @classmethod
    def of(
        cls,
        clip: Clip,
        camera: CameraMotion,
        samples: list[Sample],
        scale: Float[np.ndarray, "2"],
        min_area: float,
    ) -> Held:
        """Gather what is known of some consecutive samples.

        Args:
            clip: for its times.
            camera: its maps are in clip pixels.
            samples: at least one.
            scale: clip pixels per pixel of the small pictures.
            min_area: share of the picture.
        """
        unit = np.array([[1, scale[1] / scale[0], 1 / scale[0]], [scale[0] / scale[1], 1, 1 / scale[1]]])
        rows = slice(samples[0].number, samples[-1].number + 1)
        length = float(clip.times_s[-1] - clip.times_s[0])
        return cls(
            samples,
            camera.to_scene[rows] * unit,
            clip.times_s[rows],
            camera.inlier_ratio[rows],
            (len(clip.times_s) - 1) / length if length > 0 else 10.0,
            min_area * luma(samples[0].yuv).size,
        )

    def place_in(self, i: int, j: int) -> Float[np.ndarray, "2 3"]:
        """Return the map from pixels of sample i of the stretch to those of sample j."""
        place: Float[np.ndarray, "2 3"] = compose_affine(invert_affine(self.places[j]), self.places[i])
        return place


def shrunk(frame: Frame, side: int) -> Sample:
    """Return a frame with its longer side at most ``side`` pixels; both sides are even, at least 2."""
    height, width = frame.image.shape[:2]
    shrink = max(1.0, max(height, width) / side)
    # I420 halves both sides for the colours.
    size = (max(2, round(width / shrink / 2) * 2), max(2, round(height / shrink / 2) * 2))
    image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return Sample(frame.sample, np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)))


def luma(yuv: UInt8[np.ndarray, "R w"]) -> UInt8[np.ndarray, "h w"]:
    """Return the rows of an I420 picture that are its luma (a view)."""
    return yuv[: len(yuv) * 2 // 3]


def planes(yuv: UInt8[np.ndarray, "R w"]) -> list[UInt8[np.ndarray, "_ _"]]:
    """Return luma and the two colours at half the resolution (views)."""
    light = luma(yuv)
    shape = (light.shape[0] // 2, light.shape[1] // 2)
    colours = [part.reshape(shape) for part in np.split(yuv.reshape(-1)[light.size :], 2)]
    return [light, *colours]


def in_planes(yuv: UInt8[np.ndarray, "R w"], change: Callable[..., np.ndarray]) -> UInt8[np.ndarray, "R w"]:
    """Return an I420 picture after a 3 x 3 operation on each of its planes."""
    square = np.ones((3, 3), np.uint8)
    return _of_planes([change(plane, square) for plane in planes(yuv)])


def warped(yuv: UInt8[np.ndarray, "R w"], place: Float[np.ndarray, "2 3"]) -> UInt8[np.ndarray, "R w"]:
    """Return what an I420 picture shows at ``place(x)`` for every pixel x of luma."""
    light, *colours = planes(yuv)
    half = place * [[1, 1, 0.5], [1, 1, 0.5]]
    return _of_planes([warped_plane(light, place), *(warped_plane(colour, half) for colour in colours)])


def warped_plane(
    plane: UInt8[np.ndarray, "h w"], place: Float[np.ndarray, "2 3"], border: int = cv2.BORDER_REPLICATE
) -> UInt8[np.ndarray, "h w"]:
    """Return what a plane shows at ``place(x)`` for every pixel x; maps are continuous, pixel centres at halves."""
    centre = place.copy()
    centre[:, 2] += place[:, :2] @ [0.5, 0.5] - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, centre, plane.shape[::-1], flags=flags, borderMode=border))


def covered(plane: UInt8[np.ndarray, "h w"], place: Float[np.ndarray, "2 3"]) -> UInt8[np.ndarray, "h w"]:
    """Return 255 where ``place(x)`` lies well inside a plane of this size, else 0."""
    inside = warped_plane(np.full_like(plane, 255), place, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.erode(inside, np.ones((5, 5), np.uint8)))


def gain(wanted: UInt8[np.ndarray, "h w"], given: UInt8[np.ndarray, "h w"]) -> float:
    """Return the factor that brings one luma picture to the exposure of another."""
    return float(np.median(_thumbnail(wanted) / _thumbnail(given)))


def _thumbnail(light: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, "12 20"]:
    return np.asarray(cv2.resize(light, (20, 12), interpolation=cv2.INTER_AREA)).astype(np.float64) + 1


def _of_planes(parts: list[np.ndarray]) -> UInt8[np.ndarray, "R w"]:
    flat = np.concatenate([np.asarray(part).reshape(-1) for part in parts])
    return flat.reshape(-1, parts[0].shape[1])
