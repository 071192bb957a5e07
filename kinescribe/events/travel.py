"""Movements through the scene, their shapes and repetitions, and the rests between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.events.scene import Scene, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import compass, heading_deg, stretches
from kinescribe.kinematics.posture import keeps_place
from kinescribe.records import Clip, Event, Kinematics, Poses
from kinescribe.trajectory import Cycles, Leg, cycles, legs, moving_stretches


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield what each subject's path shows."""
    for row in range(len(scene.tracks.ids)):
        if np.isfinite(scene.tracks.xyxy[row, :, 0]).any():
            yield from _travel(scene, row, settings)


def _travel(scene: Scene, row: int, settings: EventSettings) -> Iterator[Event]:
    """Movements, their shapes and repetitions, and the rests between them."""
    clip, motion = scene.clip, scene.kinematics.tracks
    subject = int(motion.ids[row])
    path = motion.path_px(row)
    size = float(np.nanmedian(motion.size_px[row])) if np.isfinite(motion.size_px[row]).any() else 0.0
    noise = float(np.nan_to_num(motion.noise_px[row]))
    threshold = max(
        settings.min_speed_widths_s * clip.width,
        settings.min_speed_sizes_s * size,
        settings.min_speed_noise_s * noise,
    )
    shift = max(
        settings.min_shift_widths * clip.width,
        settings.min_shift_sizes * size,
        settings.min_shift_noise * noise,
    )
    stirring = moving_stretches(clip.times_s, motion.speed_px_s[row], threshold)
    moves = []
    for a, b in stirring:
        found = list(_moves(clip, scene.kinematics, row, a, b, shift))
        yield from found
        moves += [(a, b)] if found else []
    # Stirring that went nowhere (a sway, a step on the spot) is neither a movement nor a rest.
    resting = np.isfinite(path[:, 0])
    for a, b in stirring:
        if (a, b) in moves or np.ptp(path[a : b + 1], axis=0).max() >= shift:
            resting[a : b + 1] = False
    for rest in _rests(clip, subject, path, resting, moves, shift, settings.min_rest_s):
        if _keeps_place(clip, scene.poses, rest):
            yield rest


def _moves(clip: Clip, kinematics: Kinematics, row: int, a: int, b: int, shift: float) -> Iterator[Event]:
    path = kinematics.tracks.path_px(row)[a : b + 1]
    found = legs(path, shift / 2)
    if len(found) > 1 or found[0].shape == "zigzag":
        repeated = _best_cycles(path, shift)
        if repeated is not None:
            axis, cycle = repeated
            other = np.ptp(path[:, 1 - axis])
            if other <= 1.2 * cycle.swing:
                yield _oscillation(clip, kinematics, row, a, axis, cycle)
                before, after = (a, a + cycle.first), (a + cycle.last, b)
                for part in (before, after):
                    yield from _legs(clip, kinematics, row, part, shift)
                return
    yield from _legs(clip, kinematics, row, (a, b), shift)


def _legs(
    clip: Clip, kinematics: Kinematics, row: int, part: tuple[int, int], shift: float
) -> Iterator[Event]:
    a, b = part
    if b - a < 2:
        return
    path = kinematics.tracks.path_px(row)
    for leg in legs(path[a : b + 1], shift / 2):
        first, last = a + leg.first, a + leg.last
        length = float(np.hypot(*np.diff(path[first : last + 1], axis=0).T).sum())
        net = float(np.hypot(*(path[last] - path[first])))
        if (length if leg.shape == "circular" else net) >= shift:
            yield _move(clip, kinematics, row, first, last, leg, shift)
            yield from _speed_changes(clip, kinematics, row, first, last)


def _rests(
    clip: Clip,
    subject: int,
    path: Float[np.ndarray, "T 2"],
    resting: Bool[np.ndarray, "T"],
    moves: list[tuple[int, int]],
    shift: float,
    min_rest_s: float,
) -> Iterator[Event]:
    """Times without movement; a drift too slow to be called one is neither movement nor rest."""
    for a, b in stretches(resting):
        if clip.times_s[b] - clip.times_s[a] >= min_rest_s:
            before = any(m[1] in (a - 1, a) for m in moves)
            after = any(m[0] in (b, b + 1) for m in moves)
            extent = float(np.ptp(path[a : b + 1], axis=0).max())
            if extent >= shift:
                continue
            values = {"after_move": float(before), "before_move": float(after), "extent_px": extent}
            yield Event(subject, "still", span_of(clip, a, b), values)


