"""Kinematic attributes of people as compact JSON: KPM-Bench's "numerical dictionary" (3.3), cut to what can be trusted.

``{"person #10": {...}, ...}``: of each person, in this order and left out where unknown,

- ``t``: the times of the pictures at which something of it is known; every series has an entry for each of them.
- ``speed``: of the whole body, in body lengths a second, mean over the window; ``way``: where to in the picture, one of
  ``vocabulary.COMPASS``, null while it rests; ``speed_score``: its share of the clip's largest.
- ``turning``: angular speed, deg/s, mean over the known of the joints that move; ``turning_score``.
- ``rhythm`` of the speed, and of each joint that moves: ``energy`` (mean square without the mean), ``high`` (its share
  above 2.5 Hz), ``spread`` and ``hz`` (standard deviation and strongest line of the spectrum): KPM eq. 6-8 as
  ``kinematics.body`` measures them.
- ``joints`` that move: ``angle`` at the instant, deg, 180 is straight; ``rate``, deg/s, root mean square over the
  window; ``range``, deg; and their rhythm. ``resting``: of the others, the median angle.
- ``lean``: of the trunk to its front, deg; ``facing``: 0 the camera, 90 the picture's right, deg; where they change.

A window is what lies nearer to its picture than to any other. KPM's scores have no formula: here they are what
``kinematics.kpm`` takes them for, and left out where the largest value is below what counts as motion. The sequences of
its transforms are left out: the series say the same. The size does not grow with the clip, but with the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kinescribe.geometry import compass, spectrum, stretches
from kinescribe.inputs.subjects import tags
from kinescribe.kinematics.body import BodySettings
from kinescribe.plain import number
from kinescribe.records import Clip, JointKinematics, Kinematics, TrackKinematics, Tracks
from kinescribe.vocabulary import ANGLES

MIN_RELIABLE_S = 1.0
"""A person is reliable if some joint's angle is known for so long, or for half of a shorter clip. It is known where all
three of its points have scores of 0.6 or more (KPM B.2), or between such samples; shorter, it has no rhythm
(``BodySettings``)."""
MOVING_DEG = 15.0
"""A joint or trunk that ranges over less rests: monocular angles are 15 to 20 degrees off (docs/method.md)."""
MOVING_FOOT_DEG = 30.0
"""Of ankles: a heel is 8 cm away, and jitter of 1 cm lets the angle of one that rests range over 16 to 29 degrees."""
TURNED_DEG = 60.0
"""Facings that range over less are the error of the yaw, 20 to 30 degrees (what facts demand)."""
LEAST_SPEED, LEAST_TURNING_DEG_S = 0.1, 15.0
"""The largest speed (body lengths a second: 0.17 m/s, an eighth of a walk) and turning below which there is no score:
somebody who rests trembles by as much, and would be most vigorous at some instant."""
MIN_KNOWN = 0.5
"""Share of a window's samples that must be known."""
MIN_SCORED = 3
"""Windows that must be known for one of them to be the most vigorous."""


SERIES = ("speed", "way", "speed_score", "turning", "turning_score", "lean", "facing")
"""Attributes of a person with an entry for each picture; those of a joint are ``angle`` and ``rate``."""


def reliable(clip: Clip, joints: JointKinematics) -> list[int]:
    """Return the ids of the people whose joints can be trusted for a while (KPM B.2), those known longest first."""
    if len(clip.times_s) < 2:
        return []
    sample_s = float(np.median(np.diff(clip.times_s)))
    needed_s = min(MIN_RELIABLE_S, clip.duration_s / 2)
    known = np.isfinite(joints.angle_deg).sum(1)
    enough = np.flatnonzero(known.max(1, initial=0) * sample_s >= max(needed_s, sample_s) - 1e-9)
    first = enough[np.argsort(-known[enough].sum(1), kind="stable")]
    return [int(joints.ids[row]) for row in first]


