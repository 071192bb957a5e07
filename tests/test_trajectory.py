"""Shapes, legs and counts of paths whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.geometry import smooth
from kinescribe.trajectory import cycles, legs, moving_stretches, onset_s

T = np.arange(0, 10, 0.1)


def arc(degrees: float, radius: float = 80) -> np.ndarray:
    a = np.radians(degrees) * np.linspace(0, 1, 60)
    return np.column_stack([radius * np.cos(a), -radius * np.sin(a)])


@given(st.floats(0, 360), st.floats(30, 400))
def test_a_line_is_one_straight_leg(heading, length):
    way = np.linspace(0, length, 40)[:, None] * [np.cos(np.radians(heading)), np.sin(np.radians(heading))]
    (leg,) = legs(way, 6.0)
    assert (leg.first, leg.last, leg.shape) == (0, 39, "straight")
    assert leg.quality > 0.99


@pytest.mark.parametrize(
    ("degrees", "shape"), [(90, "curved"), (150, "curved"), (350, "circular"), (720, "circular")]
)
@pytest.mark.parametrize("sense", [1, -1])
def test_arcs(degrees, shape, sense):
    (leg,) = legs(arc(sense * degrees), 6.0)
    assert leg.shape == shape
    assert leg.turned_deg == pytest.approx(sense * degrees, abs=2)
    assert leg.quality > 0.9


def test_a_corner_is_two_legs_not_a_curve():
    path = np.column_stack([np.minimum(T, 5) * 50, np.maximum(T - 5, 0) * 40])
    assert [(leg.first, leg.last, leg.shape) for leg in legs(path, 6.0)] == [
        (0, 50, "straight"),
        (50, 99, "straight"),
    ]


def test_there_and_back_is_two_legs():
    path = np.column_stack([60 * np.minimum(T, 10 - T), 0 * T])
    assert [leg.shape for leg in legs(path, 6.0)] == ["straight", "straight"]


def test_a_zigzag_alternates_and_gets_somewhere():
    wave = 40 * (2 * np.abs(2 * ((T / 3) % 1) - 1) - 1)
    (leg,) = legs(np.column_stack([50 * T, wave]), 6.0)
    assert leg.shape == "zigzag"
    staircase = np.column_stack([50 * T, 30 * np.floor(T / 2)])
    assert [leg.shape for leg in legs(staircase, 6.0)] != ["zigzag"]


@given(st.integers(2, 8), st.floats(0, 6.28), st.sampled_from(["sine", "triangle"]))
def test_cycles_are_counted_whatever_the_phase(count, phase, kind):
    angle = 2 * np.pi * count * T / T[-1] + phase
    wave = 50 * (np.sin(angle) if kind == "sine" else 2 / np.pi * np.arcsin(np.sin(angle)))
    found = cycles(wave, 15.0)
    assert found is not None
    assert found.number == count


def test_one_and_a_half_cycles_are_no_repetition():
    assert cycles(50 * np.sin(2 * np.pi * 1.5 * T / 10), 15.0) is None


def test_a_count_between_two_numbers_is_unknown():
    found = cycles(50 * np.cos(2 * np.pi * 3.5 * T / T[-1]), 15.0)
    assert found is not None
    assert found.number is None


def test_swings_of_unequal_size_are_no_repetition():
    wave = np.interp(T, [0, 2, 3, 4, 6, 8, 9.9], [0, 100, 70, 75, 0, 90, 0])
    found = cycles(wave, 4.0)
    assert found is None


def test_moving_stretches_bridge_turning_points_but_not_rests_or_gaps():
    speed = np.where((T > 1) & (T < 4), 50.0, 0.0)
    speed[20:23] = 0.0  # a turning point of 0.3 s
    assert moving_stretches(T, speed, 20.0) == [(11, 39)]
    speed[20:33] = 0.0  # a rest of 1.3 s
    assert moving_stretches(T, speed, 20.0) == [(11, 19), (33, 39)]
    speed[20:23], speed[21] = 50.0, np.nan  # not seen for a moment
    speed[23:33] = 50.0
    assert moving_stretches(T, speed, 20.0) == [(11, 20), (22, 39)]


# --- shapes under symmetries --------------------------------------------------------------------------------

SEEDS = st.integers(0, 1 << 30)
SHAPES = ("straight", "curved", "circular", "zigzag", "corner")


def drawn(kind: str, seed: int, rate_hz: float = 10.0, scale: float = 1.0) -> np.ndarray:
    """A path of a shape at a random place, size and heading, in pixels, sampled at a rate for some seconds."""
    rng = np.random.default_rng(seed)
    size, over, heading = (float(v) for v in rng.uniform((80, 3, 0), (300, 6, 2 * np.pi)))
    s = np.arange(0, over, 1 / rate_hz) / over
    sense = float(rng.choice([-1, 1]))
    if kind == "straight":
        points = np.column_stack([s, 0 * s])
    elif kind == "curved":
        angle = sense * np.radians(rng.uniform(80, 190)) * s
        points = np.column_stack([np.cos(angle), np.sin(angle)]) / 2
    elif kind == "circular":
        angle = sense * 2 * np.pi * int(rng.integers(1, 4)) * s
        points = np.column_stack([np.cos(angle), rng.uniform(0.75, 1) * np.sin(angle)]) / 2
    else:
        sides = int(rng.integers(4, 7)) if kind == "zigzag" else 2
        turn = np.radians(rng.uniform(55, 100)) * sense
        way = np.cumsum(np.array([[np.cos(turn * (i % 2)), np.sin(turn * (i % 2))] for i in range(sides)]), 0)
        knots = np.linspace(0, 1, sides + 1)
        points = np.column_stack([np.interp(s, knots, [0, *way[:, k]]) for k in (0, 1)]) / 2
    c, d = np.cos(heading), np.sin(heading)
    return scale * size * points @ np.array([[c, d], [-d, c]])


def shapes(path: np.ndarray, tolerance: float = 4.0) -> list[str]:
    return [leg.shape for leg in legs(path, tolerance)]


def expected(kind: str) -> list[str]:
    return ["straight", "straight"] if kind == "corner" else [kind]


@given(SEEDS, st.sampled_from(SHAPES), st.floats(8, 30), st.floats(0, 0.8))
def test_shapes_are_told_at_any_rate_place_size_and_heading_with_noise(seed, kind, rate_hz, noise):
    path = drawn(kind, seed, rate_hz)
    path = path + np.random.default_rng(seed).normal(0, noise, path.shape)
    assert shapes(path) == expected(kind)


@given(SEEDS, st.sampled_from(SHAPES))
def test_a_mirror_and_the_way_back_keep_the_shape_and_flip_the_sense(seed, kind):
    path = drawn(kind, seed)
    here = legs(path, 4.0)
    for other in (path * [-1, 1], path[::-1]):
        there = legs(other, 4.0)
        assert [leg.shape for leg in there] == [leg.shape for leg in here]
        if len(here) == 1:
            assert there[0].turned_deg == pytest.approx(-here[0].turned_deg, abs=1e-6)
            assert there[0].quality == pytest.approx(
                here[0].quality, abs=0.05
            )  # corners fall between samples


@given(SEEDS, st.sampled_from(SHAPES), st.floats(0.3, 4))
def test_a_larger_picture_changes_nothing(seed, kind, scale):
    small, large = legs(drawn(kind, seed), 4.0), legs(drawn(kind, seed, scale=scale), 4.0 * scale)
    assert [leg[:3] for leg in large] == [leg[:3] for leg in small]


@given(SEEDS, st.sampled_from(SHAPES))
def test_the_quality_falls_with_noise_and_is_a_share(seed, kind):
    path = drawn(kind, seed)
    clean = legs(path, 4.0)[0].quality
    rough = legs(path + np.random.default_rng(seed).normal(0, 1.5, path.shape), 4.0)[0].quality
    assert 0 <= rough <= 1
    assert 0.5 < clean <= 1
    assert kind == "corner" or rough <= clean + 0.05  # with noise the corner moves


def test_a_straight_way_with_a_wiggle_in_it_is_no_zigzag():
    path = np.column_stack([50 * T, 0 * T])
    path[40:55, 1] = np.interp(np.arange(15), [0, 3, 7, 11, 14], [0, 14, -14, 14, 0])
    assert shapes(path, 8.0) == ["straight"]


def test_an_ellipse_goes_round_and_a_flat_one_goes_back_and_forth():
    a = 2 * np.pi * T / T[-1]
    assert shapes(np.column_stack([100 * np.cos(a), 75 * np.sin(a)])) == ["circular"]
    assert shapes(np.column_stack([100 * np.cos(a), 20 * np.sin(a)])) != ["circular"]


# --- when a motion begins -----------------------------------------------------------------------------------


@given(st.floats(2.0, 8.0), st.floats(20, 300), st.sampled_from([5.0, 10.0, 15.0, 30.0]))
def test_a_sudden_start_is_timed_to_a_part_of_a_sample(begin, speed, rate_hz):
    times = np.arange(0, 10, 1 / rate_hz)
    rate = smooth(times, speed * np.clip(times - begin, 0, None)[None], 0.35).rate[0]
    shown = int(np.flatnonzero(rate > 0.05 * speed)[0])
    assert times[shown] <= begin + 0.2
    assert onset_s(times, rate, shown, shown + 1, len(times) - 1) == pytest.approx(begin, abs=0.08)


def test_a_gradual_start_lies_between_its_first_stir_and_half_a_second_later():
    rate = smooth(T, 40 * np.clip(T - 4, 0, None)[None] ** 2, 0.35).rate[0]
    shown = int(np.flatnonzero(rate > 8)[0])
    assert 3.8 <= onset_s(T, rate, shown, shown, len(T) - 1) <= 4.5


def test_what_moves_from_the_first_sample_on_began_then():
    rate = np.where(T < 5, 40.0, 0.0)
    assert onset_s(T, rate, 0, 0, 49) == 0.0
    rate[:10] = np.nan
    assert onset_s(T, rate, 10, 10, 49) == pytest.approx(1.0)


@given(SEEDS, st.integers(2, 6))
def test_noise_does_not_lower_the_number_of_swings(seed, number):
    """A total variation divided by the median swing would: the median of noisy swings is longer than their mean."""
    rng = np.random.default_rng(seed)
    heights = 60 * rng.uniform(0.75, 1.1, 2 * number + 1) * (-1) ** np.arange(2 * number + 1)
    wave = np.interp(T, np.linspace(0, T[-1], len(heights)), heights)
    found = cycles(wave, 10.0)
    assert found is not None
    assert found.number in (number, None)
