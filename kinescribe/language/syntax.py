"""What a parser tells of a sentence: its words, and how they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Word(NamedTuple):
    """A word of a sentence, in the terms of Universal Dependencies (universaldependencies.org/u/dep)."""

    start: int
    """Character offset in the sentence."""
    end: int
    pos: str
    """Universal part of speech: ``VERB``, ``NOUN``, ..."""
    form: str | None
    """Of a verb: base, third, past, participle or gerund."""
    lemma: str
    head: int
    """Index of the word that it depends on; its own if on none."""
    relation: str
    """``nsubj``, ``obj``, ``advcl``, ...; subtypes where they matter (``nsubj:pass``, ``acl:relcl``)."""
    agent: int | None = None
    """Index of the word that acts, where deeper analysis than a tree tells (AMR)."""
    patient: int | None = None
    """Index of the word that is acted on."""


Tree = tuple[Word, ...]


@runtime_checkable
class Parser(Protocol):
    """A backend of the kind ``parsers``: reads sentences, many at a time."""

    def __call__(self, sentences: Sequence[str]) -> list[Tree]:
        """Return the tree of each sentence; an empty one where nothing is known, so that the rules decide alone."""
        ...
