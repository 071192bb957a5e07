"""A clip as those who ask see it: its facts in words, a judge that remembers, and what could have happened instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, TypeVar

from kinescribe.checks import Judgement, Measurements, check
from kinescribe.language.referring import names
from kinescribe.language.render import phrase, said_span
from kinescribe.questions import statements as say
from kinescribe.questions.options import Option, draw, shuffled
from kinescribe.records import CAMERA, Claim, Hands, MotionFact, Span
from kinescribe.vocabulary import PERSON

T = TypeVar("T")

GENERAL = ("enter", "leave", "stay")
"""Predicates whose direction makes no other idea of them."""
INSTANTS = ("enter", "leave", "start", "stop")
"""Predicates that are judged near an instant anyway."""
RESTS = frozenset({"stay", "stop", "pause"})
"""Predicates of who does not move."""
NUMBERED = 0.1
"""By so much less sure facts about who alone has a name ("the car") are asked about before those about "person 5", who
is known to those who see the overlay."""
MOMENT_S = 0.5
"""In a shorter time hardly anything can be seen to move: what is false then must be false round it, too."""
_LIMB_IDEAS = (
    ("raise", "left_arm"), ("raise", "right_arm"), ("raise", "both_arms"), ("lower", "left_arm"),
    ("lower", "right_arm"), ("bend", "both_knees"), ("bend", "left_elbow"), ("bend", "right_elbow"),
    ("straighten", "both_knees"),
)  # fmt: skip


class Idea(NamedTuple):
    """What a subject could have done instead."""

    predicate: str
    direction: tuple[str, ...] = ()
    part: str | None = None
    trajectory: str | None = None


CAMERA_IDEAS = (
    *(Idea("pan", (way,)) for way in ("left", "right")),
    *(Idea("tilt", (way,)) for way in ("up", "down")),
    *(Idea("zoom", (way,)) for way in ("in", "out")),
    *(Idea("roll", (way,)) for way in ("clockwise", "counterclockwise")),
    Idea("stay"),
)
CAMERA_MOVES = (Idea("move", ("forward",)), Idea("move", ("backward",)))
"""Only where the camera is seen to move with parallax: else they could be taken for zooming."""
THING_IDEAS = (
    *(Idea("move", (way,)) for way in ("left", "right", "up", "down")),
    *(Idea(predicate) for predicate in GENERAL),
)
BODY_IDEAS = tuple(Idea(predicate, part=part) for predicate, part in _LIMB_IDEAS)


class Happening(NamedTuple):
    """A fact on its way into an order of two."""

    fact: MotionFact
    core: MotionFact
    """What is said of it."""
    text: str

    @property
    def lasting(self) -> bool:
        """Whether it has no place in an order: whatever moved stays somewhere before or after."""
        return self.fact.subject == CAMERA or self.fact.predicate == "stay"


class Scene:
    """What questions are made of.

    Args:
        measured: what claims are judged by.
        facts: what is known to be sayable; the surest are asked about first.
        hands: what hands hold.
        seed: of every draw.
    """

    def __init__(self, measured: Measurements, facts: Sequence[MotionFact], hands: Hands, seed: str) -> None:
        self.measured, self.facts, self.hands, self.seed = measured, tuple(facts), hands, seed
        self.names = names(measured.tracks)
        self.filmed = measured.as_filmed()
        self.surest = sorted(facts, key=lambda fact: self._numbered(fact) * NUMBERED - fact.confidence)
        self._judged: dict[Claim, Judgement] = {}

    def _numbered(self, fact: MotionFact) -> bool:
        """Whether a fact is about one of several of a name, and others could be asked about."""
        called = (self.names[i] for i in (fact.subject, fact.object) if i is not None)
        return self._some_unique and any(name[-1].isdigit() for name in called)

    @cached_property
    def _some_unique(self) -> bool:
        return any(f.subject != CAMERA and not self.names[f.subject][-1].isdigit() for f in self.facts)

    @cached_property
    def happenings(self) -> list[Happening]:
        """Every fact in words, in order of time."""
        return [Happening(fact, core, self.whole(core)) for fact in self.facts for core in (say.core(fact),)]

    @cached_property
    def elsewhere(self) -> tuple[Idea, ...]:
        """What anybody in the clip does, apart from what is done to others."""
        cores = [h.core for h in self.happenings if h.fact.subject != CAMERA and h.fact.object is None]
        return tuple(dict.fromkeys(Idea(c.predicate, c.direction, c.part, c.trajectory) for c in cores))

    @cached_property
    def told(self) -> frozenset[int]:
        """Subjects that something is said of: the others are known by name to nobody."""
        return frozenset(i for fact in self.facts for i in (fact.subject, fact.object) if i is not None)

    @cached_property
    def people(self) -> tuple[int, ...]:
        """Track ids of people."""
        tracks = self.measured.tracks
        return tuple(i for i, label in zip(tracks.ids.tolist(), tracks.label, strict=True) if label == PERSON)

    @property
    def end_s(self) -> float:
        """Time of the last sample."""
        return float(self.measured.clip.times_s[-1]) if len(self.measured.clip.times_s) else 0.0

    # --- judging ---

    def judge(self, fact: MotionFact, span: Span | None = None) -> Judgement:
        """Judge what a fact says; where the camera moves, both in the scene and as filmed."""
        claim = say.claim(fact, self.names, span)
        if claim not in self._judged:
            self._judged[claim] = self._checked(claim)
        return self._judged[claim]

    def _checked(self, claim: Claim) -> Judgement:
        found = check(claim, self.measured)
        if claim.subject == CAMERA or not self.measured.camera.moves:
            return found
        seen = check(claim, self.filmed)
        return found if seen.holds == found.holds else Judgement(None, f"{found.why}; as filmed: {seen.why}")

    def option(self, fact: MotionFact, span: Span | None) -> Option:
        """An option and its verdict in the time that the question gives."""
        ways = () if fact.predicate in GENERAL else fact.direction
        what = (fact.predicate, *ways, fact.part or "", str(fact.object))
        return Option(self.says(fact), self._in_part(fact, span), " ".join(what))

    def by(self, fact: MotionFact, subject: int, span: Span | None) -> Judgement:
        """Judge that a subject does what a fact says of another one; who rests does not surely not stop or pause."""
        judged = self.judge(replace(fact, subject=subject), span)
        if judged.holds is not False or fact.predicate not in RESTS:
            return judged
        rests = self.judge(say.but(replace(fact, subject=subject), "stay"), span)
        return judged if rests.holds is False else Judgement(None, f"{judged.why}; rests: {rests.why}")

    def stated(self, fact: MotionFact, subject: int, span: Span | None) -> Judgement:
        """Judge that a subject does what a fact says of another one; that it does needs a fact of its own.

        The judge is kind to whoever says something: a circle goes left and right, too.
        """
        judged = self.by(fact, subject, span)
        said = self.says(fact)
        own = any(h.fact.subject == subject and self.says(h.core) == said for h in self.happenings)
        return judged if own or not judged.holds else Judgement(None, f"{judged.why}; but no fact says so")

    def _in_part(self, fact: MotionFact, span: Span | None) -> Judgement:
        """Judge a fact; what is not so in a moment, or not on the whole, may be so round it, or for a while."""
        judged = self.judge(fact, span)
        if judged.holds is not False or span is None or fact.subject == CAMERA:
            return judged
        if span.duration_s < MOMENT_S and fact.predicate not in INSTANTS:
            wide = Span(max(0.0, span.start_s - MOMENT_S), min(self.end_s, span.end_s + MOMENT_S))
            around = self.judge(fact, wide)
            return (
                judged if around.holds is False else Judgement(None, f"{judged.why}; near it: {around.why}")
            )
        if fact.predicate not in ("accelerate", "decelerate"):
            return judged
        during = check(say.claim(fact, self.names, None), self.measured.within(span))
        return judged if during.holds is False else Judgement(None, f"{judged.why}; in part: {during.why}")

    # --- words ---

    def says(self, fact: MotionFact) -> str:
        """What is said of a fact's subject: ``moves to the left``."""
        other = None if fact.object is None else self.names[fact.object]
        return phrase(fact, other, variant=0)

    def whole(self, fact: MotionFact) -> str:
        """A fact as a clause: ``car 1 moves to the left``."""
        return f"{self.names[fact.subject]} {self.says(fact)}"

    # --- draws ---

    def draw(self, *told: object) -> float:
        """A number in [0, 1) that follows from the seed and what it is for."""
        return draw(self.seed, *told)

    def shuffled(self, items: Iterable[T], *told: object) -> list[T]:
        """Items in an order that follows from the seed and what it is for."""
        return shuffled(items, self.seed, *told)

    def ideas(self, fact: MotionFact, pools: Sequence[Iterable[Idea]] | None = None) -> Iterator[MotionFact]:
        """Yield what the subject could have done instead: first what happens elsewhere in the clip, then anything."""
        for pool in self._pools(fact) if pools is None else pools:
            for idea in self.shuffled(pool, "ideas", say.content(fact)):
                # Who rests has stopped, or pauses: that is no other thing to do.
                if not {idea.predicate, fact.predicate} <= RESTS or fact.subject == CAMERA:
                    yield say.but(fact, *idea)

    def _pools(self, fact: MotionFact) -> list[Iterable[Idea]]:
        if fact.subject == CAMERA:
            return [(*CAMERA_IDEAS, *(CAMERA_MOVES if fact.predicate == "move" else ()))]
        bodily = fact.subject in set(self.measured.poses.ids.tolist())
        return [self.elsewhere, (*THING_IDEAS, *(BODY_IDEAS if bodily else ()))]

    def during(self, fact: MotionFact) -> Span | None:
        """The time that a question about a fact gives."""
        return said_span(fact)


def at_once(*judged: Judgement) -> Judgement:
    """All of them: false if one is false, unknown if one is unknown, else true."""
    states = [j.holds for j in judged]
    holds = False if False in states else None if None in states else True
    return Judgement(holds, "; ".join(j.why for j in judged))


def none_of(*judged: Judgement) -> Judgement:
    """None of them holds."""
    return at_once(*(denied(j) for j in judged))


def denied(judged: Judgement) -> Judgement:
    """The opposite; what is unknown stays so."""
    return Judgement(None if judged.holds is None else not judged.holds, judged.why)


def only(first: Judgement, *others: Judgement) -> Judgement:
    """The first and none of the others."""
    return at_once(first, none_of(*others))


__all__ = [
    "BODY_IDEAS", "CAMERA_IDEAS", "THING_IDEAS", "Happening", "Idea", "Scene", "at_once", "denied", "none_of", "only",
]  # fmt: skip