def attributes(
    clip: Clip, tracks: Tracks, kinematics: Kinematics, samples: Sequence[int], people: Sequence[int]
) -> dict[str, Any]:
    """Return what was measured of people at the pictures of a clip, by their tags on the pictures.

    Args:
        clip: for its times.
        tracks: for the tags.
        kinematics: what was measured.
        samples: increasing positions on the T axis, those of the pictures.
        people: track ids, of people who are ``reliable``.
    """
    at = np.array(samples, dtype=np.int64)
    seen = _Pictures(clip.times_s, at, _windows(clip.times_s, at))
    called = tags(tracks)
    return {
        called.get(person, f"#{person}"): _during(
            seen, _going(seen, kinematics.tracks, person) | _body(seen, kinematics.joints, person)
        )
        for person in people
    }


class _Pictures(NamedTuple):
    """When people are looked at."""

    times_s: Float[np.ndarray, "T"]
    at: Int[np.ndarray, "F"]
    """Samples of the pictures."""
    windows: list[slice]
    """The samples that are nearest to each of them."""


def _windows(times_s: Float[np.ndarray, "T"], at: Int[np.ndarray, "F"]) -> list[slice]:
    borders = np.searchsorted(times_s, (times_s[at][1:] + times_s[at][:-1]) / 2).tolist()
    return [slice(a, b) for a, b in zip([0, *borders], [*borders, len(times_s)], strict=True)]


