"""The 21 points of a hand whose arm is known.

Model: MediaPipe Hands "full" (landmarks 224 px) and the re-crop net of MediaPipe Holistic (256 px), as published
in the mediapipe 0.10.21 wheel. Weights: ``kinescribe models pull``. Licence: Apache-2.0.
Papers: Zhang et al., "MediaPipe Hands: On-device Real-time Hand Tracking", 2020 (arXiv:2006.10214); Grishchenko
and Bazarevsky, "MediaPipe Holistic", 2020.

A body's skeleton says roughly where a hand is: its wrist and its knuckles, often half a hand off. The re-crop net
looks at a wide square there and answers with the square of the hand, for a sixth of the landmark net's time; the
landmark net looks into that one:

>>> net = HandLandmarks()  # doctest: +SKIP
>>> hand = net.landmarks(image, net.recrop(image, region_of_arm(wrist, pinky, index)))  # doctest: +SKIP
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from kinescribe import weights
from kinescribe.backends.nets.blazepose import Net, Region, crop_region, to_image

POINTS = 21
RECROP_SIDE, LANDMARK_SIDE = 256, 224
ARM_MARGIN = 2.7
"""Side of the square that is searched over twice the way from the wrist to the knuckles; as published."""
HAND_MARGIN = 2.0
"""Side of a hand's square over the longer side of its palm and knuckles; as published."""
TIPWARD = 0.1
"""How far a hand's square is moved towards the finger tips, in sides, lest tips are cut off; as published."""
PALM = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
"""Points that place the next square: all but the two outer ones of each finger, which fling about."""


PALM_SIDE = 192
PALM_GRIDS = ((24, 2), (12, 6))
"""Cells per side and anchors per cell: strides 8 and three times 16, two anchors each."""
PALM_MARGIN, PALM_TIPWARD = 2.6, 0.5
"""Side of a hand's square over its palm's box, and how far it is moved to the tips, in palms; as published."""


class Hand(NamedTuple):
    """The points of one hand. The order is ``vocabulary.HAND_21``."""

    points: Float[np.ndarray, "21 3"]
    """x, y in px of the image; z in px, towards the wrist's depth 0, away from the camera. float32."""
    presence: float
    """0 to 1: that the region holds a hand at all."""
    right: float
    """0 to 1: that it is a right hand, seen in a picture that is not mirrored."""
    region: Region
    """Where to look for the same hand in the next frame."""


class HandLandmarks:
    """Both nets on LiteRT. Deterministic; one instance belongs to one thread.

    Args:
        landmark_path: hand_landmark_full.tflite; by default the pulled one.
        recrop_path: hand_recrop.tflite; by default the pulled one.
        threads: threads within one net.
        coarse: the output up to which coarse layers of the landmark net work in 8 bits; empty for none. With all of
            them the net takes 0.80 of the time, and points shift by 0.08 % of the region (95th percentile: 0.28 %): a
            fifth of what moving the region by one of its 224 pixels does.

    Raises:
        BackendError: nets not pulled or not readable, or ai-edge-litert not installed.
    """

    def __init__(
        self,
        landmark_path: Path | None = None,
        recrop_path: Path | None = None,
        threads: int = 1,
        coarse: str = "Identity",
    ) -> None:
        # Identity_3, the points in metres, costs nothing: it shares all but its last layer.
        self._landmark = Net(landmark_path or weights.path("hand_landmark_full"), threads, coarse=coarse)
        self._recrop = Net(recrop_path or weights.path("hand_recrop"), threads)

    def recrop(self, image: UInt8[np.ndarray, "H W 3"], region: Region) -> Region:
        """Return the square of the hand in a wide square that holds one."""
        crop = crop_region(image, region, RECROP_SIDE, cv2.BORDER_REPLICATE)
        ends = self._recrop(crop, scale=1 / 255, offset=0)["output_crop"].reshape(2, 2) / RECROP_SIDE
        middle, heel = to_image(ends, region)
        return _square(middle, heel)

    def landmarks(self, image: UInt8[np.ndarray, "H W 3"], region: Region) -> Hand:
        """Return the points in a hand's square, whatever its ``presence``."""
        crop = crop_region(image, region, LANDMARK_SIDE, cv2.BORDER_REPLICATE)
        answer = self._landmark(crop, scale=1 / 255, offset=0)
        raw = answer["Identity"].reshape(POINTS, 3) / LANDMARK_SIDE
        at = to_image(raw[:, :2], region)
        return Hand(
            points=np.column_stack([at, raw[:, 2] * region.size]).astype(np.float32),
            presence=float(answer["Identity_1"][0, 0]),
            right=float(answer["Identity_2"][0, 0]),
            region=region_of_hand(at),
        )


