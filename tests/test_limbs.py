"""Bodies whose joints are known exactly: what is said of them is true, all of it is said, and lies are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from kinescribe.checks import Measurements, check, claims_of
from kinescribe.events import EventSettings, Scene, limbs
from kinescribe.facts import FactSettings
from kinescribe.facts.limbs import counted
from kinescribe.kinematics.posture import Figure, wavering
from kinescribe.questions import statements
from kinescribe.records import CameraMotion, Event, MotionFact, Poses, Span
from kinescribe.stages.events import FindEvents
from kinescribe.stages.facts import StateFacts
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.vocabulary import BLAZEPOSE_33, OPPOSITES
from quality.matching import score, subjects
from tests import bodies
from tests.bodies import BODY_SCENARIOS, Body, Skeletons, disturbed, stage_bodies

SEED = 1
WRONG_WAY = {"raise": "lower", "lower": "raise", "bend": "straighten", "straighten": "bend"}


def camera_of(people: Skeletons) -> CameraMotion:
    return replace(people.camera, score=0.0, terms=np.zeros(4))


@cache
def measured(people: Skeletons) -> Measurements:
    camera = camera_of(people)
    kinematics = MeasureKinematics()(people.clip, camera, people.tracks, people.poses)
    return Measurements(people.clip, camera, people.tracks, people.poses, kinematics)


def facts_of(people: Skeletons) -> tuple[MotionFact, ...]:
    m = measured(people)
    events = FindEvents()(m.clip, m.camera, m.tracks, m.poses, m.kinematics)
    facts = StateFacts()(m.clip, m.camera, m.tracks, events).facts
    return tuple(fact for fact in facts if fact.subject == 0)


def said(people: Skeletons) -> list[tuple[str, str | None, tuple[str, ...], int | None]]:
    """What is stated of the body beside its travel, without times."""
    about = ("raise", "lower", "bend", "straighten", "lean", "turn", "jump")
    return [(f.predicate, f.part, f.direction, f.count) for f in facts_of(people) if f.predicate in about]


@cache
def world(name: str, seed: int = SEED) -> Skeletons:
    return BODY_SCENARIOS[name](seed)


# --- what is said is what is true ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", BODY_SCENARIOS)
def test_all_that_is_true_is_said_and_nothing_else(name: str) -> None:
    people = world(name)
    stated = [fact for fact in facts_of(people) if fact.predicate not in people.silent]
    found = score(stated, people.facts, subjects(people.tracks, people.tracks))
    assert found.right == found.stated == found.true, (stated, people.facts)
    for fact in stated:
        known = next(k for k in people.facts if (k.predicate, k.part) == (fact.predicate, fact.part))
        assert fact.count == known.count, "exact joints leave no doubt about numbers"


@pytest.mark.parametrize(
    "name", ["lifts_left_arm", "kicks_right_leg", "curls_both_elbows", "jumps", "knee_bends"]
)
@pytest.mark.parametrize(("jitter_m", "gap_s"), [(0.02, 0.0), (0.0, 0.2)], ids=["jitter", "gaps"])
def test_numbers_of_disturbed_joints_are_right_or_refused(name: str, jitter_m: float, gap_s: float) -> None:
    for seed in (2, 3):
        people = disturbed(world(name, seed), seed, jitter_m, gap_s)
        true = {(f.predicate, f.part): f.count for f in people.facts}
        for predicate, part, _, count in said(people):
            assert count is None or count == true.get((predicate, part)), (predicate, part, count, true)


@pytest.mark.parametrize("name", ["kicks_left_leg", "leans_forward", "turns_clockwise", "walks_left"])
def test_a_net_without_depth_says_nothing_that_only_depth_shows(name: str) -> None:
    people = disturbed(world(name), SEED, flat=True)
    true = {(f.predicate, f.part) for f in people.facts}
    assert {(predicate, part) for predicate, part, *_ in said(people)} <= true


def test_without_depth_a_forearm_that_comes_up_lifts_the_hand_and_not_the_arm() -> None:
    people = disturbed(world("curls_left_elbow", 2), 2, flat=True)
    assert {(predicate, part) for predicate, part, *_ in said(people)} == {
        ("raise", "left_hand"),
        ("lower", "left_hand"),
    }


# --- what fools skeletons -----------------------------------------------------------------------------------


def test_limbs_of_somebody_small_are_not_told() -> None:
    raised = {"left_shoulder": bodies.eased((1.0, 15.0), (2.0, 160.0))}
    tall, small = (
        stage_bodies("small", (Body(raised, px_per_m=scale),), 3.0, fps=10) for scale in (60.0, 40.0)
    )
    assert ("raise", "left_arm", (), None) in said(tall)
    assert not said(small)


def test_a_skeleton_that_takes_the_back_for_the_front_turns_nobody() -> None:
    people = world("stand", 3)
    swapped = [BLAZEPOSE_33.index(_other(name)) for name in BLAZEPOSE_33]
    keypoints, space = people.poses.keypoints.copy(), people.poses.world.copy()
    keypoints[:, 14:] = keypoints[:, 14:, swapped]
    space[:, 14:] = space[:, 14:, swapped] * [1, 1, -1]
    assert not said(replace(people, poses=replace(people.poses, keypoints=keypoints, world=space)))


def test_a_knee_does_not_bend_between_a_hip_and_a_foot_that_stay() -> None:
    """The depth guesses; the picture shows a straight leg all the time."""
    people = world("stand", 3)
    space = people.poses.world.copy()
    knee = BLAZEPOSE_33.index("left_knee")
    space[0, :, knee, 2] -= 0.35 * (1 - np.cos(2 * np.pi * people.clip.times_s / 1.5)) / 2
    assert not said(replace(people, poses=replace(people.poses, world=space)))


def test_a_squat_raises_no_leg() -> None:
    people = world("knee_bends")
    where = measured(people)
    lie = MotionFact("", 0, "raise", Span(0.0, people.clip.times_s[-1]), part="both_legs")
    assert check(statements.claim(lie, {0: "the person"}, None), where).holds is False


# --- mirrored and reversed ----------------------------------------------------------------------------------


def _other(name: str) -> str:
    return name.replace("left", "?").replace("right", "left").replace("?", "right")


def mirrored(people: Skeletons) -> Skeletons:
    swapped = [BLAZEPOSE_33.index(_other(name)) for name in BLAZEPOSE_33]
    keypoints, space = people.poses.keypoints[:, :, swapped].copy(), people.poses.world[:, :, swapped].copy()
    keypoints[..., 0] = people.clip.width - keypoints[..., 0]
    space[..., 0] *= -1
    boxes = people.tracks.xyxy.copy()
    boxes[..., [0, 2]] = people.clip.width - boxes[..., [2, 0]]
    poses = replace(people.poses, keypoints=keypoints, world=space)
    return replace(people, poses=poses, tracks=replace(people.tracks, xyxy=boxes))


def reversed_in_time(people: Skeletons) -> Skeletons:
    poses = replace(
        people.poses, keypoints=people.poses.keypoints[:, ::-1], world=people.poses.world[:, ::-1]
    )
    return replace(people, poses=poses, tracks=replace(people.tracks, xyxy=people.tracks.xyxy[:, ::-1]))


@pytest.mark.parametrize(
    "name",
    [
        "raise_left_arm",
        "kicks_right_leg",
        "curls_left_elbow",
        "leans_left",
        "leans_forward",
        "turns_clockwise",
    ],
)
def test_a_mirror_swaps_the_sides(name: str) -> None:
    sides = {
        "left": "right",
        "right": "left",
        "clockwise": "counterclockwise",
        "counterclockwise": "clockwise",
    }
    expected = sorted(
        (predicate, part and _other(part), tuple(sides.get(d, d) for d in direction), count)
        for predicate, part, direction, count in said(world(name))
    )
    assert expected
    assert sorted(said(mirrored(world(name)))) == expected


@pytest.mark.parametrize(
    "name", ["raise_left_arm", "lifts_both_arms", "knee_bends", "turns_counterclockwise"]
)
def test_time_that_runs_backward_undoes_what_is_done_in_the_opposite_order(name: str) -> None:
    forward, backward = said(world(name)), said(reversed_in_time(world(name)))
    undone = [
        (WRONG_WAY.get(predicate, predicate), part, tuple(OPPOSITES[d] for d in direction), count)
        for predicate, part, direction, count in reversed(forward)
    ]
    assert undone
    assert sorted(undone, key=str) == sorted(backward, key=str)


# --- the judge ----------------------------------------------------------------------------------------------


def lies(fact: MotionFact) -> Iterator[MotionFact]:
    """The other way, another number, the other side, and the reverse of what is done once."""
    if fact.direction:
        yield replace(fact, direction=(OPPOSITES[fact.direction[0]],))
    if fact.count is not None:
        yield replace(fact, count=fact.count + 1)
        yield replace(fact, count=fact.count - 1)
    if fact.part and not fact.part.startswith("both"):
        yield replace(fact, part=_other(fact.part))
    if fact.part and fact.count is None:
        yield replace(fact, predicate=WRONG_WAY[fact.predicate])


@pytest.mark.parametrize("name", BODY_SCENARIOS)
def test_the_judge_believes_truths_and_refuses_lies(name: str) -> None:
    people = world(name)
    where = measured(people)
    for fact in people.facts:
        true = check(statements.claim(fact, {0: "the person"}, fact.span), where)
        assert true.holds is True, (fact, true.why)
        for lie in lies(fact):
            found = check(statements.claim(lie, {0: "the person"}, lie.span), where)
            assert found.holds is False, (lie, found.why)


@pytest.mark.parametrize(
    ("name", "predicate", "word", "holds"),
    [
        ("raise_left_arm", "raise", "fully", True),
        ("lifts_left_arm", "raise", "fully", False),
        ("heel_left_knee", "bend", "deeply", True),
        ("heel_left_knee", "bend", "slightly", None),
        ("kicks_left_leg", "raise", "deeply", True),  # not a word for what is lifted: it says nothing
    ],
)
def test_words_for_how_far_are_judged(name: str, predicate: str, word: str, holds: bool | None) -> None:
    people = world(name)
    fact = next(f for f in people.facts if f.predicate == predicate)
    claim = statements.claim(fact, {0: "the person"}, fact.span)
    claim = replace(claim, action=replace(claim.action, magnitude=word))
    assert check(claim, measured(people)).holds is holds


def test_nobody_without_a_skeleton_is_judged() -> None:
    people = world("jumps")
    nobody = Poses(np.zeros(0, np.int64), np.zeros((0, 1, 33, 3)), np.zeros((0, 1, 33, 3)), "blazepose33")
    where = replace(measured(people), poses=nobody)
    for predicate in ("jump", "lean", "turn"):
        claim = statements.claim(MotionFact("", 0, predicate, Span(0, 1)), {0: "the person"}, None)
        assert check(claim, where).holds is None


@pytest.mark.parametrize(
    "text",
    [
        "The person turns the head to the left.",
        "The person turns the right wrist.",
        "The person turns the wheel.",
        "The person turns the page twice.",
        "The person leans the head to the left.",
    ],
)
def test_what_turns_beside_the_body_is_not_judged_as_the_body(text: str) -> None:
    where = measured(world("stand"))
    (claim,) = claims_of(text, where.tracks)
    assert check(claim, where).holds is None
    (whole,) = claims_of("The person turns the body to the left.", where.tracks)
    assert check(whole, where).holds is False


# --- parts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cycles", "count"), [((4.0,), 4), ((3.5,), 4), ((5.0,), None), ((4.0, 5.0), None), ((), None)]
)
def test_a_number_needs_a_rhythm_with_as_many_cycles(cycles: tuple[float, ...], count: int | None) -> None:
    swings = [
        Event(0, "raise", Span(i, i + 0.5), {"from": -1.0, "to": 0.0}, part="left_arm") for i in range(4)
    ]
    rhythms = [Event(0, "repeat", Span(0, 3.5), {"cycles": c}, part="left_arm") for c in cycles]
    assert counted(swings, [*swings, *rhythms], FactSettings()) == count
    elsewhere = [Event(0, "repeat", Span(0, 3.5), {"cycles": 4.0}, part="right_arm")]
    assert counted(swings, [*swings, *elsewhere], FactSettings()) is None
    short = [Event(0, "repeat", Span(0, 1.5), {"cycles": 4.0}, part="left_arm")]
    assert counted(swings, [*swings, *short], FactSettings()) is None


def test_wavering_is_twice_the_jitter_and_hardly_grows_with_a_swing() -> None:
    times = np.arange(0, 60, 0.1)
    noise = np.random.default_rng(0).normal(0, 0.1, len(times))
    assert wavering(noise) == pytest.approx(0.2, rel=0.15)
    assert wavering(np.sin(2 * np.pi * times)) < 0.05
    assert wavering(np.full(10, np.nan)) == wavering(np.zeros(3)) == 0.0


def test_a_figure_bridges_short_gaps_only_and_counts_in_trunks() -> None:
    people = world("stand", 3)
    points = people.poses.keypoints[0].copy()
    wrist = BLAZEPOSE_33.index("left_wrist")
    points[5:7, wrist, 2] = 0.1
    points[12:16, wrist, 2] = 0.1
    place = Figure(people.clip.times_s, points, "blazepose33").at("left_wrist")
    assert np.flatnonzero(np.isnan(place[:, 0])).tolist() == [12, 13, 14, 15]
    whole = Figure(people.clip.times_s, people.poses.keypoints[0], "blazepose33")
    trunk = whole.at("shoulder") - whole.at("hip")
    np.testing.assert_allclose(trunk[:, 1], 1.0)
    assert whole.upright.all()
    assert not whole.flips.any()


def test_a_swing_says_when_most_of_it_happens() -> None:
    people = world("raise_left_arm")
    m = measured(people)
    scene = Scene(m.clip, m.camera, m.tracks, m.poses, m.kinematics)
    (event,) = (e for e in limbs.find(scene, EventSettings(), ()) if e.part == "left_arm")
    true = next(f for f in people.facts if f.predicate == "raise")
    assert event.span.start_s == pytest.approx(true.span.start_s, abs=0.3)
    assert event.span.end_s == pytest.approx(true.span.end_s, abs=0.3)
    assert event.values["to"] - event.values["from"] > event.values["needed"]
