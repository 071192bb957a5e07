"""Video alone against video with tracks: the same model writes about each clip twice (FoundationMotion, table 2).

What was measured is computed once and serves both. Texts and questions are kept as the model writes them, neither
checked nor mended, so that the measurements help in one of the two cases only; the verdicts on the texts stand beside
them. They are for comparison, and no data to train on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from kinescribe import plugins, prompts
from kinescribe.backends import Scene
from kinescribe.checks import check_all, claims_of, refuted
from kinescribe.judges import JudgeSettings, Rating, Task, ask
from kinescribe.judges.measured import Statement
from kinescribe.judges.questions import Asked
from kinescribe.language import names
from kinescribe.language.render import sentence
from kinescribe.llm.client import Client
from kinescribe.llm.messages import OK, Answer, Request, Text
from kinescribe.llm.structure import FourDistinct
from kinescribe.records import Facts

WRITER = "foundationmotion"
PROMPT = "judge_inputs_questions"
INPUTS: Mapping[str, Mapping[str, bool]] = {
    "video_only": {"boxes": False, "facts": False},
    "with_tracks": {"boxes": True, "facts": True},
}
"""Settings of the writer, by what it is shown."""
NUM_QUESTIONS = 6
"""A clip; FoundationMotion has about six."""
MOST_QUESTIONS = 20

ScenesById = Callable[[str], Scene]


class OneQuestion(BaseModel):
    """A question whose first option is right."""

    question: Annotated[str, Field(min_length=1, max_length=500)]
    options: FourDistinct


class AllQuestions(BaseModel):
    """What is asked for."""

    questions: Annotated[tuple[OneQuestion, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]


class Written(NamedTuple):
    """What a model wrote about a clip."""

    text: str
    statements: tuple[Statement, ...]
    """What was measured of it."""
    questions: tuple[Asked, ...]
    """Made of the text alone; none where the model gave none."""


class Writings(NamedTuple):
    """What a model wrote about clips."""

    by_input: Mapping[str, Mapping[str, Written]]
    """By key of ``INPUTS``, then by clip; a clip of which the model gave no text is not there."""
    ratings: tuple[Rating, ...]
    """What came of each request."""


def write(
    client: Client, clip_ids: Sequence[str], scene: ScenesById, number: int, settings: JudgeSettings
) -> Writings:
    """Let a model describe clips and ask about them, once for each kind of input.

    Args:
        client: asks it.
        clip_ids: which clips.
        scene: what was measured of a clip, and its frames.
        number: questions to a clip.
        settings: seed, temperature and length of answers.

    Raises: as ``judges.ask``.
    """
    known = _Sayable(scene)
    writers = {name: _writer(options, settings) for name, options in INPUTS.items()}
    told = ask(
        client,
        [
            Task(clip_id, name, 0, False, partial(_described, known, clip_id, writer))
            for clip_id in clip_ids
            for name, writer in writers.items()
        ],
    )
    texts = {
        (one.judge, one.id): writers[one.judge].text(Answer(OK, value=one.value), known(one.id))
        for one in told
        if one.value is not None
    }
    texts = {key: text for key, text in texts.items() if text}
    asked = ask(
        client,
        [
            Task(clip_id, name, 0, False, partial(_asked, text, number, settings))
            for (name, clip_id), text in texts.items()
        ],
    )
    questions = {(one.judge, one.id): _questions(one) for one in asked}
    found: dict[str, dict[str, Written]] = {name: {} for name in INPUTS}
    for (name, clip_id), text in texts.items():
        found[name][clip_id] = Written(text, _statements(text, known(clip_id)), questions[name, clip_id])
    return Writings(found, (*told, *asked))


def rows(written: Mapping[str, Written]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return captions and questions as the JSON Lines contract has them."""
    captions = [
        {
            "clip_id": clip_id,
            "scope": "scene",
            "subject": None,
            "text": one.text,
            "source": WRITER,
            "verdicts": [
                {
                    "claim": one.text[s.start : s.end],
                    "start": s.start,
                    "end": s.end,
                    "holds": s.holds,
                    "why": s.why,
                }
                for s in one.statements
            ],
            "edits": [],
        }
        for clip_id, one in written.items()
    ]
    questions = [
        {
            "clip_id": clip_id,
            "category": None,
            "question": asked.text,
            "options": list(asked.options),
            "answer_index": asked.answer_index,
            "subject": None,
            "fact_id": None,
            "provenance": "written by a model from its own caption; not checked",
            "template": "",
            "t_start": None,
            "t_end": None,
            "roles": [],
        }
        for clip_id, one in written.items()
        for asked in one.questions
    ]
    return captions, questions


class _Sayable:
    """Scenes without the facts that the judge refutes; the last one is kept, as both inputs are asked in turn."""

    def __init__(self, scene: ScenesById) -> None:
        self._scene = scene
        self._last: tuple[str, Scene] | None = None

    def __call__(self, clip_id: str) -> Scene:
        if self._last is None or self._last[0] != clip_id:
            self._last = clip_id, _sayable(self._scene(clip_id))
        return self._last[1]


def _sayable(scene: Scene) -> Scene:
    called = names(scene.tracks)
    kept = tuple(
        fact
        for fact in scene.facts.facts
        if not refuted(
            sentence(fact, called[fact.subject], None if fact.object is None else called[fact.object]),
            scene.measured,
        )
    )
    return replace(scene, facts=Facts(kept))


def _writer(options: Mapping[str, bool], settings: JudgeSettings) -> Any:
    own = {"seed": settings.seed, "temperature": settings.temperature, "max_tokens": settings.max_tokens}
    return plugins.load("captioners", WRITER)(**options, **own)


def _described(scenes: _Sayable, clip_id: str, writer: Any) -> Request:
    request: Request = writer.request(scenes(clip_id))
    return request


def _asked(text: str, number: int, settings: JudgeSettings) -> Request:
    told = prompts.load(PROMPT).render(caption=text, number=number)
    return Request(
        parts=(Text(told.user),),
        system=told.system,
        schema=AllQuestions,
        temperature=settings.temperature,
        seed=settings.seed,
        max_tokens=settings.max_tokens,
        prompt=told.identity,
    )


def _questions(rating: Rating) -> tuple[Asked, ...]:
    """Return the questions of an answer, with the right option where a lot puts it."""
    if not isinstance(rating.value, AllQuestions):
        return ()
    return tuple(_placed(one, f"{rating.seed}:{rating.id}") for one in rating.value.questions)


def _placed(one: OneQuestion, lot: str) -> Asked:
    drawn = hashlib.sha256(f"{lot}:{one.question}".encode()).digest()[0] % len(one.options)
    right, *others = one.options
    return Asked(one.question, (*others[:drawn], right, *others[drawn:]), drawn)


def _statements(text: str, scene: Scene) -> tuple[Statement, ...]:
    claims = claims_of(text, scene.tracks)
    judged = check_all(claims, scene.measured)
    return tuple(
        Statement(claim.action.start, claim.action.end, one.holds, one.why)
        for claim, one in zip(claims, judged, strict=True)
    )
