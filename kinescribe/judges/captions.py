"""How good captions are, and what in them is made up (KPM 5.1: GPT-Score, GPT-Accuracy and GPT-Hall).

KPM's prompts are pictures in its paper; these are our own, and their scale is ours. A made-up statement counts only
where the judge quotes it and the quote stands in the caption: one that does not is sent back, and then unusable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from kinescribe import prompts
from kinescribe.judges import JudgeSettings, Look, Rating, Task, ask, counted
from kinescribe.judges.figures import Figure, Value, by_item, figure, spread_of
from kinescribe.judges.measured import Statement, Verdicts, verdict_at
from kinescribe.judges.questions import OVERALL, Points, Reason, shown_before
from kinescribe.llm.client import Client
from kinescribe.llm.messages import Request

SCORE, HALLUCINATIONS = "judge_caption", "judge_hallucinations"
"""The two prompts."""
SCORES = ("correctness", "alignment", "unfolding")
"""KPM's: whether it is right, fits the video's content, and unfolds the process of a motion."""
MOST_FOUND = 50
"""Statements in one caption; a longer list is a flood."""
_QUOTES = "\"'“”‘’«»`…. ,;:!?"


class Candidate(NamedTuple):
    """A caption to judge."""

    id: str
    """Of the clip, where pictures are to be shown."""
    text: str
    references: tuple[str, ...] = ()
    """Texts that are true of the clip."""
    statements: tuple[Statement, ...] | None = None
    """What was measured of it; None where nothing was."""


class CaptionMarks(BaseModel):
    """What is asked for: how good it is."""

    reason: Reason
    correctness: Points
    alignment: Points
    unfolding: Points


class MadeUp(BaseModel):
    """A statement that is held to be false."""

    quote: Annotated[str, Field(min_length=1, max_length=1000)]
    reason: Reason


class AllMadeUp(BaseModel):
    """What is asked for: all of them."""

    found: Annotated[tuple[MadeUp, ...], Field(max_length=MOST_FOUND)]


class Place(NamedTuple):
    """Where in a caption something stands: characters."""

    start: int
    end: int


@dataclass(frozen=True)
class JudgedCaptions:
    """What a judge says of captions."""

    scores: Mapping[str, Figure]
    """By name, ``overall`` (their mean) included; 0 to 10. Empty if there is no rating."""
    hallucinations: Figure | None
    """Per caption; lower is better."""
    free_of_them: float | None
    """Share of the captions in which no repeat found any."""
    by_verdict: Mapping[str, int]
    """Quoted statements, of all repeats, by what was measured of the words (``holds``, ``contradicted``, ``unknown``)
    or ``not measured``: a quote of what holds is a judge's error, or a measurement's."""
    captions: Mapping[str, Mapping[str, float | None]]
    """By caption: each score and the number of hallucinations, with their spread from repeat to repeat."""
    places: Mapping[str, tuple[tuple[int, Place, str], ...]]
    """By caption: repeat, place and reason of each made-up statement."""
    statuses: Mapping[str, Mapping[str, int]]
    """By prompt: ratings by status."""
    unrated: tuple[str, ...]
    """Captions without any rating of one kind or the other."""
    ratings: tuple[Rating, ...]


def judge(
    client: Client, candidates: Sequence[Candidate], look: Look, settings: JudgeSettings
) -> JudgedCaptions:
    """Return what a model thinks of captions.

    Args:
        client: asks it.
        candidates: with ids of their own.
        look: pictures of a clip; a candidate needs these or references.
        settings: how often, and how.

    Raises: as ``judges.ask``.
    """
    texts = {one.id: one for one in candidates}
    ratings = ask(client, list(_tasks(candidates, look, settings)))
    values = {name: _values(ratings, name) for name in (*SCORES, OVERALL, HALLUCINATIONS)}
    places = _places(ratings, texts)
    counts = by_item(values[HALLUCINATIONS])
    rated = [
        {r.id for r in ratings if r.judge == name and r.value is not None} for name in (SCORE, HALLUCINATIONS)
    ]
    return JudgedCaptions(
        scores={n: f for n in (*SCORES, OVERALL) if (f := figure(values[n])) is not None},
        hallucinations=figure(values[HALLUCINATIONS]),
        free_of_them=fmean(number == 0 for number in counts.values()) if counts else None,
        by_verdict=_by_verdict(places, texts),
        captions=_by_caption(values),
        places=places,
        statuses={n: counted(r for r in ratings if r.judge == n) for n in (SCORE, HALLUCINATIONS)},
        unrated=tuple(item for item in texts if not all(item in found for found in rated)),
        ratings=tuple(ratings),
    )


def find(quotes: Sequence[str], text: str) -> list[Place]:
    """Return where quotes stand in a text, whatever their case, spaces and outer punctuation.

    A quote that stands there more than once is, each time it is given, the next one that is not taken yet.

    Raises:
        ValueError: one is not there, or not as often; in words for whoever quoted.
    """
    places: list[Place] = []
    for quote in quotes:
        words = quote.strip(_QUOTES).split()
        pattern = r"\s+".join(map(re.escape, words))
        free = (Place(*m.span()) for m in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE))
        place = next((p for p in free if not any(p.start < q.end and q.start < p.end for q in places)), None)
        if not words or place is None:
            overlaps = bool(words) and re.search(pattern, text, re.IGNORECASE) is not None
            why = "overlaps another quote" if overlaps else "does not stand in the description"
            raise ValueError(
                f'the quote "{quote[:200]}" {why}; copy it letter for letter, each statement once'
            )
        places.append(place)
    return places


def _problem(text: str, value: BaseModel) -> str:
    """Return why an answer cannot be used: a quote that is none."""
    if isinstance(value, AllMadeUp):
        try:
            find([one.quote for one in value.found], text)
        except ValueError as error:
            return str(error)
    return ""


def _tasks(candidates: Sequence[Candidate], look: Look, settings: JudgeSettings) -> Iterator[Task]:
    for one in candidates:
        for repeat in range(settings.repeats):
            for name, schema in ((SCORE, CaptionMarks), (HALLUCINATIONS, AllMadeUp)):
                request = partial(_request, one, name, schema, look, settings, repeat)
                yield Task(one.id, name, repeat, False, request)


def _request(
    one: Candidate, name: str, schema: type[BaseModel], look: Look, settings: JudgeSettings, repeat: int
) -> Request:
    seen = look(one.id)
    told = prompts.load(name).render(
        caption=one.text, references="\n\n".join(one.references), seen=seen is not None
    )
    return Request(
        parts=shown_before(seen, told.user),
        system=told.system,
        schema=schema,
        temperature=settings.temperature,
        seed=settings.seed + repeat,
        max_tokens=settings.max_tokens,
        prompt=told.identity,
        check=partial(_problem, one.text),
    )


def _values(ratings: Sequence[Rating], name: str) -> list[Value]:
    return [
        Value(rating.id, rating.repeat, False, number)
        for rating in ratings
        if (number := _number(rating.value, name)) is not None
    ]


def _number(value: BaseModel | None, name: str) -> float | None:
    """Return what an answer says under a name; None where it is an answer to something else."""
    if isinstance(value, AllMadeUp):
        return float(len(value.found)) if name == HALLUCINATIONS else None
    if not isinstance(value, CaptionMarks) or name == HALLUCINATIONS:
        return None
    marks = {score: float(getattr(value, score)) for score in SCORES}
    return fmean(marks.values()) if name == OVERALL else marks[name]


def _places(
    ratings: Sequence[Rating], texts: Mapping[str, Candidate]
) -> dict[str, tuple[tuple[int, Place, str], ...]]:
    found: dict[str, tuple[tuple[int, Place, str], ...]] = {}
    for rating in ratings:
        if isinstance(rating.value, AllMadeUp):
            quoted = rating.value.found
            where = find([one.quote for one in quoted], texts[rating.id].text)
            told = ((rating.repeat, place, one.reason) for place, one in zip(where, quoted, strict=True))
            found[rating.id] = (*found.get(rating.id, ()), *told)
    return found


def _by_verdict(
    places: Mapping[str, tuple[tuple[int, Place, str], ...]], texts: Mapping[str, Candidate]
) -> dict[str, int]:
    found: dict[str, int] = dict.fromkeys((*Verdicts._fields, "not measured"), 0)
    for item, told in places.items():
        statements = texts[item].statements
        if statements is None:
            continue
        for _, place, _ in told:
            found[verdict_at(statements, place.start, place.end) or "not measured"] += 1
    return found if any(one.statements is not None for one in texts.values()) else {}


def _by_caption(values: Mapping[str, list[Value]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, own in values.items():
        called = "hallucinations" if name == HALLUCINATIONS else name
        means, spread = by_item(own), spread_of(own)
        for item, mean in means.items():
            found.setdefault(item, {}).update({called: mean, f"{called}_spread": spread[item]})
    return found
