"""Subjects that somebody has marked become tracks: those that are tracked already, or new ones.

What is given is believed: a marked box stands as it is, and where a mark and a track are of one thing they become one
subject, with the track's skeleton and its sightings, under the label that was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.errors import RecipeError
from kinescribe.geometry import (
    apply_affine,
    box_center,
    box_iou,
    box_size,
    invert_affine,
    stretches,
    touches_border,
)
from kinescribe.language import nouns
from kinescribe.records import CameraMotion, Clip, Masks, Tracks
from kinescribe.regions import Region
from kinescribe.video import scan
from kinescribe.vocabulary import NAMELESS, PERSON

SAME_IOU = 0.4
"""A track that overlaps so with a mark in most of the samples that both know is the same thing: regions of motion have
shadows and halos (``naming.THING_IOU`` is 0.3), but two who stand side by side must stay two."""
RESTED_IOU = 0.5
"""A track that begins so much where something was marked before is of that thing: nothing else tells."""
SAME_MARK_IOU = 0.8
"""Marks that overlap so are of one thing: two people draw a box so much alike."""
WHOLE_SHARE = 0.5
"""A mark known for this share of a track's samples gives the subject's boxes; one known for less only points at it."""
SAME_ASPECT = 0.02
"""Masks of a picture whose aspect ratio differs by more are of another video, or not upright."""
ASIDE_SIZES = 0.1
"""A track that keeps so far from the straight line between two marks, in the mean and in sizes of the box, is believed:
an arc that reaches the 0.15 which count as going somewhere (``trust.MIN_SHIFT_SIZES``) has a mean of two thirds."""
STEADY = 0.25
"""Velocities that differ by no more than this share of the larger are one: as much of a circle as a quarter of a
radian, which a straight line leaves by a thirtieth of its length."""
SPACING = 1.5
"""Marks this much further apart than they usually are have one missing."""


@dataclass(frozen=True)
class Joining:
    """How far what is given may be carried, in seconds; the defaults are those of ``TrackSubjects``."""

    max_gap_s: float = 0.5
    """Between two marks that are always joined by a straight line."""
    max_steady_gap_s: float = 1.0
    """... and between two as far apart as the region's marks usually are, up to so much (and a half, where one is
    late), while the thing rests or goes on as before: TAO's annotators drew one a second."""
    max_turn_gap_s: float = 0.3
    """Over longer gaps between marks a track is believed that turns aside."""
    max_overlap_s: float = 0.2
    """Fragments of one subject may exist together for this long."""


class _Drawn(NamedTuple):
    """A region on a clip's samples."""

    region: Region
    boxes: Float[np.ndarray, "T 4"]
    told: Bool[np.ndarray, "T"]
    """Where a mark lies within half a sampling interval; elsewhere the box is between two marks."""
    sure: Bool[np.ndarray, "T"]
    """There, and between marks that are close together; over longer gaps a track may know better than the line."""


class _Subject(NamedTuple):
    """What will be one track."""

    drawn: list[_Drawn]
    rows: list[int]
    """Of the tracks that it is."""


def with_given(
    clip: Clip, camera: CameraMotion, tracks: Tracks, regions: Sequence[Region], joining: Joining
) -> Tracks:
    """Return the tracks with those that were given, under provisional ids; ``given`` and ``regions`` tell which.

    Args:
        clip: for its samples.
        camera: for its cuts, and to find again what rested where it was marked.
        tracks: what was found.
        regions: the video's.
        joining: how far marks are carried.

    Raises:
        RecipeError: a mask's picture has another shape than the video's, or all marks lie behind its last frame.
        VideoError: the frames before the clip cannot be counted.
    """
    drawn = [d for d in _all_drawn(clip, camera, regions, joining) if np.isfinite(d.boxes[:, 0]).any()]
    if not drawn:
        return tracks
    subjects = _paired(clip, camera, tracks, _grouped(drawn), joining)
    taken = {row for subject in subjects for row in subject.rows}
    free = [n for n in range(len(tracks.ids)) if n not in taken]
    merged = [_merged(clip, tracks, subject) for subject in subjects]
    first = len(free)
    return Tracks(
        ids=np.arange(first + len(merged)),
        label=(*(tracks.label[n] for n in free), *(one.label[0] for one in merged)),
        xyxy=np.concatenate([tracks.xyxy[free], *(one.xyxy for one in merged)]),
        score=np.concatenate([tracks.score[free], *(one.score for one in merged)]),
        detection=np.concatenate([tracks.detection[free], *(one.detection for one in merged)]),
        given=tuple(range(first, first + len(merged))),
        masks=_masks(tracks.masks, free, subjects),
        regions={d.region.id: first + i for i, subject in enumerate(subjects) for d in subject.drawn},
    )


