"""ByteTrack: boxes are linked by overlap with a predicted box, sure detections first.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box" (ECCV 2022), as implemented
by the package ``trackers`` (Roboflow, Apache-2.0). No weights, no pictures: it works on boxes alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.errors import BackendError
from kinescribe.geometry import apply_affine, box_center, box_cover, box_iou, box_size
from kinescribe.records import CameraMotion, Clip, Detections, Tracks
from kinescribe.vocabulary import PERSON

__all__ = ["ByteTrack"]

MIN_CONSECUTIVE = 2
"""Sightings in neighbouring samples that make a track; the back-fill of the first one rests on its being 2."""
TUNED_FPS = 30.0
"""Frame rate for which the package's Kalman filter is tuned, and in whose frames it counts its patience."""
NEAR_S = 0.25
"""How far ahead a parabola through those is followed: two samples at 10 Hz."""
SAME_IOU = 0.3
"""Overlap from which a detection may be what a track predicts by itself."""
LARGER = 1.1
"""A box round two things is larger than the larger one by more than this (in side length)."""
WIDEN = 0.15
"""A predicted place is widened by this share of its size on each side before pieces are looked for in it."""
START_RATE, SIZE_RATE = 10.0, 0.01
"""Variance of an unknown velocity (a thing may be fast when it is first seen) and of the rate of a size, in units of
that of a place. Sizes of regions jump; a filter that took a jump for a trend would shrink or blow up its box."""
FIT_S = 0.6
"""Stretch of a track's past from which its speed is taken: 7 samples at 10 Hz."""


