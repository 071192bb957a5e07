"""Orders of two happenings: "A, then B" against "B, then A" and against what never happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from kinescribe.checks import Judgement, Measurements, check
from kinescribe.questions import statements as say
from kinescribe.questions.options import Option
from kinescribe.questions.scene import Happening, Scene, at_once
from kinescribe.records import MotionFact, Span

OVERLAP_S = 0.05
"""Two happenings that share more time than this have no order."""
SETTLE_S = 0.5
"""So long after a happening its smoothed trace is gone."""
MOST_LATER = 8
"""Later happenings that one is paired with at most, the nearest in time: who asks for the order of two things that are
minutes apart asks for a memory, and a long clip has thousands of such pairs."""


@dataclass(frozen=True)
class Around:
    """What is measured up to the end of a happening, and when its trace is gone."""

    measured: Measurements
    end_s: float

    @cached_property
    def before(self) -> Measurements:
        """All of the clip until then."""
        return self.measured.within(Span(0.0, self.end_s))

    @cached_property
    def after(self) -> Measurements:
        """All of the clip from then on."""
        end = self.measured.clip.duration_s
        return self.measured.within(Span(min(self.end_s + SETTLE_S, end), end))


def later(scene: Scene, first: Happening, by: frozenset[int] | None = None) -> list[Happening]:
    """Return what happens after a happening and can be told from it, the nearest in time first.

    Args:
        scene: the clip.
        first: what comes first.
        by: who does it; None for anybody.
    """
    if first.lasting:
        return []
    found = [
        h
        for h in scene.happenings
        if h.fact.span.start_s >= first.fact.span.end_s - OVERLAP_S
        and not h.lasting
        and h.text != first.text
        and (by is None or h.fact.subject in by)
    ]
    return sorted(found, key=lambda h: h.fact.span.start_s)[:MOST_LATER]


def time_of(first: Happening, second: Happening) -> Span:
    """Return the time in which two happen, as it is said: which orders are meant, where a clip has several."""
    return Span(round(first.fact.span.start_s, 1), round(second.fact.span.end_s, 1))


def answer(scene: Scene, first: Happening, second: Happening) -> Option:
    """Return the true order of two."""
    judged = (scene.judge(h.core, scene.during(h.fact)) for h in (first, second))
    return Option(f"{first.text}, then {second.text}", at_once(*judged))


def others(scene: Scene, first: Happening, second: Happening, around: Around) -> Iterator[Option]:
    """Yield "second, then first" and orders with what never happens; judged when they are looked at.

    A question needs the first of them and two of the others.
    """
    swapped = _not_before(scene, second, first, around)
    if swapped.holds is not False:
        return
    yield Option(f"{second.text}, then {first.text}", swapped)
    said = (scene.says(first.core), scene.says(second.core))
    for one, two in ((first, second), (second, first)):
        found = never(scene, scene.ideas(two.core), said)
        if found is None:
            continue
        idea, judged = found
        texts = (one.text, scene.whole(idea))
        yield Option(", then ".join(texts if one is first else texts[::-1]), judged)


def never(
    scene: Scene, ideas: Iterator[MotionFact], said: Sequence[str]
) -> tuple[MotionFact, Judgement] | None:
    """Return the first idea that is judged not to happen at any time and sounds unlike what does."""
    return next(all_never(scene, ideas, said), None)


def all_never(
    scene: Scene, ideas: Iterator[MotionFact], said: Sequence[str]
) -> Iterator[tuple[MotionFact, Judgement]]:
    """Yield the ideas that are judged not to happen at any time and sound unlike what does."""
    for idea in ideas:
        if idea.predicate == "stay":
            continue
        judged = scene.judge(idea)
        if judged.holds is False and scene.says(idea) not in said:
            yield idea, judged


def _not_before(scene: Scene, second: Happening, first: Happening, around: Around) -> Judgement:
    """Refuse "second, then first": the second never happens before the first is over, nor the first again after."""
    again = check(say.claim(first.core, scene.names, None), around.after)
    if again.holds is not False:
        return Judgement(None, "either could come first")
    early = check(say.claim(second.core, scene.names, None), around.before)
    if early.holds is not False:
        return Judgement(None, "either could come first")
    return Judgement(False, f"not before: {early.why}; not again: {again.why}")
