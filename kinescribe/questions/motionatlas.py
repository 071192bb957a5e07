"""Checklist questions about single events of a subject, to be answered from a caption (MotionAtlas-Bench).

Each event is asked about in four aspects: when (what comes next), how (kinematics), with regard to whom (references)
and with which part (local regions). Two options are contents; the others are ways out, in our words, made so that
MotionAtlas's published rules tell them apart: that the caption does not mention it, that it mentions it without saying
what, and that it says something else. "Something else" is the answer in some questions: where both contents are false.
The other two never are: what a caption leaves out is no truth about the video.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from kinescribe.checks import Judgement
from kinescribe.language.render import phrase
from kinescribe.questions import orders
from kinescribe.questions import statements as say
from kinescribe.questions.foundationmotion import WAYS
from kinescribe.questions.options import Draft, Option, how_often
from kinescribe.questions.scene import Idea, Scene
from kinescribe.records import CAMERA, MotionFact
from kinescribe.vocabulary import CHECKLIST, COMPASS, TRAJECTORY_PHRASES

OUTS = {
    "not_mentioned": "the caption does not mention it",
    "unclear": "it is mentioned, but left unclear",
    "differs": "something that differs from all listed options",
}
"""Ways out by their role (``vocabulary.OPTION_ROLES``)."""
DIFFERS = 0.15
"""How often "something else" is the answer."""
_PARTS = ("left_arm", "right_arm", "both_arms", "left_leg", "right_leg", "both_legs")
_JOINTS = ("left_elbow", "right_elbow", "both_elbows", "left_knee", "right_knee", "both_knees")


class MotionAtlas:
    """Asks checklist questions about the events of a scene's subjects."""

    categories = (CHECKLIST,)

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def drafts(self, category: str) -> Iterator[Draft]:
        """Yield the questions of event after event, each aspect of all events before the next."""
        events = [f for f in self.scene.surest if f.subject != CAMERA]
        for aspect in (
            self.direction,
            self.part,
            self.reference,
            self.what,
            self.next,
            self.path,
            self.count,
        ):
            yield from chain.from_iterable(map(aspect, events))

    def _draft(
        self, aspect: str, fact: MotionFact, text: str, answer: Option, others: Iterable[Option]
    ) -> Draft:
        scene, about = self.scene, f"ma.{aspect}:{say.content(fact)}"
        span = scene.during(fact)
        if scene.draw("differs", about) < DIFFERS:
            why = f"the clip shows: {answer.text}; {answer.judged.why}"
            answer = Option(OUTS["differs"], Judgement(answer.judged.holds, why), role="differs")
            outs = [_out("not_mentioned")]
        else:
            outs = [_out("not_mentioned"), _out("unclear" if scene.draw("out", about) < 0.5 else "differs")]
        return Draft(
            CHECKLIST, f"ma.{aspect}", about, text, answer, others, fact.subject, fact.id, span, tuple(outs)
        )

    def _name(self, fact: MotionFact) -> str:
        return self.scene.names[fact.subject]

    # --- kinematics ---

    def direction(self, fact: MotionFact) -> Iterator[Draft]:
        """Which way somebody goes."""
        if not say.goes_one_way(fact):
            return
        span, here = self.scene.during(fact), COMPASS.index(fact.direction[0])
        options = [
            Option(WAYS[way], self.scene.judge(say.but(fact, "move", (way,)), span))
            for way in (COMPASS[(here + turn) % 8] for turn in (0, 4, 2, 6))
        ]
        others = self.scene.shuffled(options[1:], say.content(fact))
        text = f"In which direction does {self._name(fact)} move{say.when(fact)}?"
        yield self._draft("direction", fact, text, options[0], others)

    def path(self, fact: MotionFact) -> Iterator[Draft]:
        """Along which path."""
        if fact.predicate != "move" or fact.trajectory is None or fact.trajectory not in TRAJECTORY_PHRASES:
            return
        span = self.scene.during(fact)
        shapes = [s for s in TRAJECTORY_PHRASES if s != fact.trajectory]
        options = [
            Option(TRAJECTORY_PHRASES[s], self.scene.judge(say.but(fact, "move", trajectory=s), span))
            for s in (fact.trajectory, *self.scene.shuffled(shapes, say.content(fact)))
        ]
        text = f"What is the path of {self._name(fact)} like{say.when(fact)}?"
        yield self._draft("path", fact, text, options[0], options[1:])

    def count(self, fact: MotionFact) -> Iterator[Draft]:
        """How often."""
        if fact.count is None:
            return
        span = self.scene.during(fact)
        near = [n for n in range(max(1, fact.count - 2), fact.count + 3) if n != fact.count]
        options = [
            Option(how_often(n), self.scene.judge(replace(fact, count=n, magnitude=None), span), "", n)
            for n in (fact.count, *self.scene.shuffled(near, say.content(fact)))
        ]
        plain = self.scene.says(replace(fact, count=None, magnitude=None))
        text = f"How often does {self._name(fact)} do this{say.when(fact)}: {self._name(fact)} {plain}?"
        yield self._draft("count", fact, text, options[0], options[1:])

    def what(self, fact: MotionFact) -> Iterator[Draft]:
        """What the event is."""
        span = self.scene.during(fact)
        others = (self.scene.option(idea, span) for idea in self.scene.ideas(fact))
        text = f"What does {self._name(fact)} do{say.when(fact)}?"
        yield self._draft("what", fact, text, self.scene.option(say.core(fact), span), others)

    # --- when ---

    def next(self, fact: MotionFact) -> Iterator[Draft]:
        """What somebody does after the event."""
        scene = self.scene
        first = next(h for h in scene.happenings if h.fact is fact)
        later = orders.later(scene, first, frozenset({fact.subject}))
        if not later:
            return
        second = later[0]
        judged = scene.judge(second.core, scene.during(second.fact))
        never = (
            Option(scene.says(idea), found)
            for idea in scene.ideas(second.core)
            if idea.predicate != "stay"
            for found in [scene.judge(idea)]
        )
        text = f"What does {self._name(fact)} do after this: {first.text}{say.when(fact)}?"
        yield self._draft("next", fact, text, Option(scene.says(second.core), judged), never)

    # --- references ---

    def reference(self, fact: MotionFact) -> Iterator[Draft]:
        """With regard to whom."""
        if fact.object is None or fact.object == CAMERA:
            return
        scene, span = self.scene, self.scene.during(fact)
        rivals = [i for i in sorted(scene.told) if i >= 0 and i not in (fact.subject, fact.object)]
        options = [
            Option(scene.names[i], scene.judge(replace(say.core(fact), object=i), span))
            for i in (fact.object, *scene.shuffled(rivals, say.content(fact)))
        ]
        verb = phrase(replace(say.core(fact), object=None), variant=0)
        text = f"Whom or what is it about that {self._name(fact)} {verb}{say.when(fact)}?"
        yield self._draft("reference", fact, text, options[0], options[1:])

    # --- local regions ---

    def part(self, fact: MotionFact) -> Iterator[Draft]:
        """With which part of the body."""
        if fact.part is None or fact.part not in (*_PARTS, *_JOINTS):
            return
        scene, span = self.scene, self.scene.during(fact)
        pool = _PARTS if fact.part in _PARTS else _JOINTS
        rivals = scene.shuffled([p for p in pool if p != fact.part], say.content(fact))
        options = [
            Option(_part(p), scene.judge(say.but(fact, *Idea(fact.predicate, part=p)), span))
            for p in (fact.part, *rivals)
        ]
        verb = phrase(replace(say.core(fact), part=None), variant=0)
        text = f"Which part of the body is it that {self._name(fact)} {verb}{say.when(fact)}?"
        # Who raises both arms raises each of them: only what is more or other is false.
        yield self._draft("part", fact, text, options[0], options[1:])


def _out(role: str) -> Option:
    return Option(OUTS[role], Judgement(False, "a way out, never the answer here"), role=role)


def _part(part: str) -> str:
    side, _, name = part.partition("_")
    return f"both {name}" if side == "both" else f"the {side} {name}"


__all__ = ["OUTS", "MotionAtlas"]
