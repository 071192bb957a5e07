"""Kinematics of a body that may be trusted: the default. What differs from KPM (``kpm``), and why: docs/method.md.

Presentation timestamps; short gaps bridged and long ones left unknown; a polynomial fitted before anything is
differentiated (jitter of 1 cm at 30 fps reads 0.68 m/s otherwise); atan2 angles; the centre of mass from segment
masses; everything also in torso lengths, so that nearness and body size cancel; one-sided spectra in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.geometry import Smoother, inner_angle_deg, median, spectrum
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

MIN_SAMPLES, MIN_JERK_S = 8, 1.0
"""Spectra and jerk need more than so many samples, and jerk so long: it is the third derivative of a place."""
MIN_ENERGY, MIN_PEAK = 1e-9, 1e-6
"""Angles that move by less (deg/s squared, deg/s) rest: what is left is rounding."""
MIN_SWING_DEG = 1.0
"""Sides that swing by less have no phase: the correlation of what stands still is noise."""

SWAP_DEG, SWAP_DEG_S = 90.0, 360.0
"""Shoulders and hips that turn by more from one sample to the next, and faster, have changed sides: a dancer's fast
pirouette is two turns a second, 72 degrees between samples at 10 Hz; a quick turn about takes half a second."""

FEET = {"left_heel": "left_foot_index", "right_heel": "right_foot_index"}


@dataclass(frozen=True)
class BodySettings:
    """How bodies are measured."""

    half_window_s: float = 0.25
    """Half length of the smoothing polynomial of degree 2, 5 samples at 10 Hz: leaves 0.79 of the speed of a swing of
    1 Hz, and makes jitter of 1 cm a speed of 0.032 m/s per coordinate (the difference of two samples: 0.14). 0.35 s, 7
    samples, leaves 0.61 and 0.019."""
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
    min_level: float = 0.5
    """Share of its width (the median over the clip) that a trunk must show from above to face anywhere. Less is left of
    it when the body lies on its side, or turns so fast that smoothing flattens it: two turns a second at 10 Hz."""


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
    """How far the power spreads over frequencies: its standard deviation, Hz. A pure swing keeps 0.57 / duration, from
    the window. (KPM eq. 8 takes that of the amplitudes of all bins, which grows with the clip's length.)"""
    smoothness: Float[np.ndarray, "J"]
    """Log dimensionless jerk of the angle (Balasubramanian et al. 2012): -5.3 for one minimum-jerk reach, lower for
    jerkier movement."""
    jerk_deg_s3: Float[np.ndarray, "J"]
    """Root mean square angular jerk."""
    symmetry: Float[np.ndarray, "P"]
    """Per pair of ``ANGLE_PAIRS``: smaller over larger range of motion, in [0, 1]."""
    phase: Float[np.ndarray, "P"]
    """Per pair: correlation of left and right angle, 1 in unison (jumping jack), -1 in turn (walking)."""


class Trunk(NamedTuple):
    """How a trunk is held, from four smooth points in space; NaN is unknown, all of it in two dimensions.

    The vertical is the camera's: one that looks down by 20 degrees lets all who face it lean forward by 20. Changes
    of lean are sure, a lean that never changes is not. Samples in which the skeleton has swapped its sides are unknown.
    """

    lean_deg: Float[np.ndarray, "T"]
    """Off the vertical towards the body's front, in (-180, 180]: 0 upright, 90 bent level, negative backward."""
    lean_left_deg: Float[np.ndarray, "T"]
    """Off the vertical towards the body's own left; negative to its right."""
    yaw_deg: Float[np.ndarray, "T"]
    """Where the front points, about the vertical: 0 at the camera, 90 to the picture's right (counterclockwise seen
    from above), unwrapped. Over a gap the shorter way round is assumed."""


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
    trunk: Trunk


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
    # Signals are smoothed in rows; what follows reads them much faster if each lies in one piece from the start.
    points = np.ascontiguousarray(points.transpose(1, 2, 0)).transpose(2, 0, 1)
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(_total(points.transpose(1, 0, 2)))
        known = (finite & (score >= settings.min_score).T).T
    raw = bridged(times_s, points, known, settings.max_gap_s)
    total, keypoints, dims = raw.shape
    plan, smoother = _plan(skeleton), Smoother(times_s, settings.half_window_s)
    rows = raw.transpose(1, 2, 0).reshape(-1, total)
    rate = smoother.rate(rows).reshape(keypoints, dims, total)
    # Two kinds of signals are smoothed at once: what has gaps costs a call more than the signals in it.
    axes = _axes(times_s, points[:, plan.trunk], known[:, plan.trunk], settings)
    both = np.concatenate([rows.reshape(keypoints, dims, total)[plan.points], axes])
    both = smoother.value(both.reshape(-1, total)).reshape(both.shape)
    used, axes, used_rate = both[: len(plan.points)], both[len(plan.points) :], rate[plan.points]
    torso = _torso(used, plan)
    com, com_rate = (_weighted(signal, plan, settings.min_mass).T for signal in (used, used_rate))
    angle, turn = _angles(smoother, raw, skeleton)
    return BodyMotion(
        torso=torso,
        point_speed=(np.sqrt(_total(rate.swapaxes(1, 2) ** 2)) / torso).T,
        centre_of_mass=com,
        com_speed=np.linalg.norm(com_rate, axis=1) / torso,
        angle_deg=angle,
        angular_speed_deg_s=turn,
        angles=summary(times_s, angle, turn, settings),
        trunk=_trunk(axes, settings),
    )


def summary(
    times_s: Float[np.ndarray, "T"],
    angle_deg: Float[np.ndarray, "T J"],
    speed_deg_s: Float[np.ndarray, "T J"],
    settings: BodySettings = BodySettings(),
) -> Angles:
    """Return what smooth joint angles, and their speeds, did over all their time."""
    energy, high_share, dominant_hz, sigma = _spectral(times_s, speed_deg_s, settings)
    smoothness, jerk = _jerk(times_s, speed_deg_s)
    span = _range(angle_deg)
    symmetry, phase = _sides(angle_deg, span)
    return Angles(
        range_deg=span,
        rms_deg_s=np.sqrt(_mean(speed_deg_s**2)),
        energy=energy,
        high_share=high_share,
        dominant_hz=dominant_hz,
        sigma=sigma,
        smoothness=smoothness,
        jerk_deg_s3=jerk,
        symmetry=symmetry,
        phase=phase,
    )


def bridged(
    times_s: Float[np.ndarray, "T"],
    points: Float[np.ndarray, "T K C"],
    known: Bool[np.ndarray, "T K"],
    max_gap_s: float,
) -> Float[np.ndarray, "T K C"]:
    """Return points with gaps up to ``max_gap_s`` crossed in straight lines; the rest of the unknown is NaN.

    Where everything is known, they are the given points themselves.
    """
    if known.all():
        return points
    total, _, dims = points.shape
    rows = points.transpose(1, 2, 0).copy()
    gaps = _gaps(times_s, known, max_gap_s)
    missing = gaps.last - gaps.first - 1
    which = np.repeat(np.arange(len(missing)), missing)
    ahead = np.arange(1, len(which) + 1) - (np.cumsum(missing) - missing).take(which)
    began_s = times_s.take(gaps.first)
    lasts_s = times_s.take(gaps.last) - began_s
    since_s = (times_s.take(gaps.first.take(which) + ahead) - began_s.take(which)).astype(points.dtype)
    for c in range(dims):
        start = (gaps.point * dims + c) * total + gaps.first
        before = rows.take(start)
        slope = ((rows.take(start + missing + 1) - before) / lasts_s).astype(points.dtype)
        rows.ravel()[start.take(which) + ahead] = before.take(which) + since_s * slope.take(which)
    unknown = ~np.ascontiguousarray(known.T)
    unknown.ravel()[(gaps.point * total + gaps.first).take(which) + ahead] = False
    np.copyto(rows, np.nan, where=unknown[:, None])
    return rows.transpose(2, 0, 1)


class _Gaps(NamedTuple):
    """Short times in which a point is unknown."""

    point: Int[np.ndarray, "G"]
    first: Int[np.ndarray, "G"]
    """The known sample before."""
    last: Int[np.ndarray, "G"]
    """The known sample after."""


def _gaps(times_s: Float[np.ndarray, "T"], known: Bool[np.ndarray, "T K"], max_gap_s: float) -> _Gaps:
    """Return the gaps between known samples that last at most so long, point by point."""
    total = len(times_s)
    cell = np.flatnonzero(np.ascontiguousarray(known.T))
    step = np.diff(cell)
    gap = np.flatnonzero(step > 1)
    before = cell.take(gap)
    point = before // total
    first = before - point * total
    last = first + step.take(gap)
    # What is missing at the end of a point has its next known cell in another one.
    short = times_s.take(last, mode="clip") - times_s.take(first) <= max_gap_s + 1e-9
    kept = np.flatnonzero(short & (last < total))
    return _Gaps(point.take(kept), first.take(kept), last.take(kept))


def centre_of_mass(
    points: Float[np.ndarray, "T K C"], skeleton: str, min_mass: float = BodySettings.min_mass
) -> Float[np.ndarray, "T C"]:
    """Return the centre of mass from segment masses (de Leva 1996); NaN where too little of the body is known."""
    plan = _plan(skeleton)
    return _weighted(points.transpose(1, 2, 0)[plan.points], plan, min_mass).T


def smoothness(times_s: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T"]) -> float:
    """Return the log dimensionless jerk of a movement from its speed (Balasubramanian et al. 2012).

    -ln((D^3 / v_peak^2) * integral of (d2v/dt2)^2), D the duration of the longest known stretch. NaN if that is shorter
    than a second or nothing moves.
    """
    return float(_jerk(times_s, speed[:, None])[0][0])


# --- parts --------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """Where a skeleton has the points from which its masses and its trunk are measured, P of them."""

    points: Int[np.ndarray, "P"]
    """Which keypoints."""
    place: dict[str, int]
    """Their order, by name."""
    share: Float[np.ndarray, "S P"]
    """The centre of each segment, as a weighted mean of these points."""
    mass: Float[np.ndarray, "S"]
    trunk: list[int]
    """Keypoints: left and right shoulder, left and right hip."""


@cache
def _plan(skeleton: str) -> _Plan:
    """Return it; segments without points in this skeleton are left out."""
    names = SKELETONS[skeleton]
    segments = [s for s in SEGMENTS if {*s.proximal, *s.distal} <= set(names)]
    used = {name for s in segments for name in (*s.proximal, *s.distal)}
    place = {name: i for i, name in enumerate(name for name in names if name in used)}
    share = np.zeros((len(segments), len(place)))
    for row, segment in zip(share, segments, strict=True):
        for ends, weight in ((segment.proximal, 1 - segment.centre), (segment.distal, segment.centre)):
            for name in ends:
                row[place[name]] += weight / len(ends)
    points = np.array([i for i, name in enumerate(names) if name in used])
    trunk = [names.index(name) for name in (*_SHOULDERS, *_HIPS)]
    return _Plan(points, place, share, np.array([s.mass for s in segments]), trunk)


def _total(values: Float[np.ndarray, "A B C"]) -> Float[np.ndarray, "A B"]:
    """Sum of two or three coordinates, faster than along so short an axis."""
    total = values[..., 0] + values[..., 1]
    return total + values[..., 2] if values.shape[2] == 3 else total


def _torso(value: Float[np.ndarray, "P C T"], plan: _Plan) -> float:
    one, two, three, four = (value[plan.place[name]] for name in (*_SHOULDERS, *_HIPS))
    length = np.linalg.norm(one + two - three - four, axis=0) / 2
    length = length[np.isfinite(length)]
    return median(length.astype(np.float64)) if len(length) else float("nan")


def _axes(
    times_s: Float[np.ndarray, "T"],
    points: Float[np.ndarray, "T 4 C"],
    known: Bool[np.ndarray, "T 4"],
    settings: BodySettings,
) -> Float[np.ndarray, "2 C T"]:
    """Return a trunk's way up and to its left from its shoulders and hips; NaN where its sides are swapped."""
    held: Bool[np.ndarray, "T"] = np.asarray(known.all(1))
    left_shoulder, right_shoulder, left_hip, right_hip = points.swapaxes(0, 1)
    up = (left_shoulder + right_shoulder - left_hip - right_hip) / 2
    across = left_shoulder - right_shoulder + left_hip - right_hip
    if points.shape[2] == 3:
        held[held] = ~_swapped(times_s[held], across[held])
    both = bridged(
        times_s, np.stack([up, across], axis=1), np.stack([held, held], axis=1), settings.max_gap_s
    )
    return both.transpose(1, 2, 0)


def _trunk(axes: Float[np.ndarray, "2 C T"], settings: BodySettings) -> Trunk:
    """Return how a trunk is held. x is right, y down and z away from the camera, whose vertical counts."""
    _, dims, total = axes.shape
    nowhere = np.full(total, np.nan)
    if dims < 3:
        return Trunk(nowhere, nowhere, nowhere)
    up, across = axes
    width, level = np.linalg.norm(across, axis=0), np.hypot(across[0], across[2])
    if not np.isfinite(width).any():
        return Trunk(nowhere, nowhere, nowhere)
    with np.errstate(invalid="ignore", divide="ignore"):
        typical = median(width[np.isfinite(width)])
        left = np.where(level > settings.min_level * typical, across[[0, 2]] / level, np.nan)
    front = np.stack([left[1], -left[0]])  # left x up
    forward, sideways = (np.degrees(np.arctan2((up[[0, 2]] * to).sum(0), -up[1])) for to in (front, left))
    yaw = np.degrees(np.arctan2(front[0], -front[1]))
    faces = np.isfinite(yaw)
    yaw[faces] = np.unwrap(yaw[faces], period=360)
    return Trunk(forward, sideways, yaw)


def _swapped(times_s: Float[np.ndarray, "M"], across: Float[np.ndarray, "M 3"]) -> Bool[np.ndarray, "M"]:
    """Return where a skeleton has its left and right the other way round than most of the time.

    Nets take backs for fronts, and profiles for the other side's. That is a turn too quick for a body; where the next
    one leads back, everything in between was swapped.
    """
    if len(across) < 2:
        return np.zeros(len(across), bool)
    cosine = (across[1:] * across[:-1]).sum(1) / np.maximum(
        np.linalg.norm(across[1:], axis=1) * np.linalg.norm(across[:-1], axis=1), 1e-12
    )
    turn = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    quick = (turn > SWAP_DEG) & (turn > SWAP_DEG_S * np.diff(times_s))
    other = np.concatenate([[False], np.cumsum(quick) % 2 == 1])
    return other if 2 * other.sum() <= len(other) else ~other


def _weighted(value: Float[np.ndarray, "P C T"], plan: _Plan, min_mass: float) -> Float[np.ndarray, "C T"]:
    """Return the mass-weighted mean of the segments that are known, of places or of velocities (it is linear)."""
    _, dims, total = value.shape
    known = np.isfinite(value[:, 0])
    filled = value if known.all() else np.where(known[:, None], value, 0)
    centre = (plan.share @ filled.reshape(len(value), -1)).reshape(-1, dims, total)
    weight = plan.mass[:, None] * ((plan.share > 0).astype(float) @ ~known == 0)
    mass = weight.sum(0)
    total_mass = np.where(mass >= min_mass, mass, np.nan)
    return np.einsum("st,sct->ct", weight, centre) / total_mass


def _angles(
    smoother: Smoother, raw: Float[np.ndarray, "T K C"], skeleton: str
) -> tuple[Float[np.ndarray, "T J"], Float[np.ndarray, "T J"]]:
    """Return the angles and their speeds. Which end of the foot is taken is decided once for the clip."""
    nowhere = np.full((len(raw), raw.shape[2]), np.nan)
    used = {name for names in ANGLES.values() for name in names} | {*FEET.values()}
    at = {name: raw[:, i] for i, name in enumerate(SKELETONS[skeleton]) if name in used}
    for heel, toe in FEET.items():
        seen = [int(np.isfinite(at.get(name, nowhere)[:, 0]).sum()) for name in (heel, toe)]
        at[heel] = at.get(heel, nowhere) if 2 * seen[0] >= seen[1] else at[toe]
    corners = (np.stack([at.get(names[i], nowhere) for names in ANGLES.values()]) for i in range(3))
    value, rate = smoother(inner_angle_deg(*corners).astype(np.float64))
    return np.clip(value, 0, 180).T, rate.T


def _range(angle: Float[np.ndarray, "T J"]) -> Float[np.ndarray, "J"]:
    """Return the 95th less the 5th percentile of what is known (NaN is sorted to the end)."""
    if not len(angle):
        return np.full(angle.shape[1], np.nan)
    column = np.arange(angle.shape[1])
    ordered, last = np.sort(angle, axis=0), np.isfinite(angle).sum(0) - 1

    def percentile(q: float) -> Float[np.ndarray, "J"]:
        low, share = np.divmod(q / 100 * np.maximum(last, 0), 1)
        a, b = (ordered[i.astype(int), column] for i in (low, np.minimum(low + 1, np.maximum(last, 0))))
        return a + share * (b - a)

    return percentile(95) - percentile(5)


def _mean(values: Float[np.ndarray, "T J"]) -> Float[np.ndarray, "J"]:
    known = np.isfinite(values)
    counted = known.sum(0)
    return np.where(counted > 0, np.where(known, values, 0).sum(0) / np.maximum(counted, 1), np.nan)


def _longest(known: Bool[np.ndarray, "T J"]) -> tuple[Int[np.ndarray, "J"], Int[np.ndarray, "J"]]:
    """Return the longest known stretch of each column: its first sample, and how many it has (0 where none)."""
    total, columns = known.shape
    padded = np.zeros((columns, total + 2), np.int8)
    padded[:, 1:-1] = known.T
    edge = np.diff(padded).ravel()
    begin, end = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    column, length = begin // (total + 1), end - begin
    first, longest = np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    for run in np.argsort(length, kind="stable").tolist():  # the last that is written is the longest
        first[column[run]], longest[column[run]] = begin[run] % (total + 1), length[run]
    return first, longest


def _spectral(
    times_s: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T J"], settings: BodySettings
) -> Float[np.ndarray, "4 J"]:
    """Return energy, share of high frequencies, strongest frequency and sigma of each signal."""
    frequency, power = _spectra(times_s, speed, settings)
    energy = power.sum(1)
    moves = energy >= MIN_ENERGY
    part = power / np.where(moves, energy, np.nan)[:, None]
    share = np.where(frequency > settings.high_hz, part, 0).sum(1)
    strongest = np.take_along_axis(frequency, power.argmax(1)[:, None], axis=1)[:, 0]
    with np.errstate(invalid="ignore"):
        sigma = np.sqrt((part * frequency**2).sum(1) - (part * frequency).sum(1) ** 2)
    return np.stack([energy, np.where(moves, share, np.nan), np.where(moves, strongest, np.nan), sigma])


def _spectra(
    times_s: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T J"], settings: BodySettings
) -> tuple[Float[np.ndarray, "J F"], Float[np.ndarray, "J F"]]:
    """Return frequencies and power of each signal over its longest known stretch.

    Shorter stretches have fewer frequencies: the others are 0, without power. What is too short has unknown power.
    """
    filled = bridged(times_s, speed[..., None], np.isfinite(speed), settings.max_gap_s)[..., 0]
    first, longest = _longest(np.isfinite(filled))
    frequency, power = np.zeros((2, speed.shape[1], len(times_s) // 2 + 1))
    for start, length in {*zip(first.tolist(), longest.tolist(), strict=True)}:
        columns = np.flatnonzero((first == start) & (longest == length))
        stretch = slice(start, start + length)
        times = times_s[stretch]
        if length <= MIN_SAMPLES or times[-1] - times[0] < settings.min_spectrum_s - 1e-9:
            power[columns] = np.nan
            continue
        lines = spectrum(
            _evenly(times, filled[stretch, columns]).T, (length - 1) / float(times[-1] - times[0])
        )
        frequency[columns, : len(lines.frequency_hz)] = lines.frequency_hz
        power[columns, : len(lines.frequency_hz)] = lines.power
    return frequency, power


def _evenly(times_s: Float[np.ndarray, "M"], values: Float[np.ndarray, "M J"]) -> Float[np.ndarray, "M J"]:
    """Return signals at as many even times, by straight lines between the samples."""
    grid = np.linspace(times_s[0], times_s[-1], len(times_s))
    if float(np.abs(grid - times_s).max()) < 1e-6 * float(grid[1] - grid[0]):
        return values
    left = np.clip(np.searchsorted(times_s, grid, side="right") - 1, 0, len(times_s) - 2)
    share = ((grid - times_s[left]) / (times_s[left + 1] - times_s[left]))[:, None]
    return (1 - share) * values[left] + share * values[left + 1]


def _jerk(
    times_s: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T J"]
) -> tuple[Float[np.ndarray, "J"], Float[np.ndarray, "J"]]:
    """Return smoothness and root mean square jerk of each signal, over its longest known stretch.

    Jerk is the curvature of the speed, from each sample and its two neighbours; the ends take that of the sample
    beside them.
    """
    smooth, jerk = np.full((2, speed.shape[1]), np.nan)
    if len(times_s) <= MIN_SAMPLES:
        return smooth, jerk
    first, longest = _longest(np.isfinite(speed))
    last = np.maximum(first + longest - 1, 0)
    duration = times_s[last] - times_s[first]
    step = np.diff(times_s)
    slope = np.diff(speed, axis=0) / step[:, None]
    within = (step[1:] + step[:-1]) / 2
    curve = np.diff(slope, axis=0) / within[:, None]
    sample = np.arange(1, len(times_s) - 1)[:, None]
    opening = step[np.minimum(first, len(step) - 1)]  # of one sample at the very end there is none
    span = within[:, None] + (sample == first + 1) * opening / 2 + (sample == last - 1) * step[last - 1] / 2
    inside = (sample > first) & (sample < last)
    square = np.where(inside, curve**2 * span, 0).sum(0)
    sample = np.arange(len(times_s))[:, None]
    peak = np.where((sample >= first) & (sample <= last), np.abs(speed), 0).max(0)
    enough = (longest > MIN_SAMPLES) & (duration >= MIN_JERK_S - 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        jerk = np.where(enough, np.sqrt(square / duration), np.nan)
        relative = np.maximum(duration**3 / peak**2 * square, 1e-12)
        smooth = np.where(enough & (peak >= MIN_PEAK), -np.log(relative), np.nan)
    return smooth, jerk


def _sides(
    angle: Float[np.ndarray, "T J"], span: Float[np.ndarray, "J"]
) -> tuple[Float[np.ndarray, "P"], Float[np.ndarray, "P"]]:
    """Return symmetry and phase of each pair, from the angles and their ranges of motion."""
    names = list(ANGLES)
    left, right = ([names.index(f"{side}_{pair}") for pair in ANGLE_PAIRS] for side in ("left", "right"))
    low, high = np.minimum(span[left], span[right]), np.maximum(span[left], span[right])
    one, two = angle[:, left], angle[:, right]
    both = np.isfinite(one) & np.isfinite(two)
    counted = both.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        one, two = (np.where(both, x - np.where(both, x, 0).sum(0) / counted, 0) for x in (one, two))
        correlation = (one * two).sum(0) / np.sqrt((one**2).sum(0) * (two**2).sum(0))
        symmetry = np.where(high > 0, low / high, np.nan)
        phase = np.where((counted >= 3) & (low > MIN_SWING_DEG), correlation, np.nan)
    return symmetry, phase
