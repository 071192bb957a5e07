"""Detections become subjects: linked over time, bridged over short gaps, rid of what is too short to mean anything."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe import plugins, regions
from kinescribe.geometry import apply_affine, box_center, box_size, invert_affine
from kinescribe.records import CameraMotion, Clip, Detections, Tracks
from kinescribe.stages.arrivals import absorb
from kinescribe.stages.naming import BOTH
from kinescribe.stages.regions import Joining, with_given
from kinescribe.stages.reunion import successors
from kinescribe.stages.trust import ghosts
from kinescribe.video import ArrayFrames, Frames
from kinescribe.vocabulary import FURNITURE, HOLDERS, NAMELESS, PERSON

NO_FRAMES = ArrayFrames(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0))
"""For trackers that need no pictures."""

FIT_S = 0.6
"""Stretch before and after a gap from which velocities are taken."""
WHOLE = 0.85
"""A box whose sides have this share of what they usually have shows the whole thing: outlines breathe by a tenth, a
post or another thing in front of it takes more away. The middle of what is left of a thing is not the thing's."""
WHOLE_S = 1.2
"""What a side usually has is taken over so long at the end of a fragment: what comes nearer grows by less meanwhile."""
ONE_SIZE = 1.25
"""Pieces are seen together of one thing if the box round them has no more than this of its usual sides."""
HELD = 0.7
"""A thing may be in a region that holds this share of its place: two that touch are seen as one region."""


