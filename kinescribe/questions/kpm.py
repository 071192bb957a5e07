"""KPM-QA's five groups (KPM-Bench, appendix C): 38 templates, of which measurements answer 29.

The paper counts 38 templates and lists 29 points. Points that ask for several things are counted once for each; then
there are 38: people 5 (whether two interact, and how, are two), movement 23 (legs, hands and head are three; what is
held at all, in the left and in the right hand three; contact with things and with people two; what is manipulated, and
how, two), camera 5 (zoom and focus are two), surroundings 2, emotion 3 (through movement, through expression, and the
face). What no measurement shows is asked of a model (``voiced``), where there is one.

Templates about somebody speak of the people of a clip, and of everything that moves where there are no people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import combinations, islice
from typing import NamedTuple

import numpy as np

from kinescribe.checks import Judgement
from kinescribe.language.render import phrase
from kinescribe.questions import orders, readings
from kinescribe.questions import statements as say
from kinescribe.questions.foundationmotion import one_right
from kinescribe.questions.options import Draft, Option, how_often
from kinescribe.questions.scene import (
    BODY_IDEAS,
    CAMERA_IDEAS,
    Idea,
    Scene,
    at_once,
    denied,
    none_of,
    only,
)
from kinescribe.records import CAMERA, MotionFact, Span
from kinescribe.vocabulary import (
    COCO_CLASSES,
    CONTACTS,
    HAND_OFFSETS,
    KPM_CATEGORIES,
    NAMELESS,
    PERSON,
    RELATIONS,
)

HUMAN, MOVEMENT, CAMERA_GROUP, ENVIRONMENT, EMOTION = KPM_CATEGORIES


class Template(NamedTuple):
    """One form of question."""

    group: str
    name: str
    asks: str
    """What it is about, in our words: told to a model where nothing measured answers it."""
    measured: bool = True


TEMPLATES = (
    Template(HUMAN, "people_count", "how many people are visible"),
    Template(HUMAN, "people_moving", "how many people are moving"),
    Template(HUMAN, "interaction", "whether two people act on each other"),
    Template(HUMAN, "interaction_kind", "how one person acts on another"),
    Template(HUMAN, "same_movement", "whether all people make the same movement"),
    Template(MOVEMENT, "together", "whether a movement is made alone or together"),
    Template(MOVEMENT, "type", "which kind of movement somebody makes"),
    Template(MOVEMENT, "duration", "how long a movement lasts"),
    Template(MOVEMENT, "speed", "how fast a movement is"),
    Template(MOVEMENT, "continuity", "whether a movement goes on or is interrupted"),
    Template(MOVEMENT, "rhythm", "in which rhythm a movement repeats"),
    Template(MOVEMENT, "posture", "whether the trunk keeps its posture"),
    Template(MOVEMENT, "description", "what somebody does, told in detail"),
    Template(MOVEMENT, "subtle", "a small movement or gesture"),
    Template(MOVEMENT, "legs", "what the legs do"),
    Template(MOVEMENT, "hands", "what the arms and hands do"),
    Template(MOVEMENT, "head", "how the head of somebody moves", measured=False),
    Template(MOVEMENT, "synchrony", "whether body parts move at the same time"),
    Template(MOVEMENT, "initiating", "which body part begins a movement"),
    Template(MOVEMENT, "order", "in which order movements happen"),
    Template(MOVEMENT, "held", "which hands hold something"),
    Template(MOVEMENT, "held_left", "what the left hand holds"),
    Template(MOVEMENT, "held_right", "what the right hand holds"),
    Template(MOVEMENT, "touches_thing", "which thing somebody touches"),
    Template(MOVEMENT, "touches_person", "whom somebody touches"),
    Template(MOVEMENT, "manipulated", "which thing somebody handles, and what becomes of it", measured=False),
    Template(MOVEMENT, "manner", "in which manner somebody handles a thing", measured=False),
    Template(MOVEMENT, "count", "how often a movement is repeated"),
    Template(CAMERA_GROUP, "camera_movement", "how the camera moves"),
    Template(CAMERA_GROUP, "camera_course", "how the camera's movement changes over time"),
    Template(CAMERA_GROUP, "camera_static", "whether the camera rests or moves"),
    Template(CAMERA_GROUP, "camera_zoom", "whether the camera zooms while something happens"),
    Template(CAMERA_GROUP, "camera_focus", "how the camera's focus changes", measured=False),
    Template(ENVIRONMENT, "place", "whether the scene is indoors or outdoors, and where", measured=False),
    Template(ENVIRONMENT, "influence", "how the surroundings affect the movement", measured=False),
    Template(EMOTION, "emotion_movement", "which mood the body's movements convey", measured=False),
    Template(EMOTION, "emotion_expression", "which feeling a person expresses", measured=False),
    Template(EMOTION, "face", "which facial expression goes with the movement", measured=False),
)  # fmt: skip
"""The 38, by group."""

MOST_COUNTED = 6
"""More people than this are not counted: somebody is always half hidden."""
MOST_COMBINED = 40
"""Pairs of facts that are told together at most."""
MIN_PERIOD_S = 0.5
MOST_PAIRED = 400
SELDOM = 0.25
"""How often it is asked whether a camera that rests zooms: as often as by chance, so that "no" tells nothing."""
SAME_TIME_S, APART_S = 0.3, 0.8
"""Two begin together if their beginnings are less than the first apart, and one after the other beyond the second."""
SEEN_S = 0.3
"""What begins or ends is seen for so long before and after: else it may have gone on unseen."""
MIN_HELD, MOST_FREE = 0.6, 0.1
"""Share of the looks at a hand in which it must hold something to be said to, or may at most to be said not to ..."""
MIN_HAND_S = 1.0
"""... of so many seconds at least."""
_PACES = (
    ("fast: one picture's width in under 3 s", 1 / 3, np.inf),
    ("medium: a picture's width in 3 to 12 s", 1 / 12, 1 / 3),
    ("slowly: a picture's width in over 12 s", 0.004, 1 / 12),
)
_LEGS = (
    *(Idea("raise", part=f"{side}_leg") for side in ("left", "right")),
    *(Idea("bend", part=f"{side}_knee") for side in ("left", "right")),
    Idea("raise", part="both_legs"), Idea("bend", part="both_knees"), Idea("straighten", part="both_knees"),
    Idea("lower", part="left_leg"), Idea("lower", part="right_leg"),
)  # fmt: skip
_ARMS = (
    *(Idea(p, part=f"{side}_arm") for p in ("raise", "lower") for side in ("left", "right")),
    *(Idea(p, part="both_arms") for p in ("raise", "lower")),
    *(Idea("bend", part=f"{side}_elbow") for side in ("left", "right")),
    *(Idea("straighten", part=f"{side}_elbow") for side in ("left", "right")),
)
_HELD_THINGS = (
    "cup", "bottle", "book", "cell phone", "knife", "spoon", "fork", "remote", "scissors", "toothbrush", "umbrella",
    "banana", "apple", "sports ball", "tennis racket", "baseball bat", "wine glass", "handbag", "bowl", "mouse",
)  # fmt: skip
"""Of COCO's classes, those that one hand holds."""
assert set(_HELD_THINGS) <= set(COCO_CLASSES)


