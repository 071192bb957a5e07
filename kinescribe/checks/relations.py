"""A subject and the picture, and a subject and another: coming, going, approaching; places for questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from kinescribe.checks.measurements import Judgement, Measurements, all_of, in_span, limit, rise
from kinescribe.checks.tolerances import MIN_GAP_SHARE, MIN_GAP_WIDTHS, MIN_KNOWN
from kinescribe.geometry import touches_border
from kinescribe.kinematics.posture import MAX_LATE_S, crossing_s, one_level, stays_in_view
from kinescribe.records import CAMERA, Action, Claim, Span
from kinescribe.vocabulary import COMPASS


def judge_border(claim: Claim, measured: Measurements) -> Judgement:
    """Entering and leaving: the box appears (vanishes) at a border, within the clip and the claimed time."""
    assert claim.subject is not None
    entering = claim.action.predicate == "enter"
    xyxy = measured.tracks.xyxy[measured.tracks.row(claim.subject)]
    times = measured.clip.times_s
    seen = np.flatnonzero(np.isfinite(xyxy[:, 0]))
    if not len(seen):
        return Judgement(None, "never seen")
    at = int(seen[0] if entering else seen[-1])
    word = "first" if entering else "last"
    why = f"{word} seen at {times[at]:.1f} s of {times[0]:.1f}-{times[-1]:.1f} s"
    if abs(times[at] - times[0 if entering else -1]) < 0.25:
        return Judgement(False, f"{why}: in view {'from the start' if entering else 'to the end'}")
    if claim.action.span is not None and not in_span(times[at : at + 1], claim.action.span)[0]:
        return Judgement(False, why)
    borders = touches_border(xyxy[at], measured.clip.width, measured.clip.height, 0.03)
    touched = [name for name, hit in zip(("left", "up", "right", "down"), borders, strict=True) if hit]
    if not touched:
        return Judgement(None, f"{why}, away from the border: it may have been lost or found there")
    why = f"{why}, at the border {' and '.join(touched)}"
    if all(_was_in_view(measured, xyxy, at, border, entering) for border in np.flatnonzero(borders).tolist()):
        return Judgement(
            None, f"{why}; it would have had to {'come' if entering else 'go'} faster than it does"
        )
    return _side(claim.action, touched, entering, why)


def _was_in_view(
    measured: Measurements, xyxy: Float[np.ndarray, "T 4"], at: int, border: int, entering: bool
) -> bool:
    """Whether crossing a border takes longer, at the speed that is seen, than the clip has run (or still runs)."""
    times = measured.clip.times_s
    since = np.abs(times - times[at])
    near = np.flatnonzero((since <= 1.2) & np.isfinite(xyxy[:, 0]) & ((times >= times[at]) == entering))
    near = np.union1d(near, [at])[:: 1 if entering else -1]
    limit_px = (0.0, 0.0, float(measured.clip.width), float(measured.clip.height))[border]
    left_s = abs(float(times[at] - times[0 if entering else -1]))
    return crossing_s(times[near], xyxy[near], border, limit_px) > left_s + MAX_LATE_S


def _side(action: Action, touched: Sequence[str], entering: bool, why: str) -> Judgement:
    """A subject that enters to the right comes in at the left border."""
    for direction in action.direction:
        if direction not in COMPASS:
            continue
        wanted = COMPASS[(COMPASS.index(direction) + (4 if entering else 0)) % 8]
        sides = {"upper": "up", "lower": "down"}
        parts = {sides.get(part, part) for part in wanted.split("_")}
        if not parts & set(touched):
            return Judgement(False, why)
    return Judgement(True, why)


def judge_distance(claim: Claim, measured: Measurements) -> Judgement:
    """Approaching and separating: the distance in the frame that both are known in, and who makes it change."""
    assert claim.subject is not None
    if claim.object is None or claim.object == CAMERA or measured.row(claim.object) is None:
        return Judgement(None, f'"{claim.action.patient or "nothing"}" was not tracked')
    span = claim.action.span
    rows = [row for row in (measured.row(claim.subject), measured.row(claim.object)) if row is not None]
    paths = common_paths(measured, rows)
    known = np.isfinite(paths[..., 0]).all(0) & in_span(measured.clip.times_s, span)
    if (
        known.sum() < 3
        or span is not None
        and known.sum() < MIN_KNOWN * in_span(measured.clip.times_s, span).sum()
    ):
        return Judgement(None, "the two are not seen together long enough")
    apart = np.hypot(*(paths[1] - paths[0])[known].T) / measured.clip.width
    sign = -1 if claim.action.predicate == "approach" else 1
    change = float((apart[-1] - apart[0]) * sign) if span is not None else rise(apart * sign)
    doubt = _no_pair(claim, measured, np.flatnonzero(known))
    if doubt:
        return Judgement(None, doubt)
    why = f"their distance changes by {sign * change:+.2f} widths from {apart[0]:.2f}"
    needed = max(MIN_GAP_WIDTHS, MIN_GAP_SHARE * float(apart.max()))
    return all_of([limit(change, needed, why), _own_doing(claim, measured, known)])


def common_paths(measured: Measurements, rows: Sequence[int]) -> Float[np.ndarray, "2 T 2"]:
    """Return two paths in scene coordinates if both are known there, else as filmed: a zoom separates nothing."""
    motion = measured.kinematics.tracks
    in_scene = all(motion.frame[row] == "scene" for row in rows)
    paths: Float[np.ndarray, "2 T 2"] = (motion.scene_px if in_scene else motion.image_px)[list(rows)]
    return paths


def _no_pair(claim: Claim, measured: Measurements, known: Int[np.ndarray, "M"]) -> str:
    """Return why two subjects' distance in the picture says nothing, or nothing."""
    ids = [i for i in (claim.subject, claim.object) if i is not None]
    for one in ids:
        window = measured.window(one, None)
        row = measured.tracks.row(one)
        passing = measured.tracks.label[row] == "object" and not stays_in_view(measured.tracks.xyxy[row])
        if passing and (isinstance(window, Judgement) or window.extent < window.needed):
            return f"subject {one} has no class and goes nowhere: it may be nothing"
    rows = [measured.tracks.row(i) for i in ids]
    at = int(known[-1 if claim.action.predicate == "approach" else 0])
    people = all(measured.tracks.label[row] == "person" for row in rows)
    if people and not one_level(*(measured.tracks.xyxy[row, at] for row in rows)):
        return "they do not stand on one level"
    return ""


