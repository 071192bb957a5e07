"""Measured happenings: who moved when, how, how often, and relative to whom; every event carries its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.geometry import (
    box_size,
    compass,
    fill_gaps,
    heading_deg,
    smooth,
    stretches,
    touches_border,
    turning_points,
)
from kinescribe.kinematics.posture import (
    MAX_LATE_S,
    crossing_s,
    keeps_place,
    one_level,
    stays_in_view,
    wavering,
)
from kinescribe.records import (
    CameraMotion,
    Clip,
    Event,
    Events,
    Kinematics,
    Poses,
    Span,
    Tracks,
)
from kinescribe.trajectory import Cycles, Leg, cycles, legs, moving_stretches
from kinescribe.vocabulary import ANGLES, SKELETONS

BORDERS = ("left", "up", "right", "down")
"""Directions of the borders in the order of ``touches_border``."""
_OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}


GOES = ("move", "oscillate", "enter", "leave")
"""What shows that something goes somewhere."""


@dataclass(frozen=True)
class FindEvents:
    """Kinematics in, events out. Thresholds are relative to the subject's size, the frame and the noise."""

    min_speed_widths_s: float = 0.01
    """Slower than this share of the frame width per second is still: at 640 px, 6.4 px/s."""
    min_speed_sizes_s: float = 0.08
    """And slower than this share of the subject's own size per second: a big subject sways without going."""
    min_speed_noise_s: float = 8.0
    """And slower than this many standard deviations of the jitter per second: four times the slope that a
    window of 0.7 s at 10 Hz finds in noise alone."""
    min_shift_widths: float = 0.02
    """A movement must get this far (share of the frame width) ..."""
    min_shift_sizes: float = 0.15
    """... and this far in its own sizes ..."""
    min_shift_noise: float = 4.0
    """... and this many standard deviations of the box's jitter."""
    min_rest_s: float = 1.0
    """A rest shorter than this is not called a pause or a stop."""
    max_entering_share: float = 0.8
    """What comes in shows at first at most this share of the height (or width) it has a second later."""
    min_scale_log: float = 0.3
    """Change of ln(size) that shows a change of depth: 35 % nearer or farther."""
    min_scale_log_blob: float = 0.5
    """The same for regions without a class, whose outlines breathe."""
    min_depth_fit: float = 0.8
    """How straight ln(size) must go with time (r squared) to be a change of depth ..."""
    min_depth_fit_blob: float = 0.93
    """... and for regions without a class."""
    min_arm_torsos: float = 0.6
    """How far a wrist must rise or fall, in torso lengths: hanging is -1, level with the shoulder 0."""
    min_joint_deg: float = 45.0
    """How far a joint must bend: more than twice the 15-20 degrees error of monocular joint angles."""
    max_swing_s: float = 3.0
    """A limb that takes longer is drifting with the body or the net's doubts."""
    min_pair_widths: float = 0.12
    """How much the distance of two subjects must change, in frame widths."""
    max_pairs: int = 66
    """Relations are looked for among the longest-lived tracks only (12 of them), to bound crowds."""

    revision: ClassVar[int] = 2

    def __call__(
        self, clip: Clip, camera: CameraMotion, tracks: Tracks, poses: Poses, kinematics: Kinematics
    ) -> Events:
        """Find all events, ordered by start, subject and kind."""
        found: list[Event] = []
        for row in range(len(tracks.ids)):
            found += self._of_track(clip, camera, tracks, poses, kinematics, row)
        found += self._of_bodies(clip, poses, kinematics)
        found += self._of_pairs(clip, tracks, kinematics, {e.subject for e in found if e.kind in GOES})
        found.sort(key=lambda e: (e.span.start_s, e.subject, e.kind, e.part or "", e.span.end_s))
        return Events(tuple(found))

    # --- one track ------------------------------------------------------------------------------------------

    def _of_track(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        row: int,
    ) -> Iterator[Event]:
        seen = np.flatnonzero(np.isfinite(tracks.xyxy[row, :, 0]))
        if not len(seen):
            return
        subject = int(tracks.ids[row])
        yield Event(subject, "visible", _span(clip, int(seen[0]), int(seen[-1])))
        yield from self._at_borders(clip, tracks, row, seen)
        yield from self._travel(clip, poses, kinematics, row)
        life = _span(clip, int(seen[0]), int(seen[-1]))
        if kinematics.tracks.frame[row] == "scene" and not _changes_scale(camera, life):
            yield from self._depth(clip, tracks, kinematics, row)

    def _at_borders(self, clip: Clip, tracks: Tracks, row: int, seen: np.ndarray) -> Iterator[Event]:
        """A subject enters if it is first seen at a border, after the clip began, and then comes in."""
        ends = (("enter", int(seen[0]), 1), ("leave", int(seen[-1]), -1))
        for kind, at, step in ends:
            away = clip.times_s[at] - clip.times_s[0] if step > 0 else clip.times_s[-1] - clip.times_s[at]
            side = self._border_crossed(clip, tracks.xyxy[row], at, step) if away > 0.3 else None
            if side is None:
                continue
            border, shift = side
            near = np.abs(clip.times_s - clip.times_s[at]) <= 1.0
            span = clip.times_s[near & np.isfinite(tracks.xyxy[row, :, 0])]
            yield Event(
                int(tracks.ids[row]),
                kind,
                Span(float(span[0]), float(span[-1])),
                {"shift_px": shift, "at_s": float(clip.times_s[at])},
                direction=(_OPPOSITE[BORDERS[border]] if step > 0 else BORDERS[border],),
            )

    def _border_crossed(
        self, clip: Clip, xyxy: Float[np.ndarray, "T 4"], at: int, step: int
    ) -> tuple[int, float] | None:
        """Return the border at which a box appears or vanishes, and how far its inner edge moved there."""
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
            whole = extent[0 if step > 0 else -1] > self.max_entering_share * extent.max()
            edge = (0.0, 0.0, float(clip.width), float(clip.height))[border]
            late = crossing_s(times, boxes if step > 0 else boxes[::-1], border, edge) > away_s + MAX_LATE_S
            if whole or late or shift < 0.03 * clip.width:
                continue  # it was noticed there, or sways there, but it did not come in
            if best is None or (held, shift) > best[1:]:
                best = (border, held, shift)
        return best and (best[0], best[2])

    def _travel(self, clip: Clip, poses: Poses, kinematics: Kinematics, row: int) -> Iterator[Event]:
        """Movements, their shapes and repetitions, and the rests between them."""
        motion = kinematics.tracks
        subject = int(motion.ids[row])
        path = motion.path_px(row)
        size = float(np.nanmedian(motion.size_px[row])) if np.isfinite(motion.size_px[row]).any() else 0.0
        noise = float(np.nan_to_num(motion.noise_px[row]))
        threshold = max(
            self.min_speed_widths_s * clip.width,
            self.min_speed_sizes_s * size,
            self.min_speed_noise_s * noise,
        )
        shift = max(
            self.min_shift_widths * clip.width, self.min_shift_sizes * size, self.min_shift_noise * noise
        )
        stirring = moving_stretches(clip.times_s, motion.speed_px_s[row], threshold)
        moves = []
        for a, b in stirring:
            found = list(self._moves(clip, kinematics, row, a, b, shift))
            yield from found
            moves += [(a, b)] if found else []
        # Stirring that went nowhere (a sway, a step on the spot) is neither a movement nor a rest.
        resting = np.isfinite(path[:, 0])
        for a, b in stirring:
            if (a, b) in moves or np.ptp(path[a : b + 1], axis=0).max() >= shift:
                resting[a : b + 1] = False
        for rest in self._rests(clip, subject, path, resting, moves, shift):
            if _keeps_place(clip, poses, rest):
                yield rest

    def _moves(
        self, clip: Clip, kinematics: Kinematics, row: int, a: int, b: int, shift: float
    ) -> Iterator[Event]:
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
                        yield from self._legs(clip, kinematics, row, part, shift)
                    return
        yield from self._legs(clip, kinematics, row, (a, b), shift)

    def _legs(
        self, clip: Clip, kinematics: Kinematics, row: int, part: tuple[int, int], shift: float
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
        self,
        clip: Clip,
        subject: int,
        path: Float[np.ndarray, "T 2"],
        resting: Bool[np.ndarray, "T"],
        moves: list[tuple[int, int]],
        shift: float,
    ) -> Iterator[Event]:
        """Times without movement; a drift too slow to be called one is neither movement nor rest."""
        for a, b in stretches(resting):
            if clip.times_s[b] - clip.times_s[a] >= self.min_rest_s:
                before = any(m[1] in (a - 1, a) for m in moves)
                after = any(m[0] in (b, b + 1) for m in moves)
                extent = float(np.ptp(path[a : b + 1], axis=0).max())
                if extent >= shift:
                    continue
                values = {"after_move": float(before), "before_move": float(after), "extent_px": extent}
                yield Event(subject, "still", _span(clip, a, b), values)

    def _depth(self, clip: Clip, tracks: Tracks, kinematics: Kinematics, row: int) -> Iterator[Event]:
        """Growth and shrinkage of the whole box, away from the borders that would cut it."""
        boxes = tracks.xyxy[row]
        whole = np.isfinite(boxes[:, 0]) & ~touches_border(boxes, clip.width, clip.height).any(1)
        log_size = np.log(np.maximum(box_size(boxes), 1e-6))
        blob = tracks.label[row] == "object"
        needed = self.min_scale_log_blob if blob else self.min_scale_log
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
                if trend >= (self.min_depth_fit_blob if blob else self.min_depth_fit):
                    kind = "grow" if change > 0 else "shrink"
                    values = {"log_scale": float(change), "fit": float(trend), "needed": needed}
                    yield Event(int(tracks.ids[row]), kind, _span(clip, i, j), values)

    # --- bodies ---------------------------------------------------------------------------------------------

    def _of_bodies(self, clip: Clip, poses: Poses, kinematics: Kinematics) -> Iterator[Event]:
        for row, subject in enumerate(poses.ids):
            points = {name: poses.keypoints[row, :, i] for i, name in enumerate(SKELETONS[poses.skeleton])}
            for side in ("left", "right"):
                height = _wrist_height(points, side)
                kinds = ("raise", "lower")
                yield from self._swings(clip, int(subject), f"{side}_arm", height, self.min_arm_torsos, kinds)
            for name in ("left_elbow", "right_elbow", "left_knee", "right_knee"):
                angle = kinematics.joints.angle_deg[row, :, list(ANGLES).index(name)]
                kinds = ("straighten", "bend")
                yield from self._swings(clip, int(subject), name, angle, self.min_joint_deg, kinds)

    def _swings(
        self,
        clip: Clip,
        subject: int,
        part: str,
        signal: Float[np.ndarray, "T"],
        needed: float,
        kinds: tuple[str, str],
    ) -> Iterator[Event]:
        """Rises (first kind) and falls (second kind) of a signal by ``needed``, between its turning points."""
        filled = fill_gaps(clip.times_s, signal, 0.3)
        needed += wavering(filled)
        for a, b in stretches(np.isfinite(filled)):
            if b - a < 4:
                continue
            value = smooth(clip.times_s[a : b + 1], filled[None, a : b + 1], 0.25).value[0]
            turns = turning_points(value, needed)
            for one, two in zip(turns[:-1], turns[1:], strict=True):
                i, j = _core(value, one.at, two.at)
                if clip.times_s[a + j] - clip.times_s[a + i] > self.max_swing_s:
                    continue
                values = {"from": one.value, "to": two.value, "needed": needed}
                yield Event(
                    subject, kinds[0 if two.high else 1], _span(clip, a + i, a + j), values, part=part
                )

    # --- pairs ----------------------------------------------------------------------------------------------

    def _of_pairs(
        self, clip: Clip, tracks: Tracks, kinematics: Kinematics, going: set[int]
    ) -> Iterator[Event]:
        """Relations; a region without a class that comes and goes nowhere may be nothing, and is nobody's other."""
        lifetime = np.isfinite(kinematics.tracks.image_px[..., 0]).sum(1)
        worth = [
            n
            for n, label in enumerate(tracks.label)
            if label != "object" or int(tracks.ids[n]) in going or stays_in_view(tracks.xyxy[n])
        ]
        longest = sorted(sorted(worth, key=lambda n: (-lifetime[n], n))[:12])
        for i, j in list(combinations(longest, 2))[: self.max_pairs]:
            yield from self._pair(clip, tracks, kinematics, i, j)

    def _pair(self, clip: Clip, tracks: Tracks, kinematics: Kinematics, i: int, j: int) -> Iterator[Event]:
        path = kinematics.tracks.image_px
        gap = np.hypot(*(path[j] - path[i]).T) / clip.width
        for a, b in stretches(np.isfinite(gap)):
            if clip.times_s[b] - clip.times_s[a] < 0.8:
                continue
            turns = turning_points(gap[a : b + 1], self.min_pair_widths)
            for one, two in zip(turns[:-1], turns[1:], strict=True):
                p, q = _core(gap[a : b + 1], one.at, two.at)
                p, q = a + p, a + q
                change = two.value - one.value
                if abs(change) < 0.3 * max(one.value, two.value) or clip.times_s[q] - clip.times_s[p] < 0.4:
                    continue
                if not _on_one_level(tracks, i, j, p if change > 0 else q):
                    continue
                shares = [self._share(path, x, y, p, q) for x, y in ((i, j), (j, i))]
                mover, still = (i, j) if shares[0] >= shares[1] else (j, i)
                values = {
                    "from_widths": one.value,
                    "to_widths": two.value,
                    "share": max(shares),
                    "needed": self.min_pair_widths,
                }
                kind = "separate" if change > 0 else "approach"
                ids = tracks.ids
                yield Event(int(ids[mover]), kind, _span(clip, p, q), values, other=int(ids[still]))

    @staticmethod
    def _share(path: Float[np.ndarray, "N T 2"], mover: int, still: int, p: int, q: int) -> float:
        """Return how much of the change of distance is the first one's doing, in [0, 1]."""
        line = path[still, p] - path[mover, p]
        line = line / max(float(np.hypot(*line)), 1e-9)
        own = abs(float((path[mover, q] - path[mover, p]) @ line))
        others = abs(float((path[still, q] - path[still, p]) @ line))
        return own / max(own + others, 1e-9)


