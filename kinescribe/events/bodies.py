"""What the whole body does without going anywhere: leaning, turning about itself, jumping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import find_peaks

from kinescribe.events.limbs import calm, swings
from kinescribe.events.scene import Scene, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import Smoother, stretches
from kinescribe.kinematics.posture import Figure, wavering
from kinescribe.records import Event
from kinescribe.vocabulary import SKELETONS

FRONTAL = 0.7
"""Cosine of the yaw from which somebody is seen from the front or the back: within 45 degrees."""
FRONTAL_TRUNKS = 0.45
"""The same where there is no third dimension: shoulders are 0.7 trunks wide (0.36 m to 0.50 m)."""


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield how trunks tip, how far bodies turn, and when they jump."""
    smoother = calm(scene.clip)
    for row, subject in enumerate(scene.poses.ids.tolist()):
        figure = scene.figures[row]
        if figure.is_large_enough:
            yield from _leans(scene, smoother, subject, row, figure, settings)
            yield from _turns(scene, smoother, subject, row, figure, settings)
            yield from _jumps(scene, subject, figure, settings)


# --- leaning ------------------------------------------------------------------------------------------------


def _leans(
    scene: Scene, smoother: Smoother, subject: int, row: int, figure: Figure, settings: EventSettings
) -> Iterator[Event]:
    """Yield when a trunk tips out of the upright; that it comes up again is no event.

    To a side of the picture where it is seen from the front or the back, to the body's own front or back where there
    is a third dimension.
    """
    joints = scene.kinematics.joints
    yaw = None if joints.yaw_deg is None else np.cos(np.radians(joints.yaw_deg[row]))
    sideways = np.where(_frontal(figure, yaw), picture_tilt_deg(figure), np.nan)
    ways = [(sideways, 1.0, ("right", "left"))]
    if joints.lean_deg is not None and yaw is not None:
        # What leans along the line of sight shows in the depth only, which is a guess.
        towards = float(np.nanmedian(np.abs(yaw))) if np.isfinite(yaw).any() else 1.0
        ways.append((joints.lean_deg[row], 1 + settings.depth_doubt * towards, ("forward", "backward")))
    leans: list[Event] = []
    for tilt, doubt, names in ways:
        for swing in swings(smoother, tilt, settings.min_lean_deg * doubt, settings.max_swing_s):
            outward = abs(swing.end) > abs(swing.start) and abs(swing.start) <= settings.max_upright_deg
            if outward and abs(swing.end) <= settings.max_lean_deg:
                values = {"from": swing.start, "to": swing.end, "needed": swing.needed}
                span = span_of(scene.clip, swing.first, swing.last)
                way = names[0] if swing.end > 0 else names[1]
                leans.append(Event(subject, "lean", span, values, direction=(way,)))
    yield from (lean for lean in leans if not any(_outdone(lean, other) for other in leans))


def _frontal(figure: Figure, cosine: Float[np.ndarray, "T"] | None) -> Bool[np.ndarray, "T"]:
    """Where somebody is seen from the front or the back; also true where nothing tells otherwise."""
    across = figure.at("left_shoulder") - figure.at("right_shoulder")
    with np.errstate(invalid="ignore"):
        wide = np.hypot(*across.T) >= FRONTAL_TRUNKS
        if cosine is None or not np.isfinite(cosine).any():
            return np.asarray(wide)
        return np.asarray((np.abs(cosine) >= FRONTAL) & wide)


def picture_tilt_deg(figure: Figure) -> Float[np.ndarray, "T"]:
    """Return how far a trunk is off the picture's vertical: positive to the right."""
    axis = figure.at("shoulder") - figure.at("hip")
    tilt: Float[np.ndarray, "T"] = np.degrees(np.arctan2(axis[:, 0], axis[:, 1]))
    return tilt


def _outdone(lean: Event, other: Event) -> bool:
    """Whether the trunk tips farther in another direction at the same time."""
    shared = min(lean.span.end_s, other.span.end_s) - max(lean.span.start_s, other.span.start_s)
    return shared > 0 and _size(other) > _size(lean)


