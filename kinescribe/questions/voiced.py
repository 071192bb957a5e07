"""Questions that measurements cannot answer: a model proposes them, and they are kept only if it stands by the answer.

1. It proposes one question on a topic, with one right and three wrong options (``prompts/qa_propose.md``).
2. What the parser can tie to a measurement is checked: an answer that is contradicted, or a wrong option that is
   confirmed, ends it; so do two options that say the same.
3. It is asked again, with the video, several times, with the options in another order and another seed each time; it
   may say that the video does not show it. Only if every answer is the proposed one is the question kept, and its
   provenance says whose it is, and never that anything was measured.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, model_validator

from kinescribe import prompts
from kinescribe.checks import check
from kinescribe.inputs import Inputs
from kinescribe.language.grounding import ground
from kinescribe.language.mope import parse
from kinescribe.language.synonyms import same_verb
from kinescribe.llm.messages import Answer, Part, Request, Text
from kinescribe.llm.structure import said_once
from kinescribe.prompts import Own
from kinescribe.questions.kpm import TEMPLATES, Template
from kinescribe.questions.options import NUM_OPTIONS
from kinescribe.questions.scene import Scene
from kinescribe.questions.statements import capital
from kinescribe.records import Action, Question

PROPOSE, ANSWER = "qa_propose", "qa_answer"
LETTERS = "ABCD"
UNSHOWN = "none"
"""What a model says instead of a letter where the video does not show it."""
MOST_WORDS = 40
"""Of a question or an option: more is no option but a description."""
MOST_TOKENS = 512
LONGEST = 2.5
"""The longest option has at most so many times the words of the shortest: else its length gives it away."""
Ask = Callable[[Iterable[Request]], Sequence[Answer]]


def _line(text: str) -> str:
    """Return a text in one line without markup; ValueError if it is a flood, or empty."""
    plain = " ".join(text.replace("<", " ").replace(">", " ").split()).strip("`*# ")
    if not plain:
        raise ValueError("must not be empty")
    if len(plain.split()) > MOST_WORDS:
        raise ValueError(f"give at most {MOST_WORDS} words")
    return plain


Line = Annotated[str, AfterValidator(_line)]


class Proposal(BaseModel):
    """What a model is asked to propose."""

    shown: bool
    """Whether the video shows anything of the topic."""
    question: str
    right: str
    wrong: tuple[str, ...]

    @model_validator(mode="after")
    def _whole(self) -> Proposal:
        if not self.shown:
            return self
        for text in (self.question, self.right, *self.wrong):
            _line(text)
        if len(self.wrong) != NUM_OPTIONS - 1:
            raise ValueError(f"give exactly {NUM_OPTIONS - 1} wrong options")
        said_once((self.right, *self.wrong))
        words = [len(text.split()) for text in (self.right, *self.wrong)]
        if max(words) > LONGEST * min(words) + 2:
            raise ValueError("the options must be about equally long")
        return self


class Choice(BaseModel):
    """Which option is right, by its letter."""

    answer: Literal["A", "B", "C", "D", "none"]


@dataclass(frozen=True)
class Voice:
    """How a model is asked about a clip."""

    ask: Ask
    """Answers requests in their order (``llm.client.Client.ask_all``)."""
    name: str
    """Of the model, for the provenance."""
    inputs: Inputs
    """What it is shown."""
    rounds: int = 3
    """Times that a question is asked again; all must agree."""
    seed: int = 0


def topics() -> list[Template]:
    """Return the templates that no measurement answers."""
    return [template for template in TEMPLATES if not template.measured]


def voiced(scene: Scene, voice: Voice, wanted: Sequence[Template], dropped: Counter[str]) -> list[Question]:
    """Return a model's questions on some topics, those that it stands by.

    Args:
        scene: the clip.
        voice: the model.
        wanted: topics.
        dropped: counts what was not kept, by why.
    """
    answers = voice.ask([_proposal(voice, template) for template in wanted])
    made: list[Question] = []
    for template, answer in zip(wanted, answers, strict=True):
        if not answer.ok:
            dropped[f"model: {answer.status}"] += 1
            continue
        proposal = answer.value_of(Proposal)
        if not proposal.shown:
            dropped["model: not shown"] += 1
            continue
        objection = objection_to(proposal, scene)
        if objection:
            dropped[f"model: {objection}"] += 1
            continue
        one = _question(template, proposal, scene.seed)
        if any(_words(one) == _words(other) for other in made):
            dropped["model: asked already"] += 1
            continue
        made.append(one)
    votes = voice.ask([_vote(voice, question, number) for question in made for number in range(voice.rounds)])
    kept: list[Question] = []
    for place, question in enumerate(made):
        own = votes[place * voice.rounds : (place + 1) * voice.rounds]
        chosen = [_chosen(vote, question, voice, number) for number, vote in enumerate(own)]
        if all(choice == question.answer_index for choice in chosen):
            agreed = f"{len(chosen)} of {len(chosen)}"
            told = f"a model's ({voice.name}), agreed {agreed} with the video; not measured"
            kept.append(_with(question, told))
        else:
            dropped["model: did not stand by it"] += 1
    return kept


def _words(question: Question) -> tuple[str, ...]:
    return tuple(text.casefold() for text in (question.text, *sorted(question.options)))


def _with(question: Question, provenance: str) -> Question:
    return Question(
        question.category, question.text, question.options, question.answer_index, None, None, provenance,
        question.template,
    )  # fmt: skip


def _question(template: Template, proposal: Proposal, seed: str) -> Question:
    texts = [capital(_line(text)) for text in (proposal.right, *proposal.wrong)]
    order = list(range(NUM_OPTIONS))
    random.Random(f"{seed}:kpm.{template.name}").shuffle(order)
    options = tuple(texts[i] for i in order)
    text = capital(_line(proposal.question))
    name = f"kpm.{template.name}"
    return Question(template.group, text, options, order.index(0), None, None, "a model's", name)


# --- what is asked ---


def _proposal(voice: Voice, template: Template) -> Request:
    told = prompts.load(PROPOSE).render(
        times=voice.inputs.times,
        topic=Own(template.asks),
        motion=voice.inputs.motion,
        facts=voice.inputs.facts,
    )
    return _request(told, (voice.inputs.frames, Text(told.user)), Proposal, voice.seed)


def _vote(voice: Voice, question: Question, number: int) -> Request:
    told = prompts.load(ANSWER).render(
        times=voice.inputs.times,
        question=question.text,
        options=lettered(question, voice.seed, number),
        unshown=Own(UNSHOWN),
    )
    seed = voice.seed + number + 1
    return _request(told, (voice.inputs.frames, Text(told.user)), Choice, seed, 0.0 if number == 0 else 0.7)


def _request(
    told: prompts.Rendered,
    parts: tuple[Part, ...],
    schema: type[BaseModel],
    seed: int,
    temperature: float = 0.0,
) -> Request:
    return Request(parts, told.system, schema, temperature, seed, MOST_TOKENS, told.identity)


def order_of(question: Question, seed: int, number: int) -> list[int]:
    """Return the order in which a question's options are shown in a round: another one each time."""
    order = list(range(len(question.options)))
    random.Random(f"{seed}:{question.text}").shuffle(order)
    turn = number % len(order)
    return order[turn:] + order[:turn]