_OWN = threading.local()


def shared() -> HandLandmarks:
    """Return the thread's own instance of the pulled nets: loading takes as long as twenty looks.

    Raises:
        BackendError: as ``HandLandmarks``.
    """
    files = weights.path("hand_landmark_full"), weights.path("hand_recrop")
    if getattr(_OWN, "files", None) != files:
        _OWN.net, _OWN.files = HandLandmarks(*files), files
    net: HandLandmarks = _OWN.net
    return net


class PalmDetector:
    """Where palms are, without a body that says so. Deterministic; one instance belongs to one thread.

    Args:
        path: palm_detection_full.tflite; by default the pulled one.
        threads: threads within the net.

    Raises:
        BackendError: net not pulled or not readable, or ai-edge-litert not installed.
    """

    def __init__(self, path: Path | None = None, threads: int = 1) -> None:
        self._net = Net(path or weights.path("palm_detection_full"), threads)

    def __call__(
        self, image: UInt8[np.ndarray, "H W 3"], window: Region, min_score: float = 0.5
    ) -> list[Region]:
        """Return the hands' squares in a window of an image, the surest first, one for each palm."""
        crop = crop_region(image, window, PALM_SIDE, cv2.BORDER_CONSTANT)
        answer = self._net(crop, scale=1 / 255, offset=0)
        logit = answer["Identity_1"][0, :, 0]
        sure = np.flatnonzero(logit >= np.log(min_score / (1 - min_score)))
        found: list[Region] = []
        for i in sure[np.argsort(-logit[sure], kind="stable")]:
            raw = answer["Identity"][0, i].reshape(9, 2) / PALM_SIDE  # middle, width and height, seven points
            anchor = palm_anchors()[i]
            at = to_image(
                np.stack([raw[0], raw[2], raw[4]]) + anchor, window
            )  # middle, wrist, middle knuckle
            hand = _hand_of_palm(at[0], at[2] - at[1], float(raw[1].max()) * window.size)
            if all(np.hypot(*(hand.center - other.center)) > hand.size / 5 for other in found):
                found.append(hand)
        return found


@cache
def palm_anchors() -> Float[np.ndarray, "2016 2"]:
    """Return the cell centre that each of the palm detector's answers starts from, 0 to 1, row by row."""
    grids = []
    for cells, per_cell in PALM_GRIDS:
        middles = (np.arange(cells) + 0.5) / cells
        rows, columns = np.meshgrid(middles, middles, indexing="ij")
        grids.append(np.repeat(np.column_stack([columns.ravel(), rows.ravel()]), per_cell, axis=0))
    return np.concatenate(grids)


def _hand_of_palm(middle: Float[np.ndarray, "2"], up: Float[np.ndarray, "2"], side: float) -> Region:
    angle = float(np.arctan2(up[0], -up[1]))
    tips = np.array([np.sin(angle), -np.cos(angle)])
    return Region(middle + PALM_TIPWARD * side * tips, PALM_MARGIN * side, angle)


def region_of_arm(
    wrist: Float[np.ndarray, "2"], pinky: Float[np.ndarray, "2"], index: Float[np.ndarray, "2"]
) -> Region:
    """Return the square in which to look for a hand, from a body's skeleton; px.

    It lies about the middle knuckle, which is guessed, and stands so that the fingers point up.
    """
    knuckle = (2 * np.asarray(index, dtype=float) + pinky) / 3
    across, up = (knuckle - wrist) * (1, -1)
    return Region(knuckle, ARM_MARGIN * 2 * float(np.hypot(across, up)), float(np.arctan2(across, up)))


def region_of_hand(points: Float[np.ndarray, "21 2"]) -> Region:
    """Return the square in which to look for the same hand in the next frame; px."""
    points = np.asarray(points, dtype=float)
    fingers = (points[5] + points[13]) / 4 + points[9] / 2
    across, up = (fingers - points[0]) * (1, -1)
    angle = float(np.arctan2(across, up))
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # the square's x and y
    palm = points[list(PALM)] @ axes.T
    low, high = palm.min(0), palm.max(0)
    size = float((high - low).max())
    middle = ((low + high) / 2 - (0, TIPWARD * (high - low)[1])) @ axes
    return Region(middle, HAND_MARGIN * size, angle)


def _square(middle: Float[np.ndarray, "2"], heel: Float[np.ndarray, "2"]) -> Region:
    """Return the square about a middle of which a point below (at the heel of the hand) lies on the rim."""
    across, up = (middle - heel) * (1, -1)
    size, angle = 2 * float(np.hypot(across, up)), float(np.arctan2(across, up))
    tips = np.array([np.sin(angle), -np.cos(angle)])
    return Region(middle + TIPWARD * size * tips, size, angle)
