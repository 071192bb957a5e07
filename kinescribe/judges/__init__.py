"""Models that judge texts: each rating is asked for several times, and a failed one is counted, never a score.

A judge reads plain texts and questions, and looks at pictures where it is given some; it reads no record. What it says
is an opinion: beside it stands what was measured (``measured``). Every text comes from somewhere else and is fenced.

- ``questions``: two sets of questions about the same clips, four dimensions of 0 to 10 (FoundationMotion A.4)
- ``captions``: how good a caption is, and what in it is made up (KPM 5.1: GPT-Score, GPT-Hall)
- ``pairs``: the better of two captions (KPM, figure 13)

Two things that stand side by side are shown in both orders, because judges prefer a place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

from kinescribe.errors import VideoError
from kinescribe.llm.client import Client
from kinescribe.llm.messages import FAILED, Answer, Frames, Request, Status

KEY_DIGITS = 16
"""Of a request's key, as in the log of calls."""

Look = Callable[[str], Frames | None]
"""Pictures of the clip of an id; None where there are none to show."""


@dataclass(frozen=True)
class JudgeSettings:
    """How a judge is asked."""

    repeats: int = 3
    """Times each rating is asked for, with a seed of its own; FoundationMotion averages three runs (table 2)."""
    seed: int = 0
    """Of the first time; the next ones follow."""
    temperature: float = 0.0
    max_tokens: int = 4096
    """Of an answer. Some models spend most of it on thinking, and then say nothing."""

    def __post_init__(self) -> None:
        for name in ("repeats", "max_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if not 0 <= self.temperature <= 2:
            raise ValueError("temperature must lie between 0 and 2")


class Mark(NamedTuple):
    """What a request is known by."""

    key: str
    prompt: str
    seed: int


class Task(NamedTuple):
    """One rating to ask for."""

    id: str
    """Of what is judged: a clip or a caption."""
    judge: str
    """Which judge: the name of its prompt."""
    repeat: int
    """From 0."""
    swapped: bool
    """Whether B is shown before A."""
    request: Callable[[], Request]
    """Made when its turn comes, so that not all pictures are in memory; a VideoError fails this task alone."""


@dataclass(frozen=True)
class Rating:
    """What came of one task."""

    id: str
    judge: str
    repeat: int
    swapped: bool
    status: Status
    value: BaseModel | None
    """None unless the status is ``ok``."""
    error: str
    seed: int
    request: str
    """The first digits of the request's key, which the log of calls has, too."""
    prompt: str
    """Name and hash of the prompt file."""
    model: str
    """Identity of the model that was asked."""
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    kept: bool
    """Whether the answer was there already, and nothing was asked."""
    notes: tuple[str, ...] = ()
    """What of the request the endpoint did not take, e.g. its seed: then repeats differ by chance, or not at all."""

    def row(self) -> dict[str, Any]:
        """Return the rating as JSON can hold it."""
        told = vars(self) | {"value": None if self.value is None else self.value.model_dump()}
        return dict(told)


def ask(client: Client, tasks: Sequence[Task]) -> list[Rating]:
    """Return a rating for each task, in their order.

    Raises:
        BackendError: no further call can succeed. What was answered is kept where the client keeps calls.
        StoreError: answers cannot be kept.
    """
    name = str(client.model.identity())
    marks: dict[int, Mark] = {}
    failed: dict[int, Answer] = {}

    def requests() -> Iterator[Request]:
        for number, task in enumerate(tasks):
            try:
                request = task.request()
            except VideoError as error:  # of this clip alone
                failed[number] = Answer(FAILED, error=f"not asked: {error}")
                continue
            marks[number] = Mark(request.key(name)[:KEY_DIGITS], request.prompt, request.seed)
            yield request

    given = client.ask_all(requests())
    answers = {**failed, **dict(zip(marks, given, strict=True))}
    nothing = Mark("", "", 0)
    return [_rating(task, answers[i], marks.get(i, nothing), name) for i, task in enumerate(tasks)]


def counted(ratings: Iterable[Rating]) -> dict[str, int]:
    """Return how many ratings there are of each status."""
    return dict(Counter(rating.status for rating in ratings))


def _rating(task: Task, answer: Answer, mark: Mark, model: str) -> Rating:
    return Rating(
        id=task.id,
        judge=task.judge,
        repeat=task.repeat,
        swapped=task.swapped,
        status=answer.status,
        value=answer.value,
        error=answer.error,
        seed=mark.seed,
        request=mark.key,
        prompt=mark.prompt,
        model=model,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        cost_usd=answer.cost_usd,
        kept=answer.calls > 0 and answer.attempts == 0,
        notes=answer.notes,
    )
