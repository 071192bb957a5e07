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
    before = points.copy()
    found = body.bridged(times, points, known, longest)
    np.testing.assert_array_equal(points, before, err_msg="what is given is left alone")
    for k in range(4):
        for c in range(2):
            expected = fill_gaps(times, np.where(known[:, k], points[:, k, c], np.nan), longest)
            np.testing.assert_allclose(found[:, k, c], expected)


@pytest.mark.parametrize("keypoints", [1, 3])
def test_bridging_leaves_alone_what_already_lies_as_it_wants_it(keypoints):
    points = np.arange(20.0 * keypoints).reshape(keypoints, 1, 20).transpose(2, 0, 1)
    known = np.arange(20)[:, None] % 4 != np.arange(keypoints)
    before = points.copy()
    found = body.bridged(np.arange(20) / 10, points, known, 0.3)
    np.testing.assert_array_equal(points, before)
    inner = slice(3, 17)
    np.testing.assert_allclose(found[inner], before[inner], atol=1e-12)
    assert np.isnan(found[0, 0, 0]), "nothing is known before it"


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


# --- the trunk -----------------------------------------------------------------------------------------------


def posed(yaw: np.ndarray, lean: np.ndarray | float = 0.0, left: np.ndarray | float = 0.0) -> np.ndarray:
    """A standing body whose trunk leans about the hips, forward or to its left, and then turns; degrees."""
    yaw, lean, left = (np.radians(np.broadcast_to(x, np.shape(yaw))) for x in (yaw, lean, left))
    points = standing(len(yaw))
    hips = points[:, [NAMES.index("left_hip"), NAMES.index("right_hip")]].mean(1, keepdims=True)
    points = points - hips
    upper = [i for i, name in enumerate(NAMES) if points[0, i, 1] < -1e-9]
    x, y, z = np.moveaxis(points[:, upper], -1, 0)
    y, z = y * np.cos(lean)[:, None], z + y * np.sin(lean)[:, None]  # upward is -y, forward -z
    x, y = x - y * np.tan(left)[:, None], y
    points[:, upper] = np.stack([x, y, z], -1)
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([c * x - s * z, y, s * x + c * z], -1)


@pytest.mark.parametrize("yaw", [-170.0, -90.0, 0.0, 37.0, 90.0, 180.0])
@pytest.mark.parametrize("lean", [-30.0, 0.0, 45.0, 89.0])
def test_a_trunk_leans_forward_and_faces_somewhere_whatever_the_other(yaw, lean):
    found = measured(posed(np.full(20, yaw), lean)).trunk
    np.testing.assert_allclose(found.lean_deg, lean, atol=1e-6)
    np.testing.assert_allclose(found.lean_left_deg, 0, atol=1e-6)
    np.testing.assert_allclose((found.yaw_deg - yaw + 180) % 360 - 180, 0, atol=1e-6)


@pytest.mark.parametrize("yaw", [0.0, 90.0, -140.0])
@pytest.mark.parametrize("left", [-25.0, 10.0, 50.0])
def test_a_trunk_leans_to_its_own_left(yaw, left):
    found = measured(posed(np.full(20, yaw), left=left)).trunk
    np.testing.assert_allclose(found.lean_left_deg, left, atol=1e-6)
    np.testing.assert_allclose(found.lean_deg, 0, atol=1e-6)


def test_who_faces_the_pictures_right_is_at_90_degrees():
    """The left shoulder of somebody seen from their right side is the farther one."""
    points = posed(np.full(10, 90.0))
    left, right = (NAMES.index(f"{side}_shoulder") for side in ("left", "right"))
    assert (points[:, left, 2] > points[:, right, 2] + 0.3).all()


@pytest.mark.parametrize("turns", [-2, -0.5, 0.75, 3])
def test_turns_are_counted_whole(turns):
    yaw = np.linspace(0, 360 * turns, 61)
    found = measured(posed(yaw)).trunk.yaw_deg
    np.testing.assert_allclose(found - yaw, 0, atol=3)