@dataclass(frozen=True)
class TrackSubjects:
    """Detections in, tracks out. Every finite box is a detection or bridges a short gap (``Tracks.filled``)."""

    backend: str = "bytetrack"
    """File in ``backends/trackers``."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the backend."""
    max_gap_s: float = 0.5
    """Time between two sightings that is always bridged by a straight line: four missed samples at 10 Hz, in which
    a walker (0.8 body heights a second) gets on by less than half his height."""
    max_steady_gap_s: float = 1.0
    """Longer gaps up to this are bridged, and fragments joined across them, where the movement before, across and
    after the gap is one and the same; else the track ends. It is as long as the tracker predicts a lost track."""
    max_turn_gap_s: float = 0.3
    """Fragments are also joined across a change of speed or direction, if the gap is no longer than this: two
    missed samples at 10 Hz. Over them, the mean of the velocities at both ends must lead from one to the other."""
    max_held_gap_s: float = 2.5
    """... and gaps up to this, where a region holds the place that the thing must have in every sample: who overtakes
    somebody is one region with them for so long, at half a body length a second."""
    max_overlap_s: float = 0.2
    """Fragments may exist together for this long: a thing seen in two pieces for a moment can change tracks."""
    max_size_ratio: float = 1.6
    """Fragments that are joined differ in size by no more than this: two jittery boxes of one thing, whose
    areas differ by up to 2.5."""
    min_length_s: float = 0.5
    """Shorter tracks are dropped: kinematics smooths over 0.7 s, and a speed from much less is not worth stating."""
    min_detections: int = 4
    """And tracks of fewer sightings: chance detections line up three times, hardly four."""
    max_arrival_s: float = 2.0
    """A thing that leads into a person's track, or out of it, and lives no longer is that person's arrival or
    leave: two seconds is what people take to walk into a picture until their skeleton shows."""
    part_cover: float = 0.7
    """A thing that has this share of its box inside another subject's box ..."""
    part_life: float = 0.7
    """... for this share of its life is a part of the other (a moving arm, a piece of a region), no subject. Things
    with a name are none (a ball in somebody's hands), and nothing is a part of what holds others."""
    min_named: float = 0.2
    """A thing is called by a name that this share of its sightings bear: a small detector sees a small ball in one of
    four pictures and hardly calls anything else one in the same place."""
    regions: str = ""
    """File of subjects that the user marked (``kinescribe.regions``, ``annotate --regions``); empty for none. They are
    tracks whatever a detector sees of them, and what else is found stays."""

    revision: ClassVar[int] = 5
    PATIENCE: ClassVar[tuple[str, ...]] = ("regions",)
    """Where the file lies changes no track; ``identity`` says what it holds."""

    def __post_init__(self) -> None:
        if self.regions:  # a run goes on from any folder
            object.__setattr__(self, "regions", os.path.abspath(os.path.expanduser(self.regions)))

    def identity(self) -> str:
        """Return what the tracks depend on besides the settings.

        Raises:
            RecipeError: the file of regions cannot be read, or a line of it.
        """
        own = plugins.identity("trackers", self.backend, self.options)
        if not self.regions:
            return own
        regions.read(self.regions)  # a bad line is an error now, not in the middle of a run
        return f"{own};regions:{regions.digest(self.regions)}"

    def __call__(
        self, clip: Clip, camera: CameraMotion, detections: Detections, frames: Frames = NO_FRAMES
    ) -> Tracks:
        """Track the subjects of a clip; without detections there are none but those that are given.

        A tracker that looks at the pictures (``MaskTracker``) is believed: what it does not see is unknown, and no
        gaps are bridged or fragments joined by their motion.

        Raises:
            RecipeError: what is given does not fit the video.
        """
        tracker = plugins.load("trackers", self.backend)(**self.options)
        if hasattr(tracker, "follow"):
            tracks: Tracks = tracker.follow(clip, frames, camera, detections)
            tracks = _keep(tracks, self._long(clip, tracks) & ~self._scenery(detections, tracks))
            tracks = _keep(tracks, ~self._parts(tracks))
        else:
            tracks = self._linked(clip, camera, detections, tracker(clip, camera, detections))
        moving = replace(tracks, velocity_px_s=_velocity(detections, tracks))
        tracks = _keep(tracks, ~ghosts(clip, camera, moving))
        tracks = _numbered(self._given(clip, camera, tracks) if self.regions else tracks)
        return replace(tracks, velocity_px_s=_velocity(detections, tracks))

    def _linked(self, clip: Clip, camera: CameraMotion, detections: Detections, tracks: Tracks) -> Tracks:
        """Return subjects of the fragments that a tracker linked: joined, bridged, rid of what is none."""
        tracks = self._called(detections, self._split(clip, tracks))
        tracks = _keep(tracks, ~self._parts(tracks))
        tracks = self._reunited(clip, camera, detections, self._joined(clip, camera, detections, tracks))
        tracks = _keep(tracks, self._long(clip, tracks) & ~self._scenery(detections, tracks))
        tracks = _keep(tracks, ~self._parts(tracks))  # joined fragments can hold what none of them held alone
        tracks = absorb(clip, tracks, self.max_arrival_s, self.max_gap_s)
        return replace(tracks, xyxy=self._bridged(clip, camera, detections, tracks))

    def _given(self, clip: Clip, camera: CameraMotion, tracks: Tracks) -> Tracks:
        """Return the tracks with those that the user marked; what is only a part of these is none of its own."""
        joining = Joining(self.max_gap_s, self.max_steady_gap_s, self.max_turn_gap_s, self.max_overlap_s)
        tracks = with_given(clip, camera, tracks, regions.read(self.regions).of(clip.source), joining)
        given = np.isin(tracks.ids, tracks.given)
        # Nobody knows what is marked without a name where nothing moves: a table, say, on which something does.
        unknown = (
            given
            & (tracks.detection < 0).all(1)
            & np.array([label == NAMELESS for label in tracks.label], bool)
        )
        parts = np.zeros(len(given), bool)
        parts[~unknown] = self._parts(_keep(tracks, ~unknown))
        return _keep(tracks, ~parts | given)

    def _split(self, clip: Clip, tracks: Tracks) -> Tracks:
        """End tracks at long gaps, however the tracker crossed them: what fits together is joined again.

        A box near a predicted place may be another subject, above all where two came together.
        """
        pieces: list[tuple[int, Int[np.ndarray, "M"]]] = []
        for n, row in enumerate(tracks.detection):
            seen = np.flatnonzero(row >= 0)
            breaks = np.flatnonzero(np.diff(clip.times_s[seen]) > self.max_gap_s + 1e-6) + 1
            pieces += [(n, samples) for samples in np.split(seen, breaks)]
        split = _keep(tracks, np.array([n for n, _ in pieces], dtype=np.int64))
        outside = np.ones(split.detection.shape, dtype=bool)
        for i, (_, samples) in enumerate(pieces):
            outside[i, samples] = False
        split.xyxy[outside], split.score[outside], split.detection[outside] = np.nan, np.nan, -1
        return split

    def _called(self, detections: Detections, tracks: Tracks) -> Tracks:
        """Call things by the name that most of their named sightings bear, weighted by score; else they have none."""
        labels = list(tracks.label)
        for n, row in enumerate(tracks.detection):
            rows = row[row >= 0]
            named = [i for i in rows.tolist() if detections.label[i] not in (NAMELESS, PERSON)]
            if tracks.label[n] == PERSON or not len(rows):
                continue
            weight: dict[str, float] = defaultdict(float)
            for i in named:
                weight[detections.label[i]] += float(detections.score[i])
            best = max(weight, key=lambda name: weight[name], default=NAMELESS)
            sure = len(named) >= self.min_named * len(rows) and weight[best] > sum(weight.values()) / 2
            labels[n] = best if sure else NAMELESS
        return replace(tracks, label=tuple(labels))

    def _reunited(self, clip: Clip, camera: CameraMotion, detections: Detections, tracks: Tracks) -> Tracks:
        """Join what only its names hold together, and call everything by its name.

        A whole has the names of all its pieces, so this is done until nothing fits any more.
        """
        while True:
            people = [label == PERSON for label in tracks.label]
            called = [
                set() if person else _names(detections, row)
                for person, row in zip(people, tracks.detection, strict=True)
            ]
            pairs = successors(
                clip,
                tracks,
                _paths(camera, tracks),
                called,
                max_gap_s=self.max_steady_gap_s,
                max_overlap_s=self.max_overlap_s,
                max_size_ratio=self.max_size_ratio,
            )
            if not pairs:
                return self._called(detections, tracks)
            for first, second in pairs.items():
                late = np.arange(len(clip.times_s)) >= int(np.flatnonzero(tracks.detection[second] >= 0)[0])
                tracks.xyxy[first, late], tracks.score[first, late] = np.nan, np.nan
                tracks.detection[first, late] = -1
            tracks = _chained(tracks, pairs)

    def _scenery(self, detections: Detections, tracks: Tracks) -> Bool[np.ndarray, "N"]:
        """Return which tracks are furniture that was hardly ever seen to move: no subjects of a clip."""
        rests = np.array([BOTH not in source for source in detections.source], dtype=bool)
        return np.array(
            [
                label in FURNITURE and (row >= 0).any() and rests[row[row >= 0]].mean() > 1 - self.min_named
                for label, row in zip(tracks.label, tracks.detection, strict=True)
            ],
            dtype=bool,
        )

    def _long(self, clip: Clip, tracks: Tracks) -> Bool[np.ndarray, "N"]:
        seen = tracks.seen
        enough = seen.sum(1) >= self.min_detections
        return np.array(
            [
                ok and np.ptp(clip.times_s[row]) >= self.min_length_s - 1e-6
                for ok, row in zip(enough, seen, strict=True)
            ],
            dtype=bool,
        )

    def _parts(self, tracks: Tracks) -> Bool[np.ndarray, "N"]:
        """Return which tracks are only parts of others; what has a name never is."""
        result = np.zeros(len(tracks.ids), dtype=bool)
        holders = np.array([label in HOLDERS for label in tracks.label], dtype=bool)
        life = np.isfinite(tracks.xyxy[..., 0])
        for guest in np.argsort(life.sum(1), kind="stable").tolist():
            if tracks.label[guest] != NAMELESS:
                continue
            lived = life[guest]
            hosts = (
                ~result & ~holders & (life.sum(1) >= lived.sum()) & (life[:, lived].mean(1) >= self.part_life)
            )
            hosts[guest] = False
            cover = _cover(tracks.xyxy[guest, lived], tracks.xyxy[hosts][:, lived])
            result[guest] = ((cover >= self.part_cover).mean(1) >= self.part_life).any()
        return result

    # --- joining and bridging -------------------------------------------------------------------------------

    def _joined(self, clip: Clip, camera: CameraMotion, detections: Detections, tracks: Tracks) -> Tracks:
        """Join fragments whose ends agree in time, place, velocity and size, the best agreement first."""
        offers = self._offers(clip, camera, detections, tracks)
        taken: dict[int, _Offer] = {}
        for offer in sorted(offers):
            if offer.first in taken or offer.second in {other.second for other in taken.values()}:
                continue
            rivals = [
                o for o in offers if o != offer and (o.first == offer.first or o.second == offer.second)
            ]
            # Two equally good continuations: nobody can tell which one is right.
            if all(offer.error < 0.5 * rival.error for rival in rivals):
                taken[offer.first] = offer
        for offer in taken.values():
            _forget(tracks, offer)
        return _chained(tracks, {offer.first: offer.second for offer in taken.values()})

    def _offers(
        self, clip: Clip, camera: CameraMotion, detections: Detections, tracks: Tracks
    ) -> list[_Offer]:
        """Return all pairs of fragments of which the second may go on where the first ends."""
        offers: list[_Offer] = []
        path = _paths(camera, tracks)
        seen = [np.flatnonzero(row >= 0) for row in tracks.detection]
        person = [label == PERSON for label in tracks.label]
        for j, two in enumerate(seen):
            for i, one in enumerate(seen):
                if i == j or person[i] != person[j] or one[-1] >= two[-1] or one[0] >= two[0]:
                    continue
                for last, first in self._ends(clip, tracks, (i, one), (j, two)):
                    error = self._error(clip, camera, detections, tracks, path, (i, last), (j, first))
                    if error is not None and not _cut_between(clip, camera, last, first):
                        offers.append(_Offer(error, i, j, last, first))
                        break
        return offers

    def _ends(
        self,
        clip: Clip,
        tracks: Tracks,
        one: tuple[int, Int[np.ndarray, "M"]],
        two: tuple[int, Int[np.ndarray, "L"]],
    ) -> Iterator[tuple[int, int]]:
        """Yield last samples of one fragment and first ones of another between which nothing is sure.

        Where they end and begin cut off (behind a post), that is where they are last and first seen whole; then, where
        the second begins, unless they are seen together for too long, as two things are.
        """
        (i, before), (j, after) = one, two
        whole_before = before[_whole(clip, tracks, i, before, int(before[-1]))]
        whole_after = after[_whole(clip, tracks, j, after, int(after[0]))]
        cut_off = before[-1] not in whole_before or after[0] not in whole_after
        if cut_off and len(whole_before) >= 3 and len(whole_after) >= 3:
            last, first = int(whole_before[-1]), int(whole_after[0])
            if last < first and _one_size(tracks, (i, last), (j, first), np.intersect1d(before, after)):
                yield last, first
        overlap_s = clip.times_s[before[-1]] - clip.times_s[after[0]]
        if overlap_s <= self.max_overlap_s + 1e-6:
            yield int(before[before < after[0]][-1]), int(after[0])

    def _error(
        self,
        clip: Clip,
        camera: CameraMotion,
        detections: Detections,
        tracks: Tracks,
        path: Float[np.ndarray, "N T 2"],
        before: tuple[int, int],
        after: tuple[int, int],
    ) -> float | None:
        """Return how badly two ends fit together (0 is perfect), or None where they do not.

        Args:
            clip: for its times.
            camera: for its maps.
            detections: what else was seen in between.
            tracks: for sizes.
            path: centres of all tracks.
            before: row and last sample of the earlier piece.
            after: row and first sample of the later piece.
        """
        gap = float(clip.times_s[after[1]] - clip.times_s[before[1]])
        if gap > self.max_held_gap_s + 1e-6:
            return None
        turns = gap <= self.max_turn_gap_s + 1e-6
        one = _end(clip, tracks, path, *before, step=-1, degree=1 + turns)
        two = _end(clip, tracks, path, *after, step=1, degree=1 + turns)
        if one is None or two is None:
            return None
        size = min(one.size, two.size)
        change = _length(one.velocity - two.velocity)
        # Of a speed that changes evenly, the mean of both ends is what the gap was crossed with.
        missed = _length(one.place + gap * (one.velocity + two.velocity) / 2 - two.place)
        steady = turns or change <= 0.5 * max(_length(one.velocity), _length(two.velocity), size)
        reach = missed + (0 if turns else gap * change / 2)  # a steady end must foretell the other alone
        alike = max(one.size, two.size) <= self.max_size_ratio * size
        if not (steady and alike and reach <= 0.5 * size):
            return None
        long = gap > self.max_steady_gap_s + 1e-6
        return None if long and not _held(clip, camera, detections, tracks, before, after) else missed / size

    def _bridged(
        self, clip: Clip, camera: CameraMotion, detections: Detections, tracks: Tracks
    ) -> Float[np.ndarray, "N T 4"]:
        """Return the boxes with short gaps filled; long ones stay unknown."""
        path, boxes = _paths(camera, tracks), tracks.xyxy.copy()
        for n, row in enumerate(tracks.detection):
            seen = np.flatnonzero(row >= 0).tolist()
            for a, b in zip(seen[:-1], seen[1:], strict=True):
                short = clip.times_s[b] - clip.times_s[a] <= self.max_gap_s + 1e-6
                if b > a + 1 and (
                    short or self._error(clip, camera, detections, tracks, path, (n, a), (n, b)) is not None
                ):
                    boxes[n, a + 1 : b] = _between(clip, camera, boxes[n], a, b)
        return boxes


