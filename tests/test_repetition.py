"""Counting against signals whose number of cycles is known, and silence on those that repeat nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinescribe.repetition import CountSettings, _autocorrelation, count, one_signal

HELD_OUT = range(1000, 1040)
"""Thresholds were set on seeds 0-299."""


def repeated(seed: int, rate: float, noise: float) -> tuple[np.ndarray, np.ndarray, float]:
    """5-12 s of 0.4-2 Hz with two harmonics, a trend and noise (share of the amplitude)."""
    rng = np.random.default_rng(seed)
    duration, hertz, phase = rng.uniform(5, 12), rng.uniform(0.4, 2), rng.uniform(0, 2 * np.pi)
    times = np.arange(0, duration, 1 / rate)
    parts = ((1, 1.0), (2, rng.uniform(0, 0.35)), (3, rng.uniform(0, 0.2)))
    shape = sum(a * np.sin(k * (2 * np.pi * hertz * times + phase) + rng.uniform(0, 6)) for k, a in parts)
    trend = rng.normal(0, 0.6) * times / duration
    return times, shape + trend + noise * rng.normal(size=len(times)), hertz * times[-1]


@pytest.mark.parametrize(
    ("rate", "noise", "refusals"), [(10, 0, 0.1), (10, 0.3, 0.15), (30, 0.3, 0.1), (30, 0.5, 0.1)]
)
def test_cycles_are_counted_to_within_one(rate, noise, refusals):
    wrong = refused = 0
    for seed in HELD_OUT:
        times, signal, cycles = repeated(seed, rate, noise)
        found = count(times, {"x": signal}, {"x": 0.5})
        refused += found is None
        wrong += found is not None and abs(found.cycles - cycles) > 1
    assert refused <= refusals * len(HELD_OUT)
    assert wrong <= 0.02 * len(HELD_OUT)


@pytest.mark.parametrize("cycles", [3, 4, 7])
@pytest.mark.parametrize("phase", [0.0, 0.25, 0.6])
def test_whole_cycles_have_a_number_a_period_and_the_times_of_their_highs(cycles, phase):
    times = np.arange(0, 1.3 * cycles + 1e-9, 0.1)
    found = count(times, {"x": np.sin(2 * np.pi * (times / 1.3 + phase))}, {"x": 0.5})
    assert found.number == cycles
    assert found.period_s == pytest.approx(1.3, abs=0.08)
    inner = [t for t in found.highs_s if 0.3 < t < times[-1] - 0.3]
    expected = [1.3 * (k + 0.25 - phase) for k in range(-1, cycles + 2)]
    for high in inner:
        assert min(abs(high - e) for e in expected) < 0.12
    assert found.swing == pytest.approx(2, rel=0.2)


def test_exercise_with_rests_before_and_after_is_counted():
    times = np.arange(0, 20, 0.1)
    lifts = np.where((times > 4) & (times < 16), 1 - np.cos(2 * np.pi * (times - 4) / 3), 0)
    found = count(times, {"wrist": lifts}, {"wrist": 0.3})
    assert found.number == 4
    assert 3.5 < found.start_s < 6
    assert 14 < found.end_s < 16.5


def once_or_never(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A signal of 5-12 s in which nothing is repeated; the random ones have a range of 2."""
    times = np.arange(0, rng.uniform(5, 12), 0.1)
    noise = rng.normal(size=len(times))
    if kind in ("walk", "white"):
        signal = np.cumsum(noise) if kind == "walk" else noise
        return times, 2 * signal / np.ptp(signal)
    bump = np.exp(-(((times - 3) / rng.uniform(0.3, 1.5)) ** 2))
    return times, {
        "once": bump,
        "twice": np.exp(-(((times - 2) / 0.5) ** 2)) + np.exp(-(((times - 4) / 0.4) ** 2)),
        "ramp": times + 0.05 * noise,
        "still": 0.01 * noise,
    }[kind]


@pytest.mark.parametrize("kind", ["walk", "white", "once", "twice", "ramp", "still"])
def test_what_repeats_nothing_is_refused(kind):
    stated = 0
    for seed in range(1000, 1080):
        times, signal = once_or_never(kind, np.random.default_rng(seed))
        stated += count(times, {"x": signal}, {"x": 0.3}) is not None
    assert stated <= (1 if kind == "walk" else 0)


def test_two_cycles_need_signals_that_agree():
    times = np.arange(0, 3.01, 0.1)
    swing = np.sin(2 * np.pi * times / 1.5)
    assert count(times, {"a": swing}, {"a": 0.5}) is None
    names = {"a": swing, "b": 2 * swing, "c": -swing}
    found = count(times, names, dict.fromkeys(names, 0.5))
    assert found.number == 2
    assert set(found.agreeing) == set(names)


def test_between_two_numbers_the_count_is_unknown():
    times = np.arange(0, 4.5, 0.05)
    found = one_signal(times, -np.cos(2 * np.pi * times), 0.5)
    assert found.number is None
    assert found.cycles == pytest.approx(4.5, abs=0.2)


def test_small_swings_short_signals_and_unknown_ones_are_nothing():
    times = np.arange(0, 8, 0.1)
    swing = np.sin(2 * np.pi * times)
    assert count(times, {"x": swing}, {"x": 2.5}) is None
    assert count(times[:7], {"x": swing[:7]}, {"x": 0.5}) is None
    assert count(times, {"x": np.full(80, np.nan)}, {"x": 0.5}) is None
    assert count(times, {}, {}) is None


def test_the_longest_known_stretch_is_counted():
    times = np.arange(0, 10, 0.1)
    swing = np.sin(2 * np.pi * times)
    swing[20:30] = np.nan
    found = count(times, {"x": swing}, {"x": 0.5})
    assert found.number == 7
    assert found.start_s >= 3


@given(st.integers(0, 400), st.floats(0.2, 5), st.floats(-3, 3), st.booleans())
def test_scale_offset_and_sign_change_no_count(seed, scale, offset, flipped):
    times, signal, _ = repeated(seed, 10, 0.1)
    one = count(times, {"x": signal}, {"x": 0.5})
    two = count(times, {"x": scale * (-signal if flipped else signal) + offset}, {"x": 0.5 * scale})
    assert (one is None) == (two is None)
    if one is not None:
        assert two.cycles == pytest.approx(one.cycles, abs=0.05)
        assert two.period_s == pytest.approx(one.period_s)


def test_stricter_settings_refuse_more():
    times, signal, _ = repeated(1003, 10, 0.3)
    found = count(times, {"x": signal}, {"x": 0.5})
    assert found is not None
    strict = replace(CountSettings(), min_confidence=found.confidence + 0.01)
    assert count(times, {"x": signal}, {"x": 0.5}, strict) is None


@given(st.integers(0, 10_000), st.integers(8, 60))
def test_the_autocorrelation_is_the_correlation_of_what_both_have(seed: int, many: int) -> None:
    rng = np.random.default_rng(seed)
    signal = np.cumsum(rng.normal(size=many)) + rng.uniform(-50, 50)
    found = _autocorrelation(signal)
    assert found[0] == pytest.approx(1.0)
    for lag in range(1, many - 3):
        expected = np.corrcoef(signal[:-lag], signal[lag:])[0, 1]
        assert found[lag] == pytest.approx(expected, abs=1e-6)
    assert not _autocorrelation(np.full(many, 3.0)).any()
