"""What detectors of named things share: looks at some samples, what is likely between them, and their record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from kinescribe.backends.detectors._onnx_boxes import Boxes, picked
from kinescribe.geometry import box_iou, box_size
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frame, Frames

FOLLOWED_IOU = 0.3
"""Two sightings of one class this alike, ``every`` samples apart, are taken for one thing between them."""


class Look(NamedTuple):
    """What is seen in one sample."""

    sample: int
    boxes: Boxes


def every_kth(frames: Frames, every: int) -> Iterator[Frame]:
    """Yield every k-th sample and the last one, so that nothing is unknown at the end of a clip."""
    last = len(frames) - 1
    for frame in frames:
        if frame.sample % every == 0 or frame.sample == last:
            yield frame


def in_clip(boxes: Boxes, frame_shape: tuple[int, ...], scale: float) -> Boxes:
    """Return boxes in pixels of the clip, cut off at the picture's borders.

    Args:
        boxes: in pixels of a picture.
        frame_shape: rows and columns of that picture.
        scale: clip pixels per pixel of it.
    """
    rows, columns = frame_shape[:2]
    limit = np.array([columns, rows, columns, rows], dtype=np.float64)
    return boxes._replace(xyxy=np.clip(boxes.xyxy, 0, limit) * scale)


def plausible(boxes: Boxes, clip: Clip, min_side: float, max_area: float) -> Bool[np.ndarray, "M"]:
    """Return which boxes are neither specks nor the whole picture.

    Args:
        boxes: in pixels of the clip.
        clip: its size.
        min_side: least width and least height, in shorter sides of the picture.
        max_area: largest area, as a share of the picture's.
    """
    sides = boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]
    large_enough = (sides >= max(1.0, min_side * min(clip.width, clip.height))).all(1)
    return large_enough & (box_size(boxes.xyxy) ** 2 <= max_area * clip.width * clip.height)


def with_between(clip: Clip, camera: CameraMotion, looks: Sequence[Look]) -> list[Look]:
    """Return looks, and for the samples between two of them what both saw, on the straight line; in order."""
    between = [
        look for a, b in zip(looks[:-1], looks[1:], strict=True) for look in _between(clip, camera, a, b)
    ]
    return sorted([*looks, *between], key=lambda look: look.sample)


def _between(clip: Clip, camera: CameraMotion, one: Look, two: Look) -> Iterator[Look]:
    a, b = one.sample, two.sample
    if b - a < 2 or any(clip.times_s[a] < cut - 1e-6 <= clip.times_s[b] for cut in camera.cuts_s):
        return
    fit = box_iou(one.boxes.xyxy, two.boxes.xyxy) * (one.boxes.kind[:, None] == two.boxes.kind[None])
    if not fit.size:
        return
    best, back = fit.argmax(1), fit.argmax(0)
    mutual = (fit.max(1) >= FOLLOWED_IOU) & (back[best] == np.arange(len(fit)))
    first, last = picked(one.boxes, mutual), picked(two.boxes, best[mutual])
    for sample in range(a + 1, b):
        share = float((clip.times_s[sample] - clip.times_s[a]) / (clip.times_s[b] - clip.times_s[a]))
        xyxy = (1 - share) * first.xyxy + share * last.xyxy
        yield Look(sample, Boxes(xyxy, np.minimum(first.score, last.score), first.kind))


def joined(parts: Iterable[Boxes]) -> Boxes:
    """Return the boxes of several answers about one picture."""
    found = list(parts)
    return Boxes(
        np.concatenate([np.zeros((0, 4)), *(part.xyxy for part in found)]),
        np.concatenate([np.zeros(0), *(part.score for part in found)]),
        np.concatenate([np.zeros(0, np.int64), *(part.kind for part in found)]),
    )


def as_detections(
    clip: Clip,
    looks: Sequence[Look],
    names: Sequence[str] | Mapping[int, str],
    source: str,
    notes: Sequence[str] = (),
) -> Detections:
    """Return the record of what was seen.

    Args:
        clip: boxes end at its borders (a picture that is scaled may be larger by a part of a pixel).
        looks: in pixels of the clip, in the order of their samples.
        names: of the classes, by number.
        source: the backend.
        notes: what could not be done; each is told once.
    """
    boxes = joined(look.boxes for look in looks)
    count = len(boxes.score)
    limit = np.array([clip.width, clip.height] * 2, dtype=np.float64)
    return Detections(
        sample=np.array([look.sample for look in looks for _ in look.boxes.score], np.int64),
        xyxy=np.clip(boxes.xyxy, 0, limit),
        score=boxes.score,
        label=tuple(names[kind] for kind in boxes.kind.tolist()),
        source=(source,) * count,
        keypoints=np.zeros((count, 0, 3)),
        world=np.zeros((count, 0, 3)),
        notes=tuple(dict.fromkeys(notes)),
    )
