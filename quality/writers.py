"""A writer that lies in 30 % of its sentences: how many lies are caught, how much truth is cut with them.

A script stands for a model that insists on what it wrote. Its sentences are made of a world's exact truth, never of
what was measured; a lie turns a way round, changes a number, names another subject, or swaps an order, and is false by
the same truth. The whole path runs: the writer, objections sent back, sentences cut.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import cv2
import numpy as np

from kinescribe import pipeline
from kinescribe.backends.captioners.foundationmotion import Aspects
from kinescribe.language import names
from kinescribe.language.render import phrase
from kinescribe.records import (
    CAMERA,
    NO_DEPTH,
    CameraMotion,
    Captions,
    Clip,
    Depth,
    Facts,
    MotionFact,
    Poses,
    Tracks,
)
from kinescribe.stages.caption import WriteCaptions
from kinescribe.video import ArrayFrames, Frames
from kinescribe.vocabulary import OPPOSITES
from quality import worlds
from quality.matching import subjects
from quality.tables import table
from tests.bodies import BODY_SCENARIOS, Skeletons, disturbed
from tests.generator import ALL_SCENARIOS
from tests.worlds import Rendered, Truth, render

LIES = 0.3
"""Share of the sentences that are lies, where one can be told."""
TEXTS = 3
"""Texts written of each world."""
EXACT, PIXELS = "tracks and camera exact", "from pixels"
_LASTS = ("stay", "pause", "stop", "start", "accelerate", "decelerate")
"""Not moved to another subject or place in time: nearly everything rests somewhere."""
_WHOLE_WORD = 2
"""A number that differs by this much is no matter of counting style."""


class Line(NamedTuple):
    """A sentence of the writer."""

    text: str
    lie: str = ""
    """Kind of lie; empty for a true one."""


@dataclass
class Tally:
    """What became of the sentences."""

    lies: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    true: int = 0
    cut: int = 0
    missed: list[tuple[str, str, str]] = field(default_factory=list)
    """World, kind and sentence."""
    lost: list[tuple[str, str]] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        for name in ("lies", "caught", "true", "cut", "missed", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


class Told(NamedTuple):
    """What a writer can tell of a world, and what its sentences are checked against."""

    facts: tuple[MotionFact, ...]
    """The truth, its subjects under the ids that the tracks have."""
    others: tuple[int, ...]
    """Subjects that a sentence can be moved to."""
    records: Mapping[type, Any]


def measure(job: tuple[str, int, str]) -> Tally:
    """Measure the texts of a scenario's world, by name, seed and kind of measurement (``EXACT``, ``PIXELS``)."""
    cv2.setNumThreads(1)
    name, seed, kind = job
    told = _told(name, seed, kind)
    tally = Tally()
    if told is None:
        return tally
    with TemporaryDirectory() as folder:
        for number in range(TEXTS):
            lines = list(_lines(told, random.Random(f"{name}:{seed}:{number}")))
            if lines:
                _count(tally, name, lines, _written(told, lines, Path(folder) / f"{number}.jsonl"))
    return tally


# --- worlds ---


def _told(name: str, seed: int, kind: str) -> Told | None:
    if name in BODY_SCENARIOS:
        known: Truth | Skeletons = disturbed(BODY_SCENARIOS[name](seed), seed, worlds_jitter())
        silent: Sequence[str] = known.silent
        have = {CameraMotion: worlds.exact_camera(known), Tracks: known.tracks, Poses: known.poses}
    else:
        world = worlds.world_of(name, seed, "plain")
        silent = world.silent
        known = render(world)
        have = (
            {} if kind == PIXELS else {CameraMotion: worlds.exact_camera(known), **worlds.exact_tracks(known)}
        )
    stages = {n: pipeline.STAGES[n]() for n in worlds.UNTIL_FACTS}
    if name in BODY_SCENARIOS:
        have |= {Clip: known.clip, Depth: NO_DEPTH}
        for stage in ("kinematics", "events", "facts"):
            made = stages[stage](*(have[k] for k in pipeline.reads(stages[stage]).values()))
            have[pipeline.writes(stages[stage])] = made
        records: Mapping[type, Any] = have
    else:
        assert isinstance(known, Rendered)
        records = {**pipeline.annotate(known.clip, known.frames, stages, have), Clip: known.clip}
    ids = _longest(known.tracks, records[Tracks])
    facts = tuple(
        replace(f, subject=ids[f.subject], object=None if f.object is None else ids[f.object])
        for f in known.facts
        if f.predicate not in silent and f.subject in ids and (f.object is None or f.object in ids)
    )
    return Told(facts, tuple(i for i in ids.values() if i != CAMERA), records)


