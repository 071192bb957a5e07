"""Facts as compact JSON lines: what was measured, in the words of the vocabulary."""

from __future__ import annotations

from typing import Any

from kinescribe.inputs.subjects import tags
from kinescribe.plain import number, to_json
from kinescribe.records import CAMERA, Facts, MotionFact, Tracks


def fact_lines(facts: Facts, tracks: Tracks) -> str:
    """Return one JSON object a line and fact, in order of time; what is unknown or does not apply is left out.

    Subjects are named as on the pictures (``person #10``), the camera as ``camera``; ``t`` is seconds from and to.
    """
    called = {**tags(tracks), CAMERA: "camera"}
    return "\n".join(to_json(_line(fact, called)) for fact in facts.facts)


def _line(fact: MotionFact, called: dict[int, str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": fact.id,
        "subject": called.get(fact.subject, f"#{fact.subject}"),
        "predicate": fact.predicate,
        "part": fact.part,
        "direction": list(fact.direction) or None,
        "magnitude": fact.magnitude,
        "trajectory": fact.trajectory,
        "count": fact.count,
        "object": None if fact.object is None else called.get(fact.object, f"#{fact.object}"),
        "t": [_rounded(fact.span.start_s), _rounded(fact.span.end_s)],
        "confidence": _rounded(fact.confidence),
    }
    return {key: value for key, value in told.items() if value is not None}


def _rounded(value: float) -> float | None:
    known = number(value)
    return None if known is None else round(known, 2)
