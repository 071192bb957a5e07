"""A text cut into sentences, words and marks, each with what a parser says of it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from kinescribe.language import lexicon as lex
from kinescribe.language.syntax import Tree

BOUNDARIES = ("PUNCT", "CC", "SUB", "REL")
"""Tags after which another clause may begin."""
NOUN_PHRASE = ("DET", "POSS", "POSN", "NUM", "ADJ", "NOUN")
LONGEST = 1200
"""Characters of the longest sentence that is read as one: half as much again as the longest of 18,000 sentences of human captions."""


@dataclass(slots=True)
class Token:
    """A word or mark; offsets count from the start of the whole text."""

    text: str
    start: int
    end: int
    tag: str = ""
    form: lex.Form | None = None
    seen: lex.Form | None = None
    """How the tree reads it as a verb."""
    pos: str = ""
    """The tree's part of speech; empty without one."""
    head: int = -1
    """The token it depends on in the tree; its own index if on none, -1 without a tree."""
    relation: str = ""
    agent: int = -1
    """The token that acts, where a parser says so itself; -1 if not."""
    patient: int = -1

    low: str = field(init=False)
    """Lower case."""

    def __post_init__(self) -> None:
        self.low = self.text.lower().replace("’", "'")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the character offsets of the sentences; a point inside a number ends none.

    What has no end within ``LONGEST`` characters is cut at a comma or a blank, so that time grows with the text's length.
    """
    for found in re.finditer(r"(?:[^.!?\n]+|\.(?=\d))+[.!?]*", text):
        start, end = found.span()
        while end - start > LONGEST:
            cut = max(text.rfind(mark, start + LONGEST // 2, start + LONGEST) for mark in (", ", "; "))
            cut = cut if cut > 0 else text.rfind(" ", start + 1, start + LONGEST)
            cut = cut + 1 if cut > 0 else start + LONGEST
            yield from _trimmed(text, start, cut)
            start = cut
        yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    words = text[start:end]
    if words.strip():
        start += len(words) - len(words.lstrip())
        yield start, start + len(words.strip())


def tokenize(text: str, offset: int = 0) -> list[Token]:
    """Split into words, numbers and marks; ``n't`` and the ``'s`` of "she's" are words of their own."""
    tokens: list[Token] = []
    for found in _WORD.finditer(text):
        word, start, end = found.group(), found.start() + offset, found.end() + offset
        cut = _contraction(word) if "'" in word or "’" in word else 0
        if 0 < cut < len(word):
            tokens.append(Token(word[:-cut], start, end - cut))
            tokens.append(Token(word[-cut:], end - cut, end))
        else:
            tokens.append(Token(word, start, end))
    return tokens


_WORD = re.compile(r"[A-Za-zÀ-ÿ]+(?:[-'’][A-Za-zÀ-ÿ]+)*(?:_\d+)?|\d+(?:['’]s\b)?|[^\w\s]")


def _contraction(word: str) -> int:
    """Return how many characters of a word are another word: ``n't``, or the ``'s`` of "she's"."""
    low = word.lower().replace("’", "'")
    if low.endswith(("n't", "'re", "'ve", "'ll")):
        return 3
    if low.endswith(("'m", "'d")):
        return 2
    return 2 if low.endswith("'s") and low[:-2] in lex.SUBJECT_PRONOUNS else 0


def hang(tokens: list[Token], tree: Tree, offset: int) -> None:
    """Note at each token what the tree says of it; one that the tree splits ("left-hand") stands with its last part."""
    if not tokens:
        return
    starts = [token.start - offset for token in tokens]
    of_word = [max(0, bisect_right(starts, word.start) - 1) for word in tree]
    for word, own in zip(tree, of_word, strict=True):
        token = tokens[own]
        token.pos, token.relation = word.pos, word.relation
        token.head = of_word[word.head]
        token.agent = -1 if word.agent is None else of_word[word.agent]
        token.patient = -1 if word.patient is None else of_word[word.patient]
        verbal = word.pos == "VERB" and word.form is not None
        token.seen = lex.Form(word.lemma, word.form or "") if verbal else None
