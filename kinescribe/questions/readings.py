"""Answers that are no claims of one subject: who is faster, how far apart, how many, how long. Judged like claims.

Every reading has a true side, a false side and a stretch between them where nothing is said.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kinescribe.checks import Judgement, Measurements, gap
from kinescribe.checks.measurements import Window, in_span
from kinescribe.checks.tolerances import MARGIN_S, MIN_KNOWN, MIN_REST_S
from kinescribe.geometry import box_center, stretches
from kinescribe.records import Span
from kinescribe.vocabulary import PERSON

FASTER = 1.35
"""Mean speeds this far apart are told by eye; a box path is 10 % off ..."""
ALIKE = 1.12
"""... and these are the same."""
CLOSE = 1.15
"""A number is right within this factor ..."""
APART = 1.4
"""... and wrong beyond this one."""
DURATION_S = 0.35
"""Smoothing moves the ends of a movement by so much."""
MIN_LIFE_S = 0.95
"""Who is seen for less may be a piece of somebody else (``FactSettings.min_life_s``)."""
HOP, HOP_RATIO = 0.05, 4.0
"""A box that is so many frame widths further from one sample to the next, and so many times as far as before and after,
has changed to another thing, or taken one in: nothing goes fast for a single sample."""
STILL = 0.01
"""A box that goes less than so many frame widths a second stands; half of what ``rests`` takes for slow."""
UNSEEN_S = 0.35
"""Smoothing leaves so much at the ends of a life open."""
REST = ("static", "slight")
HIDDEN = ("unknown", "complex")


def factor(value: float, said: float, why: str) -> Judgement:
    """Judge a number that is said of a quantity; both positive."""
    if not (np.isfinite(value) and value > 0 and said > 0):
        return Judgement(None, f"{why}: unknown")
    off = max(value / said, said / value)
    return Judgement(True if off <= CLOSE else False if off >= APART else None, why)


def between(value: float, low: float, high: float, why: str) -> Judgement:
    """Judge that a positive number lies in a range; near its ends nothing is said."""
    if not np.isfinite(value):
        return Judgement(None, f"{why}: unknown")
    if low * CLOSE <= value <= high / CLOSE:
        return Judgement(True, why)
    return Judgement(False if value < low / CLOSE or value > high * CLOSE else None, why)


def pace(measured: Measurements, subject: int, span: Span | None) -> float:
    """Return the mean speed along the path in frame widths per second; NaN where it is not known."""
    window = _window(measured, subject, span)
    if window is None or window.broken:
        return float("nan")
    lasts = float(window.times[-1] - window.times[0])
    if lasts <= 0 or window.extent < 0.5 * window.needed:
        return 0.0 if lasts > 0 else float("nan")
    return float(np.hypot(*np.diff(window.path, axis=0).T).sum()) / lasts / window.width


def _window(measured: Measurements, subject: int, span: Span | None) -> Window | None:
    if measured.row(subject) is None:
        return None
    window = measured.window(subject, span)
    return None if isinstance(window, Judgement) else window


def fastest(measured: Measurements, subject: int, others: tuple[int, ...], span: Span) -> Judgement:
    """Judge that one subject's mean speed is above that of all others in a span."""
    own, rivals = pace(measured, subject, span), [pace(measured, other, span) for other in others]
    why = f"{own:.2f} widths/s against {', '.join(f'{v:.2f}' for v in rivals)}"
    if not np.isfinite([own, *rivals]).all():
        return Judgement(None, why)
    if own >= FASTER * max(rivals) and own > 0.02:
        return Judgement(True, why)
    return Judgement(False if own * ALIKE <= max(rivals) or _even([own, *rivals]) else None, why)


def evenly_fast(measured: Measurements, subjects: tuple[int, ...], span: Span) -> Judgement:
    """Judge that subjects that move are about equally fast."""
    speeds = [pace(measured, subject, span) for subject in subjects]
    why = f"{', '.join(f'{v:.2f}' for v in speeds)} widths/s"
    if not np.isfinite(speeds).all():
        return Judgement(None, why)
    spread = max(speeds) / max(min(speeds), 1e-6)
    return Judgement(True if _even(speeds) else False if spread >= FASTER else None, why)


def _even(speeds: list[float]) -> bool:
    return max(speeds) <= ALIKE * min(speeds) and min(speeds) > 0.02


def distance(measured: Measurements, one: int, two: int, at_s: float) -> float:
    """Return how far apart two centres are at a time, as filmed, in frame widths; NaN where not known."""
    rows = [row for row in (measured.row(one), measured.row(two)) if row is not None]
    inside = in_span(measured.clip.times_s, Span(at_s - 0.1, at_s + 0.1))
    if len(rows) < 2 or not inside.any():
        return float("nan")
    first, second = measured.kinematics.tracks.image_px[rows][:, inside]
    apart: Float[np.ndarray, "M"] = np.hypot(*(second - first).T) / measured.clip.width
    known = apart[np.isfinite(apart)]
    return float(np.median(known)) if len(known) else float("nan")


