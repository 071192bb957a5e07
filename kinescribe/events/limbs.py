"""What limbs and joints do, relative to the body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from kinescribe.events.scene import Scene, core, span_of
from kinescribe.events.settings import EventSettings
from kinescribe.geometry import fill_gaps, smooth, stretches, turning_points
from kinescribe.kinematics.posture import wavering
from kinescribe.records import Clip, Event
from kinescribe.vocabulary import ANGLES, SKELETONS


def find(scene: Scene, settings: EventSettings, found: Sequence[Event]) -> Iterator[Event]:
    """Yield how far limbs go up and down and joints bend and straighten, swing by swing."""
    clip, poses = scene.clip, scene.poses
    for row, subject in enumerate(poses.ids):
        points = {name: poses.keypoints[row, :, i] for i, name in enumerate(SKELETONS[poses.skeleton])}
        for side in ("left", "right"):
            height = _wrist_height(points, side)
            kinds = ("raise", "lower")
            yield from _swings(
                clip,
                int(subject),
                f"{side}_arm",
                height,
                settings.min_arm_torsos,
                kinds,
                settings.max_swing_s,
            )
        for name in ("left_elbow", "right_elbow", "left_knee", "right_knee"):
            angle = scene.kinematics.joints.angle_deg[row, :, list(ANGLES).index(name)]
            kinds = ("straighten", "bend")
            yield from _swings(
                clip, int(subject), name, angle, settings.min_joint_deg, kinds, settings.max_swing_s
            )


def _swings(
    clip: Clip,
    subject: int,
    part: str,
    signal: Float[np.ndarray, "T"],
    needed: float,
    kinds: tuple[str, str],
    longest_s: float,
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
            i, j = core(value, one.at, two.at)
            if clip.times_s[a + j] - clip.times_s[a + i] > longest_s:
                continue
            values = {"from": one.value, "to": two.value, "needed": needed}
            yield Event(subject, kinds[0 if two.high else 1], span_of(clip, a + i, a + j), values, part=part)


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
