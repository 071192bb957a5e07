"""People by their skeletons: who was found is followed from sample to sample, and looked for anew every half second.

Model: BlazePose GHUM full (33 points, 2D and hip-centred 3D). Weights: ``kinescribe models pull``, Apache-2.0.
Paper: Bazarevsky et al. 2020, arXiv:2006.10204. The nets are in ``backends/nets/blazepose.py``.

People taller than about a third of the picture are found in the whole picture, down to a fifth in square tiles,
smaller ones only where something moves: the landmark net is asked whether a moving region is a person. Standing,
small people are missed; people who hug become one.

The nets take most of the time of a whole clip, so what looks as before is not looked at again: a window in which
nothing but known people has changed, a thing that was just found to be no person, a person who holds still. What
was twice found to be nobody is followed as a moving region and not asked again for two seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from kinescribe import weights
from kinescribe.backends.card import Card
from kinescribe.backends.detectors._glances import Glance, is_like, is_new, unlikeness
from kinescribe.backends.nets.blazepose import (
    BLOB_MARGIN,
    POINTS,
    BlazePose,
    Person,
    Region,
    joint_gap,
    region_of_box,
    shared,
    tiles,
    whole,
)
from kinescribe.geometry import box_cover, box_iou
from kinescribe.records import CameraMotion, Clip, Detections
from kinescribe.video import Frame, Frames

__all__ = ["BlazePosePeople"]

SAME_WAY = 0.3
"""A moving region goes on as the one of the next sample that overlaps it by this much (IoU)."""
SAME_SIZE = 1.5
"""A region that has grown or shrunk by this factor since it was asked may be something else: somebody walks in."""
GONE = 2
"""Samples for which a region may be missing: what moves in place blinks."""


@dataclass(frozen=True)
class BlazePosePeople:
    """Detections labelled ``person`` with keypoints and world points."""

    every: int = 5
    """Look for new people at every fifth sample: a newcomer is found within half a second at 10 Hz."""
    min_presence: float = 0.5
    """The landmark net's own threshold for following somebody."""
    min_blob_presence: float = 0.9
    """For a region that only moved: 0.5 calls 6 % of cars people and 0.9 next to none, and most people pass."""
    max_blobs: int = 3
    """Moving regions asked per search, the largest first: bounds the cost of crowds."""
    min_blob_px: float = 24.0
    """Shorter moving regions (in pixels of the image that is looked at) are not asked."""
    sure_proposal: float = 0.8
    """A detector score that settles it. On twelve clips hands, bottles and blocks stayed below 0.75; people
    whom the detector sees whole came to 0.9 or more at least once."""
    min_visibility: float = 0.72
    """Otherwise this share of the points must be visible (hands taken for people: 0.5 to 0.68) ..."""
    min_life_s: float = 1.0
    """... for at least this long."""
    same_body: float = 0.1
    """Two skeletons nearer than this share of their size are one person."""
    stillness: float = 10.0
    """Grey levels by which a region may differ (where it does most) and still count as unchanged: up to 12, skeletons
    of neighbouring samples differ as much as two of one sample would (1 % of the region); above, people move."""
    max_still: int = 4
    """Samples in a row for which somebody who holds still is not looked at; who has been followed for ``min_life_s``
    and still is no person may be a thing, and is given ``patience``."""
    surely_none: float = 0.3
    """A region of less presence is no person, and is not asked again for ``patience`` searches if it looks the same."""
    patience: int = 4
    """Searches (two seconds) after which everything that changes is looked at again, whatever was said of it."""

    revision: ClassVar[int] = 4
    card: ClassVar[Card] = Card(
        model="BlazePose GHUM full",
        paper="Bazarevsky et al. 2020, arXiv:2006.10204",
        licence="Apache-2.0",
        weights=("pose_detection", "pose_landmark_full"),
        memory="9 MB of files; tens of MB a process",
        run_here="default recipe, on every video of the acceptance list",
    )

    @classmethod
    def identity(cls) -> str:
        """Name the nets, or say that they are not here: pulling them makes earlier answers stale."""
        here = all(weights.available(name) for name in ("pose_detection", "pose_landmark_full"))
        return "nets" if here else "none"

    def __call__(self, clip: Clip, frames: Frames, camera: CameraMotion, regions: Detections) -> Detections:
        """Find and follow people; raises BackendError if the nets are not on this machine."""
        net = shared()
        cuts = list(camera.cuts_s)
        chains: list[_Chain] = []
        active: list[_Chain] = []
        memory = _Memory()
        for frame in frames:
            view = _View(frame, Glance.of(frame.image))
            if cuts and frame.time_s >= cuts[0] - 1e-6:
                active, cuts = [], [cut for cut in cuts if cut > frame.time_s]
                memory = _Memory()
            followed = self._follow(clip, net, view, active)
            memory.alone &= len(followed) == len(active)
            active = followed
            moving = regions.xyxy[regions.sample == frame.sample] / frame.scale
            memory.follow(moving)
            if frame.sample % self.every == 0:
                new = self._search(clip, net, view, active, moving, memory)
                active, chains = active + new, chains + new
                memory.alone = bool(active) and all(self._is_person(clip, chain) for chain in active)
        return _columns(clip, [chain for chain in chains if self._is_person(clip, chain)])

    def _follow(self, clip: Clip, net: BlazePose, view: _View, active: Sequence[_Chain]) -> list[_Chain]:
        """Look for everybody where they should be now; the surer of two that meet goes on."""
        going: list[_Chain] = []
        for chain in sorted(active, key=lambda c: -c.last.presence):
            if self._holds_still(clip, view, chain):
                chain.hold(view)
                going.append(chain)
                continue
            person = net.landmarks(view.frame.image, chain.last.region)
            if self._is_new(person, self.min_presence, going):
                chain.add(view, person)
                going.append(chain)
        return going

    def _holds_still(self, clip: Clip, view: _View, chain: _Chain) -> bool:
        doubtful = not chain.is_sure and chain.life_s(clip) >= self.min_life_s
        if chain.held >= (self.patience * self.every - 1 if doubtful else self.max_still):
            return False
        return unlikeness(chain.looked, view.glance.thumbnail(chain.last.region)) < self.stillness

    def _search(
        self,
        clip: Clip,
        net: BlazePose,
        view: _View,
        active: Sequence[_Chain],
        moving: Float[np.ndarray, "D 4"],
        memory: _Memory,
    ) -> list[_Chain]:
        new: list[_Chain] = []
        frame = view.frame
        memory.forget(self.patience)
        for chain in active:
            chain.is_sure = self._is_person(clip, chain)
        sure = [box_of(chain.last) for chain in active if chain.is_sure]
        free = self._unexplained(active, moving, memory)
        memory.alone &= not free
        windows = self._windows(view, sure, moving, memory)
        for proposal in net.detect(frame.image, windows):
            known = _at(active, proposal.region)
            if known is not None:
                known.best_proposal = max(known.best_proposal, proposal.score)
                continue
            person = self._asked(net, view, proposal.region, memory)
            others = [*active, *new]
            if person is None or (proposal.score < self.sure_proposal and _covered(person, others)):
                continue  # half of somebody, cut by a tile's edge, looks like another (upside-down) body
            if self._is_new(person, self.min_presence, others):
                new.append(_Chain(view, person, proposal.score))
        refused = []
        for box in self._unexplained([*active, *new], moving, memory):
            person = self._asked(net, view, region_of_box(box), memory, box)
            if person is None or person.presence < self.surely_none:
                refused.append(box)
            elif self._is_new(person, self.min_blob_presence, [*active, *new]):
                new.append(_Chain(view, person, 0.0))
        memory.explain(view.glance.outside(refused))
        return new

    def _asked(
        self,
        net: BlazePose,
        view: _View,
        region: Region,
        memory: _Memory,
        box: Float[np.ndarray, "4"] | None = None,
    ) -> Person | None:
        """Return who is in a region (of a moving box); None if what looks like this is known to be nobody."""
        look = view.glance.thumbnail(_core(region))
        if memory.refuses(look):
            return None
        person = net.landmarks(view.frame.image, region)
        if person.presence < self.surely_none:
            memory.refuse(look, box)
        return person

    def _windows(
        self,
        view: _View,
        sure: Sequence[Float[np.ndarray, "4"]],
        moving: Float[np.ndarray, "D 4"],
        memory: _Memory,
    ) -> list[Region]:
        """Return where to look for people: where something has changed that is not explained."""
        glance = view.glance
        nobody = [box for box in moving if self._is_nobody(glance, box, memory)]
        nobody += [one.box for one in memory.nobody if one.gone and memory.has_refused(one.box)]
        known, explained = glance.outside(sure), glance.outside([*sure, *nobody])
        chosen = []
        for number, window in self._turn(view.frame, memory):
            last = memory.windows.get(number)
            if last is not None:
                pixels = glance.pixels(window)
                late = memory.search - last.search >= self.patience
                asked = known if late else explained & last.asked
                if not is_new((glance.changed(last.glance) & asked)[pixels]):
                    continue
            memory.windows[number] = _Looked(glance, explained, memory.search)
            chosen.append(window)
        return chosen

    def _is_nobody(self, glance: Glance, box: Float[np.ndarray, "4"], memory: _Memory) -> bool:
        """Whether a moving region is too small for a person, or was just found to be none."""
        look = glance.thumbnail(_core(region_of_box(box)))
        return float(box[3] - box[1]) < self.min_blob_px or memory.refuses(look) or memory.has_refused(box)

    def _turn(self, frame: Frame, memory: _Memory) -> list[tuple[int, Region]]:
        """Return the windows of a search, with their numbers.

        The picture and one tile, in turn, so that each part is searched finely once a second; while all that moves
        is people who are followed, one of all these in turn.
        """
        choice = [(-1, whole(frame.image)), *enumerate(tiles(frame.image))]
        turn = frame.sample // self.every
        if memory.alone or len(choice) == 1:
            return [choice[turn % len(choice)]]
        return [choice[0], choice[1 + turn % (len(choice) - 1)]]

    def _is_new(self, person: Person, threshold: float, others: Sequence[_Chain]) -> bool:
        if person.presence <= threshold or not np.isfinite(person.points).all() or person.region.size <= 8:
            return False
        return all(joint_gap(person, other.last) > self.same_body for other in others)

    def _unexplained(
        self, known: Sequence[_Chain], moving: Float[np.ndarray, "D 4"], memory: _Memory
    ) -> list[Float[np.ndarray, "4"]]:
        """Return the largest moving regions that no known person covers, less those that are known to be nobody."""
        if not len(moving):
            return []
        boxes = np.array([box_of(chain.last) for chain in known]).reshape(-1, 4)
        covered = box_cover(moving, boxes).max(1, initial=0.0)
        height = moving[:, 3] - moving[:, 1]
        free = np.flatnonzero((covered < 0.5) & (height >= self.min_blob_px))
        largest = sorted(free, key=lambda i: -height[i])
        return [moving[i] for i in largest if not memory.has_refused(moving[i])][: self.max_blobs]

    def _is_person(self, clip: Clip, chain: _Chain) -> bool:
        """Whether the whole of what was followed is somebody, not a hand or a shape that looks like a body."""
        if chain.best_proposal >= self.sure_proposal:
            return True
        visible = float(np.median([person.points[:, 2].mean() for person in chain.seen]))
        present = float(np.median([person.presence for person in chain.seen]))
        return (
            chain.life_s(clip) >= self.min_life_s
            and visible >= self.min_visibility
            and present >= self.min_blob_presence
        )


