"""Going and staying: whether a path goes a way, and where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from kinescribe.checks import depths
from kinescribe.checks.measurements import Judgement, Window, all_of, any_of, limit, rise
from kinescribe.checks.shapes import manner, shape, strokes, to_and_fro, turned
from kinescribe.checks.tolerances import (
    DOUBT,
    MIN_SCALE_LOG,
    MIN_SHARE_OF_EXTENT,
    SECTOR_DEG,
    SECTOR_DOUBT_DEG,
    SETTLE_S,
)
from kinescribe.kinematics.posture import keeps_place
from kinescribe.records import Action, Span
from kinescribe.vocabulary import COMPASS

MAX_INSTANTS = 400
"""Pairs of so many instants are tried at most: of a clip of 40 s every sample, of a longer one fewer."""


def move(action: Action, window: Window) -> Judgement:
    """Motion of the place: its direction, shape, number and manner must all hold of one stretch."""
    if window.broken and not set(action.direction) & {"toward_camera", "away_from_camera"}:
        return Judgement(None, f"its place is lost in between in {window.when}")
    compass = [d for d in action.direction if d in COMPASS]
    others = [d for d in action.direction if d not in COMPASS]
    repeated = action.trajectory == "back_and_forth" or "back_and_forth" in others
    if repeated:
        return all_of([to_and_fro(window, compass, action.count), *manner(action, window)])
    judged: list[Judgement] = []
    stretch = window
    for direction in compass:
        judgement, stretch = _went(window, direction)
        judged.append(judgement)
    judged += [_other_way(window, direction, action) for direction in others]
    if not judged:
        judged.append(any_of([_moved(window), *_along_sight(window)]))
    if action.metres is not None:
        judged.append(_so_far(action, window))
    if action.trajectory is not None and action.trajectory != "static":
        judged.append(shape(stretch, action.trajectory))
    if action.count is not None and not _turning(action):
        judged.append(strokes(window, compass, action.count))
    return all_of([*judged, *manner(action, stretch)])


def _along_sight(window: Window, signs: Sequence[int] = (1, -1)) -> list[Judgement]:
    """Judge coming nearer and going away, where a depth net saw the subject."""
    measured, subject = window.measured, int(window.measured.kinematics.tracks.ids[window.row])
    if measured.depth.row(subject) is None:
        return []
    return [depths.approaches(measured, subject, window.said, sign) for sign in signs]


def _so_far(action: Action, window: Window) -> Judgement:
    if set(action.direction) <= {"toward_camera", "away_from_camera"} and action.direction:
        subject = int(window.measured.kinematics.tracks.ids[window.row])
        return depths.went_metres(window.measured, subject, window.said, action.metres or 0.0)
    return Judgement(None, "metres are known along the line of sight only")


def _turning(action: Action) -> bool:
    return action.trajectory == "circular" or bool({"clockwise", "counterclockwise"} & set(action.direction))


def _inner(window: Window) -> Window:
    """Leave out the ends of a claimed span as far as smoothing reaches in from outside."""
    if window.said is None or window.times[-1] - window.times[0] <= 3 * SETTLE_S:
        return window
    inner = window.between(window.times[0] + SETTLE_S, window.times[-1] - SETTLE_S)
    return inner if len(inner.times) > 1 else window


def _moved(window: Window) -> Judgement:
    window = _inner(window)
    why = f"its path fills {window.extent:.0f} px in {window.when}, {window.needed:.0f} px count as motion"
    return limit(window.extent, window.needed, why)


def stay(action: Action, window: Window) -> Judgement:
    """No clear motion of the place or the size."""
    if window.broken:
        return Judgement(None, f"its place is lost in between in {window.when}")
    inner = _inner(window)
    nearer = float(np.ptp(np.log(np.maximum(inner.size, 1e-6)))) if len(inner.size) else 0.0
    why = f"its path fills {inner.extent:.0f} px in {inner.when}, {inner.needed:.0f} px count as motion"
    if inner.extent < inner.needed and not _feet_stay(inner):
        return Judgement(None, f"{why}, but the feet step, the shoulders turn, or it is too small to tell")
    if inner.extent < inner.needed:
        passing = any(judged.holds for judged in _along_sight(window))
        return Judgement(True if nearer < 3 * MIN_SCALE_LOG and not passing else None, why)
    return Judgement(False if inner.extent >= inner.needed / DOUBT else None, why)


def _feet_stay(window: Window) -> bool:
    poses = window.measured.poses
    row = np.flatnonzero(poses.ids == window.measured.kinematics.tracks.ids[window.row])
    during = np.isin(window.measured.clip.times_s, window.times)
    return not len(row) or keeps_place(poses.keypoints[int(row[0])], during, poses.skeleton)


def _went(window: Window, direction: str) -> tuple[Judgement, Window]:
    """Whether it goes one of eight ways, and the stretch in which it does.

    In a span the net way counts; where the subject comes back to where it was, the span's net says nothing. Without
    a span some stretch between two instants must go that way.
    """
    heading = COMPASS.index(direction) * 45.0
    if window.said is None:
        return _somewhere(window, heading)
    shift = window.path[-1] - window.path[0]
    net, off = float(np.hypot(*shift)), float(_off(shift[None], heading)[0])
    why = f"moved {_way(shift, window)} in {window.when}"
    if net < max(window.needed, MIN_SHARE_OF_EXTENT * window.extent):
        there = _best_stretch(window, heading, SECTOR_DEG) is not None
        return Judgement(None if there else False, f"{why}, there and back"), window
    if off <= SECTOR_DEG:
        return Judgement(True, why), window
    return Judgement(False if off > SECTOR_DOUBT_DEG else None, f"{why}, {off:.0f} degrees off"), window


def _somewhere(window: Window, heading: float) -> tuple[Judgement, Window]:
    stretch = _best_stretch(window, heading, SECTOR_DEG)
    if stretch is not None:
        part = window.part(*stretch)
        return Judgement(True, f"moved {_way(part.path[-1] - part.path[0], window)} in {part.when}"), part
    near = _best_stretch(window, heading, SECTOR_DOUBT_DEG)
    shift = window.path[-1] - window.path[0]
    why = f"never moved that way by {window.needed:.0f} px in {window.when}; net {_way(shift, window)}"
    return Judgement(False if near is None else None, why), window


def _best_stretch(window: Window, heading: float, sector: float) -> tuple[int, int] | None:
    """Return the two instants between which the way within a sector is longest, if it is long enough.

    A way within a sector climbs along its heading by the sector's cosine of its length, so most pairs of instants
    (of a subject that never goes there, all of them) are out before an angle is measured.
    """
    index = np.unique(np.linspace(0, len(window.path) - 1, min(len(window.path), MAX_INSTANTS)).astype(int))
    path = window.path[index]
    enough = max(window.needed, MIN_SHARE_OF_EXTENT * window.extent)
    turn = np.radians(heading)
    along = path @ np.array([np.cos(turn), -np.sin(turn)])
    climb = enough * np.cos(np.radians(sector)) - 1e-6  # less than rounding could hide
    if rise(along) < climb:
        return None
    start, end = np.nonzero(np.triu(along[None, :] - along[:, None] >= climb, 1))
    shift = path[end] - path[start]
    length = np.hypot(shift[:, 0], shift[:, 1])
    reach = np.where(_off(shift, heading) <= sector, length, 0.0)
    longest = int(reach.argmax()) if len(reach) else 0
    if not len(reach) or reach[longest] < enough:
        return None
    return int(index[start[longest]]), int(index[end[longest]])


def _off(shift: Float[np.ndarray, "B 2"], heading: float) -> Float[np.ndarray, "B"]:
    """Return by how many degrees shifts are off a heading, in [0, 180]."""
    own = np.degrees(np.arctan2(-shift[:, 1], shift[:, 0]))
    return np.abs((own - heading + 180) % 360 - 180)


def _way(shift: Float[np.ndarray, "2"], window: Window) -> str:
    """Say a shift in pixels and frame widths: ``182 px right (0.28 widths)``."""
    length = float(np.hypot(*shift))
    if length < 0.5:
        return "0 px"
    heading = COMPASS[round(float(np.degrees(np.arctan2(-shift[1], shift[0]))) / 45) % 8]
    return f"{length:.0f} px {heading.replace('_', ' ')} ({length / window.width:.2f} widths)"


def _other_way(window: Window, direction: str, action: Action) -> Judgement:
    if direction in ("toward_camera", "away_from_camera"):
        return _depth(window, 1 if direction == "toward_camera" else -1)
    if direction in ("clockwise", "counterclockwise"):
        return turned(window, 1 if direction == "counterclockwise" else -1, action.count)
    if direction == "around" and action.trajectory == "circular":
        return turned(window, 0, action.count)
    if direction == "in_place":
        return stay(action, window)
    return Judgement(None, f'"{direction}" cannot be told from the path of a box')


def _depth(window: Window, sign: int) -> Judgement:
    """Nearer is what a depth net sees nearer, where one looked and tells; else what is larger.

    Where the net and the size show opposite ways nothing is known.
    """
    for seen in _along_sight(window, (sign,)):
        if seen.holds is not None:
            return _undisputed(seen, window, sign)
    return _by_size(window, sign)


def _undisputed(seen: Judgement, window: Window, sign: int) -> Judgement:
    other = _by_size(window, -sign if seen.holds else sign)
    if other.holds:
        return Judgement(None, f"{seen.why}, but {other.why}")
    return seen


def _by_size(window: Window, sign: int) -> Judgement:
    """Nearer is larger, as long as neither the camera's scale nor the border changes the box."""
    labels = window.measured.camera.labels_in(Span(float(window.times[0]), float(window.times[-1])))
    if any(label.startswith(("zoom", "dolly", "complex", "unknown")) for label in labels):
        return Judgement(None, f"sizes change with the camera ({', '.join(sorted(labels))})")
    size = np.log(np.maximum(window.size, 1e-6)) * sign
    if not np.isfinite(size).all():
        return Judgement(None, "size unknown")
    change = rise(size) if window.said is None else float(size[-1] - size[0])
    why = f"its size changed {np.exp(sign * change):.2f}-fold in {window.when}"
    return limit(change, MIN_SCALE_LOG, why)
