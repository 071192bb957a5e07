"""Coming into view and going out of it, over a border of the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.events.scene import Scene, changes_scale, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import touches_border
from kinescribe.kinematics.posture import MAX_LATE_S, crossing_s
from kinescribe.records import Clip, Event, Span, Tracks
from kinescribe.vocabulary import NAMELESS, OPPOSITES

BORDERS = ("left", "up", "right", "down")
"""Directions of the borders in the order of ``touches_border``."""


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield when each subject is in view, and over which border it enters or leaves."""
    clip, tracks = scene.clip, scene.tracks
    for row, subject in enumerate(tracks.ids.tolist()):
        seen = np.flatnonzero(np.isfinite(tracks.xyxy[row, :, 0]))
        if len(seen):
            yield Event(subject, "visible", span_of(clip, int(seen[0]), int(seen[-1])))
            for event in _at_borders(clip, tracks, row, settings):
                # What streams past a camera that drives or zooms is taken over the border by it.
                if tracks.label[row] != NAMELESS or not changes_scale(scene.camera, event.span):
                    yield event


def _at_borders(clip: Clip, tracks: Tracks, row: int, settings: EventSettings) -> Iterator[Event]:
    """A subject enters if it is first seen at a border, after the clip began, and then comes in."""
    seen = np.flatnonzero(np.isfinite(tracks.xyxy[row, :, 0]))
    ends = (("enter", int(seen[0]), 1), ("leave", int(seen[-1]), -1))
    for kind, at, step in ends:
        away = clip.times_s[at] - clip.times_s[0] if step > 0 else clip.times_s[-1] - clip.times_s[at]
        side = _border_crossed(clip, tracks.xyxy[row], at, step, settings) if away > 0.3 else None
        if side is None:
            continue
        first, last = sorted((float(clip.times_s[at]), side.whole_s))
        yield Event(
            int(tracks.ids[row]),
            kind,
            Span(first, last),
            {"shift_px": side.shift_px, "at_s": float(clip.times_s[at])},
            direction=(OPPOSITES[BORDERS[side.border]] if step > 0 else BORDERS[side.border],),
        )


class _Crossing(NamedTuple):
    """How a box crosses a border of the picture."""

    border: int
    """Index into ``BORDERS``."""
    whole_s: float
    """When the border no longer cuts it off (or, as it leaves, not yet)."""
    shift_px: float
    """How far its inner edge goes."""


def _border_crossed(
    clip: Clip, xyxy: Float[np.ndarray, "T 4"], at: int, step: int, settings: EventSettings
) -> _Crossing | None:
    """Return the border at which a box appears or vanishes, if it crosses it."""
    window = [i for i in range(len(xyxy)) if 0 <= (clip.times_s[i] - clip.times_s[at]) * step <= 1.2]
    known = np.array(window)[np.isfinite(xyxy[window, 0])]
    boxes, times = xyxy[known], clip.times_s[known][::step]
    away_s = abs(float(clip.times_s[at] - clip.times_s[0 if step > 0 else -1]))
    touched = touches_border(boxes, clip.width, clip.height)
    touched = touched if step > 0 else touched[::-1]
    best: tuple[int, int, float] | None = None
    for border in np.flatnonzero(touched[0]).tolist():
        # In a corner the box touches two borders: it crosses the one that cuts it off for longer.
        held = int(np.argmin(np.append(touched[:, border], False)))
        sign = 1 if border < 2 else -1
        shift = float(((boxes[:, (border + 2) % 4] - xyxy[at, (border + 2) % 4]) * sign).max(initial=0.0))
        extent = boxes[:, border % 2 + 2] - boxes[:, border % 2]
        whole = extent[0 if step > 0 else -1] > settings.max_entering_share * extent.max()
        edge = (0.0, 0.0, float(clip.width), float(clip.height))[border]
        late = crossing_s(times, boxes if step > 0 else boxes[::-1], border, edge) > away_s + MAX_LATE_S
        if whole or late or shift < 0.03 * clip.width:
            continue  # it was noticed there, or sways there, but it did not come in
        if best is None or (held, shift) > best[1:]:
            best = (border, held, shift)
    if best is None:
        return None
    border, held, shift = best
    return _Crossing(border, float(times[min(held, len(times) - 1)]), shift)
