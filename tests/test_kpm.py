"""The published kinematics against numbers worked out by hand."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe.kinematics import kpm
from kinescribe.vocabulary import ANGLES, SKELETONS

NAMES = SKELETONS["coco_wholebody133"]
SIDE = list(ANGLES)
ALL = kpm.KpmSettings(frames=None)


def still(samples: int, rate: float = 10.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A body of spread-out points that does not move."""
    points = np.random.default_rng(0).normal(size=(len(NAMES), 3))
    return np.repeat(points[None], samples, 0), np.ones((samples, len(NAMES))), np.arange(samples) / rate


def test_the_triplets_are_those_of_table_4():
    numbers = {name: tuple(NAMES.index(point) for point in points) for name, points in ANGLES.items()}
    assert numbers == {
        "left_shoulder": (7, 5, 11), "right_shoulder": (8, 6, 12), "left_elbow": (5, 7, 9),
        "right_elbow": (6, 8, 10), "left_hip": (5, 11, 13), "right_hip": (6, 12, 14), "left_knee": (11, 13, 15),
        "right_knee": (12, 14, 16), "left_ankle": (13, 15, 19), "right_ankle": (14, 16, 22),
    }  # fmt: skip
    assert [NAMES.index(name) for name in kpm.FALLBACK.values()] == [17, 20]


def test_one_moving_point_has_its_speed_and_the_mean_is_divided_by_all():
    points, score, times = still(5)
    points[:, 9, 0] += np.arange(5) * 0.3
    found = kpm.measure(points, score, times, settings=ALL)
    np.testing.assert_allclose(found.speed[:, 9], 3.0)
    np.testing.assert_allclose(found.mean_speed, 3.0 / 133)
    assert np.delete(found.speed, 9, axis=1).max() < 1e-9


def test_rates_use_the_true_times():
    points, score, _ = still(3)
    points[:, 0, 2] = [0, 1, 2]
    found = kpm.measure(points, score, np.array([0, 0.1, 0.6]), settings=ALL)
    np.testing.assert_allclose(found.speed[:, 0], [10, 2])


def test_an_elbow_that_opens_evenly():
    points, score, times = still(11)
    eta = np.linspace(np.pi / 2, np.pi / 4, 11)
    shoulder, elbow, wrist = (NAMES.index(name) for name in ANGLES["left_elbow"])
    points[:, elbow] = 0
    points[:, shoulder] = [1, 0, 0]
    points[:, wrist] = np.stack([np.cos(eta), np.sin(eta), 0 * eta], 1)
    found = kpm.measure(points, score, times, settings=ALL)
    column = SIDE.index("left_elbow")
    np.testing.assert_allclose(found.angle_rad[:, column], eta, atol=1e-9)
    np.testing.assert_allclose(found.angular_velocity[:, column], -np.pi / 4, atol=1e-9)
    assert found.joint_mean[column] == pytest.approx(-np.pi / 4)


def test_a_point_at_the_threshold_does_not_count_and_an_angle_needs_all_three():
    points, score, times = still(4)
    score[:, NAMES.index("left_wrist")] = 0.6
    found = kpm.measure(points, score, times, settings=ALL)
    assert np.isnan(found.speed[:, NAMES.index("left_wrist")]).all()
    assert np.isnan(found.angle_rad[:, SIDE.index("left_elbow")]).all()
    assert np.isfinite(found.angle_rad[:, SIDE.index("right_elbow")]).all()
    score[:, NAMES.index("left_wrist")] = 0.6001
    assert np.isfinite(kpm.measure(points, score, times).angle_rad).all()


