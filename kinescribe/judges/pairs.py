"""Which of two captions is better (KPM, figure 13): each time asked in both orders, and won only in both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from pydantic import BaseModel

from kinescribe import prompts
from kinescribe.judges import JudgeSettings, Look, Rating, Task, ask, counted
from kinescribe.judges.figures import Figure, Value, by_item, figure
from kinescribe.judges.questions import Reason, shown_before
from kinescribe.llm.client import Client
from kinescribe.llm.messages import Request

PROMPT = "judge_pair"
Outcome = Literal["a", "b", "tie", "inconsistent"]


class Pair(NamedTuple):
    """Two captions of one clip."""

    id: str
    """Of the clip, where pictures are to be shown."""
    a: str
    b: str
    references: tuple[str, ...] = ()
    """Texts that are true of the clip."""


class Preference(BaseModel):
    """What is asked for."""

    reason: Reason
    better: Literal["first", "second", "tie"]


@dataclass(frozen=True)
class JudgedPairs:
    """What a judge says of pairs."""

    outcomes: Mapping[str, int]
    """Comparisons by ``a``, ``b``, ``tie``: what both orders say; ``inconsistent``: they say different things, which
    nobody wins; ``incomplete``: one of the two has no rating."""
    win: Figure | None
    """Share of the complete comparisons that B wins, less the share that A wins, pair by pair: from -1 to 1."""
    first_share: float | None
    """Of the answers that prefer one, the share that prefer the one shown first: 0.5 for a judge that does not look at
    the place."""
    pairs: Mapping[str, tuple[str, ...]]
    """By pair: the outcome of each repeat."""
    statuses: Mapping[str, int]
    unrated: tuple[str, ...]
    """Pairs without any complete comparison."""
    ratings: tuple[Rating, ...]


def judge(client: Client, pairs: Sequence[Pair], look: Look, settings: JudgeSettings) -> JudgedPairs:
    """Return which captions a model prefers.

    Args:
        client: asks it.
        pairs: with ids of their own.
        look: pictures of a clip.
        settings: how often (each time in both orders), and how.

    Raises: as ``judges.ask``.
    """
    ratings = ask(client, list(_tasks(pairs, look, settings)))
    outcomes = _outcomes(ratings)
    said = [_said(r) for r in ratings]
    named = [r.swapped == (who == "b") for r, who in zip(ratings, said, strict=True) if who in ("a", "b")]
    worth = {"a": -1.0, "b": 1.0, "tie": 0.0, "inconsistent": 0.0}
    values = [
        Value(item, repeat, False, worth[outcome])
        for (item, repeat), outcome in outcomes.items()
        if outcome is not None
    ]
    known = by_item(values)
    counts = Counter(outcome or "incomplete" for outcome in outcomes.values())
    by_pair: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for (item, _), outcome in outcomes.items():
        by_pair[item] += (outcome or "incomplete",)
    return JudgedPairs(
        outcomes={name: counts[name] for name in ("a", "b", "tie", "inconsistent", "incomplete")},
        win=figure(values),
        first_share=sum(named) / len(named) if named else None,
        pairs=dict(by_pair),
        statuses=counted(ratings),
        unrated=tuple(pair.id for pair in pairs if pair.id not in known),
        ratings=tuple(ratings),
    )


def _tasks(pairs: Sequence[Pair], look: Look, settings: JudgeSettings) -> Iterator[Task]:
    for pair in pairs:
        for repeat in range(settings.repeats):
            for turned in (False, True):
                yield Task(
                    pair.id, PROMPT, repeat, turned, partial(_request, pair, turned, look, settings, repeat)
                )


def _request(pair: Pair, turned: bool, look: Look, settings: JudgeSettings, repeat: int) -> Request:
    first, second = (pair.b, pair.a) if turned else (pair.a, pair.b)
    seen = look(pair.id)
    told = prompts.load(PROMPT).render(
        first=first, second=second, references="\n\n".join(pair.references), seen=seen is not None
    )
    return Request(
        parts=shown_before(seen, told.user),
        system=told.system,
        schema=Preference,
        temperature=settings.temperature,
        seed=settings.seed + repeat,
        max_tokens=settings.max_tokens,
        prompt=told.identity,
    )


def _said(rating: Rating) -> Outcome | None:
    """Return whom a rating prefers; None where there is no rating."""
    if not isinstance(rating.value, Preference):
        return None
    if rating.value.better == "tie":
        return "tie"
    return "a" if (rating.value.better == "first") != rating.swapped else "b"


def _outcomes(ratings: Sequence[Rating]) -> dict[tuple[str, int], Outcome | None]:
    """Return, by pair and repeat, what both orders say; None where one of them has no rating."""
    both: dict[tuple[str, int], list[Outcome | None]] = defaultdict(list)
    for rating in ratings:
        both[rating.id, rating.repeat].append(_said(rating))
    found: dict[tuple[str, int], Outcome | None] = {}
    for key, said in both.items():
        found[key] = None if None in said else said[0] if len(set(said)) == 1 else "inconsistent"
    return found
