"""Camera screening by the motion vectors that a video codec has stored: no picture is looked at. Needs no weights.

An encoder looks for every block of a P frame in the frame before; most blocks show the background, so the one
similarity that most of the area agrees on is the camera's motion. Ten to thirty times cheaper than ``lk_grid`` with its
decoding (design/0003-the-door.md), and meant to sort large collections: is a clip static, does its camera move, and
about how much (s_m)?

An encoder wants few bits, not the truth. So this says ``unknown`` where there are no vectors (HEVC, VP9, AV1,
GIF, pictures without a file, streams of I frames), and where a video of few frames per second seems to stand
still: there, encoders give up searching and store zeros. It does not say where the camera was: ``to_scene`` is
the identity for a static clip and NaN otherwise. For compensation take ``lk_grid``.
Method: area-weighted Geman-McClure fit of a similarity to the vectors of P frames, which reach back to the I or
P frame before (the reference's distance is not stored; other references become outliers).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from kinescribe.backends.cameras import _summary
from kinescribe.backends.cameras._fit import IDENTITY, weighted_similarity
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import CodedFrame, Frames, coded_frames

__all__ = ["Codec"]

SIDE = 640
"""Lengths below are pixels of a picture with this longer side."""
NOISE_PX, NEAR_PX = 0.5, 1.5
"""Vectors are quarter pixels at best; blocks within the second, and a tenth of the motion, follow the fit."""
REFITS = 6
REST_PX, REST_SHARE = 0.3, 0.4
"""Rest: this share of the area did not move, and no more than that follows another motion. A pan leaves hardly any
still, but for the black bars of a wide film: a quarter of the picture."""
COARSE = 4
"""The coverage grid is COARSE x COARSE."""
MIN_FOLLOWING, MIN_CODED = 0.3, 0.25
"""Share of the blocks that must follow the fit, and of the picture that must have vectors: after a cut a P frame
has few."""
MIN_TIME_KNOWN = 0.5
"""Share of the clip's time that vectors must span."""
SLOW_FPS = 12.0
"""Below this many frames per second, zeros are no evidence of rest: a car ride at 6 fps has hardly anything else."""


class Pace(NamedTuple):
    """Motion of the content from one reference frame to the next."""

    start_s: float
    end_s: float
    moved: Float[np.ndarray, "4"]
    """x and y of the middle (shares of the longer side), log scale, clockwise roll (radians)."""
    following: float
    """Share of the coded area that agrees; 0 where nothing is known."""
    coverage: float
    known: bool


@dataclass(frozen=True)
class Codec:
    """Screen the camera by the codec's motion vectors."""

    vectors: int = 600
    """Blocks per frame that are looked at, spread evenly."""

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
        """Screen a clip; its pictures are not looked at."""
        paces = self.paces(clip)
        spanned = sum(p.end_s - p.start_s for p in paces if p.following > 0)
        length = float(clip.times_s[-1] - clip.times_s[0])
        if length <= 0 or spanned < MIN_TIME_KNOWN * length:
            return _record(clip, paces, float("nan"), np.full(4, np.nan), ("unknown",))
        way = _way(paces, clip.times_s)
        size = (float(clip.width), float(clip.height))
        value, terms = _summary.score(_steps(way, size), size)
        unknown = np.array([not pace.known for pace in paces])
        rate = (len(clip.times_s) - 1) / length
        radial = np.zeros(len(paces), dtype=np.int64)
        content = _summary.Path(way[0], way[1], way[2], np.degrees(way[3]))
        words = _summary.labels(content, value, rate, unknown, radial)
        if words == ("static",) and not clip.fps >= SLOW_FPS:
            return _record(clip, paces, float("nan"), np.full(4, np.nan), ("unknown",))
        return _record(clip, paces, value, terms, words)

    def paces(self, clip: Clip) -> list[Pace]:
        """Return the motion between neighbouring reference frames of a clip; none where there is no file."""
        if not Path(clip.source).is_file():
            return []
        found: list[Pace] = []
        last_s = None
        for frame in coded_frames(clip, self.vectors):
            if last_s is not None and frame.time_s > last_s:
                found.append(_pace(frame, last_s, (float(clip.width), float(clip.height))))
            last_s = frame.time_s
        return found