def test_a_body_whose_sides_are_taken_for_each_other_has_not_turned():
    """Measured on a man before a camera: -5, unknown, -166, unknown, -344 degrees without this."""
    points = posed(np.linspace(0, 30, 40))
    twin = [NAMES.index(_other_side(name)) for name in NAMES]
    points[12:19] = points[12:19][:, twin]
    points[30] = points[30][twin]
    found = measured(points).trunk
    known = np.isfinite(found.yaw_deg)
    assert not known[12:19].any()  # longer than a gap that is bridged
    assert known[[11, 19, 30]].all()
    np.testing.assert_allclose(found.yaw_deg[known], np.linspace(0, 30, 40)[known], atol=0.5)
    np.testing.assert_allclose(found.lean_deg[known], 0, atol=1e-6)


def test_a_body_on_its_side_and_one_in_the_plane_face_nowhere():
    points = standing(20)
    lying = np.stack([points[..., 1], points[..., 0], points[..., 2]], -1)
    for found in (measured(lying).trunk, measured(points[..., :2]).trunk):
        assert all(np.isnan(values).all() for values in found)


def test_an_unseen_shoulder_leaves_the_trunk_unknown():
    score = np.ones((30, len(NAMES)))
    score[10:20, NAMES.index("left_shoulder")] = 0.5
    found = measured(posed(np.zeros(30), 20.0), score=score).trunk
    assert np.isnan(found.lean_deg[10:20]).all()
    np.testing.assert_allclose(np.delete(found.lean_deg, np.s_[10:20]), 20, atol=1e-6)


# --- symmetries ----------------------------------------------------------------------------------------------


def dancing(seed: int, times: np.ndarray) -> np.ndarray:
    """A body that turns, leans and swings all its limbs; slow enough for 10 samples a second."""
    rng = np.random.default_rng(seed)

    def swing(size: float) -> np.ndarray:
        return size * np.sin(2 * np.pi * rng.uniform(0.2, 0.8) * times + rng.uniform(0, 6))

    points = posed(swing(60), swing(20), swing(15))
    for i in range(len(NAMES)):
        for axis in range(3):
            points[:, i, axis] += swing(0.04)
    return points


def _other_side(name: str) -> str:
    for a, b in (("left", "right"), ("right", "left")):
        if name.startswith(a):
            return b + name[len(a) :]
        if name.endswith(a):
            return name[: -len(a)] + b
    return name


SWAPPED = [J.index(_other_side(name)) for name in J]
TWIN = [NAMES.index(_other_side(name)) for name in NAMES]
PER_ANGLE = (
    "range_deg",
    "rms_deg_s",
    "energy",
    "high_share",
    "dominant_hz",
    "sigma",
    "smoothness",
    "jerk_deg_s3",
)
TIMES = np.arange(0, 6, 0.1)


