"""Growing and shrinking: coming nearer and going away, as far as a box can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from kinescribe.events.scene import Scene, changes_scale, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import box_size, smooth, stretches, touches_border, turning_points
from kinescribe.records import Clip, Event, Tracks


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield growth and shrinkage of boxes whose place in the scene is known and that the camera does not scale."""
    for row in range(len(scene.tracks.ids)):
        seen = np.flatnonzero(np.isfinite(scene.tracks.xyxy[row, :, 0]))
        if len(seen) and scene.kinematics.tracks.frame[row] == "scene":
            life = span_of(scene.clip, int(seen[0]), int(seen[-1]))
            if not changes_scale(scene.camera, life):
                yield from _depth(scene.clip, scene.tracks, row, settings)


def _depth(clip: Clip, tracks: Tracks, row: int, settings: EventSettings) -> Iterator[Event]:
    """Growth and shrinkage of the whole box, away from the borders that would cut it."""
    boxes = tracks.xyxy[row]
    whole = np.isfinite(boxes[:, 0]) & ~touches_border(boxes, clip.width, clip.height).any(1)
    log_size = np.log(np.maximum(box_size(boxes), 1e-6))
    blob = tracks.label[row] == "object"
    needed = settings.min_scale_log_blob if blob else settings.min_scale_log
    for a, b in stretches(whole):
        if b - a < 8:
            continue
        value = smooth(clip.times_s[a : b + 1], log_size[None, a : b + 1], 0.6).value[0]
        turns = turning_points(value, needed / 2)
        for one, two in zip(turns[:-1], turns[1:], strict=True):
            change = two.value - one.value
            i, j = a + one.at, a + two.at
            if abs(change) < needed or clip.times_s[j] - clip.times_s[i] < 0.8:
                continue
            if not _grows_both_ways(boxes[i], boxes[j], needed):
                continue
            trend = np.corrcoef(clip.times_s[i : j + 1], log_size[i : j + 1])[0, 1] ** 2
            if trend >= (settings.min_depth_fit_blob if blob else settings.min_depth_fit):
                kind = "grow" if change > 0 else "shrink"
                values = {"log_scale": float(change), "fit": float(trend), "needed": needed}
                yield Event(int(tracks.ids[row]), kind, span_of(clip, i, j), values)


def _grows_both_ways(one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"], needed: float) -> bool:
    """Whether width and height change alike: what gains a part, raises an arm or leans grows in one of them."""
    width, height = np.log((two[2:] - two[:2]) / (one[2:] - one[:2])).tolist()
    return width * height > 0 and min(abs(width), abs(height)) >= 0.6 * needed
