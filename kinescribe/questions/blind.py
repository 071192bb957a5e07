"""The blind filter: what a model answers without the video says nothing about whether the video was seen.

Each question is asked without any picture, several times, its options in another order each time, so that each stands
once in every place as far as the rounds go. A question is dropped if every round is right: by luck alone that happens
to one of 4^rounds. A round without a usable answer counts as not right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kinescribe import prompts
from kinescribe.llm.messages import Request, Text
from kinescribe.questions.voiced import MOST_TOKENS, Ask, Choice, index_of, lettered
from kinescribe.records import Question

PROMPT = "qa_blind"
MIN_ROUNDS = 3
"""Fewer are passed by luck too often: two by one question of 16."""
ANSWERED = "answered without the video"
UNASKED = "blind: no usable answer"


def unguessed(
    questions: Sequence[Question], ask: Ask, rounds: int, seed: int, dropped: Counter[str]
) -> list[Question]:
    """Return the questions that a model does not answer without the video.

    Only what was right so far is asked again.

    Args:
        questions: of one clip.
        ask: answers requests in their order.
        rounds: at least ``MIN_ROUNDS``.
        seed: of the orders in which options are shown.
        dropped: counts what is dropped, and what could not be asked and is kept.
    """
    if rounds < MIN_ROUNDS:
        raise ValueError(f"at least {MIN_ROUNDS} rounds: fewer are passed by luck")
    guessed = list(range(len(questions)))
    for number in range(rounds):
        answers = ask([_request(questions[place], seed, number) for place in guessed])
        right = []
        for place, answer in zip(guessed, answers, strict=True):
            if not answer.ok:
                dropped[UNASKED] += 1
                continue
            choice = index_of(answer.value_of(Choice).answer, questions[place], seed, number)
            if choice == questions[place].answer_index:
                right.append(place)
        guessed = right
    dropped[ANSWERED] += len(guessed)
    return [question for place, question in enumerate(questions) if place not in set(guessed)]


def _request(question: Question, seed: int, number: int) -> Request:
    told = prompts.load(PROMPT).render(question=question.text, options=lettered(question, seed, number))
    return Request((Text(told.user),), told.system, Choice, 0.0, seed + number, MOST_TOKENS, told.identity)


def identity() -> str:
    """Name the prompt."""
    return prompts.load(PROMPT).identity


__all__ = ["ANSWERED", "MIN_ROUNDS", "UNASKED", "identity", "unguessed"]
