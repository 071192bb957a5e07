"""Kinematics of bodies against bodies whose motion is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.kinematics import body
from kinescribe.vocabulary import ANGLE_PAIRS, ANGLES, BLAZEPOSE_33, SKELETONS

NAMES = BLAZEPOSE_33
J = list(ANGLES)
UPRIGHT = {
    "nose": (0, -1.7), "ear": (0.08, -1.7), "eye": (0.03, -1.72), "shoulder": (0.2, -1.45), "elbow": (0.25, -1.15),
    "wrist": (0.28, -0.9), "index": (0.28, -0.8), "hip": (0.12, -0.95), "knee": (0.13, -0.5), "ankle": (0.13, -0.1),
    "heel": (0.13, -0.05), "foot_index": (0.16, 0.0),
}  # fmt: skip
"""Metres, x for the right of the picture, y down; the left side lies at positive x."""


def standing(samples: int) -> np.ndarray:
    """A body that stands, in three dimensions."""
    points = np.zeros((samples, len(NAMES), 3))
    for i, name in enumerate(NAMES):
        side, _, part = name.partition("_")
        x, y = UPRIGHT.get(part, UPRIGHT.get(name, (0.03, -1.65)))
        points[:, i] = [x if side == "left" else -x, y, 0.05 if "foot" in name else 0]
    return points


def measured(points: np.ndarray, rate: float = 10.0, score: np.ndarray | None = None, **more):
    times = np.arange(len(points)) / rate
    known = np.ones(points.shape[:2]) if score is None else score
    return body.measure(points, known, times, "blazepose33", body.BodySettings(**more))


def bend(points: np.ndarray, angle_deg: np.ndarray, side: str = "left") -> np.ndarray:
    """Turn a forearm so that the elbow has these inner angles."""
    points = points.copy()
    shoulder, elbow, wrist = (NAMES.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist"))
    arm = points[:, shoulder] - points[:, elbow]
    way = arm / np.linalg.norm(arm, axis=1, keepdims=True)
    across = np.stack([-way[:, 1], way[:, 0], 0 * way[:, 0]], 1)
    turn = np.radians(angle_deg)[:, None]
    points[:, wrist] = points[:, elbow] + 0.25 * (np.cos(turn) * way + np.sin(turn) * across)
    return points


def test_masses_add_up_to_one_body():
    assert sum(segment.mass for segment in body.SEGMENTS) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("skeleton", [name for name, points in SKELETONS.items() if "left_hip" in points])
def test_every_segment_is_made_of_points_that_some_skeleton_has(skeleton):
    names = {name for segment in body.SEGMENTS for name in (*segment.proximal, *segment.distal)}
    assert names <= {*SKELETONS["blazepose33"]}
    missing = names - set(SKELETONS[skeleton])
    assert all("foot" in name or "heel" in name or "index" in name for name in missing)


def test_a_body_that_travels_takes_its_centre_of_mass_along():
    points = standing(30)
    points[..., 0] += np.arange(30)[:, None] * 0.1
    found = measured(points)
    assert found.torso == pytest.approx(np.hypot(0.5, 0), abs=1e-6)
    np.testing.assert_allclose(found.com_speed, 1.0 / 0.5, atol=1e-6)
    np.testing.assert_allclose(found.point_speed, 2.0, atol=1e-6)
    np.testing.assert_allclose(np.diff(found.centre_of_mass[:, 0]), 0.1, atol=1e-6)
    assert (found.angles.range_deg < 1e-6).all()


def test_a_waving_hand_hardly_moves_the_centre_of_mass():
    """KPM's mean of all points would be ten times as much."""
    points = standing(40)
    hand = [NAMES.index(f"left_{p}") for p in ("wrist", "index", "pinky", "thumb")]
    points[:, hand, 0] += 0.2 * np.sin(2 * np.pi * np.arange(40) / 10)[:, None]
    found = measured(points)
    assert np.nanmax(found.com_speed) < 0.1 * np.nanmax(found.point_speed[:, hand[0]])
    assert np.nanmax(found.com_speed) > 0


def test_the_centre_of_mass_of_a_standing_body_is_at_its_navel():
    com = body.centre_of_mass(standing(1), "blazepose33")
    assert com[0, 0] == pytest.approx(0, abs=1e-9)
    assert -1.1 < com[0, 1] < -0.95  # de Leva: 43 % of the stature from the feet, a little above the hips


def test_too_little_of_a_body_has_no_centre_of_mass():
    points = standing(5)
    points[:, [i for i, name in enumerate(NAMES) if "hip" in name]] = np.nan
    assert np.isnan(body.centre_of_mass(points, "blazepose33")).all()
    points = standing(5)
    points[:, [i for i, name in enumerate(NAMES) if "ankle" in name or "wrist" in name]] = np.nan
    assert np.isfinite(body.centre_of_mass(points, "blazepose33")).all()


