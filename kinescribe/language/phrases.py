"""Noun phrases of a sentence: who or what may take part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kinescribe.language import directions as ways
from kinescribe.language.nouns import singular
from kinescribe.language.tokens import NOUN_PHRASE, Token


@dataclass
class Phrase:
    """A noun phrase in a sentence."""

    first: int
    last: int
    """Index of the head."""
    preposition: str | None
    text: str
    """Without determiners."""
    head: str
    owner: str | None = None
    """Possessive pronoun or noun in front."""
    denied: bool = False
    number: int | None = None
    entity: Any = field(default=None, repr=False)
    """What it means (``discourse.Entity``), once that is known."""


def noun_phrases(tokens: list[Token]) -> list[Phrase]:
    """Return the noun phrases of a sentence, in its order."""
    phrases: list[Phrase] = []
    i = 0
    while i < len(tokens):
        if tokens[i].tag in (*NOUN_PHRASE, "PRON"):
            last = _phrase_end(tokens, i)
            found = _phrase(tokens, i, last)
            if found is not None:
                phrases.append(found)
            i = last + 1
        else:
            i += 1
    _explain(tokens, phrases)
    return phrases


def _explain(tokens: list[Token], phrases: list[Phrase]) -> None:
    """Call what is only pointed at by what it is: "the target, a small dog, ..."."""
    for one, two in zip(phrases, phrases[1:], strict=False):
        comma = two.first == one.last + 2 and tokens[one.last + 1].low == ","
        if comma and one.head in _POINTERS and tokens[two.first].tag == "DET" and two.preposition is None:
            one.text, one.head = two.text, two.head
        elif comma and two.head in _POINTERS and two.preposition is None:
            two.text, two.head = one.text, one.head


_POINTERS = frozenset(["target", "subject", "object"])


def _phrase_end(tokens: list[Token], first: int) -> int:
    if tokens[first].tag == "PRON":
        return first
    last = first
    for i in range(first + 1, len(tokens)):
        fresh = tokens[i].tag in ("DET", "POSS") and tokens[i - 1].tag not in ("DET", "POSS")
        if tokens[i].tag not in NOUN_PHRASE or fresh or _counts(tokens, i):
            break
        last = i
    while last > first and tokens[last].tag == "ADJ" and any(t.tag == "NOUN" for t in tokens[first:last]):
        last -= 1  # "tosses the ball high"
    return last


def _counts(tokens: list[Token], i: int) -> bool:
    """Whether a number after a noun begins a phrase of its own ("both knees four times") and is no name."""
    if tokens[i].tag != "NUM" or tokens[i - 1].tag != "NOUN":
        return False
    following = tokens[i + 1].low if i + 1 < len(tokens) else ""
    return not tokens[i].low.isdigit() or following in ("times", "more")


def _phrase(tokens: list[Token], first: int, last: int) -> Phrase | None:
    own = tokens[first : last + 1]
    if all(t.tag == "ADJ" for t in own):
        return None  # "opens wide"
    named = max((n + 1 for n, t in enumerate(own) if t.tag == "POSN"), default=0)  # "person 1's left hand"
    words = [t for t in own[named:] if t.tag not in ("DET", "POSS") or t.low == "both"]
    counted = words and words[0].tag == "NUM" and len(words) > 1
    number = ways.number(words[0].low) if counted else None
    words = words[1:] if counted else words
    lone = len(words) == 1 and words[0].tag == "NUM" and words[0].low != "one"
    if not words or lone and own[0].tag != "DET":
        return None
    before = tokens[first - 1] if first else None
    preposition = before.low if before is not None and before.tag == "PREP" else None
    owner = next((t for t in own if t.tag in ("POSS", "POSN")), None)
    nouns = [t for t in words if t.tag in ("NOUN", "PRON") and (len(t.text) > 1 or len(words) == 1)]
    reciprocal = [t.low for t in own] == ["each", "other"]
    return Phrase(
        first,
        last,
        preposition,
        "each other"
        if reciprocal
        else " ".join(t.text if len(t.text) == 1 else t.low.replace("_", " ") for t in words),
        (nouns[-1] if nouns else words[-1]).low,
        _owner(tokens, owner, first),
        any(t.low in ("no", "neither", "nobody", "none") for t in own),
        number,
    )


def _owner(tokens: list[Token], token: Token | None, first: int) -> str | None:
    if token is None:
        return None
    if token.tag == "POSS":
        return token.low
    names = [t.low for t in tokens[first : tokens.index(token)] if t.tag not in ("DET", "POSS")]
    return " ".join([*names, token.low.removesuffix("'s").removesuffix("'")])


def is_plural(phrase: Phrase) -> bool:
    """Whether a phrase means several."""
    return " and " in phrase.text or phrase.head in _MANY or singular(phrase.head) != phrase.head


_MANY = frozenset(["people", "others", "both", "two", "three", "four"])
