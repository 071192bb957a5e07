"""What moves with a hand: the pixels round it are asked which of two motions explains them better.

An object in a moving hand moves as the hand does; everything else stays, or moves as the body behind it. So each
pixel of a ring round the hand is compared with the previous picture twice: where the hand's motion says it came
from, and where it would be if it had stayed. Only pixels for which this makes a difference count; a blank wall
does not. Dense flow alone cannot tell: it smears the hand's motion over the ground (0.4 beside empty hands). What
the picture cannot show: whether a hand drags a cloth or holds it; and a thing that the hand covers is not seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from kinescribe.geometry import apply_affine, compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import Frame, Frames

HAND_PX = 40
"""A hand's length in the small pictures that are compared; finer ones cost more and tell no more."""
SIDE = 128
"""Side of the small pictures: a hand, and a hand's length to each side of it."""
FLESH, GAP, RING = 0.12, 0.2, 0.6
"""In hand lengths: how far flesh reaches beyond the points; how far the ring is from it, since blur and the
points' error lie between; how wide the ring is."""
ARM = 0.45
"""Radius of the forearm with its sleeve, in hand lengths: it moves with the hand and says nothing."""
MIN_STEP = 0.06
"""A hand that moves less between two pictures, in its lengths, rests: less than three pixels tell nothing."""
GOOD_STEP, LOOK_BACK = 0.1, 4
"""A picture is compared with the latest of this many before it since which the hand has moved this far: what is
held by a slow hand shows as well as by a quick one."""
CLEAR = 6.0
"""Grey levels by which the two explanations must differ for a pixel to count; about three times the noise."""
MIN_CLEAR = 0.08
"""Share of the ring that must count, else nothing is known."""
MIN_RING = 0.3
"""Share of the ring that must be neither arm nor outside the picture."""
BLOB = 0.25
"""An object beside the hand is at least this long, in hand lengths."""


class HandShapes(NamedTuple):
    """What is known of the hands' places, in pixels of the clip; H hands, two of a person one after the other."""

    points: Float[np.ndarray, "H T 21 2"]
    elbow: Float[np.ndarray, "H T 2"]
    length_px: Float[np.ndarray, "H T"]
    """Of a hand, stretched out."""
    trunk: Float[np.ndarray, "H T 2"]
    """Middle of the shoulders of the hand's body; NaN where there is none or it is not seen."""


class Comotion(NamedTuple):
    """What moves with the hands between a sample and one shortly before."""

    share: Float[np.ndarray, "H T"]
    """Of the ring's telling pixels; NaN where the hand rests, is unknown, or too little tells."""
    held_xyxy: Float[np.ndarray, "H T 4"]
    """Box of what moves with the hand and touches it, in pixels of the clip; NaN where there is nothing."""


def measure_comotion(
    clip: Clip, frames: Frames, camera: CameraMotion, hands: HandShapes, min_length_px: float
) -> Comotion:
    """Compare every sample with one shortly before, round every hand that is large enough and moves."""
    shape = hands.length_px.shape
    result = Comotion(np.full(shape, np.nan), np.full((*shape, 4), np.nan))
    ready = np.isfinite(hands.points).all((2, 3)) & (hands.length_px >= min_length_px)
    ready &= np.isfinite(camera.to_scene[:, 0, 0])
    recent: deque[Frame] = deque(maxlen=LOOK_BACK)
    for frame in frames:
        for h in np.flatnonzero(ready[:, frame.sample]).tolist():
            pair = _pair(camera, hands, ready, h, frame, recent)
            if pair is not None:
                _measure(result, clip, pair, hands, h)
        recent.append(frame)
    return result


class _Pair(NamedTuple):
    before: Frame
    now: Frame
    back: Float[np.ndarray, "2 3"]
    """Maps the pixels of the clip now to those before, if they stay in the scene."""


