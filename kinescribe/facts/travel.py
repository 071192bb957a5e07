"""Where subjects go, how, and where they rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinescribe.facts.fact import confidence_of, fact_of, overlap
from kinescribe.facts.settings import FactSettings
from kinescribe.records import Event, MotionFact
from kinescribe.vocabulary import NAMELESS, PERSON

MIN_SHAPE_QUALITY = {"straight": 0.86}
"""How well a shape must fit to be said: a straight way strays from its line by at most a seventh of its length (the
judge grants 0.15)."""

DEPTHS = ("grow", "shrink", "nearer", "farther")
"""Events of coming nearer and going away."""


def state(events: Sequence[Event], settings: FactSettings) -> Iterator[MotionFact]:
    """Yield what the events of one subject say of its place."""
    for event in events:
        v = event.values
        if event.kind == "move":
            yield _move(event, settings)
        elif event.kind == "oscillate":
            yield fact_of(
                event,
                "move",
                trajectory="back_and_forth",
                count=int(v["count"]) if "count" in v else None,
                frame=_frame(event),
                confidence=0.5 + 0.5 * v["regularity"],
            )
        elif event.kind in ("grow", "shrink"):
            direction = "toward_camera" if event.kind == "grow" else "away_from_camera"
            confidence = confidence_of(abs(v["log_scale"]), v["needed"]) * v["fit"]
            yield fact_of(event, "move", direction=(direction,), confidence=confidence)
        elif event.kind in ("nearer", "farther"):
            direction = "toward_camera" if event.kind == "nearer" else "away_from_camera"
            confidence = confidence_of(abs(v["depth_change"]), v["needed"]) * v["fit"]
            yield fact_of(
                event, "move", direction=(direction,), confidence=confidence, metres=v.get("metres")
            )
        elif event.kind in ("enter", "leave"):
            # Over which border of the picture is a matter of the picture.
            yield fact_of(event, event.kind, frame="image", confidence=0.8)
        elif event.kind == "start":
            yield fact_of(event, "start", frame=_frame(event), confidence=0.8)
        elif event.kind in ("accelerate", "decelerate"):
            yield fact_of(event, event.kind, frame=_frame(event), confidence=v["fit"])
        elif event.kind == "still" and not _changes_depth(event, events):
            yield from _still(event)


def _move(event: Event, settings: FactSettings) -> MotionFact:
    v = event.values
    effect = v["length_px"] if event.shape == "circular" else v["net_px"]
    turns = round(v["count"]) if "count" in v and abs(v["count"] - round(v["count"])) <= 0.25 else None
    return fact_of(
        event,
        "move",
        magnitude=_magnitude(event, settings),
        trajectory=event.shape
        if v["shape_quality"] >= MIN_SHAPE_QUALITY.get(event.shape or "", 0.5)
        else None,
        count=turns if turns and turns > 1 else None,
        frame=_frame(event),
        confidence=confidence_of(effect, v["needed_px"]),
    )


def _frame(event: Event) -> str:
    """Return the frame of reference of an event's path."""
    return "scene" if event.values["in_scene"] else "image"


def _magnitude(event: Event, settings: FactSettings) -> str | None:
    """One manner per movement, the most telling first."""
    speed, way = event.values["speed_widths_s"], event.values["net_widths"]
    if speed >= settings.quick_widths_s:
        return "quickly"
    if way >= settings.far_widths and event.shape != "circular":
        return "far"
    if way < settings.slight_widths and event.shape != "circular":
        return "slightly"
    return "slowly" if speed <= settings.slow_widths_s else None


def _still(event: Event) -> Iterator[MotionFact]:
    before, after = bool(event.values["after_move"]), bool(event.values["before_move"])
    word = "pause" if before and after else "stop" if before else "stay"
    yield fact_of(event, word, frame=_frame(event), confidence=0.8)


def may_rest(label: str, events: Sequence[Event], camera_known: bool) -> bool:
    """Whether rest can be believed: a region without a class is only seen because something in it moves.

    A thing with a name that never moves rests in the scene if the camera is known; else it only keeps its place in
    the picture, as a car ahead does. People are said to rest as seen.
    """
    if any(event.kind in ("move", "oscillate") for event in events):
        return True
    return label == PERSON or (label != NAMELESS and camera_known)


def _changes_depth(still: Event, events: Sequence[Event]) -> bool:
    """Whether something that rests in the picture comes nearer or goes away meanwhile."""
    return any(e.kind in DEPTHS and overlap(e.span, still.span) >= 0.3 for e in events)
