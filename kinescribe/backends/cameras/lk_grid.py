"""Camera motion from an even grid of tracked corners. Needs no weights.

Method: one corner per 16-px cell of a 320-px picture (even sampling matters more than the estimator: corner
detectors pile onto a textured foreground), pyramidal Lucas-Kanade there and back, the similarity that most of
the picture agrees on. Every sample is registered to a *key sample* far back as well as to its neighbour, so
that errors do not add up; motion below noise is rest, exactly. Where corners are noise (a plain wall), the picture as
a whole is asked whether it rests (``_whole``).
Papers: Lucas & Kanade 1981; Bouguet 2000 (pyramids); Torr & Zisserman 2000 (MSAC).

What is not known is NaN: after a cut the picture shows another plane than the first sample's, and while driving
forward there is no one map for near and far. A view that comes back is recognised and known again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy.ndimage import minimum_filter1d

from kinescribe.backends.cameras import _summary
from kinescribe.backends.cameras._fit import IDENTITY, displacement
from kinescribe.backends.cameras._step import (
    CUT_LIKENESS,
    MIN_POINTS,
    REST_PX,
    Grid,
    Step,
    Stepper,
    phase_shift,
)
from kinescribe.geometry import compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip
from kinescribe.video import Frames

__all__ = ["LkGrid"]

RETURN_RATIO = 0.5
"""A view that was lost is known again when this share of its corners is where one map takes them."""
NEAR_PX = 1.5
"""A view that was lost is also known again if it lies within this of its place, even when inliers reach few cells:
the comparison is with one fixed picture, so following a slow object cannot add up."""
KEY_FADES = 0.6
"""A key sample is replaced when it explains this much less than the neighbour does (it goes out of view)."""
MAX_BRIDGE_S = 1.0
"""Unknown for this long between two samples at the same place: the camera stood still meanwhile."""
MIN_FOUND = 0.2
"""Share of the grid that must have been followed for a motion without one map to be called complex: on plain ground
there is none to follow, in fades few."""
MIN_SEEN = 5 / 16
"""Share of the coarse grid that corners must reach for anything to be said of the camera: a title reaches two to four
cells of 16; static clips, a dark hall among them, have seven and more, and five while somebody fills the picture."""
CUT_APART = 2
"""Cuts are at least this many samples apart."""
UNKNOWN: Float[np.ndarray, "2 3"] = np.full((2, 3), np.nan)


class Key(NamedTuple):
    """A sample that later ones are registered to."""

    picture: UInt8[np.ndarray, "h w"]
    grid: Grid
    to_scene: Float[np.ndarray, "2 3"]

    def place(self, step: Step) -> Float[np.ndarray, "2 3"]:
        """Return the map to the first sample of a picture that is one step away."""
        return self.to_scene if step.at_rest else compose_affine(self.to_scene, invert_affine(step.content))


class Local(NamedTuple):
    """Where the camera was within its plane, also where the way back to the first sample is unknown."""

    planes: Int[np.ndarray, "T"]
    """Which plane a sample is placed in: 0 is the first sample's; another after every step that is not trusted."""
    places: Float[np.ndarray, "T 2 3"]
    """Maps to the plane's first sample."""


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
    """Below, the map is not trusted. Driving leaves 17 to 40 %, a foreground over a quarter of the picture 60 %."""
    min_coverage: float = 0.4
    """Share of the coarse grid that inliers must reach, or the fit may follow one object."""

    revision: ClassVar[int] = 5

    def __call__(self, clip: Clip, frames: Frames) -> CameraMotion:
        """Measure a clip; ``to_scene`` is the identity at sample 0 and NaN where the camera is unknown."""
        follower: Follower | None = None
        steps: list[Step] = []
        to_scene, planes, places = [IDENTITY], [0], [IDENTITY]
        for frame in frames:
            picture = self._small(frame.image)
            if follower is None:
                follower = Follower(self, picture)
            else:
                steps.append(follower.follow(picture))
                places.append(follower.place)
                planes.append(follower.plane)
                to_scene.append(follower.place if follower.plane == 0 else UNKNOWN)
        if follower is None or not steps:
            nothing = np.full(len(to_scene), np.nan)
            return CameraMotion(np.stack(to_scene), nothing, nothing, 0.0, np.zeros(4), ("unknown",))
        local = Local(np.array(planes, dtype=np.int64), np.stack(places))
        return self._summed_up(clip, steps, np.stack(to_scene), local, follower.picture.shape)

    @property
    def stepper(self) -> Stepper:
        """What measures the motion between two pictures."""
        return Stepper(self.cell, self.window, self.model, self.min_inlier_ratio)

    def trusts(self, step: Step) -> bool:
        """Whether a step's map stands for the whole picture."""
        enough = step.inlier_ratio >= self.min_inlier_ratio and step.coverage >= self.min_coverage
        return step.at_rest or enough

    def _small(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w"]:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        shrink = max(1.0, max(grey.shape) / self.side)
        size = (max(1, round(grey.shape[1] / shrink)), max(1, round(grey.shape[0] / shrink)))
        return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))

    def _summed_up(
        self,
        clip: Clip,
        steps: list[Step],
        to_scene: Float[np.ndarray, "T 2 3"],
        local: Local,
        shape: tuple[int, ...],
    ) -> CameraMotion:
        size, rate = (float(shape[1]), float(shape[0])), _samples_per_s(clip)
        ratio = np.array([step.inlier_ratio for step in steps])
        cells = self.stepper.cell_centers(shape)
        flow = _taken_out(steps)
        cuts = _cuts(steps, to_scene)
        flow[cuts - 1] = np.nan
        log_scale = np.array([0.5 * np.log(max(np.linalg.det(step.content[:, :2]), 1e-6)) for step in steps])
        radial = np.concatenate(
            [
                _summary.expansion(flow[a:b], cells, ratio[a:b], size, rate, log_scale[a:b])
                for a, b in pairwise([0, *cuts.tolist(), len(steps)])
            ]
        )
        if radial.any():
            to_scene[1 + int(np.flatnonzero(radial)[0]) :] = np.nan
        _bridge(to_scene, max(1, round(MAX_BRIDGE_S * rate)), cuts)
        trusted = np.array([self.trusts(step) for step in steps])
        maps, known = _maps(steps, trusted, to_scene, local, cuts)
        placed = np.isfinite(to_scene[1:, 0, 0]) & np.isfinite(to_scene[:-1, 0, 0])
        # A picture with next to no corners that does not change is taken to rest, but shows no camera.
        seen = np.array([step.coverage >= MIN_SEEN for step in steps])
        known = seen & known | placed & _brief_gaps(seen, max(1, round(MAX_BRIDGE_S * rate)))
        unclear = np.array([step.found for step in steps]) >= MIN_FOUND * len(cells)
        stretches = _summary.stretches(_summary.path(maps, size), clip.times_s, known, unclear, radial, cuts)
        value, terms = _summary.score(maps, size)
        return CameraMotion(
            to_scene=_scaled(to_scene, clip.width / size[0], clip.height / size[1]),
            inlier_ratio=np.concatenate([[np.nan], ratio]),
            coverage=np.array([np.nan, *(step.coverage for step in steps)]),
            score=value,
            terms=terms,
            labels=_summary.summary(stretches),
            cuts_s=tuple(clip.times_s[cuts].tolist()),
            stretches=stretches,
        )


