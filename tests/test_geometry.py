"""Geometry holds for whatever numbers come in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe import geometry as g

finite = st.floats(-500, 500, allow_nan=False)
angles = st.floats(-180, 180, allow_nan=False)


def similarity(scale: float, turn_deg: float, x: float, y: float) -> np.ndarray:
    c, s = scale * np.cos(np.radians(turn_deg)), scale * np.sin(np.radians(turn_deg))
    return np.array([[c, -s, x], [s, c, y]])


@given(st.floats(0.2, 5), angles, finite, finite, finite, finite)
def test_an_inverse_map_leads_back(scale, turn, x, y, px, py):
    matrix, point = similarity(scale, turn, x, y), np.array([px, py])
    there = g.apply_affine(matrix, point)
    np.testing.assert_allclose(g.apply_affine(g.invert_affine(matrix), there), point, atol=1e-6)


@given(angles, angles, finite, finite)
def test_composition_is_one_map_after_the_other(a, b, x, y):
    outer, inner, point = similarity(1.3, a, x, y), similarity(0.7, b, y, x), np.array([3.0, -7.0])
    expected = g.apply_affine(outer, g.apply_affine(inner, point))
    np.testing.assert_allclose(g.apply_affine(g.compose_affine(outer, inner), point), expected, atol=1e-6)


def test_a_singular_map_has_no_inverse_and_says_so():
    assert np.isnan(g.invert_affine(np.zeros((2, 3)))).all()


@given(st.floats(0, 180), angles, st.floats(0.1, 100), st.floats(0.1, 100))
def test_inner_angle_does_not_depend_on_place_turn_or_length(angle, turn, one, two):
    vertex = np.array([5.0, -3.0])
    a = vertex + one * np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
    c = vertex + two * np.array([np.cos(np.radians(turn + angle)), np.sin(np.radians(turn + angle))])
    assert float(g.inner_angle_deg(a[None], vertex[None], c[None])[0]) == pytest.approx(angle, abs=1e-4)


@pytest.mark.parametrize(
    ("dx", "dy", "name"),
    [
        (1, 0, "right"),
        (0, -1, "up"),
        (-1, 0, "left"),
        (0, 1, "down"),
        (1, -1, "upper_right"),
        (-2, 2.2, "lower_left"),
    ],
)
def test_compass(dx, dy, name):
    assert g.compass(dx, dy) == name


@given(st.lists(st.tuples(finite, finite, st.floats(1, 100), st.floats(1, 100)), min_size=1, max_size=5))
def test_a_box_covers_itself(rows):
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in rows])
    np.testing.assert_allclose(np.diag(g.box_iou(boxes, boxes)), 1)
    np.testing.assert_allclose(np.diag(g.box_cover(boxes, boxes)), 1)


def test_unknown_boxes_meet_nothing():
    unknown, box = np.full((1, 4), np.nan), np.array([[0.0, 0, 1, 1]])
    assert g.box_iou(unknown, box)[0, 0] == 0
    assert g.box_cover(unknown, box)[0, 0] == 0


@given(st.floats(-50, 50), st.floats(-5, 5), st.sampled_from([8.0, 12.5, 23.976, 60.0]))
def test_smoothing_leaves_a_parabola_and_its_slope_alone(slope, curve, fps):
    times = np.arange(0, 2, 1 / fps)
    values = (3 + slope * times + curve * times**2)[None]
    smoothed = g.smooth(times, values)
    np.testing.assert_allclose(smoothed.value, values, atol=1e-6)
    np.testing.assert_allclose(smoothed.rate[0], slope + 2 * curve * times, atol=1e-5)


def test_smoothing_at_irregular_times_uses_the_times():
    times = np.array([0, 0.03, 0.2, 0.21, 0.5, 0.62, 0.7, 1.0])
    np.testing.assert_allclose(g.smooth(times, (7 * times)[None], 0.6).rate[0], 7, atol=1e-9)


def test_unknown_stays_unknown_and_a_lone_sample_has_no_rate():
    times = np.arange(0, 2, 0.1)
    values = np.full((1, 20), np.nan)
    values[0, 10] = 5.0
    smoothed = g.smooth(times, values)
    assert smoothed.value[0, 10] == 5.0
    assert np.isnan(smoothed.rate).all()
    assert np.isnan(np.delete(smoothed.value[0], 10)).all()


def test_gaps_are_filled_only_when_short():
    times = np.arange(0, 1, 0.1)
    values = np.array([0, np.nan, 2, 3, np.nan, np.nan, np.nan, np.nan, 8, 9.0])
    filled = g.fill_gaps(times, values, 0.3)
    assert filled[1] == pytest.approx(1)
    assert np.isnan(filled[4:8]).all()


@given(st.lists(finite, min_size=1, max_size=40), st.floats(0, 1))
def test_medians_and_quantiles_are_those_of_numpy(values, share):
    numbers = np.array(values)
    assert g.median(numbers) == np.median(numbers)
    assert g.quantile(numbers, share) == pytest.approx(np.quantile(numbers, share), abs=1e-9)
    assert values == numbers.tolist(), "left in their order"


@given(st.lists(st.booleans(), max_size=30))
def test_stretches_are_exactly_the_true_samples(flags):
    mask = np.array(flags, bool)
    rebuilt = np.zeros_like(mask)
    for a, b in g.stretches(mask):
        rebuilt[a : b + 1] = True
        assert a == 0 or not mask[a - 1]
    assert (rebuilt == mask).all()


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=60), st.floats(0.5, 5))
def test_turning_points_alternate_and_stand_out(values, prominence):
    turns = g.turning_points(np.array(values), prominence)
    for one, two in zip(turns[:-1], turns[1:], strict=True):
        assert one.high != two.high
        assert one.at < two.at
        assert abs(one.value - two.value) >= prominence - 1e-9


@pytest.mark.parametrize("seconds", [5, 10, 20])
def test_power_does_not_grow_with_the_length(seconds):
    times = np.arange(0, seconds, 0.1)
    spectrum = g.spectrum(3 * np.sin(2 * np.pi * times + 0.7) + 100, 10)
    assert spectrum.power.sum() == pytest.approx(4.5, rel=0.02)  # mean square of 3 sin
    assert spectrum.frequency_hz[spectrum.power.argmax()] == pytest.approx(1.0, abs=0.1)
    # The mirrored half would count a slow movement as fast (half of the power above any cut).
    assert spectrum.power[spectrum.frequency_hz > 2.5].sum() / spectrum.power.sum() < 1e-3


@given(finite, finite, st.floats(5, 200), st.floats(60, 350), st.booleans())
def test_a_circle_is_found_with_its_sense(x, y, radius, turned, clockwise):
    angle = np.radians(np.linspace(0, -turned if clockwise else turned, 40))
    circle = g.fit_circle(np.column_stack([x + radius * np.cos(angle), y - radius * np.sin(angle)]))
    assert circle is not None
    assert circle.radius == pytest.approx(radius, rel=1e-3)
    assert circle.turned_deg == pytest.approx(-turned if clockwise else turned, abs=0.5)


def test_corners_follow_an_l_within_tolerance():
    path = np.array([[x, 0.0] for x in range(50)] + [[49.0, y] for y in range(1, 40)])
    assert g.corners(path, 1.0) == [0, 49, 88]


def test_a_path_that_comes_back_is_split_where_it_turns():
    x = np.concatenate([np.arange(50.0), np.arange(48.0, -1, -1)])
    assert g.corners(np.column_stack([x, 0 * x]), 2.0) == [0, 49, 98]
