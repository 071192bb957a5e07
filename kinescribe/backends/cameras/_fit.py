"""The one map between two pictures that most of the picture agrees on.

A similarity is one complex line: a point z = x + iy goes to a z + b; abs(a) is the scale, arg(a) the turn.
So a hypothesis from two points, the residuals of all hypotheses and the weighted fit are a line of numpy each.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

IDENTITY: Float[np.ndarray, "2 3"] = np.eye(2, 3)
HYPOTHESES = 160
"""Point pairs that are tried. With half of the points astray a good pair fails to turn up once in 10^20."""
REFITS = 4
MAX_SCALE, MAX_TURN_RAD = 1.5, 0.5
"""Between two samples no camera zooms or rolls more than this."""


class Fit(NamedTuple):
    """A map and the points that follow it."""

    affine: Float[np.ndarray, "2 3"]
    inliers: Bool[np.ndarray, "P"]


def fit_similarity(
    source: Float[np.ndarray, "P 2"],
    target: Float[np.ndarray, "P 2"],
    tolerance: float,
    guesses: Float[np.ndarray, "G 2 3"],
) -> Fit:
    """Return the similarity that takes most of ``source`` to within ``tolerance`` of ``target``.

    MSAC over point pairs and guesses, then iteratively reweighted least squares on what agrees.

    Args:
        source: points, spread evenly over the picture: every point is one vote.
        target: where they went.
        tolerance: in the points' unit.
        guesses: maps that are tried besides (rest, the previous motion); only their complex part counts.
    """
    z, w = _complex(source), _complex(target)
    a, b = _hypotheses(z, w, guesses)
    # Squares of real parts: four times faster than abs() of complex numbers.
    dx = np.outer(a.real, z.real) - np.outer(a.imag, z.imag) + (b.real[:, None] - w.real)
    dy = np.outer(a.real, z.imag) + np.outer(a.imag, z.real) + (b.imag[:, None] - w.imag)
    best = int(np.minimum(dx * dx + dy * dy, tolerance**2).sum(1).argmin())
    scale, shift = a[best], b[best]
    for _ in range(REFITS):
        near = np.abs(scale * z + shift - w) / tolerance
        # Geman-McClure inside the tolerance, nothing outside: a foreground must not pull at all.
        scale, shift = weighted_similarity(z, w, np.where(near < 1, 1 / (1 + (2 * near) ** 2) ** 2, 0.0))
    inliers = np.abs(scale * z + shift - w) < tolerance
    return Fit(_matrix(scale, shift), inliers)


def refine_affine(
    source: Float[np.ndarray, "P 2"], target: Float[np.ndarray, "P 2"], fit: Fit, tolerance: float
) -> Fit:
    """Return the affine map that explains a similarity's inliers better; the similarity where they are few."""
    affine, inliers = fit
    for _ in range(REFITS):
        if inliers.sum() < 12:
            return fit
        design = np.column_stack([source[inliers], np.ones(inliers.sum())])
        affine = np.ascontiguousarray(np.linalg.lstsq(design, target[inliers], rcond=None)[0].T)
        error = source @ affine[:, :2].T + affine[:, 2] - target
        inliers = np.hypot(error[:, 0], error[:, 1]) < tolerance
    return Fit(affine, inliers)


def displacement(affine: Float[np.ndarray, "2 3"], size: tuple[float, float]) -> float:
    """Return how far a map moves the corner of a picture (width, height) that it moves most."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    moved = corners @ affine[:, :2].T + affine[:, 2] - corners
    return float(np.hypot(moved[:, 0], moved[:, 1]).max())


def _hypotheses(
    z: Complex[np.ndarray, "P"], w: Complex[np.ndarray, "P"], guesses: Float[np.ndarray, "G 2 3"]
) -> tuple[Complex[np.ndarray, "M"], Complex[np.ndarray, "M"]]:
    """Return scales and shifts: the guesses, every point's own shift, and the maps of point pairs."""
    i, j = _pairs(len(z))
    apart = z[i] - z[j]
    with np.errstate(invalid="ignore", divide="ignore"):
        a = (w[i] - w[j]) / apart
    sane = (np.abs(apart) > 0) & (np.abs(np.log(np.maximum(np.abs(a), 1e-9))) < np.log(MAX_SCALE))
    sane &= np.abs(np.angle(a)) < MAX_TURN_RAD
    a, b = a[sane], (w[i] - a * z[i])[sane]
    guessed_a = guesses[:, 0, 0] + 1j * guesses[:, 1, 0]
    guessed_b = guesses[:, 0, 2] + 1j * guesses[:, 1, 2]
    shift = np.median((w - z).real) + 1j * np.median((w - z).imag)
    return np.concatenate([guessed_a, [1.0], a]), np.concatenate([guessed_b, [shift], b])


@lru_cache(maxsize=512)
def _pairs(count: int) -> tuple[Int[np.ndarray, "M"], Int[np.ndarray, "M"]]:
    """Return pairs of distinct points, the same for the same number of points."""
    rng = np.random.default_rng(count)
    i = rng.integers(0, count, HYPOTHESES)
    # Points come row by row: a partner at least a quarter of the list away is far away in the picture too.
    j = (i + rng.integers(max(1, count // 4), max(2, count - count // 4), HYPOTHESES)) % count
    return i, j


def weighted_similarity(
    z: Complex[np.ndarray, "P"], w: Complex[np.ndarray, "P"], weight: Float[np.ndarray, "P"]
) -> tuple[complex, complex]:
    """Return scale and shift of the similarity that takes z nearest to w, in the weighted mean of squares."""
    total = weight.sum()
    if total < 1e-9:
        return 1 + 0j, 0j
    mean_z, mean_w = (weight * z).sum() / total, (weight * w).sum() / total
    dz, dw = z - mean_z, w - mean_w
    spread = (weight * np.abs(dz) ** 2).sum()
    a = (weight * np.conj(dz) * dw).sum() / spread if spread > 1e-9 else 1 + 0j
    return complex(a), complex(mean_w - a * mean_z)


def _complex(points: Float[np.ndarray, "P 2"]) -> Complex[np.ndarray, "P"]:
    return points[:, 0] + 1j * points[:, 1]


def _matrix(a: complex, b: complex) -> Float[np.ndarray, "2 3"]:
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
