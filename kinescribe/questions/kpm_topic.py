"""What KPM-QA's topics share: a scene, whom it is about, and how a question is drafted of a fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from kinescribe.questions import statements as say
from kinescribe.questions.options import Draft, Option
from kinescribe.questions.scene import Scene
from kinescribe.records import CAMERA, MotionFact

SAME_TIME_S, APART_S = 0.3, 0.8
"""Two begin together if their beginnings are less than the first apart, and one after the other beyond the second."""


class Topic:
    """Some of KPM-QA's questions about a scene; the template of each is told by ``Kpm``."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

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


__all__ = ["APART_S", "SAME_TIME_S", "Topic"]
