"""Motion between two pictures: corners on an even grid, followed there and back.

Lengths are pixels of the small grey pictures (320 on the longer side), unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from kinescribe.backends.cameras._fit import IDENTITY, Fit, displacement, fit_similarity, refine_affine
from kinescribe.backends.cameras._whole import rests
from kinescribe.geometry import apply_affine

MIN_TEXTURE = 5e-5
"""Smaller eigenvalue of the structure tensor as OpenCV scales it: about one grey level per pixel both ways."""
RETURN_PX = 0.7
"""A corner tracked there and back must come back this near."""
TOLERANCE_PX, TOLERANCE_SHARE = 0.75, 0.04
"""A corner agrees with a map within this, plus this share of the motion (lenses bend fast pans)."""
REST_PX, REST_SHARE = 0.3, 0.15
"""Rest: so many corners within this of their place. On static clips the share is 0.22 and more in 95 % of the
samples, however large the foreground; while the camera pans, zooms or drives it is 0.12 and less."""
CLEARLY_AT_REST = 0.6
"""So many resting corners need no second thought (and no fit)."""
DISPUTED = 0.6
"""Where fewer corners agree on a map, they may be noise on a plain wall: then the picture as a whole is asked. While a
camera pans or zooms before anything to hold on to, 0.8 and more agree."""
FEW_TOGETHER, MAX_TOGETHER = 10, 0.2
"""Noise goes nowhere together: of neighbouring corners that move, no more than so many, or such a share, go one way.
On plain walls (development worlds) 0.05 to 0.15 do, on the motorway clip, whose sky and asphalt have light slopes too,
0.25 to 0.6."""
ALIKE = 0.3
"""Two flows are the same if they differ by less than this share of the longer (or ``REST_PX``)."""
MIN_GAIN = 0.03
"""A smaller change of exposure does not disturb the tracker."""
MIN_REST_CELLS = 3
COARSE = 4
"""The coverage grid is COARSE x COARSE."""
MIN_POINTS = 12
CUT_LIKENESS = 0.7
"""A cut: hardly a corner is found again, and thumbnails correlate less than this. The 9 cuts of two films: at most
4 % of the corners and 0.66. Unrelated noise: up to 10 % by chance, and 0.21."""
CUT_FOUND, CUT_FOUND_UNLIKE, UNLIKE = 0.06, 0.12, 0.4
"""In hectic action 9 % of the corners are found at a likeness of 0.56: the more is found, the less alike two shots
must be."""
CUT_LEVELS = 5.0
"""And the thumbnails differ by this many grey levels: fades from and to black do so more slowly."""
UNCHANGED_LEVELS = 1.5
"""Mean grey-level difference of a coarse cell that compression noise makes."""


class Grid(NamedTuple):
    """Corners of a picture, at most one per cell."""

    points: Float32[np.ndarray, "P 2"]
    """Pixel indices."""
    cell: Int[np.ndarray, "P"]
    """Index of the cell in the lattice, row by row."""


class Step(NamedTuple):
    """Motion from an earlier picture to the current one."""

    content: Float[np.ndarray, "2 3"]
    """Where the content went: from the earlier picture to the current one."""
    inlier_ratio: float
    coverage: float
    at_rest: bool
    flow: Float32[np.ndarray, "C 2"]
    """Where the corner of each cell went; NaN without one."""
    found: int = 0
    """Corners that were followed there and back."""
    likeness: float = 1.0
    """Correlation of thumbnails, measured where another picture may have begun; 1 elsewhere."""


@dataclass(frozen=True)
class Stepper:
    """Measures steps; the settings are those of ``LkGrid``."""

    cell: int
    window: int
    model: str
    min_inlier_ratio: float

    def lattice(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return rows and columns of cells."""
        return max(1, shape[0] // self.cell), max(1, shape[1] // self.cell)

    def cell_centers(self, shape: tuple[int, ...]) -> Float[np.ndarray, "C 2"]:
        """Return the middles of the cells, row by row."""
        rows, columns = self.lattice(shape)
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        return (np.stack([x, y], 1) + 0.5) * [shape[1] / columns, shape[0] / rows]

    def grid(self, picture: UInt8[np.ndarray, "h w"]) -> Grid:
        """Return the strongest corner of every cell that has texture."""
        rows, columns = self.lattice(picture.shape)
        cell = min(self.cell, *picture.shape)
        strength = cv2.cornerMinEigenVal(picture, 3)
        strength[:2], strength[-2:], strength[:, :2], strength[:, -2:] = 0, 0, 0, 0
        top, left = (picture.shape[0] - rows * cell) // 2, (picture.shape[1] - columns * cell) // 2
        inner = strength[top : top + rows * cell, left : left + columns * cell]
        blocks = inner.reshape(rows, cell, columns, cell).swapaxes(1, 2).reshape(rows * columns, -1)
        best = blocks.argmax(1)
        textured = np.flatnonzero(blocks[np.arange(len(blocks)), best] > MIN_TEXTURE)
        y = textured // columns * cell + top + best[textured] // cell
        x = textured % columns * cell + left + best[textured] % cell
        return Grid(np.stack([x, y], 1).astype(np.float32), textured)

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
            expected: where the content probably went.
            levels: pyramid levels above the bottom: 3 follows 40 px off the expectation, 1 follows 10 px.
        """
        flow = np.full((int(np.prod(self.lattice(earlier.shape))), 2), np.nan, np.float32)
        if len(grid.points) < MIN_POINTS:
            return self._without_corners(earlier, current, flow)
        moved, found = self._track(_relit(earlier, current), current, grid.points, expected, levels)
        flow[grid.cell[found]] = (moved - grid.points)[found]
        if found.sum() < max(4, CUT_FOUND_UNLIKE * len(found)):
            likeness = _likeness(earlier, current)
            if found.sum() > CUT_FOUND * len(found) and likeness > UNLIKE:
                likeness = 1.0
            return _as_a_whole(
                Step(IDENTITY, 0.0, 0.0, False, flow, int(found.sum()), likeness), earlier, current
            )
        # Pixel centres lie at half pixels: with them, scaling the picture scales the map.
        before, after = grid.points.astype(np.float64) + 0.5, moved.astype(np.float64) + 0.5
        step = self._judge(before, after, found, expected, earlier.shape, flow)
        if step.at_rest or step.inlier_ratio >= DISPUTED or self._goes_together(flow, earlier.shape):
            return step
        return _as_a_whole(step, earlier, current)

    def _goes_together(self, flow: Float32[np.ndarray, "C 2"], shape: tuple[int, ...]) -> bool:
        """Whether neighbouring corners move alike, as a scene does and noise does not."""
        field = flow.reshape(*self.lattice(shape), 2)
        together: list[Bool[np.ndarray, "_"]] = []
        for one, two in ((field[:, 1:], field[:, :-1]), (field[1:], field[:-1])):
            pairs = np.stack([one, two]).reshape(2, -1, 2)
            longer = np.hypot(pairs[..., 0], pairs[..., 1]).max(0)
            moves = longer > REST_PX  # not where a corner was lost: NaN is not larger
            apart = _norm(pairs[0, moves] - pairs[1, moves])
            together.append(apart < np.maximum(REST_PX, ALIKE * longer[moves]))
        alike = np.concatenate(together)
        return int(alike.sum()) > max(FEW_TOGETHER, MAX_TOGETHER * len(alike))

    def _judge(
        self,
        before: Float[np.ndarray, "P 2"],
        after: Float[np.ndarray, "P 2"],
        found: Bool[np.ndarray, "P"],
        expected: Float[np.ndarray, "2 3"],
        shape: tuple[int, ...],
        flow: Float32[np.ndarray, "C 2"],
    ) -> Step:
        """Fit one map to the corners, and decide between it and rest."""
        size = (float(shape[1]), float(shape[0]))
        length = _norm(after - before)
        resting = found & (length < REST_PX)
        share, rested = float(resting.mean()), _coarse_cells(before[resting], size)
        rest = Step(IDENTITY, share, rested / COARSE**2, True, flow, int(found.sum()))
        if share >= CLEARLY_AT_REST:
            return rest
        tolerance = TOLERANCE_PX + TOLERANCE_SHARE * float(np.median(length[found]))
        fit = self._fit(before[found], after[found], tolerance, expected)
        inliers = np.zeros(len(found), dtype=bool)
        inliers[found] = fit.inliers
        goal = apply_affine(fit.affine, before)
        # Corners that the motion takes out of the picture cannot follow it.
        inside = ((goal > 0) & (goal < size)).all(1) | inliers
        ratio, reached = float(inliers.sum() / inside.sum()), _coarse_cells(before[inliers], size)
        close = found & (_norm(goal - after) < REST_PX)
        if displacement(fit.affine, size) < REST_PX and ratio >= self.min_inlier_ratio:
            return rest
        # One object may fill a picture whose background has little texture. But a camera that
        # moves leaves no corner where it was, except in the middle of a zoom and on logos and subtitles: those
        # reach few cells.
        if share >= REST_SHARE and rested >= max(MIN_REST_CELLS, _coarse_cells(before[close], size) / 2):
            return rest
        return Step(fit.affine, ratio, reached / COARSE**2, False, flow, int(found.sum()))

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
        lk: dict[str, Any] = {
            "winSize": (self.window, self.window),
            "criteria": (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 10, 0.03),
            "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
        }
        moved, seen, _ = cv2.calcOpticalFlowPyrLK(earlier, current, points, start, maxLevel=levels, **lk)
        # The way back begins where it should end, so it needs no coarser level.
        back, kept, _ = cv2.calcOpticalFlowPyrLK(current, earlier, moved, points.copy(), maxLevel=0, **lk)
        return moved, (seen[:, 0] > 0) & (kept[:, 0] > 0) & (_norm(back - points) < RETURN_PX)

    def _without_corners(
        self,
        earlier: UInt8[np.ndarray, "h w"],
        current: UInt8[np.ndarray, "h w"],
        flow: Float32[np.ndarray, "C 2"],
    ) -> Step:
        """Judge a picture with hardly any corner: at rest where nothing changes, otherwise unknown."""
        change = cv2.resize(cv2.absdiff(earlier, current), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
        unchanged = bool((change <= UNCHANGED_LEVELS).all())
        # A blank that gets lighter or darker is no other shot: there must be something to see.
        appears = not unchanged and len(self.grid(current).points) >= MIN_POINTS
        likeness = _likeness(earlier, current) if appears else 1.0
        return Step(IDENTITY, 0.0, 0.0, unchanged, flow, 0, likeness)


def _as_a_whole(step: Step, earlier: UInt8[np.ndarray, "h w"], current: UInt8[np.ndarray, "h w"]) -> Step:
    """Return a step on which the corners do not agree as rest, where the picture as a whole rests."""
    whole = rests(earlier, current)
    if whole is None:
        return step
    return step._replace(
        content=IDENTITY, inlier_ratio=whole.share, coverage=whole.coverage, at_rest=True, likeness=1.0
    )


def phase_shift(
    earlier: UInt8[np.ndarray, "h w"], current: UInt8[np.ndarray, "h w"]
) -> Float[np.ndarray, "2 3"]:
    """Return the shift of the content that phase correlation finds, however large."""
    window = cv2.createHanningWindow(earlier.shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(earlier.astype(np.float32), current.astype(np.float32), window)
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def _relit(earlier: UInt8[np.ndarray, "h w"], current: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Return a picture with the exposure of another, by the median ratio of thumbnails (objects do not count)."""
    a, b = (
        cv2.resize(p, (20, 12), interpolation=cv2.INTER_AREA).astype(float) + 1 for p in (earlier, current)
    )
    gain = float(np.median(b / a))
    return earlier if abs(gain - 1) < MIN_GAIN else np.asarray(cv2.convertScaleAbs(earlier, alpha=gain))


def _norm(vectors: Float[np.ndarray, "P 2"] | Float32[np.ndarray, "P 2"]) -> Float[np.ndarray, "P"]:
    return np.hypot(vectors[:, 0], vectors[:, 1]).astype(np.float64)


def _coarse_cells(points: Float[np.ndarray, "P 2"], size: tuple[float, float]) -> int:
    """Return how many cells of the coarse grid hold at least two of the points."""
    index = np.clip((points / size * COARSE).astype(int), 0, COARSE - 1)
    return int((np.bincount(index[:, 0] + COARSE * index[:, 1], minlength=COARSE**2) >= 2).sum())


def _likeness(earlier: UInt8[np.ndarray, "h w"], current: UInt8[np.ndarray, "h w"]) -> float:
    """Return the correlation of two thumbnails: 0 where one is blank, 1 where they hardly differ."""
    a, b = (cv2.resize(p, (20, 12), interpolation=cv2.INTER_AREA).astype(float) for p in (earlier, current))
    if np.abs(a - b).mean() < CUT_LEVELS:
        return 1.0
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0
