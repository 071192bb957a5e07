"""The whole body: leaning, turning about oneself, jumping. Events use other joints, or other views of them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import find_peaks

from kinescribe.checks.measurements import Judgement, Measurements, all_of, equal, in_span, limit, rise
from kinescribe.checks.tolerances import (
    FLIGHT_S,
    MARGIN_S,
    MIN_JUMP_TRUNKS,
    MIN_KNOWN,
    MIN_LEAN_TRUNKS,
    MIN_POINT_SCORE,
    MIN_TURN_DEG,
    NOSE_TRUNKS,
    SHOULDER_TRUNKS,
    TYPICAL,
)
from kinescribe.kinematics.posture import trunk_px
from kinescribe.records import Action, Claim
from kinescribe.vocabulary import SKELETONS

_WHOLE = {
    "lean": (None, "body", "upper_body", "torso", "trunk", "back"),
    "turn": (None, "body", "torso", "trunk"),
    "jump": (None, "body"),
}
"""Parts whose leaning, turning or jumping is the body's; a head that turns, or a page, is something else."""


def judge_stance(claim: Claim, measured: Measurements) -> Judgement:
    """Judge leaning, turning and jumping of somebody with a skeleton."""
    action = claim.action
    if action.part not in _WHOLE[action.predicate]:
        part = (action.part or "").replace("_", " ")
        return Judgement(None, f"whether the {part} does {action.predicate} is not measured")
    if action.predicate == "turn" and action.part is None and action.patient is not None:
        return Judgement(None, f'what happens to "{action.patient}" is not measured')
    found = np.flatnonzero(measured.poses.ids == claim.subject)
    if not len(found):
        return Judgement(None, f"subject {claim.subject} has no skeleton")
    row = int(found[0])
    if not np.isfinite(trunk_px(measured.poses.keypoints[row], measured.poses.skeleton)).any():
        return Judgement(None, "the trunk is never seen")
    return {"lean": _lean, "turn": _turn, "jump": _jump}[claim.action.predicate](claim.action, measured, row)


# --- leaning ------------------------------------------------------------------------------------------------


def _lean(action: Action, measured: Measurements, row: int) -> Judgement:
    """The shoulders' way out over the hips: across the picture, or along the line in which the hips face."""
    sideways = (_middle(measured, row, "shoulder") - _middle(measured, row, "hip"))[:, 0]
    forward = _forward(measured, row)
    signals = {"left": -sideways, "right": sideways, "forward": forward, "backward": -forward}
    unknown = [way for way in action.direction if way not in signals]
    if unknown:
        return Judgement(None, f"leaning {unknown[0]} is not measured")
    judged = [
        _out(signals[way], action, measured, f"{way} of the hips") for way in action.direction or signals
    ]
    if action.direction:
        return all_of(judged)
    return max(judged, key=lambda j: (j.holds is True, j.holds is None))


