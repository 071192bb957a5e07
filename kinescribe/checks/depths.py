"""Toward and away from the camera, and who is before whom, from what a depth net saw (``records.Depth``).

The finder of events looks for turning points of a smoothed curve. Here the looks at both ends of a time are compared
as they are, and whole distributions of who is nearer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from kinescribe.checks.measurements import Judgement, Measurements, all_of, in_span
from kinescribe.checks.tolerances import (
    DEPTH_CHANGE_LOG,
    DEPTH_CHANGE_SHARE,
    DEPTH_NOISE,
    METRES_OFF,
    METRES_OFF_M,
    MIN_BEFORE,
    MIN_DEPTH_ORDER,
    MIN_KNOWN,
)
from kinescribe.records import CAMERA, Claim, Span

END_LOOKS = 3
"""Looks at either end of a time whose median stands for it."""
SIGNS = {"toward_camera": 1, "away_from_camera": -1}
EVER = 1.5
"""Where no time is said any stretch may be meant: chance has many tries, so doubt is so much larger."""
MIN_LOOKS = 5
"""Fewer do not show a change."""
MIN_COVER = 0.25
"""Share of the narrower box's width that lies over or under the other where one is before the other."""
WANDER_LOOKS = 6
"""Looks to either side against whose median the noise is measured: a net's answer wanders over about a second."""
MAD = 1.4826
"""Standard deviations per median absolute deviation."""


class _Looks(NamedTuple):
    """What a net saw of a subject in a time."""

    signal: Float[np.ndarray, "M"]
    """``Depth.signal``: larger is nearer."""
    doubt: float
    """What a change must exceed."""
    when: str


def along_sight(claim: Claim, measured: Measurements) -> Judgement | None:
    """Judge a movement that is said to go toward or away from the camera and nothing else, without its path.

    A path is doubted where a box changes its shape, which what comes or goes does. None where more is said, or no net
    looked.
    """
    action = claim.action
    more = action.trajectory or action.count or action.magnitude
    if more or len(action.direction) != 1 or action.direction[0] not in SIGNS or claim.subject is None:
        return None
    if measured.depth.row(claim.subject) is None:
        return None
    judged = [approaches(measured, claim.subject, action.span, SIGNS[action.direction[0]])]
    if action.metres is not None:
        judged.append(went_metres(measured, claim.subject, action.span, action.metres))
    return all_of(judged)


def approaches(measured: Measurements, subject: int, span: Span | None, sign: int) -> Judgement:
    """Judge whether a subject comes nearer (1) or goes away (-1); unknown where no net looked or it does not tell.

    Without a span, whether it does so at some time.
    """
    looked = _looks(measured, subject, span)
    if isinstance(looked, Judgement):
        return looked
    metric = measured.depth.metric
    signal = looked.signal * sign
    first, last = (float(np.median(part)) for part in (signal[:END_LOOKS], signal[-END_LOOKS:]))
    change = last - first if span is not None else _climb(signal)
    doubt = looked.doubt * (1 if span is not None else EVER)
    least = DEPTH_CHANGE_LOG if metric else DEPTH_CHANGE_SHARE
    if metric:
        ways = [float(np.exp(-end * sign)) for end in (first, last)]
        why = f"its distance goes from {ways[0]:.2f} to {ways[1]:.2f} m in {looked.when}"
    else:
        why = f"it gets {sign * change:+.0%} of the picture's depth nearer in {looked.when}"
    if change >= max(least, doubt):
        return Judgement(True, why)
    if change + doubt < least or change <= -max(least, doubt):
        return Judgement(False, why)
    return Judgement(None, f"{why}, within the depth's noise")


def went_metres(measured: Measurements, subject: int, span: Span | None, metres: float) -> Judgement:
    """Judge how far a subject came nearer or went away, either way."""
    looked = _looks(measured, subject, span)
    if isinstance(looked, Judgement):
        return looked
    if not measured.depth.metric:
        return Judgement(None, "the depth is not in metres")
    signal = looked.signal
    ends = np.array([np.median(part) for part in (signal[:END_LOOKS], signal[-END_LOOKS:])])
    went = float(np.ptp(np.exp(-(ends if span is not None else _middled(signal)))))
    off, near = abs(went - metres), max(METRES_OFF_M, METRES_OFF * max(went, metres))
    why = f"it went {went:.2f} m along the line of sight"
    return Judgement(True if off <= near else False if off > 2 * near else None, why)