# --- frames become samples ----------------------------------------------------------------------------------


def _all_drawn(
    clip: Clip, camera: CameraMotion, regions: Sequence[Region], joining: Joining
) -> Iterator[_Drawn]:
    first = _first_frame(clip.source, clip.start_s) if regions and clip.start_s > 0 else 0
    _refuse_beyond(clip, first + clip.num_frames, regions)
    for region in regions:
        inside = (region.frames >= first) & (region.frames < first + clip.num_frames)
        if inside.any():
            yield _on_samples(clip, camera, region, inside, region.frames[inside] - first, joining)


def _refuse_beyond(clip: Clip, end: int, regions: Sequence[Region]) -> None:
    """Refuse marks of a video that all lie behind its last frame: they are of another one, or counted otherwise.

    Args:
        clip: for its source.
        end: the number of the first frame of the source behind the clip.
        regions: the video's.
    """
    earliest = min((int(region.frames.min()) for region in regions if len(region.frames)), default=0)
    if earliest < end:
        return
    number = len(_frame_times(clip.source))
    if earliest >= number:
        raise RecipeError(
            f"no frame that the regions mark lies in {clip.source}: the first is {earliest}, the video has {number} "
            f"frames (0 to {number - 1}); count frames from 0 at the first one of this file, or drop its regions"
        )


@lru_cache(maxsize=64)
def _first_frame(source: str, start_s: float) -> int:
    """Return how many of a video's frames come before a clip: its times are counted as the door counted them."""
    return int(np.searchsorted(_frame_times(source), start_s - 1e-6))


@lru_cache(maxsize=1)
def _frame_times(source: str) -> Float[np.ndarray, "F"]:
    return scan(source).times_s


def _on_samples(
    clip: Clip,
    camera: CameraMotion,
    region: Region,
    inside: Bool[np.ndarray, "F"],
    frames: Int[np.ndarray, "M"],
    joining: Joining,
) -> _Drawn:
    """Return a region's boxes at the samples: between marks on a straight line, else the nearest mark's.

    Args:
        clip: for its times.
        camera: nothing is carried across its cuts.
        region: what was marked.
        inside: which of its frames are the clip's.
        frames: these, counted from the clip's first.
        joining: how far marks are carried.
    """
    boxes, times = _in_pixels(clip, region, inside), _times(clip, frames)
    step = float(np.median(np.diff(clip.times_s))) if len(clip.times_s) > 1 else 0.0
    bridged = _bridged(camera, boxes, times, joining)
    result = np.full((len(clip.times_s), 4), np.nan)
    told, close = np.zeros(len(clip.times_s), bool), np.zeros(len(clip.times_s), bool)
    for k, at in enumerate(clip.times_s.tolist()):
        after = int(np.searchsorted(times, at - 1e-9))
        before = after if after < len(times) and times[after] <= at + 1e-9 else after - 1
        near = min((i for i in {before, after} if 0 <= i < len(times)), key=lambda i: (abs(times[i] - at), i))
        told[k] = abs(times[near] - at) <= step / 2 + 1e-6 and not _cut(camera, float(times[near]), at)
        if 0 <= before < after < len(times) and bridged[before]:
            share = (at - times[before]) / (times[after] - times[before])
            result[k] = (1 - share) * boxes[before] + share * boxes[after]
            close[k] = times[after] - times[before] <= joining.max_turn_gap_s + 1e-6
        elif told[k]:
            result[k] = boxes[near]
    told &= np.isfinite(result[:, 0])
    return _Drawn(region, result, told, told | close)


