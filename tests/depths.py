"""Rooms whose depth is exact, and what a depth net would say of them: scaled and shifted anew in every picture.

A room is a wall whose left and right are at different depths, with a floor before it; subjects are flat cards that
stand in it. The camera is a pinhole that pans, or zooms, from one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from kinescribe.backends import DepthMap, DepthMaps
from kinescribe.geometry import apply_affine, invert_affine
from kinescribe.records import (
    CameraMotion,
    Clip,
    Depth,
    Events,
    Facts,
    Kinematics,
    Poses,
    Tracks,
)
from kinescribe.stages.depth import EstimateDepth
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.video import ArrayFrames, Frame
from tests.worlds import track_ids

SIZE = (640, 360)
MAP = (96, 54)
FOCAL = 600.0
Signal = Callable[[float], float]


@dataclass(frozen=True)
class Card:
    """A flat thing that faces the camera."""

    metres: Signal
    """How far away it is, by time."""
    x: Signal = lambda t: 0.0
    """To the right of the line of sight as the clip begins, in metres."""
    size: tuple[float, float] = (0.6, 1.2)
    """Width and height in metres."""
    label: str = "object"
    growth: Signal = lambda t: 1.0
    """It opens: its size by time."""


@dataclass(frozen=True)
class Room:
    """What stands and moves where, and who looks at it how."""

    cards: tuple[Card, ...]
    duration_s: float = 6.0
    fps: float = 10.0
    pan_px_s: float = 0.0
    """The scene goes left by so much in the picture."""
    zoom_s: float = 0.0
    """Growth of ln(focal length) a second."""
    labels: tuple[str, ...] = ("static",)
    known: bool = True
    """Whether the camera's place is."""
    far: tuple[float, float] = (8.0, 4.0)
    """Metres to the wall, at the left and at the right of 640 px; the floor comes as near as 2.5 m."""

    @property
    def times_s(self) -> Float[np.ndarray, "T"]:
        return np.arange(round(self.duration_s * self.fps)) / self.fps

    def to_image(self, t: float) -> Float[np.ndarray, "2 3"]:
        """From scene to image: a zoom about the middle, and a pan."""
        zoom = float(np.exp(self.zoom_s * t))
        middle = np.array(SIZE) / 2
        shift = middle * (1 - zoom) - [self.pan_px_s * t, 0.0]
        return np.array([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]])

    def box(self, card: Card, t: float) -> Float[np.ndarray, "4"]:
        away = card.metres(t)
        half = np.array(card.size) / 2 * FOCAL / away * card.growth(t)
        center = np.array([SIZE[0] / 2 + FOCAL * card.x(t) / away, SIZE[1] / 2])
        return apply_affine(self.to_image(t)[None], np.stack([center - half, center + half])).ravel()

    def nearness(self, t: float) -> Float[np.ndarray, "h w"]:
        """Return exact inverse depth in 1/m."""
        width, height = MAP
        x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
        points = np.stack([x * SIZE[0], y * SIZE[1]], axis=-1).reshape(-1, 2)
        scene = apply_affine(invert_affine(self.to_image(t))[None], points)
        share = scene[:, 0] / SIZE[0]
        wall = 1 / self.far[0] + (1 / self.far[1] - 1 / self.far[0]) * share + 0.02 * np.sin(9 * share)
        floor = (scene[:, 1] / SIZE[1] - 0.6) / 0.4 * (1 / 2.5)
        found = np.maximum(wall, floor).reshape(height, width)
        pixel = points.reshape(height, width, 2)
        for card in sorted(self.cards, key=lambda card: -card.metres(t)):
            left, top, right, bottom = self.box(card, t).tolist()
            inside = (
                (pixel[..., 0] >= left)
                & (pixel[..., 0] <= right)
                & (pixel[..., 1] >= top)
                & (pixel[..., 1] <= bottom)
            )
            found[inside] = 1 / card.metres(t)
        return found


