"""Facts in, multiple-choice questions out: one true option, three that are checked to be false (FoundationMotion A.3).

A question is asked only if the judge confirms the answer and refuses three other options of different meaning; what
the judge cannot tell is no distractor. Where the camera moves, an answer about ways must hold as filmed as well.
Every draw hangs on what is asked, never on the draws before: another fact does not reshuffle the other questions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import ClassVar, NamedTuple, TypeVar

from kinescribe.checks import Judgement, Measurements, beside, check, gap, located, travelled
from kinescribe.language.referring import names
from kinescribe.language.render import phrase, said_shape, said_span, times
from kinescribe.records import (
    CAMERA,
    CameraMotion,
    Claim,
    Clip,
    Facts,
    Kinematics,
    MotionFact,
    Poses,
    Question,
    Questions,
    Span,
    Tracks,
)
from kinescribe.stages import statements as say
from kinescribe.vocabulary import COMPASS, DIRECTION_PHRASES, QA_CATEGORIES, TRAJECTORY_PHRASES

T = TypeVar("T")

NUM_OPTIONS = 4
OVERLAP_S = 0.05
"""Two happenings that share more time than this have no order."""
SETTLE_S = 0.5
"""So long after a happening its smoothed trace is gone."""
_LIMB_IDEAS = (
    ("raise", "left_arm"), ("raise", "right_arm"), ("raise", "both_arms"), ("lower", "left_arm"),
    ("lower", "right_arm"), ("bend", "both_knees"), ("bend", "left_elbow"), ("bend", "right_elbow"),
    ("straighten", "both_knees"),
)  # fmt: skip
_SPEEDS = {
    "accelerate": "it speeds up", "decelerate": "it slows down", "stay": "it stays in place",
    "steady": "it keeps its speed",
}  # fmt: skip
_GAPS = {
    "shrinks": "it shrinks", "grows": "it grows", "constant": "it hardly changes",
    "grows_then_shrinks": "it first grows, then shrinks", "shrinks_then_grows": "it first shrinks, then grows",
}  # fmt: skip
_SIDES = {"left": "to the left of", "right": "to the right of", "up": "above", "down": "below"}
_QUARTERS = ("upper_left", "upper_right", "lower_left", "lower_right")


def _draw(*told: object) -> float:
    """Return a number in [0, 1) that looks random and follows from what it is for."""
    return random.Random(":".join(map(str, told))).random()


def _shuffled(items: Iterable[T], *told: object) -> list[T]:
    """Return items in an order in which one more item does not move the others."""
    return sorted(items, key=lambda item: _draw(*told, item))


class Option(NamedTuple):
    """One choice and what the judge says of it."""

    text: str
    judged: Judgement
    meaning: str = ""
    """What it asserts, where several texts could assert the same; the text otherwise."""

    @property
    def key(self) -> str:
        """What no two options of a question may share."""
        return self.meaning or self.text


class Idea(NamedTuple):
    """What a subject could have done instead."""

    predicate: str
    direction: tuple[str, ...] = ()
    part: str | None = None
    trajectory: str | None = None


_CAMERA_IDEAS = (
    *(Idea("pan", (way,)) for way in ("left", "right")),
    *(Idea("tilt", (way,)) for way in ("up", "down")),
    *(Idea("zoom", (way,)) for way in ("in", "out")),
    *(Idea("roll", (way,)) for way in ("clockwise", "counterclockwise")),
    Idea("stay"),
)
_CAMERA_MOVES = (Idea("move", ("forward",)), Idea("move", ("backward",)))
"""Only where the camera is seen to move with parallax: else they could be taken for zooming."""
_GENERAL_IDEAS = (
    *(Idea("move", (way,)) for way in ("left", "right", "up", "down")),
    *(Idea(predicate) for predicate in ("stay", "enter", "leave")),
    *(Idea(predicate, part=part) for predicate, part in _LIMB_IDEAS),
)


class Draft(NamedTuple):
    """A question before its distractors are chosen."""

    text: str
    answer: Option
    others: Iterable[Option]
    """Candidates in order of preference; judged when they are looked at."""


@dataclass(frozen=True)
class AskQuestions:
    """Ask about the surest facts of a clip; every option is judged, positions are shuffled per clip."""

    seed: int = 0
    """With the clip's id it decides which distractors are taken and where the answer stands."""
    max_per_category: int = 4
    """Keeps clips with many subjects from crowding out the others (FoundationMotion: about six per clip in all)."""

    revision: ClassVar[int] = 4

    def __call__(
        self,
        clip: Clip,
        camera: CameraMotion,
        tracks: Tracks,
        poses: Poses,
        kinematics: Kinematics,
        facts: Facts,
    ) -> Questions:
        """Ask what can be asked, by category."""
        measured = Measurements(clip, camera, tracks, poses, kinematics)
        asker = _Asker(measured, facts.facts, f"{self.seed}:{clip.id}")
        surest = sorted(facts.facts, key=lambda fact: -fact.confidence)
        asked: list[Question] = []
        for category in QA_CATEGORIES:
            found = (question for fact in surest for question in _asked(category, fact, asker))
            asked += islice(_different(found), self.max_per_category)
        return Questions(tuple(asked))


