"""Kinematics of a body that may be trusted: the default. What differs from KPM (``kpm``), and why: docs/method.md.

Presentation timestamps; short gaps bridged and long ones left unknown; a polynomial fitted before anything is
differentiated (jitter of 1 cm at 30 fps reads 0.68 m/s otherwise); atan2 angles; the centre of mass from segment
masses; everything also in torso lengths, so that nearness and body size cancel; one-sided spectra in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.geometry import fill_gaps, inner_angle_deg, smooth, spectrum, stretches
from kinescribe.vocabulary import ANGLE_PAIRS, ANGLES, SKELETONS


class Segment(NamedTuple):
    """A part of the body: where it begins and ends (means of named points), its mass and where that sits."""

    proximal: tuple[str, ...]
    distal: tuple[str, ...]
    mass: float
    """Share of the body's mass."""
    centre: float
    """Place of the segment's centre of mass, from proximal (0) to distal (1)."""


_SHOULDERS, _HIPS = ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")


def _both(proximal: str, distal: str, mass: float, centre: float) -> tuple[Segment, ...]:
    return tuple(
        Segment((f"{side}_{proximal}",), (f"{side}_{distal}",), mass, centre) for side in ("left", "right")
    )


SEGMENTS = (
    # The head's landmarks (vertex, chin) are no keypoints: its centre of mass lies between the ears.
    Segment(("left_ear", "right_ear"), ("left_ear", "right_ear"), 0.0694, 0.0),
    Segment(_SHOULDERS, _HIPS, 0.4346, 0.4486),
    *_both("shoulder", "elbow", 0.0271, 0.5772),
    *_both("elbow", "wrist", 0.0162, 0.4574),
    *_both("wrist", "index", 0.0061, 0.7900),
    *_both("hip", "knee", 0.1416, 0.4095),
    *_both("knee", "ankle", 0.0433, 0.4459),
    *_both("heel", "foot_index", 0.0137, 0.4415),
)
"""De Leva, J. Biomechanics 29 (1996), table 4, men: masses and centres of mass (women differ by up to 2 % of the body's
mass in the thighs). ``index`` is the first knuckle of the index finger, near de Leva's third metacarpal."""

FEET = {"left_heel": "left_foot_index", "right_heel": "right_foot_index"}


@dataclass(frozen=True)
class BodySettings:
    """How bodies are measured."""

    half_window_s: float = 0.25
    """Half length of the smoothing polynomial of degree 2, 5 samples at 10 Hz: leaves 0.78 of the speed of a swing of
    1 Hz and a third of a sample's jitter. (0.35 s leaves 0.59 and a fifth.)"""
    min_score: float = 0.6
    """A point below this is unknown, and an angle needs all three of its points (KPM appendix B.2)."""
    max_gap_s: float = 0.3
    """Longer gaps stay unknown (0.3 s is three samples at 10 Hz, in which a fast arm swings once)."""
    min_mass: float = 0.7
    """Share of the body's mass that must be in view for a centre of mass: trunk, thighs and one thing more."""
    high_hz: float = 2.5
    """Where high frequencies begin."""
    min_spectrum_s: float = 1.0
    """A shorter stretch has no spectrum to speak of."""