def _names(detections: Detections, rows: Int[np.ndarray, "T"]) -> set[str]:
    """Return by which names the rows of a track were seen; what holds others does not move about."""
    return {detections.label[i] for i in rows[rows >= 0].tolist()} - {NAMELESS, PERSON} - HOLDERS


def _velocity(detections: Detections, tracks: Tracks) -> Float[np.ndarray, "N T 2"] | None:
    """Return how the pixels of each subject move, where its detections say so."""
    if detections.velocity_px_s is None or not len(detections.sample):
        return None
    known = (tracks.detection >= 0)[..., None]
    velocity: Float[np.ndarray, "N T 2"] = np.where(
        known, detections.velocity_px_s[np.maximum(tracks.detection, 0)], np.nan
    )
    return velocity


class _Offer(NamedTuple):
    """Two fragments that may be one track."""

    error: float
    first: int
    second: int
    last_sample: int
    first_sample: int
    """What is seen of them in between is a part, not the thing."""


class _End(NamedTuple):
    """A track at one of its ends."""

    place: Float[np.ndarray, "2"]
    velocity: Float[np.ndarray, "2"]
    size: float


def _end(
    clip: Clip, tracks: Tracks, path: Float[np.ndarray, "N T 2"], row: int, at: int, step: int, degree: int
) -> _End | None:
    """Return place, velocity and size where a piece ends (``step`` -1) or begins (1); None under 3 sightings.

    The velocity is the slope of a line or (``degree`` 2, from 5 sightings) a parabola.
    """
    away = (clip.times_s - clip.times_s[at]) * step
    near = np.flatnonzero((tracks.detection[row] >= 0) & (away >= -1e-9) & (away <= FIT_S))
    if len(near) < 3:
        return None
    degree = degree if len(near) >= 5 else 1
    velocity, place = np.polyfit(clip.times_s[near] - clip.times_s[at], path[row, near], degree)[-2:]
    return _End(place, velocity, float(np.median(box_size(tracks.xyxy[row, near]))))


