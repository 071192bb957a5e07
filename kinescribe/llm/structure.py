"""JSON out of what a model wrote: found among prose and fences, parsed, never evaluated, and validated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field, RootModel, ValidationError

M = TypeVar("M", bound=BaseModel)

_CONSTANT = re.compile("NaN|Infinity")  # which pydantic takes for numbers, but JSON has not
MOST_TRIES = 200
"""Places at which JSON is looked for: text full of braces is not read in quadratic time."""
DEEPEST = 200
"""Brackets within brackets: more is no answer, and the parser's own stack has an end."""
_BRACKET = re.compile(r"[\[\]{}]")
THOUGHTS_END = "</think>"
"""Some models write their reasoning, drafts of JSON included, before this."""
MOST_ERRORS = 8
"""What is told of a wrong answer: the first ones show the pattern."""


class Unusable(ValueError):
    """A text does not hold what was asked for; the message says to the model what is wrong."""


def parse(text: str, schema: type[M]) -> M:
    """Return the one JSON value of a kind that a text holds.

    Raises:
        Unusable: there is no JSON, it is not of this kind, or two values differ and both would do.
    """
    said = text.rpartition(THOUGHTS_END)[2]
    with suppress(ValidationError):  # the usual case: JSON and nothing else
        if not _CONSTANT.search(said):
            return schema.model_validate_json(said, strict=True)
    found = [value for value in json_values(said) if isinstance(value, dict) or issubclass(schema, RootModel)]
    if not found:
        raise Unusable(
            "the answer is empty" if not said.strip() else "the answer holds no complete JSON object"
        )
    fits: list[M] = []
    wrong = ""
    for value in found:
        try:
            # By way of JSON: an array may then become a tuple, though everything else is strict.
            one = schema.model_validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            wrong = wrong or _words(error)
        else:
            fits += [] if one in fits else [one]
    if len(fits) > 1:
        raise Unusable(f"the answer holds {len(fits)} different JSON objects; give one")
    if not fits:
        raise Unusable(wrong)
    return fits[0]


def json_values(text: str) -> Iterator[Any]:
    """Yield the outermost JSON objects and arrays in a text, in order; NaN and infinity are no JSON.

    None where brackets are nested deeper than any answer is.
    """
    if _depth(text) > DEEPEST:
        return
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    at = 0
    for _ in range(MOST_TRIES):
        starts = [i for i in (text.find("{", at), text.find("[", at)) if i >= 0]
        if not starts:
            return
        at = min(starts)
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            at += 1
        else:
            yield value


def _depth(text: str) -> int:
    """Return how deep brackets are nested at most, those in strings included."""
    depth = most = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
        most = max(most, depth)
    return most


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _words(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    told = [f"{'.'.join(map(str, p['loc'])) or 'the whole'}: {p['msg']}" for p in problems[:MOST_ERRORS]]
    return "; ".join(told) + (
        f"; and {len(problems) - MOST_ERRORS} more" if len(problems) > MOST_ERRORS else ""
    )


def said_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return texts that are not empty and of which no two say the same but for case, spaces and a final stop."""
    plain = [" ".join(text.casefold().split()).rstrip(".") for text in texts]
    if not all(plain):
        raise ValueError("none may be empty")
    if len(set(plain)) < len(plain):
        raise ValueError("no two may be the same")
    return texts


Distinct = Annotated[tuple[str, ...], AfterValidator(said_once)]
"""Texts, for a field of a model class: none empty, no two the same."""
FourDistinct = Annotated[tuple[str, ...], Field(min_length=4, max_length=4), AfterValidator(said_once)]
"""Four of them: the options of a question. The number is in the schema, too."""