class Kpm:
    """Asks KPM-QA's templates, as far as measurements answer them, about a scene."""

    categories = KPM_CATEGORIES

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def drafts(self, category: str) -> Iterator[Draft]:
        """Yield what could be asked in a group: each template once before any a second time.

        Their order is drawn, so that over many clips all of them are asked.
        """
        own = [t.name for t in TEMPLATES if t.group == category and t.measured]
        waiting = [self._named(name) for name in self.scene.shuffled(own, "templates")]
        while waiting:
            going = []
            for drafts in waiting:
                draft = next(drafts, None)
                if draft is not None:
                    yield draft
                    going.append(drafts)
            waiting = going

    def _named(self, name: str) -> Iterator[Draft]:
        makers: Mapping[str, Callable[[], Iterator[Draft]]] = {
            "people_count": self.people_count, "people_moving": self.people_moving,
            "interaction": self.interaction, "interaction_kind": self.interaction_kind,
            "same_movement": self.same_movement, "together": self.together, "type": self.type,
            "duration": self.duration, "speed": self.speed, "continuity": self.continuity,
            "rhythm": self.rhythm, "posture": self.posture, "description": self.description,
            "subtle": self.subtle, "legs": self.legs, "hands": self.arms, "synchrony": self.synchrony,
            "initiating": self.initiating, "order": self.order, "held": self.held,
            "held_left": lambda: self.held_in("left"), "held_right": lambda: self.held_in("right"),
            "touches_thing": self.touches_thing, "touches_person": self.touches_person, "count": self.count,
            "camera_movement": self.camera_movement, "camera_course": self.camera_course,
            "camera_static": self.camera_static, "camera_zoom": self.camera_zoom,
        }  # fmt: skip
        group = next(t.group for t in TEMPLATES if t.name == name)
        for draft in makers[name]():
            yield draft._replace(category=group, template=f"kpm.{name}", about=draft.about or f"{name}")

    # --- parts ---

    @cached_property
    def _who(self) -> tuple[int, ...]:
        """People, or whoever moves."""
        scene = self.scene
        return scene.people or tuple(sorted({f.subject for f in scene.facts if f.subject != CAMERA}))

    def _facts(self) -> Iterator[MotionFact]:
        who = set(self._who)
        return (f for f in self.scene.surest if f.subject in who)

    def _of_fact(
        self, fact: MotionFact, text: str, options: tuple[Option, Iterable[Option]], about: str
    ) -> Draft:
        span = self.scene.during(fact)
        key = f"{about}:{say.content(fact)}"
        return Draft("", "", key, text, *options, subject=fact.subject, fact_id=fact.id, span=span)

    def _name(self, subject: int) -> str:
        return self.scene.names[subject]

    # --- people ---

    def people_count(self) -> Iterator[Draft]:
        """How many people there are."""
        scene, number = self.scene, len(self.scene.people)
        if 0 < number <= MOST_COUNTED:
            options = _numbers(
                number, 0, MOST_COUNTED + 2, lambda n: readings.number_of_people(scene.measured, n)
            )
            chosen = options[0], scene.shuffled(options[1:], "people")
            yield Draft("", "", "", "How many people can be seen in the video?", *chosen)

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
        yield Draft("", "", "", text, options[0], scene.shuffled(options[1:], "moving"))

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

    # --- movement ---

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

    def type(self) -> Iterator[Draft]:
        """Which kind of movement."""
        for fact in self._facts():
            if fact.object is not None or fact.predicate in ("stop", "pause", "start"):
                continue
            span = self.scene.during(fact)
            others = (self.scene.option(idea, span) for idea in self.scene.ideas(fact))
            text = f"Which of these does {self._name(fact.subject)} do{say.when(fact)}?"
            yield self._of_fact(fact, text, (self.scene.option(say.core(fact), span), others), "what")

    def duration(self) -> Iterator[Draft]:
        """How long a rest or a way lasts: what begins and ends within the clip, and can be judged apart from events."""
        for fact in self._facts():
            if fact.predicate not in ("move", "pause") or fact.object is not None or fact.count is not None:
                continue
            before = Span(fact.span.start_s - SEEN_S, fact.span.start_s)
            after = Span(fact.span.end_s, fact.span.end_s + SEEN_S)
            inside = (
                before.start_s >= 0
                and after.end_s <= self.scene.end_s
                and all(
                    readings.known_share(self.scene.measured, fact.subject, span) for span in (before, after)
                )
            )
            value = _lasts(self.scene, fact)
            if not inside or not value > 1.0:
                continue
            why = f"lasts {value:.1f} s"
            by = self.scene.shuffled((0.2, 0.3, 0.45, 1.8, 2.6, 3.4), say.content(fact))
            said = fact.span.duration_s
            options = [
                Option(f"about {said * b:.1f} s", readings.lasts(value, said * b, why), size=b)
                for b in (1.0, *by)
            ]
            what = self.scene.whole(say.core(fact))
            text = f"How long does it last that {what}, from about {fact.span.start_s:.1f} s on?"
            yield self._of_fact(fact, text, (options[0], options[1:]), "duration")

    def speed(self) -> Iterator[Draft]:
        """How fast somebody goes; in numbers, so that it is no matter of taste."""
        scene = self.scene
        if scene.measured.camera.moves:
            return
        for fact in self._facts():
            span = scene.during(fact)
            if not say.goes_one_way(fact) or span is None:
                continue
            pace = readings.pace(scene.measured, fact.subject, span)
            why = f"{pace:.2f} widths/s"
            options = [Option(words, readings.between(pace, low, high, why)) for words, low, high in _PACES]
            stays = scene.judge(say.but(fact, "stay"), span)
            options.append(Option("not at all: it stays there where it is", stays))
            text = f"How fast does {self._name(fact.subject)} go{say.when(fact)}?"
            yield self._of_fact(fact, text, one_right(options), "speed")

    def continuity(self) -> Iterator[Draft]:
        """How often somebody who goes somewhere rests in between."""
        scene = self.scene
        for subject in self._who:
            if not any(f.subject == subject and f.predicate == "move" for f in scene.facts):
                continue
            options = [
                Option(words, readings.rests(scene.measured, subject, n))
                for n, words in enumerate(("not once", "just once", "2 times", "3 times"))
            ]
            text = f"How many times does {self._name(subject)} come to rest and go on again?"
            yield Draft("", "", f"continuity:{subject}", text, *one_right(options), subject=subject)

    def rhythm(self) -> Iterator[Draft]:
        """How long one turn of something takes that repeats."""
        for fact in self._facts():
            if fact.count is None or fact.count < 3:
                continue
            # From the first to the last: a limb is lifted once more than it is lifted again.
            period = _period(fact)
            if period < MIN_PERIOD_S:
                continue
            counted = self.scene.judge(replace(fact, magnitude=None), self.scene.during(fact))
            why = f"{counted.why} in {fact.span.duration_s:.1f} s"
            by = self.scene.shuffled((0.25, 0.35, 0.5, 2.0, 3.0, 4.0), say.content(fact))
            options = [
                Option(
                    f"about every {period * b:.1f} s",
                    Judgement(counted.holds if b == 1.0 else denied(counted).holds, why),
                    size=b,
                )
                for b in (1.0, *by)
            ]  # fmt: skip
            said = self.scene.says(replace(say.core(fact), trajectory=fact.trajectory))
            name = self._name(fact.subject)
            text = f"In which rhythm does {name} repeat this{say.when(fact)}: {name} {said}?"
            yield self._of_fact(fact, text, (options[0], options[1:]), "rhythm")

    def posture(self) -> Iterator[Draft]:
        """Whether the trunk stays upright."""
        for person in self.scene.people:
            span = Span(0.0, round(self.scene.end_s, 1))
            base = MotionFact("", person, "lean", span)
            ways = {
                way: self.scene.judge(replace(base, direction=(way,)))
                for way in ("left", "right", "forward", "backward")
            }
            bends = self.scene.judge(replace(base, predicate="bend", part="both_hips"))
            upright = none_of(*ways.values(), bends)
            options = [
                Option("stays upright", upright),
                *(Option(phrase(replace(base, direction=(w,)), variant=0), j) for w, j in ways.items()),
            ]
            listed = one_right(options)
            # The judge is kind to whoever says that somebody leans: without a fact nobody does.
            leans = any(f.subject == person and f.predicate == "lean" for f in self.scene.facts)
            if listed[0] is not options[0] and not leans:
                continue
            chosen = listed[0], self.scene.shuffled(listed[1], person)
            text = f"What does the upper body of {self._name(person)} do in the course of the video?"
            yield Draft("", "", f"posture:{person}", text, *chosen, subject=person)

    def description(self) -> Iterator[Draft]:
        """Two things that somebody does, told together."""
        scene = self.scene
        facts = [f for f in self._facts() if f.object is None and f.predicate != "stay"]
        for pair in islice(combinations(facts, 2), MOST_COMBINED):
            one, two = sorted(pair, key=lambda f: f.span.start_s)
            texts = [scene.says(say.core(f)) for f in (one, two)]
            # To bend an elbow and straighten it is one thing.
            if one.subject != two.subject or texts[0] == texts[1] or (one.part and one.part == two.part):
                continue
            ids = [(scene.judge(say.core(f)), t) for f, t in zip((one, two), texts, strict=True)]
            # Ideas of each that never happen take the place of one part or of both.
            no = [
                found for f, t in zip((one, two), texts, strict=True) for found in self._instead(f, t, texts)
            ]
            if len(no) < 2 or scene.says(no[0][0]) == scene.says(no[1][0]):
                continue
            (c, c_judged), (d, d_judged) = ((scene.says(idea), judged) for idea, judged in no)
            (a_judged, a), (b_judged, b) = ids
            options = [
                Option(f"{a} and {b}", at_once(a_judged, b_judged)), Option(f"{a} and {d}", d_judged),
                Option(f"{c} and {b}", c_judged), Option(f"{c} and {d}", at_once(c_judged, d_judged)),
            ]  # fmt: skip
            text = f"Which description of what {self._name(one.subject)} does in the video is right?"
            about = f"description:{say.content(one)}:{say.content(two)}"
            yield Draft("", "", about, text, options[0], options[1:], subject=one.subject, fact_id=one.id)

    def _instead(
        self, fact: MotionFact, text: str, said: list[str]
    ) -> Iterator[tuple[MotionFact, Judgement]]:
        """Yield what takes the place of a part of a description: longer than it, or shorter, as drawn."""
        found = list(islice(orders.all_never(self.scene, self.scene.ideas(fact), said), 6))
        longer = self.scene.draw("longer", say.content(fact), *said) < 0.5
        fits = [f for f in found if (len(self.scene.says(f[0])) > len(text)) == longer]
        yield from (fits or found)[:1]

    def subtle(self) -> Iterator[Draft]:
        """The smallest movement of a part of somebody."""
        own = [
            f
            for f in self._facts()
            if f.part is not None and (f.magnitude == "slightly" or f.level == "distal")
        ]
        yield from self._parts(own, (*BODY_IDEAS, *_LEGS), "Which small movement does {} make{}?")

    def legs(self) -> Iterator[Draft]:
        """What the legs do."""
        own = [f for f in self._facts() if _is(f, ("leg", "knee", "foot"))]
        yield from self._parts(own, _LEGS, "What does {} do with the legs{}?")

    def arms(self) -> Iterator[Draft]:
        """What arms and hands do."""
        own = [f for f in self._facts() if _is(f, ("arm", "elbow", "hand"))]
        yield from self._parts(own, _ARMS, "What does {} do with the arms or hands{}?")

    def _parts(self, facts: list[MotionFact], ideas: Iterable[Idea], form: str) -> Iterator[Draft]:
        for fact in facts:
            span = self.scene.during(fact)
            others = (self.scene.option(idea, span) for idea in self.scene.ideas(fact, [tuple(ideas)]))
            text = form.format(self._name(fact.subject), say.when(fact))
            yield self._of_fact(fact, text, (self.scene.option(say.core(fact), span), others), "what")

    def synchrony(self) -> Iterator[Draft]:
        """Whether both sides of a body do the same at the same time."""
        for fact in self._facts():
            side, _, name = (fact.part or "").partition("_")
            name = name.rstrip("s")
            if side not in ("left", "right", "both") or name not in ("arm", "leg", "elbow", "knee"):
                continue
            span = self.scene.during(fact)
            one, two = (
                self.scene.judge(replace(say.core(fact), part=f"{s}_{name}"), span) for s in ("left", "right")
            )
            both = at_once(one, two)
            options = [
                Option(f"both {name}s at the same time", _when_said(both, side == "both")),
                Option(f"only the left {name}", only(one, two)),
                Option(f"only the right {name}", only(two, one)),
                Option(f"first one {name}, then the other", _not_in_turn(both, one, two, side == "both")),
            ]
            verb = "lift" if fact.predicate == "raise" else fact.predicate
            text = f"Which {name} does {self._name(fact.subject)} {verb}{say.when(fact)}?"
            yield self._of_fact(fact, text, one_right(options), "synchrony")

    def initiating(self) -> Iterator[Draft]:
        """Which part of a body moves first."""
        scene = self.scene
        for person in self.scene.people:
            own = sorted(
                (f for f in scene.facts if f.subject == person and f.part), key=lambda f: f.span.start_s
            )
            parts = list(dict.fromkeys(f.part for f in own))
            if len(parts) < 2:
                continue
            first = own[0]
            options = []
            for part in (*parts, "left_arm", "right_arm", "left_leg", "right_leg", "both_knees"):
                said = [f for f in own if f.part == part]
                apart = bool(said) and said[0].span.start_s - first.span.start_s > APART_S
                moves = [
                    scene.judge(MotionFact("", person, p, first.span, part=part)) for p in _does(part or "")
                ]
                late = apart or all(j.holds is False for j in moves)
                inside = _shares(part or "", first.part or "")
                found = Judgement(False if late and not inside else None, "moves later or not at all")
                if part == first.part:
                    found = scene.judge(say.core(first), scene.during(first))
                options.append(Option(_named_part(part or ""), found))
            text = f"Which part of the body does {self._name(person)} move first?"
            yield Draft(
                "",
                "",
                f"initiating:{person}",
                text,
                options[0],
                options[1:],
                subject=person,
                fact_id=first.id,
            )

    def order(self) -> Iterator[Draft]:
        """In which order somebody does two things."""
        scene = self.scene
        who = set(self._who)
        own = [h for h in scene.happenings if h.fact.subject in who]
        for first in scene.shuffled(own, "orders"):
            around = orders.Around(scene.measured, first.fact.span.end_s)
            for second in orders.later(scene, first, frozenset({first.fact.subject})):
                options = orders.answer(scene, first, second), orders.others(scene, first, second, around)
                text = f"In which order does {self._name(first.fact.subject)} do these things?"
                yield self._of_fact(first.fact, text, options, "order")._replace(span=None)

    def count(self) -> Iterator[Draft]:
        """How often a movement is repeated."""
        scene = self.scene
        for fact in self._facts():
            if fact.count is None:
                continue
            span = scene.during(fact)
            near = [n for n in range(max(1, fact.count - 3), fact.count + 4) if n != fact.count]
            options = [
                Option(how_often(n), scene.judge(replace(fact, count=n, magnitude=None), span), "", n)
                for n in (fact.count, *scene.shuffled(near, say.content(fact)))
            ]
            plain = scene.says(replace(fact, count=None, magnitude=None))
            name = self._name(fact.subject)
            text = f"How often does {name} repeat this{say.when(fact)}: {name} {plain}?"
            yield self._of_fact(fact, text, (options[0], options[1:]), "count")

    # --- hands and contact ---

    def held(self) -> Iterator[Draft]:
        """Which hands hold something."""
        for person in self.scene.people:
            left, right = (self._holds(person, side) for side in ("left", "right"))
            options = [
                Option("only the left hand", only(left, right)), Option("only the right hand", only(right, left)),
                Option("both hands", at_once(left, right)), Option("neither hand", none_of(left, right)),
            ]  # fmt: skip
            text = f"Which hand of {self._name(person)} holds something?"
            yield Draft("", "", f"held:{person}", text, *one_right(options), subject=person)

    def held_in(self, side: str) -> Iterator[Draft]:
        """What a hand holds, where it has a name."""
        labels = dict(
            zip(self.scene.measured.tracks.ids.tolist(), self.scene.measured.tracks.label, strict=True)
        )
        for person in self.scene.people:
            found, holds = self._held_track(person, side), self._holds(person, side)
            label = labels.get(found, NAMELESS)
            if label in (NAMELESS, PERSON) or holds.holds is not True:
                continue
            there = {name for i, name in labels.items() if name not in (label, NAMELESS, PERSON)}
            pool = [
                *self.scene.shuffled(there, person, side),
                *self.scene.shuffled(_HELD_THINGS, person, side),
            ]
            others = [Option(_a(n), Judgement(False, f"it is {_a(label)}")) for n in pool if n != label]
            text = f"What does {self._name(person)} hold in the {side} hand?"
            answer = Option(_a(label), Judgement(True, f"{holds.why}: track {found}"))
            yield Draft("", "", f"held_{side}:{person}", text, answer, others, subject=person)

    def _hand(self, person: int, side: str) -> int | None:
        row = np.flatnonzero(self.scene.hands.ids == person + HAND_OFFSETS[side])
        return int(row[0]) if len(row) else None

    def _contacts(self, person: int, side: str) -> Mapping[str, float] | None:
        """Shares of what a hand touches, of the samples in which that is known; None if they are too few."""
        row = self._hand(person, side)
        times_s = self.scene.measured.clip.times_s
        if row is None or len(times_s) < 2:
            return None
        known = self.scene.hands.contact[row][self.scene.hands.contact[row] > 0]
        if len(known) * float(np.median(np.diff(times_s))) < MIN_HAND_S or len(known) < 0.3 * len(times_s):
            return None
        return {name: float((known == i).mean()) for i, name in enumerate(CONTACTS)}

    def _holds(self, person: int, side: str) -> Judgement:
        shares = self._contacts(person, side)
        if shares is None:
            return Judgement(None, f"what the {side} hand touches is not known")
        share = shares["object_contact"]
        why = f"{side} hand holds something in {share:.0%} of the looks"
        return Judgement(True if share >= MIN_HELD else False if share <= MOST_FREE else None, why)

    def _held_track(self, person: int, side: str) -> int:
        row = self._hand(person, side)
        held = self.scene.hands.held_track[row] if row is not None else np.zeros(0, np.int64)
        held = held[held >= 0]
        return int(np.bincount(held).argmax()) if len(held) else -1

    def touches_thing(self) -> Iterator[Draft]:
        """Which thing somebody comes up to until they meet."""
        yield from self._touched(people=False)

    def touches_person(self) -> Iterator[Draft]:
        """Whom somebody meets."""
        yield from self._touched(people=True)

    def _touched(self, people: bool) -> Iterator[Draft]:
        scene = self.scene
        for fact in self._facts():
            if fact.predicate != "touch" or fact.object is None or (fact.object in scene.people) != people:
                continue
            span = scene.during(fact)
            others = [i for i in sorted(scene.told) if i not in (fact.subject, fact.object, CAMERA)]
            options = [
                Option(scene.names[i], scene.judge(replace(say.core(fact), object=i), span))
                for i in (fact.object, *scene.shuffled(others, say.content(fact)))
            ]
            verb = "Whom" if people else "What"
            text = f"{verb} does {self._name(fact.subject)} touch{say.when(fact)}?"
            yield self._of_fact(fact, text, (options[0], options[1:]), "touch")

    # --- camera ---

    def camera_movement(self) -> Iterator[Draft]:
        """What the camera does."""
        scene = self.scene
        for fact in scene.surest:
            if fact.subject != CAMERA:
                continue
            span = scene.during(fact)
            others = (scene.option(idea, span) for idea in scene.ideas(fact))
            text = f"How does the camera move{say.when(fact)}?"
            yield self._of_fact(fact, text, (scene.option(say.core(fact), span), others), "what")

    def camera_course(self) -> Iterator[Draft]:
        """What the camera does first, and then."""
        scene = self.scene
        own = sorted(
            (f for f in scene.facts if f.subject == CAMERA and scene.during(f) is not None),
            key=lambda f: f.span.start_s,
        )
        for one, two in zip(own, own[1:], strict=False):
            if one.span.end_s > two.span.start_s + 0.3 or scene.says(one) == scene.says(two):
                continue
            spans = [scene.during(f) or f.span for f in (one, two)]

            def told(a: MotionFact, b: MotionFact, spans: list[Span] = spans) -> Option:
                judged = at_once(*(scene.judge(say.core(f), s) for f, s in zip((a, b), spans, strict=True)))
                return Option(f"it {scene.says(say.core(a))}, then it {scene.says(say.core(b))}", judged)

            ideas = scene.shuffled(CAMERA_IDEAS, say.content(one))
            others = [told(two, one)]
            others += [told(one, say.but(two, *idea)) for idea in ideas]
            others += [told(say.but(one, *idea), two) for idea in ideas]
            same = scene.shuffled([o for o in others if not _twice(o.text)], say.content(two))
            text = f"What does the camera do between {spans[0].start_s:.1f} s and {spans[1].end_s:.1f} s?"
            about = f"course:{say.content(one)}"
            span = Span(spans[0].start_s, spans[1].end_s)
            yield Draft("", "", about, text, told(one, two), same, CAMERA, one.id, span)

    def camera_static(self) -> Iterator[Draft]:
        """Whether the camera rests."""
        words = {
            "always": "still all the while", "never": "moving all the time",
            "first": "still, later moving", "last": "moving, later still",
        }  # fmt: skip
        options = [Option(w, readings.camera_rest(self.scene.measured, kind)) for kind, w in words.items()]
        text = "Is the camera still or in motion?"
        # That it stays still may have been asked of a fact.
        said = [f for f in self.scene.facts if (f.subject, f.predicate) == (CAMERA, "stay")]
        about = f"what:{say.content(said[0])}" if len(said) == 1 and not self.scene.during(said[0]) else ""
        yield Draft("", "", about, text, *one_right(options), subject=CAMERA)

    def camera_zoom(self) -> Iterator[Draft]:
        """Whether the camera zooms while somebody does something: once a clip, when it does if it ever does."""
        scene = self.scene
        zooms = [f.span for f in scene.facts if f.subject == CAMERA and f.predicate == "zoom"]
        if not scene.measured.camera.moves and scene.draw("zoom") >= SELDOM:
            return
        for fact in sorted(
            self._facts(), key=lambda f: -max((_common_s(f.span, z) for z in zooms), default=0.0)
        ):
            span = scene.during(fact)
            if span is None or span.duration_s < 0.8 or fact.subject == CAMERA:
                continue
            nears, leaves = (
                scene.judge(MotionFact("", CAMERA, "zoom", span, direction=(w,)), span) for w in ("in", "out")
            )
            options = [
                Option("inward", only(nears, leaves)), Option("outward", only(leaves, nears)),
                Option("neither", none_of(nears, leaves)),
                Option("both ways", at_once(nears, leaves)),
            ]  # fmt: skip
            what = scene.whole(say.core(fact))
            text = f"Does the camera zoom while {what}{say.when(fact)}, and which way?"
            yield self._of_fact(fact, text, one_right(options), "zoom")._replace(subject=CAMERA, about="zoom")


