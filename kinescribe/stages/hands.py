"""Hands of the people that are tracked: where they are, which side, what they touch and hold.

FoundationMotion (3.2.2, 3.2.3) finds hand boxes as 1.5 times the extent of a body's hand points, asks a contact net
about them, and forgets the contact states. Here the body's skeleton says where hands are and whose, a hand net adds
their points, and contact is measured (``stages/comotion.py``) or stays unknown, which is the honest default: a
picture does not show whether a hand before a thing touches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe import plugins
from kinescribe.backends import Arms, ContactFinder, HandFinder, SeenContacts, SeenHands
from kinescribe.errors import BackendError
from kinescribe.geometry import box_center, box_size
from kinescribe.records import CameraMotion, Clip, Detections, Hands, Poses, Tracks
from kinescribe.stages.comotion import Comotion, HandShapes, measure_comotion
from kinescribe.stages.seen_contact import owners, with_contacts
from kinescribe.stages.touch import OBJECT, contact_states, held_tracks
from kinescribe.video import Frames
from kinescribe.vocabulary import HAND_21, HAND_OFFSETS, SKELETONS

SIDES = tuple(HAND_OFFSETS)
HAND_LENGTH = 0.7
"""A stretched hand over its forearm: 0.19 m and 0.27 m in men (de Leva 1996)."""
FOREARM = 0.45
"""A forearm over the way from the middle of the shoulders to that of the hips: 0.52 (the same source), less some
room; the least that a forearm which points at the camera is taken to measure."""
FLESH = 0.15
"""Share of its size by which a box round hand points grows: flesh reaches beyond the joints."""

MIN_INSIDE = 0.25
"""Share of a hand's box that must lie inside the picture: a sliver at its border is the skeleton's guess."""
FILLED_SCORE = 0.5
"""Score of points that were filled in: as sure as the net's threshold."""


