"""Coming nearer and going away: as far as a box can tell, by growing and shrinking, and as a depth net sees it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from kinescribe.events import nearness
from kinescribe.events.scene import Scene, changes_scale, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import Smoother, box_size, stretches, touches_border, turning_points
from kinescribe.records import Clip, Event
from kinescribe.vocabulary import NAMELESS

HALF_WINDOW_S = 0.6
"""Of the smoothing before turning points: boxes breathe with every step."""
MIN_STEPS, MIN_TIME_S = 8, 0.8
"""Fewer samples, and a shorter time, show no growth."""
MAX_KEPT = 0.3
"""What grows without coming nearer by this share of what its size would mean does not come ..."""
DOUBTS = 5.0
"""... if so many standard deviations of its depth are less than what is missing (``EventSettings.min_depth_noise``)."""


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield what depth shows, then growth and shrinkage of boxes that it does not tell of already, or speak against.

    Boxes tell where their place in the scene is known and the camera does not scale them.
    """
    seen = [e for row in range(len(scene.depth.ids)) for e in nearness.changes(scene, row, settings)]
    sizes = list(_of_sizes(scene, settings))
    for event in seen:
        alike = [e for e in sizes if _agree(e, event)]
        against = any(_same_time(e, event) and not _agree(e, event) for e in sizes)
        if not against:
            own = {"log_scale": alike[0].values["log_scale"]} if alike else {}
            yield replace(event, values={**event.values, **own})
    yield from (e for e in sizes if not any(_same_time(e, one) for one in seen) and not _rests(scene, e))


def _same_time(one: Event, other: Event) -> bool:
    shared = min(one.span.end_s, other.span.end_s) - max(one.span.start_s, other.span.start_s)
    return one.subject == other.subject and shared >= 0.3 * min(one.span.duration_s, other.span.duration_s)


def _agree(size: Event, depth: Event) -> bool:
    return _same_time(size, depth) and (size.kind == "grow") == (depth.kind == "nearer")


def _rests(scene: Scene, size: Event) -> bool:
    """Whether a metric net says that what grows or shrinks keeps its distance: it opens, or gains a part."""
    row = scene.depth.row(size.subject) if scene.depth.metric else None
    if row is None:
        return False
    for one in nearness.series(scene, row):
        times = scene.clip.times_s[one.samples]
        inside = (times >= size.span.start_s - 1e-9) & (times <= size.span.end_s + 1e-9)
        if times[inside].size and float(np.ptp(times[inside])) >= 0.8 * size.span.duration_s:
            came = float(one.calm[inside][-1] - one.calm[inside][0]) / size.values["log_scale"]
            missing = (1 - MAX_KEPT) * abs(size.values["log_scale"])
            return came <= MAX_KEPT and DOUBTS * one.noise <= missing
    return False


def _of_sizes(scene: Scene, settings: EventSettings) -> Iterator[Event]:
    """Growth and shrinkage of boxes."""
    rows = [row for row in range(len(scene.tracks.ids)) if _may_tell(scene, row)]
    boxes = scene.tracks.xyxy
    with np.errstate(invalid="ignore"):
        log_size = np.log(np.maximum(box_size(boxes), 1e-6))
    for row, parts in zip(rows, _smoothed(scene.clip, boxes[rows], log_size[rows]), strict=True):
        for first, calm in parts:
            yield from _depth(scene, row, first, calm, log_size[row], settings)


def _may_tell(scene: Scene, row: int) -> bool:
    """Whether a box's growth is its subject's doing."""
    seen = np.flatnonzero(np.isfinite(scene.tracks.xyxy[row, :, 0]))
    if not len(seen) or scene.kinematics.tracks.frame[row] != "scene":
        return False
    return not changes_scale(scene.camera, span_of(scene.clip, int(seen[0]), int(seen[-1])))


def _smoothed(
    clip: Clip, boxes: Float[np.ndarray, "N T 4"], log_size: Float[np.ndarray, "N T"]
) -> list[list[tuple[int, Float[np.ndarray, "_"]]]]:
    """Return for each box its smooth size in the times in which it is away from the borders that would cut it off.

    Each with its first sample. Those of several boxes in one and the same time are smoothed at once.
    """
    whole = np.isfinite(boxes[..., 0]) & ~touches_border(boxes, clip.width, clip.height).any(-1)
    at_once: dict[tuple[int, int], list[int]] = defaultdict(list)
    for n, row in enumerate(whole):
        for stretch in stretches(row):
            if stretch[1] - stretch[0] >= MIN_STEPS:
                at_once[stretch].append(n)
    found: list[list[tuple[int, np.ndarray]]] = [[] for _ in boxes]
    for (a, b), rows in sorted(at_once.items()):
        values = Smoother(clip.times_s[a : b + 1], HALF_WINDOW_S).value(log_size[rows, a : b + 1])
        for n, value in zip(rows, values, strict=True):
            found[n].append((a, value))
    return found


def _depth(
    scene: Scene,
    row: int,
    first: int,
    calm: Float[np.ndarray, "M"],
    log_size: Float[np.ndarray, "T"],
    settings: EventSettings,
) -> Iterator[Event]:
    """Growth and shrinkage of a box, whose smooth size is given from one sample on."""
    times, boxes, blob = scene.clip.times_s, scene.tracks.xyxy[row], scene.tracks.label[row] == NAMELESS
    needed = settings.min_scale_log_blob if blob else settings.min_scale_log
    turns = turning_points(calm, needed / 2)
    for one, two in zip(turns[:-1], turns[1:], strict=True):
        change = two.value - one.value
        i, j = first + one.at, first + two.at
        if abs(change) < needed or times[j] - times[i] < MIN_TIME_S:
            continue
        if not _grows_both_ways(boxes[i], boxes[j], needed):
            continue
        trend = np.corrcoef(times[i : j + 1], log_size[i : j + 1])[0, 1] ** 2
        if trend >= (settings.min_depth_fit_blob if blob else settings.min_depth_fit):
            kind = "grow" if change > 0 else "shrink"
            values = {"log_scale": float(change), "fit": float(trend), "needed": needed}
            yield Event(int(scene.tracks.ids[row]), kind, span_of(scene.clip, i, j), values)


def _grows_both_ways(one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"], needed: float) -> bool:
    """Whether width and height change alike: what gains a part, raises an arm or leans grows in one of them."""
    width, height = np.log((two[2:] - two[:2]) / (one[2:] - one[:2])).tolist()
    return width * height > 0 and min(abs(width), abs(height)) >= 0.6 * needed
