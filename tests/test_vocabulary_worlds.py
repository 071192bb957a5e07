"""Every word is said of some world that shows it, and of none that does not: on exact records, without pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pytest

from kinescribe.facts.camera import CAMERA_FACTS
from kinescribe.facts.settings import FactSettings
from kinescribe.records import MotionFact
from kinescribe.vocabulary import (
    CAMERA_LABELS,
    COMPASS,
    LEVELS,
    MAGNITUDES,
    OPPOSITES,
    ORDERS,
    PARTS,
    PREDICATES,
    RELATIONS,
    TRAJECTORIES,
)
from tests import oracle, worlds
from tests.oracle import EVERY, Known

SEEDS = (0, 1)


def creeps(seed: int) -> worlds.World:
    """Something goes its way at a snail's pace: 0.04 frame widths a second, and 0.2 in all."""
    path = worlds.waypoints((0, 120.0, 80.0 + seed), (5, 184.0, 80.0 + seed))
    facts = (worlds.straight(1000, path, 0, 5),)
    return worlds.World(
        "creeps", seed, duration_s=5.0, actors=(worlds.Actor(path, (30.0, 24.0)),), facts=facts
    )


def budges(seed: int) -> worlds.World:
    """Something gets on by a twentieth of the frame width."""
    path = worlds.waypoints((0, 120.0, 80.0 + seed), (1.2, 136.0, 80.0 + seed))
    facts = (worlds.straight(1000, path, 0, 1.2), worlds.fact(1000, "stop", 1.2, 4.0))
    return worlds.World(
        "budges", seed, duration_s=4.0, actors=(worlds.Actor(path, (30.0, 24.0)),), facts=facts
    )


def darts(seed: int) -> worlds.World:
    """Something crosses the picture in 1.4 s."""
    path = worlds.waypoints((0, 40.0, 80.0 + seed), (1.4, 270.0, 80.0 + seed))
    facts = (worlds.straight(1000, path, 0, 1.4),)
    return worlds.World(
        "darts", seed, duration_s=1.5, actors=(worlds.Actor(path, (30.0, 24.0)),), facts=facts
    )


HERE = {"creeps": creeps, "budges": budges, "darts": darts}
ALL = (*EVERY, *HERE)


class Word(NamedTuple):
    """A word of a fact and what it is said with."""

    kind: str
    predicate: str
    word: str


def words(fact: MotionFact) -> Iterator[Word]:
    """All words of a fact but for its manner, which truths leave open."""
    yield Word("predicate", fact.predicate, fact.predicate)
    yield from (Word("direction", fact.predicate, way) for way in fact.direction)
    if fact.part:
        yield Word("part", fact.predicate, fact.part)
    if fact.trajectory:
        yield Word("trajectory", fact.predicate, fact.trajectory)
    if fact.count:
        yield Word("count", fact.predicate, str(fact.count))


@cache
def stated(name: str, seed: int) -> tuple[Known, tuple[MotionFact, ...]]:
    """A clip and what is said of it."""
    clip = oracle.of_world(HERE[name](seed)) if name in HERE else oracle.known(name, seed)
    return clip, tuple(oracle.facts_of(clip))


def said(word: str, kind: str) -> set[str]:
    """The worlds of which a word is said."""
    return {
        name
        for name in ALL
        for seed in SEEDS
        for fact in stated(name, seed)[1]
        if word in {"magnitude": (fact.magnitude,), "level": (fact.level,)}.get(kind, ())
        or any(w.kind == kind and w.word == word for w in words(fact))
    }


def being_built(why: str, *found: str) -> list[object]:
    """Words that no world shows yet."""
    return [pytest.param(word, marks=pytest.mark.xfail(strict=True, reason=why)) for word in found]


# --- every word is said -------------------------------------------------------------------------------------

NOT_YET = ("left_hip", "right_hip", "left_hand", "right_hand", "both_hands")


@pytest.mark.parametrize("word", [p for p in PREDICATES if p not in ORDERS])
def test_every_predicate_is_said_of_a_world(word: str):
    """But who is before whom: flat worlds have no depth (``tests/test_depth.py``)."""
    assert said(word, "predicate")


@pytest.mark.parametrize("word", [*COMPASS, *sorted(OPPOSITES.keys() - set(COMPASS))])
def test_every_direction_that_has_an_opposite_is_said_of_a_world(word: str):
    assert said(word, "direction")


@pytest.mark.parametrize("word", [t for t in TRAJECTORIES if t != "static"])
def test_every_shape_of_a_path_is_said_of_a_world(word: str):
    """But ``static``, which captions say and facts express by ``stay``."""
    assert said(word, "trajectory")


