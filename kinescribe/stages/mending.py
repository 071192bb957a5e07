"""A text that a model writes: asked for, held against what was measured, sent back with the reasons, and cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from kinescribe import prompts
from kinescribe.backends import Ask, Told
from kinescribe.checks import Objection
from kinescribe.llm.messages import Answer, Request, Turn

PROMPT = "caption_repair"


class Mended(NamedTuple):
    """What came of asking."""

    text: str
    """Empty where there is nothing that may be said."""
    edits: tuple[str, ...]
    """What was done to what the model wrote first, in order; or why there is no text."""


def mend(told: Told, ask: Ask, objections: Callable[[str], Sequence[Objection]], rounds: int) -> Mended:
    """Return a writer's text without anything that there are objections to.

    Args:
        told: what the model answered.
        ask: asks it again.
        objections: what is false in a text.
        rounds: times that objections go back to the model; what is false after them is cut.

    Raises:
        BackendError: there was no answer at all (``failed``), or no call can succeed. Asking again may help, so that
            nothing is written in its place.
    """
    request, answer = told.request, told.answer.came()
    if not answer.ok:
        return Mended("", (*told.notes, answer.problem))
    text, edits = told.words(answer), [*told.notes]
    for number in range(1, rounds + 1):
        wrong = objections(text)
        if not wrong:
            break
        request = _again(request, answer, text, wrong)
        (mended,) = ask([request])
        mended.came()
        edits.append(f"round {number}: {len(wrong)} contradicted claims sent back")
        if not mended.ok:
            edits.append(mended.problem)
            break
        answer, text = mended, told.words(mended)
    text, gone = cut(text, objections)
    return Mended(text, (*edits, *gone, *(() if text else ("nothing was left",))))


def cut(text: str, objections: Callable[[str], Sequence[Objection]]) -> tuple[str, list[str]]:
    """Return a text without the sentences that there are objections to, and what was cut and why.

    What is left is read anew: a pronoun may mean somebody else after the sentence before it has gone.
    """
    gone: list[str] = []
    while wrong := objections(text):
        why = {(one.start, one.end): one.why for one in reversed(wrong)}
        for (start, end), reason in sorted(why.items()):
            gone.append(f'cut "{text[start:end].strip()}": {reason}')
        for start, end in sorted(why, reverse=True):
            text = f"{text[:start].rstrip()} {text[end:].lstrip()}".strip()
    return text, gone


def identity() -> str:
    """Name the prompt."""
    return prompts.load(PROMPT).identity


def _again(request: Request, answer: Answer, text: str, wrong: Sequence[Objection]) -> Request:
    """Return the request with what is wrong with its answer."""
    lines = "\n".join(f"{' '.join(text[one.start : one.end].split())} -> {one.why}" for one in wrong)
    told = prompts.load(PROMPT).render(wrong=len(wrong), objections=lines)
    turns = (*request.turns, Turn(answer.text, told.user))
    return replace(request, turns=turns, prompt=told.identity)
