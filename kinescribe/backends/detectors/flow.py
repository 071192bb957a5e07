"""Things that move, by how the picture flows: whole, apart from each other, before any camera.

Needs no weights. A clean plate (``detectors/motion``) says where a still camera's picture has changed, tightly, but
joins what touches: a hand, its arm and the shirt behind them are one region. Dense optical flow (DIS, Kroeger et
al. 2016, arXiv:1603.03590) says what moves just now and as one. Where a changed region moves only in part, that part
is the thing; where nothing of it moves, it has stopped and is kept. Before a moving camera, flow that the camera's
own motion does not explain is all there is.

Not told apart: two things that touch and fill their common box, whichever way they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

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
REST_PX = 0.3
"""The camera rests between two samples if no entry of the map between them is further from the identity."""
NARROWEST = 5
"""The longest picture, in shares of its shorter side, that DIS is given as it is: on its coarsest level, an eighth of
320 pixels, a side then still holds one patch of 8 pixels. Less crashes OpenCV 5.0 (at 320 x 31) or is refused."""
SMALLEST_PX = 16
"""The smallest side that DIS is given; OpenCV refuses pictures below 12."""

_Rows = Int[np.ndarray, "_"]


class _Look(NamedTuple):
    """A sample, small and grey."""

    frame: Frame
    grey: UInt8[np.ndarray, "h w"]


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
    """What the flow to the neighbouring samples says of one sample."""

    level: Float[np.ndarray, "h w"]
    """Flow that the camera does not explain, in thresholds: where something moves."""
    fine: Float[np.ndarray, "h w"]
    """The same with sharper edges and holes in what has no texture: whose velocity is asked."""
    velocity_px_s: Float[np.ndarray, "h w 2"]
    """As filmed, in clip pixels."""


class _Seen(NamedTuple):
    """A sample, whether the camera rests there, and its flow; None without a neighbour to flow to."""

    look: _Look
    still: bool
    flow: _Flow | None


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

    revision: ClassVar[int] = 2

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Find what moves; ``regions`` are not used."""
        changed = MotionRegions(**self.plate)(clip, frames, camera, regions)
        by_sample = {int(k): np.flatnonzero(changed.sample == k) for k in np.unique(changed.sample)}
        boxes: list[_Box] = []
        for seen in self._flows(clip, frames, camera, by_sample):
            moving = list(self._moving(clip, seen.look, seen.flow)) if seen.flow is not None else []
            rows = by_sample.get(seen.look.frame.sample, np.zeros(0, np.int64))
            boxes += self._joined(clip, seen, changed, rows, moving) if seen.still else moving
        return _columns(clip, boxes, changed.notes)

    def _flows(
        self, clip: Clip, frames: Frames, camera: CameraMotion, changed: Mapping[int, _Rows]
    ) -> Iterator[_Seen]:
        """Yield every sample with its flow to the samples before and after."""
        dis = _Dis.create()
        last: _Seen | None = None
        for frame in frames:
            now = _Seen(_Look(frame, _small(frame.image, self.side)), True, None)
            if last is not None:
                here, there = last.look, now.look
                induced = _induced(camera, here, there, changed)
                if induced is not None:
                    still = bool(np.abs(induced - np.eye(2, 3)).max() < REST_PX)
                    fore = self._flow(clip, dis, here, there, induced)
                    back = self._flow(clip, dis, there, here, invert_affine(induced))
                    last = _Seen(here, last.still and still, _agreed(last.flow, fore))
                    now = _Seen(there, still, back)
                yield last
            last = now
        if last is not None:
            yield last

    def _flow(
        self,
        clip: Clip,
        dis: _Dis,
        here: _Look,
        there: _Look,
        induced: Float[np.ndarray, "2 3"],
    ) -> _Flow:
        """Return how pixels move from one sample to another, and where the camera does not explain it."""
        moved = _dense(dis.fine, here.grey, there.grey)
        scale = here.grey.shape[1] / clip.width
        velocity = moved / np.float32(scale * (there.frame.time_s - here.frame.time_s))
        if np.abs(induced - np.eye(2, 3)).max() < 1e-6:
            smooth = _dense(dis.smooth, here.grey, there.grey)
            level = cv2.magnitude(smooth[..., 0], smooth[..., 1]) / np.float32(self.min_flow)
            fine = cv2.magnitude(moved[..., 0], moved[..., 1]) / np.float32(self.min_flow)
            return _Flow(level, fine, velocity)
        level = self._unexplained(here, there, moved, induced * [[1, 1, scale]])
        return _Flow(level, level, velocity)

    def _unexplained(
        self,
        here: _Look,
        there: _Look,
        moved: Float[np.ndarray, "h w 2"],
        induced: Float[np.ndarray, "2 3"],
    ) -> Float[np.ndarray, "h w"]:
        """Return the flow less the camera's, in thresholds; ``induced`` is in pixels of the small picture."""
        height, width = here.grey.shape
        y, x = (axis.astype(np.float32) for axis in np.mgrid[:height, :width])
        own_x = (induced[0, 0] * x + induced[0, 1] * y + induced[0, 2] - x).astype(np.float32)
        own_y = (induced[1, 0] * x + induced[1, 1] * y + induced[1, 2] - y).astype(np.float32)
        limit = 1.5 * self.min_flow + self.parallax * np.hypot(own_x, own_y)
        level = np.hypot(moved[..., 0] - own_x, moved[..., 1] - own_y) / limit
        expected = cv2.remap(
            there.grey, x + own_x, y + own_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        differs = (cv2.absdiff(here.grey, expected) > self.min_level).astype(np.uint8)
        specks = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        return np.asarray(level * cv2.dilate(specks, np.ones((7, 7), np.uint8)), np.float32)

    def _moving(self, clip: Clip, look: _Look, flow: _Flow) -> Iterator[_Box]:
        """Yield the connected regions that flow."""
        mask = cv2.morphologyEx((flow.level > 1).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        scale = np.array([clip.width / mask.shape[1], clip.height / mask.shape[0]] * 2)
        for k in range(1, count):
            x, y, w, h, area = (int(v) for v in stats[k])
            if self.min_area * mask.size <= area <= self.max_area * mask.size:
                window = np.s_[y : y + h, x : x + w]
                inside = labels[window] == k
                strength = float(np.median(flow.level[window][inside]))
                velocity = _velocity_of(flow, window, inside)
                box = np.array([x, y, x + w, y + h], dtype=np.float64) * scale
                yield _Box(look.frame.sample, box, 1 - 0.5 / max(strength, 1.0), velocity)

    def _joined(
        self, clip: Clip, seen: _Seen, changed: Detections, rows: _Rows, moving: list[_Box]
    ) -> Iterator[_Box]:
        """Let flow put changed regions together and take them apart; flow without any change is its own smear."""
        parts = np.array([box.xyxy for box in moving]).reshape(-1, 4)
        left = rows.tolist()
        for part, box in zip(parts, moving, strict=True):
            inside = box_cover(changed.xyxy[left], part[None])[:, 0] >= PIECE_COVER
            pieces = changed.xyxy[left][inside]
            if len(pieces) > 1 and _go_as_one(clip, pieces, box, seen.flow):
                left = [row for row, within in zip(left, inside, strict=True) if not within]
                yield box._replace(xyxy=np.concatenate([pieces[:, :2].min(0), pieces[:, 2:].max(0)]))
        for row in left:
            region = changed.xyxy[row]
            own = np.flatnonzero(box_cover(parts, region[None])[:, 0] >= PART_COVER)
            clipped = np.clip(parts[own], [*region[:2]] * 2, [*region[2:]] * 2)
            if len(own) and _area(clipped).sum() < self.max_part * _area(region[None]).sum():
                for k, xyxy in zip(own, clipped, strict=True):
                    yield moving[k]._replace(xyxy=xyxy)
            else:
                velocity = _velocity_in(clip, region, seen.flow)
                yield _Box(seen.look.frame.sample, region, float(changed.score[row]), velocity)


def _go_as_one(clip: Clip, pieces: Float[np.ndarray, "P 4"], whole: _Box, flow: _Flow | None) -> bool:
    """Whether every piece moves as the whole does: things that pass each other flow side by side, but not as one."""
    off = np.array([_velocity_in(clip, piece, flow) for piece in pieces]) - whole.velocity_px_s
    return bool(np.hypot(*off.T).max() <= AS_ONE * np.hypot(*whole.velocity_px_s))


def _velocity_in(clip: Clip, region: Float[np.ndarray, "4"], flow: _Flow | None) -> Float[np.ndarray, "2"]:
    """Return how the pixels of a box move; NaN without flow."""
    if flow is None:
        return np.full(2, np.nan)
    x0, y0, x1, y1 = _small_box(clip, region, flow)
    return _velocity_of(flow, np.s_[y0:y1, x0:x1], np.ones((y1 - y0, x1 - x0), bool))


def _velocity_of(
    flow: _Flow, window: tuple[slice, slice], inside: Bool[np.ndarray, "y x"]
) -> Float[np.ndarray, "2"]:
    """Return how some pixels of a window move: those that do, or all of them if hardly any does."""
    fine = flow.fine[window]
    moves = inside & (fine > 1)
    asked = inside
    if moves.sum() > MIN_MOVING * inside.sum():
        asked = moves & (fine > UNSMEARED * np.percentile(fine[moves], 90))
    return np.median(flow.velocity_px_s[window][asked], axis=0).astype(np.float64)


def _small_box(clip: Clip, region: Float[np.ndarray, "4"], flow: _Flow) -> tuple[int, int, int, int]:
    """Return a box in pixels of the small picture: inside it, and at least one pixel."""
    height, width = flow.level.shape
    scale = np.array([width / clip.width, height / clip.height] * 2)
    x0, y0, x1, y1 = (int(v) for v in (region * scale).round())
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def _dense(
    dis: cv2.DISOpticalFlow, here: UInt8[np.ndarray, "h w"], there: UInt8[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 2"]:
    """Return the flow from one picture to another, of which narrow ones are continued beyond their edge."""
    least = max(SMALLEST_PX, -(-max(here.shape) // NARROWEST))
    below, beside = (max(0, least - side) for side in here.shape)
    wide = [
        cv2.copyMakeBorder(grey, 0, below, 0, beside, cv2.BORDER_REPLICATE) if below or beside else grey
        for grey in (here, there)
    ]
    moved = dis.calc(*wide, None)  # type: ignore[call-overload]
    return np.asarray(moved[: here.shape[0], : here.shape[1]])


def _induced(
    camera: CameraMotion, here: _Look, there: _Look, changed: Mapping[int, _Rows]
) -> Float[np.ndarray, "2 3"] | None:
    """Return where the camera moves a pixel of ``here`` in ``there`` (clip pixels); None if that is unknown."""
    a, b = here.frame, there.frame
    if any(a.time_s < cut <= b.time_s + 1e-6 for cut in camera.cuts_s):
        return None
    known = np.isfinite(camera.to_scene[[a.sample, b.sample]]).all()
    if not known:
        # Where no map leads back to the first frame, the plate's regions say that the picture is steady.
        return np.eye(2, 3) if a.sample in changed or b.sample in changed else None
    return compose_affine(invert_affine(camera.to_scene[b.sample]), camera.to_scene[a.sample])


def _agreed(back: _Flow | None, fore: _Flow) -> _Flow:
    """Join the flows to both neighbours: ground that a passing thing uncovers flows in one of them only."""
    if back is None:
        return fore
    level, fine = (
        np.where(np.minimum(one, two) > AGREED, np.maximum(one, two), np.minimum(one, two))
        for one, two in ((back.level, fore.level), (back.fine, fore.fine))
    )
    return _Flow(level, fine, (back.velocity_px_s + fore.velocity_px_s) / 2)


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