def lettered(question: Question, seed: int, number: int) -> str:
    """Return a question's options as lines with letters, in the order of a round."""
    order = order_of(question, seed, number)
    return "\n".join(f"{letter}. {question.options[i]}" for letter, i in zip(LETTERS, order, strict=True))


def index_of(letter: str, question: Question, seed: int, number: int) -> int | None:
    """Return the option that a letter meant in a round."""
    return order_of(question, seed, number)[LETTERS.index(letter)] if letter in LETTERS else None


def _chosen(vote: Answer, question: Question, voice: Voice, number: int) -> int | None:
    if not vote.ok:
        return None
    return index_of(vote.value_of(Choice).answer, question, voice.seed, number)


# --- what can be checked ---


def objection_to(proposal: Proposal, scene: Scene) -> str:
    """Return why a proposal cannot be kept, as far as words and measurements tell; empty if they do not."""
    texts = [_line(text) for text in (proposal.right, *proposal.wrong)]
    asserted = [parse(text if text.endswith(".") else f"{text}.") for text in texts]
    for place, one in enumerate(asserted):
        if any(alike(one, two) for two in asserted[:place]):
            return "two options say the same"
    called = scene.names
    for place, actions in enumerate(asserted):
        claims = ground(actions, scene.measured.tracks, called)
        held = [check(claim, scene.measured).holds for claim in claims if claim.subject is not None]
        if place == 0 and False in held:
            return "answer contradicted"
        if place > 0 and held and all(held):
            return "distractor confirmed"
    return ""


def alike(one: Sequence[Action], two: Sequence[Action]) -> bool:
    """Whether two texts assert the same motions, in other words perhaps; nothing asserted is not the same."""
    if not one or len(one) != len(two):
        return False
    return all(
        same_verb(a.predicate, b.predicate)
        and (a.agent, a.patient, a.direction, a.part, a.count, a.negated)
        == (b.agent, b.patient, b.direction, b.part, b.count, b.negated)
        for a, b in zip(one, two, strict=True)
    )


def identity() -> str:
    """Name the prompts: others get other answers."""
    return " ".join(prompts.load(name).identity for name in (PROPOSE, ANSWER))


__all__ = [
    "Ask",
    "Choice",
    "Proposal",
    "Template",
    "Voice",
    "identity",
    "index_of",
    "lettered",
    "objection_to",
    "topics",
    "voiced",
]
