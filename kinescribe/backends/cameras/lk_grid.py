"""Camera motion from an even grid of tracked corners. Needs no weights.

Method: one corner per 16-px cell of a 320-px picture (even sampling matters more than the estimator: corner
detectors pile onto a textured foreground), pyramidal Lucas-Kanade there and back, the similarity that most of
the picture agrees on. Every sample is registered to a *key sample* far back as well as to its neighbour, so
that errors do not add up; motion below noise is rest, exactly.
Papers: Lucas & Kanade 1981; Bouguet 2000 (pyramids); Torr & Zisserman 2000 (MSAC).

What is not known is NaN: after a cut the picture shows another plane than the first sample's, and while driving
forward there is no one map for near and far. A view that comes back is recognised and known again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from kinescribe.backends.cameras import _summary
from kinescribe.backends.cameras._fit import IDENTITY, Fit, displacement, fit_similarity, refine_affine
from kinescribe.geometry import apply_affine, compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import Frames

__all__ = ["LkGrid"]

# Lengths below are pixels of the small picture (320 on its longer side).
MIN_TEXTURE = 5e-5
"""Smaller eigenvalue of the structure tensor as OpenCV scales it: about one grey level per pixel both ways."""
RETURN_PX = 0.7
"""A point tracked there and back must come back this near."""
TOLERANCE_PX, TOLERANCE_SHARE = 0.75, 0.04
"""A point agrees with a map within this, plus this share of the motion (lens and perspective bend fast pans)."""
REST_PX, REST_SHARE = 0.3, 0.25
"""Rest: measured on static clips, where the fit moves a corner by less than 0.2 in 99 % of the samples."""
COARSE = 4
"""The coverage grid is COARSE x COARSE (perception 3.4)."""
MIN_POINTS = 12
CUT_FOUND, CUT_LIKENESS = 0.15, 0.9
"""A cut: fewer corners than this are found again, and thumbnails correlate less. Seven cuts in two films: at most
0.04 and 0.66; fades and fast drives stay above one of the two."""
RETURN_RATIO = 0.5
"""A view that was lost is known again when this share of its corners is where one map takes them."""
KEY_FADES = 0.6
"""A key sample is replaced when it explains this much less than the neighbour does (it goes out of view)."""
MAX_BRIDGE_S = 1.0
UNCHANGED_LEVELS = 1.5
"""Mean grey-level difference of a coarse cell that compression noise makes."""


class Grid(NamedTuple):
    """Corners of a picture, at most one per cell."""

    points: Float32[np.ndarray, "P 2"]
    cell: Int[np.ndarray, "P"]
    """Index of the cell in the lattice, row by row."""


class Step(NamedTuple):
    """Motion from an earlier picture to the current one."""

    affine: Float[np.ndarray, "2 3"]
    """From the current picture to the earlier one."""
    inlier_ratio: float
    coverage: float
    at_rest: bool
    flow: Float32[np.ndarray, "C 2"]
    """Where the corner of each cell went; NaN without one."""
    found: int = 0
    """Corners that were followed there and back."""
    cut: bool = False
    """Whether nothing of the earlier picture is found again and the two do not look alike."""


class Key(NamedTuple):
    """A sample that later ones are registered to."""

    picture: UInt8[np.ndarray, "h w"]
    grid: Grid
    to_scene: Float[np.ndarray, "2 3"]


@dataclass(frozen=True)
class LkGrid:
    """Measure the camera on a grid of corners, 320 pixels wide."""

    side: int = 320
    """Longer side of the picture that is looked at; 320 is as accurate as 640 here and four times faster."""
    cell: int = 16
    """One corner per cell of this many pixels: 220 corners in a 16:9 picture."""
    window: int = 11
    """Lucas-Kanade window; with four pyramid levels it follows 40 px per sample."""
    model: str = "similarity"
    """``similarity`` (shift, scale, roll) or ``affine`` (also shear; for wide lenses)."""
    min_inlier_ratio: float = 0.4
    """Below, the map is not trusted: parallax leaves 4 to 17 %, a foreground over a quarter leaves 60 % and more."""
    min_coverage: float = 0.4
    """Share of the coarse grid that inliers must reach, or the fit may follow one object (perception 3.4)."""

    revision: ClassVar[int] = 1

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
        """Measure a clip."""
        follower: Follower | None = None
        steps: list[Step] = []
        to_scene = [IDENTITY]
        for frame in frames:
            picture = self.small(frame.image)
            if follower is None:
                follower = Follower(self, picture)
                continue
            step, place = follower.follow(picture)
            steps.append(step)
            to_scene.append(place)
        if follower is None or not steps:
            one = len(to_scene)
            return CameraMotion(
                np.stack(to_scene), np.full(one, np.nan), np.full(one, np.nan), 0.0, np.zeros(4), ("static",)
            )
        return self._summed_up(clip, steps, np.stack(to_scene), follower.picture.shape)

    def _summed_up(
        self, clip: Clip, steps: list[Step], to_scene: Float[np.ndarray, "T 2 3"], shape: tuple[int, ...]
    ) -> CameraMotion:
        size, rate = (float(shape[1]), float(shape[0])), _samples_per_s(clip)
        ratio = np.array([step.inlier_ratio for step in steps])
        radial = _summary.expansion(
            np.stack([step.flow for step in steps]).astype(np.float64),
            self._cell_centers(shape),
            ratio,
            size,
            rate,
        )
        if radial.any():
            to_scene[1 + int(np.flatnonzero(radial)[0]) :] = np.nan
        cuts = _cuts(steps, to_scene)
        _bridge(to_scene, max(1, round(MAX_BRIDGE_S * rate)), cuts)
        maps = _maps(steps, to_scene, cuts)
        known = np.isfinite(to_scene[:, 0, 0])
        unknown = np.array([not self.trusts(step) for step in steps]) & ~(known[1:] & known[:-1])
        unknown[[cut - 1 for cut in cuts]] = False
        value, terms = _summary.score(maps, size)
        return CameraMotion(
            to_scene=_scaled(to_scene, clip.width / size[0], clip.height / size[1]),
            inlier_ratio=np.concatenate([[np.nan], ratio]),
            coverage=np.array([np.nan, *(step.coverage for step in steps)]),
            score=value,
            terms=terms,
            labels=_summary.labels(_summary.path(maps, size), value, rate, unknown, radial),
            cuts_s=tuple(float(clip.times_s[cut]) for cut in cuts),
        )

    def trusts(self, step: Step) -> bool:
        """Whether a step's map stands for the whole picture."""
        return step.at_rest or (
            step.inlier_ratio >= self.min_inlier_ratio and step.coverage >= self.min_coverage
        )

    # --- pictures -------------------------------------------------------------------------------------------

    def small(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w"]:
        """Return the grey picture that is looked at."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        shrink = max(1.0, max(grey.shape) / self.side)
        size = (max(1, round(grey.shape[1] / shrink)), max(1, round(grey.shape[0] / shrink)))
        return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))

    def grid(self, picture: UInt8[np.ndarray, "h w"]) -> Grid:
        """Return the strongest corner of every cell that has texture."""
        rows, columns = self.lattice(picture)
        strength = cv2.cornerMinEigenVal(picture, 3)
        strength[:2], strength[-2:], strength[:, :2], strength[:, -2:] = 0, 0, 0, 0
        top, left = (picture.shape[0] - rows * self.cell) // 2, (picture.shape[1] - columns * self.cell) // 2
        blocks = strength[top : top + rows * self.cell, left : left + columns * self.cell]
        blocks = (
            blocks.reshape(rows, self.cell, columns, self.cell).swapaxes(1, 2).reshape(rows * columns, -1)
        )
        best = blocks.argmax(1)
        cell = np.flatnonzero(blocks[np.arange(len(blocks)), best] > MIN_TEXTURE)
        y = cell // columns * self.cell + top + best[cell] // self.cell
        x = cell % columns * self.cell + left + best[cell] % self.cell
        return Grid(np.stack([x, y], 1).astype(np.float32), cell)

    def lattice(self, picture: UInt8[np.ndarray, "h w"]) -> tuple[int, int]:
        """Return rows and columns of cells."""
        return max(1, picture.shape[0] // self.cell), max(1, picture.shape[1] // self.cell)

    # --- motion between two pictures ------------------------------------------------------------------------

    def step(
        self,
        earlier: UInt8[np.ndarray, "h w"],
        grid: Grid,
        current: UInt8[np.ndarray, "h w"],
        expected: Float[np.ndarray, "2 3"],
        levels: int = 3,
    ) -> Step:
        """Measure the motion between two pictures.

        Args:
            earlier: picture in which the corners lie.
            grid: its corners.
            current: picture in which they are looked for.
            expected: likely map from the earlier to the current picture.
            levels: pyramid levels above the bottom: 3 follows 40 px off the expectation, 1 follows 10 px.
        """
        cells = int(np.prod(self.lattice(earlier)))
        flow = np.full((cells, 2), np.nan, np.float32)
        if len(grid.points) < MIN_POINTS:
            return self._without_points(earlier, current, flow)
        moved, found = self._track(earlier, current, grid.points, expected, levels)
        flow[grid.cell[found]] = (moved - grid.points)[found]
        if found.sum() < max(4, CUT_FOUND * len(found)):
            cut = _likeness(earlier, current) < CUT_LIKENESS
            return Step(IDENTITY, 0.0, 0.0, False, flow, int(found.sum()), cut)
        # Pixel centres lie at half pixels: with them scaling the picture scales the map.
        before, after = grid.points.astype(np.float64) + 0.5, moved.astype(np.float64) + 0.5
        return self._judge(before, after, found, expected, earlier.shape, flow)

    def _judge(
        self,
        before: Float[np.ndarray, "P 2"],
        after: Float[np.ndarray, "P 2"],
        found: Bool[np.ndarray, "P"],
        expected: Float[np.ndarray, "2 3"],
        shape: tuple[int, ...],
        flow: Float32[np.ndarray, "C 2"],
    ) -> Step:
        size = (float(shape[1]), float(shape[0]))
        length = np.hypot(*(after - before).T)
        tolerance = TOLERANCE_PX + TOLERANCE_SHARE * float(np.median(length[found]))
        fit = self._fit(after[found], before[found], tolerance, invert_affine(expected))
        inliers = np.zeros(len(found), dtype=bool)
        inliers[found] = fit.inliers
        # Corners that the motion takes out of the picture cannot follow it.
        goal = apply_affine(invert_affine(fit.affine), before)
        inside = ((goal > 0) & (goal < size)).all(1) | inliers
        ratio, reached = inliers.sum() / inside.sum(), _coarse_cells(before[inliers], size)
        resting = found & (length < REST_PX)
        rested = _coarse_cells(before[resting], size)
        fits_rest = displacement(fit.affine, size) < REST_PX and ratio >= self.min_inlier_ratio
        # perception 3.4: one object may fill a picture whose background has little texture. But a camera that
        # moves leaves no corner where it was, except on logos and subtitles, which reach few cells.
        if fits_rest or (resting.mean() > REST_SHARE and 2 * rested >= reached):
            return Step(IDENTITY, float(resting.mean()), rested / COARSE**2, True, flow, int(found.sum()))
        return Step(fit.affine, float(ratio), reached / COARSE**2, False, flow, int(found.sum()))

    def _fit(
        self,
        source: Float[np.ndarray, "P 2"],
        target: Float[np.ndarray, "P 2"],
        tolerance: float,
        expected: Float[np.ndarray, "2 3"],
    ) -> Fit:
        fit = fit_similarity(source, target, tolerance, np.stack([IDENTITY, expected]))
        return refine_affine(source, target, fit, tolerance) if self.model == "affine" else fit

    def _track(
        self,
        earlier: UInt8[np.ndarray, "h w"],
        current: UInt8[np.ndarray, "h w"],
        points: Float32[np.ndarray, "P 2"],
        expected: Float[np.ndarray, "2 3"],
        levels: int,
    ) -> tuple[Float32[np.ndarray, "P 2"], Bool[np.ndarray, "P"]]:
        """Return where the points went and which came back when tracked backwards."""
        start = apply_affine(expected, points.astype(np.float64)).astype(np.float32)
        settings = {
            "winSize": (self.window, self.window),
            "criteria": (3, 10, 0.03),
            "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
        }
        moved, seen, _ = cv2.calcOpticalFlowPyrLK(
            earlier, current, points, start, maxLevel=levels, **settings
        )
        back, seen_back, _ = cv2.calcOpticalFlowPyrLK(
            current, earlier, moved, points.copy(), maxLevel=1, **settings
        )
        miss = np.hypot(*(back - points).T)
        return moved, (seen[:, 0] > 0) & (seen_back[:, 0] > 0) & (miss < RETURN_PX)

    def _without_points(
        self,
        earlier: UInt8[np.ndarray, "h w"],
        current: UInt8[np.ndarray, "h w"],
        flow: Float32[np.ndarray, "C 2"],
    ) -> Step:
        """Judge a picture with hardly any corner: at rest where nothing changes, otherwise unknown."""
        change = cv2.resize(cv2.absdiff(earlier, current), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
        unchanged = bool((change <= UNCHANGED_LEVELS).all())
        appears = len(self.grid(current).points) >= MIN_POINTS and _likeness(earlier, current) < CUT_LIKENESS
        return Step(IDENTITY, 0.0, 0.0, unchanged, flow, 0, not unchanged and appears)

    def _cell_centers(self, shape: tuple[int, ...]) -> Float[np.ndarray, "C 2"]:
        rows, columns = max(1, shape[0] // self.cell), max(1, shape[1] // self.cell)
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        return (np.stack([x, y], 1) + 0.5) * [shape[1] / columns, shape[0] / rows]


class Follower:
    """Keeps the place in the first sample's plane while pictures come in."""

    def __init__(self, backend: LkGrid, picture: UInt8[np.ndarray, "h w"]) -> None:
        self.backend = backend
        self.picture, self.grid, self.place = picture, backend.grid(picture), IDENTITY
        self.key = Key(picture, self.grid, IDENTITY)
        self.content = IDENTITY
        """Last motion of the content: what the next sample is expected to do again."""

    def follow(self, picture: UInt8[np.ndarray, "h w"]) -> tuple[Step, Float[np.ndarray, "2 3"]]:
        """Return the step to the next picture and its map to the first one (NaN where unknown)."""
        step = self._step(picture)
        grid = self.backend.grid(picture)
        place, renew = self._place(picture, step)
        if renew:
            self.key = Key(picture, grid, place)
        self.picture, self.grid, self.place = picture, grid, place
        self.content = invert_affine(step.affine) if self.backend.trusts(step) else IDENTITY
        return step, place

    def _step(self, picture: UInt8[np.ndarray, "h w"]) -> Step:
        step = self.backend.step(self.picture, self.grid, picture, self.content)
        if self.backend.trusts(step) or step.found < MIN_POINTS:
            return step
        # A jerk: neither rest nor the last motion was near enough for the pyramid.
        guess = _shifted(*_phase_shift(self.picture, picture))
        again = self.backend.step(self.picture, self.grid, picture, guess)
        return again if again.inlier_ratio > step.inlier_ratio + 0.1 else step

    def _place(self, picture: UInt8[np.ndarray, "h w"], step: Step) -> tuple[Float[np.ndarray, "2 3"], bool]:
        """Return the map to the first picture, and whether the picture becomes the key."""
        backend, key = self.backend, self.key
        lost = not np.isfinite(self.place[0, 0])
        by_step = compose_affine(self.place, step.affine) if backend.trusts(step) else np.full((2, 3), np.nan)
        known = bool(np.isfinite(by_step[0, 0]))
        expected = compose_affine(invert_affine(by_step), key.to_scene) if known else IDENTITY
        far = backend.step(key.picture, key.grid, picture, expected, levels=1)
        limit = RETURN_RATIO if lost else backend.min_inlier_ratio
        if backend.trusts(far) and (not lost or far.inlier_ratio >= limit):
            place = compose_affine(key.to_scene, far.affine) if not far.at_rest else key.to_scene
            fading = known and far.inlier_ratio < KEY_FADES * step.inlier_ratio
            return place, fading
        return by_step, known


def _coarse_cells(points: Float[np.ndarray, "P 2"], size: tuple[float, float]) -> int:
    """Return how many cells of the coarse grid hold at least two of the points."""
    index = np.clip((points / size * COARSE).astype(int), 0, COARSE - 1)
    return int((np.bincount(index[:, 0] + COARSE * index[:, 1], minlength=COARSE**2) >= 2).sum())


def _shifted(x: float, y: float) -> Float[np.ndarray, "2 3"]:
    return np.array([[1.0, 0, x], [0, 1.0, y]])


def _phase_shift(earlier: UInt8[np.ndarray, "h w"], current: UInt8[np.ndarray, "h w"]) -> tuple[float, float]:
    """Return the shift of the content that phase correlation finds, however large."""
    window = cv2.createHanningWindow(earlier.shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(earlier.astype(np.float32), current.astype(np.float32), window)
    return float(x), float(y)


def _likeness(earlier: UInt8[np.ndarray, "h w"], current: UInt8[np.ndarray, "h w"]) -> float:
    """Return the correlation of two thumbnails; 0 where one of them is blank."""
    a, b = (
        cv2.resize(p, (20, 12), interpolation=cv2.INTER_AREA).astype(np.float64) for p in (earlier, current)
    )
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _cuts(steps: list[Step], to_scene: Float[np.ndarray, "T 2 3"]) -> list[int]:
    """Return the samples at which another picture begins; a flash, after which the view is back, is none."""
    known = np.isfinite(to_scene[:, 0, 0])
    cuts = []
    for i in (j + 1 for j, step in enumerate(steps) if step.cut):
        after, before = known[i : i + 2].any(), known[max(0, i - 2) : i].any()
        if not (after and before):
            cuts.append(i)
    return cuts


def _bridge(to_scene: Float[np.ndarray, "T 2 3"], longest: int, cuts: list[int]) -> None:
    """Fill short unknown stretches, in place, before and after which the camera stood at the same place."""
    known = np.flatnonzero(np.isfinite(to_scene[:, 0, 0]))
    for a, b in zip(known[:-1], known[1:], strict=True):
        same = np.array_equal(to_scene[a], to_scene[b]) and not any(a < cut <= b for cut in cuts)
        if 1 < b - a <= longest + 1 and same:
            to_scene[a + 1 : b] = to_scene[a]


def _maps(
    steps: list[Step], to_scene: Float[np.ndarray, "T 2 3"], cuts: list[int]
) -> Float[np.ndarray, "M 2 3"]:
    """Return every sample's map to the one before: as placed where known, else the best guess; rest at cuts."""
    placed = compose_affine(invert_affine(to_scene[:-1]), to_scene[1:])
    guess = np.stack([step.affine for step in steps])
    maps = np.where(np.isfinite(placed), placed, guess)
    maps[[cut - 1 for cut in cuts]] = IDENTITY
    return maps


def _scaled(affine: Float[np.ndarray, "T 2 3"], x: float, y: float) -> Float[np.ndarray, "T 2 3"]:
    """Return maps of the small picture as maps of the clip's pixels."""
    unit = np.array([[1, x / y, x], [y / x, 1, y]])
    return affine * unit


def _samples_per_s(clip: Clip) -> float:
    length = float(clip.times_s[-1] - clip.times_s[0])
    return (len(clip.times_s) - 1) / length if length > 0 else 10.0