class Follower:
    """Keeps the place in the first sample's plane while pictures come in, and in a new one where that is lost."""

    def __init__(self, backend: LkGrid, picture: UInt8[np.ndarray, "h w"]) -> None:
        self.backend, self.stepper = backend, backend.stepper
        self.picture, self.place = picture, IDENTITY
        self.corners: Grid | None = None
        self.plane = self.num_planes = 0
        """The plane that the place is in; 0 is the first sample's."""
        self.key = Key(picture, self.grid, IDENTITY)
        self.content: Float[np.ndarray, "2 3"] | None = IDENTITY
        """Last motion of the content, which the next sample is expected to continue; None where unknown."""
        self.lost: tuple[Key, ...] = ()
        """The last known view and the key, while the place is unknown."""
        self.pace = self.coasted = IDENTITY
        """Motion per sample when the place was lost, and its sum since then."""

    def follow(self, picture: UInt8[np.ndarray, "h w"]) -> Step:
        """Return the step to the next picture; ``plane`` and ``place`` then say where that is."""
        rest = self._rest(picture)
        if rest is not None:
            self.picture, self.corners = picture, None
            return rest
        step = self._step(picture)
        place, renew = self._place(picture, step)
        if not np.isfinite(place[0, 0]):
            self.num_planes += 1
            self.plane, place, renew = self.num_planes, IDENTITY, True
        if self.lost:
            _, key = self.lost
            back = self._return(picture)
            if np.isfinite(back[0, 0]):
                self.plane, self.key, place, renew = 0, key, back, False
        self.picture, self.corners, self.place = picture, None, place
        if renew:
            self.key = Key(picture, self.grid, place)
        self.content = step.content if self.backend.trusts(step) else None
        return step

    @property
    def grid(self) -> Grid:
        """The corners of the last picture, looked for when they are asked for."""
        if self.corners is None:
            self.corners = self.stepper.grid(self.picture)
        return self.corners

    def _rest(self, picture: UInt8[np.ndarray, "h w"]) -> Step | None:
        """Return the step of a camera that goes on resting where its key sample was taken; None if it may have moved.

        Two pictures that rest where a third was taken rest to each other: one look instead of two, unless too little of
        the key is still seen. What has moved since then says nothing of the last step; where little rests, it is left
        out.
        """
        if self.content is not IDENTITY or self.place is not self.key.to_scene or self.lost:
            return None
        step = self.stepper.step(self.key.picture, self.key.grid, picture, IDENTITY, levels=1)
        if not step.at_rest or step.coverage < MIN_SEEN:
            return None
        if step.inlier_ratio < _summary.MAX_PLANE_RATIO:
            step.flow[np.hypot(step.flow[:, 0], step.flow[:, 1]) >= REST_PX] = np.nan
        return step

    def _step(self, picture: UInt8[np.ndarray, "h w"]) -> Step:
        expected = IDENTITY if self.content is None else self.content
        if self.content is IDENTITY:
            # Most cameras that rest go on resting, and that is seen without the upper half of the pyramid.
            step = self.stepper.step(self.picture, self.grid, picture, expected, levels=1)
            if step.at_rest:
                return step
        step = self.stepper.step(self.picture, self.grid, picture, expected)
        if self.backend.trusts(step) or self.content is None or len(self.grid.points) < MIN_POINTS:
            return step
        # A jerk: neither rest nor the last motion was near enough for the pyramid.
        again = self.stepper.step(self.picture, self.grid, picture, phase_shift(self.picture, picture))
        return again if again.inlier_ratio > step.inlier_ratio else step

    def _place(self, picture: UInt8[np.ndarray, "h w"], step: Step) -> tuple[Float[np.ndarray, "2 3"], bool]:
        """Return the map to the plane's first picture, and whether the picture becomes the key."""
        known = self.backend.trusts(step)
        by_step = Key(self.picture, self.grid, self.place).place(step) if known else UNKNOWN
        at_key = self.place is self.key.to_scene
        expected = IDENTITY
        if known:
            since_key = compose_affine(invert_affine(self.place), self.key.to_scene)
            expected = step.content if at_key else compose_affine(step.content, since_key)
        far = self.stepper.step(self.key.picture, self.key.grid, picture, expected, levels=1)
        if self.backend.trusts(far):
            # A key at rest stays: motion below noise adds up only against a picture that is kept.
            fades = known and not far.at_rest and far.inlier_ratio < KEY_FADES * step.inlier_ratio
            return self.key.place(far), fades
        if not known and not self.lost:
            self.lost = (Key(self.picture, self.grid, self.place), self.key)
            self.pace = self.coasted = IDENTITY if self.content is None else self.content
        return by_step, known

    def _return(self, picture: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, "2 3"]:
        """Return the map to the first picture if a known view is back, or the last one where it would be by now."""
        self.coasted = compose_affine(self.pace, self.coasted)
        for key, expected in zip(self.lost, (self.coasted, IDENTITY), strict=True):
            far = self.stepper.step(key.picture, key.grid, picture, expected)
            enough = far.at_rest or far.inlier_ratio >= RETURN_RATIO
            if enough and (self.backend.trusts(far) or _is_near(far, picture.shape)):
                self.lost = ()
                return key.place(far)
        return UNKNOWN