def test_the_toe_stands_in_for_the_heel_frame_by_frame_or_for_the_clip():
    points, score, times = still(6)
    score[2, NAMES.index("left_heel")] = 0
    column = SIDE.index("left_ankle")
    by_frame = kpm.measure(points, score, times, settings=ALL).angle_rad[:, column]
    assert np.isfinite(by_frame).all()
    assert abs(by_frame[2] - by_frame[1]) > 0.01
    by_clip = kpm.measure(points, score, times, settings=replace(ALL, ankle_per_frame=False))
    assert np.isnan(by_clip.angle_rad[2, column])
    score[:, NAMES.index("left_heel")] = 0
    toe = kpm.measure(points, score, times, settings=replace(ALL, ankle_per_frame=False)).angle_rad
    assert np.isfinite(toe[:, column]).all()


def test_nobody_and_nobody_reliable_is_the_fallback():
    points, score, times = still(4)
    assert kpm.measure(points, np.full_like(score, 0.5), times) is None
    assert kpm.measure(points[:1], score[:1], times[:1]) is None
    score[::2] = 0  # known in every other frame only: no speed anywhere
    assert kpm.measure(points, score, times, settings=ALL) is None


@pytest.mark.parametrize("total", [2, 31, 32, 33, 300])
def test_32_frames_with_both_ends_and_none_twice(total):
    points, score, times = still(total)
    frame = kpm.measure(points, score, times).frame
    assert len(frame) == min(total, 32)
    assert frame[0] == 0
    assert frame[-1] == total - 1
    assert (np.diff(frame) > 0).all()


def test_energy_share_and_sigma_of_a_pure_sine():
    """Parseval: the energy is T times the sum of squares; two-sided, half of a slow sine counts as high."""
    points, score, times = still(65, rate=16)
    times_of_rate = times[1:]
    speed = 5 + np.sin(2 * np.pi * (times_of_rate - times_of_rate[0]))  # 4 cycles in 64 values
    points[:, :, 0] += np.concatenate([[0], np.cumsum(speed / 16)])[:, None]
    found = kpm.measure(points, score, times, settings=ALL)
    np.testing.assert_allclose(found.mean_speed, speed)
    spectrum = found.velocity_spectrum
    assert spectrum.energy[0] == pytest.approx(64 * (speed**2).sum())
    assert spectrum.magnitude[0, 4] == pytest.approx(32)
    assert spectrum.magnitude[0, 60] == pytest.approx(32)
    mirrored = 32**2 / (320**2 + 2 * 32**2)
    assert spectrum.high_share[0] == pytest.approx(mirrored)
    assert spectrum.sigma[0] == pytest.approx(np.std([320, 32, 32, *[0] * 61]))
    half = kpm.measure(points, score, times, settings=replace(ALL, one_sided=True))
    assert half.velocity_spectrum.high_share[0] == pytest.approx(0, abs=1e-12)


@given(st.floats(0.1, 10), st.integers(0, 1000))
def test_twice_as_fast_is_twice_the_rates_and_four_times_the_energy(factor, seed):
    rng = np.random.default_rng(seed)
    points, score, times = rng.normal(size=(12, 133, 3)), rng.uniform(0.5, 1, (12, 133)), np.arange(12) / 10
    one = kpm.measure(points, score, times)
    two = kpm.measure(points, score, times / factor)
    np.testing.assert_allclose(two.speed, one.speed * factor)
    np.testing.assert_allclose(two.angular_velocity, one.angular_velocity * factor)
    np.testing.assert_allclose(two.velocity_score, one.velocity_score)
    np.testing.assert_allclose(two.velocity_spectrum.energy, one.velocity_spectrum.energy * factor**2)
    np.testing.assert_allclose(two.angular_spectrum.high_share, one.angular_spectrum.high_share, atol=1e-9)
    assert np.nanmax(one.velocity_score) == 1
    assert np.nanmin(one.angular_velocity_score) >= 0