class _View(NamedTuple):
    """A sample, and the same at a glance."""

    frame: Frame
    glance: Glance


class _Looked(NamedTuple):
    """What a window of the picture showed when the detector looked there last."""

    glance: Glance
    asked: Bool[np.ndarray, "h w"]
    """Where nobody and nothing known was: what these leave behind, when they move on, is no news."""
    search: int


class _Refused(NamedTuple):
    """The looks of something that is no person."""

    look: UInt8[np.ndarray, "S S"]
    search: int


@dataclass
class _Nobody:
    """A moving region in which there was no person, followed from sample to sample."""

    box: Float[np.ndarray, "4"]
    size: Float[np.ndarray, "2"]
    """Width and height when it was asked last."""
    search: int
    """When that was."""
    times: int = 1
    """How often it was refused."""
    gone: int = 0
    """Samples in a row without it."""

    def is_alike(self, box: Float[np.ndarray, "4"]) -> bool:
        """Whether a box is about as wide and as high as the one that was asked: what grows may be somebody coming."""
        ratio = (box[2:] - box[:2]) / np.maximum(self.size, 1)
        return bool((ratio < SAME_SIZE).all() and (ratio > 1 / SAME_SIZE).all())


class _Memory:
    """What earlier searches have shown."""

    def __init__(self) -> None:
        self.search = 0
        self.windows: dict[int, _Looked] = {}
        self.refused: list[_Refused] = []
        self.nobody: list[_Nobody] = []
        self.silent = 0
        """Searches for which a region is not asked that was refused more than once."""
        self.alone = False
        """Whether everybody who was found is followed, and surely a person, and nothing else moves."""

    def forget(self, patience: int) -> None:
        """Begin a search; what was refused too long ago may be asked again."""
        self.search += 1
        self.silent = patience
        self.refused = [one for one in self.refused if self.search - one.search < patience]

    def explain(self, rest: Bool[np.ndarray, "h w"]) -> None:
        """Note that what lies outside ``rest`` was just found to be nobody: that it moves on will be no news."""
        for number, looked in self.windows.items():
            if looked.search == self.search:
                self.windows[number] = looked._replace(asked=looked.asked & rest)

    def refuses(self, look: UInt8[np.ndarray, "S S"]) -> bool:
        """Whether something that looks like this was refused."""
        return any(is_like(one.look, look) for one in self.refused)

    def refuse(self, look: UInt8[np.ndarray, "S S"], box: Float[np.ndarray, "4"] | None) -> None:
        """Remember what is no person, by its looks and, if it moves, by its way."""
        self.refused.append(_Refused(look, self.search))
        if box is None:
            return
        size = box[2:] - box[:2]
        known = self._followed(box)
        if known is None:
            self.nobody.append(_Nobody(box, size, self.search))
        else:
            known.size, known.search, known.times = size, self.search, known.times + 1

    def has_refused(self, box: Float[np.ndarray, "4"]) -> bool:
        """Whether a moving region has been refused on its way, not only once and not too long ago."""
        known = self._followed(box)
        return (
            known is not None
            and known.times > 1
            and self.search - known.search < self.silent
            and known.is_alike(box)
        )

    def follow(self, moving: Float[np.ndarray, "D 4"]) -> None:
        """Go on to the next sample."""
        if not self.nobody:
            return
        iou = box_iou(np.array([one.box for one in self.nobody]), moving)
        for one, row in zip(self.nobody, iou, strict=True):
            best = int(row.argmax()) if len(row) else 0
            if len(row) and row[best] >= SAME_WAY:
                one.box, one.gone = moving[best], 0
            else:
                one.gone += 1
        self.nobody = [one for one in self.nobody if one.gone <= GONE]

    def _followed(self, box: Float[np.ndarray, "4"]) -> _Nobody | None:
        return next((one for one in self.nobody if np.array_equal(one.box, box)), None)