def _pace(frame: CodedFrame, last_s: float, size: tuple[float, float]) -> Pace:
    """Fit one similarity to a frame's vectors."""
    nothing = Pace(last_s, frame.time_s, np.zeros(4), 0.0, 0.0, not frame.predicted)
    coded = float(frame.area.sum()) / (size[0] * size[1])
    if len(frame.area) < 8 or coded < MIN_CODED:
        return nothing
    unit = SIDE / max(size)
    z = _complex(frame.before, size) * unit
    w = _complex(frame.after, size) * unit
    rest = np.abs(w - z) < REST_PX
    scale, shift = _fit(z, w, frame.area)
    near = np.abs(scale * z + shift - w) < NEAR_PX + 0.1 * abs(shift)
    total = frame.area.sum()
    share, still = float(frame.area[near].sum() / total), float(frame.area[rest].sum() / total)
    cells, rested = _cells(frame.after[near], size), _cells(frame.after[rest], size)
    if still >= REST_SHARE and still >= float(frame.area[near & ~rest].sum() / total):
        return Pace(last_s, frame.time_s, np.zeros(4), still, rested / COARSE**2, True)
    moved = np.array([shift.real / SIDE, shift.imag / SIDE, np.log(abs(scale)), np.angle(scale)])
    return Pace(last_s, frame.time_s, moved, share, cells / COARSE**2, share >= MIN_FOLLOWING)


def _fit(
    z: Complex[np.ndarray, "V"], w: Complex[np.ndarray, "V"], area: Float[np.ndarray, "V"]
) -> tuple[complex, complex]:
    """Return scale and shift of the similarity that most of the area follows."""
    scale, shift = 1 + 0j, complex(_median((w - z).real, area), _median((w - z).imag, area))
    for _ in range(REFITS):
        off = np.abs(scale * z + shift - w)
        spread = max(NOISE_PX, 1.48 * _median(off, area))
        scale, shift = weighted_similarity(z, w, area / (1 + (off / spread) ** 2) ** 2)
    return scale, shift


def _median(values: Float[np.ndarray, "V"], weight: Float[np.ndarray, "V"]) -> float:
    order = np.argsort(values)
    summed = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(summed, summed[-1] / 2)])


def _complex(points: Float[np.ndarray, "V 2"], size: tuple[float, float]) -> Complex[np.ndarray, "V"]:
    """Return points counted from the picture's middle: there, the shift is the middle's."""
    return (points[:, 0] - size[0] / 2) + 1j * (points[:, 1] - size[1] / 2)


def _cells(points: Float[np.ndarray, "V 2"], size: tuple[float, float]) -> int:
    cell = np.clip((points / size * COARSE).astype(int), 0, COARSE - 1)
    return len(np.unique(cell[:, 1] * COARSE + cell[:, 0]))


def _way(paces: list[Pace], times_s: Float[np.ndarray, "T"]) -> Float[np.ndarray, "4 T"]:
    """Return where the content is at the samples; where a frame has no vectors, the motion before goes on."""
    edges, places, pace = [0.0], [np.zeros(4)], np.zeros(4)
    for step in paces:
        length = step.end_s - step.start_s
        if step.known and step.following > 0:
            pace = step.moved / length
        edges.append(step.end_s)
        places.append(places[-1] + pace * length)
    # An I frame without vectors may begin another scene: then the pace before it goes on for one gap only.
    return np.stack([np.interp(times_s, edges, place) for place in np.array(places).T])


def _steps(way: Float[np.ndarray, "4 T"], size: tuple[float, float]) -> Float[np.ndarray, "M 2 3"]:
    """Return the maps from each sample's pixels to the ones of the sample before."""
    x, y, log_scale, roll = -np.diff(way, axis=1)
    scale = np.exp(log_scale)
    c, s = scale * np.cos(roll), scale * np.sin(roll)
    linear = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    middle = np.array(size) / 2
    moved = middle + max(size) * np.stack([x, y], -1)
    # The inverse of "turn about the middle, then shift": shift back, then turn back.
    shift = middle - np.einsum("mij,mj->mi", linear, 2 * middle - moved)
    return np.concatenate([linear, shift[..., None]], axis=-1)


def _record(
    clip: Clip, paces: list[Pace], value: float, terms: Float[np.ndarray, "4"], words: tuple[str, ...]
) -> CameraMotion:
    """Return the record: of the way, only that it is none."""
    to_scene = np.tile(IDENTITY, (len(clip.times_s), 1, 1))
    if words != ("static",):
        to_scene[1:] = np.nan
    edges = np.array([pace.end_s for pace in paces] or [np.inf])
    at = np.minimum(np.searchsorted(edges, clip.times_s[1:] - 1e-6), len(edges) - 1)
    ratio, coverage = np.full((2, len(clip.times_s)), np.nan)
    if paces:
        ratio[1:] = np.array([pace.following for pace in paces])[at]
        coverage[1:] = np.array([pace.coverage for pace in paces])[at]
    return CameraMotion(to_scene, ratio, coverage, value, terms, words)
