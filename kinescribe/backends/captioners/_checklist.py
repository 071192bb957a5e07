"""Self-bootstrap: what a model said, taken apart, held against the measurements, and asked of it again and again.

What is measured decides; only what is not measured is asked. A statement that a model made up is seldom made up again
in the same way when the question is put in another order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pydantic import BaseModel

from kinescribe.checks import Judgement, Measurements, check
from kinescribe.language import ground, names, parse
from kinescribe.llm.messages import Answer
from kinescribe.records import Claim, Span

DIFFERS, UNCLEAR = "it is something else than these", "it is not visible, or unclear"
"""The ways out that a question offers; of yes and no there is no third."""
YES, NO = "yes, it is so", "no, it is not so"
MOST_POINTS = 40
"""Statements of one description: a sentence a second for the longest stretch that can still be looked at closely."""
MOST_WORDS = 40
"""Of a statement: longer ones are no single thing."""
MOST_LETTERS = 160
"""Of a question or an option."""
MOST_OTHERS = 3
_PRONOUNS = frozenset("it he she they one itself himself herself themselves".split())


class Point(BaseModel):
    """One thing that a description states, and how to ask for it."""

    sentence: int
    statement: str
    question: str
    answer: str
    others: tuple[str, ...]


class Points(BaseModel):
    """A description taken apart."""

    points: tuple[Point, ...]


class Tick(BaseModel):
    """One answer."""

    number: int
    letter: str


class Ticks(BaseModel):
    """The answers to a sheet of questions."""

    answers: tuple[Tick, ...]


class Statement(NamedTuple):
    """One thing that was said, and how to ask whether it is so."""

    text: str
    claims: tuple[Claim, ...]
    question: str
    options: tuple[str, ...]
    """What was said, first, then other contents."""


class Sheet(NamedTuple):
    """Questions in the order and with the options in the places in which they are asked once."""

    text: str
    keys: tuple[str, ...]
    """Per question, the letter of what was said."""


def taken_apart(
    said: Sequence[str], answer: Answer, subject: int, measured: Measurements, span: Span | None
) -> list[Statement]:
    """Return the statements of a description, in its order.

    What the model left out when it took the description apart, or all where it did not, is asked sentence by sentence.

    Args:
        said: the sentences of the description.
        answer: with ``Points``, or without.
        subject: whom the description is about: what pronouns mean.
        measured: names the subjects.
        span: the time that is described; claims that give none are about it.
    """
    points = answer.value.points if answer.ok and isinstance(answer.value, Points) else ()
    by_sentence: dict[int, list[Statement]] = {i: [] for i in range(len(said))}
    for point in points[:MOST_POINTS]:
        text = _line(point.statement)
        if not 1 <= point.sentence <= len(said) or not 1 < len(text.split()) <= MOST_WORDS:
            continue
        text = text if text[-1] in ".!?" else f"{text}."
        claims = _claims(text, subject, measured, span)
        question, options = _asked(point, text)
        by_sentence[point.sentence - 1].append(Statement(text, claims, question, options))
    found: list[Statement] = []
    for i, sentence in enumerate(said):
        found += by_sentence[i] or [_whole(sentence, _claims(sentence, subject, measured, span))]
    once: dict[str, Statement] = {}
    for statement in found:
        once.setdefault(statement.text.casefold(), statement)
    return list(once.values())


def judged(statement: Statement, measured: Measurements) -> Judgement:
    """Return what the measurements say of a statement: false if a part of it is, true if all that was read of it is."""
    found = [check(claim, measured) for claim in statement.claims]
    for wanted in (False, None):
        for one in found:
            if one.holds is wanted:
                return one
    return found[0] if found else Judgement(None, "nothing of it is measured")


def dated(statement: Statement, span: Span, measured: Measurements) -> str:
    """Return a statement of a stretch of time in words that are true of the whole clip, too.

    Who rests in one event and moves in the next does not rest: the time is added where it is needed.
    """
    timeless = [_timed(claim, None, span) for claim in statement.claims]
    if not any(check(claim, measured).holds is False for claim in timeless):
        return statement.text
    bare = statement.text.rstrip(".!? ")
    return f"{bare} from {span.start_s:.1f} s to {span.end_s:.1f} s."


def sheet(statements: Sequence[Statement], seed: str) -> Sheet:
    """Return the questions about statements, shuffled by a seed."""
    lines, keys = [], []
    for number, statement in enumerate(statements, 1):
        options = [*statement.options, *(() if statement.options == (YES, NO) else (DIFFERS,)), UNCLEAR]
        random.Random(f"{seed}/{number}/{statement.text}").shuffle(options)
        keys.append(_letter(options.index(statement.options[0])))
        lines.append(f"{number}. {statement.question}")
        lines += [f"   {_letter(i)}. {option}" for i, option in enumerate(options)]
    return Sheet("\n".join(lines), tuple(keys))


def agreeing(sheets: Sequence[Sheet], answers: Sequence[Answer]) -> list[int]:
    """Return how often each statement was said again: for no answer, or one that is not on the sheet, it was not."""
    agreed = [0] * len(sheets[0].keys)
    for asked, answer in zip(sheets, answers, strict=True):
        ticks = answer.value.answers if answer.ok and isinstance(answer.value, Ticks) else ()
        first: dict[int, str] = {}
        for tick in ticks:
            first.setdefault(tick.number, tick.letter.strip().rstrip(".):").upper())
        for i, key in enumerate(asked.keys):
            agreed[i] += first.get(i + 1) == key
    return agreed


def _claims(text: str, subject: int, measured: Measurements, span: Span | None) -> tuple[Claim, ...]:
    """Return what a text about one subject asserts of a time."""
    tracks = measured.tracks
    found = ground(parse(text), tracks, names(tracks))
    return tuple(_timed(_meant(claim, subject), span, None) for claim in found)


def _meant(claim: Claim, subject: int) -> Claim:
    """Return a claim of which a pronoun, or nobody, is the agent as one of the subject."""
    action = claim.action
    unsaid = action.agent is None and action.patient is None and action.part is None
    own = claim.subject is None and (unsaid or (action.agent or "").lower() in _PRONOUNS)
    return replace(claim, subject=subject) if own else claim


def _timed(claim: Claim, span: Span | None, instead_of: Span | None) -> Claim:
    """Return a claim with a span in the place of another one; a time that the words give stays."""
    if claim.action.span != instead_of:
        return claim
    return replace(claim, action=replace(claim.action, span=span))


def _whole(sentence: str, claims: tuple[Claim, ...]) -> Statement:
    """Return a sentence as one statement, asked for as it stands."""
    return Statement(sentence, claims, f'Is this so: "{_line(sentence)[:MOST_LETTERS]}"?', (YES, NO))


def _asked(point: Point, text: str) -> tuple[str, tuple[str, ...]]:
    """Return a question and its contents; where the model's are of no use, the statement itself is asked."""
    question, answer = _line(point.question), _line(point.answer)
    options = {_bare(answer): answer}
    for other in point.others[:MOST_OTHERS]:
        options.setdefault(_bare(other), _line(other))
    ways_out = {_bare(DIFFERS), _bare(UNCLEAR), ""}
    kept = tuple(option for bare, option in options.items() if bare not in ways_out)
    usable = len(kept) > 1 and kept[0] == answer and max(map(len, (question, *kept))) <= MOST_LETTERS
    return (question, kept) if usable and question else _whole(text, ())[2:]


def _line(text: str) -> str:
    return " ".join(text.split())


def _bare(text: str) -> str:
    return _line(text).casefold().rstrip(".")


def _letter(index: int) -> str:
    return chr(ord("A") + index)
