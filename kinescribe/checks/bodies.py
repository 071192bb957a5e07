"""Limbs: raising, lowering, bending and straightening."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from kinescribe.checks.measurements import Judgement, Measurements, all_of, equal, in_span, limit, rise, rises
from kinescribe.checks.tolerances import (
    DOUBT,
    MIN_ARM_TORSOS,
    MIN_JOINT_DEG,
    MIN_KNOWN,
    MIN_POINT_SCORE,
    REACHED,
    SLIGHT_DEG,
    SYNONYMS,
    TYPICAL,
)
from kinescribe.kinematics.posture import trunk_px, wavering
from kinescribe.records import Action, Claim
from kinescribe.vocabulary import ANGLES, PARTS, SKELETONS

_ENDS = {
    "arm": ("wrist", "shoulder"), "hand": ("wrist", "shoulder"), "leg": ("ankle", "hip"), "foot": ("ankle", "hip"),
    "knee": ("knee", "hip"), "elbow": ("elbow", "shoulder"),
}  # fmt: skip
"""Of a part that is raised: its end, and the joint over which it rises."""


_JOINTS = {
    "arm": "elbow",
    "leg": "knee",
    "elbow": "elbow",
    "knee": "knee",
    "hip": "hip",
    "shoulder": "shoulder",
}
"""Of a part that is bent: the joint."""


LIMB_SIGNS = {"raise": 1, "lower": -1, "bend": -1, "straighten": 1}
"""Sign of the change of height or angle."""


def judge_limb(claim: Claim, measured: Measurements) -> Judgement:
    """Raising, lowering, bending and straightening, of one side or both."""
    predicate, part = claim.action.predicate, claim.action.part
    known = _ENDS if predicate in ("raise", "lower") else _JOINTS
    if part is None or part not in PARTS and part.split("_")[-1].rstrip("s") not in known:
        return Judgement(
            None, f'"{predicate}" of "{claim.action.patient or part or "nothing"}" is not measured'
        )
    side, _, name = part.partition("_")
    name = name.rstrip("s")
    sides = ("left", "right") if side == "both" else (side,)
    if name not in known or sides[0] not in ("left", "right"):
        return Judgement(None, f'how "{part}" moves is not measured')
    row = np.flatnonzero(measured.poses.ids == claim.subject)
    if not len(row):
        return Judgement(None, f"subject {claim.subject} has no skeleton")
    judged = []
    for one in sides:
        high = predicate in ("raise", "lower")
        signal = (
            _height(measured, int(row[0]), one, _ENDS[name])
            if high
            else _angle(measured, int(row[0]), one, _JOINTS[name])
        )
        judged.append(_swing(claim.action, measured, signal, f"{one} {name}"))
        if high and name in ("leg", "foot"):
            judged.append(_own_way(claim.action, measured, int(row[0]), one))
    return all_of(judged)


def _own_way(action: Action, measured: Measurements, row: int, side: str) -> Judgement:
    """Judge whether a foot itself goes up or down in the picture: hips that sink come nearer to it."""
    points, names = measured.poses.keypoints[row], SKELETONS[measured.poses.skeleton]
    trunk = trunk_px(points, measured.poses.skeleton)
    inside = in_span(measured.clip.times_s, action.span)
    foot = -points[inside, names.index(f"{side}_ankle"), 1]
    foot = foot[np.isfinite(foot)]
    if not len(foot) or not np.isfinite(trunk).any():
        return Judgement(None, f"{side} foot unseen")
    change = rise(foot * LIMB_SIGNS[action.predicate]) / float(np.nanmedian(trunk))
    return limit(change, MIN_ARM_TORSOS, f"{side} foot itself goes {change:.2f} trunk lengths")


def _height(measured: Measurements, row: int, side: str, ends: tuple[str, str]) -> Float[np.ndarray, "T"]:
    """Height of a limb's end above its root along the trunk, in trunk lengths; NaN where unsure."""
    index = {name: i for i, name in enumerate(SKELETONS[measured.poses.skeleton])}
    points = measured.poses.keypoints[row]
    hips, shoulders = (
        (points[:, index[f"left_{joint}"]] + points[:, index[f"right_{joint}"]]) / 2
        for joint in ("hip", "shoulder")
    )
    trunk = shoulders[:, :2] - hips[:, :2]
    if not np.isfinite(trunk).any():
        return np.full(len(points), np.nan)
    length = float(np.nanmedian(np.hypot(*trunk.T)))
    end, root = (points[:, index[f"{side}_{joint}"]] for joint in ends)
    with np.errstate(invalid="ignore", divide="ignore"):
        axis = trunk / np.hypot(*trunk.T)[:, None]
        height = ((end - root)[:, :2] * axis).sum(1) / length
        sure = np.minimum(end[:, 2], root[:, 2]) >= MIN_POINT_SCORE
    return np.where(sure, height, np.nan)


def _angle(measured: Measurements, row: int, side: str, joint: str) -> Float[np.ndarray, "T"]:
    joints = measured.kinematics.joints
    found = np.flatnonzero(joints.ids == measured.poses.ids[row])
    if not len(found):
        return np.full(len(measured.clip.times_s), np.nan)
    angle: Float[np.ndarray, "T"] = joints.angle_deg[int(found[0]), :, list(ANGLES).index(f"{side}_{joint}")]
    return angle


def _swing(action: Action, measured: Measurements, signal: Float[np.ndarray, "T"], name: str) -> Judgement:
    """Judge a rise (or fall) of a limb's signal in the claimed time, and its number."""
    inside = in_span(measured.clip.times_s, action.span)
    known = inside & np.isfinite(signal)
    if known.sum() < max(3, MIN_KNOWN * inside.sum() if action.span is not None else 3):
        return Judgement(None, f"{name} unseen in {1 - known.sum() / max(1, inside.sum()):.0%} of the time")
    high = action.predicate in ("raise", "lower")
    needed, unit = (MIN_ARM_TORSOS, "trunk lengths") if high else (MIN_JOINT_DEG, "degrees")
    needed += wavering(signal[inside])
    values = signal[known] * LIMB_SIGNS[action.predicate]
    change = rise(values)
    why = f"{name} changes by {LIMB_SIGNS[action.predicate] * change:+.{2 if high else 0}f} {unit}"
    judged = [limit(change, needed, why)]
    if action.count is not None:
        # A limb may be lifted a little more often than it is lifted.
        judged.append(equal(rises(values, max(needed, TYPICAL * change)), action.count, "times"))
    judged += _how_far(action, signal[known], name)
    return all_of(judged)


def _how_far(action: Action, values: Float[np.ndarray, "M"], name: str) -> Iterator[Judgement]:
    """Judge the words for how far a limb gets, by where it is at the most."""
    word = SYNONYMS.get(action.magnitude or "", action.magnitude or "")
    sign = LIMB_SIGNS[action.predicate]
    high = action.predicate in ("raise", "lower")
    reached = REACHED.get((action.predicate, word))
    if reached is not None:
        end, (true, false) = float((sign * values).max()), reached
        holds = True if end >= sign * true else False if end < sign * false else None
        yield Judgement(holds, f"{name} reaches {sign * end:.3g}")
    elif word == "slightly" and not high:
        change = rise(sign * values)
        slight = True if change <= SLIGHT_DEG else False if change > SLIGHT_DEG / DOUBT else None
        yield Judgement(slight, f"{name} changes by {change:.0f} degrees")
