"""Limits and p-values by Student's t."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ghmlops.core.stats import student


def test_it_agrees_with_scipys_paired_test() -> None:
    """One-sided p and the limits are those of `ttest_rel`."""
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=40), rng.normal(0.3, 1.0, size=40)
    change = second - first
    arrays = np.array([change.mean()]), np.array([change.std(ddof=1) / np.sqrt(40)]), np.array([39.0])
    expected = stats.ttest_rel(second, first, alternative="greater")
    assert expected.pvalue == pytest.approx(student.p_greater(*arrays)[0], rel=1e-9)
    low, high = student.limits(*arrays, 0.01)
    interval = stats.ttest_rel(second, first).confidence_interval(0.98)
    assert (interval.low, interval.high) == pytest.approx((low[0], high[0]), rel=1e-9)


def test_without_degrees_of_freedom_results_are_nan_and_without_spread_certain() -> None:
    """No degree of freedom gives NaN; with a standard error of 0 a shift has p = 0, no change p = 0.5."""
    zero = np.array([0.0])
    assert np.isnan(student.limits(np.array([1.0]), zero, zero, 0.01)[0][0])
    assert np.isnan(student.p_greater(np.array([1.0]), zero, zero)[0])
    assert student.p_greater(np.array([1.0]), zero, np.array([9.0]))[0] == 0.0
    assert student.p_greater(zero, zero, np.array([9.0]))[0] == 0.5
