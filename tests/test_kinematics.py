"""The stage: what whole subjects travel, and that bodies reach the record as they were measured."""

from __future__ import annotations

import numpy as np
import pytest

from kinescribe.kinematics import body
from kinescribe.records import CameraMotion, Clip, Kinematics, Poses, Tracks
from kinescribe.stages.kinematics import MeasureKinematics
from tests.test_body import dancing, posed

T = np.arange(0, 6, 0.1)
W, H = 640, 360
CLIP = Clip("c", "s", "x", 0.0, 6.0, 10.0, W, H, 0, len(T), np.arange(len(T)), T)
NOBODY = Poses(
    np.zeros(0, np.int64), np.zeros((0, len(T), 33, 3)), np.zeros((0, len(T), 33, 3)), "blazepose33"
)


def camera(shift: np.ndarray | None = None) -> CameraMotion:
    maps = np.tile(np.eye(2, 3), (len(T), 1, 1))
    if shift is not None:
        maps[:, :, 2] = -shift
    ones = np.ones(len(T))
    return CameraMotion(maps, ones, ones, 0.0, np.zeros(4), ("static",))


def tracks(*centers: np.ndarray, size: tuple[float, float] = (20, 40), label: str = "object") -> Tracks:
    middle, half = np.array(centers), np.array(size) / 2
    seen = np.isfinite(middle[..., 0])
    start = 0 if label == "person" else 1000
    return Tracks(
        np.arange(len(middle)) * (10 if label == "person" else 1) + start, (label,) * len(middle),
        np.concatenate([middle - half, middle + half], -1), np.where(seen, 1.0, np.nan), np.where(seen, 0, -1),
    )  # fmt: skip


def measured(of: Tracks, poses: Poses = NOBODY, by: CameraMotion | None = None) -> Kinematics:
    return MeasureKinematics()(CLIP, by or camera(), of, poses)


def there_and_back(size: float, period: float = 3.0) -> np.ndarray:
    """Slow turns, which smoothing hardly cuts."""
    return np.column_stack([300 + size * np.sin(2 * np.pi * T / period), 0 * T + 180])


def test_distance_is_the_way_and_displacement_its_ends():
    line = np.column_stack([100 + 50 * T, 0 * T + 100])
    circle = np.column_stack(
        [300 + 60 * np.cos(T * 2 * np.pi / T[-1]), 180 + 60 * np.sin(T * 2 * np.pi / T[-1])]
    )
    found = measured(tracks(line, circle, there_and_back(80))).tracks
    np.testing.assert_allclose(found.distance_px, [50 * T[-1], 2 * np.pi * 60, 8 * 80 * T[-1] / 6], rtol=0.03)
    np.testing.assert_allclose(found.displacement_px[0], [50 * T[-1], 0], atol=1e-6)
    np.testing.assert_allclose(found.displacement_px[1], 0, atol=3)
    np.testing.assert_allclose(found.body_px, 40)


@pytest.mark.parametrize("noise", [0.5, 2.0, 5.0])
def test_what_trembles_goes_nowhere(noise):
    rng = np.random.default_rng(3)
    still = np.array([320.0, 180.0]) + rng.normal(0, noise, (len(T), 2))
    summed = np.hypot(*np.diff(still, axis=0).T).sum()
    found = measured(tracks(still)).tracks
    assert found.distance_px[0] < 4 * noise < 0.1 * summed
    walk = np.column_stack([100 + 60 * T, 0 * T + 180]) + rng.normal(0, noise, (len(T), 2))
    assert measured(tracks(walk)).tracks.distance_px[0] == pytest.approx(60 * T[-1], abs=4 * noise)


def test_a_camera_that_follows_takes_nothing_from_the_way():
    walk = np.column_stack([100 + 50 * T, 0 * T + 180])
    shift = np.column_stack([50 * T, 0 * T])
    one, two = measured(tracks(walk)).tracks, measured(tracks(walk - shift), by=camera(-shift)).tracks
    np.testing.assert_allclose(two.distance_px, one.distance_px, atol=1e-6)
    np.testing.assert_allclose(two.displacement_px, one.displacement_px, atol=1e-6)
    filmed = measured(tracks(walk - shift)).tracks
    assert filmed.distance_px[0] < 1e-6


def test_the_picture_at_twice_the_size_doubles_every_length():
    path = there_and_back(50) + np.random.default_rng(1).normal(0, 1, (len(T), 2))
    one, two = measured(tracks(path)).tracks, measured(tracks(2 * path, size=(40, 80))).tracks
    for name in ("distance_px", "displacement_px", "body_px", "jerk_px_s3", "noise_px"):
        np.testing.assert_allclose(getattr(two, name), 2 * getattr(one, name), rtol=1e-6)


def test_a_gap_is_crossed_straight_and_nothing_known_is_unknown():
    path = np.column_stack([100 + 50 * T, 0 * T + 180])
    path[20:40] = np.nan
    found = measured(tracks(path, np.full_like(path, np.nan))).tracks
    assert found.distance_px[0] == pytest.approx(50 * T[-1])
    for name in ("distance_px", "displacement_px", "body_px", "jerk_px_s3", "noise_px"):
        assert np.isnan(getattr(found, name)[1]).all()


def test_even_motion_has_no_jerk_and_a_swing_has_its_own():
    line = np.column_stack([100 + 50 * T, 0 * T + 100])
    assert measured(tracks(line)).tracks.jerk_px_s3[0] < 1e-6
    slow, quick = (measured(tracks(there_and_back(60, period))).tracks.jerk_px_s3[0] for period in (6.0, 3.0))
    assert quick > 2 * slow > 0


def test_a_bodys_lean_turn_and_jerk_are_in_the_record():
    world = np.stack([posed(np.linspace(0, 120, len(T)), 20.0), dancing(1, T)])
    keypoints = np.ones((2, len(T), 33, 3))
    keypoints[..., :2] = 320 + 100 * world[..., :2]
    people = tracks(np.full((len(T), 2), 320.0), np.full((len(T), 2), 100.0), label="person")
    found = measured(people, Poses(people.ids, keypoints, world, "blazepose33")).joints
    np.testing.assert_allclose(found.yaw_deg[0], np.linspace(0, 120, len(T)), atol=1)
    np.testing.assert_allclose(found.lean_deg[0], 20, atol=0.5)
    np.testing.assert_allclose(found.lean_left_deg[0], 0, atol=1e-6)
    alone = body.measure(world[1], np.ones((len(T), 33)), T, "blazepose33", body.BodySettings(0.35, 0.6))
    np.testing.assert_array_equal(found.yaw_deg[1], alone.trunk.yaw_deg)
    np.testing.assert_array_equal(found.com_speed[1], alone.com_speed)
    assert found.jerk_deg_s3.shape == found.rms_deg_s.shape == (2, 10)
    assert np.isfinite(found.jerk_deg_s3).all()


def test_nobody_has_empty_fields_of_the_right_shape():
    found = measured(tracks(there_and_back(10))).joints
    assert found.yaw_deg.shape == found.lean_deg.shape == found.lean_left_deg.shape == (0, len(T))
    assert found.jerk_deg_s3.shape == (0, 10)
    nothing = measured(
        Tracks(
            np.zeros(0, np.int64),
            (),
            *np.zeros((1, 0, len(T), 4)),
            *np.zeros((1, 0, len(T))),
            np.zeros((0, len(T)), np.int64),
        )
    )
    assert nothing.tracks.distance_px.shape == (0,)
    assert nothing.tracks.displacement_px.shape == (0, 2)