class _Chain:
    """Somebody who is followed from sample to sample."""

    def __init__(self, view: _View, person: Person, proposal: float) -> None:
        self.samples, self.seen, self.best_proposal = [view.frame.sample], [person], proposal
        self._at = [0]
        self.scale = view.frame.scale
        self.looked = view.glance.thumbnail(person.region)
        self.held = 0
        self.is_sure = False
        """Whether it was surely a person at the last search."""

    def life_s(self, clip: Clip) -> float:
        """Seconds from its first sample to its last."""
        return float(clip.times_s[self.samples[-1]] - clip.times_s[self.samples[0]])

    @property
    def last(self) -> Person:
        return self.seen[-1]

    def add(self, view: _View, person: Person) -> None:
        """Go on with what the net sees."""
        self._at.append(len(self.samples))
        self.samples.append(view.frame.sample)
        self.seen.append(person)
        self.looked, self.held = view.glance.thumbnail(person.region), 0

    def hold(self, view: _View) -> None:
        """Go on without looking."""
        self.samples.append(view.frame.sample)
        self.held += 1

    @cached_property
    def people(self) -> list[Person]:
        """The person in every sample: between two looks, in even steps from one to the other."""
        at = np.array(self._at, dtype=np.float64)
        place = np.interp(np.arange(len(self.samples)), at, np.arange(len(at)))
        return [_between(self.seen, float(p)) for p in place]