def _whole(
    clip: Clip, tracks: Tracks, row: int, samples: Int[np.ndarray, "M"], at: int
) -> Bool[np.ndarray, "M"]:
    """Return in which samples a fragment's box has the sides that it usually has near one of its ends."""
    sides = tracks.xyxy[row, samples, 2:] - tracks.xyxy[row, samples, :2]
    near = np.abs(clip.times_s[samples] - clip.times_s[at]) <= WHOLE_S
    whole: Bool[np.ndarray, "M"] = (sides >= WHOLE * np.percentile(sides[near], 75, axis=0)).all(1)
    return whole


def _one_size(tracks: Tracks, one: tuple[int, int], two: tuple[int, int], both: Int[np.ndarray, "B"]) -> bool:
    """Whether two fragments, while they are seen together, are never larger together than either is when whole."""
    (i, last), (j, first) = one, two
    sides = [tracks.xyxy[n, k, 2:] - tracks.xyxy[n, k, :2] for n, k in (one, two)]
    round_both = _around(tracks.xyxy[i, both], tracks.xyxy[j, both])
    inside = (both >= last) & (both <= first)
    return bool(
        inside.all() and (round_both[:, 2:] - round_both[:, :2] <= ONE_SIZE * np.minimum(*sides)).all()
    )


