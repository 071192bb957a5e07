"""What the camera did in a whole clip: FoundationMotion's score, and words.

All lengths here are shares of the picture's longer side, so nothing depends on the resolution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import uniform_filter1d

from kinescribe.geometry import apply_affine, compose_affine, invert_affine

SCORE_SAMPLES = 8
"""FoundationMotion looks at this many frames, spread evenly over the clip."""
FOV_DEG = 60
"""Assumed angle of view of the longer side; 50 makes the rotation terms 19 % smaller, 80 makes them 45 % larger."""
STATIC_SCORE = 0.05
"""14 of 15 clips that are static by eye lie below (perception 3.3)."""


class Clear(NamedTuple):
    """When a motion deserves a word."""

    net: float
    """From first to last sample, if most of the way was in this direction."""
    run: float
    """In one go, even if it comes back."""
    still: float
    """Less than this is nothing."""


SHIFT = Clear(net=0.08, run=0.2, still=0.01)
"""5 and 11 degrees at the assumed angle of view."""
LOG_SCALE = Clear(net=float(np.log(1.06)), run=float(np.log(1.25)), still=0.01)
ROLL_DEG = Clear(net=4, run=12, still=0.6)
TREMBLE, TREMBLE_WINDOW_S, REVERSALS = 0.0012, 1.0, 0.2
"""Hand-held: the path leaves its one-second mean by this (0.4 px at 320) and often turns back."""
MAX_UNKNOWN = 0.2
"""Share of the steps without a trusted map from which on the motion is ``complex``."""

WINDOW_S = 2.0
MIN_STEPS = 5
MOVING_PX = 0.3
"""Of the tracker's small picture."""
MIN_MOVING_CELLS, MIN_RADIAL, MIN_SECTORS = 0.4, 0.75, 5
"""Driving (motorway clip): 85 to 95 % of the cells move on, 80 to 95 % of them away from one point, in 7 to 8 of
eight sectors round it. A static camera has few cells that move on in the median of two seconds."""
MAX_PLANE_RATIO = 0.6
"""Expansion that a similarity explains this well is a zoom (or a move towards a wall): no parallax."""

LABELS = {
    "x": ("pan_left", "pan_right"),  # content to the right: the camera turns left
    "y": ("tilt_up", "tilt_down"),  # content down: the camera turns up
    "log_scale": ("zoom_in", "zoom_out"),
    "roll_deg": ("roll_counterclockwise", "roll_clockwise"),  # content clockwise: the camera the other way
}


class Path(NamedTuple):
    """Where the picture's content is, step by step, relative to the first sample."""

    x: Float[np.ndarray, "T"]
    y: Float[np.ndarray, "T"]
    log_scale: Float[np.ndarray, "T"]
    roll_deg: Float[np.ndarray, "T"]
    """Clockwise as seen."""


class Score(NamedTuple):
    """s_m and its terms: mean dt, mean dr, max dt, max dr."""

    value: float
    terms: Float[np.ndarray, "4"]


def score(steps: Float[np.ndarray, "M 2 3"], size: tuple[float, float]) -> Score:
    """Return FoundationMotion's camera score from maps between neighbouring samples.

    dr is the Frobenius norm of the difference of two rotation matrices, dt the change of distance in mean scene
    depths. Shifts are booked as rotation; were they sideways moves, the score would differ by at most sqrt(2).

    Args:
        steps: from each sample's pixels to those of the one before; unknown steps as best guessed, never NaN.
        size: width and height in the same pixels.
    """
    picked = np.unique(np.linspace(0, len(steps), SCORE_SAMPLES).round().astype(int))
    if len(picked) < 2:
        return Score(0.0, np.zeros(4))
    moved = [_shift(_chain(steps[i:j]), size) for i, j in zip(picked[:-1], picked[1:], strict=True)]
    x, y, log_scale, roll = np.array(moved).T
    focal = 0.5 / np.tan(np.radians(FOV_DEG) / 2)
    angle = np.sqrt(np.arctan(x / focal) ** 2 + np.arctan(y / focal) ** 2 + roll**2)
    dr = 2 * np.sqrt(2) * np.sin(np.minimum(angle, np.pi) / 2)
    dt = np.abs(1 - np.exp(-log_scale))
    terms = np.array([dt.mean(), dr.mean(), dt.max(), dr.max()])
    return Score(float(terms @ [1, 1, 0.5, 0.5]), terms)