def holes(seed: int, points: np.ndarray) -> np.ndarray:
    """Scores with gaps, short and long."""
    rng = np.random.default_rng(seed)
    score = np.ones(points.shape[:2])
    for _ in range(rng.integers(0, 40)):
        start = rng.integers(0, len(points))
        score[start : start + rng.integers(1, 9), rng.integers(0, len(NAMES))] = 0
    return score


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_a_mirror_swaps_left_and_right_and_nothing_else(seed):
    points = dancing(seed, TIMES)
    score = holes(seed, points)
    one = measured(points, score=score)
    two = measured(points[:, TWIN] * [-1, 1, 1], score=score[:, TWIN])
    np.testing.assert_allclose(two.angle_deg, one.angle_deg[:, SWAPPED], atol=1e-6)
    np.testing.assert_allclose(two.angular_speed_deg_s, one.angular_speed_deg_s[:, SWAPPED], atol=1e-5)
    np.testing.assert_allclose(two.point_speed, one.point_speed[:, TWIN], atol=1e-6)
    np.testing.assert_allclose(two.com_speed, one.com_speed, atol=1e-6)
    np.testing.assert_allclose(two.trunk.lean_deg, one.trunk.lean_deg, atol=1e-6)
    np.testing.assert_allclose(two.trunk.lean_left_deg, -one.trunk.lean_left_deg, atol=1e-6)
    np.testing.assert_allclose(two.trunk.yaw_deg, -one.trunk.yaw_deg, atol=1e-6)
    for name in PER_ANGLE:
        np.testing.assert_allclose(getattr(two.angles, name), getattr(one.angles, name)[SWAPPED], rtol=1e-5)
    for name in ("symmetry", "phase"):
        np.testing.assert_allclose(getattr(two.angles, name), getattr(one.angles, name), atol=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_backwards_in_time_rates_change_their_sign_and_sums_stay(seed):
    points = dancing(seed, TIMES)
    score = holes(seed, points)
    one, two = measured(points, score=score), measured(points[::-1], score=score[::-1])
    np.testing.assert_allclose(two.angle_deg, one.angle_deg[::-1], atol=1e-6)
    np.testing.assert_allclose(two.angular_speed_deg_s, -one.angular_speed_deg_s[::-1], atol=1e-5)
    np.testing.assert_allclose(two.point_speed, one.point_speed[::-1], atol=1e-6)
    np.testing.assert_allclose(np.diff(two.trunk.yaw_deg), -np.diff(one.trunk.yaw_deg)[::-1], atol=1e-6)
    for name in ("range_deg", "rms_deg_s", "symmetry", "phase"):
        np.testing.assert_allclose(getattr(two.angles, name), getattr(one.angles, name), rtol=1e-6)
    if score.all():
        for name in PER_ANGLE:
            np.testing.assert_allclose(getattr(two.angles, name), getattr(one.angles, name), rtol=1e-5)


@given(st.integers(0, 10_000), st.floats(0.2, 5))
@settings(max_examples=20, deadline=None)
def test_slower_by_a_factor_is_slower_by_its_powers(seed, factor):
    points = dancing(seed, TIMES)
    score = holes(seed, points)
    scaled = body.BodySettings(
        half_window_s=0.25 * factor, max_gap_s=0.3 * factor, high_hz=2.47 / factor, min_spectrum_s=factor
    )
    one = body.measure(points, score, TIMES, "blazepose33", body.BodySettings(high_hz=2.47))  # between lines
    two = body.measure(points, score, factor * TIMES, "blazepose33", scaled)
    np.testing.assert_allclose(two.angle_deg, one.angle_deg, atol=1e-6)
    np.testing.assert_allclose(two.point_speed * factor, one.point_speed, atol=1e-6)
    np.testing.assert_allclose(two.com_speed * factor, one.com_speed, atol=1e-6)
    powers = {
        "range_deg": 0, "rms_deg_s": 1, "energy": 2, "dominant_hz": 1, "sigma": 1, "high_share": 0, "symmetry": 0,
        "phase": 0,
    }  # fmt: skip
    for name, power in powers.items():
        np.testing.assert_allclose(
            getattr(two.angles, name) * factor**power, getattr(one.angles, name), rtol=1e-4, atol=1e-9
        )
    if factor >= 1:  # a stretch of less than a second has no jerk
        both = np.isfinite(one.angles.smoothness)
        np.testing.assert_allclose(two.angles.smoothness[both], one.angles.smoothness[both], rtol=1e-5)
        np.testing.assert_allclose(
            two.angles.jerk_deg_s3[both] * factor**3, one.angles.jerk_deg_s3[both], rtol=1e-5
        )


@pytest.mark.parametrize("seed", range(4))
def test_how_often_one_looks_changes_little(seed):
    """Also at uneven times, as of a variable frame rate."""
    rng = np.random.default_rng(seed)
    uneven = np.cumsum(rng.uniform(0.02, 0.08, 200))
    reference = np.arange(0, uneven[-1], 1 / 60)
    one = body.measure(dancing(seed, reference), np.ones((len(reference), 33)), reference, "blazepose33")
    for times in (np.arange(0, uneven[-1], 0.05), np.arange(0, uneven[-1], 1 / 24), uneven):
        two = body.measure(dancing(seed, times), np.ones((len(times), 33)), times, "blazepose33")
        assert two.torso == pytest.approx(one.torso, rel=0.01)
        np.testing.assert_allclose(two.angles.range_deg, one.angles.range_deg, rtol=0.06, atol=1.5)
        np.testing.assert_allclose(two.angles.rms_deg_s, one.angles.rms_deg_s, rtol=0.06, atol=1)
        np.testing.assert_allclose(two.angles.energy, one.angles.energy, rtol=0.2, atol=5)
        at = np.interp(times, reference, one.trunk.yaw_deg)
        np.testing.assert_allclose(two.trunk.yaw_deg, at, atol=3)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_what_is_not_seen_is_never_a_number(seed):
    points = dancing(seed, TIMES)
    score = holes(seed, points)
    points[score == 0] = 1e6
    found = measured(points, score=score)
    raw = body.bridged(TIMES, points, score > 0, 0.3)
    unknown = np.isnan(raw[..., 0])
    assert np.isnan(found.point_speed[unknown]).all()
    assert np.isnan(found.point_speed).sum() <= unknown.sum() + 40  # a lone sample has no speed either
    assert np.nanmax(found.point_speed) < 20
    for name, corners in ANGLES.items():
        if "ankle" not in name:
            unseen = np.isnan(raw[:, [NAMES.index(point) for point in corners], 0]).any(1)
            np.testing.assert_array_equal(np.isnan(found.angle_deg[:, J.index(name)]), unseen)


@pytest.mark.parametrize(("rate", "half"), [(10.0, 0.25), (10.0, 0.35), (30.0, 0.25)])
def test_jitter_becomes_the_speed_that_the_window_promises(rate, half):
    """A fitted slope has a standard deviation of sigma / sqrt(sum of squares of the times in the window)."""
    rng = np.random.default_rng(5)
    points = standing(1500) + rng.normal(0, 0.01, (1500, len(NAMES), 3))
    found = measured(points, rate, half_window_s=half)
    near = np.arange(-int(half * rate + 1e-6), int(half * rate + 1e-6) + 1) / rate
    promised = 0.01 / np.sqrt((near**2).sum())
    inner = found.point_speed[20:-20] * found.torso
    assert np.sqrt((inner**2).mean() / 3) == pytest.approx(promised, rel=0.02)


def test_what_the_default_windows_leave_is_what_their_docstring_says():
    for reach, gain, noise in ((2, 0.79, 0.032), (3, 0.61, 0.019)):
        near = np.arange(-reach, reach + 1) / 10
        left = (near * np.sin(2 * np.pi * near)).sum() / (2 * np.pi * (near**2).sum())
        assert (round(left, 2), round(0.01 / np.sqrt((near**2).sum()), 3)) == (gain, noise)


def test_sums_over_angles_agree_with_numpys_one_by_one():
    times = np.cumsum(np.random.default_rng(8).uniform(0.05, 0.15, 80))
    angle = 90 + 40 * np.sin(np.outer(times, np.arange(1, 11)) / 2)
    angle[10:20, 3] = angle[:, 5] = angle[70:, 7] = np.nan
    speed = np.gradient(angle, times, axis=0)
    found = body.summary(times, angle, speed)
    for j in range(10):
        known = angle[:, j][np.isfinite(angle[:, j])]
        if not len(known):
            assert np.isnan([getattr(found, name)[j] for name in PER_ANGLE]).all()
            continue
        low, high = np.percentile(known, [5, 95])
        assert found.range_deg[j] == pytest.approx(high - low)
        assert found.rms_deg_s[j] == pytest.approx(np.sqrt(np.nanmean(speed[:, j] ** 2)))
    p = ANGLE_PAIRS.index("elbow")
    left, right = J.index("left_elbow"), J.index("right_elbow")
    both = np.isfinite(angle[:, left]) & np.isfinite(angle[:, right])
    assert found.phase[p] == pytest.approx(np.corrcoef(angle[both, left], angle[both, right])[0, 1])


def test_jerk_is_the_curvature_of_the_speed():
    times = np.arange(0, 4, 0.02)
    for frequency in (0.5, 1.0):
        omega = 2 * np.pi * frequency
        speed = np.sin(omega * times)[:, None].repeat(10, 1)
        found = body.summary(times, speed, speed)
        np.testing.assert_allclose(found.jerk_deg_s3, omega**2 / np.sqrt(2), rtol=0.02)
        expected = -np.log(4.0**2 * 4.0**2 * omega**4 / 2)  # D^3 / v_peak^2 times the mean square over D
        np.testing.assert_allclose(found.smoothness, expected, atol=0.05)


def test_a_pure_swing_has_one_frequency_and_two_swings_a_spread():
    times = np.arange(0, 10, 0.1)
    one = np.sin(2 * np.pi * times)[:, None].repeat(10, 1)
    two = one + np.sin(2 * np.pi * 3 * times)[:, None]
    assert body.summary(times, one, one).sigma[0] == pytest.approx(0.057, abs=0.003)
    assert body.summary(times, two, two).sigma[0] == pytest.approx(
        1.0, abs=0.01
    )  # 1 and 3 Hz, half of the power each
    assert body.summary(times, two, two).high_share[0] == pytest.approx(0.5, abs=0.01)
    still = 0 * one
    assert body.summary(times, still, still).energy[0] == 0
    assert np.isnan(body.summary(times, still, still).sigma[0])
