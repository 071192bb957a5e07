"""Options of a question: which three wrong ones are taken, and the question that comes of it.

Every option carries its verdict. An answer that is not judged true, or fewer than three options that are judged false
and mean different things, make no question. Every draw hangs on what is asked, never on the draws before.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from kinescribe.checks import Judgement
from kinescribe.questions.statements import capital
from kinescribe.records import Question, Span

T = TypeVar("T")

NUM_OPTIONS = 4
CONTENT = "content"
MOST_LOOKED = 24
"""Candidates that are judged for a question at most: the clip's own few come first, then what could be of anything."""
MOST_FOUND = 9
"""False ones that are gathered so that the right one may have any rank among them."""


def draw(*told: object) -> float:
    """Return a number in [0, 1) that looks random and follows from what it is for."""
    return random.Random(":".join(map(str, told))).random()


def shuffled(items: Iterable[T], *told: object) -> list[T]:
    """Return items in an order in which one more item does not move the others."""
    return sorted(items, key=lambda item: draw(*told, item))


def how_often(number: int) -> str:
    """Return a number of times as an option: "twice" beside "three times" would be known by its length."""
    return f"{number} time{'' if number == 1 else 's'}"


class Option(NamedTuple):
    """One choice and what the judge says of it."""

    text: str
    judged: Judgement
    meaning: str = ""
    """What it asserts, where several texts could assert the same; the text otherwise."""
    size: float | None = None
    """What options of a kind are sorted by (a number); None: the length of the text."""
    role: str = CONTENT
    """From ``vocabulary.OPTION_ROLES``."""

    @property
    def key(self) -> str:
        """What no two options of a question may share."""
        return (self.meaning or self.text).casefold()

    @property
    def rank(self) -> float:
        """What the right option must not be known by."""
        return float(len(self.text)) if self.size is None else self.size


class Draft(NamedTuple):
    """A question before its distractors are chosen."""

    category: str
    template: str
    """``family.name``: which form of question it is."""
    about: str
    """What is asked; the same is asked once, in whichever words."""
    text: str
    answer: Option
    others: Iterable[Option]
    """Candidates in order of preference; judged when they are looked at."""
    subject: int | None = None
    fact_id: str | None = None
    span: Span | None = None
    """The event that is asked about; None for the whole clip."""
    outs: tuple[Option, ...] = ()
    """Options that say nothing about the clip (``roles``); each takes the place of a distractor."""


def wrong(draft: Draft, seed: str) -> list[Option] | None:
    """Return the options that are judged false and taken; None if the answer or too few of them are sure.

    How many of them are longer (or larger) than the answer is drawn evenly, as far as there are such: else who takes
    the longest option, or the middle number, is right too often.
    """
    needed = NUM_OPTIONS - 1 - len(draft.outs)
    if draft.answer.judged.holds is not True:
        return None
    larger = int((needed + 1) * draw(seed, "rank", draft.template, draft.about))
    found: dict[str, Option] = {}
    taken: list[Option] = []
    for looked, option in enumerate(draft.others):
        if looked == MOST_LOOKED or len(found) == MOST_FOUND:
            break
        if option.judged.holds is not False or option.key == draft.answer.key:
            continue
        found.setdefault(option.key, option)
        taken, exact = _ranked(list(found.values()), draft.answer.rank, larger, needed)
        if exact:
            return taken
    return taken if len(taken) == needed else None


def _ranked(found: Sequence[Option], answer: float, larger: int, needed: int) -> tuple[list[Option], bool]:
    """Return ``needed`` options of which ``larger`` are larger than the answer, and whether that could be had."""
    above = [option for option in found if option.rank > answer][:larger]
    below = [option for option in found if option.rank < answer][: needed - larger]
    taken = above + below
    equal = [option for option in found if option.rank == answer][: needed - len(taken)]
    exact = len(taken) + len(equal) == needed
    taken += equal
    rest = [option for option in found if option not in taken]
    return taken + rest[: needed - len(taken)], exact


def question(draft: Draft, seed: str) -> Question | None:
    """Return the question of a draft, its options in an order that follows from the seed and what is asked."""
    others = wrong(draft, seed)
    if others is None:
        return None
    options = [draft.answer, *others, *draft.outs]
    random.Random(f"{seed}:{draft.template}:{draft.about}:{draft.text}").shuffle(options)
    refused = "; ".join(f'"{option.text}": {option.judged.why}' for option in others)
    of = f"fact {draft.fact_id}" if draft.fact_id else "measured"
    roles = tuple(option.role for option in options) if draft.outs else ()
    return Question(
        category=draft.category,
        text=draft.text,
        options=tuple(capital(option.text) for option in options),
        answer_index=options.index(draft.answer),
        subject=draft.subject,
        fact_id=draft.fact_id,
        provenance=f"{of}; answer checked true: {draft.answer.judged.why}; checked false: {refused}",
        template=draft.template,
        span=draft.span,
        roles=roles,
    )