class Angles(NamedTuple):
    """What a body's joint angles did, over all its time. J is the order of ``vocabulary.ANGLES``; NaN is unknown."""

    range_deg: Float[np.ndarray, "J"]
    """Range of motion: from the 5th to the 95th percentile, which one bad sample cannot move."""
    rms_deg_s: Float[np.ndarray, "J"]
    """Root mean square angular speed. (KPM's signed mean is zero for every oscillation.)"""
    energy: Float[np.ndarray, "J"]
    """Mean square of the angular speed without its mean, (deg/s)^2: KPM eq. 6 divided by the length, one-sided."""
    high_share: Float[np.ndarray, "J"]
    """Share of ``energy`` above ``high_hz`` (KPM eq. 7 with the cut in Hz)."""
    dominant_hz: Float[np.ndarray, "J"]
    """Frequency of the strongest line."""
    sigma: Float[np.ndarray, "J"]
    """Standard deviation of the amplitude spectrum, deg/s (KPM eq. 8)."""
    smoothness: Float[np.ndarray, "J"]
    """Log dimensionless jerk of the angle (Balasubramanian et al. 2012): -5.3 for one minimum-jerk reach, lower for
    jerkier movement."""
    symmetry: Float[np.ndarray, "P"]
    """Per pair of ``ANGLE_PAIRS``: smaller over larger range of motion, in [0, 1]."""
    phase: Float[np.ndarray, "P"]
    """Per pair: correlation of left and right angle, 1 in unison (jumping jack), -1 in turn (walking)."""


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """One body over time; NaN is unknown."""

    torso: float
    """Median distance of the middles of shoulders and hips, in the unit of the points: the body's own yardstick."""
    point_speed: Float[np.ndarray, "T K"]
    """Of every keypoint, in torsos per second."""
    centre_of_mass: Float[np.ndarray, "T C"]
    """In the unit and frame of the points: relative to the hips if they are."""
    com_speed: Float[np.ndarray, "T"]
    """Of the centre of mass, in torsos per second."""
    angle_deg: Float[np.ndarray, "T J"]
    """Inner angles in [0, 180], order of ``vocabulary.ANGLES``."""
    angular_speed_deg_s: Float[np.ndarray, "T J"]
    """Signed: positive opens."""
    angles: Angles


def measure(
    points: Float[np.ndarray, "T K C"],
    score: Float[np.ndarray, "T K"],
    times_s: Float[np.ndarray, "T"],
    skeleton: str,
    settings: BodySettings = BodySettings(),
) -> BodyMotion:
    """Measure one body.

    Args:
        points: keypoints, two or three coordinates in any unit; NaN where unknown.
        score: their confidence in [0, 1].
        times_s: increasing presentation times.
        skeleton: key of ``vocabulary.SKELETONS``.
        settings: thresholds.
    """
    with np.errstate(invalid="ignore"):
        known = (score >= settings.min_score) & np.isfinite(points).all(-1)
    raw = bridged(times_s, points, known, settings.max_gap_s)
    total, keypoints, dims = raw.shape
    rows = raw.transpose(1, 2, 0).reshape(-1, total)
    value, rate = (
        signal.reshape(keypoints, dims, total) for signal in smooth(times_s, rows, settings.half_window_s)
    )
    place = {name: i for i, name in enumerate(SKELETONS[skeleton])}
    torso = _torso(value, place)
    com, com_rate = (_weighted(signal, place, settings.min_mass).T for signal in (value, rate))
    angle, turn = _angles(times_s, raw, place, settings)
    return BodyMotion(
        torso=torso,
        point_speed=np.sqrt(np.einsum("kct,kct->tk", rate, rate)) / torso,
        centre_of_mass=com,
        com_speed=np.linalg.norm(com_rate, axis=1) / torso,
        angle_deg=angle,
        angular_speed_deg_s=turn,
        angles=summary(times_s, angle, turn, settings),
    )


def summary(
    times_s: Float[np.ndarray, "T"],
    angle_deg: Float[np.ndarray, "T J"],
    speed_deg_s: Float[np.ndarray, "T J"],
    settings: BodySettings = BodySettings(),
) -> Angles:
    """Return what smooth joint angles, and their speeds, did over all their time."""
    lines = np.array([_spectral(times_s, column, settings) for column in speed_deg_s.T])
    energy, high_share, dominant_hz, sigma = lines.T
    symmetry, phase = _sides(angle_deg)
    return Angles(
        range_deg=_range(angle_deg),
        rms_deg_s=np.sqrt(_mean(speed_deg_s**2)),
        energy=energy,
        high_share=high_share,
        dominant_hz=dominant_hz,
        sigma=sigma,
        smoothness=np.array([smoothness(times_s, column) for column in speed_deg_s.T]),
        symmetry=symmetry,
        phase=phase,
    )