def path(steps: Float[np.ndarray, "M 2 3"], size: tuple[float, float]) -> Path:
    """Return how the content moved, added up over the steps."""
    moved = np.array([_shift(step, size) for step in steps]).reshape(-1, 4)
    x, y, log_scale, roll = np.vstack([np.zeros(4), np.cumsum(moved, 0)]).T
    return Path(x, y, log_scale, np.degrees(roll))


def labels(
    way: Path,
    value: float,
    samples_per_s: float,
    unknown: Bool[np.ndarray, "M"],
    radial: Int[np.ndarray, "M"],
) -> tuple[str, ...]:
    """Return the words for a clip, from ``vocabulary.CAMERA_LABELS``.

    Args:
        way: where the content went.
        value: the score.
        samples_per_s: of the path.
        unknown: steps without a trusted map (cuts do not count).
        radial: 1 for steps of driving forward, -1 backward, 0 otherwise (``expansion``).
    """
    words = _direction_words(way)
    driving = bool((radial != 0).mean() > MAX_UNKNOWN) if len(radial) else False
    if driving:
        words = [w for w in words if not w.startswith("zoom")]
        words.append("dolly_in" if radial.sum() > 0 else "dolly_out")
    if driving or (len(unknown) and unknown.mean() > MAX_UNKNOWN):
        words.append("complex")
    elif _trembles(way, samples_per_s):
        words.append("handheld")
    if not words:
        words.append("static" if _is_still(way) and value <= STATIC_SCORE else "slight")
    return tuple(words)