def _own_doing(claim: Claim, measured: Measurements, known: Bool[np.ndarray, "T"]) -> Judgement:
    """Whether the subject itself makes the distance change, camera removed."""
    motion = measured.kinematics.tracks
    rows = [measured.row(i) for i in (claim.subject, claim.object) if i is not None]
    one, two = (motion.path_px(row)[known] for row in rows if row is not None)
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        return Judgement(None, "paths unknown")
    line = two[0] - one[0]
    line = line / max(float(np.hypot(*line)), 1e-9)
    own, other = (float(np.ptp(path @ line)) for path in (one, two))
    share = own / max(own + other, 1e-9)
    return Judgement(
        True if share >= 0.35 else False if share < 0.2 else None, f"{share:.0%} of it its own doing"
    )


def located(measured: Measurements, subject: int, quadrant: str, span: Span) -> Judgement:
    """Judge whether a subject's centre is in one quarter of the picture, as filmed, for a whole span.

    Args:
        quadrant: ``upper_left``, ``upper_right``, ``lower_left`` or ``lower_right``. Within 4 % of a middle line it
            is in neither.
    """
    row = measured.row(subject)
    inside = in_span(measured.clip.times_s, span)
    path = measured.kinematics.tracks.image_px[row][inside] if row is not None else np.zeros((0, 2))
    known = path[np.isfinite(path[:, 0])]
    if len(known) < MIN_KNOWN * max(1, inside.sum()):
        return Judgement(None, "unseen")
    place = known / [measured.clip.width, measured.clip.height] - 0.5
    place = place * [1 if quadrant.endswith("right") else -1, 1 if quadrant.startswith("lower") else -1]
    why = f"centre at {known.mean(0)[0]:.0f}, {known.mean(0)[1]:.0f} px"
    if (place > 0.04).all():
        return Judgement(True, why)
    return Judgement(False if (place < -0.04).any(1).all() else None, why)


