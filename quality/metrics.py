"""Which caption metric tells honest captions from false ones: area under the ROC curve, by what is wrong.

References are the exact facts of rendered worlds and bodies in words; honest candidates the same facts in other words;
false ones differ from these in one motion, order, way, side, number or agent (``kinescribe.corruptions``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from kinescribe import plugins
from kinescribe.corruptions import KINDS, corrupt
from kinescribe.language import names, render
from kinescribe.metrics import Item
from kinescribe.records import MotionFact, Tracks
from tests.bodies import BODY_SCENARIOS
from tests.generator import ALL_SCENARIOS, generate
from tests.worlds import truth

METRICS = {"motion": "motion", "mo_hall": "mo_hall", "bleu": "bleu_4", "rouge": "rouge_l"}
"""File, and which of its figures."""


class Candidate(NamedTuple):
    """A text to be told honest or false."""

    reference: str
    text: str
    kind: str
    """``honest`` or what is wrong."""


def candidates(seeds: Sequence[int]) -> Iterator[Candidate]:
    """Yield honest and false captions of every world and body."""
    for seed in seeds:
        scenes = [truth(make(seed)) for make in (*ALL_SCENARIOS.values(), generate)]
        bodies = [make(seed) for make in BODY_SCENARIOS.values()]
        for known in (*scenes, *bodies):
            yield from _of(known.facts, known.tracks, seed)


def _of(facts: Sequence[MotionFact], tracks: Tracks, seed: int) -> Iterator[Candidate]:
    if not facts:
        return
    reference = render(facts, names(tracks))
    honest = render([replace(fact, id=f"{fact.id}'") for fact in facts], names(tracks))
    if honest == reference:
        return
    yield Candidate(reference, honest, "honest")
    for made in corrupt(honest, seed):
        yield Candidate(reference, made.text, made.kind)


def auc(honest: np.ndarray, false: np.ndarray) -> float:
    """Return how often an honest caption scores above a false one; ties count half."""
    ranks = rankdata(np.concatenate([honest, false]))
    wins = ranks[: len(honest)].sum() - len(honest) * (len(honest) + 1) / 2
    return float(wins / (len(honest) * len(false)))


def table(seeds: Sequence[int]) -> str:
    """Return the table of every metric, as Markdown."""
    made = list(candidates(seeds))
    kinds = [kind for kind in KINDS if any(c.kind == kind for c in made)]
    numbers = {kind: sum(c.kind == kind for c in made) for kind in ("honest", *kinds)}
    items = [Item(str(i), c.text, (c.reference,)) for i, c in enumerate(made)]
    heads = [f"{kind.replace('_', ' ')} ({numbers[kind]})" for kind in kinds]
    lines = [
        f"### Telling {numbers['honest']} honest captions from false ones: area under the ROC curve",
        "",
        f"| metric | {' | '.join(heads)} | all |",
        "| --- |" + " --- |" * (len(kinds) + 1),
    ]
    is_kind = np.array([c.kind for c in made])
    for file, figure in METRICS.items():
        found = plugins.load("metrics", file)()(items)[figure].values
        values = np.array([0.0 if value is None else value for value in found])
        honest = values[is_kind == "honest"]
        areas = [auc(honest, values[is_kind == kind]) for kind in kinds]
        areas.append(auc(honest, values[is_kind != "honest"]))
        lines.append(f"| {figure} | {' | '.join(f'{area:.3f}' for area in areas)} |")
    return "\n".join(lines)