@pytest.mark.parametrize("word", MAGNITUDES)
def test_every_manner_is_said_of_a_world(word: str):
    assert said(word, "magnitude")


@pytest.mark.parametrize(
    "word",
    [*(p for p in PARTS if p not in NOT_YET), *being_built("no body of the tests moves it alone", *NOT_YET)],
)
def test_every_part_is_said_of_a_body(word: str):
    assert said(word, "part")


@pytest.mark.parametrize(
    "word", [*LEVELS[:2], *being_built("no body of the tests moves a hand alone", LEVELS[2])]
)
def test_every_level_is_said_of_a_body(word: str):
    assert said(word, "level")


@pytest.mark.parametrize("label", [label for label in CAMERA_LABELS if label in CAMERA_FACTS])
def test_every_camera_label_that_says_something_is_a_fact_of_its_world(label: str):
    predicate, direction = CAMERA_FACTS[label]
    for seed in SEEDS:
        facts = [f for f in stated(f"camera_{label}", seed)[1] if f.subject < 0]
        assert [(f.predicate, f.direction) for f in facts] == [(predicate, direction)]


@pytest.mark.parametrize("label", sorted(set(CAMERA_LABELS) - CAMERA_FACTS.keys()))
def test_the_other_camera_labels_say_nothing(label: str):
    clip, _ = stated("camera_static", 0)
    twin = clip._replace(camera=replace(clip.camera, labels=(label,)))
    assert [f for f in oracle.facts_of(twin) if f.subject < 0] == []


# --- and of no world that does not show it ------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_no_word_is_said_of_a_world_that_does_not_show_it(name: str):
    for seed in SEEDS:
        clip, facts = stated(name, seed)
        true = {word for fact in clip.facts for word in words(fact)}
        silent = {(f.subject, f.predicate) for f in clip.facts if f.count is None}
        for fact in facts:
            # The camera of bodies says nothing of itself; a count that a truth leaves open may be any.
            if fact.predicate in clip.silent or (
                fact.subject < 0 and not any(f.subject < 0 for f in clip.facts)
            ):
                continue
            wrong = {w for w in words(fact) if w not in true}
            if (fact.subject, fact.predicate) in silent:
                wrong = {w for w in wrong if w.kind != "count"}
            assert not wrong, (name, seed, fact)


@pytest.mark.parametrize("name", ALL)
def test_every_predicate_that_a_world_shows_is_said_of_it(name: str):
    """At least once among the seeds: how often is measured by ``python -m quality``."""
    shown = {f.predicate for seed in SEEDS for f in stated(name, seed)[0].facts}
    found = {f.predicate for seed in SEEDS for f in stated(name, seed)[1]}
    missing = shown - found - {"stay", "start"}
    assert not missing, "a rest may also be a part of another fact (may_rest)"


@pytest.mark.parametrize("name", ALL)
def test_manners_are_true_of_the_exact_speeds(name: str):
    """With a tenth of slack about the limits."""
    limits = FactSettings()
    for seed in SEEDS:
        clip, facts = stated(name, seed)
        for fact in facts:
            true = [
                f
                for f in clip.facts
                if f.subject == fact.subject
                and f.predicate == "move"
                and f.direction == fact.direction
                and "speed_px_s" in f.evidence
                and min(f.span.end_s, fact.span.end_s) - max(f.span.start_s, fact.span.start_s)
                > 0.5 * f.span.duration_s
            ]
            if fact.predicate != "move" or fact.part or not true:
                continue
            speed = true[0].evidence["speed_px_s"] / clip.clip.width
            way = speed * true[0].span.duration_s
            holds = {
                "quickly": speed >= 0.9 * limits.quick_widths_s,
                "slowly": speed <= 1.1 * limits.slow_widths_s,
                "far": way >= 0.9 * limits.far_widths,
                "slightly": way <= 1.1 * limits.slight_widths,
            }
            assert fact.magnitude is None or holds[fact.magnitude], (name, seed, fact, speed, way)


@pytest.mark.parametrize(
    "name", [n for n in EVERY if n.startswith("nothing") or n in ("camera_static", "stand", "cut_back")]
)
def test_where_nothing_moves_nothing_is_said_to_move(name: str):
    for seed in SEEDS:
        assert {f.predicate for f in stated(name, seed)[1]} <= {"stay"}


def test_relations_name_two_and_nothing_else_does():
    for name in ALL:
        for fact in stated(name, 0)[1]:
            assert (fact.object is not None) == (fact.predicate in RELATIONS), (name, fact)
            assert fact.object != fact.subject