def _asked(category: str, fact: MotionFact, asker: _Asker) -> Iterator[Question]:
    """Yield the questions of a category about one fact; of orders only the first that works."""
    for draft in asker.drafts(category, fact):
        question = _decide(category, fact, draft, asker.seed)
        if question is not None:
            yield question
            if category == "action_order":
                return


def _different(questions: Iterable[Question]) -> Iterator[Question]:
    """Leave out questions whose words and options were asked already."""
    seen: set[tuple[str, ...]] = set()
    for question in questions:
        key = (question.text, *sorted(question.options))
        if key not in seen:
            seen.add(key)
            yield question


def _decide(category: str, fact: MotionFact, draft: Draft, seed: str) -> Question | None:
    """Keep a question whose answer is judged true and that has three options judged false."""
    wrong = _refused(draft)
    if wrong is None:
        return None
    options = [draft.answer, *wrong]
    random.Random(f"{seed}:{category}:{say.content(fact)}:{draft.text}").shuffle(options)
    refused = "; ".join(f'"{o.text}": {o.judged.why}' for o in wrong)
    provenance = f"fact {fact.id}; answer checked true: {draft.answer.judged.why}; checked false: {refused}"
    return Question(
        category,
        draft.text,
        tuple(say.capital(option.text) for option in options),
        options.index(draft.answer),
        fact.subject,
        fact.id,
        provenance,
    )


def _refused(draft: Draft) -> list[Option] | None:
    """Return three options that are judged false; None where there are fewer or the answer is not judged true."""
    if draft.answer.judged.holds is not True:
        return None
    wrong: dict[str, Option] = {}
    for option in draft.others:
        if option.judged.holds is False and option.key != draft.answer.key:
            wrong.setdefault(option.key, option)
        if len(wrong) == NUM_OPTIONS - 1:
            return list(wrong.values())
    return None


class _Happening(NamedTuple):
    """A fact on its way into an order of two."""

    fact: MotionFact
    core: MotionFact
    """What is said of it."""
    text: str

    @property
    def lasting(self) -> bool:
        """Whether it has no place in an order."""
        return self.fact.subject == CAMERA or self.fact.predicate == "stay"


@dataclass(frozen=True)
class _Around:
    """What is measured up to the end of a happening, and when its trace is gone."""

    measured: Measurements
    end_s: float

    @cached_property
    def before(self) -> Measurements:
        return self.measured.within(Span(0.0, self.end_s))

    @cached_property
    def after(self) -> Measurements:
        end = self.measured.clip.duration_s
        return self.measured.within(Span(min(self.end_s + SETTLE_S, end), end))