def _between(seen: Sequence[Person], place: float) -> Person:
    first, share = int(place), np.float32(place % 1)
    a = seen[first]
    if not share:
        return a
    b = seen[first + 1]
    presence = a.presence + float(share) * (b.presence - a.presence)
    points, world = (one + share * (two - one) for one, two in ((a.points, b.points), (a.world, b.world)))
    return Person(points, world, presence, a.region)


def _core(region: Region) -> Region:
    """Return a region without its margin."""
    return Region(region.center, region.size / BLOB_MARGIN, region.angle)


def box_of(person: Person) -> Float[np.ndarray, "4"]:
    """Return the box round the visible points, with room for the scalp and the hands, in image pixels."""
    visible = person.points[person.points[:, 2] > 0.4, :2]
    points = (visible if len(visible) >= 4 else person.points[:, :2]).astype(np.float64)
    low, high = points.min(0), points.max(0)
    margin = 0.06 * float((high - low).max())
    # The topmost points are the eyes: the scalp is about as far above them as the chin is below.
    top = margin + 0.05 * float(high[1] - low[1])
    return np.array([low[0] - margin, low[1] - top, high[0] + margin, high[1] + margin])


def _at(chains: Sequence[_Chain], region: Region) -> _Chain | None:
    """Return who is already followed where a person is proposed."""
    for chain in chains:
        now = chain.last.region
        near = float(np.hypot(*(now.center - region.center))) < 0.2 * region.size
        if near and 0.6 < now.size / region.size < 1.7:
            return chain
    return None


