"""Intervals and resamples against closed forms."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from nightdub.quality.statistics import cluster_totals, mean_interval, ratio_interval, resampled_sums, share_interval

RNG = np.random.default_rng(1)


def test_the_interval_of_a_mean_is_that_of_the_normal_curve() -> None:
    """Mean +- 1.96 * s / sqrt(n), to within what 2,000 resamples leave open: 5 % of the width."""
    values = RNG.normal(3, 2, 1000)
    low, high = mean_interval(values.tolist())
    wanted = 1.96 * values.std() / np.sqrt(1000)
    assert (low, high) == pytest.approx((values.mean() - wanted, values.mean() + wanted), abs=0.1 * wanted)


def test_a_constant_has_no_width_and_one_value_has_no_interval() -> None:
    assert mean_interval([4.0] * 5) == pytest.approx((4.0, 4.0))
    assert mean_interval([4.0]) is None
    assert mean_interval([]) is None
    assert ratio_interval([1.0, 2.0], [0.0, 0.0]) is None


def test_wilsons_interval_of_a_share() -> None:
    """Published: 15 of 148 gives .0624 to .1605 (Newcombe 1998, table I, method 3)."""
    assert share_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert share_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert share_interval(0, 0) is None


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    units = RNG.random((50, 2))
    assert np.array_equal(resampled_sums(units), resampled_sums(units))
    assert not np.array_equal(resampled_sums(units), resampled_sums(units, seed=7))


def test_every_resample_draws_as_many_as_there_are() -> None:
    sums = resampled_sums(np.ones((37, 1)), resamples=100)
    assert sums.shape == (100, 1)
    assert set(sums[:, 0]) == {37.0}


def test_copies_within_a_cluster_tell_nothing_new() -> None:
    """Thirty speakers with four equal lines each say as much as thirty lines: the spread of the mean is s / sqrt(30)."""
    values = RNG.normal(0, 1, 30)
    units, speakers = np.repeat(values, 4)[:, None], np.repeat(np.arange(30), 4).tolist()
    assert cluster_totals(units, speakers)[:, 0] == pytest.approx(4 * values)
    wanted = values.std() / np.sqrt(30)
    assert (resampled_sums(units, speakers)[:, 0] / 120).std() == pytest.approx(wanted, rel=0.08)
    assert (resampled_sums(units)[:, 0] / 120).std() == pytest.approx(wanted / 2, rel=0.08)


def test_one_cluster_alone_says_nothing() -> None:
    assert resampled_sums(np.ones((9, 2)), ["a"] * 9) is None
    assert ratio_interval([1.0, 2.0], [3.0, 4.0], ["a", "a"]) is None


def test_memory_does_not_grow_with_the_number_of_draws() -> None:
    """2,000 resamples of 10,000 lines at once would take 160 MB for the counts alone."""
    tracemalloc.start()
    try:
        resampled_sums(np.ones((10_000, 2)), resamples=400)
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()
