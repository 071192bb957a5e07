"""KPM-QA's questions about bodies: posture, limbs, what hands hold and touch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from kinescribe.checks import Judgement
from kinescribe.language.render import phrase
from kinescribe.questions import statements as say
from kinescribe.questions.foundationmotion import one_right
from kinescribe.questions.kpm_topic import APART_S, Topic
from kinescribe.questions.options import Draft, Option
from kinescribe.questions.scene import BODY_IDEAS, Idea, at_once, none_of, only
from kinescribe.records import CAMERA, MotionFact, Span
from kinescribe.vocabulary import (
    COCO_CLASSES,
    CONTACTS,
    HAND_OFFSETS,
    NAMELESS,
    PERSON,
)

MIN_HELD, MOST_FREE = 0.6, 0.1
"""Share of the looks at a hand in which it must hold something to be said to, or may at most to be said not to ..."""
MIN_HAND_S = 1.0
"""... of so many seconds at least."""
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


class Body(Topic):
    """Trunk, limbs and hands."""

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


__all__ = ["Body"]