def _bridged(
    camera: CameraMotion, boxes: Float[np.ndarray, "M 4"], times: Float[np.ndarray, "M"], joining: Joining
) -> Bool[np.ndarray, "G"]:
    """Return from which marks to the next a box goes straight.

    It does over short gaps. Over one as long as they usually are, it does if the thing is in the same place after it,
    or goes as it does in the gaps beside: a pause or a turn in between would not be seen.
    """
    gaps = np.diff(times)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    possible = np.isfinite(boxes[:-1, 0]) & np.isfinite(boxes[1:, 0])
    possible &= ~np.array([_cut(camera, a, b) for a, b in pairwise(times.tolist())], bool)
    longest = SPACING * min(usual, joining.max_steady_gap_s)
    way = np.diff(box_center(boxes), axis=0) / np.maximum(gaps, 1e-6)[:, None]
    result = np.zeros(len(gaps), bool)
    for i, gap in enumerate(gaps.tolist()):
        if not possible[i] or gap > max(joining.max_gap_s, longest) + 1e-6:
            continue
        rests = float(box_iou(boxes[[i]], boxes[[i + 1]])[0, 0]) >= SAME_MARK_IOU
        beside = [way[j] for j in (i - 1, i + 1) if 0 <= j < len(gaps) and possible[j]]
        alike = [_length(way[i] - other) <= STEADY * max(_length(way[i]), _length(other)) for other in beside]
        result[i] = gap <= joining.max_gap_s + 1e-6 or rests or (bool(alike) and all(alike))
    return result


def _length(vector: Float[np.ndarray, "2"]) -> float:
    return float(np.hypot(*vector))


def _in_pixels(clip: Clip, region: Region, inside: Bool[np.ndarray, "F"]) -> Float[np.ndarray, "M 4"]:
    """Return boxes in the clip's pixels, as far as they lie in the picture; NaN where nothing of them does."""
    own = np.array([clip.width, clip.height], np.float64)
    size = np.where(np.isfinite(region.size[inside]), region.size[inside], own)
    masks = (size > 1).all(1)
    aspect = size[masks, 0] / size[masks, 1] * own[1] / own[0]
    if masks.any() and np.abs(aspect - 1).max() > SAME_ASPECT:
        width, height = size[masks][int(np.abs(aspect - 1).argmax())]
        raise RecipeError(
            f"region {region.id} (line {region.line} of the regions): its mask is of a picture of {width:g} x "
            f"{height:g}, the video shows {clip.width} x {clip.height}; masks are of the same video, upright"
        )
    scaled = region.boxes[inside] * np.tile(own / size, 2)
    boxes = np.clip(scaled, 0, np.tile(own, 2))
    boxes[((boxes[:, 2:] - boxes[:, :2]) < 0.5).any(1)] = np.nan  # outside, or thinner than a pixel can show
    return boxes


def _times(clip: Clip, frames: Int[np.ndarray, "M"]) -> Float[np.ndarray, "M"]:
    """Return the times of a clip's frames: exact for those that are samples, evenly between them."""
    known, times = clip.frame_indices.astype(np.float64), clip.times_s
    rate = clip.fps if np.isfinite(clip.fps) else 1.0
    beyond = np.maximum(frames - known[-1], 0) + np.minimum(frames - known[0], 0)
    return np.asarray(np.interp(frames, known, times) + beyond / rate)


def _cut(camera: CameraMotion, a: float, b: float) -> bool:
    return any(min(a, b) < cut - 1e-6 <= max(a, b) for cut in camera.cuts_s)


# --- who is who ---------------------------------------------------------------------------------------------


def _grouped(drawn: Sequence[_Drawn]) -> list[_Subject]:
    """Return marks by what they are of: somebody may mark a thing twice."""
    subjects: list[_Subject] = []
    for one in drawn:
        same = next((s for s in subjects if _overlap(s.drawn[0].boxes, one.boxes) >= SAME_MARK_IOU), None)
        if same is None:
            subjects.append(_Subject([one], []))
        else:
            same.drawn.append(one)
    return subjects


