"""The kinematics of KPM-Bench exactly as published (section 3.1, eq. 1-8; appendix B.1 table 4 and B.2).

For comparison with the paper: nothing in Kinescribe rests on these numbers. What is wrong with them, and what the
default does instead, stands in docs/method.md; ``kinescribe.kinematics.body`` is the default.

What the paper leaves open, and the side taken (those that may be changed are fields of ``KpmSettings``):

1. *Which 32 frames* (appendix D). Evenly spread, first and last included: a movement's end is part of it. (``frames``)
2. *Delta t of 32 uniform frames.* The true time between the frames taken; eq. 1 and 4 are rates per second.
3. *A score of exactly 0.6.* B.2 calls points "below 0.6" invalid, but wants scores "greater than 0.6" for an angle.
   The stricter of the two for both. (``threshold``)
4. *K of eq. 2 when points are missing.* They are "excluded from subsequent calculations": the number that is left.
   Dividing by 133 would slow a body down that is half hidden.
5. *When the toe replaces the heel* (table 4). Frame by frame, as it reads. (``ankle_per_frame``)
6. *The first frame has no rate.* The signals of eq. 5 are T - 1 long, and that is their T.
7. *Which signals eq. 5 transforms.* The mean speed of eq. 2, and omega of every joint; ``spectral`` does the same with
   any other, as ``spectral(found.speed.T)`` for every point.
8. *Unknown values in eq. 5.* Bridged by straight lines, ends held: a transform has no gaps.
9. *V[k]^2 of a complex number* (eq. 6-8). |V[k]|^2, and |V[k]| in eq. 8: no choice. Only that is an energy; the sum of
   V[k]^2 of 10 s of a 1 Hz sine of phase 0.7, at 30 frames per second, is -7649.
10. *Delta of eq. 7*, a bin without a number. (``delta``)
11. *k up to T - 1 in eq. 7*: the mirrored low frequencies count as high. As published. (``one_sided``)
12. *Velocity and angular-velocity score*, named without a formula. The share of the clip's largest value: it tells
    vigorous frames from calm ones, and needs no constant.
13. *When nothing is reliable* (B.2). No kinematics: ``measure`` gives None. So it does where no point is reliable in
    two neighbouring frames, since nothing then has a speed.

Eq. 2 is called a centre of mass; it is the mean speed of all points, and computed under the name ``mean_speed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.vocabulary import ANGLES, SKELETONS

FALLBACK = {"left_heel": "left_foot_index", "right_heel": "right_foot_index"}
"""Table 4: the big toe where the heel is not known."""


@dataclass(frozen=True)
class KpmSettings:
    """The published numbers, and one side of every open question."""

    frames: int | None = 32
    """Uniform frames; a shorter clip gives all of its own, none twice. None takes all."""
    threshold: float = 0.6
    """A point counts with a score above this (B.2), and an angle with three such points."""
    delta: int = 8
    """Bin above which frequencies are "high" in eq. 7: 8 of 32 bins is half of the Nyquist frequency."""
    one_sided: bool = False
    """Sum eq. 7 up to the Nyquist frequency only. As published, k runs to T - 1 and counts the mirrored low
    frequencies as high: a pure slow sine gets one half whatever delta is."""
    ankle_per_frame: bool = True
    """Ask anew in each frame for the end of the foot; the angle jumps where it changes. Otherwise it is chosen once for
    the clip, as the default kinematics do."""

    def __post_init__(self) -> None:
        if self.frames is not None and self.frames < 2:
            raise ValueError("frames must be at least 2, or None for all")
        if not 0 <= self.threshold <= 1:
            raise ValueError("threshold must lie in [0, 1]")
        if self.delta < 0:
            raise ValueError("delta must be at least 0")


class Spectral(NamedTuple):
    """Eq. 5-8 of one or more signals; NaN where a signal is nowhere known."""

    magnitude: Float[np.ndarray, "S F"]
    """|V[k]|, k = 0 ... T-1, two-sided: the paper's "FFT sequence"."""
    energy: Float[np.ndarray, "S"]
    """E, eq. 6."""
    high_share: Float[np.ndarray, "S"]
    """P, eq. 7; NaN for a signal that is zero."""
    sigma: Float[np.ndarray, "S"]
    """sigma, eq. 8: of the magnitudes."""