# --- small parts --------------------------------------------------------------------------------------------


def _numbers(right: int, least: int, most: int, judge: Callable[[int], Judgement]) -> list[Option]:
    """Return numbers as options, the right one first."""
    every = [right, *(n for n in range(least, most + 1) if n != right)]
    return [Option(str(n), judge(n), size=n) for n in every]


def _sure(true: bool, false: bool) -> bool | None:
    return True if true else False if false else None


def _a(label: str) -> str:
    return f"{'an' if label[0] in 'aeiou' else 'a'} {label}"


def _is(fact: MotionFact, parts: tuple[str, ...]) -> bool:
    return fact.part is not None and fact.part.split("_")[-1].rstrip("s") in parts


def _named_part(part: str) -> str:
    side, _, name = part.partition("_")
    return f"both {name}" if side == "both" else f"the {side} {name}"


def _does(part: str) -> tuple[str, ...]:
    return ("raise", "lower") if part.split("_")[-1].rstrip("s") in ("arm", "leg") else ("bend", "straighten")


def _shares(part: str, first: str) -> bool:
    """Whether a part moves with another one: the same limb, or both of it."""
    limbs = {
        "arm": "arm",
        "elbow": "arm",
        "hand": "arm",
        "leg": "leg",
        "knee": "leg",
        "foot": "leg",
        "hip": "leg",
    }
    (a, _, one), (b, _, two) = part.partition("_"), first.partition("_")
    same = limbs.get(one.rstrip("s")) == limbs.get(two.rstrip("s"))
    return same and (a == b or "both" in (a, b))