@dataclass(frozen=True)
class FindHands:
    """Skeletons in, hands out.

    Where a clip shows nobody, hands without bodies are looked for. Each has the id of a hand of a person who has
    no track: whether two of them are of one person is not known.
    """

    backend: str = "handlandmark"
    """File in ``backends/hands``; empty for none: boxes from the skeletons only."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the backend."""
    touch: str = ""
    """File in ``backends/hands`` that says what hands touch (``hands23``); empty: measured by what moves along."""
    touch_options: Mapping[str, Any] = field(default_factory=dict)
    """Its settings."""
    min_wrist: float = 0.5
    """A wrist less visible than this gives no box by itself."""
    ask_wrist: float = 0.3
    """A wrist less visible than this is not looked at by the net either: it is hidden or outside."""
    max_gap_s: float = 0.35
    """Gaps of the points up to this long are filled: three samples at 10 Hz, which frames stray from by up to half of
    0.04 s; a missing look at every second one would be 0.4 s."""
    region_scale: float = 1.5
    """Size of a skeleton's hand box over the extent of its hand points (FoundationMotion 3.2.2)."""
    min_owner_iou: float = 0.3
    """A detected box labelled ``hand`` belongs to the hand whose box it overlaps more (FoundationMotion 3.2.2)."""
    min_contact_size: float = 50 / 640
    """Length of a hand, in longer sides of the picture, below which nothing is said about contact: smaller ones
    gave false contacts where cloth moved behind them."""

    revision: ClassVar[int] = 2

    def __call__(
        self,
        clip: Clip,
        frames: Frames,
        camera: CameraMotion,
        detections: Detections,
        tracks: Tracks,
        poses: Poses,
    ) -> Hands:
        """Find the hands of every track with a skeleton.

        Nets that are not on this machine leave a note with the remedy, and boxes from the skeletons.
        """
        if len(poses.ids):
            people, (arms, wrist) = poses.ids, arms_of(poses)
            arms = Arms(_visible(clip, arms.points, wrist, self.ask_wrist), arms.length_px)
            seen, notes = self._look(clip, frames, arms)
            seen = once(seen, HAND_LENGTH * arms.length_px)
        else:
            seen, notes = self._look_for_free(clip, frames)
            first = 10 * sum(
                label == "person" for label in tracks.label
            )  # a person without a skeleton has an id too
            people = first + 10 * np.arange(len(seen.score) // len(SIDES))
            arms, wrist = arms_of_hands(seen)
        if not len(people):
            return replace(_nothing(len(clip.times_s)), notes=notes)
        points = filled(clip, camera, seen.points, arms.points[:, :, 1], self.max_gap_s)
        boxes = tight_boxes(points)
        if len(poses.ids):
            rough = rough_boxes(poses, arms, self.region_scale, self.min_wrist)
            boxes = np.where(np.isfinite(boxes), boxes, rough)
        is_seen = np.isfinite(seen.score)
        score = np.where(is_seen, seen.score, np.where(np.isfinite(points[..., 0, 0]), np.nan, wrist))
        boxes, score = self._named(detections, boxes, score)
        kept = ~doubles(boxes, is_seen.astype(int) + np.isfinite(points[..., 0, 0]))
        found = Hands(
            ids=ids_of(people),
            xyxy=_within(clip, np.where(kept[..., None], boxes, np.nan)),
            score=np.where(kept & np.isfinite(boxes[..., 0]), score, np.nan),
            keypoints=_scored(np.where(kept[..., None, None], points, np.nan), seen.score),
            seen=is_seen & kept,
            right=np.where(kept, seen.right, np.nan),
            contact=np.zeros(wrist.shape, np.int8),
            comotion=np.full(wrist.shape, np.nan),
            held_xyxy=np.full((*wrist.shape, 4), np.nan),
            held_track=np.full(wrist.shape, -1, np.int64),
            notes=notes,
        )
        told = self._told(clip, frames)
        if isinstance(told, SeenContacts):
            return with_contacts(clip, camera, tracks, found, told, self.min_owner_iou, self.max_gap_s)
        return self._with_contact(
            clip, frames, camera, tracks, poses, arms, replace(found, notes=notes + told)
        )

    def identity(self) -> str:
        """Name what the answer depends on besides the settings."""
        both = ((self.backend, self.options), (self.touch, self.touch_options))
        return ";".join(plugins.identity("hands", name, options) for name, options in both if name)

    def _look(self, clip: Clip, frames: Frames, arms: Arms) -> tuple[SeenHands, tuple[str, ...]]:
        shape = arms.length_px.shape
        unknown = np.full(shape, np.nan)
        nobody = SeenHands(np.full((*shape, len(HAND_21), 2), np.nan), unknown, unknown)
        if not self.backend:
            return nobody, ()
        backend = plugins.load("hands", self.backend)(**self.options)
        if not isinstance(backend, HandFinder):
            raise BackendError(
                f'hands.backend "{self.backend}" finds no points of hands: set it as hands.touch'
            )
        try:
            return backend(clip, frames, arms), ()
        except BackendError as error:
            return nobody, (f"hands have no points, only boxes: {error}",)

    def _look_for_free(self, clip: Clip, frames: Frames) -> tuple[SeenHands, tuple[str, ...]]:
        """Return hands of nobody, each as one side of somebody whose other hand is not known."""
        backend = plugins.load("hands", self.backend)(**self.options) if self.backend else None
        none = SeenHands(*(np.zeros((0, len(clip.times_s), *rest)) for rest in ((len(HAND_21), 2), (), ())))
        if backend is None or not hasattr(backend, "free"):
            return none, ()
        try:
            return _sided(backend.free(clip, frames)), ()
        except BackendError as error:
            return none, (f"hands without a body are not looked for: {error}",)

    def _told(self, clip: Clip, frames: Frames) -> SeenContacts | tuple[str, ...]:
        """Return what a net says hands touch, or notes on why nobody does."""
        if not self.touch:
            return ()
        backend = plugins.load("hands", self.touch)(**self.touch_options)
        if not isinstance(backend, ContactFinder):
            raise BackendError(
                f'hands.touch "{self.touch}" does not say what hands touch: set it as hands.backend'
            )
        try:
            return backend.touches(clip, frames)
        except BackendError as error:
            return (f"what hands touch is measured, not seen: {error}",)

    def _named(
        self, detections: Detections, boxes: Float[np.ndarray, "H T 4"], score: Float[np.ndarray, "H T"]
    ) -> tuple[Float[np.ndarray, "H T 4"], Float[np.ndarray, "H T"]]:
        """Give hands the boxes that a detector which knows hands has seen."""
        boxes, score = boxes.copy(), score.copy()
        rows = np.array([i for i, label in enumerate(detections.label) if label == "hand"], dtype=np.int64)
        for k in np.unique(detections.sample[rows]):
            here = rows[detections.sample[rows] == k]
            for h, d in owners(boxes[:, k], detections.xyxy[here], self.min_owner_iou):
                boxes[h, k], score[h, k] = detections.xyxy[here[d]], detections.score[here[d]]
        return boxes, score

    def _with_contact(
        self,
        clip: Clip,
        frames: Frames,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        arms: Arms,
        hands: Hands,
    ) -> Hands:
        at_least = self.min_contact_size * max(clip.width, clip.height)
        length = HAND_LENGTH * arms.length_px
        if not (np.isfinite(hands.keypoints[..., 0, 0]) & (length >= at_least)).any():
            return hands
        shapes = HandShapes(
            hands.keypoints[..., :2], arms.points[:, :, 0], length, _trunks(poses, len(length))
        )
        moving: Comotion = measure_comotion(clip, frames, camera, shapes, at_least)
        contact = contact_states(clip, tracks, poses, shapes, moving.share, at_least)
        holds = contact == OBJECT
        held = np.where(holds[..., None], moving.held_xyxy, np.nan)
        track = held_tracks(tracks, hands.xyxy, holds)
        for h, k in np.argwhere(track >= 0):
            held[h, k] = tracks.xyxy[tracks.row(int(track[h, k])), k]
        return replace(hands, contact=contact, comotion=moving.share, held_xyxy=held, held_track=track)


# --- arms and boxes -----------------------------------------------------------------------------------------


def ids_of(people: Int[np.ndarray, "N"]) -> Int[np.ndarray, "H"]:
    """Return the track ids of people's hands: left and right of the first, of the second, and so on."""
    return (people[:, None] + np.array(list(HAND_OFFSETS.values()))).reshape(-1).astype(np.int64)


def arms_of(poses: Poses) -> tuple[Arms, Float[np.ndarray, "H T"]]:
    """Return everybody's arms, the left before the right, and how visible their wrists are."""
    place = {name: i for i, name in enumerate(SKELETONS[poses.skeleton])}

    def point(name: str) -> Float[np.ndarray, "N T 3"]:
        known = poses.keypoints[:, :, place[name]] if name in place else np.nan * poses.keypoints[:, :, 0]
        return known.astype(np.float64)

    shoulders = (point("left_shoulder") + point("right_shoulder"))[..., :2] / 2
    hips = (point("left_hip") + point("right_hip"))[..., :2] / 2
    least = FOREARM * np.linalg.norm(shoulders - hips, axis=-1)
    points, length, wrists = [], [], []
    for side in SIDES:
        elbow, wrist = point(f"{side}_elbow"), point(f"{side}_wrist")
        forearm = (wrist - elbow)[..., :2]
        long = np.fmax(np.linalg.norm(forearm, axis=-1), least)
        straight = wrist[..., :2] + 0.5 * HAND_LENGTH * forearm  # where a skeleton has no knuckles
        knuckles = [point(f"{side}_{name}")[..., :2] for name in ("pinky", "index")]
        knuckles = [np.where(np.isfinite(each), each, straight) for each in knuckles]
        points.append(np.stack([elbow[..., :2], wrist[..., :2], *knuckles], axis=2))
        length.append(long)
        wrists.append(wrist[..., 2])
    arms = Arms(_interleaved(points), _interleaved(length))
    return arms, _interleaved(wrists)


def _trunks(poses: Poses, hands: int) -> Float[np.ndarray, "H T 2"]:
    """Return the middle of the shoulders of every hand's body; NaN for hands without one."""
    names = SKELETONS[poses.skeleton]
    both = [names.index(f"{side}_shoulder") for side in SIDES]
    middle = np.repeat(poses.keypoints[:, :, both, :2].astype(np.float64).mean(2), len(SIDES), axis=0)
    without = np.full((hands - len(middle), *middle.shape[1:]), np.nan)
    return np.concatenate([middle, without])


def _sided(seen: SeenHands) -> SeenHands:
    """Return two rows for each: the left and the right hand of somebody, one of them unknown."""
    count = len(seen.score)
    is_right = np.array([np.nanmean(row) > 0.5 for row in seen.right], dtype=int)
    rows = len(SIDES) * np.arange(count) + is_right
    two = SeenHands(*(np.full((len(SIDES) * count, *each.shape[1:]), np.nan) for each in seen))
    for target, each in zip(two, seen, strict=True):
        target[rows] = each
    return two


def arms_of_hands(seen: SeenHands) -> tuple[Arms, Float[np.ndarray, "H T"]]:
    """Return the forearms that hands without bodies would have: straight behind them, known where they are seen.

    A hand is as long as the bones from its wrist to the tip of its middle finger, as far as the picture shows them.
    """
    at = seen.points
    wrist, knuckle = at[:, :, 0], at[:, :, HAND_21.index("middle_1")]
    middle = at[:, :, [HAND_21.index(name) for name in ("wrist", *(f"middle_{i}" for i in (1, 2, 3, 4)))]]
    length = np.linalg.norm(np.diff(middle, axis=2), axis=-1).sum(-1) / HAND_LENGTH
    points = np.stack([wrist + 3 * (wrist - knuckle), wrist, knuckle, knuckle], axis=2)
    samples = np.arange(at.shape[1])
    for h in range(len(at)):  # straight lines between looks: gaps that are too long are not filled anyway
        known = np.isfinite(length[h])
        if known.any():
            inside = (samples >= samples[known][0]) & (samples <= samples[known][-1])
            for values in (length[h][:, None], points[h].reshape(len(samples), -1)):
                for column in values.T:
                    column[inside] = np.interp(samples[inside], samples[known], column[known])
    return Arms(points, length), seen.score


def rough_boxes(poses: Poses, arms: Arms, scale: float, min_wrist: float) -> Float[np.ndarray, "H T 4"]:
    """Return hand boxes by the skeleton alone: the extent of its hand points, times ``scale``.

    FoundationMotion 3.2.2: 1.5 times the extent of a whole-body skeleton's hand points, more than three of them
    at a score above 0.5 (its code). BlazePose has four points of a hand. A skeleton with fewer, or a fist of no
    extent, gives a square of half a forearm about the middle of the hand.
    """
    names = SKELETONS[poses.skeleton]
    boxes = []
    for s, side in enumerate(SIDES):
        own = [i for i, name in enumerate(names) if _is_of_hand(name, side)]
        points = poses.keypoints[:, :, own].astype(np.float64)
        sure = points[..., 2:] > 0.5
        enough = (sure[..., 0].sum(-1) > 3)[..., None]
        low, high = (
            np.where(enough, pick(np.where(sure, points[..., :2], rest), axis=2, initial=rest), np.nan)
            for pick, rest in ((np.min, np.inf), (np.max, -np.inf))
        )
        arm = arms.points[s :: len(SIDES)]
        away = arm[:, :, 1] + 0.5 * HAND_LENGTH * (arm[:, :, 1] - arm[:, :, 0])
        middle = np.where(enough, (low + high) / 2, away)
        least = 0.5 * arms.length_px[s :: len(SIDES), :, None]
        half = np.fmax(scale * (high - low), least) / 2
        visible = points[:, :, own.index(names.index(f"{side}_wrist")), 2:] >= min_wrist
        boxes.append(np.where(visible, np.concatenate([middle - half, middle + half], axis=-1), np.nan))
    return _interleaved(boxes)


def tight_boxes(points: Float[np.ndarray, "H T 21 2"]) -> Float[np.ndarray, "H T 4"]:
    """Return the boxes round hands' points, with room for flesh; NaN where a point is unknown."""
    low, high = points.min(2), points.max(2)
    margin = FLESH / 2 * (high - low).max(-1, keepdims=True)
    return np.concatenate([low - margin, high + margin], axis=-1)


def _is_of_hand(name: str, side: str) -> bool:
    parts = ("wrist", "hand_root", "thumb", "index", "middle", "ring", "pinky")
    return any(name == f"{side}_{part}" or name.startswith(f"{side}_{part}_") for part in parts)


def _interleaved(sides: Sequence[Float[np.ndarray, "N T *X"]]) -> Float[np.ndarray, "H T *X"]:
    stacked = np.stack(sides, axis=1)
    return stacked.reshape(-1, *stacked.shape[2:])


def _visible(
    clip: Clip, points: Float[np.ndarray, "H T 4 2"], wrist: Float[np.ndarray, "H T"], least: float
) -> Float[np.ndarray, "H T 4 2"]:
    """Return arms without those whose wrist is hidden or outside the picture."""
    at = points[:, :, 1]
    inside = ((at >= 0) & (at <= (clip.width, clip.height))).all(-1)
    return np.where((inside & (wrist >= least))[..., None, None], points, np.nan)


def _within(clip: Clip, boxes: Float[np.ndarray, "H T 4"]) -> Float[np.ndarray, "H T 4"]:
    """Return boxes cut off at the picture's border; NaN where less than ``MIN_INSIDE`` is left."""
    cut = np.clip(boxes, 0, np.array([clip.width, clip.height] * 2, dtype=float))
    left = np.prod(cut[..., 2:] - cut[..., :2], axis=-1) > MIN_INSIDE * box_size(boxes) ** 2
    return np.where(left[..., None], cut, np.nan)


# --- one hand, once -----------------------------------------------------------------------------------------


def once(seen: SeenHands, length: Float[np.ndarray, "H T"]) -> SeenHands:
    """Return what was seen without hands that were seen twice: where two arms meet, both looks find one hand.

    Two hands whose middles are nearer than a third of their length are one; an arm whose side the net agrees with
    keeps it, then the one with the higher score.
    """
    middle = seen.points.mean(2)
    is_right = np.arange(len(length)) % 2 == 1
    agrees = np.where(is_right[:, None], seen.right, 1 - seen.right)
    rank = np.round(agrees) + seen.score / 2
    lost = np.zeros(length.shape, dtype=bool)
    for k in np.flatnonzero(np.isfinite(seen.score).sum(0) > 1):
        here = np.flatnonzero(np.isfinite(seen.score[:, k]))
        for i, a in enumerate(here):
            for b in here[i + 1 :]:
                gap = float(np.hypot(*(middle[a, k] - middle[b, k])))
                if gap < float(np.fmax(length[a, k], length[b, k])) / 3:
                    lost[a if rank[a, k] < rank[b, k] else b, k] = True
    return SeenHands(
        np.where(lost[..., None, None], np.nan, seen.points),
        np.where(lost, np.nan, seen.score),
        np.where(lost, np.nan, seen.right),
    )


def doubles(boxes: Float[np.ndarray, "H T 4"], trust: Int[np.ndarray, "H T"]) -> Bool[np.ndarray, "H T"]:
    """Return boxes to drop since a hand that is known better has its middle at the same place.

    Two boxes are of one hand if their middles are nearer than a third of the mean of their sides.
    """
    middle, size = box_center(boxes), box_size(boxes)
    drop = np.zeros(size.shape, dtype=bool)
    for k in np.flatnonzero(np.isfinite(size).sum(0) > 1):
        here = sorted(np.flatnonzero(np.isfinite(size[:, k])).tolist(), key=lambda h: (-trust[h, k], h))
        kept: list[int] = []
        for h in here:
            near = [np.hypot(*(middle[h, k] - middle[o, k])) < (size[h, k] + size[o, k]) / 6 for o in kept]
            if any(near):
                drop[h, k] = True
            else:
                kept.append(h)
    return drop


# --- over time ----------------------------------------------------------------------------------------------


def filled(
    clip: Clip,
    camera: CameraMotion,
    points: Float[np.ndarray, "H T 21 2"],
    wrist: Float[np.ndarray, "H T 2"],
    max_gap_s: float,
) -> Float[np.ndarray, "H T 21 2"]:
    """Return hands' points with short gaps bridged.

    The skeleton's wrist is known at every sample, so it carries the hand; only the points' offsets from it are
    interpolated. At the ends of what was seen the last offsets hold for half of ``max_gap_s``. Nothing is filled
    across a cut, nor where the skeleton has no wrist.
    """
    result = points.copy()
    shot = np.searchsorted(np.asarray(camera.cuts_s, dtype=float), clip.times_s, side="right")
    for h in range(len(points)):
        offset = points[h] - wrist[h, :, None]
        known = np.flatnonzero(np.isfinite(offset).all((1, 2)))
        wanted = np.flatnonzero(np.isnan(points[h]).any((1, 2)) & np.isfinite(wrist[h]).all(1))
        for k in wanted:
            found = _between(clip, offset, known, shot, int(k), max_gap_s)
            if found is not None:
                result[h, k] = wrist[h, k] + found
    return result


def _between(
    clip: Clip,
    offset: Float[np.ndarray, "T 21 2"],
    known: Int[np.ndarray, "M"],
    shot: Int[np.ndarray, "T"],
    k: int,
    max_gap_s: float,
) -> Float[np.ndarray, "21 2"] | None:
    times = clip.times_s
    place = int(np.searchsorted(known, k))
    near = [int(i) for i in known[max(0, place - 1) : place + 1] if shot[i] == shot[k]]
    before, after = [i for i in near if i < k], [i for i in near if i > k]
    if before and after:
        gap = float(times[after[0]] - times[before[0]])
        share = float(times[k] - times[before[0]]) / gap
        found = offset[before[0]] * (1 - share) + offset[after[0]] * share
        return found if gap <= max_gap_s + 1e-6 else None
    for i in near:
        if abs(float(times[i] - times[k])) <= max_gap_s / 2 + 1e-6:
            return offset[i]
    return None


def _scored(
    points: Float[np.ndarray, "H T 21 2"], score: Float[np.ndarray, "H T"]
) -> Float[np.ndarray, "H T 21 3"]:
    """Return points with a score each: the hand's where it was seen, ``FILLED_SCORE`` where filled."""
    known = np.isfinite(points[..., 0, 0])
    column = np.where(known, np.where(np.isfinite(score), score, FILLED_SCORE), np.nan)
    column = np.broadcast_to(column[..., None, None], (*points.shape[:-1], 1))
    return np.concatenate([points, column], axis=-1)


def _nothing(samples: int) -> Hands:
    none = np.zeros((0, samples))
    return Hands(
        ids=np.zeros(0, np.int64),
        xyxy=np.zeros((0, samples, 4)),
        score=none,
        keypoints=np.zeros((0, samples, len(HAND_21), 3)),
        seen=none.astype(bool),
        right=none,
        contact=none.astype(np.int8),
        comotion=none,
        held_xyxy=np.zeros((0, samples, 4)),
        held_track=none.astype(np.int64),
    )
