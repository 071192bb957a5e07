"""What is asked about a clip: one family of questions a file, and the rules that all of them keep.

A family is a class with ``categories`` and ``drafts(category)``, made of a ``Scene``; adding one is a file, a line in
``FAMILIES`` and a test. ``options`` decides which options are taken, ``ask`` which questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, runtime_checkable

from kinescribe.questions.foundationmotion import FoundationMotion
from kinescribe.questions.kpm import Kpm
from kinescribe.questions.motionatlas import MotionAtlas
from kinescribe.questions.options import Draft, question
from kinescribe.questions.scene import Scene
from kinescribe.records import Question

MOST_DRAFTS = 80
"""Drafts that are tried in a category: what four of twenty subjects give is soon found, and a clip of ten minutes has
thousands that come to nothing."""


@runtime_checkable
class Family(Protocol):
    """A kind of questions."""

    categories: Sequence[str]
    """In the order in which they are asked."""

    def drafts(self, category: str) -> Iterator[Draft]:
        """Yield what could be asked in a category, the best first."""
        ...


FAMILIES: Mapping[str, Any] = {
    "foundationmotion": FoundationMotion,
    "kpm": Kpm,
    "motionatlas": MotionAtlas,
}
"""By the name in ``qa.families``: each takes a ``Scene``."""


def ask(scene: Scene, families: Sequence[str], limit: int, limits: Mapping[str, int]) -> list[Question]:
    """Return the questions of some families about a scene.

    Args:
        scene: the clip.
        families: keys of ``FAMILIES``; what one has asked, the next ones do not ask in other words.
        limit: questions of a category at most ...
        limits: ... and of some categories by name.
    """
    asked: set[str] = set()
    words: set[tuple[str, bool]] = set()
    found: list[Question] = []
    for name in families:
        family: Family = FAMILIES[name](scene)
        for category in family.categories:
            wanted = limits.get(category, limit)
            if wanted > 0:
                found += islice(_of(family, category, scene.seed, asked, words), wanted)
    return found


def _of(
    family: Family, category: str, seed: str, asked: set[str], words: set[tuple[str, bool]]
) -> Iterator[Question]:
    for draft in islice(family.drafts(category), MOST_DRAFTS):
        if draft.about in asked:
            continue
        made = question(draft, seed)
        if made is None:
            continue
        # Two things may be true at once (a pan and a tilt): the same words would have two answers in one clip. Options
        # with ways out are read beside a caption, and may ask what the others ask of the video.
        key = (made.text, bool(made.roles))
        if key not in words:
            asked.add(draft.about)
            words.add(key)
            yield made


def spread(questions: Sequence[Question], limit: int) -> list[Question]:
    """Return at most so many questions, the first of every category before the second of any; in their order."""
    seen: Counter[str] = Counter()
    turns = []
    for place, one in enumerate(questions):
        turns.append((seen[one.category], place))
        seen[one.category] += 1
    kept = {place for _, place in sorted(turns)[:limit]}
    return [one for place, one in enumerate(questions) if place in kept]


__all__ = ["FAMILIES", "Draft", "Family", "Scene", "ask", "spread"]