@dataclass(frozen=True)
class ByteTrack:
    """Links detections on boxes from which the camera's motion is removed; people and other things apart."""

    sure_score: float = 0.5
    """Detections from here on are linked first and may begin a track; weaker ones only continue one. The
    detectors' own thresholds are 0.5, so this is where they mean to be right."""
    min_iou: float = 0.2
    """Least overlap of a detection with a predicted box, both widened. The package has 0.1 for boxes as they
    are; with that, in worlds, chance detections took tracks with them and two crossings were mixed up."""
    reach: float = 0.3
    """Boxes are widened by this share of their size on each side before overlaps are taken (C-BIoU, Yang et al.
    2023, uses 0.3 and 0.5): at 10 samples a second a small thing can leave its own box between two samples."""
    agility: float = 1.0
    """Factor on how much velocities are expected to change, beyond what the sampling rate asks for. The package
    is tuned for 30 frames a second; at 10, the velocity per sample changes nine times as much for the same
    acceleration. Without these nine times, what swings is lost at every turn; with nine times more, more tracks
    follow chance detections (13 instead of 7 broken ones in 136, in worlds)."""
    lost_s: float = 1.0
    """How long a lost track is predicted before it ends: ByteTrack's 30 frames at 30 frames a second."""
    merge_cover: float = 0.6
    """A detection that holds this share of two tracks which pass each other shows both at once."""
    piece_cover: float = 0.6
    """Detections that lie by this share in the place of one track are pieces of its subject (not of people,
    whose detectors see whole bodies)."""

    revision: ClassVar[int] = 2

    @classmethod
    def identity(cls) -> str:
        """Return the version of the package that does the linking."""
        return f"trackers {version('trackers')}"

    def __call__(self, clip: Clip, camera: CameraMotion, detections: Detections) -> Tracks:
        """Return raw tracks, aligned to the clip's samples and ordered by first appearance.

        Raises:
            BackendError: the packages ``trackers`` and ``supervision`` are not installed.
        """
        shot = np.searchsorted(_cuts(camera), clip.times_s, side="right")
        maps = _held(camera.to_scene, shot)
        in_scene = _Seen(
            times_s=clip.times_s,
            sample=detections.sample,
            image=detections.xyxy.copy(),
            scene=_scene_boxes(maps, detections),
            score=detections.score,
            velocity=np.full((len(detections.sample), 2), np.nan)
            if detections.velocity_px_s is None
            else detections.velocity_px_s,
        )
        as_filmed = in_scene._replace(scene=in_scene.image)
        usable = np.isfinite(in_scene.scene).all(1) & (in_scene.image[:, 2:] > in_scene.image[:, :2]).all(1)
        is_person = np.array([label == PERSON for label in detections.label], dtype=bool)
        found: list[list[int]] = []
        for number in np.unique(shot):
            samples = np.flatnonzero(shot == number)
            for group, in_pieces in ((is_person, False), (~is_person, True)):
                rows = np.flatnonzero(usable & group & np.isin(detections.sample, samples))
                if not len(rows):
                    continue
                linked = self._linked(in_scene, samples, rows, in_pieces)
                rest = np.setdiff1d(rows, [row for track in linked for row in track])
                # What a fast camera follows flies through the scene too fast to be linked there.
                if len(rest) and _sweeps(clip, maps[samples], in_scene.image[rows]):
                    linked += self._linked(as_filmed, samples, rest, in_pieces)
                found += linked
        found.sort(key=lambda rows: (detections.sample[rows[0]], rows[0]))
        return _as_tracks(in_scene, detections, found)

    def _linked(
        self, seen: _Seen, samples: Int[np.ndarray, "S"], rows: Int[np.ndarray, "R"], in_pieces: bool
    ) -> list[list[int]]:
        """Link the detections ``rows`` of one shot and kind; return each track's rows in time order.

        Where a subject is seen in pieces, the largest piece is given the box round them all.
        """
        tracker, patience = _tracker(self, seen.times_s), self.lost_s + NEAR_S
        past: dict[int, list[int]] = defaultdict(list)
        begun: list[tuple[Any, int]] = []
        for sample in samples.tolist():
            now, here = float(seen.times_s[sample]), rows[seen.sample[rows] == sample]
            # A little longer than the tracker's own patience: as long as it may link, we must know.
            alive = [
                track for track in past.values() if now - seen.times_s[seen.sample[track[-1]]] <= patience
            ]
            states = [state for track in alive if (state := _state(seen, sample, track)) is not None]
            here = here[~self._merged(seen, here, states)]
            if in_pieces:
                here = self._united(seen, here, states)
            answer = tracker.update(_supervision(seen, here), timestamp=now)
            for tracklet, row in begun:
                # The package gives a track's first detection no id: it is put back once there is one.
                if tracklet.tracker_id >= 0:
                    past[tracklet.tracker_id].append(row)
            for track_id, row in zip(answer.tracker_id, answer.data.get("row", ()), strict=True):
                if track_id >= 0:
                    past[int(track_id)].append(int(row))
            begun = [(new, _row_of(seen, here, new)) for new in tracker.tracks if new.tracker_id < 0]
        return list(past.values())

    def _merged(
        self, seen: _Seen, here: Int[np.ndarray, "M"], states: Sequence[_State]
    ) -> Bool[np.ndarray, "M"]:
        """Return which detections show two subjects that pass each other as one.

        A detector of moving regions sees one region where two things cross. Given to the tracker, it would
        stretch one track, and the two could leave with each other's id. Withheld, both are predicted until
        they part. Things that move alike are not told apart: they may be pieces of one.
        """
        result = np.zeros(len(here), dtype=bool)
        if len(states) < 2 or not len(here):
            return result
        boxes, expected = seen.scene[here], np.array([state.box for state in states])
        held = box_cover(expected, boxes) >= self.merge_cover
        overlap = box_iou(expected, boxes)
        for column in np.flatnonzero(held.sum(0) >= 2).tolist():
            inside = np.flatnonzero(held[:, column]).tolist()
            larger = box_size(boxes[[column]])[0] >= LARGER * box_size(expected[inside]).max()
            apart = np.delete(overlap[inside], column, axis=1).max(axis=1, initial=0.0) >= SAME_IOU
            result[column] = larger and not apart.any() and _pass_each_other([states[i] for i in inside])
        return result

    def _united(
        self, seen: _Seen, here: Int[np.ndarray, "M"], states: Sequence[_State]
    ) -> Int[np.ndarray, "L"]:
        """Put together the pieces into which a region falls, where a track says how large the whole is."""
        gone: set[int] = set()
        for state in states:
            rest = np.array([row for row in here.tolist() if row not in gone], dtype=np.int64)
            if len(rest) < 2:
                break
            whole = _widened(state.box, WIDEN)[None]
            others = np.array([other.box for other in states if other is not state]).reshape(-1, 4)
            claimed = box_iou(seen.scene[rest], others).max(axis=1, initial=0.0) >= SAME_IOU
            pieces = rest[(box_cover(seen.scene[rest], whole)[:, 0] >= self.piece_cover) & ~claimed]
            if len(pieces) < 2 or _go_apart(seen, pieces, state):
                continue
            union = _round(seen.scene[pieces])
            fits = box_iou(np.vstack([union[None], seen.scene[pieces]]), state.box[None])[:, 0]
            if fits[0] > fits[1:].max():
                largest = int(pieces[box_size(seen.scene[pieces]).argmax()])
                seen.scene[largest], seen.image[largest] = union, _round(seen.image[pieces])
                gone |= set(pieces.tolist()) - {largest}
        return np.array([row for row in here.tolist() if row not in gone], dtype=np.int64)


