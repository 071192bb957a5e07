"""Things that move, by how the picture flows: whole, apart from each other, before any camera.

Needs no weights. A clean plate (``detectors/motion``) says where a still camera's picture has changed, tightly, but
joins what touches: a hand, its arm and the shirt behind them are one region. Dense optical flow (DIS, Kroeger et
al. 2016, arXiv:1603.03590) says what moves just now and as one. Where a changed region moves only in part, that part
is the thing; where nothing of it moves, it has stopped and is kept. Before a moving camera, flow that the camera's
own motion does not explain is all there is.

Not told apart: two things that touch and fill their common box, whichever way they go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from kinescribe.backends.detectors._regions import connected
from kinescribe.backends.detectors.motion import MotionRegions
from kinescribe.geometry import box_cover, compose_affine, invert_affine
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frame, Frames

__all__ = ["FlowRegions"]

PIECE_COVER = 0.6
"""A changed region that lies with this share in a flowing one is a piece of it: more of it than not, and the flow's
edge strays by a patch of DIS (8 pixels)."""
AS_ONE = 0.5
"""Pieces are put together if their velocities differ from that of the flowing region by less than this share of it:
by less than 30 degrees at one speed."""
PART_COVER = 0.5
"""A flowing region of which this share lies in a changed one is a part of it; the rest is smear."""
MIN_MOVING = 0.1
"""If less of a box moves, its velocity is that of all its pixels: it rests, and a few pixels at its edge are noise."""
UNSMEARED = 0.5
"""Of what moves, only pixels that move this much as fast as the fastest tenth are asked for the velocity: round a thing
before a plain ground, flow fades out over one or two patches of 8 pixels."""
AGREED = 0.5
"""Thresholds that the flow to one neighbour must reach to confirm the flow to the other: things speed up and slow down
by half from sample to sample, ground that a passing thing uncovers does not flow at all in one of them."""
SIDE_BY_SIDE = 0.5
"""Two regions before a moving camera may be the edges of one thing if they share this much of the taller (wider) one's
extent, and no more than its length is between them: what is plain shows at its edges alone that it moves."""
MIN_BETWEEN, MAX_OFF_LEVELS = 0.45, 1.0
"""They are if the flow in this share of what is between them is nearer to theirs than to the camera's (flow is smooth
and fills what is plain), and if the neighbouring picture, shifted as they go, differs there by no more than so many
grey levels above what it does when shifted as the camera goes. Ground between two things in step does."""
WHOLE_SHAPE = 0.6
"""Two things in step are both so deep (in shares of their other side); what a post leaves of one thing on its two sides
is not, and the post stays where it is, too."""
REST_PX = 0.3
"""The camera rests between two samples if no entry of the map between them is further from the identity."""
NARROWEST = 5
"""The longest picture, in shares of its shorter side, that DIS is given as it is: on its coarsest level, an eighth of
320 pixels, a side then still holds one patch of 8 pixels. Less crashes OpenCV 5.0 (at 320 x 31) or is refused."""
MARGIN_PX = 24
"""Before a still camera flow is only looked for in changed regions and this far round them: three patches of DIS.
Windows that touch are joined, so a thing is followed over a gap of 48 of 320 pixels from sample to sample."""
WINDOW_PX = 96
"""The smallest side that DIS is given. Where 91 pixels hold no scale as coarse as its settings ask for, it chooses
finer ones and keeps them for all later pictures: 10 ms each, or a crash."""

_Rows = Int[np.ndarray, "_"]


class _Window(NamedTuple):
    """A part of the small picture: columns [x0, x1), rows [y0, y1)."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Rows and columns, for indexing."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def holds(self, other: _Window) -> bool:
        """Whether another one lies inside."""
        return self.x0 <= other.x0 and self.y0 <= other.y0 and other.x1 <= self.x1 and other.y1 <= self.y1

    def touches(self, other: _Window) -> bool:
        """Whether another one overlaps this one or lies side by side with it."""
        return self.x0 <= other.x1 and other.x0 <= self.x1 and self.y0 <= other.y1 and other.y0 <= self.y1

    def inside(self, outer: _Window) -> tuple[slice, slice]:
        """Rows and columns counted from the corner of a window that holds this one."""
        rows = slice(self.y0 - outer.y0, self.y1 - outer.y0)
        return rows, slice(self.x0 - outer.x0, self.x1 - outer.x0)


