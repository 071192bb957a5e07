"""Makes spaCy's training files, trains the model on one core and puts it where the package reads it."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as run
from spacy.util import load_config
from spacy.vocab import Vocab

from parser import treebanks
from parser.grammar import sentences
from parser.trees import Sentence, read_conllu, write_conllu

CONFIG = Path(__file__).parent / "config.cfg"
SHIPPED = Path(__file__).parents[1] / "kinescribe" / "language" / "model"
SYNTHETIC = 7_000
"""Generated sentences. specs/nlp.md: 3,000 find 87 % of the verbs of captions never seen, 6,000 91 %."""
SYNTHETIC_DEV = 500
SEED, DEV_SEED = 1, 2
"""Seeds of the sentences that are learned from, and of those that choose the checkpoint."""
LONGEST_DOCUMENT = 6
"""Sentences that are learned from in one go: the model splits sentences too."""
KEPT = ("LICENSE", "README.md")
"""Files of the shipped folder that are written by hand."""
META = {
    "name": "motion",
    "version": "1.0.0",
    "spacy_version": ">=3.7,<4.0",
    "description": "Small English pipeline for motion captions: tags, features, dependencies, lemmas; no vectors.",
    "author": "The Kinescribe contributors",
    "license": "CC BY-SA 4.0",
    "sources": [
        {"name": "UD English EWT r2.16", "url": "https://github.com/UniversalDependencies/UD_English-EWT",
         "license": "CC BY-SA 4.0"},
        {"name": "UD English PUD", "url": "https://github.com/UniversalDependencies/UD_English-PUD",
         "license": "CC BY-SA 3.0"},
        {"name": "Generated motion sentences (parser/grammar.py)", "license": "CC BY-SA 4.0"},
    ],
}  # fmt: skip


def generate(folder: Path, count: int = SYNTHETIC, seed: int = SEED) -> Path:
    """Write generated sentences as CoNLL-U and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"motion-{seed}.conllu"
    write_conllu(path, sentences(count, seed))
    return path


def prepare(folder: Path, ud: Path = treebanks.FOLDER) -> dict[str, int]:
    """Write ``train.spacy`` and ``dev.spacy`` into a folder and return the words of each.

    Raises:
        FileNotFoundError: a treebank is not there.
    """
    learned = [treebanks.read(name, ud) for name in treebanks.TRAIN]
    learned.append(list(read_conllu(generate(folder))))
    chosen = [treebanks.read(treebanks.DEV, ud), list(read_conllu(generate(folder, SYNTHETIC_DEV, DEV_SEED)))]
    return {
        name: _write(folder / f"{name}.spacy", sets) for name, sets in (("train", learned), ("dev", chosen))
    }


def _write(path: Path, sets: Sequence[Sequence[Sentence]]) -> int:
    rng = random.Random(SEED)
    vocab = Vocab()
    docs = [to_doc(group, vocab) for group in _grouped(sets, rng)]
    rng.shuffle(docs)
    DocBin(docs=docs, store_user_data=False).to_disk(path)
    return sum(map(len, docs))


def _grouped(sets: Iterable[Sequence[Sentence]], rng: random.Random) -> Iterator[Sequence[Sentence]]:
    """Yield runs of neighbouring sentences, none over the edge of a set."""
    for whole in sets:
        start = 0
        while start < len(whole):
            size = rng.randint(1, LONGEST_DOCUMENT)
            yield whole[start : start + size]
            start += size


def to_doc(group: Sequence[Sentence], vocab: Vocab) -> Doc:
    """Return sentences as one annotated document."""
    keys = "words spaces lemmas pos tags morphs heads deps sent_starts".split()
    columns: Any = {key: [] for key in keys}
    for number, sentence in enumerate(group):
        first = len(columns["words"])
        last_of_all = number == len(group) - 1
        for i, token in enumerate(sentence):
            ends = i == len(sentence) - 1
            row = (
                token.form, token.space if not ends else not last_of_all, token.lemma, token.upos,
                token.xpos, token.feats,
                first + token.head, "ROOT" if token.label == "root" else token.label, i == 0,
            )  # fmt: skip
            for key, cell in zip(columns, row, strict=True):
                columns[key].append(cell)
    return Doc(vocab, **columns)


def train(folder: Path, steps: int | None = None) -> Path:
    """Train on what ``prepare`` wrote, print a line per check and return the folder of the best model."""
    changes: dict[str, Any] = {
        "paths.train": str(folder / "train.spacy"),
        "paths.dev": str(folder / "dev.spacy"),
    }
    if steps:
        changes["training.max_steps"] = steps
    (folder / "model").mkdir(parents=True, exist_ok=True)
    nlp = init_nlp(load_config(CONFIG, overrides=changes))
    run(nlp, folder / "model")
    return folder / "model" / "model-best"


def ship(best: Path, target: Path = SHIPPED) -> str:
    """Copy a trained model over the shipped one, keep its licence and card, and return its fingerprint."""
    nlp = spacy.load(best)
    nlp.meta.update(META)
    nlp.config["paths"] |= {"train": None, "dev": None}  # no folder of ours
    kept = {name: (target / name).read_bytes() for name in KEPT if (target / name).is_file()}
    shutil.rmtree(target, ignore_errors=True)
    nlp.to_disk(target)
    for name, content in kept.items():
        (target / name).write_bytes(content)
    meta = json.loads((target / "meta.json").read_text())
    (target / "meta.json").write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")
    return fingerprint(target)


def fingerprint(model: Path) -> str:
    """Return a digest of all weights and labels of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(model.rglob("*")):
        if path.is_file() and path.name not in (*KEPT, "meta.json"):
            digest.update(path.relative_to(model).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