def nearest(
    measured: Measurements, subject: int, other: int, rivals: tuple[int, ...], at_s: float
) -> Judgement:
    """Judge that of some subjects one is nearest to a subject at a time, as filmed."""
    own = distance(measured, subject, other, at_s)
    far = [distance(measured, subject, rival, at_s) for rival in rivals]
    why = f"{own:.2f} widths away, the others {', '.join(f'{v:.2f}' for v in far)}"
    if not np.isfinite([own, *far]).all():
        return Judgement(None, why)
    if own * FASTER <= min(far):
        return Judgement(True, why)
    return Judgement(False if own >= ALIKE * min(far) else None, why)


STEADY_GAP = 0.15
"""A distance that changes by less than this share of itself hardly does."""
MOST_BACK = 0.3
"""A distance that shrinks goes beyond where it begins and ends by at most this share of what it shrinks by."""


def gap_course(measured: Measurements, one: int, two: int, kind: str, span: Span) -> Judgement:
    """Judge how a distance changes (``checks.gap``); "hardly" also in proportion to the distance itself."""
    found = gap(measured, one, two, kind, span)
    rows = [row for row in (measured.row(one), measured.row(two)) if row is not None]
    inside = in_span(measured.clip.times_s, span)
    if found.holds is not True or len(rows) < 2 or kind not in ("constant", "shrinks", "grows"):
        return found
    first, second = measured.kinematics.tracks.image_px[rows][:, inside]
    apart = np.hypot(*(second - first).T)
    apart = apart[np.isfinite(apart)]
    if kind != "constant" and len(apart):
        # What mostly shrinks but grows for a while is neither.
        net = abs(float(apart[-1] - apart[0]))
        return found if float(np.ptp(apart)) - net <= MOST_BACK * net else Judgement(None, found.why)
    share = float(np.ptp(apart) / max(float(apart.mean()), 1e-9)) if len(apart) else float("nan")
    return Judgement(True if share <= STEADY_GAP else None, f"{found.why}, {share:.0%} of itself")


def box_in(measured: Measurements, subject: int, quadrant: str, span: Span) -> Judgement:
    """Judge in which quarter the middle of a box is: of somebody who stands, another place than the torso."""
    box = measured.tracks.xyxy[measured.tracks.row(subject)][in_span(measured.clip.times_s, span)]
    box = box[np.isfinite(box[:, 0])]
    if not len(box):
        return Judgement(None, "unseen")
    place = (box[:, :2] + box[:, 2:]) / 2 / [measured.clip.width, measured.clip.height] - 0.5
    place = place * [1 if quadrant.endswith("right") else -1, 1 if quadrant.startswith("lower") else -1]
    if (place > 0.02).all():
        return Judgement(True, "the box is there")
    return Judgement(False if (place < -0.02).any(1).all() else None, "the box is elsewhere")


def alike(one: Judgement, two: Judgement) -> Judgement:
    """What two ways of judging agree on."""
    return one if one.holds == two.holds else Judgement(None, f"{one.why}; {two.why}")


def number_of_people(measured: Measurements, said: int) -> Judgement:
    """Judge how many people are seen in a clip: known where they are all seen at once, and none only for a moment."""
    tracks, times = measured.tracks, measured.clip.times_s
    people = [i for i, label in enumerate(tracks.label) if label == PERSON]
    if not people or len(times) < 2:
        return Judgement(None, "no people were followed")
    seen = np.isfinite(tracks.xyxy[people][..., 0])
    step = float(np.median(np.diff(times)))
    if (seen.sum(1) * step < MIN_LIFE_S).any():
        return Judgement(None, "somebody is seen for a moment only")
    most, every = int(seen.sum(0).max()), len(people)
    why = f"{every} people followed, {most} at once"
    if most != every:
        return Judgement(None, f"{why}: some may be the same")
    return Judgement(said == every, why)


def rests_still(measured: Measurements, subject: int) -> bool | None:
    """Whether neither the place nor a joint of a person changes all along; None where that is not known.

    A joint is still under 15 degrees, half of what counts as bending, and moves from 30.
    """
    window = _window(measured, subject, None)
    joints = measured.kinematics.joints
    rows = np.flatnonzero(joints.ids == subject)
    if window is None or not len(rows) or window.broken:
        return None
    swing = joints.range_deg[int(rows[0])]
    known = swing[np.isfinite(swing)]
    share = float(np.isfinite(measured.tracks.xyxy[measured.tracks.row(subject), :, 0]).mean())
    if window.extent >= window.needed or (known >= 30).sum() >= 2:
        return False
    if len(known) < 6 or share < 0.9:
        return None
    return True if window.extent < 0.6 * window.needed and (known < 15).all() else None


