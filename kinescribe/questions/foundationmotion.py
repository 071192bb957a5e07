"""FoundationMotion's seven categories (A.3): what, in which order, who, where, how often, how, and how two things lie.

Our own forms of question; every answer and every distractor is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, combinations

from kinescribe.checks import Judgement, beside, located, travelled
from kinescribe.language.render import said_shape
from kinescribe.questions import orders, readings
from kinescribe.questions import statements as say
from kinescribe.questions.options import Draft, Option, how_often, wrong
from kinescribe.questions.scene import Scene, at_once, none_of, only
from kinescribe.records import CAMERA, MotionFact, Span
from kinescribe.vocabulary import COMPASS, DIRECTION_PHRASES, QA_CATEGORIES, TRAJECTORY_PHRASES

NOBODY = 0.25
"""How often "who does this" is asked of what nobody does: as often as a fourth option would be right by chance."""
MIN_TOGETHER_S = 1.0
"""Two are compared if they are seen together for so long."""
MIN_WAY_S = 0.8
"""Nobody tells how far something goes in a moment."""
MOST_WAY = 1.0
"""Longest way or distance that is offered, in widths of the picture: more is known to be wrong without looking."""
MOST_PAIRS = 12
"""Pairs that are compared, those with something said of both first: twenty subjects have 190."""
_SPEEDS = {
    "accelerate": "it speeds up", "decelerate": "it slows down", "stay": "it stays in place",
    "steady": "it keeps its speed",
}  # fmt: skip
_GAPS = {
    "shrinks": "it shrinks", "grows": "it grows", "constant": "it hardly changes",
    "grows_then_shrinks": "it first grows, then shrinks", "shrinks_then_grows": "it first shrinks, then grows",
}  # fmt: skip
_SIDES = {"left": "to the left of", "right": "to the right of", "up": "above", "down": "below"}
WAYS = {**DIRECTION_PHRASES, **{way: f"{way}ward" for way in ("left", "right", "up", "down")}}
"""Directions as options: "up" beside "to the right" would be known by its length."""
_QUARTERS = ("upper_left", "upper_right", "lower_left", "lower_right")
_FACTORS = (0.3, 0.45, 0.65, 1.6, 2.3, 3.2)
"""Of the wrong lengths to the right one: each differs from the next by four tenths at least."""


class FoundationMotion:
    """Asks in FoundationMotion's categories about a scene."""

    categories = QA_CATEGORIES

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def drafts(self, category: str) -> Iterator[Draft]:
        """Yield what could be asked in a category, about the surest facts first."""
        makers: dict[str, Callable[[MotionFact], Iterator[Draft]]] = {
            "motion_recognition": self.recognition,
            "action_order": self.order,
            "motion_object": self.actor,
            "location_motion": self.location,
            "repetition_count": self.count,
            "motion_attribute": self.attribute,
            "spatial_relation": self.relation,
        }
        yield from chain.from_iterable(map(makers[category], self.scene.surest))
        if category == "motion_attribute":
            yield from self.comparisons()
        if category == "spatial_relation":
            yield from self.pairs()

    def _draft(
        self,
        name: str,
        category: str,
        fact: MotionFact,
        text: str,
        options: tuple[Option, Iterable[Option]],
        about: str = "",
    ) -> Draft:
        return Draft(
            category=category,
            template=f"fm.{name}",
            about=f"{about or name}:{say.content(fact)}",
            text=text,
            answer=options[0],
            others=options[1],
            subject=fact.subject,
            fact_id=fact.id,
            span=self.scene.during(fact),
        )

    # --- what ---

    def recognition(self, fact: MotionFact) -> Iterator[Draft]:
        """What somebody does."""
        if self._instead(fact) is not None:
            return
        span = self.scene.during(fact)
        others = (self.scene.option(idea, span) for idea in self.scene.ideas(fact))
        text = f"What does {self.scene.names[fact.subject]} do{say.when(fact)}?"
        answer = self.scene.option(say.core(fact), span)
        yield self._draft("recognition", "motion_recognition", fact, text, (answer, others), "what")

    def _instead(self, fact: MotionFact) -> Draft | None:
        """Return what is asked of a fact in place of what the subject does: which way it goes, how its speed changes.

        Both would be the same question in other words, so lots are drawn.
        """
        if self.scene.draw("instead", say.content(fact)) < 0.5:
            return None
        if say.goes_one_way(fact):
            draft = self.direction(fact)
        elif fact.predicate in ("accelerate", "decelerate"):
            draft = self.speed_change(fact)
        else:
            return None
        kept = list(draft.others)
        return draft._replace(others=kept) if wrong(draft._replace(others=kept), self.scene.seed) else None

    # --- in which order ---

    def order(self, fact: MotionFact) -> Iterator[Draft]:
        """Two happenings, told in the right and in the wrong order, and beside what never happens."""
        scene = self.scene
        first = next(h for h in scene.happenings if h.fact is fact)
        around = orders.Around(scene.measured, fact.span.end_s)
        for second in orders.later(scene, first):
            options = orders.answer(scene, first, second), orders.others(scene, first, second, around)
            span = orders.time_of(first, second)
            text = f"In which order do these happen between {span.start_s:.1f} s and {span.end_s:.1f} s?"
            yield self._draft("order", "action_order", fact, text, options)._replace(span=span)

    # --- who ---

    def actor(self, fact: MotionFact) -> Iterator[Draft]:
        """Who does it; of two, also both or neither; of more, a quarter is asked of what none of them does.

        Who is mentioned nowhere else is offered only where nobody else can be.
        """
        if fact.subject == CAMERA or fact.object is not None:
            return
        scene = self.scene
        ids = [i for i in scene.measured.tracks.ids.tolist() if i != fact.subject]
        core = say.core(fact)
        others = scene.shuffled([i for i in ids if i in scene.told], say.content(fact))
        others += scene.shuffled([i for i in ids if i not in scene.told], say.content(fact))
        plain = self._who(fact, core, others)
        # What nobody does is asked only in place of a question that could be asked: else those that cannot, which are
        # many, would leave more of the first kind than were drawn.
        if plain is None or wrong(plain, scene.seed) is None:
            return
        if scene.draw("nobody", say.content(fact)) < NOBODY:
            idea = next((idea for idea in scene.ideas(fact) if self._nobody(fact, idea, ids)), None)
            instead = None if idea is None else self._who(fact, idea, others)
            if instead is not None and wrong(instead, scene.seed) is not None:
                plain = instead
        yield plain

    def _who(self, fact: MotionFact, core: MotionFact, others: list[int]) -> Draft | None:
        if len(others) == 1 or sum(i in self.scene.told for i in others) == 1:
            return self._of_two(fact, core, others[0])
        return self._of_many(fact, core, others) if others else None

    def _nobody(self, fact: MotionFact, idea: MotionFact, others: list[int]) -> bool:
        scene, span = self.scene, self.scene.during(fact)
        judged = (scene.judge(replace(idea, subject=i), span).holds for i in (idea.subject, *others[:3]))
        return idea.predicate != "stay" and all(holds is False for holds in judged)

    def _of_two(self, fact: MotionFact, core: MotionFact, rival: int) -> Draft:
        scene, span = self.scene, self.scene.during(fact)
        pair = sorted((fact.subject, rival))
        one, two = (scene.stated(core, i, span) for i in pair)
        a, b = (scene.names[i] for i in pair)
        options = [
            Option(f"only {a}", only(one, two)),
            Option(f"only {b}", only(two, one)),
            Option(f"both {a} and {b}", at_once(one, two)),
            Option(f"neither {a} nor {b}", none_of(one, two)),
        ]
        text = f"Which of the two, {a} or {b}, {scene.says(core)}{say.when(fact)}?"
        return self._draft("which_of_two", "motion_object", fact, text, one_right(options), "who")

    def _of_many(self, fact: MotionFact, core: MotionFact, others: list[int]) -> Draft:
        scene, span = self.scene, self.scene.during(fact)
        listed = [fact.subject, *others]
        judged = {i: scene.by(core, i, span) for i in listed[:8]}
        refused = [i for i in listed[:8] if judged[i].holds is False]
        named = [Option(scene.names[i], judged[i]) for i in refused]
        if judged[fact.subject].holds is False:
            answer = Option("none of them", at_once(*(Judgement(True, judged[i].why) for i in refused[:3])))
            named = named[:3]
        else:
            answer = Option(scene.names[fact.subject], judged[fact.subject])
            if len(named) < 3 or scene.draw("none", say.content(fact)) < NOBODY:
                named = [*named[:2], Option("none of them", Judgement(False, judged[fact.subject].why))]
            named = named[:3]
        text = f"Who or what {scene.says(core)}{say.when(fact)}?"
        return self._draft("actor", "motion_object", fact, text, (answer, named), "who")

    # --- where ---

    def location(self, fact: MotionFact) -> Iterator[Draft]:
        """The quarter of the picture in which somebody is."""
        scene, span = self.scene, self.scene.during(fact)
        if fact.subject == CAMERA or span is None:
            return
        options = [
            Option(
                f"in the {q.replace('_', ' ')}",
                readings.alike(
                    located(scene.measured, fact.subject, q, span),
                    readings.box_in(scene.measured, fact.subject, q, span),
                ),
            )
            for q in _QUARTERS
        ]
        text = f"In which quarter of the picture is {scene.names[fact.subject]}{say.when(fact)}?"
        chosen = one_right(options)
        # Once for each place of each subject.
        about = f"quarter:{fact.subject}:{chosen[0].text}"
        yield self._draft("quarter", "location_motion", fact, text, chosen)._replace(about=about)

    # --- how often ---

    def count(self, fact: MotionFact) -> Iterator[Draft]:
        """How many times something is done."""
        if fact.count is None or fact.subject == CAMERA:
            return
        scene, span = self.scene, self.scene.during(fact)
        near = [n for n in range(max(1, fact.count - 3), fact.count + 4) if n != fact.count]
        counted = [replace(fact, count=n, magnitude=None) for n in scene.shuffled(near, say.content(fact))]
        others = (Option(how_often(f.count or 0), scene.judge(f, span), "", f.count) for f in counted)
        answer = Option(
            how_often(fact.count), scene.judge(replace(fact, magnitude=None), span), "", fact.count
        )
        plain = scene.says(replace(fact, count=None, magnitude=None))
        text = f"How many times does this happen{say.when(fact)}: {scene.names[fact.subject]} {plain}?"
        yield self._draft("count", "repetition_count", fact, text, (answer, others), "count")

    # --- how ---

    def attribute(self, fact: MotionFact) -> Iterator[Draft]:
        """Direction, change of speed, distance, shape of the path."""
        if fact.subject == CAMERA:
            return
        instead = self._instead(fact)
        if instead is not None:
            yield instead
        if (
            say.goes_one_way(fact)
            and fact.trajectory == "straight"
            and not self.scene.measured.camera.moves
            and fact.evidence.get("net_widths", 0.0) > 0
            and fact.span.duration_s >= MIN_WAY_S
        ):
            yield self.distance(fact)
        if fact.predicate == "move" and said_shape(fact) is not None:
            yield self.trajectory(fact)

    def direction(self, fact: MotionFact) -> Draft:
        """The opposite and the two perpendicular ways are the other options: neighbours would be a matter of taste."""
        here = COMPASS.index(fact.direction[0])
        ways = [COMPASS[(here + turn) % 8] for turn in (0, 4, 2, 6)]
        span = self.scene.during(fact)
        options = [Option(WAYS[way], self.scene.judge(say.but(fact, "move", (way,)), span)) for way in ways]
        text = f"In which direction does {self.scene.names[fact.subject]} move{say.when(fact)}?"
        return self._draft("direction", "motion_attribute", fact, text, (options[0], options[1:]), "what")

    def distance(self, fact: MotionFact) -> Draft:
        """How far, in frame widths."""
        scene, span = self.scene, self.scene.during(fact)
        assert span is not None
        value = fact.evidence["net_widths"]
        factors = scene.shuffled(_FACTORS, say.content(fact))
        options = [
            Option(
                f"about {100 * value * by:.0f} % of the picture's width",
                travelled(scene.measured, fact.subject, (value * by * 0.85, value * by * 1.18), span),
                size=by,
            )
            for by in (1.0, *(by for by in factors if 0.02 < value * by <= MOST_WAY))
        ]
        text = f"How far does {scene.names[fact.subject]} move{say.when(fact)}?"
        return self._draft("distance", "motion_attribute", fact, text, (options[0], options[1:]))

    def speed_change(self, fact: MotionFact) -> Draft:
        """How the speed changes."""
        judged = {
            kind: self.scene.judge(say.but(fact, kind), self.scene.during(fact))
            for kind in ("accelerate", "decelerate", "stay")
        }
        changes = judged[fact.predicate]
        judged["steady"] = Judgement(None if changes.holds is None else not changes.holds, changes.why)
        options = {kind: Option(_SPEEDS[kind], found) for kind, found in judged.items()}
        text = f"How does the speed of {self.scene.names[fact.subject]} change{say.when(fact)}?"
        answer = options.pop(fact.predicate)
        return self._draft(
            "speed_change", "motion_attribute", fact, text, (answer, list(options.values())), "what"
        )

    def trajectory(self, fact: MotionFact) -> Draft:
        """The shape of the path."""
        shapes = [shape for shape in TRAJECTORY_PHRASES if shape != fact.trajectory]
        said = [
            say.but(fact, "move", trajectory=shape)
            for shape in (fact.trajectory, *self.scene.shuffled(shapes, say.content(fact)))
        ]
        span = self.scene.during(fact)
        options = [Option(TRAJECTORY_PHRASES[f.trajectory or ""], self.scene.judge(f, span)) for f in said]
        text = f"What path does {self.scene.names[fact.subject]} follow{say.when(fact)}?"
        return self._draft("trajectory", "motion_attribute", fact, text, (options[0], options[1:]))

    def comparisons(self) -> Iterator[Draft]:
        """Who is fastest, where several are seen for a while."""
        scene = self.scene
        moving = {f.subject for f in scene.facts if f.predicate == "move" and f.subject != CAMERA}
        for one, two in self._together():
            span = self._shared(one, two)
            if span is None or not {one, two} & moving:
                continue
            a, b = (scene.names[i] for i in (one, two))
            judged = [
                readings.fastest(scene.measured, one, (two,), span),
                readings.fastest(scene.measured, two, (one,), span),
                readings.evenly_fast(scene.measured, (one, two), span),
            ]
            rest = at_once(*(scene.judge(MotionFact("", i, "stay", span), span) for i in (one, two)))
            words = (a, b, "both are about equally fast", "neither of them moves")
            options = [Option(text, found) for text, found in zip(words, (*judged, rest), strict=True)]
            if scene.measured.camera.moves:
                return
            text = f"Which moves faster on average between {span.start_s:.1f} s and {span.end_s:.1f} s, {a} or {b}?"
            yield self._of_pair("faster", "motion_attribute", (one, two), span, text, one_right(options))

    # --- how two things lie ---

    def relation(self, fact: MotionFact) -> Iterator[Draft]:
        """What two do to the distance between them, and where one is from the other as they begin."""
        span, other = self.scene.during(fact), fact.object
        if other is None or other == CAMERA or span is None:
            return
        for draft in self._two(fact.subject, other, span):
            yield draft._replace(fact_id=fact.id)

    def pairs(self) -> Iterator[Draft]:
        """The same of those of whom no fact says anything together."""
        for one, two in self._together():
            span = self._shared(one, two)
            if span is not None:
                yield from self._two(one, two, span)
        yield from self._nearest()

    def _two(self, one: int, two: int, span: Span) -> Iterator[Draft]:
        yield self._gap(one, two, span)
        yield self._beside(one, two, span.start_s, "at the beginning of that time")
        yield self._apart(one, two, span)
        yield self._beside(one, two, span.end_s, "at the end of that time")

    def _gap(self, one: int, two: int, span: Span) -> Draft:
        scene = self.scene
        a, b = (scene.names[i] for i in (one, two))
        options = [
            Option(text, readings.gap_course(scene.measured, one, two, kind, span))
            for kind, text in scene.shuffled(_GAPS.items(), one, two, span)
        ]
        text = f"How does the distance between {a} and {b} change between {span.start_s:.1f} s and {span.end_s:.1f} s?"
        if span.start_s == span.end_s:
            options = []
        return self._of_pair("gap", "spatial_relation", (one, two), span, text, one_right(options))

    def _beside(self, one: int, two: int, at_s: float, when: str) -> Draft:
        scene, at = self.scene, Span(at_s, at_s)
        a, b = (scene.names[i] for i in (one, two))
        options = [
            Option(f"{text} {b}", beside(scene.measured, one, two, side, at)) for side, text in _SIDES.items()
        ]
        text = f"Where is {a} relative to {b} at {at_s:.1f} s, as seen in the picture?"
        name = "side_first" if "beginning" in when else "side_last"
        return self._of_pair(name, "spatial_relation", (one, two), at, text, one_right(options))

    def _apart(self, one: int, two: int, span: Span) -> Draft:
        scene, at_s = self.scene, span.start_s
        a, b = (scene.names[i] for i in (one, two))
        value = readings.distance(scene.measured, one, two, at_s)
        why = f"centres {value:.2f} widths apart"
        factors = scene.shuffled(_FACTORS, one, two, span)
        options = [
            Option(
                f"about {100 * value * by:.0f} % of the picture's width",
                readings.factor(value, value * by, why),
                size=by,
            )
            for by in (1.0, *(by for by in factors if 0.03 < value * by <= MOST_WAY))
        ]
        if not value > 0.08:
            options = [Option("", Judgement(None, why))]
        text = f"How far apart are the middles of {a} and {b} at {at_s:.1f} s?"
        chosen = options[0], options[1:]
        return self._of_pair("apart", "spatial_relation", (one, two), Span(at_s, at_s), text, chosen)

    def _nearest(self) -> Iterator[Draft]:
        """Who is nearest, where there are enough to choose from."""
        scene = self.scene
        told = [i for i in sorted(scene.told) if i >= 0]
        for subject in scene.shuffled(told, "nearest"):
            facts = [f for f in scene.facts if f.subject == subject]
            at_s = round(facts[0].span.start_s, 1) if facts else 0.0
            at = Span(at_s, at_s)
            others = tuple(
                i for i in told if i != subject and readings.known_share(scene.measured, i, _around(at))
            )
            if len(others) < 4 or not facts:
                continue
            options = [
                Option(
                    scene.names[i],
                    readings.nearest(scene.measured, subject, i, tuple(o for o in others if o != i), at_s),
                )
                for i in others
            ]
            text = f"Which of these is nearest to {scene.names[subject]} at {at_s:.1f} s?"
            yield self._draft("nearest", "spatial_relation", facts[0], text, one_right(options))._replace(
                span=at
            )

    # --- pairs ---

    def _of_pair(
        self,
        name: str,
        category: str,
        pair: tuple[int, int],
        span: Span,
        text: str,
        options: tuple[Option, Iterable[Option]],
    ) -> Draft:
        at = f"{pair[0]}:{pair[1]}:{span.start_s:.1f}:{span.end_s:.1f}"
        return Draft(category, f"fm.{name}", f"{name}:{at}", text, *options, subject=pair[0], span=span)

    def _together(self) -> list[tuple[int, int]]:
        told = [i for i in sorted(self.scene.told) if i >= 0]
        found = [pair for pair in combinations(told, 2) if self._shared(*pair) is not None]
        return self.scene.shuffled(found, "pairs")[:MOST_PAIRS]

    def _shared(self, one: int, two: int) -> Span | None:
        """The time in which both are seen, in tenths of a second; None if it is short or broken."""
        measured = self.scene.measured
        rows = [measured.row(i) for i in (one, two)]
        if None in rows:
            return None
        path = measured.kinematics.tracks.image_px[[r for r in rows if r is not None]]
        seen = (path[..., 0] == path[..., 0]).all(0)
        times_s = measured.clip.times_s[seen]
        if len(times_s) < 3 or times_s[-1] - times_s[0] < MIN_TOGETHER_S:
            return None
        span = Span(round(float(times_s[0]), 1), round(float(times_s[-1]), 1))
        inside = (measured.clip.times_s >= span.start_s) & (measured.clip.times_s <= span.end_s)
        return span if seen[inside].mean() > 0.9 else None


def _around(at: Span) -> Span:
    return Span(at.start_s - 0.1, at.end_s + 0.1)


def one_right(options: Iterable[Option]) -> tuple[Option, list[Option]]:
    """Return the only option that is judged true, and the others.

    Where there is none, or more than one, the answer is one that makes no question.
    """
    listed = list(options)
    true = [option for option in listed if option.judged.holds is True]
    if len(true) != 1:
        return Option("", Judgement(None, "not one of the options holds, or several do")), []
    return true[0], [option for option in listed if option is not true[0]]


__all__ = ["FoundationMotion", "one_right"]