class _Seen(NamedTuple):
    """All detections of a clip; the boxes are changed where pieces are put together."""

    times_s: Float[np.ndarray, "T"]
    sample: Int[np.ndarray, "D"]
    image: Float[np.ndarray, "D 4"]
    scene: Float[np.ndarray, "D 4"]
    score: Float[np.ndarray, "D"]
    velocity: Float[np.ndarray, "D 2"]
    """Of the pixels inside, as filmed; NaN where unknown."""


class _State(NamedTuple):
    """Where a track should be now, in the scene."""

    box: Float[np.ndarray, "4"]
    velocity: Float[np.ndarray, "2"]
    """Pixels per second."""


def _state(seen: _Seen, sample: int, rows: Sequence[int]) -> _State | None:
    """Predict a track's box from its last centres; None before it has three.

    Just ahead a parabola is followed, so that what swings is found where it turns; further on, where the noise of
    its curvature would win, a line.
    """
    times = seen.times_s[seen.sample[rows]]
    recent = np.asarray(rows)[times >= times[-1] - FIT_S]
    if len(recent) < 3:
        return None
    since = seen.times_s[seen.sample[recent]] - seen.times_s[sample]
    boxes = seen.scene[recent]
    degree = 2 if -since[-1] <= NEAR_S and len(recent) >= 5 else 1
    velocity, center = np.polyfit(since, box_center(boxes), degree)[-2:]
    half = np.median(boxes[:, 2:] - boxes[:, :2], axis=0) / 2
    return _State(np.concatenate([center - half, center + half]), velocity)


def _pass_each_other(states: Sequence[_State]) -> bool:
    """Whether two of them differ in velocity by half the smallest one's size per second."""
    smallest = float(box_size(np.array([state.box for state in states])).min())
    velocity = np.array([state.velocity for state in states])
    spread = np.hypot(*(velocity[:, None] - velocity[None]).reshape(-1, 2).T).max()
    return bool(spread >= 0.5 * smallest)


def _go_apart(seen: _Seen, pieces: Int[np.ndarray, "M"], state: _State) -> bool:
    """Whether regions differ in velocity by half a thing's size per second: pieces of one thing go with it.

    Slivers (beside a post) say nothing: their flow is that of what is next to them.
    """
    narrow = (seen.scene[pieces, 2:] - seen.scene[pieces, :2]).min(1)
    velocity = seen.velocity[pieces[narrow >= 0.5 * (state.box[2:] - state.box[:2]).min()]]
    velocity = velocity[np.isfinite(velocity).all(1)]
    if len(velocity) < 2:
        return False
    spread = np.hypot(*(velocity[:, None] - velocity[None]).reshape(-1, 2).T).max()
    return bool(spread >= 0.5 * box_size(state.box[None])[0])


def _widened(box: Float[np.ndarray, "4"], share: float) -> Float[np.ndarray, "4"]:
    margin = share * (box[2:] - box[:2])
    return np.concatenate([box[:2] - margin, box[2:] + margin])


def _round(boxes: Float[np.ndarray, "M 4"]) -> Float[np.ndarray, "4"]:
    return np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])


def _tracker(settings: ByteTrack, times_s: Float[np.ndarray, "T"]) -> Any:
    """Return a fresh tracker: a track's id must depend on nothing but this clip."""
    try:
        from trackers import ByteTrackTracker
        from trackers.utils.iou import BIoU
        from trackers.utils.state_representations import XCYCWHStateEstimator
    except ModuleNotFoundError as error:
        raise BackendError(
            f'trackers backend "bytetrack" needs the package "{error.name}", which is not installed: '
            "pip install trackers supervision"
        ) from error
    steps = np.diff(times_s)
    rate = float(1 / np.median(steps)) if len(steps) else TUNED_FPS
    unrest = settings.agility * (TUNED_FPS / rate) ** 2
    factor = np.array([unrest, unrest, 1, 1, unrest, unrest, SIZE_RATE, SIZE_RATE])
    spread = np.diag([1, 1, 1, 1, START_RATE, START_RATE, SIZE_RATE, SIZE_RATE]).astype(np.float64)

    class Agile(XCYCWHStateEstimator):
        """Centre, width and height: the centre is quick, the size is not."""

        def set_kf_covariances(
            self, measurement_noise: Any = None, process_noise: Any = None, state_covariance: Any = None
        ) -> None:
            more = None if process_noise is None else process_noise * factor
            super().set_kf_covariances(measurement_noise, more, spread)

    return ByteTrackTracker(
        lost_track_buffer=round(TUNED_FPS * settings.lost_s),
        frame_rate=rate,
        state_estimator_class=Agile,
        track_activation_threshold=settings.sure_score,
        high_conf_det_threshold=settings.sure_score,
        minimum_consecutive_frames=MIN_CONSECUTIVE,
        minimum_iou_threshold=settings.min_iou,
        iou=BIoU(settings.reach),
    )