def worlds_jitter() -> float:
    """Return the disturbance of joints in metres: about what a pose net has beyond its bias."""
    return 0.02


def _longest(known: Tracks, measured: Tracks) -> dict[int, int]:
    """Return, by true id, the measured track that shows it longest."""
    found: dict[int, int] = {}
    seen = {
        int(i): int((xyxy[:, 0] == xyxy[:, 0]).sum())
        for i, xyxy in zip(measured.ids, measured.xyxy, strict=True)
    }
    for track, true in sorted(subjects(known, measured).items(), key=lambda pair: seen.get(pair[0], 0)):
        found[true] = track
    return found


# --- sentences ---


def _rests_throughout(fact: MotionFact, facts: Sequence[MotionFact]) -> bool:
    """Whether "stays in place" is true as it stands: without a time it means always."""
    return all(f.predicate in worlds.REST for f in facts if f.subject == fact.subject)


def _lines(told: Told, rng: random.Random) -> Iterator[Line]:
    """Yield a text's sentences, true ones and lies, in no particular order but where they say one."""
    called = names(told.records[Tracks])
    facts = [
        fact
        for fact in told.facts
        if fact.subject in called and (fact.predicate != "stay" or _rests_throughout(fact, told.facts))
    ]

    def says(fact: MotionFact) -> str:
        other = None if fact.object is None else called[fact.object]
        return f"{called[fact.subject]} {phrase(fact, other, variant=rng.randrange(3))}."

    for fact in rng.sample(facts, len(facts)):
        lie = _lie(fact, told, rng) if rng.random() < LIES else None
        kind, said = lie or ("", fact)
        yield Line(_capital(says(said)), kind)
    orders = _orders(facts)
    if orders:
        first, second = rng.choice(orders)
        swapped = rng.random() < LIES
        one, two = (second, first) if swapped else (first, second)
        yield Line(f"{_capital(says(one))} Then {says(two)}", "order" if swapped else "")


def _lie(fact: MotionFact, told: Told, rng: random.Random) -> tuple[str, MotionFact] | None:
    lies: list[tuple[str, MotionFact]] = []
    own = [
        f
        for f in told.facts
        if f.subject == fact.subject and f.predicate == fact.predicate and f.part == fact.part
    ]
    if len(fact.direction) == 1 and fact.trajectory not in ("back_and_forth", "circular"):
        way = OPPOSITES.get(fact.direction[0])
        if way and not any(_shares(way, f.direction) or f.trajectory == "back_and_forth" for f in own):
            lies.append(("direction", replace(fact, direction=(way,))))
    if fact.count is not None:
        number = fact.count + rng.choice((_WHOLE_WORD, _WHOLE_WORD + 1))
        lies.append(("count", replace(fact, count=number)))
    if fact.subject != CAMERA and fact.predicate not in _LASTS and fact.object is None:
        lies += [
            ("subject", replace(fact, subject=other))
            for other in told.others
            if other != fact.subject and not any(_alike(fact, f) for f in told.facts if f.subject == other)
        ]
    return rng.choice(lies) if lies else None


def _alike(one: MotionFact, two: MotionFact) -> bool:
    """Whether two statements could both be called true of one movement."""
    if one.predicate != two.predicate or one.part != two.part:
        return False
    return not one.direction or not two.direction or any(_shares(way, two.direction) for way in one.direction)


