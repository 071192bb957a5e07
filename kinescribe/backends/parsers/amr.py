"""Abstract Meaning Representation beside dependencies, as KPM fuses them (appendix B.4.2).

Model: a sentence-to-graph model of amrlib (MIT, github.com/bjascob/amrlib), whose folder is given: ``amr:FOLDER``; KPM
uses its ``parse_xfm_bart_base``. Needs ``kinescribe[amr]``. The graphs say who acts and on what across coordination,
control and relative clauses; words, tags and all else come from our spaCy pipeline.

Unlike the paper, every PropBank sense counts, not only ``-01``: jump.03, stand_up.07 and pick_up.04 are motions too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kinescribe.backends.card import Card
from kinescribe.backends.parsers.spacy import Spacy
from kinescribe.errors import BackendError
from kinescribe.language.syntax import Tree, Word

if TYPE_CHECKING:
    from penman import Graph

__all__ = ["Amr"]

_SENSE = re.compile(r"-\d\d$")
Draw = Callable[[Sequence[str]], Sequence[str | None]]
"""Sentences to graphs in PENMAN notation; None where the model fails."""


class Amr:
    """Dependency trees with the agents and patients of AMR graphs.

    Args:
        model: folder of an amrlib sentence-to-graph model.
        draw: what draws the graphs, instead of a model.
    """

    card = Card(
        model="a sentence-to-graph model of amrlib; KPM: parse_xfm_bart_base",
        paper="Banarescu et al. 2013 (AMR); KPM-Bench, appendix B.4.2",
        licence="MIT (amrlib's models)",
        weights=("a folder that amrlib's makers publish: github.com/bjascob/amrlib-models",),
        memory="0.6 (BART base) to 1.6 GB (large) in float32, by the number of parameters",
        extra="amr",
    )

    def __init__(self, model: str = "", draw: Draw | None = None) -> None:
        self.trees = Spacy()
        self.draw = draw or _load(model)

    def __call__(self, sentences: Sequence[str]) -> list[Tree]:
        """Return the tree of each sentence; where the model draws no graph, as it is without."""
        drawn = self.draw(list(sentences))
        return [_fuse(tree, text) for tree, text in zip(self.trees(sentences), drawn, strict=True)]


def _load(model: str) -> Draw:
    if not model:
        raise BackendError(
            'the parser "amr" needs a model of amrlib: amr:FOLDER (amrlib.readthedocs.io, "install" names them)'
        )
    if not Path(model).is_dir():
        raise BackendError(f"there is no folder {model}: give that of an amrlib sentence-to-graph model")
    try:
        import amrlib
    except ImportError as error:
        raise BackendError('the parser "amr" needs amrlib: pip install "kinescribe[amr]"') from error
    loaded: Draw = amrlib.load_stog_model(model_dir=model).parse_sents
    return loaded


def _fuse(tree: Tree, drawn: str | None) -> Tree:
    """Give a tree's verbs the ``ARG0`` and ``ARG1`` of the graph's predicates with the same lemma, in their order."""
    graph = _decode(drawn)
    if graph is None:
        return tree
    words = list(tree)
    taken: set[int] = set()
    place = {variable: _word_of(graph, variable, tree) for variable in graph.variables()}
    for variable, _, concept in graph.instances():
        if concept is None or not _SENSE.search(concept):
            continue
        verb = next((i for i, word in enumerate(tree) if i not in taken and _names(concept, word)), None)
        if verb is None:
            continue  # the graph alone has it; without a place in the text it is no statement of the text
        taken.add(verb)
        roles = {role: target for _, role, target in graph.edges(source=variable)}
        words[verb] = words[verb]._replace(
            agent=place.get(str(roles.get(":ARG0"))), patient=place.get(str(roles.get(":ARG1")))
        )
    return tuple(words)


def _decode(drawn: str | None) -> Graph | None:
    """Return a graph, or None for none and for what is none."""
    if drawn is None:
        return None
    import penman

    try:
        return penman.decode(drawn)
    except penman.PenmanError:
        return None


def _names(concept: str, word: Word) -> bool:
    """Whether a predicate ("pick-up-04") can be a verb of the text ("picks")."""
    return word.form is not None and word.lemma == _SENSE.sub("", concept).split("-")[0]


def _word_of(graph: Graph, variable: str, tree: Tree) -> int | None:
    """Return the word that a node stands for: by its name's first word, else by its concept."""
    concept = next((target for source, _, target in graph.instances() if source == variable), None)
    names = [target for _, role, target in graph.edges(source=variable) if role == ":name"]
    literal = next(
        (t for name in names for _, role, t in graph.attributes(source=name) if role == ":op1"), None
    )
    wanted = (literal or concept or "").strip('"').lower()
    from kinescribe.language.nouns import singular

    for i, word in enumerate(tree):
        if word.form is None and wanted and wanted in (word.lemma, singular(word.lemma)):
            return i
    return None