@given(st.integers(0, 1000))
def test_a_mirrored_body_swaps_left_and_right_angles(seed):
    rng = np.random.default_rng(seed)
    points, score = rng.normal(size=(8, 133, 3)), np.ones((8, 133))
    twin = [NAMES.index(_other_side(name)) for name in NAMES]
    mirrored = points[:, twin] * [-1, 1, 1]
    one = kpm.measure(points, score, np.arange(8) / 10)
    two = kpm.measure(mirrored, score, np.arange(8) / 10)
    order = [SIDE.index(_other_side(name)) for name in SIDE]
    np.testing.assert_allclose(two.angle_rad, one.angle_rad[:, order], atol=1e-9)
    np.testing.assert_allclose(two.mean_speed, one.mean_speed)


def _other_side(name: str) -> str:
    for a, b in (("left", "right"), ("right", "left")):
        if name.startswith(a):
            return b + name[len(a) :]
        if name.endswith(a):
            return name[: -len(a)] + b
    return name


@pytest.mark.parametrize("wrong", [{"frames": 1}, {"threshold": 1.5}, {"delta": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kpm.KpmSettings(**wrong)


# --- the paper's sums, written out ---------------------------------------------------------------------------

TRIPLES = (
    (7, 5, (11,)), (8, 6, (12,)), (5, 7, (9,)), (6, 8, (10,)), (5, 11, (13,)), (6, 12, (14,)), (11, 13, (15,)),
    (12, 14, (16,)), (13, 15, (19, 17)), (14, 16, (22, 20)),
)  # fmt: skip
"""Table 4 by number: an end, the vertex, the other end and what stands in for it."""


def by_loops(points: np.ndarray, score: np.ndarray, times: np.ndarray, delta: int, taken: list[int]):
    """Eq. 1-8 and B.2 as they read, one number after the other; None is a value that is missing."""

    def valid(t: int, k: int) -> bool:
        return score[t, k] > 0.6

    def angle(t: int, first: int, vertex: int, ends: tuple[int, ...]) -> float | None:
        end = next((e for e in ends if valid(t, e)), None)
        if end is None or not (valid(t, first) and valid(t, vertex)):
            return None
        u, v = points[t, first] - points[t, vertex], points[t, end] - points[t, vertex]
        return math.acos(max(-1, min(1, sum(u * v) / (math.sqrt(sum(u * u)) * math.sqrt(sum(v * v))))))

    speed, mean_speed, omega = [], [], []
    eta = [[angle(t, *triple) for triple in TRIPLES] for t in taken]
    for i in range(1, len(taken)):
        s, t = taken[i - 1], taken[i]
        dt = times[t] - times[s]
        row = [
            math.dist(points[t, k], points[s, k]) / dt if valid(s, k) and valid(t, k) else None
            for k in range(133)
        ]
        known = [v for v in row if v is not None]
        speed.append(row)
        mean_speed.append(sum(known) / len(known) if known else None)
        omega.append(
            [
                None if a is None or b is None else (b - a) / dt
                for a, b in zip(*eta[i - 1 : i + 1], strict=True)
            ]
        )
    joint_mean = [mean(column) for column in zip(*omega, strict=True)]
    rows = [mean_speed, *map(list, zip(*omega, strict=True))]
    return speed, mean_speed, eta, omega, joint_mean, mean(joint_mean), [spectral(row, delta) for row in rows]


def mean(values) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def spectral(signal: list[float | None], delta: int) -> tuple[list[float], float, float, float] | None:
    known = [i for i, v in enumerate(signal) if v is not None]
    if not known:
        return None
    total = len(signal)
    v = np.interp(range(total), known, [signal[i] for i in known])
    transform = [
        sum(v[t] * cmath.exp(-2j * cmath.pi * k * t / total) for t in range(total)) for k in range(total)
    ]
    size = [abs(c) for c in transform]
    energy = sum(c * c for c in size)
    middle = sum(size) / total
    sigma = math.sqrt(sum((c - middle) ** 2 for c in size) / total)
    return size, energy, sum(c * c for c in size[delta + 1 :]) / energy, sigma


def numbers(values) -> np.ndarray:
    return np.array([[np.nan if v is None else v for v in row] for row in values])


@given(st.integers(0, 10_000), st.integers(2, 40), st.floats(0, 0.7), st.integers(0, 6))
@settings(max_examples=15, deadline=None)
def test_every_number_is_that_of_the_sums_written_out(seed, total, missing, delta):
    rng = np.random.default_rng(seed)
    points, times = rng.normal(size=(total, 133, 3)), np.cumsum(rng.uniform(0.02, 0.1, total))
    score = np.where(rng.random((total, 133)) < missing, 0.3, 0.9)
    found = kpm.measure(points, score, times, settings=kpm.KpmSettings(frames=16, delta=delta))
    taken = [round(i * (total - 1) / 15) for i in range(16)] if total > 16 else list(range(total))
    speed, mean_speed, eta, omega, joint_mean, overall, spectra = by_loops(points, score, times, delta, taken)
    if found is None:
        assert all(v is None for v in mean_speed)
        return
    np.testing.assert_array_equal(found.frame, taken)
    np.testing.assert_allclose(found.speed, numbers(speed))
    np.testing.assert_allclose(found.mean_speed, numbers([mean_speed])[0])
    np.testing.assert_allclose(found.angle_rad, numbers(eta), atol=1e-7)
    np.testing.assert_allclose(found.angular_velocity, numbers(omega), atol=1e-5)
    np.testing.assert_allclose(found.joint_mean, numbers([joint_mean])[0], atol=1e-5)
    np.testing.assert_allclose(found.mean_angular_velocity, np.nan if overall is None else overall, atol=1e-5)
    largest = max(v for v in mean_speed if v is not None)
    np.testing.assert_allclose(found.velocity_score * largest, numbers([mean_speed])[0])
    calm = [mean([None if w is None else abs(w) for w in row]) for row in omega]
    if any(calm):
        most = max(w for w in calm if w is not None)
        np.testing.assert_allclose(found.angular_velocity_score * most, numbers([calm])[0], atol=1e-5)
    for row, expected in enumerate(spectra):
        of, at = (found.velocity_spectrum, 0) if row == 0 else (found.angular_spectrum, row - 1)
        if expected is None:
            assert np.isnan(of.energy[at])
            continue
        size, energy, share, sigma = expected
        np.testing.assert_allclose(of.magnitude[at], size, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose([of.energy[at], of.sigma[at]], [energy, sigma], rtol=1e-4)
        np.testing.assert_allclose(of.high_share[at], share, rtol=1e-4, atol=1e-6)


def test_the_square_of_a_complex_number_is_no_energy():
    """Note 9 of the module."""
    wave = np.fft.fft(np.sin(2 * np.pi * np.arange(300) / 30 + 0.7))
    assert (wave**2).sum().real == pytest.approx(-7649, abs=0.5)
    assert kpm.spectral(np.sin(2 * np.pi * np.arange(300) / 30 + 0.7)[None], ALL).energy[0] == pytest.approx(
        45000
    )


def test_a_body_that_rests_has_no_score_and_unknown_speeds_stay_unknown():
    points, score, times = still(6)
    score[3] = 0
    found = kpm.measure(points, score, times, settings=ALL)
    np.testing.assert_array_equal(found.velocity_score, [0, 0, np.nan, np.nan, 0])
    assert np.isnan(found.mean_speed[2:4]).all()


def test_nan_points_do_not_count_however_sure_they_are():
    points, score, times = still(5)
    points[2, 9, 1] = np.nan
    speed = kpm.measure(points, score, times, settings=ALL).speed
    assert np.isnan(speed[1:3, 9]).all()
    assert np.isfinite(np.delete(speed, 9, axis=1)).all()


def test_single_precision_is_near_enough():
    points, score, times = still(30)
    points = points + np.random.default_rng(3).normal(0, 0.05, points.shape)
    one, two = kpm.measure(points, score, times), kpm.measure(points.astype(np.float32), score, times)
    np.testing.assert_allclose(two.speed, one.speed, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(two.angle_rad, one.angle_rad, atol=1e-3)