def _shares(way: str, ways: Sequence[str]) -> bool:
    return bool(set(way.split("_")) & {word for one in ways for word in one.split("_")})


def _orders(facts: Sequence[MotionFact]) -> list[tuple[MotionFact, MotionFact]]:
    """Return what happens one after the other and only once."""
    once = [
        f
        for f in facts
        if f.subject != CAMERA
        and f.predicate not in ("stay", "pause")
        and sum(g.predicate == f.predicate and g.subject == f.subject for g in facts) == 1
    ]
    return [(a, b) for a in once for b in once if a.span.end_s <= b.span.start_s]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


# --- the writer ---


def _written(told: Told, lines: Sequence[Line], file: Path) -> str:
    """Return what the stage lets stand of a text; empty where the template stands in for it."""
    answer = {**dict.fromkeys(Aspects.model_fields, ""), "overview": " ".join(line.text for line in lines)}
    file.write_text(json.dumps({"answer": answer}))
    stage = WriteCaptions(
        writers=("foundationmotion",),
        model=f"scripted:{file}",
        rounds=1,
        options={"foundationmotion": {"boxes": False, "facts": False}},
    )
    clip = told.records[Clip]
    blank = ArrayFrames(np.full((len(clip.times_s), clip.height, clip.width, 3), 128, np.uint8), clip.times_s)
    have = {**told.records, Facts: Facts(()), Frames: blank}
    wanted = {n: k for n, k in pipeline.reads(stage).items() if k in have}
    captions: Captions = stage(**{n: have[k] for n, k in wanted.items()})
    return next((c.text for c in captions.captions if c.source == "foundationmotion"), "")


def _count(tally: Tally, world: str, lines: Sequence[Line], text: str) -> None:
    for line in lines:
        wrong = line.text.partition(" Then ")[2] if line.lie == "order" else line.text
        stands = wrong in text
        if line.lie:
            tally.lies[line.lie] += 1
            tally.caught[line.lie] += not stands
            if stands:
                tally.missed.append((world, line.lie, line.text))
        else:
            tally.true += 1
            tally.cut += not stands
            if not stands:
                tally.lost.append((world, line.text))


# --- the table ---


def measure_all(seeds: Sequence[int], workers: int) -> dict[str, Tally]:
    """Return what became of lies and truths, by kind of measurement; from pixels only the first seed."""
    jobs = [(n, s, EXACT) for n in (*ALL_SCENARIOS, *BODY_SCENARIOS) for s in seeds]
    jobs += [(worlds.COMPOSED, s, EXACT) for s in range(seeds[0], seeds[0] + 10 * len(seeds))]
    jobs += [(n, seeds[0], PIXELS) for n in ALL_SCENARIOS]
    jobs += [(worlds.COMPOSED, s, PIXELS) for s in range(seeds[0], seeds[0] + 10)]
    found = {EXACT: Tally(), PIXELS: Tally()}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for (_, _, kind), tally in zip(jobs, pool.map(measure, jobs, chunksize=4), strict=True):
            found[kind] += tally
    return found


def tables(seeds: Sequence[int], workers: int, held_out: bool) -> str:
    """Return the table of lies and truths."""
    found = measure_all(seeds, workers)
    kinds = sorted({kind for tally in found.values() for kind in tally.lies})
    rows = [
        [
            measured,
            *(_of(tally.caught[kind], tally.lies[kind]) for kind in kinds),
            _of(tally.caught.total(), tally.lies.total()),
            _of(tally.cut, tally.true),
        ]
        for measured, tally in found.items()
    ]
    known = "held-out" if held_out else "development"
    title = f"### A writer that lies in 30 % of its sentences, {known} seeds {seeds[0]}-{seeds[-1]}"
    head = [
        "measured",
        *(f"lies about {kind} caught" for kind in kinds),
        "all lies caught",
        "true sentences cut",
    ]
    return f"{title}\n\n{table(head, rows)}"


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "-"
