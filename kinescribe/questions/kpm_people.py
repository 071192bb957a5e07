"""KPM-QA's questions about who there is, and what several people do (KPM-Bench, appendix C)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, islice

from kinescribe.checks import Judgement
from kinescribe.questions import readings
from kinescribe.questions import statements as say
from kinescribe.questions.foundationmotion import one_right
from kinescribe.questions.kpm_topic import APART_S, SAME_TIME_S, Topic
from kinescribe.questions.options import Draft, Option
from kinescribe.questions.scene import Scene, at_once, only
from kinescribe.records import CAMERA, Span
from kinescribe.vocabulary import (
    RELATIONS,
)

MOST_COUNTED = 6
"""More people than this are not counted: somebody is always half hidden."""
MOST_PAIRED = 400


class People(Topic):
    """How many there are, and what they do to each other, alike or together."""

    def people_count(self) -> Iterator[Draft]:
        """How many people there are."""
        scene, number = self.scene, len(self.scene.people)
        if 0 < number <= MOST_COUNTED:
            options = _numbers(
                number, 0, MOST_COUNTED + 2, lambda n: readings.number_of_people(scene.measured, n)
            )
            text = "How many people can be seen in the video?"
            yield Draft("", "", "", text, options[0], _near(scene, options, "people"))

    def people_moving(self) -> Iterator[Draft]:
        """How many people move."""
        scene = self.scene
        known = readings.number_of_people(scene.measured, len(scene.people))
        moving = [self._moves(person) for person in scene.people]
        if not scene.people or known.holds is not True or None in moving or len(moving) > MOST_COUNTED:
            return
        number = sum(bool(m) for m in moving)
        why = f"{number} of {len(moving)} move"
        options = _numbers(number, 0, len(moving) + 3, lambda n: Judgement(n == number, why))
        text = "How many people move in the video, be it only with an arm or a leg?"
        yield Draft("", "", "", text, options[0], _near(scene, options, "moving"))

    def _moves(self, person: int) -> bool | None:
        still = readings.rests_still(self.scene.measured, person)
        facts = [
            f
            for f in self.scene.facts
            if f.subject == person and f.predicate not in ("stay", "stop", "pause")
        ]
        sure = any(self.scene.judge(say.core(f), self.scene.during(f)).holds for f in facts)
        if sure:
            return None if still is True else True
        return False if still is True else None

    def interaction(self) -> Iterator[Draft]:
        """Whether two people come together or part."""
        for one, two, span in self._pairs():
            a, b = self._name(one), self._name(two)
            words = {
                "shrinks": "yes, they come closer to each other", "grows": "yes, they move apart",
                "constant": "no, they keep their distance",
                "shrinks_then_grows": "yes, they come closer and move apart again",
            }  # fmt: skip
            options = [
                Option(w, readings.gap_course(self.scene.measured, one, two, kind, span))
                for kind, w in words.items()
            ]
            text = (
                f"Do {a} and {b} come closer to each other or move apart between {span.start_s:.1f} s and "
                f"{span.end_s:.1f} s?"
            )
            about = f"gap:{one}:{two}:{span.start_s:.1f}:{span.end_s:.1f}"
            yield Draft("", "", about, text, *one_right(options), subject=one, span=span)

    def interaction_kind(self) -> Iterator[Draft]:
        """What one person does to another."""
        people = set(self.scene.people)
        for fact in self._facts():
            if fact.object is None or fact.object not in people:
                continue
            span = self.scene.during(fact)
            others = (
                self.scene.option(replace(say.core(fact), predicate=predicate, direction=()), span)
                for predicate in self.scene.shuffled(RELATIONS, say.content(fact))
            )
            answer = self.scene.option(say.core(fact), span)
            text = f"What does {self._name(fact.subject)} do with regard to others{say.when(fact)}?"
            yield self._of_fact(fact, text, (answer, others), "what")

    def same_movement(self) -> Iterator[Draft]:
        """Whether all do what one does."""
        people = self.scene.people
        if not 2 <= len(people) <= MOST_COUNTED:
            return
        for fact in self._facts():
            if fact.object is not None or fact.predicate in ("enter", "leave", "start", "stop", "pause"):
                continue
            core = say.core(fact)
            judged = [self.scene.stated(core, i, self.scene.during(fact)) for i in people]
            number = sum(bool(j.holds) for j in judged)
            known = None not in {j.holds for j in judged}
            why = f"{number} of {len(people)}"

            def is_(holds: bool, known: bool = known, why: str = why) -> Judgement:
                return Judgement(holds if known else None, why)

            if len(people) == 2:
                a, b = (self._name(i) for i in people)
                options = [
                    Option("yes, both of them do", is_(number == 2)),
                    Option("no, neither of them does", is_(number == 0)),
                    Option(f"no, only {a} does", only(*judged)), Option(f"no, only {b} does", only(*judged[::-1])),
                ]  # fmt: skip
            else:
                options = [
                    Option("yes, all of them do", is_(number == len(people))),
                    Option("no, none of them does", is_(number == 0)),
                    Option("no, only one of them does", is_(number == 1)),
                    Option("no, some do and others do not", is_(1 < number < len(people))),
                ]
            said = self.scene.says(core)
            text = f"Do all of the people do the same{say.when(fact)}, so that each of them {said}?"
            yield self._of_fact(fact, text, one_right(options), "same")

    def _pairs(self) -> Iterator[tuple[int, int, Span]]:
        whole = Span(0.0, round(self.scene.end_s, 1))
        for one, two in combinations(self.scene.people[:MOST_COUNTED], 2):
            yield one, two, whole

    def together(self) -> Iterator[Draft]:
        """Whether two do the same at the same time."""
        facts = [
            f for f in self._facts() if f.subject != CAMERA and f.object is None and f.predicate != "stay"
        ]
        for one, two in islice(combinations(facts, 2), MOST_PAIRED):
            same = self.scene.says(say.core(one)) == self.scene.says(say.core(two))
            if one.subject == two.subject or not same:
                continue
            if one.subject > two.subject:
                one, two = two, one
            a, b = self._name(one.subject), self._name(two.subject)
            both = at_once(*(self.scene.judge(say.core(f), self.scene.during(f)) for f in (one, two)))
            begins = two.span.start_s - one.span.start_s
            why = f"{both.why}; begin {begins:+.1f} s apart"
            # An order needs that each does it once: else the first time of one may be seen as the other's.
            once = [
                f for f in facts if f.subject in (one.subject, two.subject) and f.predicate == one.predicate
            ]
            # ... and that each is seen when the other does it.
            seen = all(
                readings.known_share(self.scene.measured, i, f.span)
                for i in (one.subject, two.subject)
                for f in (one, two)
            )
            known = both.holds is True and len(once) == 2 and seen

            def is_(holds: bool | None, known: bool = known, why: str = why) -> Judgement:
                return Judgement(holds if known else None, why)

            options = [
                Option("both at the same time", is_(_sure(abs(begins) < SAME_TIME_S, abs(begins) > APART_S))),
                Option(f"{a} first, then {b}", is_(_sure(begins > APART_S, begins < SAME_TIME_S))),
                Option(f"{b} first, then {a}", is_(_sure(begins < -APART_S, begins > -SAME_TIME_S))),
                Option("only one of them", is_(False)),
            ]
            text = f"Who {self.scene.says(say.core(one))} first, {a} or {b}?"
            about = f"together:{say.content(one)}:{say.content(two)}"
            yield Draft("", "", about, text, *one_right(options), subject=one.subject, fact_id=one.id)


def _near(scene: Scene, options: list[Option], what: str) -> list[Option]:
    """Return the wrong numbers, those nearest to the right one first: nobody takes eight people for one."""
    right = options[0].rank
    return sorted(scene.shuffled(options[1:], what), key=lambda option: abs(option.rank - right))


def _numbers(right: int, least: int, most: int, judge: Callable[[int], Judgement]) -> list[Option]:
    """Return numbers as options, the right one first."""
    every = [right, *(n for n in range(least, most + 1) if n != right)]
    return [Option(str(n), judge(n), size=n) for n in every]


def _sure(true: bool, false: bool) -> bool | None:
    return True if true else False if false else None


__all__ = ["People"]