def bridged(
    times_s: Float[np.ndarray, "T"],
    points: Float[np.ndarray, "T K C"],
    known: Bool[np.ndarray, "T K"],
    max_gap_s: float,
) -> Float[np.ndarray, "T K C"]:
    """Return points with gaps up to ``max_gap_s`` crossed in straight lines; the rest of the unknown is NaN."""
    clean = np.where(known[..., None], points, np.nan)
    if known.all() or not len(points):
        return clean
    index = np.arange(len(points))[:, None]
    before = np.maximum.accumulate(np.where(known, index, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, index, len(points))[::-1], axis=0)[::-1]
    inside = ~known & (before >= 0) & (after < len(points))
    sample, point = np.nonzero(inside)
    a, b = before[sample, point], after[sample, point]
    short = times_s[b] - times_s[a] <= max_gap_s + 1e-9
    sample, point, a, b = sample[short], point[short], a[short], b[short]
    share = ((times_s[sample] - times_s[a]) / (times_s[b] - times_s[a]))[:, None]
    clean[sample, point] = (1 - share) * points[a, point] + share * points[b, point]
    return clean


def centre_of_mass(
    points: Float[np.ndarray, "T K C"], skeleton: str, min_mass: float = BodySettings.min_mass
) -> Float[np.ndarray, "T C"]:
    """Return the centre of mass from segment masses (de Leva 1996); NaN where too little of the body is known."""
    place = {name: i for i, name in enumerate(SKELETONS[skeleton])}
    return _weighted(points.transpose(1, 2, 0), place, min_mass).T


