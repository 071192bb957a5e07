"""KPM-QA's questions about a movement: what, how long, how fast, how often, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, islice

import numpy as np

from kinescribe.checks import Judgement
from kinescribe.questions import orders, readings
from kinescribe.questions import statements as say
from kinescribe.questions.foundationmotion import one_right
from kinescribe.questions.kpm_topic import Topic
from kinescribe.questions.options import Draft, Option, how_often
from kinescribe.questions.scene import Scene, at_once, denied
from kinescribe.records import MotionFact, Span

MOST_COMBINED = 40
"""Pairs of facts that are told together at most."""
MIN_PERIOD_S = 0.5
SEEN_S = 0.3
"""What begins or ends is seen for so long before and after: else it may have gone on unseen."""
_PACES = (
    ("fast: a picture's width in under 3 s", 1 / 3, np.inf),
    ("medium: a picture's width in 3 to 12 s", 1 / 12, 1 / 3),
    ("slowly: a picture's width in over 12 s", 0.004, 1 / 12),
)


class Movement(Topic):
    """Movements of whoever the clip is about."""

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
            options.append(Option("not at all: always in the very same place", stays))
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

    def order(self) -> Iterator[Draft]:
        """In which order somebody does two things."""
        scene = self.scene
        who = set(self._who)
        own = [h for h in scene.happenings if h.fact.subject in who]
        for first in scene.shuffled(own, "orders"):
            around = orders.Around(scene.measured, first.fact.span.end_s)
            for second in orders.later(scene, first, frozenset({first.fact.subject})):
                options = orders.answer(scene, first, second), orders.others(scene, first, second, around)
                span = orders.time_of(first, second)
                name = self._name(first.fact.subject)
                text = (
                    f"In which order does {name} do these things between {span.start_s:.1f} s and "
                    f"{span.end_s:.1f} s?"
                )
                yield self._of_fact(first.fact, text, options, "order")._replace(span=span)

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


__all__ = ["Movement"]
