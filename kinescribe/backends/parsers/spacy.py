"""spaCy pipelines. Default: our own, kinescribe/language/model.

Model: tok2vec CNN, tagger, morphologizer and transition-based dependency parser (Honnibal and Johnson 2015), 6.6 MiB,
trained by ``python -m parser`` on UD English EWT and PUD and generated motion sentences. Licence of the weights:
CC BY-SA 4.0, see their folder. Any other English pipeline with a tagger and a parser serves as well: one trained on
Universal Dependencies, or one with the labels of ClearNLP (``en_core_web_*``), which are translated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kinescribe.backends.card import Card
from kinescribe.errors import BackendError
from kinescribe.language.syntax import Tree, Word

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.tokens import Token as SpacyToken

__all__ = ["Spacy"]

OWN = Path(__file__).parents[2] / "language" / "model"
"""Our pipeline."""
_FORMS = {"VB": "base", "VBP": "base", "VBZ": "third", "VBD": "past", "VBN": "participle", "VBG": "gerund"}
_RELATIONS = {
    "dobj": "obj", "nsubjpass": "nsubj:pass", "csubjpass": "csubj:pass", "auxpass": "aux:pass", "dative": "iobj",
    "relcl": "acl:relcl", "prt": "compound:prt", "neg": "advmod", "poss": "nmod:poss", "npadvmod": "obl",
    "attr": "xcomp", "acomp": "xcomp", "oprd": "xcomp", "prep": "case", "agent": "case", "predet": "det:predet",
    "preconj": "cc:preconj", "nn": "compound",
}  # fmt: skip
"""ClearNLP's names (Choi and McCallum 2013) for what UD calls otherwise."""
_BATCH = 64
"""Sentences at a time: more give no speed, only memory (32 to 256 measured)."""


class Spacy:
    """A spaCy pipeline as parser.

    Args:
        model: folder of a pipeline, or the name of an installed one (``en_core_web_sm``). Default: our own.
    """

    card = Card(
        model="our own pipeline, in the package; any English one of spaCy",
        paper="Honnibal and Johnson 2015",
        licence="CC-BY-SA-4.0",
        memory="6.6 MiB of files",
        run_here="trained and measured here: docs/quality.md",
    )

    def __init__(self, model: str = "") -> None:
        self.model = model

    @cached_property
    def pipeline(self) -> Language:
        """The loaded pipeline.

        Raises:
            BackendError: there is no such pipeline, or it neither tags nor parses.
        """
        import spacy

        unused = ["ner", "trainable_lemmatizer", "lemmatizer", "entity_linker", "entity_ruler"]
        try:
            loaded = spacy.load(self.model or OWN, exclude=unused)
        except (OSError, ValueError) as error:
            raise BackendError(
                f"cannot load the spaCy pipeline {self.model or OWN}: {error}. Give a folder, or the name of an "
                "installed pipeline (python -m spacy download en_core_web_sm)"
            ) from error
        if not {"tagger", "parser"} <= set(loaded.pipe_names):
            raise BackendError(
                f"the spaCy pipeline {self.model} has no tagger or no parser, only {', '.join(loaded.pipe_names)}"
            )
        return loaded

    def __call__(self, sentences: Sequence[str]) -> list[Tree]:
        """Return the tree of each sentence."""
        squeezed = [_squeeze(sentence) for sentence in sentences]
        docs = (self._whole(text) for text, _ in squeezed)
        found = self.pipeline.pipe(docs, batch_size=_BATCH)
        return [_tree(doc, offsets) for doc, (_, offsets) in zip(found, squeezed, strict=True)]

    def _whole(self, text: str) -> Doc:
        """Return the words of one sentence, which the parser must not split again."""
        doc = self.pipeline.make_doc(text)
        for i, token in enumerate(doc):
            token.is_sent_start = i == 0
        return doc


_HALVES = re.compile("[\ud800-\udfff]")
"""Halves of characters, as a text cut in the middle of an emoji has: they cannot be encoded."""


def _squeeze(text: str) -> tuple[str, list[int]]:
    """Return a text with single blanks, and where each of its characters stood: spaCy takes two blanks for a word."""
    text = _HALVES.sub("\ufffd", text)
    pieces = [(found.start(), found.group()) for found in re.finditer(r"\S+", text)]
    offsets: list[int] = []
    for start, piece in pieces:
        offsets += [*range(start, start + len(piece)), start + len(piece)]
    return " ".join(piece for _, piece in pieces), offsets


def _tree(doc: Doc, offsets: Sequence[int]) -> Tree:
    names, text = doc.vocab.strings, doc.text
    rows = doc.to_array(["HEAD", "DEP", "POS", "TAG", "IDX", "LENGTH"]).tolist()
    clear = any(names[dep] in _CLEAR for _, dep, *_ in rows)
    words = []
    for i, (head, dep, pos, tag, idx, length) in enumerate(rows):
        kind, low = names[pos], text[idx : idx + length].lower()
        above, relation = _from_clear(doc[i]) if clear else ((i + head) % _WRAP, names[dep].lower())
        form = _form(names[tag], low) if kind in ("VERB", "AUX") else None
        start, end = offsets[idx], offsets[idx + length - 1] + 1
        words.append(Word(start, end, kind, form, _lemma(low, form), above, relation))
    return tuple(words)


_WRAP = 1 << 64
"""Heads before their word come as unsigned numbers."""
_CLEAR = frozenset(["pobj", "dobj", "prt", "nsubjpass"])
"""Labels that only ClearNLP has."""


def _form(tag: str, low: str) -> str:
    """Return how a verb is inflected; by its end where tag and part of speech disagree."""
    if tag in _FORMS:
        return _FORMS[tag]
    ends = (("ing", "gerund"), ("ed", "participle"), ("s", "third"))
    return next((form for end, form in ends if low.endswith(end)), "base")


def _from_clear(token: SpacyToken) -> tuple[int, str]:
    """Return head and relation as UD has them: there the noun, not its preposition, hangs on the verb."""
    if token.dep_ == "pobj" and token.head.dep_ in ("prep", "agent"):
        above = token.head.head
        return above.i, "nmod" if above.pos_ in ("NOUN", "PROPN", "PRON") else _OBLIQUE[token.head.dep_]
    if token.dep_ in ("prep", "agent"):
        inner = next((child for child in token.children if child.dep_ == "pobj"), None)
        return (inner.i, "case") if inner is not None else (token.head.i, "advmod")
    return token.head.i, _RELATIONS.get(token.dep_, token.dep_.lower())


_OBLIQUE = {"prep": "obl", "agent": "obl:agent"}


def _lemma(word: str, form: str | None) -> str:
    if form is None:
        return word
    from kinescribe.language.lexicon import verb_lemma

    return verb_lemma(word)
