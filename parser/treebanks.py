"""The treebanks that the model learns English from: EWT and PUD, read from a folder beside the checkout.

Both are share-alike (EWT: CC BY-SA 4.0, Silveira et al. 2014, https://github.com/UniversalDependencies/UD_English-EWT;
PUD: CC BY-SA 3.0, Zeman et al. 2017, https://github.com/UniversalDependencies/UD_English-PUD), so the weights are too.
The files are prepared: label subtypes collapsed but for ten, features reduced to ten. They are never copied.
"""

from __future__ import annotations

from pathlib import Path

from parser.trees import Sentence, read_conllu

FOLDER = Path(__file__).parents[2] / "shared" / "ud"
TRAIN = ("ewt-train", "pud-train")
DEV = "ewt-dev"
TEST = "ewt-test"
COUNTS = {"ewt-train": 12_544, "pud-train": 1_000, "ewt-dev": 2_001, "ewt-test": 2_077}
"""Sentences of each file, as the treebanks' own statistics have them."""
LABELS = frozenset(
    "acl acl:relcl advcl advmod amod appos aux aux:pass case cc cc:preconj ccomp compound compound:prt conj cop "
    "csubj csubj:pass dep det det:predet discourse dislocated expl fixed flat goeswith iobj list mark nmod "
    "nmod:poss nsubj nsubj:pass nummod obj obl obl:agent obl:unmarked orphan parataxis punct reparandum root "
    "vocative xcomp".split()
)
"""Labels of the prepared files; the grammar uses no other."""


def read(name: str, folder: Path = FOLDER) -> list[Sentence]:
    """Return the sentences of a treebank file.

    Raises:
        FileNotFoundError: the folder does not hold it.
        ValueError: it has not the known number of sentences.
    """
    path = folder / f"{name}.conllu.gz"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there. It is the prepared treebank of the same name, see parser/README.md"
        )
    sentences = list(read_conllu(path))
    if len(sentences) != COUNTS[name]:
        raise ValueError(
            f"{path} has {len(sentences)} sentences, not {COUNTS[name]}: it is cut off or altered"
        )
    return sentences
