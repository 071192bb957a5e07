"""Worlds of how things go: what is stated of them is true and all of it, and the judge knows it from lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from kinescribe.checks import Measurements, check
from kinescribe.language import names
from kinescribe.language.render import said_span
from kinescribe.questions.statements import claim
from kinescribe.records import MotionFact, Poses
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.vocabulary import OPPOSITES, RELATIONS
from quality.matching import same
from tests.generator import ALL_SCENARIOS
from tests.travelling import TRAVEL_SCENARIOS
from tests.worlds import Truth, World, truth

SEEDS = range(3)
PATHS = (
    *TRAVEL_SCENARIOS, "start_stop", "pause", "circle", "curve", "zigzag", "back_and_forth_horizontal",
    "back_and_forth_vertical", "move_upper_left", "enter_left", "leave_down", "cut",
)  # fmt: skip
OTHER_SPEED = {"accelerate": "decelerate", "decelerate": "accelerate"}
SHAPES = ("straight", "curved", "circular", "zigzag")
ENDS_S = 0.2
"""How far the ends of a span may be off."""
INSIDE = ("accelerate", "decelerate", "toward_camera")
"""What is shown by a part of its time: starts, stops and the ends of what is known are left out."""


def measured(known: Truth) -> tuple[Measurements, list[MotionFact]]:
    none = np.zeros((0, len(known.clip.times_s), 33, 3))
    poses = Poses(np.zeros(0, np.int64), none, none, "blazepose33")
    camera = replace(known.camera, score=0.0, terms=np.zeros(4))
    kinematics = MeasureKinematics()(known.clip, camera, known.tracks, poses)
    events = FindEvents()(known.clip, camera, known.tracks, poses, kinematics)
    facts = StateFacts()(known.clip, camera, known.tracks, events).facts
    own = [fact for fact in facts if fact.predicate not in RELATIONS]
    return Measurements(known.clip, camera, known.tracks, poses, kinematics), own


@pytest.fixture(params=[(name, seed) for name in PATHS for seed in SEEDS], ids=lambda p: f"{p[0]}-{p[1]}")
def world(request: pytest.FixtureRequest) -> World:
    name, seed = request.param
    made: World = ALL_SCENARIOS[name](seed)
    return made


def test_all_that_is_true_is_stated_and_nothing_else_and_the_judge_agrees(world):
    known = truth(world)
    measurements, facts = measured(known)
    itself = {track: track for track in (-1, *known.tracks.ids.tolist())}
    assert len(facts) == len(known.facts)
    called = names(known.tracks)
    for fact in facts:
        (true,) = (other for other in known.facts if same(fact, other, itself))
        assert fact.count == true.count
        assert fact.trajectory == true.trajectory
        if fact.subject >= 0 and not {fact.predicate, *fact.direction} & set(INSIDE):
            last = float(known.clip.times_s[-1])
            assert fact.span.start_s == pytest.approx(max(true.span.start_s, 0), abs=ENDS_S)
            assert fact.span.end_s == pytest.approx(min(true.span.end_s, last), abs=ENDS_S)
        assert check(claim(fact, called, said_span(fact)), measurements).holds is True


def lies(fact: MotionFact) -> Iterator[MotionFact]:
    if fact.predicate in OTHER_SPEED:
        yield replace(fact, predicate=OTHER_SPEED[fact.predicate])
    if len(fact.direction) == 1 and fact.direction[0] in OPPOSITES:
        yield replace(fact, direction=(OPPOSITES[fact.direction[0]],))
    if fact.count is not None:
        yield replace(fact, count=fact.count + 1)
    if fact.trajectory in SHAPES:
        yield from (replace(fact, trajectory=shape) for shape in SHAPES if shape != fact.trajectory)
    if fact.predicate in ("stay", "pause"):
        yield replace(fact, predicate="move")


def test_the_judge_refuses_other_ways_numbers_shapes_and_changes_of_speed(world):
    known = truth(world)
    measurements, facts = measured(known)
    called = names(known.tracks)
    for fact in facts:
        for lie in lies(fact) if fact.subject >= 0 else ():
            judged = check(claim(lie, called, said_span(fact)), measurements)
            assert judged.holds is False, (lie, judged.why)


def test_a_denial_of_a_start_is_refused_and_of_one_elsewhere_is_not_confirmed():
    known = truth(ALL_SCENARIOS["sets_off"](0))
    measurements, facts = measured(known)
    (start,) = (fact for fact in facts if fact.predicate == "start")
    said = claim(start, names(known.tracks), said_span(start))
    assert check(replace(said, action=replace(said.action, negated=True)), measurements).holds is False
    late = replace(start, span=start.span._replace(start_s=2.2, end_s=2.4))
    assert check(claim(late, names(known.tracks), said_span(late)), measurements).holds is False


@pytest.mark.parametrize(
    "name", ["accelerates", "speeds_up_then_slows_down", "speeds_up_round_a_bend", "zigzag", "circle"]
)
@pytest.mark.parametrize("fps", [8.0, 15.0, 30.0])
def test_the_rate_of_looking_changes_nothing(name, fps):
    world = ALL_SCENARIOS[name](1)
    plain = [(f.predicate, f.direction, f.trajectory, f.count) for f in measured(truth(world))[1]]
    assert [
        (f.predicate, f.direction, f.trajectory, f.count) for f in measured(truth(world, fps))[1]
    ] == plain