def _paired(
    clip: Clip, camera: CameraMotion, tracks: Tracks, subjects: list[_Subject], joining: Joining
) -> list[_Subject]:
    """Return the subjects with the tracks that they are, the best pairs first; a track is one subject's."""
    life = np.isfinite(tracks.xyxy[..., 0])
    offers = sorted(
        (
            (-share, i, n)
            for i, subject in enumerate(subjects)
            for n in range(len(tracks.ids))
            if (share := _overlap(_boxes(subject), tracks.xyxy[n])) >= SAME_IOU
        ),
    )
    owner: dict[int, int] = {}
    gone: set[int] = set()
    for _, i, n in offers:
        if i in gone:
            continue
        if n in owner:
            # Marks in different frames, each on the same track, are of one thing.
            other = subjects[owner[n]]
            if not subjects[i].rows and not _both(_boxes(other), _boxes(subjects[i])).any():
                other.drawn.extend(subjects[i].drawn)
                gone.add(i)
            continue
        together = life[subjects[i].rows].any(0) & life[n]
        if _lasts(clip, together) <= joining.max_overlap_s + 1e-6:
            subjects[i].rows.append(n)
            owner[n] = i
    kept = [subject for i, subject in enumerate(subjects) if i not in gone]
    for subject in kept:
        if not subject.rows:
            subject.rows.extend(_rested(clip, camera, tracks, subject, set(owner)))
            owner.update(dict.fromkeys(subject.rows, -1))
    return kept


def _rested(
    clip: Clip, camera: CameraMotion, tracks: Tracks, subject: _Subject, taken: set[int]
) -> list[int]:
    """Return the track, if any, that begins next where the mark was, or ended there last: what rests is not seen.

    Where the track is cut off by a border and the mark is not, something comes in, or leaves.
    """
    boxes = _boxes(subject)
    known = np.flatnonzero(np.isfinite(boxes[:, 0]))
    all_boxes = np.stack([boxes, *tracks.xyxy])
    border = np.asarray(touches_border(all_boxes, clip.width, clip.height).any(-1))
    nearest: tuple[float, int] | None = None
    for n in range(len(tracks.ids)):
        seen = np.flatnonzero(np.isfinite(tracks.xyxy[n, :, 0]))
        if n in taken or not len(seen):
            continue
        if known[-1] < seen[0]:
            mark, sighting = int(known[-1]), int(seen[0])
        elif seen[-1] < known[0]:
            mark, sighting = int(known[0]), int(seen[-1])
        else:
            continue
        passes = border[1 + n, sighting] and not border[0, mark]
        if passes or _cut(camera, float(clip.times_s[mark]), float(clip.times_s[sighting])):
            continue
        there = _carried(camera, boxes[mark], mark, sighting)
        same = float(box_iou(there[None], tracks.xyxy[n, sighting][None])[0, 0]) >= RESTED_IOU
        away_s = abs(float(clip.times_s[sighting] - clip.times_s[mark]))
        if same and (nearest is None or away_s < nearest[0]):
            nearest = (away_s, n)
    return [] if nearest is None else [nearest[1]]


def _carried(camera: CameraMotion, box: Float[np.ndarray, "4"], a: int, b: int) -> Float[np.ndarray, "4"]:
    """Return where a box of what rests in the scene is at another sample; as filmed where the camera is not known."""
    scene = apply_affine(camera.to_scene[a], box.reshape(2, 2))
    there = apply_affine(invert_affine(camera.to_scene[b]), scene).reshape(4)
    return there if np.isfinite(there).all() else box


def _both(one: Float[np.ndarray, "T 4"], two: Float[np.ndarray, "T 4"]) -> Bool[np.ndarray, "T"]:
    known: Bool[np.ndarray, "T"] = np.isfinite(one[:, 0]) & np.isfinite(two[:, 0])
    return known


def _overlap(one: Float[np.ndarray, "T 4"], two: Float[np.ndarray, "T 4"]) -> float:
    """Return the IoU of two paths in the median of the samples that both know; 0 without any."""
    both = np.flatnonzero(_both(one, two))
    if not len(both):
        return 0.0
    return float(np.median([box_iou(one[[k]], two[[k]])[0, 0] for k in both]))


def _lasts(clip: Clip, samples: Bool[np.ndarray, "T"]) -> float:
    """Return for how long something holds: samples of a step each, less one."""
    step = float(np.median(np.diff(clip.times_s))) if len(clip.times_s) > 1 else 0.0
    return max(int(samples.sum()) - 1, 0) * step if samples.any() else -1.0


def _masks(masks: Masks | None, free: Sequence[int], subjects: Sequence[_Subject]) -> Masks | None:
    """Return the masks of the tracks that stay, and of those that a subject is, the best first."""
    if masks is None:
        return None
    nothing = (None,) * len(masks.rle[0]) if masks.rle else ()
    merged = []
    for subject in subjects:
        rows = [masks.rle[n] for n in subject.rows] or [nothing]
        merged.append(tuple(next((one for one in some if one), None) for some in zip(*rows, strict=True)))
    return replace(masks, rle=(*(masks.rle[n] for n in free), *merged))