def _keeps_place(clip: Clip, poses: Poses, rest: Event) -> bool:
    """Whether the feet rest, too, where a skeleton shows them."""
    row = np.flatnonzero(poses.ids == rest.subject)
    during = (clip.times_s >= rest.span.start_s) & (clip.times_s <= rest.span.end_s)
    return not len(row) or keeps_place(poses.keypoints[int(row[0])], during, poses.skeleton)


def _best_cycles(path: Float[np.ndarray, "M 2"], prominence: float) -> tuple[int, Cycles] | None:
    """Return the axis (0 x, 1 y) with the larger repeated swing, and the repetition."""
    found = [(axis, cycles(path[:, axis], prominence)) for axis in (0, 1)]
    some = [(axis, cycle) for axis, cycle in found if cycle is not None]
    return max(some, key=lambda pair: pair[1].swing) if some else None


def _oscillation(clip: Clip, kinematics: Kinematics, row: int, a: int, axis: int, cycle: Cycles) -> Event:
    values = {
        "swing_px": cycle.swing,
        "regularity": cycle.regularity,
        "noise_px": float(kinematics.tracks.noise_px[row]),
        **({} if cycle.number is None else {"count": float(cycle.number)}),
    }
    span = span_of(clip, a + cycle.first, a + cycle.last)
    direction = ("left", "right") if axis == 0 else ("up", "down")
    subject = int(kinematics.tracks.ids[row])
    return Event(subject, "oscillate", span, values, direction=direction, shape="back_and_forth")


def _move(clip: Clip, kinematics: Kinematics, row: int, a: int, b: int, leg: Leg, needed: float) -> Event:
    motion = kinematics.tracks
    path = motion.path_px(row)
    dx, dy = (path[b] - path[a]).tolist()
    seconds = float(clip.times_s[b] - clip.times_s[a])
    length = float(np.hypot(*np.diff(path[a : b + 1], axis=0).T).sum())
    values = {
        "dx_px": dx,
        "dy_px": dy,
        "net_px": float(np.hypot(dx, dy)),
        "length_px": length,
        "heading_deg": float(heading_deg(np.array([dx]), np.array([dy]))[0]),
        "speed_px_s": length / seconds,
        "speed_widths_s": length / seconds / clip.width,
        "net_widths": float(np.hypot(dx, dy)) / clip.width,
        "shape_quality": leg.quality,
        "turned_deg": leg.turned_deg,
        "needed_px": needed,
        "noise_px": float(motion.noise_px[row]),
        "in_scene": float(motion.frame[row] == "scene"),
    }
    direction = compass(dx, dy)
    if leg.shape == "circular":
        direction = "counterclockwise" if leg.turned_deg > 0 else "clockwise"
        values["count"] = abs(leg.turned_deg) / 360
    span = span_of(clip, a, b)
    return Event(int(motion.ids[row]), "move", span, values, direction=(direction,), shape=leg.shape)


def _speed_changes(clip: Clip, kinematics: Kinematics, row: int, a: int, b: int) -> Iterator[Event]:
    """Speed that grows or falls through a leg; its ends are left out, where every start and stop changes speed."""
    inside = (clip.times_s >= clip.times_s[a] + 0.4) & (clip.times_s <= clip.times_s[b] - 0.4)
    index = np.flatnonzero(inside)
    if len(index) < 10:
        return
    times, speed = clip.times_s[index], kinematics.tracks.speed_px_s[row, index]
    slope, start = np.polyfit(times - times[0], speed, 1)
    end = start + slope * (times[-1] - times[0])
    fit = np.corrcoef(times, speed)[0, 1] ** 2
    if fit < 0.7 or min(start, end) <= 0:
        return
    ratio = float(end / start)
    if ratio >= 1.8 or ratio <= 1 / 1.8:
        values = {"ratio": ratio, "fit": float(fit), "from_px_s": float(start), "to_px_s": float(end)}
        kind = "accelerate" if ratio > 1 else "decelerate"
        yield Event(
            int(kinematics.tracks.ids[row]), kind, span_of(clip, int(index[0]), int(index[-1])), values
        )
