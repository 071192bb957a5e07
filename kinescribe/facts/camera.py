"""What the camera does."""

from __future__ import annotations

from collections.abc import Iterator

from kinescribe.facts.settings import FactSettings
from kinescribe.records import CAMERA, CameraMotion, Clip, MotionFact, Span

CAMERA_FACTS = {
    "static": ("stay", ()), "pan_left": ("pan", ("left",)), "pan_right": ("pan", ("right",)),
    "tilt_up": ("tilt", ("up",)), "tilt_down": ("tilt", ("down",)),
    "roll_clockwise": ("roll", ("clockwise",)), "roll_counterclockwise": ("roll", ("counterclockwise",)),
    "zoom_in": ("zoom", ("in",)), "zoom_out": ("zoom", ("out",)),
    "dolly_in": ("move", ("forward",)), "dolly_out": ("move", ("backward",)), "handheld": ("shake", ()),
}  # fmt: skip
"""What each camera label lets us say; ``slight`` and ``complex`` say nothing that could be checked."""


def state(clip: Clip, camera: CameraMotion, settings: FactSettings) -> Iterator[MotionFact]:
    """Yield what the camera does, for the whole clip or stretch by stretch."""
    length = float(clip.times_s[-1])
    names = ("s_m_dt", "s_m_dr", "s_m_max_dt", "s_m_max_dr")
    evidence = {"score": camera.score, **dict(zip(names, camera.terms.tolist(), strict=True))}
    for label, (predicate, direction) in CAMERA_FACTS.items():
        frame = "image" if label.startswith("dolly") else "scene"
        for span in _spans(camera, label, length, settings):
            yield MotionFact(
                "",
                CAMERA,
                predicate,
                span,
                direction=direction,
                frame=frame,
                confidence=0.9,
                evidence={**evidence, "clip_share": span.duration_s / length},
            )


def _spans(camera: CameraMotion, label: str, length_s: float, settings: FactSettings) -> list[Span]:
    """Return when a label holds: the whole clip if that is nearly so, else stretch by stretch."""
    whole = Span(0.0, length_s)
    if length_s <= 0:
        return []
    if not camera.stretches:
        # that nothing was seen to move is not that nothing moved
        sure = label != "static" or camera.known_share >= settings.min_camera_share
        return [whole] if label in camera.labels and sure else []
    spans: list[Span] = []
    for stretch in camera.stretches:
        if label not in stretch.labels:
            continue
        if spans and stretch.span.start_s - spans[-1].end_s < settings.min_camera_s / 2:
            spans[-1] = Span(spans[-1].start_s, stretch.span.end_s)
        else:
            spans.append(stretch.span)
    if sum(span.duration_s for span in spans) >= settings.min_camera_share * length_s:
        return [whole]
    return [span for span in spans if label != "static" or span.duration_s >= settings.min_camera_s]
