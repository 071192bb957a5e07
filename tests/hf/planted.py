"""What the tests of detectors and poses share: clips, and nets whose answers are planted."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.stages.detect import nothing
from kinescribe.video import ArrayFrames


def clip_of(images: np.ndarray, scale: float = 1.0) -> Clip:
    """A clip of pictures at 10 a second, which are shown to nets ``scale`` times smaller than they are."""
    count, height, width = images.shape[:3]
    size = round(width * scale), round(height * scale)
    return Clip(
        "c", "c.mp4", "0", 0.0, count / 10, 10.0, *size, 0, count, np.arange(count), np.arange(count) / 10
    )


def still(clip: Clip) -> CameraMotion:
    count = len(clip.times_s)
    maps = np.tile(np.eye(2, 3), (count, 1, 1))
    return CameraMotion(maps, np.ones(count), np.ones(count), 0.0, np.zeros(4), ("static",))


def seen_by(
    detector: Any, images: np.ndarray, scale: float = 1.0, camera: CameraMotion | None = None
) -> Detections:
    """What a detector says of pictures."""
    clip = clip_of(images, scale)
    frames = ArrayFrames(images, clip.times_s, scale)
    found: Detections = detector(clip, frames, camera or still(clip), nothing())
    return found


def pictures(count: int = 3, height: int = 48, width: int = 96, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (count, height, width, 3), np.uint8)


def rows(found: Detections) -> list[tuple[int, str, tuple[float, ...], float]]:
    """Sample, label, box and score, rounded, in a fixed order."""
    return sorted(
        (int(s), label, tuple(np.round(box, 2).tolist()), round(float(score), 3))
        for s, label, box, score in zip(found.sample, found.label, found.xyxy, found.score, strict=True)
    )


def model_that(answers: Callable[..., tuple[Any, Any]], config: Any) -> Any:
    """A net that answers logits and boxes by a function of what it is given."""

    class Planted:
        def __init__(self) -> None:
            self.config = config
            self.batches: list[int] = []

        def __call__(self, **given: Any) -> Any:
            self.batches.append(len(given["pixel_values"]))
            logits, boxes = answers(**given)
            return SimpleNamespace(logits=logits, pred_boxes=boxes)

    return Planted()


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def in_pictures(xyxy: tuple[float, ...], width: int, height: int) -> list[float]:
    """Middle and size of a box in shares of the picture, as DETR and its descendants answer them."""
    x0, y0, x1, y1 = xyxy
    return [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