def rests(measured: Measurements, subject: int, said: int) -> Judgement:
    """Judge how often a subject that goes somewhere rests in between."""
    window = _window(measured, subject, None)
    if window is None or window.broken:
        return Judgement(None, "its place is not known all along")
    if window.extent < window.needed:
        return Judgement(None, "it goes nowhere")
    boxes = _boxes(measured, subject)
    if boxes.times[0] < window.times[0] - UNSEEN_S or boxes.times[-1] > window.times[-1] + UNSEEN_S:
        return Judgement(None, "its place is not known all along")
    if boxes.hops:
        return Judgement(None, "its box hops")
    found = len(_separate([stop for stop, _ in window.rests]))
    why = f"rests {found} times between two movements"
    # Slow is no rest, but cannot be told from one where it is short.
    step = np.diff(window.times)
    speed = np.hypot(*np.diff(window.path, axis=0).T) / np.maximum(step, 1e-9) / window.width
    slow = int((np.convolve(speed < 0.02, np.ones(3), "valid") >= 3).sum())
    if found == 0 and slow:
        return Judgement(None, f"{why}, but nearly stands")
    if boxes.stills > found:
        return Judgement(None, f"{why}, but its box is still {boxes.stills} times")
    return Judgement(said == found, why)


class _Boxes(NamedTuple):
    """How the boxes of a subject go, before anything is smoothed or left out."""

    times: Float[np.ndarray, "M"]
    """Of the samples with a box."""
    hops: bool
    """Whether it is elsewhere from one sample to the next, and hardly goes before and after."""
    stills: int
    """How often it stays in one place for as long as a rest lasts, and goes both before and after."""


def _boxes(measured: Measurements, subject: int) -> _Boxes:
    boxes = measured.tracks.xyxy[measured.tracks.row(subject)]
    known = np.isfinite(boxes[:, 0])
    times = measured.clip.times_s[known]
    step: Float[np.ndarray, "G"] = (
        np.hypot(*np.diff(box_center(boxes[known]), axis=0).T) / measured.clip.width
    )
    beside = np.pad(step, 1)
    hops = bool(((step > HOP) & (step > HOP_RATIO * np.maximum(beside[:-2], beside[2:]))).any())
    pause = stretches(step < STILL * np.maximum(np.diff(times), 1e-9))
    # A rest at the beginning or the end has nothing before or after it.
    within = [(a, b) for a, b in pause if a > 0 and b < len(step) - 1]
    return _Boxes(times, hops, sum(bool(times[b + 1] - times[a] >= MIN_REST_S - MARGIN_S) for a, b in within))


def _separate(instants: list[float]) -> list[float]:
    """Drop instants within a second of the one before: one stop is found in several samples."""
    kept: list[float] = []
    for at in sorted(instants):
        if not kept or at - kept[-1] > 1.0:
            kept.append(at)
        else:
            kept[-1] = at
    return kept


def lasts(measured_s: float, said_s: float, why: str) -> Judgement:
    """Judge how long something lasts: smoothing adds to both ends."""
    if said_s <= 0 or not np.isfinite(measured_s):
        return Judgement(None, why)
    off = abs(measured_s - said_s)
    if off <= 0.15 * said_s + DURATION_S / 2:
        return Judgement(True, why)
    return Judgement(False if off >= 0.35 * max(measured_s, said_s) + DURATION_S / 2 else None, why)


def camera_rest(measured: Measurements, kind: str) -> Judgement:
    """Judge whether the camera rests ``always``, ``never``, ``first`` (and moves later) or ``last``.

    What lasts under a tenth of the clip is neither; a time in which the camera is not known leaves it open.
    """
    stretches = measured.camera.stretches
    if not stretches:
        return Judgement(None, "the camera's stretches are not known")
    if any(set(stretch.labels) & set(HIDDEN) or stretch.labels == ("handheld",) for stretch in stretches):
        return Judgement(None, "the camera trembles, or is not known all along")
    total = sum(stretch.span.duration_s for stretch in stretches)
    runs: list[list[float | bool]] = []
    for stretch in stretches:
        still = bool(set(stretch.labels) & set(REST))
        if runs and runs[-1][0] == still:
            runs[-1][1] += stretch.span.duration_s
        else:
            runs.append([still, stretch.span.duration_s])
    why = "; ".join(f"{'still' if still else 'moving'} {lasts_s:.1f} s" for still, lasts_s in runs[:5])
    if total <= 0 or any(lasts_s < 0.1 * total for _, lasts_s in runs):
        return Judgement(None, why)
    found = {(True,): "always", (False,): "never", (True, False): "first", (False, True): "last"}
    return Judgement(found.get(tuple(bool(still) for still, _ in runs)) == kind, why)


def known_share(measured: Measurements, subject: int, span: Span) -> bool:
    """Whether a subject is seen for most of a span."""
    if measured.row(subject) is None:
        return False
    seen = np.isfinite(measured.tracks.xyxy[measured.tracks.row(subject), :, 0])
    inside = in_span(measured.clip.times_s, span)
    return bool(inside.any() and seen[inside].mean() >= MIN_KNOWN)
