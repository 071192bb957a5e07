"""Shapes, legs and counts of paths whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.trajectory import cycles, legs, moving_stretches

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
