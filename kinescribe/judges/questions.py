"""Two sets of questions about the same clips, side by side: four dimensions of 0 to 10 (FoundationMotion A.4).

The prompt is our own. The paper's tells the judge which set had more to look at; ours does not, and each set is shown
first about as often as the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from kinescribe import prompts
from kinescribe.judges import JudgeSettings, Look, Rating, Task, ask, counted
from kinescribe.judges.figures import Figure, Value, by_item, figure, place_bonus, spread_of
from kinescribe.llm.client import Client
from kinescribe.llm.messages import Frames, Request, Text, json_bytes

PROMPT = "judge_questions"
DIMENSIONS = ("action_accuracy", "motion_detail", "temporal_coherence", "relevance")
"""FoundationMotion's four; ``overall`` is their mean."""
OVERALL = "overall"
LONGEST_REASON = 2000
"""Characters: it is read by people."""

Points = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
"""What a judge gives; numbers only, and never more than ten."""
Reason = Annotated[str, Field(max_length=LONGEST_REASON)]


class Asked(NamedTuple):
    """A multiple-choice question."""

    text: str
    options: tuple[str, ...]
    answer_index: int


class Sets(NamedTuple):
    """Two sets of questions about one clip."""

    id: str
    a: tuple[Asked, ...]
    b: tuple[Asked, ...]


class Marks(BaseModel):
    """What one set gets."""

    action_accuracy: Points
    motion_detail: Points
    temporal_coherence: Points
    relevance: Points


class TwoMarks(BaseModel):
    """What is asked for."""

    reason: Reason
    first: Marks
    second: Marks


class Dimension(NamedTuple):
    """A dimension of both sets."""

    a: Figure
    b: Figure
    gain: Figure
    """B less A, clip by clip."""
    place_bonus: Figure | None
    """What being shown first is worth; None where no clip was rated in both orders."""


@dataclass(frozen=True)
class Judged:
    """What a judge says of two sets."""

    dimensions: Mapping[str, Dimension]
    """Empty if there is no rating at all."""
    clips: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    """By clip and dimension: a, b, gain, and the spread of the gain from repeat to repeat."""
    statuses: Mapping[str, int]
    """Ratings by status."""
    unrated: tuple[str, ...]
    """Clips without any rating."""
    one_order: tuple[str, ...]
    """Clips that were rated in one order only: a place's bonus is in their gain. By lot it is A's as often as B's."""
    ratings: tuple[Rating, ...]


def judge(client: Client, sets: Sequence[Sets], look: Look, settings: JudgeSettings) -> Judged:
    """Return what a model thinks of two sets of questions.

    Args:
        client: asks it.
        sets: by clip; neither of the two is empty.
        look: pictures of a clip.
        settings: how often, and how.

    Raises: as ``judges.ask``.
    """
    ratings = ask(client, list(_tasks(sets, look, settings)))
    values = {(side, name): _values(ratings, side, name) for side in "ab" for name in (*DIMENSIONS, OVERALL)}
    names = [name for name in (*DIMENSIONS, OVERALL) if values["a", name]]
    gains = {name: _gains(values["a", name], values["b", name]) for name in names}
    found = {
        name: Dimension(
            _sure(figure(values["a", name])),
            _sure(figure(values["b", name])),
            _sure(figure(gains[name])),
            place_bonus(values["a", name], values["b", name]),
        )
        for name in names
    }
    orders: dict[str, set[bool]] = {}
    for rating in ratings:
        if rating.value is not None:
            orders.setdefault(rating.id, set()).add(rating.swapped)
    return Judged(
        dimensions=found,
        clips=_clips(names, values, gains),
        statuses=counted(ratings),
        unrated=tuple(one.id for one in sets if one.id not in orders),
        one_order=tuple(one.id for one in sets if len(orders.get(one.id, ())) == 1),
        ratings=tuple(ratings),
    )


def swapped(item: str, repeat: int) -> bool:
    """Return whether B is shown first: the other way at each repeat, and by lot which way a clip begins."""
    return bool((hashlib.sha256(json_bytes(item)).digest()[0] + repeat) % 2)


def listed(questions: Sequence[Asked]) -> str:
    """Return questions as a judge reads them: numbered, options by letters, the answer after them."""
    return "\n\n".join(_shown(number, one) for number, one in enumerate(questions, 1))


def _shown(number: int, asked: Asked) -> str:
    options = [f"   {_letter(i)}. {_line(option)}" for i, option in enumerate(asked.options)]
    return "\n".join(
        [f"{number}. {_line(asked.text)}", *options, f"   Answer: {_letter(asked.answer_index)}"]
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _tasks(sets: Sequence[Sets], look: Look, settings: JudgeSettings) -> Iterator[Task]:
    for one in sets:
        for repeat in range(settings.repeats):
            turned = swapped(one.id, repeat)
            yield Task(one.id, PROMPT, repeat, turned, partial(_request, one, turned, look, settings, repeat))


def _request(one: Sets, turned: bool, look: Look, settings: JudgeSettings, repeat: int) -> Request:
    first, second = (one.b, one.a) if turned else (one.a, one.b)
    seen = look(one.id)
    told = prompts.load(PROMPT).render(first=listed(first), second=listed(second), seen=seen is not None)
    return Request(
        parts=shown_before(seen, told.user),
        system=told.system,
        schema=TwoMarks,
        temperature=settings.temperature,
        seed=settings.seed + repeat,
        max_tokens=settings.max_tokens,
        prompt=told.identity,
    )


def shown_before(seen: Frames | None, words: str) -> tuple[Any, ...]:
    """Return the parts of a request: pictures, where there are any, then the words."""
    return (Text(words),) if seen is None else (seen, Text(words))


def _values(ratings: Sequence[Rating], side: str, name: str) -> list[Value]:
    """Return what a set got in a dimension."""
    found = []
    for rating in ratings:
        if isinstance(rating.value, TwoMarks):
            first = (side == "a") != rating.swapped
            marks = (rating.value.first if first else rating.value.second).model_dump()
            number = fmean(marks.values()) if name == OVERALL else marks[name]
            found.append(Value(rating.id, rating.repeat, rating.swapped, number))
    return found


def _gains(a: Sequence[Value], b: Sequence[Value]) -> list[Value]:
    return [one._replace(number=two.number - one.number) for one, two in zip(a, b, strict=True)]


def _clips(
    names: Sequence[str], values: Mapping[tuple[str, str], list[Value]], gains: Mapping[str, list[Value]]
) -> dict[str, dict[str, dict[str, float | None]]]:
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for name in names:
        a, b, gain = by_item(values["a", name]), by_item(values["b", name]), by_item(gains[name])
        spread = spread_of(gains[name])
        for item in a:
            told = {"a": a[item], "b": b[item], "gain": gain[item], "gain_spread": spread[item]}
            found.setdefault(item, {})[name] = told
    return found


def _sure(found: Figure | None) -> Figure:
    assert found is not None, "there are values"
    return found