@dataclass(frozen=True, eq=False)
class KpmKinematics:
    """All that section 3.3 hands to the annotator, for one person; None stands for nobody (``measure``).

    Rates begin at the second frame: axis U is T - 1 long, entry u is between frames u and u + 1.
    """

    frame: Int[np.ndarray, "T"]
    """Which frames were taken."""
    speed: Float[np.ndarray, "U K"]
    """v_k, eq. 1, units of the points per second; NaN unless the point is known in both frames."""
    mean_speed: Float[np.ndarray, "U"]
    """"v_cm", eq. 2: the mean speed of the points that are known."""
    angle_rad: Float[np.ndarray, "T J"]
    """eta, eq. 3, in [0, pi]; order of ``ANGLES``."""
    angular_velocity: Float[np.ndarray, "U J"]
    """omega, eq. 4, rad/s, signed."""
    joint_mean: Float[np.ndarray, "J"]
    """Each angle's mean omega over time. Signed: an oscillation averages to (last - first) / duration."""
    mean_angular_velocity: float
    """omega-bar, eq. 4: the mean of ``joint_mean``; NaN without any angle."""
    velocity_score: Float[np.ndarray, "U"]
    """Mean speed as a share of its largest, in [0, 1]; 0 for a body that rests."""
    angular_velocity_score: Float[np.ndarray, "U"]
    """The same of the mean |omega| of the known joints."""
    velocity_spectrum: Spectral
    """Of the mean speed: S = 1."""
    angular_spectrum: Spectral
    """Of every joint's omega: S = J."""


def measure(
    points: Float[np.ndarray, "T K 3"],
    score: Float[np.ndarray, "T K"],
    times_s: Float[np.ndarray, "T"],
    skeleton: str = "coco_wholebody133",
    settings: KpmSettings = KpmSettings(),
) -> KpmKinematics | None:
    """Compute the published quantities of one person.

    Args:
        points: x, y, z of every keypoint, any unit.
        score: confidence of every keypoint in [0, 1].
        times_s: increasing presentation times.
        skeleton: key of ``vocabulary.SKELETONS``.
        settings: the published numbers.

    Returns:
        None where the paper falls back to raw video (B.2): fewer than two frames, or no point reliable in two
        neighbouring ones.
    """
    frame = _uniform(len(times_s), settings.frames)
    at = points if len(frame) == len(points) else points[frame]
    with np.errstate(invalid="ignore"):
        known = (score[frame] > settings.threshold) & np.isfinite(_sum(at))
    both = known[1:] & known[:-1]
    if len(frame) < 2 or not both.any():
        return None
    step = np.diff(times_s[frame])
    way = at[1:] - at[:-1]
    speed = np.where(both, np.sqrt(_sum(way * way)) / step[:, None], np.nan)  # eq. 1
    mean_speed = _mean(speed)  # eq. 2
    angle = _angles(at, known, skeleton, settings)  # eq. 3
    omega = np.diff(angle, axis=0) / step[:, None]  # eq. 4
    joint_mean = _mean(omega.T)
    return KpmKinematics(
        frame=frame,
        speed=speed,
        mean_speed=mean_speed,
        angle_rad=angle,
        angular_velocity=omega,
        joint_mean=joint_mean,
        mean_angular_velocity=float(_mean(joint_mean[None])[0]),
        velocity_score=_share_of_largest(mean_speed),
        angular_velocity_score=_share_of_largest(_mean(np.abs(omega))),
        velocity_spectrum=spectral(mean_speed[None], settings),
        angular_spectrum=spectral(omega.T, settings),
    )


