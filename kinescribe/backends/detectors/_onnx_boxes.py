"""What object detectors that were exported to ONNX are given, and what they answer: pictures in, boxes out.

YOLOX: Ge et al. 2021, arXiv:2107.08430 (grid of strides 8, 16, 32: a cell answers the offset of a centre in cells
and the logarithm of a size in cells). RTMDet: Lyu et al. 2022, arXiv:2212.07784 (exports hold the suppression of
doubles and answer boxes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from kinescribe.errors import BackendError
from kinescribe.geometry import box_iou

PAD = 114
"""Grey of what the picture does not cover, as both families were trained."""
STRIDES = ((8, 16, 32), (8, 16, 32, 64))
"""Of YOLOX and of its large-picture variants."""
SAME_THING_IOU = 0.8
"""Boxes of different classes that overlap by more are one thing under two names: the surer name is kept."""


class Letterbox(NamedTuple):
    """A picture as a net takes it."""

    pixels: Float32[np.ndarray, "1 3 H W"]
    """BGR; the picture is in the top-left corner."""
    stretch: tuple[float, float]
    """Net pixels per picture pixel, along x and along y (they differ by rounding)."""


class Boxes(NamedTuple):
    """What a net sees in one picture."""

    xyxy: Float[np.ndarray, "M 4"]
    score: Float[np.ndarray, "M"]
    """In [0, 1]."""
    kind: Int[np.ndarray, "M"]
    """Number of the class."""


def letterbox(
    image: UInt8[np.ndarray, "H W 3"],
    height: int,
    width: int,
    mean: Sequence[float] = (0, 0, 0),
    std: Sequence[float] = (1, 1, 1),
) -> Letterbox:
    """Scale an RGB picture into the top-left corner of a net's input.

    Args:
        image: the picture.
        height: of the input, pixels.
        width: of the input, pixels.
        mean: subtracted, per channel in the order B, G, R, on the scale 0..255.
        std: divided by afterwards.
    """
    rows, columns = image.shape[:2]
    ratio = min(height / rows, width / columns)
    new_rows, new_columns = max(int(rows * ratio), 1), max(int(columns * ratio), 1)
    canvas = np.full((height, width, 3), PAD, np.uint8)
    canvas[:new_rows, :new_columns] = cv2.resize(
        image, (new_columns, new_rows), interpolation=cv2.INTER_LINEAR
    )
    pixels = (canvas[..., ::-1] - np.array(mean, np.float32)) / np.array(std, np.float32)
    return Letterbox(
        np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), (new_columns / columns, new_rows / rows)
    )


def read_grid(answer: Float[np.ndarray, "A F"], height: int, width: int, min_score: float) -> Boxes:
    """Return the boxes of a YOLOX answer, in net pixels.

    Args:
        answer: per cell: centre x, y, width, height, whether there is anything, and a score per class. Centres and
            sizes may be as the net gives them (raw) or decoded to pixels already: raw centres lie within a few
            cells of 0, decoded ones spread over the picture.
        height: of the net's input.
        width: of the net's input.
        min_score: cells below are left out.

    Raises:
        BackendError: the answer does not fit a grid of that size.
    """
    center, size = answer[:, :2].astype(np.float64), answer[:, 2:4].astype(np.float64)
    if float(np.median(center)) < min(height, width) / 8:
        grid, stride = cells(len(answer), height, width)
        center, size = (center + grid) * stride, np.exp(np.minimum(size, 20.0)) * stride
    scores = answer[:, 4:5].astype(np.float64) * answer[:, 5:]
    kind = scores.argmax(1)
    score = scores[np.arange(len(scores)), kind]
    keep = score >= min_score
    low, high = center[keep] - size[keep] / 2, center[keep] + size[keep] / 2
    return Boxes(np.concatenate([low, high], axis=1), score[keep], kind[keep].astype(np.int64))


def cells(count: int, height: int, width: int) -> tuple[Float[np.ndarray, "A 2"], Float[np.ndarray, "A 1"]]:
    """Return column and row of every cell of a YOLOX grid, and its stride.

    Raises:
        BackendError: no known set of strides gives this number of cells.
    """
    for strides in STRIDES:
        grids = [np.indices((height // s, width // s))[::-1].reshape(2, -1).T for s in strides]
        if sum(map(len, grids)) == count:
            stride = np.repeat(np.array(strides, dtype=np.float64), [len(grid) for grid in grids])
            return np.concatenate(grids).astype(np.float64), stride[:, None]
    raise BackendError(
        f"an answer of {count} cells does not fit a {width}x{height} input with strides 8, 16, 32 (64): "
        "this is no YOLOX export"
    )


def suppressed(boxes: Boxes, max_iou: float) -> Boxes:
    """Return boxes without doubles: of one class above ``max_iou``, of any two above ``SAME_THING_IOU``."""
    order = np.argsort(-boxes.score, kind="stable")
    xyxy, kind = boxes.xyxy[order], boxes.kind[order]
    overlap = box_iou(xyxy, xyxy)
    double = (overlap > SAME_THING_IOU) | ((overlap > max_iou) & (kind[:, None] == kind[None]))
    kept: list[int] = []
    for i in range(len(order)):
        if not double[i, kept].any():
            kept.append(i)
    return picked(boxes, order[kept])


def picked(boxes: Boxes, rows: Bool[np.ndarray, "M"] | Int[np.ndarray, "R"]) -> Boxes:
    """Return some of the boxes, in the given order."""
    return Boxes(boxes.xyxy[rows], boxes.score[rows], boxes.kind[rows])


def read_answers(
    answers: Mapping[str, np.ndarray], height: int, width: int, min_score: float, max_iou: float
) -> Boxes:
    """Return what a net sees, in net pixels, whichever of the two forms its export has.

    Args:
        answers: the outputs by name: one of shape (1, cells, 5 + classes), or boxes with scores (1, M, 5) and
            class numbers (1, M).
        height: of the net's input.
        width: of the net's input.
        min_score: least score.
        max_iou: overlap above which two boxes of one class are one thing.

    Raises:
        BackendError: the outputs have neither form.
    """
    floats = [a for a in answers.values() if a.ndim == 3 and a.dtype.kind == "f"]
    kinds = [a for a in answers.values() if a.ndim == 2]
    if len(floats) == 1 and floats[0].shape[-1] == 5 and len(kinds) == 1:
        rows = floats[0][0].astype(np.float64)
        boxes = Boxes(rows[:, :4], rows[:, 4], kinds[0][0].astype(np.int64))
        boxes = picked(boxes, (boxes.score >= min_score) & (boxes.kind >= 0))
    elif len(floats) == 1 and floats[0].shape[-1] > 5:
        boxes = read_grid(floats[0][0], height, width, min_score)
    else:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in answers.items())
        raise BackendError(
            f"outputs {shapes}: expected one (1, cells, 5 + classes) as YOLOX exports have, or boxes (1, M, 5) with "
            "class numbers (1, M) as RTMDet exports have"
        )
    return suppressed(boxes, max_iou)