# --- small measurements -------------------------------------------------------------------------------------


def _span(clip: Clip, a: int, b: int) -> Span:
    return Span(float(clip.times_s[a]), float(clip.times_s[b]))


def _keeps_place(clip: Clip, poses: Poses, rest: Event) -> bool:
    """Whether the feet rest, too, where a skeleton shows them."""
    row = np.flatnonzero(poses.ids == rest.subject)
    during = (clip.times_s >= rest.span.start_s) & (clip.times_s <= rest.span.end_s)
    return not len(row) or keeps_place(poses.keypoints[int(row[0])], during, poses.skeleton)


def _on_one_level(tracks: Tracks, i: int, j: int, at: int) -> bool:
    people = tracks.label[i] == tracks.label[j] == "person"
    return not people or one_level(tracks.xyxy[i, at], tracks.xyxy[j, at])


def _grows_both_ways(one: Float[np.ndarray, "4"], two: Float[np.ndarray, "4"], needed: float) -> bool:
    """Whether width and height change alike: what gains a part, raises an arm or leans grows in one of them."""
    width, height = np.log((two[2:] - two[:2]) / (one[2:] - one[:2])).tolist()
    return width * height > 0 and min(abs(width), abs(height)) >= 0.6 * needed


def _changes_scale(camera: CameraMotion, span: Span) -> bool:
    """Whether boxes grow, or may grow, because of the camera, so that growth says nothing about the subject."""
    return any(label.startswith(("zoom", "dolly", "complex", "unknown")) for label in camera.labels_in(span))


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
    span = _span(clip, a + cycle.first, a + cycle.last)
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
    span = _span(clip, a, b)
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
        yield Event(int(kinematics.tracks.ids[row]), kind, _span(clip, int(index[0]), int(index[-1])), values)


