"""Dependency trees: tokens as the treebanks have them, and nodes that a grammar builds sentences from."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple


class Token(NamedTuple):
    """A word of a sentence in Universal Dependencies (https://universaldependencies.org/format.html)."""

    form: str
    lemma: str
    upos: str
    xpos: str
    feats: str
    """``Name=Value`` joined by ``|``; empty for none."""
    head: int
    """Place of the head in the sentence, from 0; the root is its own head."""
    label: str
    space: bool
    """A space follows."""


Sentence = tuple[Token, ...]


@dataclass(frozen=True)
class Node:
    """A word with its dependents, nearest last on the left and nearest first on the right.

    Nodes are values: ``left`` and ``right`` return a new node, so that a phrase may be used more than once.
    """

    form: str
    lemma: str
    upos: str
    xpos: str
    feats: str = ""
    glued: bool = False
    """No space stands before the word."""
    lefts: tuple[tuple[str, Node], ...] = ()
    rights: tuple[tuple[str, Node], ...] = ()

    def left(self, label: str, child: Node) -> Node:
        """Return the node with a dependent before all that it has."""
        return replace(self, lefts=((label, child), *self.lefts))

    def right(self, label: str, child: Node) -> Node:
        """Return the node with a dependent after all that it has."""
        return replace(self, rights=(*self.rights, (label, child)))

    @property
    def first(self) -> str:
        """The first word of the phrase."""
        return self.lefts[0][1].first if self.lefts else self.form


def linearise(root: Node, capital: bool = True) -> Sentence:
    """Return the words of a tree in their order, the first with a capital. Every such tree is projective."""
    rows: list[tuple[Node, str, int]] = []

    def visit(node: Node, label: str) -> int:
        """Lay out the phrase and return its head's row."""
        before = [visit(child, name) for name, child in node.lefts]
        here = len(rows)
        rows.append((node, label, here))
        after = [visit(child, name) for name, child in node.rights]
        for row in before + after:
            rows[row] = (*rows[row][:2], here)
        return here

    visit(root, "root")
    tokens = []
    for i, (node, label, head) in enumerate(rows):
        form = node.form[0].upper() + node.form[1:] if capital and i == 0 else node.form
        space = i + 1 < len(rows) and not rows[i + 1][0].glued
        tokens.append(Token(form, node.lemma, node.upos, node.xpos, node.feats, head, label, space))
    return tuple(tokens)


def text(sentence: Sentence) -> str:
    """Return a sentence as it is written."""
    return "".join(token.form + " " * token.space for token in sentence).rstrip()


def read_conllu(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a CoNLL-U file, gzipped or not; ranges and empty nodes are left out.

    Raises:
        ValueError: a line has not ten columns, or a head is missing.
    """
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    rows: list[list[str]] = []
    for number, line in enumerate([*content.decode("utf-8").split("\n"), ""], start=1):
        cells = line.split("\t")
        if len(cells) == 10 and cells[0].isdigit():
            rows.append(cells)
        elif not line and rows:
            yield tuple(_token(cells) for cells in rows)
            rows = []
        elif len(cells) != 10 and line and not line.startswith("#"):
            raise ValueError(f"{path}, line {number}: {len(cells)} columns, CoNLL-U has 10")


def _token(cells: list[str]) -> Token:
    place, form, lemma, upos, xpos, feats, head, label, _, misc = cells
    at = int(head) - 1 if head != "0" else int(place) - 1
    feats = "" if feats == "_" else feats
    return Token(form, lemma, upos, xpos, feats, at, label, "SpaceAfter=No" not in misc)


def write_conllu(path: Path, sentences: Iterable[Sentence]) -> None:
    """Write sentences as CoNLL-U, so that they can be read by eye and by other tools."""
    with path.open("w", encoding="utf-8") as out:
        for sentence in sentences:
            out.write(f"# text = {text(sentence)}\n")
            for i, t in enumerate(sentence):
                head = 0 if t.head == i else t.head + 1
                misc = "_" if t.space else "SpaceAfter=No"
                cells = (i + 1, t.form, t.lemma, t.upos, t.xpos, t.feats or "_", head, t.label, "_", misc)
                out.write("\t".join(map(str, cells)) + "\n")
            out.write("\n")
