"""Questions and captions out of rows: those of the JSON Lines contract (``exporters.jsonl``), or people's own.

A row of captions is ``{"clip_id", "scope", "text", "source", "verdicts"}``, or ``{"id", "candidate", "references"}`` as
``kinescribe score captions`` reads it. Only captions of the whole clip are judged: whom a region's is about, a judge
could not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kinescribe.errors import ParseError
from kinescribe.judges.captions import Candidate
from kinescribe.judges.measured import Statement
from kinescribe.judges.questions import Asked

Row = Mapping[str, Any]
_TEXTS = ("text", "candidate", "caption")
SCENE = "scene"


class Captions(NamedTuple):
    """The captions of a file or run."""

    by_id: dict[str, Candidate]
    others: int
    """Captions that are not judged: of regions, and of a clip that has one already."""


def questions(rows: Iterable[Row], where: str) -> dict[str, tuple[Asked, ...]]:
    """Return questions by clip.

    Args:
        rows: of ``qa.jsonl``.
        where: what to call them in an error.

    Raises:
        ParseError: a row is no question.
    """
    found: dict[str, list[Asked]] = {}
    for number, row in enumerate(rows, 1):
        text, options, answer = row.get("question"), row.get("options"), row.get("answer_index")
        listed = isinstance(options, list) and len(options) > 1 and all(isinstance(o, str) for o in options)
        if not isinstance(text, str) or not text.strip() or not listed:
            raise ParseError(
                f'{where}: question {number} needs a "question" and a list of "options", all texts'
            )
        assert isinstance(options, list)
        if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(options):
            raise ParseError(f'{where}: the "answer_index" of question {number} is no place in its options')
        found.setdefault(_id(row, where, number), []).append(Asked(text, tuple(options), answer))
    return {clip_id: tuple(asked) for clip_id, asked in found.items()}


def captions(rows: Iterable[Row], where: str, source: str = "") -> Captions:
    """Return captions of whole clips, the first one of each.

    Args:
        rows: of captions.
        where: what to call them in an error.
        source: only those of this writer.

    Raises:
        ParseError: a row is no caption, or people's own rows have an id twice.
    """
    found: dict[str, Candidate] = {}
    others = 0
    for number, row in enumerate(rows, 1):
        text = _text(row)
        if text is None or not text.strip():
            raise ParseError(f'{where}: caption {number} has no "text" (or "candidate")')
        item = _id(row, where, number)
        if row.get("scope", SCENE) != SCENE or (source and row.get("source") != source):
            others += 1
        elif item not in found:
            found[item] = Candidate(item, text, _references(row, where), _statements(row))
        elif "clip_id" in row:
            others += 1
        else:
            raise ParseError(f'{where}: two captions have the id "{item}"; give each its own')
    return Captions(found, others)


def references(rows: Iterable[Row], where: str) -> dict[str, tuple[str, ...]]:
    """Return texts that are true of clips, by id; a row may hold several, and an id several rows.

    Raises:
        ParseError: a row holds no text.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(rows, 1):
        if row.get("scope", SCENE) != SCENE:
            continue
        text = _text(row)
        told = _references(row, where) or (() if text is None else (text,))
        if not any(one.strip() for one in told):
            raise ParseError(f'{where}: row {number} has no "reference", "references" or "text"')
        item = _id(row, where, number)
        found[item] = (*found.get(item, ()), *told)
    return found


def _id(row: Row, where: str, number: int) -> str:
    item = row.get("clip_id", row.get("id"))
    if isinstance(item, bool) or not isinstance(item, (str, int)) or not str(item):
        raise ParseError(f'{where}: row {number} has no "clip_id" (or "id")')
    return str(item)


def _text(row: Row) -> str | None:
    found = next((row[name] for name in _TEXTS if name in row), None)
    return found if isinstance(found, str) else None


def _references(row: Row, where: str) -> tuple[str, ...]:
    given = row.get("references", row.get("reference"))
    told = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(told, list) or not all(isinstance(text, str) for text in told):
        raise ParseError(f"{where}: references must be texts")
    return tuple(text for text in told if text.strip())


def _statements(row: Row) -> tuple[Statement, ...] | None:
    told = row.get("verdicts")
    if not isinstance(told, list):
        return None
    return tuple(
        Statement(one["start"], one["end"], one["holds"])
        for one in told
        if isinstance(one, dict)
        and isinstance(one.get("start"), int)
        and isinstance(one.get("end"), int)
        and one.get("holds", 0) in (True, False, None)
    )