class _Asker:
    """Turns facts into drafts of questions, one method per category."""

    def __init__(self, measured: Measurements, facts: Sequence[MotionFact], seed: str) -> None:
        self.measured, self.facts, self.seed = measured, facts, seed
        self.names = names(measured.tracks)
        self.filmed = measured.as_filmed()
        self.judged: dict[Claim, Judgement] = {}
        """Verdicts so far: the questions of a clip consider the same few claims again and again."""
        self.happenings = [_Happening(fact, say.core(fact), self._whole(say.core(fact))) for fact in facts]
        self.elsewhere = {
            Idea(h.core.predicate, h.core.direction, h.core.part, h.core.trajectory)
            for h in self.happenings
            if h.fact.subject != CAMERA and h.fact.object is None
        }
        self.told = {i for fact in facts for i in (fact.subject, fact.object) if i is not None}
        """Subjects that something is said of: the others are known by name to nobody."""

    def drafts(self, category: str, fact: MotionFact) -> Iterator[Draft]:
        """Yield the questions of a category that a fact gives rise to."""
        makers: dict[str, Callable[[MotionFact], Iterator[Draft]]] = {
            "motion_recognition": self._recognition,
            "action_order": self._order,
            "motion_object": self._object,
            "location_motion": self._location,
            "repetition_count": self._count,
            "motion_attribute": self._attribute,
            "spatial_relation": self._relation,
        }
        yield from makers[category](fact)

    # --- judging options ------------------------------------------------------------------------------------

    def _judge(self, fact: MotionFact, span: Span | None = None) -> Judgement:
        """Judge what a fact says; where the camera moves, both in the scene and as filmed."""
        claim = say.claim(fact, self.names, span)
        if claim not in self.judged:
            self.judged[claim] = self._checked(claim)
        return self.judged[claim]

    def _checked(self, claim: Claim) -> Judgement:
        found = check(claim, self.measured)
        if claim.subject == CAMERA or not self.measured.camera.moves:
            return found
        seen = check(claim, self.filmed)
        return found if seen.holds == found.holds else Judgement(None, f"{found.why}; as filmed: {seen.why}")

    def _option(self, fact: MotionFact, span: Span | None) -> Option:
        """An option and its verdict in the time that the question gives."""
        general = fact.predicate in ("enter", "leave", "stay")
        what = (fact.predicate, *(() if general else fact.direction), fact.part or "", str(fact.object))
        return Option(self._says(fact), self._judge(fact, span=span), " ".join(what))

    def _says(self, fact: MotionFact) -> str:
        other = None if fact.object is None else self.names[fact.object]
        return phrase(fact, other, variant=0)

    # --- ideas for distractors ------------------------------------------------------------------------------

    def _ideas(self, fact: MotionFact) -> Iterator[MotionFact]:
        """Yield what the subject could have done instead: first what happens elsewhere in the clip, then anything."""
        camera = (*_CAMERA_IDEAS, *(_CAMERA_MOVES if fact.predicate == "move" else ()))
        for pool in [camera] if fact.subject == CAMERA else [self.elsewhere, _GENERAL_IDEAS]:
            for idea in _shuffled(pool, self.seed, "ideas", say.content(fact)):
                yield say.but(fact, *idea)

    # --- the seven categories -------------------------------------------------------------------------------

    def _recognition(self, fact: MotionFact) -> Iterator[Draft]:
        if self._instead(fact) is not None:
            return
        span = said_span(fact)
        others = (self._option(idea, span) for idea in self._ideas(fact))
        yield Draft(
            f"What does {self.names[fact.subject]} do{say.when(fact)}?",
            self._option(say.core(fact), span),
            others,
        )

    def _instead(self, fact: MotionFact) -> Draft | None:
        """Return what is asked of a fact in place of what the subject does: which way it goes, how its speed changes.

        Both would be the same question in other words, so lots are drawn.
        """
        if _draw(self.seed, "instead", say.content(fact)) < 0.5:
            return None
        if say.goes_one_way(fact):
            draft = self._direction(fact)
        elif fact.predicate in ("accelerate", "decelerate"):
            draft = self._speed(fact)
        else:
            return None
        return draft if _refused(draft) is not None else None

    def _order(self, fact: MotionFact) -> Iterator[Draft]:
        """Pit "A, then B" against "B, then A", and against something that never happens.

        A stay is left out: whatever moved stays somewhere before or after.
        """
        first = next(h for h in self.happenings if h.fact is fact)
        around = _Around(self.measured, fact.span.end_s)
        for second in self.happenings:
            apart = second.fact.span.start_s >= fact.span.end_s - OVERLAP_S
            if apart and not first.lasting and not second.lasting and first.text != second.text:
                text = f"{first.text}, then {second.text}"
                drawn = [self._ideas(h.core) for h in (first, second)]
                others = self._other_orders(first, second, drawn, around)
                yield Draft(
                    "In which order do these happen?", Option(text, self._both(first, second)), others
                )

    def _both(self, *happenings: _Happening) -> Judgement:
        a, b = (self._judge(h.core, span=said_span(h.fact)) for h in happenings)
        holds = None if None in (a.holds, b.holds) else bool(a.holds and b.holds)
        return Judgement(holds, f"{a.why}; {b.why}")

    def _other_orders(
        self,
        first: _Happening,
        second: _Happening,
        drawn: Sequence[Iterator[MotionFact]],
        around: _Around,
    ) -> Iterator[Option]:
        """Yield "second, then first" and two orders with what never happens; judged when they are looked at."""
        swapped = self._not_before(second, first, around)
        if swapped.holds is not False:
            return  # a question needs this one and both of the others
        yield Option(f"{second.text}, then {first.text}", swapped)
        said = (self._says(first.core), self._says(second.core))
        never = [found for ideas in drawn if (found := self._never(ideas, said)) is not None]
        yield from (Option(f"{first.text}, then {self._whole(idea)}", judged) for idea, judged in never[:1])
        yield from (Option(f"{self._whole(idea)}, then {second.text}", judged) for idea, judged in never[1:])

    def _whole(self, fact: MotionFact) -> str:
        return f"{self.names[fact.subject]} {self._says(fact)}"

    def _never(self, ideas: Iterator[MotionFact], said: Sequence[str]) -> tuple[MotionFact, Judgement] | None:
        """Return the first idea that is judged not to happen at any time and sounds unlike what does."""
        for idea in ideas:
            if idea.predicate == "stay":
                continue
            judged = self._judge(idea)
            if judged.holds is False and self._says(idea) not in said:
                return idea, judged
        return None

    def _not_before(self, second: _Happening, first: _Happening, around: _Around) -> Judgement:
        """Refuse "second, then first": the second never happens before the first is over, nor the first again after."""
        again = check(say.claim(first.core, self.names, None), around.after)
        if again.holds is not False:
            return Judgement(None, "either could come first")
        early = check(say.claim(second.core, self.names, None), around.before)
        if early.holds is not False:
            return Judgement(None, "either could come first")
        return Judgement(False, f"not before: {early.why}; not again: {again.why}")

    def _object(self, fact: MotionFact) -> Iterator[Draft]:
        """Who does it; the others must be judged not to.

        Who is mentioned nowhere else is offered only where nobody else can be.
        """
        if fact.subject == CAMERA or fact.object is not None:
            return
        core, span = say.core(fact), said_span(fact)
        answer = Option(self.names[fact.subject], self._judge(core, span=span))
        told = {self.names[i] for i in self.told}
        others = self._shuffled([i for i in self.measured.tracks.ids.tolist() if i != fact.subject], fact)
        rivals = [Option(self.names[i], self._judge(replace(core, subject=i), span=span)) for i in others]
        refused = [option for option in rivals if option.judged.holds is False]
        if not refused:
            return
        familiar = [option for option in refused if option.text in told] or refused[:1]
        together = [
            Option(f"{answer.text} and {option.text} both", Judgement(False, option.judged.why))
            for option in refused[:1]
        ]
        nobody = Option("none of them", Judgement(False, f"{answer.text}: {answer.judged.why}"))
        text = f"Who or what {self._says(core)}{say.when(fact)}?"
        yield Draft(text, answer, [*familiar, *together, nobody])

    def _location(self, fact: MotionFact) -> Iterator[Draft]:
        span = said_span(fact)
        if fact.subject == CAMERA or span is None:
            return
        options = [
            Option(f"in the {q.replace('_', ' ')}", located(self.measured, fact.subject, q, span))
            for q in _QUARTERS
        ]
        for option in options:
            if option.judged.holds:
                text = f"In which quarter of the picture is {self.names[fact.subject]}{say.when(fact)}?"
                yield Draft(text, option, [o for o in options if o is not option])

    def _count(self, fact: MotionFact) -> Iterator[Draft]:
        if fact.count is None or fact.subject == CAMERA:
            return
        near = [n for n in range(max(1, fact.count - 3), fact.count + 4) if n != fact.count]
        counted = [replace(fact, count=n, magnitude=None) for n in self._shuffled(near, fact)]
        others = (Option(times(f.count), self._judge(f, span=said_span(fact))) for f in counted)
        answer = Option(times(fact.count), self._judge(replace(fact, magnitude=None), span=said_span(fact)))
        plain = self._says(replace(fact, count=None, magnitude=None))
        yield Draft(
            f"How many times does this happen{say.when(fact)}: {self.names[fact.subject]} {plain}?",
            answer,
            others,
        )

    def _attribute(self, fact: MotionFact) -> Iterator[Draft]:
        if fact.subject == CAMERA:
            return
        instead = self._instead(fact)
        if instead is not None:
            yield instead
        if say.goes_one_way(fact) and fact.trajectory == "straight" and not self.measured.camera.moves:
            yield self._way(fact)
        if fact.predicate == "move" and said_shape(fact) is not None:
            yield self._trajectory(fact)

    def _direction(self, fact: MotionFact) -> Draft:
        """The opposite and the two perpendicular ways are the other options: neighbours would be a matter of taste."""
        here = COMPASS.index(fact.direction[0])
        ways = [COMPASS[(here + turn) % 8] for turn in (4, 2, 6)]
        options = [self._direction_option(fact, way) for way in (fact.direction[0], *ways)]
        return Draft(
            f"In which direction does {self.names[fact.subject]} move{say.when(fact)}?",
            options[0],
            options[1:],
        )

    def _direction_option(self, fact: MotionFact, way: str) -> Option:
        said = say.but(fact, "move", direction=(way,))
        return Option(DIRECTION_PHRASES[way], self._judge(said, span=said_span(fact)))

    def _way(self, fact: MotionFact) -> Draft:
        """How far, in frame widths; options differ at least by half."""
        span = said_span(fact)
        assert span is not None
        value = fact.evidence.get("net_widths", 0.0)
        factors = self._shuffled([0.25, 0.5, 1.5, 2.0, 3.0], fact)
        options = [
            Option(
                f"about {100 * value * factor:.0f} % of the picture's width",
                travelled(self.measured, fact.subject, (value * factor * 0.85, value * factor * 1.18), span),
            )
            for factor in (1.0, *(f for f in factors if 0.02 < value * f < 1.0))
        ]
        return Draft(
            f"How far does {self.names[fact.subject]} move{say.when(fact)}?", options[0], options[1:]
        )

    def _speed(self, fact: MotionFact) -> Draft:
        judged = {
            kind: self._judge(say.but(fact, kind), span=said_span(fact))
            for kind in ("accelerate", "decelerate", "stay")
        }
        changes = judged[fact.predicate]
        judged["steady"] = Judgement(None if changes.holds is None else not changes.holds, changes.why)
        options = {kind: Option(_SPEEDS[kind], found) for kind, found in judged.items()}
        text = f"How does the speed of {self.names[fact.subject]} change{say.when(fact)}?"
        return Draft(text, options.pop(fact.predicate), list(options.values()))

    def _trajectory(self, fact: MotionFact) -> Draft:
        shapes = [shape for shape in TRAJECTORY_PHRASES if shape != fact.trajectory]
        said = [
            say.but(fact, "move", trajectory=shape)
            for shape in (fact.trajectory, *self._shuffled(shapes, fact))
        ]
        options = [
            Option(TRAJECTORY_PHRASES[f.trajectory or ""], self._judge(f, span=said_span(fact))) for f in said
        ]
        return Draft(
            f"What path does {self.names[fact.subject]} follow{say.when(fact)}?", options[0], options[1:]
        )

    def _relation(self, fact: MotionFact) -> Iterator[Draft]:
        span, other = said_span(fact), fact.object
        if other is None or other == CAMERA or span is None:
            return
        one, two = self.names[fact.subject], self.names[other]
        changes = [
            Option(text, gap(self.measured, fact.subject, other, kind, span))
            for kind, text in self._shuffled(_GAPS.items(), fact)
        ]
        true = [option for option in changes if option.judged.holds]
        if len(true) == 1:
            text = f"How does the distance between {one} and {two} change{say.when(fact)}?"
            yield Draft(text, true[0], [o for o in changes if o is not true[0]])
        at = Span(span.start_s, span.start_s)
        places = [
            Option(f"{text} {two}", beside(self.measured, fact.subject, other, side, at))
            for side, text in _SIDES.items()
        ]
        true = [option for option in places if option.judged.holds]
        if len(true) == 1:
            text = f"Where is {one} relative to {two} at {span.start_s:.1f} s, as seen in the picture?"
            yield Draft(text, true[0], [o for o in places if o is not true[0]])

    def _shuffled(self, items: Iterable[T], fact: MotionFact) -> list[T]:
        return _shuffled(items, self.seed, say.content(fact))
