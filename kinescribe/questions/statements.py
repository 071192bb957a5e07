"""Statements that questions are made of: a fact with another content, without what is asked, as a claim, as words."""

from __future__ import annotations

from dataclasses import replace

from kinescribe.language.render import said_span
from kinescribe.records import CAMERA, Action, Claim, MotionFact, Span
from kinescribe.vocabulary import COMPASS


def content(fact: MotionFact) -> str:
    """What a fact is about: unlike its id, it does not change when another fact is found."""
    return f"{fact.subject}:{fact.predicate}:{fact.part}:{fact.object}:{fact.span.start_s:.2f}"


def goes_one_way(fact: MotionFact) -> bool:
    """Return whether a fact is about one way through the picture."""
    moves = fact.subject != CAMERA and fact.predicate == "move"
    return moves and len(fact.direction) == 1 and fact.direction[0] in COMPASS


def claim(fact: MotionFact, called: dict[int, str], span: Span | None) -> Claim:
    """Return what a fact says as a claim about a span."""
    action = Action(
        predicate=fact.predicate,
        start=0,
        end=0,
        agent=called[fact.subject],
        patient=None if fact.object is None else called[fact.object],
        direction=fact.direction,
        trajectory=fact.trajectory,
        count=fact.count,
        part=fact.part,
        level=fact.level,
        span=span,
        metres=fact.metres,
    )
    return Claim(action, fact.subject, fact.object)


def but(
    fact: MotionFact,
    predicate: str,
    direction: tuple[str, ...] = (),
    part: str | None = None,
    trajectory: str | None = None,
) -> MotionFact:
    """Return a statement about the same subject and time with another content."""
    return replace(
        fact,
        predicate=predicate,
        direction=direction,
        part=part,
        trajectory=trajectory,
        magnitude=None,
        count=None,
        metres=None,
        object=None,
        span=exact(fact),
    )


def exact(fact: MotionFact) -> Span:
    """The span as said, so that other predicates are asked about the same time."""
    return said_span(fact) or fact.span


def core(fact: MotionFact) -> MotionFact:
    """Return a fact without what other categories ask about: number, manner, shape (unless it is all there is)."""
    shape = fact.trajectory if fact.trajectory in ("back_and_forth", "circular") else None
    return replace(fact, magnitude=None, count=None, trajectory=shape, span=exact(fact))


def when(fact: MotionFact) -> str:
    """Return a fact's time as a question ends with it."""
    span = said_span(fact)
    if span is None:
        return ""
    if span.start_s == span.end_s:
        return f" at {span.start_s:.1f} s"
    return f" between {span.start_s:.1f} s and {span.end_s:.1f} s"


def capital(text: str) -> str:
    """Return a text with a capital letter."""
    return text[0].upper() + text[1:]
