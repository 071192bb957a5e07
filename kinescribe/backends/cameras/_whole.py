"""Whether a picture rests as a whole: for walls and skies on which there is no corner to follow, but a slope of light.

Corners on a plain wall are noise, and noise goes nowhere in particular. Averaged over blocks the noise is gone, and
what is left, a slow change from light to dark, would move with the camera. How far it moved is linear in the brightness
(Lucas and Kanade 1981, with the whole picture for a window); light that flickers is a small gain and an offset besides,
and what moves before the wall fits none of it and is left out.

This is coarse: compression shifts whole blocks by a level, which looks like some pixels of motion over a slope of a few
levels. It can tell a camera that stays from one that goes somewhere, not where it goes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

BLOCK = 8
"""Side of a block in pixels: averaging 64 pixels leaves an eighth of the noise."""
MAX_STRAY_LEVELS = 1.5
"""Grey levels by which the blocks of a picture at rest stray (robust standard deviation); noise of 4 levels a pixel,
compressed, leaves 0.3 to 1. More is texture that the camera has moved, or all that moves at once."""
MIN_SHARE = 0.7
"""Share of the blocks that must fit: what moves before a wall is smaller."""
STRAYS = 3.0
"""Robust standard deviations within which a block fits."""
LEAST_STRAY = 0.1
"""Rounding to whole levels, averaged: a picture without noise strays no less."""
REFITS = 4
MIN_SLOPE = 3.0
"""The slope of light must be this many times what noise alone makes of it, in the median of the blocks: a blank rests
whatever the camera does."""
MAX_GAIN = 0.15
"""Share by which the light may change from one picture to the other. A gain of -1 takes any picture to a black one, and
nearly so to a title on black, so without a bound whatever fades or ends would rest. Walls at rest (development worlds,
with flicker and compression) come to 0.026; what ended in two films had 0.26 and more."""
MAX_SHIFT = 0.04
"""Shares of the longer side. A corner that goes no further rests: compressed walls (development worlds) come to 0.035
over a whole clip, and half of ``_summary.SHIFT`` is nothing that anybody would call a motion."""
COARSE = 4
"""The coverage grid is COARSE x COARSE, as in ``_step``."""


class Whole(NamedTuple):
    """A picture that rests as a whole, and how much of it says so."""

    share: float
    """Of the blocks that fit."""
    coverage: float
    """Share of the cells of the coarse grid of which most blocks fit."""


def rests(earlier: UInt8[np.ndarray, "h w"], current: UInt8[np.ndarray, "h w"]) -> Whole | None:
    """Return how much of a picture shows that the camera stays; None where it moves or nothing could tell."""
    height, width = earlier.shape
    size = (max(2, width // BLOCK), max(2, height // BLOCK))
    # In floats: averages rounded to whole levels would stray by more than the noise.
    one, two = (
        cv2.resize(p.astype(np.float32), size, interpolation=cv2.INTER_AREA).astype(np.float64)
        for p in (earlier, current)
    )
    change = (two - one).reshape(-1)
    # At first all that the light's gain does not explain is left out: steep edges that moved would pull at the fit.
    off = np.abs(two - np.median((two + 1) / (one + 1)) * one).reshape(-1)
    stray = 1.48 * float(np.median(off))
    if stray > 1.5 * MAX_STRAY_LEVELS:
        return None
    columns = _columns(one, (width, height))
    for _ in range(REFITS):
        fits = off <= STRAYS * max(stray, LEAST_STRAY)
        answer = np.linalg.lstsq(columns[fits], change[fits], rcond=None)[0]
        off = np.abs(change - columns @ answer)
        stray = 1.48 * float(np.median(off))
    fits = off <= STRAYS * max(stray, LEAST_STRAY)
    if stray > MAX_STRAY_LEVELS or fits.mean() < MIN_SHARE:
        return None
    slope = np.hypot(*columns[:, :2].T)
    # A difference of two blocks on either side of a third, each of which strays.
    by_noise = max(stray, LEAST_STRAY) / np.sqrt(2) / BLOCK / 2
    if np.median(slope) < MIN_SLOPE * by_noise:
        return None
    gain = float(answer[4])
    if abs(gain) > MAX_GAIN or _shift_of_corner(answer[:4], (width, height)) > MAX_SHIFT * max(width, height):
        return None
    return Whole(float(fits.mean()), _coverage(fits.reshape(one.shape)))


def _columns(light: Float[np.ndarray, "r c"], size: tuple[float, float]) -> Float[np.ndarray, "B 6"]:
    """Return by what each block changes per pixel right and down, per unit of scale and roll, of gain and of offset."""
    down, right = np.gradient(light)
    right, down = right * light.shape[1] / size[0], down * light.shape[0] / size[1]
    x, y = _places(light.shape, size)
    flat = [-right, -down, -(right * x + down * y), -(down * x - right * y), light, np.ones_like(light)]
    return np.stack([column.reshape(-1) for column in flat], axis=1)


@lru_cache(maxsize=16)
def _places(
    shape: tuple[int, int], size: tuple[float, float]
) -> tuple[Float[np.ndarray, "1 c"], Float[np.ndarray, "r 1"]]:
    """Return where blocks lie, in pixels from the middle of the picture."""
    x = ((np.arange(shape[1]) + 0.5) / shape[1] - 0.5) * size[0]
    y = ((np.arange(shape[0]) + 0.5) / shape[0] - 0.5) * size[1]
    return x[None], y[:, None]


def _shift_of_corner(answer: Float[np.ndarray, "4"], size: tuple[float, float]) -> float:
    """Return how far the corner goes that moves most, in pixels."""
    x, y = size[0] / 2 * np.array([-1, 1, -1, 1]), size[1] / 2 * np.array([-1, -1, 1, 1])
    right, down, scale, roll = answer.tolist()
    return float(np.hypot(right + scale * x - roll * y, down + scale * y + roll * x).max())


def _coverage(fits: Bool[np.ndarray, "r c"]) -> float:
    share = cv2.resize(fits.astype(np.float32), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    return float((share > 0.5).mean())