def _supervision(seen: _Seen, rows: Int[np.ndarray, "M"]) -> Any:
    """Return detections as the package takes them, each with its row of our record."""
    from supervision import Detections as SupervisionDetections

    return SupervisionDetections(xyxy=seen.scene[rows], confidence=seen.score[rows], data={"row": rows})


def _row_of(seen: _Seen, rows: Int[np.ndarray, "M"], tracklet: Any) -> int:
    """Return the detection with which a track has just begun: its state is still that very box."""
    return int(rows[np.abs(seen.scene[rows] - tracklet.get_state_bbox()).sum(1).argmin()])


def _cuts(camera: CameraMotion) -> Float[np.ndarray, "C"]:
    """Return the times of cuts; a sample at the very time of a cut belongs to the new shot."""
    return np.asarray(sorted(camera.cuts_s), dtype=np.float64) - 1e-6


def _held(to_scene: Float[np.ndarray, "T 2 3"], shot: Int[np.ndarray, "T"]) -> Float[np.ndarray, "T 2 3"]:
    """Return maps without gaps: the last known one of the shot (else the next, else none at all) stands in.

    The camera is taken to rest while nobody knows, which is to say that boxes are compared as filmed.
    """
    maps = to_scene.copy()
    for number in np.unique(shot):
        samples = np.flatnonzero(shot == number)
        known = samples[np.isfinite(to_scene[samples]).all((1, 2))]
        if not len(known):
            maps[samples] = np.eye(2, 3)
            continue
        before = np.searchsorted(known, samples, side="right") - 1
        maps[samples] = to_scene[known[np.maximum(before, 0)]]
    return maps


def _scene_boxes(maps: Float[np.ndarray, "T 2 3"], detections: Detections) -> Float[np.ndarray, "D 4"]:
    """Return the boxes round the detections' corners in scene coordinates."""
    x0, y0, x1, y1 = detections.xyxy.T
    corners = np.stack([np.stack([x, y], -1) for x in (x0, x1) for y in (y0, y1)], axis=1)
    mapped = apply_affine(maps[detections.sample][:, None], corners)
    return np.concatenate([mapped.min(1), mapped.max(1)], axis=-1)


def _sweeps(clip: Clip, maps: Float[np.ndarray, "S 2 3"], boxes: Float[np.ndarray, "R 4"]) -> bool:
    """Whether the view ever moves on by more than half a typical box from one sample to the next."""
    middle = apply_affine(maps, np.array([clip.width / 2, clip.height / 2]))
    steps = np.hypot(*np.diff(middle, axis=0).T)
    return bool(steps.max(initial=0.0) > 0.5 * np.median(box_size(boxes)))


def _as_tracks(seen: _Seen, detections: Detections, found: Sequence[list[int]]) -> Tracks:
    shape = (len(found), len(seen.times_s))
    tracks = Tracks(
        ids=np.arange(len(found), dtype=np.int64),
        label=tuple(_label(detections, rows) for rows in found),
        xyxy=np.full((*shape, 4), np.nan),
        score=np.full(shape, np.nan),
        detection=np.full(shape, -1, dtype=np.int64),
    )
    for n, rows in enumerate(found):
        samples = seen.sample[rows]
        tracks.xyxy[n, samples] = seen.image[rows]
        tracks.score[n, samples] = seen.score[rows]
        tracks.detection[n, samples] = rows
    return tracks


def _label(detections: Detections, rows: list[int]) -> str:
    """Return the label with the largest sum of scores."""
    weight: dict[str, float] = defaultdict(float)
    for row in rows:
        weight[detections.label[row]] += float(detections.score[row])
    return max(sorted(weight), key=lambda label: weight[label])