@dataclass(frozen=True)
class Errors:
    """How a net errs."""

    relative: bool = True
    """Whether each picture has a scale and a shift of its own; else a scale that is nearly 1."""
    wander: float = 0.2
    """Of the scale, from picture to picture: deviation of its logarithm."""
    pixel: float = 0.0
    """Noise of single pixels, as a share of nearness."""
    subject: float = 0.0
    """Noise of a card as a whole, as a share of nearness ..."""
    memory: float = 0.0
    """... of which this share is left over after a tenth of a second."""
    seed: int = 0
    zoomed: float = 0.0
    """A zoom of so much a second is taken for coming nearer."""


ROOMS: dict[str, tuple[Room, Errors]] = {}
"""What ``TellsDepth`` looks at, by name: a stage's settings are plain values."""


@dataclass(frozen=True)
class TellsDepth:
    """A backend of the kind ``depths`` that knows a room."""

    room: str = ""

    def __call__(self, clip: Clip, frames: Iterable[Frame]) -> DepthMaps:
        room, errors = ROOMS[self.room]
        return DepthMaps(not errors.relative, self._maps(room, errors, frames), ["told by a room"])

    def _maps(self, room: Room, errors: Errors, frames: Iterable[Frame]) -> Iterator[DepthMap]:
        rng = np.random.default_rng(errors.seed)
        off = np.zeros(len(room.cards))
        for frame in frames:
            t = frame.time_s
            exact = room.nearness(t)
            kept = errors.memory ** (0.2 / 0.1) if errors.memory else 0.0
            off = kept * off + np.sqrt(1 - kept**2) * rng.normal(0, 1, len(off))
            for card, own in zip(room.cards, off, strict=True):
                exact[exact == 1 / card.metres(t)] *= 1 + errors.subject * own
            exact *= np.exp(errors.zoomed * t)
            exact *= 1 + errors.pixel * rng.normal(0, 1, exact.shape)
            scale = float(np.exp(errors.wander * rng.normal()))
            if errors.relative:
                exact = 40 * scale * exact + 15 * errors.wander * rng.normal()
            else:
                exact = exact / scale
            yield DepthMap(frame.sample, exact.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Seen:
    """All records of a room."""

    clip: Clip
    camera: CameraMotion
    tracks: Tracks
    poses: Poses
    depth: Depth
    kinematics: Kinematics
    events: Events
    facts: Facts
    more: Mapping[str, Any] = field(default_factory=dict)


def clip_of(room: Room) -> Clip:
    times = room.times_s
    return Clip(
        "room", "room", "", 0.0, room.duration_s, room.fps, *SIZE, 0, len(times), np.arange(len(times)), times
    )


def records_of(room: Room) -> tuple[Clip, CameraMotion, Tracks, Poses]:
    """Return the exact records that the depth stage reads, and that nobody has a skeleton."""
    clip = clip_of(room)
    times, n = clip.times_s, len(room.cards)
    maps = np.array([invert_affine(room.to_image(t)) for t in times.tolist()])
    if not room.known:
        maps[1:] = np.nan
    ones = np.ones(len(times))
    camera = CameraMotion(maps, ones, ones, 0.0, np.zeros(4), room.labels)
    whole = np.array([[room.box(card, t) for t in times.tolist()] for card in room.cards]).reshape(
        n, len(times), 4
    )
    boxes = np.clip(whole, 0, np.tile(SIZE, 2))
    gone = (boxes[..., 2:] - boxes[..., :2] < 4).any(-1)
    boxes[gone] = np.nan
    number = np.where(gone, -1, np.arange(gone.size).reshape(gone.shape))
    labels = tuple(card.label for card in room.cards)
    tracks = Tracks(track_ids(labels), labels, boxes, np.where(gone, np.nan, 1.0), number)
    none = np.zeros((0, len(times), 33, 3))
    return clip, camera, tracks, Poses(np.zeros(0, np.int64), none, none, "blazepose33")


def depth_of(room: Room, errors: Errors, **settings: Any) -> Depth:
    """Return what the stage makes of a net's answers."""
    clip, camera, tracks, _ = records_of(room)
    ROOMS["here"] = (room, errors)
    images = np.zeros((len(clip.times_s), 9, 16, 3), np.uint8)
    stage = EstimateDepth(backend="tests.depths:TellsDepth", options={"room": "here"}, **settings)
    return stage(clip, ArrayFrames(images, clip.times_s, SIZE[0] / 16), camera, tracks)


def seen(room: Room, errors: Errors | None = None) -> Seen:
    """Return all records of a room; without a net, those of a run without one."""
    clip, camera, tracks, poses = records_of(room)
    images = np.zeros((len(clip.times_s), 9, 16, 3), np.uint8)
    nothing = EstimateDepth()(clip, ArrayFrames(images, clip.times_s), camera, tracks)
    depth = nothing if errors is None else depth_of(room, errors)
    kinematics = MeasureKinematics()(clip, camera, tracks, poses)
    events = FindEvents()(clip, camera, tracks, poses, kinematics, depth)
    facts = StateFacts()(clip, camera, tracks, events)
    return Seen(clip, camera, tracks, poses, depth, kinematics, events, facts)


# --- how well it goes, as a table ---------------------------------------------------------------------------


def _drawn(rng: np.random.Generator, comes: int) -> tuple[Room, float]:
    """A room in which a card comes (1), rests (0) or goes (-1), by so many metres, behind another that rests."""
    start = float(rng.uniform(3.2, 5.5))
    metres = float(rng.uniform(0.2, 0.45)) * start * comes
    begins, ends = float(rng.uniform(0.8, 1.5)), float(rng.uniform(3.5, 4.8))

    def away(t: float) -> float:
        return start - metres * min(1.0, max(0.0, (t - begins) / (ends - begins)))

    pans = bool(rng.random() < 0.5)
    pan = float(rng.uniform(-30, 30)) if pans else 0.0
    mover = Card(away, lambda t: 0.3, (0.6, 1.2), "person")
    rests = Card(lambda t: 6.0, lambda t: -0.6, (2.2, 1.4), "car")
    return Room((mover, rests), pan_px_s=pan, labels=("pan_right",) if pans else ("static",)), metres


def table(rooms: int = 40) -> Iterator[str]:
    """Yield the rows of a table: what is said of rooms, by kind of net and by its noise."""
    yield "| net | noise | of what comes or goes | the wrong way | metres off | of what rests | in front of |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for relative in (True, False):
        for noise in (0.0, 0.02, 0.04, 0.08):
            yield _row(relative, noise, rooms)


def _row(relative: bool, noise: float, rooms: int) -> str:
    rng = np.random.default_rng(5)
    said = wrong = alarms = orders = disorders = 0
    off: list[float] = []
    for seed in range(rooms):
        comes = (1, -1, 0)[seed % 3]
        room, metres = _drawn(rng, comes)
        errors = Errors(relative, 0.2 if noise else 0.0, noise, noise, 0.7, seed)
        facts = [fact for fact in seen(room, errors).facts.facts if fact.subject == 0]
        told = [fact for fact in facts if "depth_change" in fact.evidence]
        way = "toward_camera" if comes > 0 else "away_from_camera"
        if comes:
            said += any(way in fact.direction for fact in told)
            wrong += any(way not in fact.direction for fact in told)
            off += [
                abs(f.metres - abs(metres)) / abs(metres) for f in told if f.metres and way in f.direction
            ]
        else:
            alarms += bool(told)
        orders += any(fact.predicate == "in_front_of" for fact in facts)
        disorders += any(fact.predicate == "behind" for fact in facts)
    moving, resting = rooms - rooms // 3, rooms // 3
    kind = "relative" if relative else "metric"
    metre = f"{np.median(off):.0%}" if off else "-"
    return (
        f"| {kind} | {noise:.0%} | {said} of {moving} | {wrong} | {metre} | {alarms} of {resting} | "
        f"{orders} of {rooms}, {disorders} wrong |"
    )


if __name__ == "__main__":
    from tests import depths

    print("\n".join(depths.table()))