@pytest.mark.parametrize("rate", [8.0, 10.0, 30.0])
@pytest.mark.parametrize("hertz", [0.5, 1.0])
def test_an_elbow_that_swings_has_its_range_power_and_frequency(rate, hertz):
    times = np.arange(0, 8, 1 / rate)
    eta = 90 + 30 * np.sin(2 * np.pi * hertz * times)
    found = measured(bend(standing(len(times)), eta), rate)
    j = J.index("left_elbow")
    assert found.angles.range_deg[j] == pytest.approx(60, rel=0.1)
    assert found.angles.dominant_hz[j] == pytest.approx(hertz, abs=0.13)
    # What a fitted slope leaves of a sine's: known exactly for the samples in the window.
    near = np.arange(-int(0.25 * rate + 1e-6), int(0.25 * rate + 1e-6) + 1) / rate
    omega = 2 * np.pi * hertz
    gain = (near * np.sin(omega * near)).sum() / (omega * (near**2).sum())
    assert found.angles.rms_deg_s[j] == pytest.approx(30 * omega / np.sqrt(2) * gain, rel=0.05)
    assert found.angles.energy[j] == pytest.approx(found.angles.rms_deg_s[j] ** 2, rel=0.15)
    assert found.angles.high_share[j] < 0.02
    assert found.angles.range_deg[J.index("right_elbow")] < 1e-6


def test_jitter_is_not_speed():
    """1 cm of noise at 30 fps reads 0.68 m/s by frame differences."""
    points = standing(90) + np.random.default_rng(1).normal(0, 0.01, (90, len(NAMES), 3))
    raw = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean() * 30 / 0.5
    assert np.nanmean(measured(points, 30.0).point_speed) < 0.15 * raw


def test_short_gaps_are_bridged_and_long_ones_stay_unknown():
    times = np.arange(0, 4, 0.1)
    points = bend(standing(40), 90 + 20 * np.sin(times))
    score = np.ones(points.shape[:2])
    wrist = NAMES.index("left_wrist")
    score[10:12, wrist] = 0
    score[20:27, wrist] = 0.2
    points[20:27, wrist] = 99
    angle = measured(points, score=score).angle_deg[:, J.index("left_elbow")]
    assert np.isfinite(angle[:20]).all()
    assert np.isnan(angle[20:27]).all()
    np.testing.assert_allclose(angle[27:], 90 + 20 * np.sin(times[27:]), atol=1.5)


@given(st.integers(0, 10_000), st.floats(0.05, 0.6), st.floats(0.05, 1.0))
@settings(max_examples=40)
def test_bridging_agrees_with_one_signal_at_a_time(seed, missing, longest):
    from kinescribe.geometry import fill_gaps

    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.02, 0.2, 25))
    points, known = rng.normal(size=(25, 4, 2)), rng.random((25, 4)) > missing
    found = body.bridged(times, points, known, longest)
    for k in range(4):
        for c in range(2):
            expected = fill_gaps(times, np.where(known[:, k], points[:, k, c], np.nan), longest)
            np.testing.assert_allclose(found[:, k, c], expected)


def test_the_end_of_the_foot_is_chosen_once():
    points, score = standing(20), np.ones((20, len(NAMES)))
    score[5:7, NAMES.index("left_heel")] = 0.1
    angle = measured(points, score=score).angle_deg[:, J.index("left_ankle")]
    np.testing.assert_allclose(angle, angle[0], atol=1e-6)


def test_both_arms_in_unison_and_in_turn():
    times = np.arange(0, 6, 0.1)
    swing = 30 * np.sin(2 * np.pi * times / 2)
    for sign in (1, -1):
        points = bend(bend(standing(60), 110 + swing), 110 + sign * swing, "right")
        found = measured(points)
        p = ANGLE_PAIRS.index("elbow")
        assert found.angles.symmetry[p] == pytest.approx(1, abs=0.02)
        assert found.angles.phase[p] == pytest.approx(sign, abs=0.01)
    assert np.isnan(found.angles.phase[ANGLE_PAIRS.index("knee")])
    half = measured(bend(bend(standing(60), 110 + swing), 110 + swing / 2, "right"))
    assert half.angles.symmetry[p] == pytest.approx(0.5, abs=0.03)


def test_a_jerky_movement_is_less_smooth_than_a_reach():
    times = np.linspace(0, 2, 101)
    x = times / 2
    reach = 30 * x**2 * (1 - x) ** 2 / 2  # speed of a minimum-jerk reach (Flash & Hogan 1985)
    smooth = body.smoothness(times, reach)
    assert smooth == pytest.approx(-np.log(204.8), abs=0.1)  # in closed form: D^3 / v_peak^2 * 1/D^3 * 720
    jerky = body.smoothness(times, reach + 0.1 * np.sin(2 * np.pi * 5 * times))
    assert jerky < smooth - 1
    assert np.isnan(body.smoothness(times[:5], reach[:5]))
    assert np.isnan(body.smoothness(times, 0 * reach))


@given(st.floats(0.2, 5), st.floats(0, 2 * np.pi))
@settings(max_examples=20)
def test_nearness_and_the_view_from_a_turned_camera_change_no_angle_and_no_torsos(scale, roll):
    points = bend(standing(30), 100 + 20 * np.sin(np.arange(30) / 4))
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    one, two = measured(points), measured(scale * points @ turn.T)
    np.testing.assert_allclose(two.angle_deg, one.angle_deg, atol=1e-5)
    np.testing.assert_allclose(two.point_speed, one.point_speed, atol=1e-6)
    np.testing.assert_allclose(two.com_speed, one.com_speed, atol=1e-6)
    assert two.torso == pytest.approx(scale * one.torso)


def test_nobody_is_unknown_and_not_zero():
    found = measured(standing(10), score=np.zeros((10, len(NAMES))))
    for values in (*found.angles, *(v for name, v in vars(found).items() if name != "angles")):
        assert np.isnan(values).all()