def _is_near(step: Step, shape: tuple[int, ...]) -> bool:
    """Whether little is seen but what is seen is where it was: a bare room with its texture in one corner."""
    return displacement(step.content, (float(shape[1]), float(shape[0]))) < NEAR_PX


def _taken_out(steps: list[Step]) -> Float[np.ndarray, "M C 2"]:
    """Return the flow of all steps and leave them without: it is nearly all that a long clip's steps hold."""
    flow = np.empty((len(steps), *steps[0].flow.shape), np.float32)
    for i, step in enumerate(steps):
        flow[i] = step.flow
        steps[i] = step._replace(flow=flow[0, :0])
    return flow


def _cuts(steps: list[Step], to_scene: Float[np.ndarray, "T 2 3"]) -> Int[np.ndarray, "C"]:
    """Return the samples at which another picture begins; a flash, after which the view is back, is none."""
    known = np.isfinite(to_scene[:, 0, 0])
    likeness = np.array([1.0, *(step.likeness for step in steps)])
    # In hectic action many neighbours are unlike: only the worst of them can be a cut.
    worst = likeness == minimum_filter1d(likeness, 2 * CUT_APART + 1, mode="nearest")
    found = np.flatnonzero(worst & (likeness < CUT_LIKENESS))
    cuts = [i for i in found if not (known[i : i + 2].any() and known[max(0, i - 2) : i].any())]
    return np.array(cuts, dtype=np.int64)