# --- one subject --------------------------------------------------------------------------------------------


def _boxes(subject: _Subject) -> Float[np.ndarray, "T 4"]:
    """Return what a subject's marks say together, the earlier lines of the file first."""
    boxes = subject.drawn[0].boxes.copy()
    for one in subject.drawn[1:]:
        boxes = np.where(np.isfinite(boxes), boxes, one.boxes)
    return boxes


def _merged(clip: Clip, tracks: Tracks, subject: _Subject) -> Tracks:
    """Return a subject as the only one of its tracks."""
    marked = _boxes(subject)
    told = np.any([one.told for one in subject.drawn], axis=0)
    tracked, score = np.full_like(marked, np.nan), np.full(len(marked), np.nan)
    detection = np.full(len(marked), -1, np.int64)
    for n in subject.rows:  # the best first
        new: Bool[np.ndarray, "T"] = np.isfinite(tracks.xyxy[n, :, 0]) & ~np.isfinite(tracked[:, 0])
        tracked[new], score[new] = tracks.xyxy[n, new], tracks.score[n, new]
        detection[new] = tracks.detection[n, new]
    if np.isfinite(marked[:, 0]).sum() >= WHOLE_SHARE * np.isfinite(tracked[:, 0]).sum():
        sure = np.any([one.sure for one in subject.drawn], axis=0)
        straight = sure | ~_aside(marked, tracked, ~sure & np.isfinite(marked[:, 0]))
        boxes = _filled_up(clip, np.where(straight[:, None], marked, np.nan), tracked)
        boxes = np.where(np.isfinite(boxes), boxes, marked)
    else:
        boxes = _filled_up(clip, tracked, marked)
    return Tracks(
        ids=np.zeros(1, np.int64),
        label=(_label(tracks, subject),),
        xyxy=boxes[None],
        score=np.where(told & ~(detection >= 0), 1.0, score)[None],
        detection=detection[None],
    )


def _aside(
    marked: Float[np.ndarray, "T 4"], tracked: Float[np.ndarray, "T 4"], between: Bool[np.ndarray, "T"]
) -> Bool[np.ndarray, "T"]:
    """Return where a track leaves the straight line between two marks, by more than boxes tremble."""
    away = box_center(tracked) - box_center(marked)
    result = np.zeros(len(away), bool)
    for a, b in stretches(between):
        ends = [k for k in (a - 1, b + 1) if 0 <= k < len(away) and np.isfinite(away[k, 0])]
        inside = away[a : b + 1][np.isfinite(away[a : b + 1, 0])]
        if len(ends) == 2 and len(inside):
            shift = float(np.hypot(*(inside.mean(0) - away[ends].mean(0))))
            result[a : b + 1] = shift > ASIDE_SIZES * float(np.median(box_size(marked[a : b + 1])))
    return result


def _filled_up(
    clip: Clip, one: Float[np.ndarray, "T 4"], two: Float[np.ndarray, "T 4"]
) -> Float[np.ndarray, "T 4"]:
    """Return ``one``, where it is not known ``two``, shifted by what they differ by where both are.

    A hand's box and a detector's differ by a shadow or a halo: going over from one to the other is no movement.
    """
    boxes, both = one.copy(), _both(one, two)
    rest = ~np.isfinite(one[:, 0]) & np.isfinite(two[:, 0])
    boxes[rest] = two[rest]
    if both.any() and rest.any():
        away = (one - two)[both]
        for edge in range(4):
            boxes[rest, edge] += np.interp(clip.times_s[rest], clip.times_s[both], away[:, edge])
        sound = np.all(boxes[:, 2:] > boxes[:, :2], axis=1, keepdims=True)
        boxes = np.where(sound | ~rest[:, None], boxes, two)
    limit = np.array([clip.width, clip.height, clip.width, clip.height], np.float64)
    return np.clip(boxes, 0, limit)


def _label(tracks: Tracks, subject: _Subject) -> str:
    """Return the label that was given, else that of the tracks, whom a name is surer of than none."""
    given = next((one.region.label for one in subject.drawn if one.region.label), None)
    if given is not None:
        return PERSON if nouns.kind(given.split()[-1]) == "person" else given
    found = [tracks.label[n] for n in subject.rows]
    return next((label for label in found if label != NAMELESS), NAMELESS)