def _forward(measured: Measurements, row: int) -> Float[np.ndarray, "T"]:
    """How far the shoulders are before the hips, in trunk lengths, in space."""
    over = _middle(measured, row, "shoulder", True) - _middle(measured, row, "hip", True)
    across = _at(measured, row, "left_hip", True) - _at(measured, row, "right_hip", True)
    length = np.linalg.norm(over, axis=1)
    if not np.isfinite(length).any():
        return np.full(len(length), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        ahead = (over[:, 0] * across[:, 2] - over[:, 2] * across[:, 0]) / np.hypot(across[:, 0], across[:, 2])
    forward: Float[np.ndarray, "T"] = ahead / float(np.nanmedian(length))
    return forward


def _out(signal: Float[np.ndarray, "T"], action: Action, measured: Measurements, where: str) -> Judgement:
    known = _known(signal, action, measured)
    if not known.any():
        return Judgement(None, "the trunk is unseen")
    # To come up again from the other side is no lean.
    change = rise(np.maximum(signal[known], 0.0))
    return limit(change, MIN_LEAN_TRUNKS, f"shoulders go {change:.2f} trunk lengths {where}")


# --- turning ------------------------------------------------------------------------------------------------


def _turn(action: Action, measured: Measurements, row: int) -> Judgement:
    """Where somebody faces, from the picture alone: how wide the shoulders are, and to which side the nose is."""
    wide = (_at(measured, row, "left_shoulder") - _at(measured, row, "right_shoulder"))[:, 0]
    nose = (_at(measured, row, "nose") - _middle(measured, row, "shoulder"))[:, 0]
    facing = np.arctan2(nose / NOSE_TRUNKS, wide / SHOULDER_TRUNKS)
    known = _known(facing, action, measured)
    if not known.any():
        return Judgement(None, "shoulders or face unseen")
    left = np.degrees(np.unwrap(facing[known]))
    judged = [_turned(way, left) for way in action.direction or ("around",)]
    if action.count is not None:
        turns = max(rise(left), rise(-left)) / 360
        judged.append(Judgement(abs(turns - action.count) < 0.5, f"{turns:.1f} whole turns"))
    return all_of(judged)


def _turned(way: str, left: Float[np.ndarray, "M"]) -> Judgement:
    """Judge one direction of turning by where somebody faces over time (to the own left, in degrees)."""
    signs = {"counterclockwise": (1,), "clockwise": (-1,), "around": (1, -1)}
    if way in signs:
        by = max(rise(sign * left) for sign in signs[way])
        return limit(by, MIN_TURN_DEG, f"turns {way} by {by:.0f} degrees")
    if way not in ("left", "right"):
        return Judgement(None, f"turning {way} is not measured")
    # The body's own left or the picture's: known where they agree.
    sign = 1 if way == "left" else -1
    own = limit(rise(sign * left), MIN_TURN_DEG, "")
    shown = -sign * np.sin(np.radians(left))
    seen = limit(float(shown[-1] - shown[0]), 0.5, "")
    agree = own.holds if own.holds == seen.holds else None
    return Judgement(agree, f"to its own {way}: {own.holds}, to the picture's: {seen.holds}")


# --- jumping ------------------------------------------------------------------------------------------------


def _jump(action: Action, measured: Measurements, row: int) -> Judgement:
    """Hills of the shoulders and of the box's lower edge that are no longer than a flight."""
    track = np.flatnonzero(measured.tracks.ids == measured.poses.ids[row])
    if not len(track):
        return Judgement(None, "there is no box")
    edge = -measured.tracks.xyxy[int(track[0]), :, 3] / _trunk(measured, row)
    shoulders = -_middle(measured, row, "shoulder")[:, 1]
    times = measured.clip.times_s
    hills = np.minimum(_hills(edge, times), _hills(shoulders, times))
    known = _known(hills, action, measured)
    if not known.any():
        return Judgement(None, "shoulders or feet unseen")
    heights = hills[known]
    highest = float(heights.max())
    judged = [limit(highest, MIN_JUMP_TRUNKS, f"goes up and down by {highest:.2f} trunk lengths")]
    if action.count is not None:
        ended = np.concatenate([[0.0], heights, [0.0]])
        found, _ = find_peaks(ended, prominence=max(MIN_JUMP_TRUNKS, TYPICAL * highest))
        judged.append(equal(len(found), action.count, "jumps"))
    return all_of(judged)


def _hills(signal: Float[np.ndarray, "T"], times_s: Float[np.ndarray, "T"]) -> Float[np.ndarray, "T"]:
    """Return how far a signal is above where it was within half a flight before and is within half a flight after."""
    reach = FLIGHT_S / 2 + MARGIN_S
    result = np.full(len(signal), np.nan)
    for i in np.flatnonzero(np.isfinite(signal)).tolist():
        sides = (
            (times_s >= times_s[i] - reach) & (times_s <= times_s[i]),
            (times_s <= times_s[i] + reach) & (times_s >= times_s[i]),
        )
        result[i] = signal[i] - max(float(np.nanmin(signal[side])) for side in sides)
    return result


# --- parts --------------------------------------------------------------------------------------------------


def _trunk(measured: Measurements, row: int) -> float:
    return float(np.nanmedian(trunk_px(measured.poses.keypoints[row], measured.poses.skeleton)))


def _at(measured: Measurements, row: int, joint: str, space: bool = False) -> Float[np.ndarray, "T C"]:
    """Return a joint in the picture (trunk lengths), or in space (metres); NaN where it is not surely seen."""
    point = SKELETONS[measured.poses.skeleton].index(joint)
    with np.errstate(invalid="ignore"):
        seen = measured.poses.keypoints[row, :, point, 2:] >= MIN_POINT_SCORE
    if space:
        return np.where(seen, measured.poses.world[row, :, point], np.nan)
    return np.where(seen, measured.poses.keypoints[row, :, point, :2], np.nan) / _trunk(measured, row)


def _middle(measured: Measurements, row: int, joint: str, space: bool = False) -> Float[np.ndarray, "T C"]:
    middle: Float[np.ndarray, "T C"] = (
        _at(measured, row, f"left_{joint}", space) + _at(measured, row, f"right_{joint}", space)
    ) / 2
    return middle


def _known(signal: Float[np.ndarray, "T"], action: Action, measured: Measurements) -> Bool[np.ndarray, "T"]:
    """Return where a signal is known in the claimed time: nowhere if that is too seldom."""
    inside = in_span(measured.clip.times_s, action.span)
    known = inside & np.isfinite(signal)
    enough = known.sum() >= (3 if action.span is None else max(3, MIN_KNOWN * inside.sum()))
    return known if enough else np.zeros_like(known)