def _size(lean: Event) -> float:
    return abs(lean.values["to"] - lean.values["from"]) / lean.values["needed"]


# --- turning ------------------------------------------------------------------------------------------------


def _turns(
    scene: Scene, smoother: Smoother, subject: int, row: int, figure: Figure, settings: EventSettings
) -> Iterator[Event]:
    """A body that turns about its own axis, unless it is the skeleton that does not know front from back."""
    yaw = scene.kinematics.joints.yaw_deg
    if yaw is None:
        return
    names = SKELETONS[scene.poses.skeleton]
    left, right = (scene.poses.world[row, :, names.index(f"{side}_shoulder")] for side in ("left", "right"))
    raw = np.degrees(np.arctan2(left[:, 2] - right[:, 2], left[:, 0] - right[:, 0]))
    for swing in swings(smoother, yaw[row], settings.min_turn_deg, settings.max_turn_s):
        span = span_of(scene.clip, swing.first, swing.last)
        by = swing.end - swing.start
        off = np.abs((raw - yaw[row] + 180) % 360 - 180)[swing.first : swing.last + 1]
        rough = np.isfinite(off).any() and float(np.nanmax(off)) > settings.max_yaw_off_deg
        flipped = figure.flips[max(0, swing.first - 1) : swing.last + 2].any()
        if abs(by) <= settings.max_turn_deg_s * span.duration_s and not rough and not flipped:
            way = "counterclockwise" if by > 0 else "clockwise"
            values = {"from": swing.start, "to": swing.end, "needed": swing.needed}
            yield Event(subject, "turn", span, values, direction=(way,))


# --- jumping ------------------------------------------------------------------------------------------------


def _jumps(scene: Scene, subject: int, figure: Figure, settings: EventSettings) -> Iterator[Event]:
    """Both feet and the hips go up and come down together, within the time of a flight, at one place."""
    times = scene.clip.times_s
    ankles = np.stack([figure.at(f"{side}_ankle")[:, 1] for side in ("left", "right")])
    lower, hips = np.where(figure.placed, ankles.min(0), np.nan), figure.at("hip")
    needed = settings.min_jump_torsos + wavering(lower)
    for a, b in stretches(np.isfinite(lower) & np.isfinite(hips[:, 0])):
        if b - a < 4:
            continue
        step = float(times[b] - times[a]) / (b - a)
        reach = max(2, round(settings.max_flight_s / step))
        peaks, _ = find_peaks(lower[a : b + 1], prominence=needed, wlen=2 * reach + 1)
        for peak in (a + peaks).tolist():
            start = _foot(lower, peak, max(a, peak - reach), -1)
            end = _foot(lower, peak, min(b, peak + reach), 1)
            lifted = [_rise(signal, start, peak, end) for signal in (lower, hips[:, 1])]
            away = float(np.abs(hips[start : end + 1, 0] - hips[start, 0]).max())
            flight = float(times[end] - times[start])
            if min(lifted) >= needed and away <= settings.max_jump_torsos and flight <= settings.max_flight_s:
                values = {"height_torsos": min(lifted), "needed": needed, "at_s": float(times[peak])}
                yield Event(subject, "jump", span_of(scene.clip, start, end), values)


def _foot(signal: Float[np.ndarray, "T"], peak: int, limit: int, step: int) -> int:
    """Return where the hill that a peak stands on begins (or ends): the first sample down to a tenth of it."""
    side = signal[peak : limit + step if limit + step >= 0 else None : step]
    floor = float(side.min())
    low = np.flatnonzero(side <= floor + 0.1 * (side[0] - floor))
    return peak + step * int(low[0])


def _rise(signal: Float[np.ndarray, "T"], start: int, peak: int, end: int) -> float:
    """Return how far a signal is above both ends of a hill near its peak."""
    top = float(signal[max(start, peak - 1) : min(end, peak + 1) + 1].max())
    return top - max(float(signal[start]), float(signal[end]))
