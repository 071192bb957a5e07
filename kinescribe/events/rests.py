"""Rests: times without movement, and setting off after one that is too short to be told by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kinescribe.events.course import Bout, Course
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import stretches
from kinescribe.kinematics.posture import keeps_place
from kinescribe.records import Event, Span

MAX_UNSEEN_S = 0.8
"""A movement whose end is unknown for so long ended in the rest that follows: what is shorter is no rest either."""
SET_OFF_S = 1.0
"""How much of a movement is shown as its start."""


def rests(course: Course, moves: Sequence[Bout], settings: EventSettings) -> Iterator[Event]:
    """Yield times without movement; a drift too slow to be called one is neither movement nor rest.

    Stirring that went nowhere (a sway, a step on the spot) is rest, too.

    Args:
        course: the subject's path.
        moves: the bouts of motion that are movements.
        settings: limits.
    """
    resting = np.isfinite(course.path[:, 0])
    for bout in course.bouts:
        if bout in moves or course.extent_px(bout.first, bout.last) >= course.shift_px:
            resting[bout.first : bout.last + 1] = False
    for a, b in stretches(resting):
        times = course.clip.times_s
        before = next((m for m in moves if m.last <= a and times[a] - times[m.last] <= MAX_UNSEEN_S), None)
        after = next((m for m in moves if m.first >= b and times[m.first] - times[b] <= MAX_UNSEEN_S), None)
        extent = course.extent_px(a, b)
        start = before.end_s if before and before.last >= a - 1 else float(times[a])
        end = after.start_s if after and after.first <= b + 1 else float(times[b])
        if extent >= course.shift_px or not _keeps_place(course, Span(start, end)):
            continue
        values = {
            "after_move": float(before is not None),
            "before_move": float(after is not None),
            "extent_px": extent,
            "in_scene": float(course.in_scene),
        }
        if end - start >= settings.min_rest_s:
            yield Event(course.subject, "still", Span(start, end), values)
        elif after and not before and end - start >= settings.min_settled_s:
            shown = Span(after.start_s, min(after.start_s + SET_OFF_S, after.end_s))
            yield Event(course.subject, "start", shown, {**values, "rest_s": end - start})


def _keeps_place(course: Course, rest: Span) -> bool:
    """Whether the feet rest, too, where a skeleton shows them."""
    row = np.flatnonzero(course.poses.ids == course.subject)
    times = course.clip.times_s
    during = (times >= rest.start_s) & (times <= rest.end_s)
    skeleton = course.poses.skeleton
    return not len(row) or keeps_place(course.poses.keypoints[int(row[0])], during, skeleton)