def _uniform(total: int, frames: int | None) -> Int[np.ndarray, "T"]:
    if frames is None or total <= frames:
        return np.arange(total)
    return np.linspace(0, total - 1, frames).round().astype(np.int64)


def _angles(
    at: Float[np.ndarray, "T K 3"], known: Bool[np.ndarray, "T K"], skeleton: str, settings: KpmSettings
) -> Float[np.ndarray, "T J"]:
    """Eq. 3. A skeleton without feet has no ankles' angles: NaN."""
    used = {*FALLBACK.values(), *(name for names in ANGLES.values() for name in names)}
    place = {
        name: np.where(known[:, i, None], at[:, i], np.nan)
        for i, name in enumerate(SKELETONS[skeleton])
        if name in used
    }
    nowhere = np.full((len(at), 3), np.nan)
    ends = {
        name: _preferred(place.get(name, nowhere), place.get(other, nowhere), settings.ankle_per_frame)
        for name, other in FALLBACK.items()
    }
    place |= ends
    corners = [[place.get(name, nowhere) for name in names] for names in ANGLES.values()]
    a, vertex, c = (np.stack([corner[i] for corner in corners], axis=1) for i in range(3))
    one, two = a - vertex, c - vertex
    square = np.einsum("tjc,tjc->tj", one, one) * np.einsum("tjc,tjc->tj", two, two)
    with np.errstate(invalid="ignore"):
        cosine = np.einsum("tjc,tjc->tj", one, two) / np.sqrt(np.where(square > 0, square, np.nan))
    return np.arccos(np.clip(cosine, -1, 1))


def _preferred(
    first: Float[np.ndarray, "T 3"], second: Float[np.ndarray, "T 3"], per_frame: bool
) -> Float[np.ndarray, "T 3"]:
    known = np.isfinite(first[:, 0])
    if per_frame:
        return np.where(known[:, None], first, second)
    return (
        first if 2 * known.sum() >= np.isfinite(second[:, 0]).sum() else second
    )  # preferred: unless mostly unseen


def _sum(vectors: Float[np.ndarray, "U K 3"]) -> Float[np.ndarray, "U K"]:
    """Sum of the three coordinates, faster than along so short an axis."""
    return vectors[..., 0] + vectors[..., 1] + vectors[..., 2]


def _mean(values: Float[np.ndarray, "S U"]) -> Float[np.ndarray, "S"]:
    """Mean of what is known in each row; NaN where nothing is."""
    known = np.isfinite(values)
    counted = known.sum(1)
    total = np.where(known, values, 0).sum(1)
    return np.where(counted > 0, total / np.maximum(counted, 1), np.nan)


def _share_of_largest(values: Float[np.ndarray, "U"]) -> Float[np.ndarray, "U"]:
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else np.nan
    return values / largest if largest > 0 else np.where(np.isfinite(values), 0.0, np.nan)


def spectral(signals: Float[np.ndarray, "S U"], settings: KpmSettings) -> Spectral:
    """Eq. 5-8. Open: what a transform does where a signal is unknown; it is bridged by straight lines."""
    filled = _bridged(signals)
    length = signals.shape[1]
    magnitude = np.abs(np.fft.fft(filled, axis=1))  # eq. 5
    power = magnitude**2
    energy = power.sum(1)  # eq. 6
    last = length // 2 + 1 if settings.one_sided else length
    high, total = power[:, settings.delta + 1 : last].sum(1), power[:, :last].sum(1)
    share = np.where(total > 0, high / np.where(total > 0, total, 1), np.nan)  # eq. 7
    return Spectral(magnitude, energy, share, magnitude.std(axis=1))  # eq. 8


def _bridged(signals: Float[np.ndarray, "S U"]) -> Float[np.ndarray, "S U"]:
    known: Bool[np.ndarray, "S U"] = np.isfinite(signals)
    filled = signals.copy()
    for row in np.flatnonzero(known.any(1) & ~known.all(1)):
        at = np.flatnonzero(known[row])
        filled[row] = np.interp(np.arange(signals.shape[1]), at, signals[row, at])
    return filled
