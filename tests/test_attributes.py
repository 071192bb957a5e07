"""Kinematic attributes for a model: numbers against the truth, only what is reliable, no larger than the pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.inputs.attributes import SERIES, attributes, reliable
from kinescribe.inputs.frames import FrameSettings, choose
from kinescribe.plain import to_json
from kinescribe.records import Kinematics
from kinescribe.stages.kinematics import MeasureKinematics
from kinescribe.vocabulary import ANGLES, COMPASS
from tests.bodies import BODY_SCENARIOS, Body, Skeletons, disturbed, stage_bodies


def measured(bodies: Skeletons) -> Kinematics:
    return MeasureKinematics()(bodies.clip, bodies.camera, bodies.tracks, bodies.poses)


def told_of(bodies: Skeletons, max_frames: int = 32) -> dict[str, Any]:
    """What is told of everybody who is reliable."""
    motion = measured(bodies)
    samples = choose(bodies.clip.times_s, FrameSettings(max_frames=max_frames)).samples
    told = attributes(bodies.clip, bodies.tracks, motion, samples, reliable(bodies.clip, motion.joints))
    assert json.loads(to_json(told)) == told  # plain JSON, without NaN
    return told


def all_series(of: Mapping[str, Any]) -> list[list[Any]]:
    joints = of.get("joints", {}).values()
    return [
        *(value for key, value in of.items() if key in SERIES),
        *(joint[key] for joint in joints for key in ("angle", "rate") if key in joint),
    ]


def swinging(hz: float, seconds: float = 6.0, far: float = 60.0) -> Skeletons:
    """Somebody whose left elbow swings as a sine between 175 degrees and less."""
    angle = {"left_elbow": lambda t: 175 - far / 2 * (1 - np.cos(2 * np.pi * hz * t))}
    return stage_bodies("swinging", (Body(angle),), seconds)


# --- numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lifts_left_arm", "curls_right_elbow", "knee_bends", "raise_both_arms"])
@pytest.mark.parametrize("seed", [0, 3])
def test_angles_are_those_of_the_body_at_the_pictures(name: str, seed: int) -> None:
    bodies = BODY_SCENARIOS[name](seed)
    told = told_of(bodies)["person #0"]
    samples = list(choose(bodies.clip.times_s, FrameSettings()).samples)
    assert told["t"] == bodies.clip.times_s[samples].round(2).tolist()
    for j, joint in enumerate(ANGLES):
        truth = bodies.angles_deg[0, :, j]
        if np.ptp(truth) < 5:
            assert told["resting"][joint] == pytest.approx(np.median(truth), abs=3), joint
        elif np.ptp(truth) > 30:
            # Smoothing over half a second rounds off where a swing turns.
            np.testing.assert_allclose(told["joints"][joint]["angle"], truth[samples], atol=12)
            assert told["joints"][joint]["range"] == pytest.approx(np.ptp(truth), rel=0.2)
    assert set(told["joints"]) | set(told["resting"]) == set(ANGLES)


@pytest.mark.parametrize("hz", [0.5, 1.0])
def test_a_swing_has_its_own_rhythm_and_speed(hz: float) -> None:
    told = told_of(swinging(hz))["person #0"]
    (joint,) = told["joints"].values()
    assert list(told["joints"]) == ["left_elbow"]
    assert joint["hz"] == pytest.approx(hz, abs=0.2)
    assert joint["high"] < 0.05
    # The root mean square of a sine of 30 degrees, less what smoothing over 7 samples takes.
    rms = 30 * 2 * np.pi * hz / np.sqrt(2) * {0.5: 0.89, 1.0: 0.61}[hz]
    assert np.sqrt(joint["energy"]) == pytest.approx(rms, rel=0.1)
    assert np.mean(joint["rate"][1:-1]) == pytest.approx(rms, rel=0.15)
    assert told["turning"] == joint["rate"]  # the only joint that moves
    assert max(told["turning_score"]) == 1.0


def test_numbers_of_the_spectrum_are_those_of_the_record() -> None:
    bodies = swinging(0.5)
    motion = measured(bodies)
    ten = np.arange(10.0)[None]
    joints = replace(
        motion.joints, energy=1000 + ten, high_share=ten / 100, sigma=ten / 3, dominant_hz=ten / 10
    )
    told = attributes(bodies.clip, bodies.tracks, replace(motion, joints=joints), [0, 9], [0])
    joint = told["person #0"]["joints"]["left_elbow"]
    assert {key: joint[key] for key in ("energy", "high", "spread", "hz")} == {
        "energy": 1002, "high": 0.02, "spread": 0.67, "hz": 0.2,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "way"), [("walks_left", "left"), ("walks_right", "right")])
@pytest.mark.parametrize("seed", [0, 1])
def test_who_walks_goes_that_way_in_body_lengths(name: str, way: str, seed: int) -> None:
    bodies = BODY_SCENARIOS[name](seed)
    told = told_of(bodies)["person #0"]
    assert set(told["way"]) == {way}
    hips = bodies.poses.keypoints[0, :, [23, 24], 0].mean(0)
    height = np.median(bodies.tracks.xyxy[0, :, 3] - bodies.tracks.xyxy[0, :, 1])
    truth = abs(hips[-1] - hips[0]) / np.ptp(bodies.clip.times_s) / height
    assert np.mean(told["speed"][1:-1]) == pytest.approx(truth, rel=0.1)
    assert max(told["speed_score"]) == 1.0
    assert min(told["speed_score"]) > 0.7


def test_who_stands_has_no_way_and_no_scores() -> None:
    told = told_of(disturbed(BODY_SCENARIOS["stand"](2), 2, jitter_m=0.01))["person #0"]
    assert not {"way", "speed_score", "turning_score", "rhythm"} & set(told)
    assert max(told["speed"]) < 0.1
    assert set(told["resting"]) == set(ANGLES)


def test_leaning_and_turning_are_told_where_they_happen() -> None:
    bow = told_of(BODY_SCENARIOS["bows"](1))["person #0"]
    assert max(bow["lean"]) > 60
    turn = told_of(BODY_SCENARIOS["turns_clockwise"](0))["person #0"]
    assert turn["facing"][-1] - turn["facing"][0] < -60
    assert "lean" not in turn
    assert not {"lean", "facing"} & set(told_of(swinging(1.0))["person #0"])


# --- only what is reliable ----------------------------------------------------------------------------------


def scored(bodies: Skeletons, joint: int, score: float, until_s: float = np.inf) -> Skeletons:
    keypoints = bodies.poses.keypoints.copy()
    keypoints[:, bodies.clip.times_s < until_s, joint, 2] = score
    return replace(bodies, poses=replace(bodies.poses, keypoints=keypoints))


LEFT_WRIST = 15


@pytest.mark.parametrize(("score", "known"), [(0.59, False), (0.6, True)])
def test_an_angle_needs_all_three_of_its_points(score: float, known: bool) -> None:
    """KPM B.2: without the wrist, there is no elbow."""
    told = told_of(scored(swinging(1.0), LEFT_WRIST, score))["person #0"]
    assert ("left_elbow" in {**told.get("joints", {}), **told["resting"]}) == known
    assert "right_elbow" in told["resting"]


def test_what_is_unknown_for_a_while_is_null_then() -> None:
    told = told_of(scored(swinging(1.0), LEFT_WRIST, 0.2, until_s=2.9))["person #0"]
    angle = told["joints"]["left_elbow"]["angle"]
    assert [value is None for value in angle] == [t < 2.9 for t in told["t"]]


@pytest.mark.parametrize(("seen_s", "enough"), [(0.5, False), (0.9, False), (1.2, True), (6.0, True)])
def test_nobody_is_reliable_who_is_seen_for_less_than_a_second(seen_s: float, enough: bool) -> None:
    bodies = swinging(1.0)
    poses = bodies.poses.keypoints.copy()
    poses[:, bodies.clip.times_s >= seen_s, :, 2] = 0.3
    hidden = replace(bodies, poses=replace(bodies.poses, keypoints=poses))
    assert reliable(hidden.clip, measured(hidden).joints) == ([0] if enough else [])


def test_who_is_known_longest_comes_first_and_nobody_gives_nothing() -> None:
    two = stage_bodies("two", (Body(ground=lambda t: (80, 170)), Body(ground=lambda t: (240, 170))), 4.0)
    poses = two.poses.keypoints.copy()
    poses[0, two.clip.times_s > 2.5, :, 2] = 0.1
    half = replace(two, poses=replace(two.poses, keypoints=poses))
    assert reliable(half.clip, measured(half).joints) == [10, 0]
    assert list(told_of(half)) == ["person #10", "person #0"]
    poses[...] = np.nan
    assert told_of(replace(two, poses=replace(two.poses, keypoints=poses))) == {}


def test_times_reach_from_the_first_to_the_last_that_is_known() -> None:
    bodies = swinging(1.0)
    poses, boxes = bodies.poses.keypoints.copy(), bodies.tracks.xyxy.copy()
    away = (bodies.clip.times_s < 1.9) | (bodies.clip.times_s > 4.1)
    poses[:, away], boxes[:, away] = np.nan, np.nan
    tracks = replace(bodies.tracks, xyxy=boxes)
    told = told_of(replace(bodies, tracks=tracks, poses=replace(bodies.poses, keypoints=poses)))
    assert told["person #0"]["t"] == [2.0, 2.5, 3.0, 3.5, 4.0]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.sampled_from(["walks_left", "bows", "jumps"]))
def test_whatever_is_unseen_the_series_are_aligned_and_plain(seed: int, share: float, name: str) -> None:
    bodies = BODY_SCENARIOS[name](0)
    rng = np.random.default_rng(seed)
    poses, boxes = bodies.poses.keypoints.copy(), bodies.tracks.xyxy.copy()
    poses[..., 2] = np.where(rng.random(poses.shape[:3]) < share, 0.2, poses[..., 2])
    boxes[rng.random(boxes.shape[:2]) < share / 2] = np.nan
    hidden = replace(
        bodies,
        tracks=replace(bodies.tracks, xyxy=boxes),
        poses=replace(bodies.poses, keypoints=poses),
    )
    for of in told_of(hidden).values():
        series = all_series(of)
        assert {len(one) for one in series} <= {len(of["t"])}
        for ends in (0, -1):
            assert any(one[ends] is not None for one in series)
        scores = [x for key in ("speed_score", "turning_score") for x in of.get(key, []) if x is not None]
        assert all(0 <= x <= 1 for x in scores)
        assert all(way is None or way in COMPASS for way in of.get("way", []))
        for joint in of.get("joints", {}).values():
            assert all(x is None or 0 <= x <= 180 for x in joint.get("angle", []))
            assert joint["range"] >= 15


# --- size ---------------------------------------------------------------------------------------------------


def test_the_size_grows_with_the_pictures_and_not_with_the_clip() -> None:
    short, long = (len(to_json(told_of(swinging(0.5, seconds)))) for seconds in (15.0, 90.0))
    assert long < 1.1 * short


def test_a_body_in_full_motion_for_ten_seconds_is_short_enough() -> None:
    """Some 2.5 characters of numbers are a token: 1500 tokens."""
    angles = {name: (lambda t, i=i: 120 - 40 * np.cos(2 * t + i)) for i, name in enumerate(ANGLES)}
    body = Body(angles, ground=lambda t: (60 + 20 * t, 170))
    text = to_json(told_of(stage_bodies("all", (body,), 10.0)))
    assert len(text) < 4000
