"""Smoothing at given times agrees with a polynomial fitted to each sample by itself, gaps or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinescribe import geometry as g


def one_by_one(
    times: np.ndarray, signal: np.ndarray, half: float, degree: int
) -> tuple[np.ndarray, np.ndarray]:
    """Value and slope, by numpy's own least squares in each window."""
    value, rate = np.full(len(times), np.nan), np.full(len(times), np.nan)
    known = np.isfinite(signal)
    for i in np.flatnonzero(known):
        near = known & (np.abs(times - times[i]) <= half + 1e-9)
        order = min(int(near.sum()) - 1, degree)
        line = np.polynomial.Polynomial.fit(times[near] - times[i], signal[near], order, domain=[-half, half])
        value[i] = line(0.0)
        rate[i] = line.deriv()(0.0) if order else np.nan
    return value, rate


@given(
    st.integers(0, 100_000), st.integers(1, 40), st.floats(0, 0.9), st.booleans(),
    st.sampled_from([0.1, 0.25, 0.35, 2.0]), st.sampled_from([1, 2]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_sample_has_the_polynomial_of_its_known_neighbours(seed, total, missing, even, half, degree):
    rng = np.random.default_rng(seed)
    times = np.arange(total) / 10 if even else np.cumsum(rng.uniform(0.02, 0.2, total))
    values = rng.normal(size=(4, total)) * 10
    values[rng.random((4, total)) < missing] = np.nan
    values[1] = np.where(np.isnan(values[0]), np.nan, values[1])  # two that are known at the same samples
    found = g.smooth(times, values, half, degree)
    for row in range(4):
        value, rate = one_by_one(times, values[row], half, degree)
        np.testing.assert_allclose(found.value[row], value, atol=1e-6)
        np.testing.assert_allclose(found.rate[row], rate, rtol=1e-6, atol=1e-5)


def test_a_smoother_is_smooth_for_any_number_of_signals_and_keeps_what_it_is_given():
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.02, 0.05, 500))  # several blocks of weights
    values = rng.normal(size=(6, 500))
    values[2, 100:130] = values[3, ::7] = np.nan
    before, smoother = values.copy(), g.Smoother(times, 0.25)
    whole = g.smooth(times, values, 0.25)
    for rows in (slice(0, 2), slice(2, 6), slice(0, 6)):
        np.testing.assert_allclose(smoother.value(values[rows]), whole.value[rows], atol=1e-12)
        np.testing.assert_allclose(smoother.rate(values[rows]), whole.rate[rows], atol=1e-9)
        np.testing.assert_allclose(
            smoother.rate(np.asfortranarray(values[rows])), whole.rate[rows], atol=1e-9
        )
    np.testing.assert_array_equal(values, before)


def test_many_samples_beside_gaps_are_fitted_in_portions(monkeypatch):
    rng = np.random.default_rng(3)
    times, values = np.arange(200) / 10, rng.normal(size=(5, 200))
    values[rng.random(values.shape) < 0.4] = np.nan
    whole = g.smooth(times, values)
    monkeypatch.setattr(g, "PAIRS", 7)
    for one, two in zip(whole, g.smooth(times, values), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_signals_that_lack_the_same_samples_share_their_weights_in_any_order(seed):
    rng = np.random.default_rng(seed)
    times, values = np.cumsum(rng.uniform(0.02, 0.2, 40)), rng.normal(size=(12, 40))
    lacks = rng.random((4, 40)) < rng.choice([0.0, 0.1, 0.5], 4)[:, None]
    values[lacks[rng.integers(0, 4, 12)]] = np.nan
    order = rng.permutation(12)
    for one, two in zip(g.smooth(times, values), g.smooth(times, values[order]), strict=True):
        np.testing.assert_allclose(one[order], two, atol=1e-9)
    for row, value in zip(values, g.smooth(times, values).value, strict=True):
        np.testing.assert_allclose(g.smooth(times, row[None]).value[0], value, atol=1e-9)


def test_single_precision_stays_single_and_loses_only_its_own_digits():
    rng = np.random.default_rng(4)
    times, values = np.arange(300) / 30, rng.normal(size=(9, 300))
    values[rng.random(values.shape) < 0.1] = np.nan
    double, single = g.smooth(times, values, 0.25), g.smooth(times, values.astype(np.float32), 0.25)
    assert single.value.dtype == single.rate.dtype == np.float32
    np.testing.assert_allclose(single.value, double.value, atol=2e-5)
    np.testing.assert_allclose(single.rate, double.rate, atol=2e-3)


def test_no_signals_no_samples_and_no_such_degree():
    assert g.smooth(np.arange(5.0), np.zeros((0, 5))).value.shape == (0, 5)
    assert g.smooth(np.zeros(0), np.zeros((3, 0))).rate.shape == (3, 0)
    with pytest.raises(ValueError, match="degree"):
        g.smooth(np.arange(5.0), np.zeros((1, 5)), degree=3)


@given(st.integers(2, 12), st.integers(0, 1000))
def test_many_signals_have_the_spectra_that_each_has_alone(total, seed):
    values = np.random.default_rng(seed).normal(size=(3, total))
    together = g.spectrum(values, 10)
    for row, power in zip(values, together.power, strict=True):
        np.testing.assert_allclose(g.spectrum(row, 10).power, power, atol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("dims", [2, 3])
def test_a_nearly_straight_limb_keeps_its_digits(kind, dims):
    """By arccos, in single precision, the first of these is 180."""
    for angle in (179.99, 90.0, 0.01):
        arm = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0])[:dims].astype(kind)
        first, corner = np.eye(3)[0, :dims].astype(kind), np.zeros(dims, kind)
        assert float(g.inner_angle_deg(first[None], corner[None], arm[None])[0]) == pytest.approx(
            angle, abs=2e-5
        )
