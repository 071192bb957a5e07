"""What subjects do to each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinescribe.facts.fact import confidence_of, fact_of
from kinescribe.facts.settings import FactSettings
from kinescribe.records import Event, MotionFact


def state(events: Sequence[Event], settings: FactSettings) -> Iterator[MotionFact]:
    """Yield what the events of one subject say of it and others."""
    for event in events:
        if event.kind in ("approach", "separate"):
            change = abs(event.values["to_widths"] - event.values["from_widths"])
            confidence = confidence_of(change, event.values["needed"])
            yield fact_of(event, event.kind, object=event.other, frame="image", confidence=confidence)