class _Look(NamedTuple):
    """A sample, small and grey, and where its flow is asked for."""

    frame: Frame
    grey: UInt8[np.ndarray, "h w"]
    windows: list[_Window]
    still: bool
    """Whether the camera rests from the sample before to the one after."""


class _Dis(NamedTuple):
    """Two settings of DIS, for two questions."""

    smooth: cv2.DISOpticalFlow
    """Where something moves, before a still camera: without the finer scale it fills the quiet middle of what grows,
    but finds only 40 to 80 % of the speed of things 40 of 320 pixels wide. 0.7 ms a field."""
    fine: cv2.DISOpticalFlow
    """How fast, and what the camera's motion does not explain: 95 % of that speed. 1.1 ms a field."""

    @classmethod
    def create(cls) -> _Dis:
        """Start from the preset FAST, whose finest scale is a quarter of the picture."""
        smooth = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        fine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        fine.setFinestScale(1)
        fine.setVariationalRefinementIterations(0)
        return cls(smooth, fine)


class _Flow(NamedTuple):
    """What the flow to the neighbouring samples says of a window of one sample."""

    window: _Window
    level: Float[np.ndarray, "h w"]
    """Flow that the camera does not explain, in thresholds: where something moves."""
    fine: Float[np.ndarray, "h w"]
    """The same with sharper edges and holes in what has no texture: whose velocity is asked."""
    velocity_px_s: Float[np.ndarray, "h w 2"]
    """As filmed, in clip pixels."""
    step: float = 1.0
    """Seconds to the neighbour times pixels of the small picture per clip pixel: takes velocities to shifts."""

    own: Float[np.ndarray, "2 3"] | None = None
    """Where the camera takes a pixel of the small picture to; None where it rests."""
    to: UInt8[np.ndarray, "H W"] | None = None
    """The neighbour's whole small picture."""

    @property
    def camera_rests(self) -> bool:
        """Between the two samples."""
        return self.own is None

    def part(self, window: _Window) -> _Flow:
        """Return a window of the window."""
        at = window.inside(self.window)
        velocity = self.velocity_px_s[at]
        return _Flow(window, self.level[at], self.fine[at], velocity, self.step, self.own, self.to)

    def own_velocity(self, window: tuple[slice, slice]) -> Float[np.ndarray, "y x 2"]:
        """Return how a moving camera alone would move the pixels of a part of the window, in clip pixels a second."""
        rows, columns = window
        assert self.own is not None
        at = np.stack(
            np.meshgrid(
                np.arange(columns.start, columns.stop) + self.window.x0,
                np.arange(rows.start, rows.stop) + self.window.y0,
            ),
            axis=-1,
        ).astype(np.float64)
        own: Float[np.ndarray, "y x 2"] = (at @ self.own[:, :2].T + self.own[:, 2] - at) / self.step
        return own


class _Seen(NamedTuple):
    """A sample and the flow in its windows; None without a neighbour to flow to."""

    look: _Look
    flows: list[_Flow] | None


class _Box(NamedTuple):
    """A row of the detections."""

    sample: int
    xyxy: Float[np.ndarray, "4"]
    score: float
    velocity_px_s: Float[np.ndarray, "2"]


