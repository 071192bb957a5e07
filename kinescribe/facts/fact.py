"""How a fact is made of an event, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping

from kinescribe.records import Event, MotionFact, Span


def overlap(a: Span, b: Span) -> float:
    """Return the shared time as a share of the shorter span."""
    shared = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return shared / max(min(a.duration_s, b.duration_s), 1e-9)


def confidence_of(effect: float, needed: float) -> float:
    """Return 0.5 for an effect at its threshold, 0.75 for one twice as large, towards 1."""
    return 1 - 0.5 * needed / max(effect, needed / 2)


def fact_of(event: Event, predicate: str, **more: object) -> MotionFact:
    """Return what an event says, with its numbers as evidence."""
    evidence: Mapping[str, float] = event.values
    fields = {"direction": event.direction, "part": event.part, **more}
    return MotionFact("", event.subject, predicate, event.span, evidence=evidence, **fields)  # type: ignore[arg-type]