def _covered(person: Person, others: Sequence[_Chain]) -> bool:
    """Whether somebody's box holds most of this one, or the other way round."""
    box, boxes = box_of(person)[None], np.array([box_of(other.last) for other in others]).reshape(-1, 4)
    cover = np.maximum(box_cover(box, boxes), box_cover(boxes, box).T)
    return bool((cover >= 0.8).any())


def _columns(clip: Clip, chains: Sequence[_Chain]) -> Detections:
    rows = [(k, person, c.scale) for c in chains for k, person in zip(c.samples, c.people, strict=True)]
    rows.sort(key=lambda row: row[0])
    count = len(rows)
    xyxy = np.array([box_of(person) * scale for _, person, scale in rows]).reshape(-1, 4)
    limit = np.array([clip.width, clip.height] * 2, dtype=np.float64)
    points = np.array([p.points * (s, s, 1) for _, p, s in rows], np.float64).reshape(-1, POINTS, 3)
    return Detections(
        sample=np.array([sample for sample, _, _ in rows], np.int64),
        xyxy=np.clip(xyxy, 0, limit),
        score=np.array([person.presence for _, person, _ in rows], np.float64),
        label=("person",) * count,
        source=("blazepose",) * count,
        keypoints=points,
        world=np.array([p.world for _, p, _ in rows], np.float64).reshape(-1, POINTS, 3),
        skeleton="blazepose33",
    )
