"""What subjects do to each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinescribe.facts.fact import confidence_of, fact_of
from kinescribe.facts.settings import FactSettings
from kinescribe.records import Event, MotionFact
from kinescribe.vocabulary import ORDERS


def state(events: Sequence[Event], settings: FactSettings) -> Iterator[MotionFact]:
    """Yield what the events of one subject say of it and others.

    Who passes, overtakes or crosses the path of something has come up to it and goes away from it: that is not said
    besides. How it comes up to what it touches is, since a contact is an instant.
    """
    relations = [event for event in events if event.other is not None]
    for event in relations:
        if event.kind in ("approach", "separate"):
            if not event.values["part"]:
                change = abs(event.values["to_widths"] - event.values["from_widths"])
                yield _fact(event, confidence_of(change, event.values["needed"]))
        elif event.kind in _CLEARNESS:
            effect, needed = _CLEARNESS[event.kind]
            yield _fact(event, confidence_of(event.values[effect], event.values[needed]))
        elif event.kind in ORDERS:
            # Who is before whom is a matter of where the camera stands.
            confidence = confidence_of(event.values["lead"], event.values["needed"])
            yield fact_of(event, event.kind, object=event.other, frame="image", confidence=confidence)
        elif event.kind == "touch":
            yield _fact(event, 0.5 + 0.4 * min(1.0, event.values["change"]))


_CLEARNESS = {
    "pass": ("clear_px", "needed_px"),
    "overtake": ("clear_px", "needed_px"),
    "cross": ("clear_sizes", "needed_sizes"),
    "follow": ("seconds", "needed_s"),
}
"""Which numbers say how clear a relation is: the effect, and what it must reach."""


def _fact(event: Event, confidence: float) -> MotionFact:
    times = round(event.values.get("times", 1.0))
    return fact_of(
        event,
        event.kind,
        object=event.other,
        count=times if times > 1 else None,
        frame="scene" if event.values["in_scene"] else "image",
        confidence=confidence,
    )