def _when_said(both: Judgement, said: bool) -> Judgement:
    """Both at once are sure only where a fact says so: in one span each may have its own turn."""
    return both if said or both.holds is False else Judgement(None, both.why)


def _not_in_turn(both: Judgement, one: Judgement, two: Judgement, said: bool) -> Judgement:
    """Refuse "one, then the other" where both move at once, or where only one does."""
    sure = (both.holds is True and said) or only(one, two).holds is True or only(two, one).holds is True
    return Judgement(False if sure else None, f"{one.why}; {two.why}")


def _period(fact: MotionFact) -> float:
    """Return the time from one turn of a repeated movement to the next; a limb's last swing is half a turn."""
    turns = (fact.count or 1) - (0.5 if fact.part is not None else 0.0)
    return fact.span.duration_s / turns


def _lasts(scene: Scene, fact: MotionFact) -> float:
    """Return how long a way or a rest lasts by the path alone: the run of fast (or slow) samples about its middle."""
    measured = scene.measured
    window = measured.window(fact.subject, None) if measured.row(fact.subject) is not None else None
    if window is None or isinstance(window, Judgement) or window.broken:
        return float("nan")
    step = np.maximum(np.diff(window.times), 1e-9)
    speed = np.hypot(*np.diff(window.path, axis=0).T) / step
    middle = (window.times[1:] + window.times[:-1]) / 2
    during = (middle >= fact.span.start_s) & (middle <= fact.span.end_s)
    if during.sum() < 5:
        return float("nan")
    moving = speed > 0.5 * float(np.percentile(speed, 90))
    wanted = moving if fact.predicate == "move" else ~moving
    at = int(np.flatnonzero(during)[during.sum() // 2])
    if not wanted[at]:
        return float("nan")
    first = last = at
    while first > 0 and wanted[first - 1]:
        first -= 1
    while last < len(wanted) - 1 and wanted[last + 1]:
        last += 1
    return float(middle[last] - middle[first]) + float(np.median(step))


def _common_s(one: Span, two: Span) -> float:
    """Return for how long two happen at once."""
    return max(0.0, min(one.end_s, two.end_s) - max(one.start_s, two.start_s))


def _twice(text: str) -> bool:
    """Whether a course says the same twice."""
    one, _, two = text.partition(", then ")
    return one == two


__all__ = ["TEMPLATES", "Kpm", "Template"]