def _forget(tracks: Tracks, offer: _Offer) -> None:
    """Take away, in place, what was seen of two fragments while neither was seen whole."""
    samples = slice(offer.last_sample + 1, offer.first_sample)  # empty where both are whole to their ends
    for row in (offer.first, offer.second):
        tracks.xyxy[row, samples], tracks.score[row, samples] = np.nan, np.nan
        tracks.detection[row, samples] = -1


def _held(
    clip: Clip,
    camera: CameraMotion,
    detections: Detections,
    tracks: Tracks,
    before: tuple[int, int],
    after: tuple[int, int],
) -> bool:
    """Whether between two sightings a region holds, in every sample, the place that the thing then has."""
    (i, a), (j, b) = before, after
    ends = np.full((len(clip.times_s), 4), np.nan)
    ends[a], ends[b] = tracks.xyxy[i, a], tracks.xyxy[j, b]
    places = _between(clip, camera, ends, a, b)
    for k, place in enumerate(places, start=a + 1):
        regions = detections.xyxy[detections.sample == k]
        if not (_cover(place[None], regions[:, None]) >= HELD).any():
            return False
    return True


def _cover(inner: Float[np.ndarray, "M 4"], outer: Float[np.ndarray, "H M 4"]) -> Float[np.ndarray, "H M"]:
    """Return which share of each inner box lies in each outer box of the same sample; 0 where one is unknown."""
    side = np.minimum(inner[:, 2:], outer[..., 2:]) - np.maximum(inner[:, :2], outer[..., :2])
    shared = np.maximum(side, 0).prod(-1)
    area = np.maximum((inner[:, 2:] - inner[:, :2]).prod(-1), 1e-9)
    share: Float[np.ndarray, "H M"] = np.nan_to_num(shared / area)
    return share