def _pair(
    camera: CameraMotion,
    hands: HandShapes,
    ready: Bool[np.ndarray, "H T"],
    h: int,
    now: Frame,
    recent: Sequence[Frame],
) -> _Pair | None:
    """Return the latest sample since which a hand has moved enough, if it was known all the time."""
    k = now.sample
    for before in reversed(recent):
        if not ready[h, before.sample]:
            return None
        back = compose_affine(invert_affine(camera.to_scene[before.sample]), camera.to_scene[k])
        if not np.isfinite(back).all():
            return None
        step = (apply_affine(back, hands.points[h, k]) - hands.points[h, before.sample]).mean(0)
        sway = apply_affine(back, hands.trunk[h, k]) - hands.trunk[h, before.sample]
        least = GOOD_STEP * float(hands.length_px[h, k])
        # A hand that goes with its body tells nothing: the trouser leg beside it goes with it too.
        if np.hypot(*step) >= least and np.hypot(*(step - np.nan_to_num(sway))) >= least:
            return _Pair(before, now, back)
    return None


def _measure(result: Comotion, clip: Clip, pair: _Pair, hands: HandShapes, h: int) -> None:
    k, b = pair.now.sample, pair.before.sample
    length = float(hands.length_px[h, k])
    zoom = HAND_PX / length
    middle = (hands.points[h, k].min(0) + hands.points[h, k].max(0)) / 2
    small = np.column_stack([np.eye(2) * zoom, SIDE / 2 - zoom * middle])  # clip pixels to the small picture
    was = compose_affine(small, invert_affine(pair.back))
    points, earlier = apply_affine(small, hands.points[h, k]), apply_affine(was, hands.points[h, b])
    now, then = _cut(pair.now, small), _cut(pair.before, was)
    body, body_before = _mask(points, FLESH), _mask(earlier, FLESH)
    motion = _motion(now, then, body, (earlier - points).mean(0))
    if motion is None:
        return
    seen = _pictured(clip, small) & _pictured(clip, was)
    beside = seen & ~(_near(body, GAP) | _near(body_before, GAP) | _arms(hands, h, (k, b), (small, was)))
    ring = beside & _near(body, GAP + RING)
    moves, stays = _votes(now, then, motion)
    telling = (moves | stays) & ring
    whole = _near(body, GAP + RING) & ~_near(body, GAP)
    if telling.sum() < MIN_CLEAR * whole.sum() or ring.sum() < MIN_RING * whole.sum():
        return
    result.share[h, k] = float((moves & ring).sum() / telling.sum())
    box = _touching(moves & seen & ~_arms(hands, h, (k, b), (small, was)), body)
    if box is not None:
        result.held_xyxy[h, k] = apply_affine(invert_affine(small), box).reshape(4)


