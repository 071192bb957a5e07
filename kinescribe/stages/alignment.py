"""Bringing the depth maps of a clip to agree about the background, which rests.

A relative net's inverse depth is right up to a scale and a shift that it chooses anew for every picture, a metric
net's scale wavers, and both take a zoom for a change of depth. Places of the background that are seen in several
pictures, found by the camera's maps, must be as near in all of them: that gives each picture's scale (and shift).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.geometry import apply_affine, invert_affine
from kinescribe.records import Clip

CELLS_ACROSS = 32
"""Places per picture's width at which the background is compared: a depth net's own detail is coarser (patches of 14
pixels of 518 are 37 across), and a thousand places outvote what moves without a box."""
MAX_WIDTHS = 2.0
"""The background is followed so many picture widths to each side of the first picture: farther pans are cut."""
BOX_MARGIN = 0.1
"""Share of its size by which a box grows before its inside is no background: nets blur edges."""
MIN_CELLS = 24
"""Fewer common places do not tell two numbers safely: a 24th of a picture of 16 : 9."""
MIN_RELIEF = 3.0
"""How much deeper (robust deviations) than its noise a background must be for a relative net's scale to be told:
what looks flat has any scale. At 3 a scale from 24 places is off by less than a tenth."""
ROUNDS = 6
"""Of fitting all pictures to the median of all: exact maps then agree to a millionth (``tests/test_depth.py``)."""
OUTLIER = 3.0
"""Places off by more robust deviations are left out: something moves there, or the camera's map is off at an edge."""
MAD = 1.4826
"""Standard deviations per median absolute deviation (of a normal distribution)."""


class Aligned(NamedTuple):
    """What brings pictures in line, for L pictures; NaN where nothing tells."""

    scale: Float[np.ndarray, "L"]
    shift: Float[np.ndarray, "L"]
    noise: Float[np.ndarray, "L"]
    """Robust deviation of the places round their median over time, in line: of their logarithms where metric, else in
    nearness times scale."""