def _length(vector: Float[np.ndarray, "2"]) -> float:
    return float(np.hypot(*vector))


def _paths(camera: CameraMotion, tracks: Tracks) -> Float[np.ndarray, "N T 2"]:
    """Return the boxes' centres: in the scene for tracks whose camera is known throughout, else as filmed."""
    center: Float[np.ndarray, "N T 2"] = box_center(tracks.xyxy)
    scene: Float[np.ndarray, "N T 2"] = apply_affine(camera.to_scene[None], center)
    lost = (np.isfinite(center) & ~np.isfinite(scene)).any()
    return center if lost else scene


def _cut_between(clip: Clip, camera: CameraMotion, a: int, b: int) -> bool:
    return any(clip.times_s[a] < cut - 1e-6 <= clip.times_s[b] for cut in camera.cuts_s)


def _between(
    clip: Clip, camera: CameraMotion, boxes: Float[np.ndarray, "T 4"], a: int, b: int
) -> Float[np.ndarray, "M 4"]:
    """Return the boxes between two samples on a straight line through the scene (through the image if unknown)."""
    share = ((clip.times_s[a + 1 : b] - clip.times_s[a]) / (clip.times_s[b] - clip.times_s[a]))[:, None]
    ends = boxes[[a, b]]
    straight: Float[np.ndarray, "M 4"] = (1 - share) * ends[0] + share * ends[1]
    maps = camera.to_scene[a : b + 1]
    if not np.isfinite(maps).all():
        return straight
    scene = apply_affine(maps[[0, -1]], box_center(ends))
    center = apply_affine(invert_affine(maps[1:-1]), (1 - share) * scene[0] + share * scene[1])
    half = (straight[:, 2:] - straight[:, :2]) / 2
    limit = np.array([clip.width, clip.height, clip.width, clip.height], dtype=np.float64)
    boxes_between: Float[np.ndarray, "M 4"] = np.clip(
        np.concatenate([center - half, center + half], -1), 0, limit
    )
    return boxes_between