def judge_order(claim: Claim, measured: Measurements) -> Judgement:
    """Judge who is nearer to the camera, where the two overlap in the picture."""
    assert claim.subject is not None
    if claim.object is None or claim.object == CAMERA:
        return Judgement(None, f'"{claim.action.patient or "nothing"}" was not tracked')
    if claim.subject == claim.object:
        return Judgement(None, "nothing is before itself")
    rows = [measured.depth.row(one) for one in (claim.subject, claim.object)]
    if None in rows:
        return Judgement(None, "no depth was seen of them")
    one, two = (row for row in rows if row is not None)
    lead, doubt = _lead(measured, one, two)
    inside = in_span(measured.clip.times_s, claim.action.span)
    looked = inside & np.isfinite(measured.depth.extent)
    known = looked & np.isfinite(lead)
    boxes = measured.tracks.xyxy[[measured.tracks.row(i) for i in (claim.subject, claim.object)]]
    before = known & _cover(boxes)
    if known.sum() < END_LOOKS or known.sum() < MIN_KNOWN * looked.sum():
        return Judgement(None, "the two are not seen together long enough")
    sign = 1 if claim.action.predicate == "in_front_of" else -1
    used = before if before.sum() >= END_LOOKS else known
    typical, unsure = float(np.median(lead[used])) * sign, float(np.median(doubt[used]))
    least = max(MIN_DEPTH_ORDER, unsure)
    clear = float(np.mean(lead[used] * sign * typical > 0)) >= MIN_BEFORE
    unit = "of their distance" if measured.depth.metric else "of the picture's depth"
    why = f"it is {abs(typical):.0%} {unit} {'nearer' if typical * sign > 0 else 'farther'} than the other"
    if clear and typical >= least:
        overlap = before.sum() >= (MIN_KNOWN * known.sum() if claim.action.span is not None else END_LOOKS)
        return Judgement(True if overlap else None, why if overlap else f"{why}, but beside it")
    if clear and typical <= -least:
        return Judgement(False, why)
    return Judgement(None, f"{why}, within the depth's doubt of {unsure:.0%}")


def _looks(measured: Measurements, subject: int, span: Span | None) -> _Looks | Judgement:
    """Return what a net saw of a subject in a time; why not, where that is unknown."""
    depth, times = measured.depth, measured.clip.times_s
    row = depth.row(subject)
    if row is None:
        return Judgement(None, "no depth was seen")
    looked = in_span(times, span) & np.isfinite(depth.extent)
    signal = depth.signal[row]
    known = looked & np.isfinite(signal)
    if known.sum() < MIN_LOOKS or (span is not None and known.sum() < MIN_KNOWN * looked.sum()):
        return Judgement(None, "its depth is not known")
    during = Span(float(times[known][0]), float(times[known][-1]))
    labels = measured.camera.labels_in(during)
    if any(label.startswith(("dolly", "complex", "unknown")) for label in labels):
        return Judgement(None, f"distances change with the camera ({', '.join(sorted(labels))})")
    values = signal[known]
    own = MAD * float(np.median(np.abs(values - _straight(values))))
    noise = depth.noise[known]
    ground = float(np.median(noise[np.isfinite(noise)])) if np.isfinite(noise).any() else 0.0
    return _Looks(values, DEPTH_NOISE * max(own, ground), f"{during.start_s:.1f}-{during.end_s:.1f} s")


def _straight(values: Float[np.ndarray, "M"]) -> Float[np.ndarray, "M"]:
    """Return for each look what the median of the looks about it is, as many on one side as on the other."""
    reach = [min(WANDER_LOOKS, i, len(values) - 1 - i) for i in range(len(values))]
    around = [values[max(0, i - max(r, 1)) : i + max(r, 1) + 1] for i, r in enumerate(reach)]
    return np.array([float(np.median(some)) for some in around])


def _middled(signal: Float[np.ndarray, "M"]) -> Float[np.ndarray, "K"]:
    """Return medians of five neighbours."""
    wide = np.stack([signal[i : len(signal) - 4 + i] for i in range(5)])
    return np.asarray(np.median(wide, axis=0))


def _climb(signal: Float[np.ndarray, "M"]) -> float:
    calm = _middled(signal)
    return float((calm - np.minimum.accumulate(calm)).max(initial=0.0))


def _lead(
    measured: Measurements, one: int, two: int
) -> tuple[Float[np.ndarray, "T"], Float[np.ndarray, "T"]]:
    """Return by how much the first is nearer than the second in each picture, and the doubt in it."""
    depth = measured.depth
    near, far = depth.nearness[one], depth.nearness[two]
    spread = np.hypot(depth.spread[one], depth.spread[two])
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = (near + far) / 2 if depth.metric else depth.extent
        return (near - far) / unit, spread / unit


def _cover(boxes: Float[np.ndarray, "2 T 4"]) -> Bool[np.ndarray, "T"]:
    shared = np.minimum(*boxes[..., 2:]) - np.maximum(*boxes[..., :2])
    with np.errstate(invalid="ignore"):
        narrower = np.minimum(*(boxes[..., 2] - boxes[..., 0]))
        return np.asarray((shared >= 0).all(-1) & (shared[:, 0] >= MIN_COVER * narrower))