def _during(seen: _Pictures, told: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of a person, cut to the pictures from the first to the last at which something is known."""
    series = [value for key, value in told.items() if key in SERIES]
    series += [
        joint[key] for joint in told.get("joints", {}).values() for key in ("angle", "rate") if key in joint
    ]
    known = [i for i in range(len(seen.at)) if any(one[i] is not None for one in series)]
    if not known:
        return told
    kept = slice(known[0], known[-1] + 1)
    cut = {key: value[kept] if key in SERIES else value for key, value in told.items()}
    if "joints" in cut:
        cut["joints"] = {
            name: {key: value[kept] if isinstance(value, list) else value for key, value in joint.items()}
            for name, joint in cut["joints"].items()
        }
    return {"t": _rounded(seen.times_s[seen.at[kept]], 2), **cut}


def _going(seen: _Pictures, motion: TrackKinematics, person: int) -> dict[str, Any]:
    """Return how somebody goes through the scene."""
    found = np.flatnonzero(motion.ids == person)
    if not len(found) or motion.body_px is None:
        return {}
    row = int(found[0])
    body_px = float(motion.body_px[row])
    if not body_px > 0:
        return {}
    signal, velocity = motion.speed_px_s[row] / body_px, motion.velocity_px_s[row] / body_px
    speed = np.array([_mean(signal[w]) for w in seen.windows])
    told: dict[str, Any] = {
        "speed": _rounded(speed, 2),
        "way": [_way(velocity[w]) for w in seen.windows],
        **_score("speed_score", speed, LEAST_SPEED),
    }
    if "speed_score" in told:
        told["rhythm"] = _rhythm(seen.times_s, signal)
    return _without_unknown(told)


def _way(velocity: Float[np.ndarray, "W 2"]) -> str | None:
    """Return where somebody goes in a window, if anywhere."""
    dx, dy = (_mean(one) for one in velocity.T)
    return compass(dx, dy) if float(np.hypot(dx, dy)) >= LEAST_SPEED else None


def _body(seen: _Pictures, joints: JointKinematics, person: int) -> dict[str, Any]:
    """Return what somebody's joints and trunk do."""
    found = np.flatnonzero(joints.ids == person)
    if not len(found):
        return {}
    row = int(found[0])
    rates = np.array([[_rms(rate[w]) for w in seen.windows] for rate in joints.speed_deg_s[row].T])
    least = np.array([MOVING_FOOT_DEG if name.endswith("ankle") else MOVING_DEG for name in ANGLES])
    moves = joints.range_deg[row] >= least
    turning = np.array([_of_known(rates[moves, i]) for i in range(len(seen.at))])
    told: dict[str, Any] = {
        "turning": _rounded(turning, 0),
        **_score("turning_score", turning, LEAST_TURNING_DEG_S),
    }
    moving, resting = {}, {}
    for j, name in enumerate(ANGLES):
        angle = joints.angle_deg[row, :, j]
        if moves[j]:
            told_of = {"angle": _rounded(angle[seen.at], 0), "rate": _rounded(rates[j], 0)}
            moving[name] = _without_unknown(told_of | _joint_rhythm(joints, row, j))
        elif np.isfinite(angle).any():
            resting[name] = round(float(np.nanmedian(angle)))
    told |= {"joints": moving, "resting": resting}
    for name, signal, needed in (
        ("lean", joints.lean_deg, MOVING_DEG),
        ("facing", joints.yaw_deg, TURNED_DEG),
    ):
        if signal is not None and _range(signal[row]) >= needed:
            told[name] = _rounded(signal[row, seen.at], 0)
    return _without_unknown(told)


def _joint_rhythm(joints: JointKinematics, row: int, j: int) -> dict[str, Any]:
    columns = {
        "range": joints.range_deg,
        "energy": joints.energy,
        "spread": joints.sigma,
    }
    told = {name: _digits(column[row, j]) for name, column in columns.items()}
    return told | {
        "high": _share(joints.high_share[row, j]),
        "hz": _digits(joints.dominant_hz[row, j]) or None,
    }


def _rhythm(times_s: Float[np.ndarray, "T"], signal: Float[np.ndarray, "T"]) -> dict[str, Any]:
    """Return the numbers of a signal's spectrum, over the longest time in which it is known; none if that is short."""
    settings = BodySettings()
    runs = stretches(np.isfinite(signal))
    first, last = max(runs, key=lambda run: times_s[run[1]] - times_s[run[0]], default=(0, 0))
    lasts_s = float(times_s[last] - times_s[first]) if len(times_s) else 0.0
    if lasts_s < settings.min_spectrum_s - 1e-9:
        return {}
    total = last - first + 1
    even = np.interp(np.linspace(times_s[first], times_s[last], total), times_s, signal)
    found = spectrum(even, (total - 1) / lasts_s)
    energy = float(found.power.sum())
    if not energy > 0:
        return {}
    share, hz = found.power / energy, found.frequency_hz
    spread = np.sqrt(max(0.0, float(share @ hz**2 - (share @ hz) ** 2)))
    high = float(share[hz > settings.high_hz].sum())
    told = {"energy": _digits(energy), "high": _share(high), "spread": _digits(float(spread))}
    return told | {"hz": _digits(float(hz[found.power.argmax()])) or None}


# --- numbers ------------------------------------------------------------------------------------------------


def _score(name: str, values: Float[np.ndarray, "F"], least: float) -> dict[str, Any]:
    """Return a share of the largest value, under its name, unless that is too small to be one of anything."""
    largest = float(np.nanmax(values)) if np.isfinite(values).sum() >= MIN_SCORED else 0.0
    return {name: _rounded(values / largest, 2)} if largest >= least else {}


def _mean(values: Float[np.ndarray, "W"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) and len(known) >= MIN_KNOWN * len(values) else float("nan")


def _of_known(values: Float[np.ndarray, "J"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _rms(values: Float[np.ndarray, "W"]) -> float:
    return float(np.sqrt(_mean(values**2)))


def _range(values: Float[np.ndarray, "T"]) -> float:
    """Return the range from the 5th to the 95th percentile, as that of joints; 0 where nothing is known."""
    known = values[np.isfinite(values)]
    return float(np.quantile(known, 0.95) - np.quantile(known, 0.05)) if len(known) else 0.0


def _rounded(values: Float[np.ndarray, "F"], decimals: int) -> list[float | int | None]:
    known = [number(float(value)) for value in values]
    return [None if v is None else round(v, decimals) if decimals else round(v) for v in known]


def _digits(value: float) -> float | int | None:
    """Return a number with two digits, or as a whole one."""
    known = number(float(value))
    return None if known is None else round(known) if abs(known) >= 10 else float(f"{known:.2g}")


def _share(value: float) -> float | None:
    known = number(float(value))
    return None if known is None else round(known, 2)


def _without_unknown(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known at all."""

    def known(value: Any) -> bool:
        if isinstance(value, list):
            return any(entry is not None for entry in value)
        return value is not None and value != {}

    told = {key: _without_unknown(value) if key == "rhythm" else value for key, value in told.items()}
    return {key: value for key, value in told.items() if known(value)}