def beside(measured: Measurements, subject: int, other: int, side: str, span: Span) -> Judgement:
    """Judge whether a subject is to one side of another, as filmed, for a whole span.

    Args:
        side: ``left``, ``right``, ``up`` (above) or ``down`` (below). The larger of the two distances decides; it
            must be twice the smaller and exceed 5 % of the frame width.
    """
    inside = in_span(measured.clip.times_s, span)
    rows = [measured.row(subject), measured.row(other)]
    if None in rows:
        return Judgement(None, "not tracked")
    one, two = (measured.kinematics.tracks.image_px[row][inside] for row in rows if row is not None)
    offset = (one - two)[np.isfinite(one - two).all(1)]
    if len(offset) < MIN_KNOWN * max(1, inside.sum()):
        return Judgement(None, "not seen together")
    axis, sign = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1)}[side]
    along, across = offset[:, axis] * sign, np.abs(offset[:, 1 - axis])
    least = 0.05 * measured.clip.width
    why = f"offset {offset.mean(0)[0]:+.0f}, {offset.mean(0)[1]:+.0f} px"
    if ((along >= least) & (along >= 2 * across)).all():
        return Judgement(True, why)
    clearly_not = (along <= -least) | (across >= np.maximum(2 * np.abs(along), least))
    return Judgement(False if clearly_not.all() else None, why)


def travelled(measured: Measurements, subject: int, widths: tuple[float, float], span: Span) -> Judgement:
    """Judge whether a subject's net way in a span lies in a range of frame widths; 15 % beside it is unsure."""
    tracked = measured.row(subject) is not None
    window = measured.window(subject, span) if tracked else Judgement(None, "not tracked")
    if isinstance(window, Judgement):
        return window
    net = float(np.hypot(*(window.path[-1] - window.path[0]))) / window.width
    why = f"moved {net:.2f} frame widths"
    low, high = widths
    if low <= net <= high:
        return Judgement(True, why)
    return Judgement(False if net < low * 0.85 or net > high * 1.15 else None, why)


def gap(measured: Measurements, subject: int, other: int, change: str, span: Span) -> Judgement:
    """Judge how the distance of two subjects changes in a span, as filmed, whoever makes it change.

    Args:
        change: ``shrinks``, ``grows``, ``constant``, ``grows_then_shrinks`` or ``shrinks_then_grows``.
    """
    rows = [row for row in (measured.row(subject), measured.row(other)) if row is not None]
    inside = in_span(measured.clip.times_s, span)
    if len(rows) < 2 or not inside.any():
        return Judgement(None, "not tracked")
    one, two = measured.kinematics.tracks.image_px[rows][:, inside]
    distance = np.hypot(*(two - one).T) / measured.clip.width
    distance = distance[np.isfinite(distance)]
    if len(distance) < max(3, MIN_KNOWN * inside.sum()):
        return Judgement(None, "not seen together")
    net, up, down = float(distance[-1] - distance[0]), rise(distance), rise(-distance)
    needed = max(MIN_GAP_WIDTHS, MIN_GAP_SHARE * float(distance.max()))
    why = f"distance {distance[0]:.2f} to {distance[-1]:.2f} widths (rises {up:.2f}, falls {down:.2f})"
    effects = {
        "shrinks": -net, "grows": net, "constant": 2 * needed - max(up, down),
        "grows_then_shrinks": min(float(distance.max() - distance[0]), float(distance.max() - distance[-1])),
        "shrinks_then_grows": min(float(distance[0] - distance.min()), float(distance[-1] - distance.min())),
    }  # fmt: skip
    return limit(effects[change], needed, why)
