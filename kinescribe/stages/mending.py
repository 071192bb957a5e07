"""A text that a model writes: asked for, held against what was measured, sent back with the reasons, and cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from kinescribe import prompts
from kinescribe.llm.messages import Answer, Request, Turn

PROMPT = "caption_repair"
SHOWN_WHY = 300
"""Characters of an answer's error that are kept."""

Ask = Callable[[Request], Answer]


class Objection(NamedTuple):
    """A sentence that asserts something false, by its place in the text, and why it is false."""

    start: int
    end: int
    why: str


class Mended(NamedTuple):
    """What came of asking."""

    text: str
    """Empty where there is nothing that may be said."""
    edits: tuple[str, ...]
    """What was done to what the model wrote first, in order; or why there is no text."""


def write(
    request: Request,
    ask: Ask,
    words: Callable[[Answer], str],
    objections: Callable[[str], Sequence[Objection]],
    rounds: int,
) -> Mended:
    """Return a text without anything that there are objections to.

    Args:
        request: what is asked.
        ask: asks it (``llm.client.Client.ask``).
        words: the text of an answer that is ``ok``.
        objections: what is false in a text.
        rounds: times that objections go back to the model; what is false after them is cut.

    Raises:
        BackendError: no call can succeed.
    """
    answer = ask(request)
    if not answer.ok:
        return Mended("", (_gave(answer),))
    text, edits = words(answer), []
    for number in range(1, rounds + 1):
        wrong = objections(text)
        if not wrong:
            break
        request = _again(request, answer, text, wrong)
        mended = ask(request)
        edits.append(f"round {number}: {len(wrong)} contradicted claims sent back")
        if not mended.ok:
            edits.append(_gave(mended))
            break
        answer, text = mended, words(mended)
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


def _gave(answer: Answer) -> str:
    return f"the model's answer was {answer.status}: {' '.join(answer.error.split())[:SHOWN_WHY]}"