def expansion(
    flow: Float[np.ndarray, "M C 2"],
    cells: Float[np.ndarray, "C 2"],
    ratio: Float[np.ndarray, "M"],
    size: tuple[float, float],
    samples_per_s: float,
) -> Int[np.ndarray, "M"]:
    """Return which steps look like driving: 1 forward, -1 backward, 0 neither.

    Near things stream away from one point faster than far things do. In any one sample that drowns in cars and
    wrong matches; the median flow of each cell over two seconds shows it plainly.

    Args:
        flow: of each cell from sample to sample, NaN where none, in pixels of the tracker's picture.
        cells: centres of the cells, in the same pixels.
        ratio: share of the corners that follow the one fitted map.
        size: width and height of the tracker's picture.
        samples_per_s: steps per second.
    """
    verdict = np.zeros(len(flow), dtype=np.int64)
    length = max(MIN_STEPS, round(WINDOW_S * samples_per_s))
    for start in range(0, max(1, len(flow) - length + 1), max(1, length // 2)):
        window = slice(start, start + length if start + 2 * length <= len(flow) else len(flow))
        if len(flow[window]) >= MIN_STEPS and np.median(ratio[window]) < MAX_PLANE_RATIO:
            sign = _radial_sign(flow[window], cells, size)
            verdict[window] = sign or verdict[window]
    return verdict


# --- parts --------------------------------------------------------------------------------------------------


def _shift(step: Float[np.ndarray, "2 3"], size: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return x, y (shares of the longer side), log scale and clockwise roll (radians) of the content."""
    content = invert_affine(step)
    center = np.array(size) / 2
    x, y = (apply_affine(content, center) - center) / max(size)
    a, b, c, d = content[0, 0], content[0, 1], content[1, 0], content[1, 1]
    return x, y, 0.5 * float(np.log(max(a * d - b * c, 1e-6))), float(np.arctan2(c - b, a + d))


def _chain(steps: Float[np.ndarray, "M 2 3"]) -> Float[np.ndarray, "2 3"]:
    total = np.eye(2, 3)
    for step in steps:
        total = compose_affine(total, step)
    return total


def _direction_words(way: Path) -> list[str]:
    words: list[str] = []
    for name, clear in (("x", SHIFT), ("y", SHIFT), ("log_scale", LOG_SCALE), ("roll_deg", ROLL_DEG)):
        values = getattr(way, name)
        net, extent = values[-1] - values[0], np.ptp(values)
        rise = float((values - np.minimum.accumulate(values)).max())
        fall = float((np.maximum.accumulate(values) - values).max())
        is_net = abs(net) >= clear.net and abs(net) >= 0.5 * extent
        if rise >= clear.run or (is_net and net > 0):
            words.append(LABELS[name][0])
        if fall >= clear.run or (is_net and net < 0):
            words.append(LABELS[name][1])
    return words


def _is_still(way: Path) -> bool:
    extents = (np.ptp(way.x), np.ptp(way.y), np.ptp(way.log_scale), np.ptp(way.roll_deg))
    limits = (SHIFT.still, SHIFT.still, LOG_SCALE.still, ROLL_DEG.still)
    return all(extent < limit for extent, limit in zip(extents, limits, strict=True))


def _trembles(way: Path, samples_per_s: float) -> bool:
    width = round(TREMBLE_WINDOW_S * samples_per_s) | 1
    if len(way.x) < 2 * width:
        return False
    both = np.stack([way.x, way.y])
    # The ends have no full window round them.
    jitter = (both - uniform_filter1d(both, width, axis=1))[:, width // 2 : -(width // 2)]
    turns = (np.diff(np.sign(np.diff(both, axis=1)), axis=1) != 0).mean(1)
    # The median ignores where a smooth pan starts or stops.
    spread = 1.48 * np.median(np.abs(jitter), axis=1)
    return bool(((spread > TREMBLE) & (turns > REVERSALS)).any())


def _radial_sign(
    flow: Float[np.ndarray, "M C 2"], cells: Float[np.ndarray, "C 2"], size: tuple[float, float]
) -> int:
    seen = np.isfinite(flow[..., 0]).sum(0) >= MIN_STEPS
    if seen.sum() < 20:
        return 0
    mean, center = np.nanmedian(flow[:, seen], axis=0), cells[seen]
    length = np.hypot(mean[:, 0], mean[:, 1])
    moving = length > MOVING_PX
    if moving.mean() < MIN_MOVING_CELLS:
        return 0
    mean, center, length = mean[moving], center[moving], length[moving]
    focus = _focus(center, mean, length)
    if not (np.abs(focus / size - 0.5) < 0.6).all():
        return 0
    arm = center - focus
    outward = (arm * mean).sum(1) / np.maximum(length * np.hypot(arm[:, 0], arm[:, 1]), 1e-9)
    for sign in (1, -1):
        along = sign * outward > 0.5
        sector = (np.degrees(np.arctan2(arm[along, 1], arm[along, 0])) % 360 // 45).astype(int)
        if along.mean() >= MIN_RADIAL and len(np.unique(sector)) >= MIN_SECTORS:
            return sign
    return 0


def _focus(
    points: Float[np.ndarray, "C 2"], flow: Float[np.ndarray, "C 2"], length: Float[np.ndarray, "C"]
) -> Float[np.ndarray, "2"]:
    """Return the point from which (or to which) most of the flow runs: where the lines of flow meet."""
    normal = np.stack([-flow[:, 1], flow[:, 0]], 1) / length[:, None]
    offset = (normal * points).sum(1)
    weight = np.minimum(length, 2.0)
    focus = points.mean(0)
    for _ in range(8):
        system = normal * weight[:, None]
        focus = np.linalg.lstsq(system.T @ normal + 1e-6 * np.eye(2), system.T @ offset, rcond=None)[0]
        weight = np.minimum(length, 2.0) / (1 + ((normal @ focus - offset) / 15) ** 2)
    return focus
