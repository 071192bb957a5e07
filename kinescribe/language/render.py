"""Facts to plain English. Deterministic: the wording varies between texts, the content never does.

Every part of a fact that can be said is said in a way the parser reads back (``tests/test_language.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kinescribe.records import CAMERA, MotionFact, Span
from kinescribe.vocabulary import DIRECTION_PHRASES, PARTS, TRAJECTORY_PHRASES

INSTANT_S = 0.15
"""A shorter span is said as one instant; times are said in tenths of a second."""
WHOLE_CLIP = 0.9
"""What the camera does in this share of a clip needs no time."""
MAX_CHAIN = 3
"""Facts in one sentence."""

MIN_STRAIGHT_S = 1.0
"""A shorter way has no shape worth saying when it is straight; a slight one never has."""

_INSTANTS = {"start": 0, "stop": 0, "enter": 0, "leave": 1}
"""Predicates that happen at one end (0 start, 1 end) of the span that shows them."""

_VERBS: Mapping[str, tuple[str, ...]] = {
    "move": ("moves", "travels", "goes"),
    "start": ("sets off",),
    "stop": ("stops", "comes to a stop"),
    "pause": ("pauses",),
    "stay": ("stays in place", "remains in place"),
    "enter": ("enters the frame", "comes into view"),
    "leave": ("leaves the frame", "goes out of view"),
    "accelerate": ("speeds up", "accelerates"),
    "decelerate": ("slows down", "decelerates"),
    "approach": ("approaches", "moves closer to"),
    "separate": ("moves away from", "gets farther from"),
    "pass": ("passes",),
    "overtake": ("overtakes",),
    "cross": ("crosses the path of",),
    "follow": ("follows",),
    "touch": ("touches",),
    "jump": ("jumps",),
    "lean": ("leans",),
    "turn": ("turns",),
    "raise": ("raises", "lifts"),
    "lower": ("lowers",),
    "bend": ("bends",),
    "straighten": ("straightens",),
    "pan": ("pans",),
    "tilt": ("tilts",),
    "roll": ("rolls",),
    "zoom": ("zooms",),
    "shake": ("shakes",),
    "in_front_of": ("is in front of",),
    "behind": ("is behind",),
}
_CAMERA_STAYS = ("stays still", "does not move")
"""Of a subject only the place is meant (it may wave); of the camera everything."""
_FROM = {
    "right": "from the left", "left": "from the right", "down": "from above", "up": "from below",
    "upper_right": "from the lower left", "upper_left": "from the lower right",
    "lower_right": "from the upper left", "lower_left": "from the upper right",
}  # fmt: skip
"""A subject that enters moving right comes from the left."""
_BOTH_WAYS = {("left", "right"): "left and right", ("up", "down"): "up and down"}
_TIMES = {1: "once", 2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times"}


def said_span(fact: MotionFact) -> Span | None:
    """Return the time that a sentence gives for a fact, in tenths of a second.

    None for what the camera does nearly all the time (its evidence ``clip_share``; all the time without).
    """
    if fact.subject == CAMERA and fact.evidence.get("clip_share", 1.0) >= WHOLE_CLIP:
        return None
    start, end = round(fact.span.start_s, 1), round(fact.span.end_s, 1)
    if fact.predicate in _INSTANTS:
        at = (start, end)[_INSTANTS[fact.predicate]]
        return Span(at, at)
    return Span(start, start) if end - start < INSTANT_S else Span(start, end)


def said_shape(fact: MotionFact) -> str | None:
    """Return the shape that a sentence gives for a fact; short and slight ways are not called straight."""
    dull = fact.magnitude == "slightly" or fact.span.duration_s < MIN_STRAIGHT_S
    return None if fact.trajectory == "straight" and dull else fact.trajectory


def phrase(fact: MotionFact, object_name: str | None = None, variant: int | None = None) -> str:
    """Return the predicate of a fact in the third person, without its time: ``moves slowly to the left``.

    Args:
        object_name: what the fact's object is called.
        variant: which wording to take; by default it follows from the fact's id.
    """
    chosen = _pick("verb", [fact]) if variant is None else variant
    verbs = _CAMERA_STAYS if (fact.subject, fact.predicate) == (CAMERA, "stay") else _VERBS[fact.predicate]
    words = [verbs[chosen % len(verbs)]]
    if object_name is not None:
        words.append(object_name)
    if fact.part is not None:
        words.append(_part(fact.part))
    words += _manner(fact)
    return " ".join(words)


def sentence(fact: MotionFact, name: str, object_name: str | None = None) -> str:
    """Return one sentence about one fact."""
    return _finish(_clause(fact, name, object_name, _pick("verb", [fact])))


def in_order(facts: Iterable[MotionFact]) -> list[MotionFact]:
    """Return facts in the order in which a text says them: the camera, then by the time said.

    At one instant a subject first enters, and leaves last.
    """
    return sorted(facts, key=_place)


def _place(fact: MotionFact) -> tuple[bool, float, int, float, int]:
    span = said_span(fact) or fact.span
    first = {"enter": -1, "leave": 1}.get(fact.predicate, 0)
    return fact.subject != CAMERA, span.start_s, first, span.end_s, fact.subject


def render(facts: Sequence[MotionFact], names: Mapping[int, str]) -> str:
    """Return a text that says the facts in order of time, the camera first.

    Consecutive facts of one subject form a sentence of up to ``MAX_CHAIN`` facts. Each predicate has one wording
    within a text.

    Args:
        names: how the subjects are called (``referring.names``).
    """
    ordered = in_order(facts)
    variant = _pick("verb", ordered)
    return " ".join(_finish(_chain(chain, names, variant)) for chain in _chains(ordered))


class _Chain(NamedTuple):
    subject: int
    facts: list[MotionFact]


def _chains(facts: Sequence[MotionFact]) -> list[_Chain]:
    chains: list[_Chain] = []
    for fact in facts:
        if chains and chains[-1].subject == fact.subject and len(chains[-1].facts) < MAX_CHAIN:
            chains[-1].facts.append(fact)
        else:
            chains.append(_Chain(fact.subject, [fact]))
    return chains


def _chain(chain: _Chain, names: Mapping[int, str], variant: int) -> str:
    """One subject, several predicates; "then" only between spans that do not overlap."""
    first, *rest = chain.facts
    if not rest:
        return _clause(first, names[chain.subject], _object(first, names), variant)
    text = f"{names[chain.subject]} {_timed(first, _object(first, names), variant)}"
    before = first
    for i, fact in enumerate(rest):
        link = "then" if _follows(fact, before) else ""
        comma = "," if len(rest) > 1 or link else ""
        joint = f"{comma} and {link}" if i == len(rest) - 1 else f", {link}"
        text += f"{joint} ".replace("  ", " ") + _timed(fact, _object(fact, names), variant)
        before = fact
    return text


def _follows(fact: MotionFact, before: MotionFact) -> bool:
    span, earlier = said_span(fact) or fact.span, said_span(before) or before.span
    return span.start_s >= earlier.end_s - INSTANT_S


def _clause(fact: MotionFact, name: str, object_name: str | None, variant: int) -> str:
    span = said_span(fact)
    if span is not None and _pick("time", [fact]) % 3 == 0:
        return f"{_time(span)}, {name} {phrase(fact, object_name, variant)}"
    return f"{name} {_timed(fact, object_name, variant)}"


def _timed(fact: MotionFact, object_name: str | None, variant: int) -> str:
    span = said_span(fact)
    said = phrase(fact, object_name, variant)
    return said if span is None else f"{said} {_time(span)}"


def _time(span: Span) -> str:
    if span.end_s == span.start_s:
        return f"at {span.start_s:.1f} s"
    return f"from {span.start_s:.1f} s to {span.end_s:.1f} s"


def _manner(fact: MotionFact) -> list[str]:
    """Magnitude, direction, shape and count, in this order."""
    direction = _direction(fact)
    shape = TRAJECTORY_PHRASES.get(said_shape(fact) or "")
    if fact.trajectory == "back_and_forth" and fact.direction in _BOTH_WAYS:
        shape = None  # "left and right" says it
    metres = None if fact.metres is None else f"{fact.metres:.1f} m"
    parts = [fact.magnitude, metres, direction, shape, times(fact.count)]
    return [part for part in parts if part]


def _direction(fact: MotionFact) -> str:
    if fact.direction in _BOTH_WAYS:
        return _BOTH_WAYS[fact.direction]
    words = []
    for direction in fact.direction:
        if fact.predicate == "enter" and direction in _FROM:
            words.append(_FROM[direction])
        elif fact.predicate == "leave" and direction in ("up", "down"):
            words.append("at the top" if direction == "up" else "at the bottom")
        else:
            words.append(DIRECTION_PHRASES[direction])
    return " and ".join(words)


def times(count: int | None) -> str:
    """Return a number of repetitions in words; empty where it is unknown."""
    if count is None:
        return ""
    return _TIMES.get(count, f"{count} times")


def _part(part: str) -> str:
    said = PARTS[part][0] if part in PARTS else part.replace("_", " ")
    return said if said.startswith("both ") else f"the {said}"


def _object(fact: MotionFact, names: Mapping[int, str]) -> str | None:
    return None if fact.object is None else names[fact.object]


def _finish(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _pick(what: str, facts: Sequence[MotionFact]) -> int:
    """A number that varies between facts, and texts of several, but not between runs."""
    told = ";".join(f"{f.id}:{f.subject}:{f.predicate}:{f.span.start_s:.2f}" for f in facts)
    return int.from_bytes(hashlib.sha256(f"{what}:{told}".encode()).digest()[:4])