# --- rows of tracks -----------------------------------------------------------------------------------------


def _keep(tracks: Tracks, rows: Bool[np.ndarray, "N"] | Int[np.ndarray, "M"]) -> Tracks:
    """Return some of the tracks, in the given order."""
    index = np.flatnonzero(rows) if rows.dtype == bool else rows
    return Tracks(
        tracks.ids[index],
        tuple(tracks.label[i] for i in index),
        tracks.xyxy[index],
        tracks.score[index],
        tracks.detection[index],
        given=tracks.given,
        regions=tracks.regions,
        masks=None if tracks.masks is None else tracks.masks.of(index),
    )


def _chained(tracks: Tracks, successor: Mapping[int, int]) -> Tracks:
    """Return the tracks with every chain of fragments as one, under the label of its longest fragment."""
    xyxy, score, detection = tracks.xyxy.copy(), tracks.score.copy(), tracks.detection.copy()
    label = list(tracks.label)
    heads = sorted(set(range(len(label))) - set(successor.values()))
    for head in heads:
        chain = _chain(head, successor)
        for piece in chain[1:]:
            both = (detection[head] >= 0) & (detection[piece] >= 0)
            seen = detection[piece] >= 0
            whole = _around(xyxy[head, both], xyxy[piece, both])
            xyxy[head, seen], score[head, seen] = xyxy[piece, seen], score[piece, seen]
            detection[head, seen] = detection[piece, seen]
            xyxy[head, both] = whole
        label[head] = _longest_label(tracks, chain)
    joined = Tracks(tracks.ids, tuple(label), xyxy, score, detection)
    return _keep(joined, np.array(heads, dtype=np.int64))


def _chain(head: int, successor: Mapping[int, int]) -> list[int]:
    chain = [head]
    while chain[-1] in successor:
        chain.append(successor[chain[-1]])
    return chain


def _around(one: Float[np.ndarray, "M 4"], two: Float[np.ndarray, "M 4"]) -> Float[np.ndarray, "M 4"]:
    """Return the boxes round both."""
    return np.concatenate([np.minimum(one[:, :2], two[:, :2]), np.maximum(one[:, 2:], two[:, 2:])], axis=-1)


def _longest_label(tracks: Tracks, chain: Sequence[int]) -> str:
    lengths = [(tracks.detection[piece] >= 0).sum() for piece in chain]
    return tracks.label[chain[int(np.argmax(lengths))]]


def _numbered(tracks: Tracks) -> Tracks:
    """Return the tracks by first appearance, people first, with the ids of the design; ``given`` follows them.

    Things seen first in the same sample stand from left to right, so that the order of detections is no matter.
    """
    first = [int(np.flatnonzero(np.isfinite(row[:, 0]))[0]) for row in tracks.xyxy]
    person = np.array([label == PERSON for label in tracks.label], dtype=bool)
    place = [tuple(tracks.xyxy[n, t]) for n, t in enumerate(first)]
    order = sorted(range(len(first)), key=lambda n: (not person[n], first[n], place[n]))
    tracks = _keep(tracks, np.array(order, dtype=np.int64))
    people = int(person.sum())
    base = max(1000, -(-10 * people // 1000) * 1000)
    ids = [*range(0, 10 * people, 10), *range(base, base + len(order) - people)]
    new = dict(zip(tracks.ids.tolist(), ids, strict=True)) if tracks.given else {}
    return replace(
        tracks,
        ids=np.array(ids, dtype=np.int64),
        given=tuple(new[old] for old in tracks.given),
        regions={name: new[old] for name, old in tracks.regions.items()},
    )
