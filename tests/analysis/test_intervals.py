"""Student's interval against scipy's own test of a mean, its coverage, and what has none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurosim.analysis.intervals import student


def test_it_is_that_of_scipys_test_along_any_axis_without_nan(rng):
    values = rng.normal(3.0, 2.0, (4, 7, 5))
    values[1, 2, 0] = np.nan
    mean, low, high = student(values, axis=1, level=0.9)
    ends = stats.ttest_1samp(values, 0.0, axis=1, nan_policy="omit").confidence_interval(0.9)
    assert mean.shape == low.shape == (4, 5)
    np.testing.assert_allclose(low, ends.low, rtol=1e-12)
    np.testing.assert_allclose(high, ends.high, rtol=1e-12)
    np.testing.assert_allclose((low + high) / 2, mean, rtol=1e-12)


def test_a_textbook_case():
    # Mean 2, standard error 1/sqrt(3), and 4.3027, the 97.5 % quantile of 2 degrees of freedom.
    mean, low, high = student([1.0, 2.0, 3.0])
    half = 4.302653 / np.sqrt(3)
    assert (mean, low, high) == pytest.approx((2.0, 2 - half, 2 + half), rel=1e-6)


def test_one_value_has_no_interval_none_no_mean_and_equal_ones_no_width():
    mean, low, high = student([[5.0, np.nan], [np.nan, np.nan], [2.0, 2.0]])
    np.testing.assert_array_equal(mean, [5.0, np.nan, 2.0])
    np.testing.assert_array_equal(low, [np.nan, np.nan, 2.0])
    np.testing.assert_array_equal(high, low)


def test_it_covers_the_truth_as_often_as_it_says(rng):
    _, low, high = student(rng.normal(1.0, 1.0, (20_000, 5)))
    share = np.mean((low <= 1.0) & (high >= 1.0))
    assert share == pytest.approx(0.95, abs=0.006)  # four standard errors of 20000 trials