def _bridge(to_scene: Float[np.ndarray, "T 2 3"], longest: int, cuts: Int[np.ndarray, "C"]) -> None:
    """Fill short unknown stretches, in place, before and after which the camera stood at the same place."""
    known = np.flatnonzero(np.isfinite(to_scene[:, 0, 0]))
    for a, b in zip(known[:-1], known[1:], strict=True):
        same = np.array_equal(to_scene[a], to_scene[b]) and not ((a < cuts) & (cuts <= b)).any()
        if 1 < b - a <= longest + 1 and same:
            to_scene[a + 1 : b] = to_scene[a]


def _maps(
    steps: list[Step],
    trusted: Bool[np.ndarray, "M"],
    to_scene: Float[np.ndarray, "T 2 3"],
    local: Local,
    cuts: Int[np.ndarray, "C"],
) -> tuple[Float[np.ndarray, "M 2 3"], Bool[np.ndarray, "M"]]:
    """Return every sample's map to the one before, and where it was measured: elsewhere it is a guess; rest at cuts."""
    guess = invert_affine(np.stack([step.content for step in steps]))
    within = compose_affine(invert_affine(local.places[:-1]), local.places[1:])
    maps = np.where((local.planes[1:] == local.planes[:-1])[:, None, None], within, guess)
    placed = compose_affine(invert_affine(to_scene[:-1]), to_scene[1:])
    known = np.isfinite(placed[:, 0, 0])
    maps[known] = placed[known]
    maps[cuts - 1] = IDENTITY
    return maps, known | trusted | (local.planes[1:] == local.planes[:-1])


def _brief_gaps(seen: Bool[np.ndarray, "M"], longest: int) -> Bool[np.ndarray, "M"]:
    """Return the steps of short stretches in which nothing is seen, between others in which something is."""
    brief = np.zeros(len(seen), dtype=bool)
    steps = np.flatnonzero(seen)
    for a, b in pairwise(steps.tolist()):
        brief[a + 1 : b] = b - a <= longest + 1
    return brief


def _scaled(affine: Float[np.ndarray, "T 2 3"], x: float, y: float) -> Float[np.ndarray, "T 2 3"]:
    """Return maps of the small picture as maps of the clip's pixels, which are smaller by x and y."""
    return affine * np.array([[1, x / y, x], [y / x, 1, y]])


def _samples_per_s(clip: Clip) -> float:
    length = float(clip.times_s[-1] - clip.times_s[0])
    return (len(clip.times_s) - 1) / length if length > 0 else 10.0