def places_of(clip: Clip, to_scene: Float[np.ndarray, "L 2 3"]) -> Float[np.ndarray, "C 2"]:
    """Return places of the scene, evenly spread over all that pictures show, in scene coordinates."""
    corners = np.array([[0, 0], [clip.width, 0], [0, clip.height], [clip.width, clip.height]], dtype=float)
    known = to_scene[np.isfinite(to_scene).all((1, 2))]
    if not len(known):
        return np.zeros((0, 2))
    seen = apply_affine(known[:, None], corners).reshape(-1, 2)
    reach = MAX_WIDTHS * clip.width
    low = np.maximum(seen.min(0), -reach)
    high = np.minimum(seen.max(0), [clip.width + reach, clip.height + reach])
    step = clip.width / CELLS_ACROSS
    x, y = (np.arange(a + step / 2, max(b, a + step), step) for a, b in zip(low, high, strict=True))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def background(
    nearness: Float[np.ndarray, "h w"],
    clip: Clip,
    to_scene: Float[np.ndarray, "2 3"],
    places: Float[np.ndarray, "C 2"],
    boxes: Float[np.ndarray, "N 4"],
) -> Float[np.ndarray, "C"]:
    """Return how near places of the scene are in one picture; NaN where subjects or the border hide them.

    Args:
        nearness: of the whole picture, in any resolution.
        to_scene: the camera's map; of NaN where it is unknown.
        boxes: of subjects, in pixels of the clip.
    """
    found = np.full(len(places), np.nan)
    if not np.isfinite(to_scene).all() or not len(places):
        return found
    points = apply_affine(invert_affine(to_scene)[None], places)
    height, width = nearness.shape
    pixel = np.floor(points * [width / clip.width, height / clip.height]).astype(int)
    inside = ((pixel >= 1) & (pixel < [width - 1, height - 1])).all(1) & ~_covered(points, boxes)
    x, y = pixel[inside].T
    around = [nearness[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    found[inside] = np.median(around, axis=0)
    return found


def _covered(points: Float[np.ndarray, "C 2"], boxes: Float[np.ndarray, "N 4"]) -> Bool[np.ndarray, "C"]:
    covered = np.zeros(len(points), bool)
    for box in boxes[np.isfinite(boxes[:, 0])]:
        margin = BOX_MARGIN * (box[2:] - box[:2])
        covered |= ((points >= box[:2] - margin) & (points <= box[2:] + margin)).all(1)
    return covered


def aligned(seen: Float[np.ndarray, "L C"], metric: bool) -> Aligned:
    """Return what brings pictures in line by the places that they share.

    Args:
        seen: how near each place is in each picture; NaN where it is not seen.
        metric: whether only a scale is free, and no shift.
    """
    if metric:
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = np.log(np.where(seen > 0, seen, np.nan))
    scale, shift = _chained(seen, metric)
    noise = np.full(len(seen), np.nan)
    for _ in range(ROUNDS):
        field = _median(scale[:, None] * seen + shift[:, None])
        fits = [_fit(row, field, metric) for row in seen]
        scale, shift, noise = np.array(fits, dtype=float).reshape(-1, 3).T
    if np.isfinite(scale).sum() == 1 < len(seen):  # in line with itself alone
        scale[:], shift[:], noise[:] = np.nan, np.nan, np.nan
    if metric:  # a shift of logarithms is a factor; in the median pictures are taken at their word
        factor = np.exp(shift - _middle(shift))
        return Aligned(factor, np.where(np.isfinite(factor), 0.0, np.nan), noise)
    usual = _middle(scale)
    return Aligned(scale / usual, shift / usual, noise / usual)


def _chained(seen: Float[np.ndarray, "L C"], metric: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return first guesses: from the picture that shows most places outward, each is fitted to those before it."""
    scale, shift = np.full(len(seen), np.nan), np.full(len(seen), np.nan)
    number = np.isfinite(seen).sum(1)
    if not len(seen) or number.max() < MIN_CELLS:
        return scale, shift
    first = int(number.argmax())
    scale[first], shift[first], field = 1.0, 0.0, seen[first].copy()
    for order in (range(first + 1, len(seen)), range(first - 1, -1, -1)):
        for i in order:
            scale[i], shift[i], _ = _fit(seen[i], field, metric)
            new = ~np.isfinite(field)
            field[new] = scale[i] * seen[i, new] + shift[i]
    return scale, shift


def _fit(
    u: Float[np.ndarray, "C"], field: Float[np.ndarray, "C"], metric: bool
) -> tuple[float, float, float]:
    """Return scale, shift and remaining deviation that bring one picture's places to the field.

    Median and deviation are matched (as Ranftl et al. 2020 do it), then mean and deviation of what is no outlier:
    a regression would shrink the scale by the noise of ``u``, more with every picture in the chain.
    """
    unknown = (float("nan"),) * 3
    known = np.isfinite(u) & np.isfinite(field)
    u, f = u[known], field[known]
    if len(u) < MIN_CELLS:
        return unknown
    scale = 1.0 if metric else _deviation(f) / max(_deviation(u), 1e-12)
    shift = float(np.median(f) - scale * np.median(u)) if not metric else float(np.median(f - u))
    for _ in range(ROUNDS):
        off = np.abs(scale * u + shift - f)
        kept = off <= OUTLIER * MAD * np.median(off) + 1e-12
        if kept.sum() < MIN_CELLS:
            return unknown
        scale = 1.0 if metric else float(f[kept].std() / max(float(u[kept].std()), 1e-12))
        shift = float(f[kept].mean() - scale * u[kept].mean())
    noise = MAD * float(np.median(np.abs(scale * u + shift - f)))
    if not metric and not float(f[kept].std()) > MIN_RELIEF * noise:
        return unknown
    return scale, shift, noise


def _deviation(values: Float[np.ndarray, "M"]) -> float:
    return MAD * float(np.median(np.abs(values - np.median(values))))


def _median(values: Float[np.ndarray, "L C"]) -> Float[np.ndarray, "C"]:
    """Return the median over pictures; NaN where no picture tells."""
    found = np.full(values.shape[1], np.nan)
    seen = np.isfinite(values).any(0)
    if seen.any():
        found[seen] = np.nanmedian(values[:, seen], axis=0)
    return found


def _middle(values: Float[np.ndarray, "L"]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
