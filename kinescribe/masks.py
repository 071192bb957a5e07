"""Masks as COCO writes them: run lengths of background and subject in turn, down the columns, as a string.

The layout is that of ``pycocotools`` (Lin et al. 2014, arXiv 1405.0312), which every tool of the field reads. A person
in a picture of 960 x 540 takes half a kilobyte.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.geometry import box_iou

_BITS = 5
"""Of a number in each character; a sixth says that the number goes on."""


def rle(mask: Bool[np.ndarray, "H W"]) -> str:
    """Return a mask's COCO string."""
    flat = np.ascontiguousarray(mask.T).reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    first = np.zeros(int(flat.size > 0 and bool(flat[0])), np.int64)  # runs begin with the background's
    bounds = np.concatenate([first, np.array([0], np.int64), edges, np.array([flat.size], np.int64)])
    return rle_string(np.diff(bounds))


def rle_string(runs: Int[np.ndarray, "R"]) -> str:
    """Return run lengths as a COCO string: the inverse of ``rle_counts``."""
    left = runs.astype(np.int64)
    left[3:] = runs[3:] - runs[1:-2]
    characters: list[np.ndarray] = []
    going = np.ones(len(left), bool)
    while going.any():
        bits = left & 31
        left = left >> _BITS
        more = going & np.where(bits & 16, left != -1, left != 0)
        characters.append(np.where(going, bits + 32 * more + 48, 0).astype(np.uint8))
        going = more
    if not characters:
        return ""
    table = np.stack(characters, axis=1)
    return bytes(table[table > 0]).decode("ascii")


def rle_counts(counts: str | list[int]) -> Int[np.ndarray, "R"]:
    """Return the run lengths of a COCO mask, of background and subject in turn, from its string or its list.

    The string has five bits a character, from '0' (48) on, the least first; a sixth bit says that the number goes on,
    and the highest of the five of its last character is the sign. From the fourth on, a number is the difference to
    the run before the last.

    Raises:
        ValueError: the string breaks off, has other characters, or a run is negative.
    """
    if not isinstance(counts, str):
        if not all(type(n) is int and 0 <= n < 2**32 for n in counts):
            raise ValueError(f"expected a COCO string or a list of run lengths, got {_shown(counts)}")
        return np.array(counts, np.int64)
    try:
        codes = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError as error:
        raise ValueError(f"is no COCO string: {_shown(counts[error.start])}") from error
    if len(codes) and not (codes.min() >= 0 and codes.max() < 64):
        raise ValueError(f"is no COCO string: {_shown(counts)}")
    ends = np.flatnonzero((codes & 32) == 0)
    if not len(ends) or ends[-1] != len(codes) - 1:
        raise ValueError("the COCO string breaks off")
    begins = np.concatenate([[0], ends[:-1] + 1])
    length = ends - begins + 1
    if length.max() > 8:
        raise ValueError("is no COCO string: a number is too long")
    place = np.arange(len(codes)) - np.repeat(begins, length)
    numbers = np.add.reduceat((codes & 31) << (_BITS * place), begins)
    numbers -= np.where(codes[ends] & 16, np.int64(1) << (_BITS * length), 0)
    runs = numbers.copy()
    runs[1::2] = np.cumsum(numbers[1::2])
    runs[2::2] = np.cumsum(numbers[2::2])
    if runs.min() < 0:
        raise ValueError("is no COCO string: a run is negative")
    return runs


def rle_mask(counts: str, height: int, width: int) -> Bool[np.ndarray, "H W"]:
    """Return the mask of a COCO string.

    Raises:
        ValueError: the string is none, or of a picture of another size.
    """
    runs = rle_counts(counts)
    _check_size(runs, height, width)
    subject = np.arange(len(runs)) % 2 == 1
    return np.ascontiguousarray(np.repeat(subject, runs).reshape(width, height).T)


def rle_box(runs: Int[np.ndarray, "R"], height: int, width: int) -> Float[np.ndarray, "4"]:
    """Return the edges of the box round a mask, in pixels; NaN where the mask is empty.

    Args:
        runs: ``rle_counts``, down the columns, the leftmost column first.
        height: of the picture.
        width: of the picture.

    Raises:
        ValueError: the runs are not as many pixels as the picture has.
    """
    _check_size(runs, height, width)
    ends = np.cumsum(runs)[1::2]
    begins = ends - runs[1::2]
    begins, ends = begins[ends > begins], ends[ends > begins] - 1
    if not len(begins):
        return np.full(4, np.nan)
    within = begins // height == ends // height  # a run of more than one column reaches from top to bottom
    top = int(np.where(within, begins % height, 0).min())
    bottom = int(np.where(within, ends % height, height - 1).max())
    return np.array([begins.min() // height, top, ends.max() // height + 1, bottom + 1], np.float64)


def mask_box(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "4"]:
    """Return the edges of the box round a mask, in pixels; NaN where the mask is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return np.full(4, np.nan)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def mask_iou(a: Bool[np.ndarray, "A H W"], b: Bool[np.ndarray, "B H W"]) -> Float[np.ndarray, "A B"]:
    """Return the intersection over union of every pair; 0 for empty masks."""
    boxes_a = np.array([mask_box(one) for one in a]).reshape(-1, 4)
    boxes_b = np.array([mask_box(one) for one in b]).reshape(-1, 4)
    area_a, area_b = a.sum((1, 2)), b.sum((1, 2))
    result = np.zeros((len(a), len(b)))
    for i, j in np.argwhere(box_iou(boxes_a, boxes_b) > 0).tolist():
        (x0, y0), (x1, y1) = (
            np.maximum(boxes_a[i, :2], boxes_b[j, :2]),
            np.minimum(boxes_a[i, 2:], boxes_b[j, 2:]),
        )
        window = (slice(int(y0), int(y1)), slice(int(x0), int(x1)))
        shared = int((a[i][window] & b[j][window]).sum())
        result[i, j] = shared / (int(area_a[i]) + int(area_b[j]) - shared)
    return result


def _check_size(runs: Int[np.ndarray, "R"], height: int, width: int) -> None:
    if int(runs.sum()) != height * width:
        raise ValueError(f"the runs hold {int(runs.sum())} pixels, the picture {width} x {height}")


def _shown(value: Any) -> str:
    told = json.dumps(value, ensure_ascii=True)
    return told if len(told) <= 60 else f"{told[:57]}..."
