"""What the camera does, by the labels of the clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinescribe.checks.measurements import Judgement, Measurements, all_of
from kinescribe.records import Action

_CAMERA_LABELS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("stay", None): ("static", "slight"),
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

MIN_KNOWN_SHARE = 0.9
"""Share of a clip in which the camera must be known: that nothing was seen to move is not that nothing moved."""


def judge_camera(action: Action, measured: Measurements) -> Judgement:
    """Judge by the clip's labels: they hold for the clip as a whole, so a claimed time is not judged."""
    labels = measured.camera.labels
    if not labels:
        return Judgement(None, "the camera's motion is not known")
    why = f"camera: {', '.join(labels)} (s_m {measured.camera.score:.2f})"
    if "static" in labels and measured.camera.known_share < MIN_KNOWN_SHARE:
        return Judgement(None, f"the camera is known in {measured.camera.known_share:.0%} of the clip only")
    if action.predicate == "move" and not action.direction:
        return Judgement(measured.camera.moves, why)
    judged = []
    for direction in action.direction or (None,):
        wanted = _CAMERA_LABELS.get((action.predicate, direction))
        if wanted is None:
            return Judgement(None, f'no measurement shows whether the camera does "{action.predicate}"')
        judged.append(Judgement(_labelled(wanted, labels), why))
    return all_of(judged)


def _labelled(wanted: Sequence[str], labels: Sequence[str]) -> bool | None:
    if set(wanted) & set(labels):
        return True
    return None if "complex" in labels and "static" not in wanted else False
