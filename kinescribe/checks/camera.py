"""What the camera does, by the labels of its stretches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kinescribe.checks.measurements import Judgement, Measurements, all_of
from kinescribe.checks.tolerances import INSTANT_S, MARGIN_S
from kinescribe.records import Action, CameraStretch, Span

_CAMERA_LABELS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("move", "forward"): ("dolly_in",), ("move", "backward"): ("dolly_out",),
    ("move", "left"): ("pan_left",), ("move", "right"): ("pan_right",),
    ("move", "up"): ("tilt_up",), ("move", "down"): ("tilt_down",),
    ("pan", "left"): ("pan_left",), ("pan", "right"): ("pan_right",), ("pan", None): ("pan_left", "pan_right"),
    ("tilt", "up"): ("tilt_up",), ("tilt", "down"): ("tilt_down",), ("tilt", None): ("tilt_up", "tilt_down"),
    ("roll", "clockwise"): ("roll_clockwise",), ("roll", "counterclockwise"): ("roll_counterclockwise",),
    ("roll", None): ("roll_clockwise", "roll_counterclockwise"),
    ("zoom", "in"): ("zoom_in",), ("zoom", "out"): ("zoom_out",), ("zoom", None): ("zoom_in", "zoom_out"),
    ("shake", None): ("handheld",),
}  # fmt: skip
"""Which labels make a statement about the camera true. Moving sideways looks like panning."""

_AGAINST = {
    "dolly_in": (("move", "backward"), ("zoom", "out")),
    "dolly_out": (("move", "forward"), ("zoom", "in")),
}
"""What is false of a picture whose parts move away from one point (or towards it), whatever else the camera does."""

MIN_KNOWN_SHARE = 0.9
"""Share of the time in which the camera must be known: that nothing was seen to move is not that nothing moved."""
MOST = 0.5
"""What holds for this share of a claimed time holds in it."""
HARDLY = 0.1
"""What holds, or may hold, for at most this share does not."""
REST = ("static", "slight")
OPEN = ("unknown", "complex")
"""Beside these a stretch may be anything else."""


class _Shares(NamedTuple):
    """For what shares of a time something holds, and may hold besides."""

    holds: float
    may: float


def judge_camera(action: Action, measured: Measurements) -> Judgement:
    """Judge what the camera is said to do.

    With a time: in most of it. Without: in some stretch of the clip, except for staying still, which means all along
    (if the camera both moves and rests, it is not to be known which time is meant).
    """
    span = _window(action.span, measured)
    stretches = _within(measured, span)
    if not stretches:
        return Judgement(None, "the camera's motion is not known")
    why = _why(stretches, span)
    if not measured.camera.stretches and "static" in stretches[0].labels:
        known = measured.camera.known_share
        if known < MIN_KNOWN_SHARE:
            return Judgement(None, f"the camera is known in {known:.0%} of the clip only")
    if action.predicate == "stay" or (action.predicate == "move" and not action.direction):
        return _rests(action, stretches, why)
    judged = []
    for direction in action.direction or (None,):
        said = (action.predicate, direction)
        if said not in _CAMERA_LABELS:
            return Judgement(None, f'no measurement shows whether the camera does "{action.predicate}"')
        shares = _shares(stretches, said)
        # Several ways in one time share it.
        needed = 0.0 if action.span is None else MOST / max(1, len(action.direction))
        judged.append(Judgement(_holds(shares, needed), why))
    return all_of(judged)


def _holds(shares: _Shares, needed: float) -> bool | None:
    """True from ``needed`` on, false if it hardly holds and hardly may."""
    if shares.holds > 0 and shares.holds >= needed:
        return True
    return False if shares.holds + shares.may <= HARDLY else None


def _rests(action: Action, stretches: Sequence[CameraStretch], why: str) -> Judgement:
    """Judge that the camera stays where it is, or that it moves in some way."""
    rests = _share(stretches, [s for s in stretches if set(s.labels) & set(REST)])
    unknown = _share(stretches, [s for s in stretches if "unknown" in s.labels])
    moves = 1 - rests - unknown
    if action.predicate == "move":
        needed = 0.0 if action.span is None else MOST
        return Judgement(_holds(_Shares(moves if moves > 1e-9 else 0.0, unknown), needed), why)
    if rests >= MIN_KNOWN_SHARE:
        return Judgement(True, why)
    # A time that is given is meant as a whole; without one, any rest may be meant.
    refuted = moves > 2 * HARDLY if action.span is not None else rests <= HARDLY and moves >= MOST
    return Judgement(False if refuted else None, why)


def _shares(stretches: Sequence[CameraStretch], said: tuple[str, str | None]) -> _Shares:
    wanted = set(_CAMERA_LABELS[said])
    holding = [s for s in stretches if wanted & set(s.labels)]
    against = [
        s for s in stretches if any(said in never for label, never in _AGAINST.items() if label in s.labels)
    ]
    may = [s for s in stretches if set(OPEN) & set(s.labels) and s not in holding and s not in against]
    return _Shares(_share(stretches, holding), _share(stretches, may))


def _window(said: Span | None, measured: Measurements) -> Span:
    """Return the time that a claim speaks of."""
    times = measured.clip.times_s
    if not len(times):
        return Span(0.0, 0.0)
    if said is None:
        return Span(float(times[0]), float(times[-1]))
    start, end = said
    if end - start < 2 * MARGIN_S:
        start, end = start - INSTANT_S / 2, end + INSTANT_S / 2
    return Span(max(start, float(times[0])), min(end, float(times[-1])))


def _within(measured: Measurements, span: Span) -> list[CameraStretch]:
    """Return the stretches of a time, cut to it; the whole time is one where only the clip's labels are known."""
    camera = measured.camera
    if not camera.stretches:
        return [CameraStretch(span, camera.labels)] if camera.labels else []
    found = []
    for stretch in camera.stretches:
        shared = Span(max(stretch.span.start_s, span.start_s), min(stretch.span.end_s, span.end_s))
        if shared.duration_s > 0:
            found.append(CameraStretch(shared, stretch.labels))
    # Times are said in tenths of a second: what is left of a neighbour at the ends is not meant.
    return [s for s in found if s.span.duration_s > MARGIN_S] or found


def _share(stretches: Sequence[CameraStretch], chosen: Sequence[CameraStretch]) -> float:
    """Return the time of some stretches as a share of the time of all of them."""
    total = sum(s.span.duration_s for s in stretches)
    return sum(s.span.duration_s for s in chosen) / total if total > 0 else len(chosen) / len(stretches)


def _why(stretches: Sequence[CameraStretch], span: Span) -> str:
    words = [f"{', '.join(s.labels)} {s.span.start_s:.1f}-{s.span.end_s:.1f} s" for s in stretches[:4]]
    more = f" and {len(stretches) - 4} more stretches" if len(stretches) > 4 else ""
    alone = len(stretches) == 1
    return f"camera: {', '.join(stretches[0].labels) if alone else '; '.join(words) + more}"