def _core(values: Float[np.ndarray, "M"], a: int, b: int) -> tuple[int, int]:
    """Return the part of a swing between its turning points in which 5-95 % of the change happens."""
    swing = np.abs(values[a : b + 1] - values[a]) / max(abs(values[b] - values[a]), 1e-9)
    started = a + int(np.flatnonzero(swing <= 0.05)[-1])
    done = a + int(np.flatnonzero(swing >= 0.95)[0])
    return (started, done) if done > started else (a, b)


def _wrist_height(points: dict[str, Float[np.ndarray, "T 3"]], side: str) -> Float[np.ndarray, "T"]:
    """Return a wrist's height above its shoulder in torso lengths; NaN unless seen on an upright body."""
    shoulders = (points["left_shoulder"] + points["right_shoulder"]) / 2
    hips = (points["left_hip"] + points["right_hip"]) / 2
    axis = shoulders[:, :2] - hips[:, :2]
    torso = np.nanmedian(np.hypot(*axis.T)) if np.isfinite(axis).any() else np.nan
    needed = ("left_shoulder", "right_shoulder", f"{side}_wrist", "left_hip", "right_hip")
    with np.errstate(invalid="ignore"):
        sure = np.all([points[name][:, 2] >= 0.5 for name in needed], axis=0)
        upright = np.abs(axis[:, 0]) <= 0.7 * -axis[:, 1]  # within 35 degrees of vertical
    height = (points[f"{side}_shoulder"][:, 1] - points[f"{side}_wrist"][:, 1]) / torso
    return np.where(sure & upright, height, np.nan)