@dataclass(frozen=True)
class FlowRegions:
    """Detections labelled ``object``."""

    side: int = 320
    """Pixels of the longer side that is looked at: a flow field costs 1 ms, things of 3 % of the width show."""
    min_flow: float = 0.7
    """Pixels (of the small picture) per sample that are motion: 7 px/s of 320 at 10 Hz. A still camera's flow
    stays below 0.1; slower things are found by the plate as they leave their place."""
    parallax: float = 0.25
    """With a moving camera this share of the camera's own flow is added to the threshold."""
    min_level: float = 9.0
    """Grey levels that the camera's motion leaves unexplained where something moves; flow in flat areas is guessed."""
    min_area: float = 0.0015
    """Smallest region, as a share of the picture: 9 x 10 pixels of 320 x 180."""
    max_area: float = 0.5
    """A larger one is a change of light or a slip of the camera's map, not a thing."""
    max_part: float = 0.55
    """A changed region is replaced by its moving parts if they take up less of its box than this."""
    plate: dict[str, Any] = field(default_factory=dict)
    """Settings of ``detectors/motion``."""

    revision: ClassVar[int] = 4

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Find what moves; ``regions`` are not used."""
        changed = MotionRegions(**self.plate)(clip, frames, camera, regions)
        boxes: list[_Box] = []
        for seen, rows in self._flows(clip, frames, camera, changed):
            moving = [
                box
                for flow in seen.flows or []
                for box in _without_gaps(clip, seen.look, flow, list(self._moving(clip, seen.look, flow)))
            ]
            boxes += self._joined(clip, seen, changed, rows, moving) if seen.look.still else moving
        return _columns(clip, boxes, changed.notes)

    def _flows(
        self, clip: Clip, frames: Frames, camera: CameraMotion, changed: Detections
    ) -> Iterator[tuple[_Seen, _Rows]]:
        """Yield every sample with its flow to the samples before and after, and the rows of its changed regions."""
        dis = _Dis.create()
        starts = np.searchsorted(changed.sample, np.arange(len(clip.times_s) + 1))
        rows = [np.arange(a, b) for a, b in zip(starts[:-1], starts[1:], strict=True)]
        induced = _induced(clip, camera, np.diff(starts) > 0)
        still = [True, *(_is_rest(step) for step in induced), True]
        before: _Look | None = None
        here: _Look | None = None
        arriving: list[_Flow] | None = None
        for frame in frames:
            k = frame.sample
            there = self._look(clip, frame, changed.xyxy[rows[k]], still[k] and still[k + 1])
            step = induced[k - 1] if k else None
            if here is not None:
                leaving = None
                if step is not None:
                    windows = _merged([*here.windows, *there.windows])
                    leaving = [self._flow(clip, dis, here, there, step, window) for window in windows]
                yield self._seen(clip, dis, before, here, arriving, leaving, induced), rows[k - 1]
                arriving = leaving
            before, here = here, there
        if here is not None:
            yield self._seen(clip, dis, before, here, arriving, None, induced), rows[-1]

    def _seen(
        self,
        clip: Clip,
        dis: _Dis,
        before: _Look | None,
        here: _Look,
        arriving: list[_Flow] | None,
        leaving: list[_Flow] | None,
        induced: list[Float[np.ndarray, "2 3"] | None],
    ) -> _Seen:
        """Return a sample with what the flow from the sample before, and to the sample after, says of it."""
        if leaving is not None:
            fore = _parts(leaving, here.windows)
            if before is None or arriving is None:
                return _Seen(here, fore)
            back = [self._arrived(dis, before, here, arriving, flow) for flow in fore]
            return _Seen(here, [_agreed(one, two) for one, two in zip(back, fore, strict=True)])
        step = induced[here.frame.sample - 1] if here.frame.sample else None
        if before is None or step is None:
            return _Seen(here, None)
        home = invert_affine(step)
        return _Seen(here, [self._flow(clip, dis, here, before, home, window) for window in here.windows])

    def _arrived(self, dis: _Dis, before: _Look, here: _Look, arriving: list[_Flow], fore: _Flow) -> _Flow:
        """Return the flow from a window of a sample back to the sample before."""
        carried = _carried(arriving, fore)
        if not carried.camera_rests or not (fore.level > AGREED).any():
            return carried  # no level could confirm what does not move
        one, two = (np.ascontiguousarray(look.grey[fore.window.pixels]) for look in (here, before))
        return carried._replace(level=self._level(_dense(dis.smooth, one, two)))

    def _level(self, moved: Float[np.ndarray, "h w 2"]) -> Float[np.ndarray, "h w"]:
        """Return how fast pixels move before a camera at rest, in thresholds."""
        return np.asarray(cv2.magnitude(moved[..., 0], moved[..., 1]) / np.float32(self.min_flow))

    def _look(self, clip: Clip, frame: Frame, regions: Float[np.ndarray, "R 4"], still: bool) -> _Look:
        """Return a sample with its windows: round what has changed, or all of it before a moving camera."""
        grey = _small(frame.image, self.side)
        whole = _Window(0, 0, grey.shape[1], grey.shape[0])
        if not still:
            return _Look(frame, grey, [whole], False)
        scale = np.array([whole.x1 / clip.width, whole.y1 / clip.height] * 2)
        return _Look(frame, grey, _merged([_round_about(box, whole) for box in regions * scale]), True)

    def _flow(
        self,
        clip: Clip,
        dis: _Dis,
        here: _Look,
        there: _Look,
        induced: Float[np.ndarray, "2 3"],
        window: _Window,
    ) -> _Flow:
        """Return how pixels move from one sample to another, and where the camera does not explain it."""
        one, two = (np.ascontiguousarray(look.grey[window.pixels]) for look in (here, there))
        moved = _dense(dis.fine, one, two)
        scale = here.grey.shape[1] / clip.width
        step = scale * (there.frame.time_s - here.frame.time_s)
        velocity = moved / np.float32(step)
        if np.abs(induced - np.eye(2, 3)).max() < 1e-6:
            smooth = _dense(dis.smooth, one, two)
            return _Flow(window, self._level(smooth), self._level(moved), velocity, step, None, there.grey)
        own = induced * [[1, 1, scale]]
        level = self._unexplained(one, two, moved, _in_window(own, window))
        return _Flow(window, level, level, velocity, step, own, there.grey)

    def _unexplained(
        self,
        here: UInt8[np.ndarray, "h w"],
        there: UInt8[np.ndarray, "h w"],
        moved: Float[np.ndarray, "h w 2"],
        induced: Float[np.ndarray, "2 3"],
    ) -> Float[np.ndarray, "h w"]:
        """Return the flow less the camera's, in thresholds; ``induced`` is in pixels of the pictures."""
        height, width = here.shape
        y, x = (axis.astype(np.float32) for axis in np.mgrid[:height, :width])
        own_x = (induced[0, 0] * x + induced[0, 1] * y + induced[0, 2] - x).astype(np.float32)
        own_y = (induced[1, 0] * x + induced[1, 1] * y + induced[1, 2] - y).astype(np.float32)
        limit = 1.5 * self.min_flow + self.parallax * np.hypot(own_x, own_y)
        level = np.hypot(moved[..., 0] - own_x, moved[..., 1] - own_y) / limit
        expected = cv2.remap(there, x + own_x, y + own_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        differs = (cv2.absdiff(here, expected) > self.min_level).astype(np.uint8)
        specks = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        return np.asarray(level * cv2.dilate(specks, np.ones((7, 7), np.uint8)), np.float32)

    def _moving(self, clip: Clip, look: _Look, flow: _Flow) -> Iterator[_Box]:
        """Yield the connected regions of a window that flow."""
        mask = cv2.morphologyEx((flow.level > 1).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        found = connected(mask)
        scale = np.array([clip.width / look.grey.shape[1], clip.height / look.grey.shape[0]] * 2)
        corner = np.array([flow.window.x0, flow.window.y0] * 2)
        for k in range(1, len(found.area)):
            if self.min_area * look.grey.size <= found.area[k] <= self.max_area * look.grey.size:
                x0, y0, x1, y1 = (int(v) for v in found.xyxy[k])
                window = np.s_[y0:y1, x0:x1]
                inside = found.label[window] == k
                strength = float(np.median(flow.level[window][inside]))
                velocity = _velocity_of(flow, window, inside)
                box = (found.xyxy[k] + corner) * scale
                yield _Box(look.frame.sample, box, 1 - 0.5 / max(strength, 1.0), velocity)

    def _joined(
        self, clip: Clip, seen: _Seen, changed: Detections, rows: _Rows, moving: list[_Box]
    ) -> Iterator[_Box]:
        """Let flow put changed regions together and take them apart; flow without any change is its own smear."""
        parts = np.array([box.xyxy for box in moving]).reshape(-1, 4)
        regions = changed.xyxy[rows]
        in_part, in_region = box_cover(regions, parts) >= PIECE_COVER, box_cover(parts, regions) >= PART_COVER
        left = np.ones(len(rows), dtype=bool)
        for box, inside in zip(moving, in_part.T, strict=True):
            pieces = regions[inside & left]
            if len(pieces) > 1 and _go_as_one(clip, pieces, box, seen):
                left &= ~inside
                yield box._replace(xyxy=np.concatenate([pieces[:, :2].min(0), pieces[:, 2:].max(0)]))
        for row in np.flatnonzero(left):
            region, own = regions[row], np.flatnonzero(in_region[:, row])
            clipped = np.clip(parts[own], [*region[:2]] * 2, [*region[2:]] * 2)
            if len(own) and _area(clipped).sum() < self.max_part * _area(region[None]).sum():
                for k, xyxy in zip(own, clipped, strict=True):
                    yield moving[k]._replace(xyxy=xyxy)
            else:
                velocity = _velocity_in(clip, region, seen)
                yield _Box(seen.look.frame.sample, region, float(changed.score[rows[row]]), velocity)


def _go_as_one(clip: Clip, pieces: Float[np.ndarray, "P 4"], whole: _Box, seen: _Seen) -> bool:
    """Whether every piece moves as the whole does: things that pass each other flow side by side, but not as one."""
    off = np.array([_velocity_in(clip, piece, seen) for piece in pieces]) - whole.velocity_px_s
    if np.hypot(*off.T).max() > AS_ONE * np.hypot(*whole.velocity_px_s):
        return False
    return not any(_ground_between(clip, one, two, whole, seen) for one, two in combinations(pieces, 2))


def _ground_between(
    clip: Clip, one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"], whole: _Box, seen: _Seen
) -> bool:
    """Whether what is between two regions stays where it is while they go: two things in step, no pieces of one."""
    between = _between(one, two)
    if between is None or min(_depth(one, two), _depth(two, one)) < WHOLE_SHAPE:
        return False
    box = _small_box(clip, between, seen.look.grey.shape)
    for flow in seen.flows or []:
        if flow.window.holds(box):
            window = box.inside(flow.window)
            with_them, at_rest = (
                _off(seen.look, flow, window, v) for v in (whole.velocity_px_s, np.zeros(2))
            )
            return with_them > at_rest + MAX_OFF_LEVELS
    return False


def _without_gaps(clip: Clip, look: _Look, flow: _Flow, boxes: list[_Box]) -> list[_Box]:
    """Put together the edges of plain things before a moving camera."""
    if flow.own is None:
        return boxes
    apart: list[_Box] = []
    for box in boxes:
        one = box
        while near := [k for k, other in enumerate(apart) if _are_edges(clip, look, flow, one, other)]:
            one = _both(one, apart.pop(near[0]))
        apart.append(one)
    return apart


def _both(one: _Box, two: _Box) -> _Box:
    """Return the box round two, of which the larger one says how they move."""
    xyxy = np.concatenate([np.minimum(one.xyxy[:2], two.xyxy[:2]), np.maximum(one.xyxy[2:], two.xyxy[2:])])
    areas = _area(np.stack([one.xyxy, two.xyxy]))
    return (one if areas[0] >= areas[1] else two)._replace(xyxy=xyxy, score=max(one.score, two.score))


def _are_edges(clip: Clip, look: _Look, flow: _Flow, one: _Box, two: _Box) -> bool:
    """Whether two regions lie face to face, go one way, and what is between them goes with them."""
    between = _between(one.xyxy, two.xyxy)
    if between is None:
        return False
    window = _small_box(clip, between, look.grey.shape).inside(flow.window)
    own, goes = flow.own_velocity(window), (one.velocity_px_s + two.velocity_px_s) / 2
    alone = np.hypot(*(goes - own.mean((0, 1))))
    if np.hypot(*(one.velocity_px_s - two.velocity_px_s)) > AS_ONE * alone:
        return False
    velocity = flow.velocity_px_s[window]
    nearer = np.hypot(*np.moveaxis(velocity - goes, -1, 0)) < np.hypot(*np.moveaxis(velocity - own, -1, 0))
    if nearer.mean() < MIN_BETWEEN:
        return False
    with_them, with_camera = (_off(look, flow, window, way) for way in (goes, own.mean((0, 1))))
    return with_them <= with_camera + MAX_OFF_LEVELS


def _off(
    look: _Look, flow: _Flow, window: tuple[slice, slice], velocity_px_s: Float[np.ndarray, "2"]
) -> float:
    """Return by how many grey levels the neighbour's picture differs in a part of the window, if that goes so fast."""
    assert flow.to is not None
    rows, columns = (slice(s.start + o, s.stop + o) for s, o in zip(window, flow.window[1::-1], strict=True))
    size = (columns.stop - columns.start, rows.stop - rows.start)
    middle = np.array([columns.start + columns.stop - 1, rows.start + rows.stop - 1]) / 2
    x, y = (middle + velocity_px_s * flow.step).tolist()
    there = cv2.getRectSubPix(flow.to, size, (x, y))
    return float(cv2.absdiff(look.grey[rows, columns], there).mean())


def _between(one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"]) -> Float[np.ndarray, "4"] | None:
    """Return the box between two that lie face to face; None where they do not."""
    low, high = np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])
    longer = np.maximum(one[2:] - one[:2], two[2:] - two[:2])
    for along, across in ((0, 1), (1, 0)):
        gap, shared = low[along] - high[along], high[across] - low[across]
        if shared >= SIDE_BY_SIDE * longer[across] and gap <= longer[across]:
            # Boxes that touch have no gap: what they share, or where they meet, has to say it.
            box = np.concatenate([low, high])
            box[[along, along + 2]] = sorted((low[along], high[along]))
            # The outlines of regions stray by a patch: only the middle half is surely between them.
            box[[across, across + 2]] += np.array([0.25, -0.25]) * shared
            return box
    return None


def _depth(one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"]) -> float:
    """Return how far a region reaches back from the one that it faces, in shares of its other side."""
    apart = np.maximum(one[:2], two[:2]) - np.minimum(one[2:], two[2:])
    along = int(apart.argmax())
    sides = one[2:] - one[:2]
    return float(sides[along] / max(sides[1 - along], 1e-6))


def _velocity_in(clip: Clip, region: Float[np.ndarray, "4"], seen: _Seen) -> Float[np.ndarray, "2"]:
    """Return how the pixels of a box move; NaN without flow."""
    box = _small_box(clip, region, seen.look.grey.shape)
    for flow in seen.flows or []:
        if flow.window.holds(box):
            return _velocity_of(flow, box.inside(flow.window), None)
    return np.full(2, np.nan)


def _velocity_of(
    flow: _Flow, window: tuple[slice, slice], inside: Bool[np.ndarray, "y x"] | None
) -> Float[np.ndarray, "2"]:
    """Return how some (or all) pixels of a window move: those that do, or all of them if hardly any does."""
    fine, velocity = flow.fine[window], flow.velocity_px_s[window]
    moves = fine > 1 if inside is None else inside & (fine > 1)
    moving = fine[moves]
    if len(moving) > MIN_MOVING * (fine.size if inside is None else np.count_nonzero(inside)):
        asked = velocity[moves & (fine > UNSMEARED * _fastest_tenth(moving))]
    else:
        asked = velocity.reshape(-1, 2) if inside is None else velocity[inside]
    return np.array([_median(along) for along in np.ascontiguousarray(asked.T)])


def _median(values: Float[np.ndarray, "P"]) -> float:
    """Return NumPy's median of values without NaN, at half its price."""
    half = len(values) // 2
    middle = [half] if len(values) % 2 else [half - 1, half]
    return float(np.partition(values, middle)[middle[0] : half + 1].mean())


def _fastest_tenth(flow: Float[np.ndarray, "P"]) -> float:
    """Return what nine tenths of some values do not exceed."""
    at = round(0.9 * (len(flow) - 1))
    return float(np.partition(flow, at)[at])


def _small_box(clip: Clip, region: Float[np.ndarray, "4"], shape: tuple[int, ...]) -> _Window:
    """Return a box in pixels of the small picture: inside it, and at least one pixel."""
    height, width = shape
    scale = np.array([width / clip.width, height / clip.height] * 2)
    x0, y0, x1, y1 = (int(v) for v in (region * scale).round())
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    return _Window(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))


def _round_about(box: Float[np.ndarray, "4"], whole: _Window) -> _Window:
    """Return the window in which the flow of a box (small pixels) is looked for."""
    x0, x1 = _stretched(float(box[0]), float(box[2]), whole.x1)
    y0, y1 = _stretched(float(box[1]), float(box[3]), whole.y1)
    return _Window(x0, y0, x1, y1)


def _stretched(low: float, high: float, limit: int) -> tuple[int, int]:
    """Return an interval with its margins and at least a window's side, within [0, limit)."""
    more = max(MARGIN_PX, (WINDOW_PX - (high - low)) / 2)
    start, stop = int(np.floor(low - more)), int(np.ceil(high + more))
    start, stop = start - max(0, stop - limit), stop - min(0, start)
    return max(0, start), min(limit, stop)


def _merged(windows: list[_Window]) -> list[_Window]:
    """Return windows that do not touch and hold the given ones."""
    apart: list[_Window] = []
    for window in windows:
        one = window
        while near := [other for other in apart if one.touches(other)]:
            apart = [other for other in apart if other not in near]
            x0, y0, x1, y1 = zip(one, *near, strict=True)
            one = _Window(min(x0), min(y0), max(x1), max(y1))
        apart.append(one)
    return apart


def _parts(flows: list[_Flow], windows: list[_Window]) -> list[_Flow]:
    """Return the flow of some windows, each of which lies in one that has been looked at."""
    return [next(flow for flow in flows if flow.window.holds(window)).part(window) for window in windows]


def _dense(
    dis: cv2.DISOpticalFlow, here: UInt8[np.ndarray, "h w"], there: UInt8[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 2"]:
    """Return the flow from one picture to another, of which narrow ones are continued beyond their edge."""
    least = max(WINDOW_PX, -(-max(here.shape) // NARROWEST))
    below, beside = (max(0, least - side) for side in here.shape)
    wide = [
        cv2.copyMakeBorder(grey, 0, below, 0, beside, cv2.BORDER_REPLICATE) if below or beside else grey
        for grey in (here, there)
    ]
    moved = dis.calc(*wide, None)  # type: ignore[call-overload]
    return np.asarray(moved[: here.shape[0], : here.shape[1]])


def _induced(
    clip: Clip, camera: CameraMotion, has_regions: Bool[np.ndarray, "T"]
) -> list[Float[np.ndarray, "2 3"] | None]:
    """Return where the camera moves a pixel from each sample to the next (clip pixels); None if that is unknown."""
    times, known = clip.times_s, np.isfinite(camera.to_scene).all((1, 2))
    maps = compose_affine(invert_affine(camera.to_scene[1:]), camera.to_scene[:-1])
    steps: list[Float[np.ndarray, "2 3"] | None] = []
    for k, step in enumerate(maps):
        if any(times[k] < cut <= times[k + 1] + 1e-6 for cut in camera.cuts_s):
            steps.append(None)
        elif known[k] and known[k + 1]:
            steps.append(step)
        else:
            # Where no map leads back to the first frame, the plate's regions say that the picture is steady.
            steps.append(np.eye(2, 3) if has_regions[k] or has_regions[k + 1] else None)
    return steps


def _is_rest(step: Float[np.ndarray, "2 3"] | None) -> bool:
    """Whether the camera rests between two samples; an unknown step says nothing against it."""
    return step is None or bool(np.abs(step - np.eye(2, 3)).max() < REST_PX)


def _in_window(affine: Float[np.ndarray, "2 3"], window: _Window) -> Float[np.ndarray, "2 3"]:
    """Return a map of the small picture as a map of a window's own pixels."""
    corner = np.array([window.x0, window.y0], dtype=np.float64)
    shift = affine[:, :2] @ corner + affine[:, 2] - corner
    return np.column_stack([affine[:, :2], shift])


def _carried(arriving: list[_Flow], fore: _Flow) -> _Flow:
    """Return how the pixels of a window arrived: the flow from the sample before, at the place that they left.

    A second field, computed backwards, would say the same for what moves on as it did: it comes from where its own
    flow, turned round, leads to.
    """
    earlier = next(flow for flow in arriving if flow.window.holds(fore.window))
    rows, columns = fore.window.inside(earlier.window)
    moved = fore.velocity_px_s * np.float32(earlier.step)
    x = np.arange(columns.start, columns.stop, dtype=np.float32) - moved[..., 0]
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - moved[..., 1]
    # Before a moving camera there is but one level; before one at rest the smooth one is asked for anew.
    fine, velocity = (
        np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR))
        for plane in (earlier.fine, earlier.velocity_px_s)
    )
    return _Flow(fore.window, fine, fine, velocity, earlier.step, earlier.own, earlier.to)


def _agreed(one: _Flow, two: _Flow) -> _Flow:
    """Join the flows to both neighbours: ground that a passing thing uncovers flows in one of them only."""
    return _Flow(
        one.window,
        _agreed_level(one.level, two.level),
        _agreed_level(one.fine, two.fine),
        (one.velocity_px_s + two.velocity_px_s) / 2,
        two.step,
        two.own,
        two.to,
    )


def _agreed_level(one: Float[np.ndarray, "h w"], two: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    least = np.minimum(one, two)
    return np.where(least > AGREED, np.maximum(one, two), least)


def _small(image: UInt8[np.ndarray, "H W 3"], side: int) -> UInt8[np.ndarray, "h w"]:
    factor = min(1.0, side / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))


def _area(xyxy: Float[np.ndarray, "D 4"]) -> Float[np.ndarray, "D"]:
    return np.prod(np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0), axis=1)


def _columns(clip: Clip, boxes: list[_Box], notes: tuple[str, ...]) -> Detections:
    none = np.zeros((len(boxes), 0, 3))
    limit = np.array([clip.width, clip.height] * 2, dtype=np.float64)
    return Detections(
        sample=np.array([box.sample for box in boxes], np.int64),
        xyxy=np.clip(np.array([box.xyxy for box in boxes]).reshape(-1, 4), 0, limit),
        score=np.array([box.score for box in boxes], np.float64),
        label=("object",) * len(boxes),
        source=("flow",) * len(boxes),
        keypoints=none,
        world=none,
        notes=notes,
        velocity_px_s=np.array([box.velocity_px_s for box in boxes], np.float64).reshape(-1, 2),
    )