def smoothness(times_s: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T"]) -> float:
    """Return the log dimensionless jerk of a movement from its speed (Balasubramanian et al. 2012).

    -ln((D^3 / v_peak^2) * integral of (d2v/dt2)^2), D the duration of the longest known stretch. NaN if that is shorter
    than a second or nothing moves.
    """
    a, b = _longest(speed)
    if b - a < 8 or times_s[b] - times_s[a] < 1.0:
        return np.nan
    times, values = times_s[a : b + 1], speed[a : b + 1]
    peak, duration = float(np.abs(values).max()), float(times[-1] - times[0])
    if peak < 1e-6:
        return np.nan
    jerk = np.gradient(np.gradient(values, times), times)
    return float(-np.log(max(duration**3 / peak**2 * np.trapezoid(jerk**2, times), 1e-12)))


# --- parts --------------------------------------------------------------------------------------------------


def _torso(value: Float[np.ndarray, "K C T"], place: dict[str, int]) -> float:
    upper, lower = (value[[place[name] for name in names]].mean(0) for names in (_SHOULDERS, _HIPS))
    length = np.linalg.norm(upper - lower, axis=0)
    return float(np.nanmedian(length)) if np.isfinite(length).any() else float("nan")


def _weighted(
    value: Float[np.ndarray, "K C T"], place: dict[str, int], min_mass: float
) -> Float[np.ndarray, "C T"]:
    """Return the mass-weighted mean of the segments that are known, of places or of velocities (it is linear)."""
    total = np.zeros(value.shape[1:])
    mass = np.zeros(value.shape[2])
    for segment in SEGMENTS:
        if not all(name in place for name in (*segment.proximal, *segment.distal)):
            continue
        ends = [
            value[[place[name] for name in names]].mean(0) for names in (segment.proximal, segment.distal)
        ]
        centre = (1 - segment.centre) * ends[0] + segment.centre * ends[1]
        known = np.isfinite(centre[0])
        mass += segment.mass * known
        total += segment.mass * np.where(known, centre, 0)
    return np.where(mass >= min_mass, total / np.maximum(mass, 1e-9), np.nan)


def _angles(
    times_s: Float[np.ndarray, "T"],
    raw: Float[np.ndarray, "T K C"],
    place: dict[str, int],
    settings: BodySettings,
) -> tuple[Float[np.ndarray, "T J"], Float[np.ndarray, "T J"]]:
    """Return the angles and their speeds. Which end of the foot is taken is decided once for the clip."""
    nowhere = np.full((len(raw), raw.shape[2]), np.nan)
    at = {name: raw[:, i] for name, i in place.items()}
    for heel, toe in FEET.items():
        seen = [int(np.isfinite(at.get(name, nowhere)[:, 0]).sum()) for name in (heel, toe)]
        at[heel] = at.get(heel, nowhere) if 2 * seen[0] >= seen[1] else at[toe]
    corners = [np.stack([at.get(names[i], nowhere) for names in ANGLES.values()]) for i in range(3)]
    value, rate = smooth(times_s, inner_angle_deg(*corners), settings.half_window_s)
    return np.clip(value, 0, 180).T, rate.T


def _range(angle: Float[np.ndarray, "T J"]) -> Float[np.ndarray, "J"]:
    known = np.isfinite(angle).any(0)
    result = np.full(angle.shape[1], np.nan)
    if known.any():
        low, high = np.nanpercentile(angle[:, known], [5, 95], axis=0)
        result[known] = high - low
    return result


def _mean(values: Float[np.ndarray, "T J"]) -> Float[np.ndarray, "J"]:
    known = np.isfinite(values)
    counted = known.sum(0)
    return np.where(counted > 0, np.where(known, values, 0).sum(0) / np.maximum(counted, 1), np.nan)


def _longest(signal: Float[np.ndarray, "T"]) -> tuple[int, int]:
    return max(stretches(np.isfinite(signal)), key=lambda run: run[1] - run[0], default=(0, 0))


def _spectral(
    times_s: Float[np.ndarray, "T"], column: Float[np.ndarray, "T"], settings: BodySettings
) -> tuple[float, float, float, float]:
    filled = fill_gaps(times_s, column, settings.max_gap_s) if np.isnan(column).any() else column
    a, b = _longest(filled)
    if b - a < 8 or times_s[b] - times_s[a] < settings.min_spectrum_s - 1e-9:
        return (np.nan,) * 4
    times = times_s[a : b + 1]
    grid = np.linspace(times[0], times[-1], len(times))
    even = np.interp(grid, times, filled[a : b + 1])
    frequency, power = spectrum(even, (len(grid) - 1) / float(grid[-1] - grid[0]))
    total = float(power.sum())
    if total < 1e-9:
        return total, np.nan, np.nan, 0.0
    high = float(power[frequency > settings.high_hz].sum()) / total
    return total, high, float(frequency[power.argmax()]), float(np.sqrt(power).std())


def _sides(angle: Float[np.ndarray, "T J"]) -> tuple[Float[np.ndarray, "P"], Float[np.ndarray, "P"]]:
    index = {name: i for i, name in enumerate(ANGLES)}
    span = _range(angle)
    symmetry, phase = np.full(len(ANGLE_PAIRS), np.nan), np.full(len(ANGLE_PAIRS), np.nan)
    for p, name in enumerate(ANGLE_PAIRS):
        left, right = (index[f"{side}_{name}"] for side in ("left", "right"))
        low, high = sorted((float(span[left]), float(span[right])))
        if high > 0:
            symmetry[p] = low / high
        both: Int[np.ndarray, "M"] = np.flatnonzero(
            np.isfinite(angle[:, left]) & np.isfinite(angle[:, right])
        )
        if len(both) >= 3 and low > 1.0:  # a degree: correlation of what stands still is noise
            phase[p] = float(np.corrcoef(angle[both, left], angle[both, right])[0, 1])
    return symmetry, phase