def _cut(frame: Frame, matrix: Float[np.ndarray, "2 3"]) -> UInt8[np.ndarray, "S S"]:
    """Return the small grey picture that a map from clip pixels makes."""
    of_image = matrix.copy()
    of_image[:, :2] *= frame.scale
    flags = cv2.INTER_AREA if of_image[0, 0] < 0.7 else cv2.INTER_LINEAR
    crop = cv2.warpAffine(frame.image, of_image, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    grey: UInt8[np.ndarray, "S S"] = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return grey


def _pictured(clip: Clip, matrix: Float[np.ndarray, "2 3"]) -> Bool[np.ndarray, "S S"]:
    """Return what of a small picture lies inside the real one; the rest is its border, drawn out."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    w, h = clip.width, clip.height
    corners = apply_affine(matrix, np.array([[0.0, 0], [w, 0], [w, h], [0, h]]))
    cv2.fillConvexPoly(mask, np.clip(corners, -3e4, 3e4).round().astype(np.int32), 1)
    return mask.astype(bool)


def _mask(points: Float[np.ndarray, "21 2"], margin: float) -> Bool[np.ndarray, "S S"]:
    """Return a hand's hull, with a margin in hand lengths."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    hull = cv2.convexHull(np.clip(points, -4 * SIDE, 4 * SIDE).round().astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    return _near(mask.astype(bool), margin)


def _near(mask: Bool[np.ndarray, "S S"], margin: float) -> Bool[np.ndarray, "S S"]:
    """Return a mask grown by a margin in hand lengths."""
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    grown: Bool[np.ndarray, "S S"] = (away <= margin * HAND_PX) & bool(mask.any())
    return grown


def _arms(
    hands: HandShapes, h: int, samples: tuple[int, int], maps: tuple[Float[np.ndarray, "2 3"], ...]
) -> Bool[np.ndarray, "S S"]:
    """Return where forearms and the other hand are, now and before."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    thick = round(2 * ARM * HAND_PX)
    other = h ^ 1
    for at, matrix in zip(samples, maps, strict=True):
        for each in (h, other):
            ends = np.stack([hands.elbow[each, at], hands.points[each, at, 0]])
            if np.isfinite(ends).all():
                elbow, wrist = np.clip(apply_affine(matrix, ends), -1e4, 1e4)
                # The line's round end reaches to the wrist.
                wrist = wrist + (elbow - wrist) * min(1.0, thick / 2 / max(1.0, np.hypot(*(elbow - wrist))))
                start, stop = (end.round().astype(int).tolist() for end in (elbow, wrist))
                cv2.line(mask, start, stop, 1, thick)
        if np.isfinite(hands.points[other, at]).all():
            mask |= _mask(apply_affine(matrix, hands.points[other, at]), FLESH).astype(np.uint8)
    return mask.astype(bool)


def _motion(
    now: UInt8[np.ndarray, "S S"],
    then: UInt8[np.ndarray, "S S"],
    body: Bool[np.ndarray, "S S"],
    guess: Float[np.ndarray, "2"],
) -> Float[np.ndarray, "2 3"] | None:
    """Return where the hand's pixels were before, as a similarity map; None if it rests or cannot be followed."""
    flow = np.empty((SIDE, SIDE, 2), np.float32)
    flow[:] = guess
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    dis.setFinestScale(1)
    flow = np.asarray(dis.calc(now, then, flow))  # starts from the guess
    rows, columns = (places[::4] for places in np.nonzero(body))
    if len(rows) < 12:
        return None
    at = np.column_stack([columns, rows]).astype(np.float32)
    step = flow[rows, columns]
    if float(np.hypot(*np.median(step, axis=0))) < MIN_STEP * HAND_PX:
        return None
    fit: Any = cv2.estimateAffinePartial2D(at, at + step, ransacReprojThreshold=1.5, maxIters=100)
    return None if fit[0] is None else np.asarray(fit[0], dtype=float)


def _votes(
    now: UInt8[np.ndarray, "S S"], then: UInt8[np.ndarray, "S S"], motion: Float[np.ndarray, "2 3"]
) -> tuple[Bool[np.ndarray, "S S"], Bool[np.ndarray, "S S"]]:
    """Return which pixels clearly move as the hand does, and which clearly stay."""
    moved = cv2.warpAffine(
        then, motion, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    as_hand, as_ground = (
        cv2.blur(cv2.absdiff(now, other).astype(np.float32), (7, 7)) for other in (moved, then)
    )
    return (
        (as_ground > as_hand + CLEAR) & (as_hand < 0.5 * as_ground),
        (as_hand > as_ground + CLEAR) & (as_ground < 0.5 * as_hand),
    )


def _touching(
    moves: Bool[np.ndarray, "S S"], body: Bool[np.ndarray, "S S"]
) -> Float[np.ndarray, "2 2"] | None:
    """Return the corners of the largest region that moves with the hand and touches it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((moves & ~body).astype(np.uint8))
    touching = set(np.unique(labels[_near(body, GAP)]).tolist()) - {0}
    best = max(touching, key=lambda i: int(stats[i, cv2.CC_STAT_AREA]), default=0) if count > 1 else 0
    left, top, wide, tall, area = (int(v) for v in stats[best])
    if not best or max(wide, tall) < BLOB * HAND_PX or area < (BLOB * HAND_PX) ** 2 / 3:
        return None
    return np.array([[left, top], [left + wide, top + tall]], dtype=float)
