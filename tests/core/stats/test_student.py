"""Limits and p-values by Student's t."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ghmlops.core.stats import student


def test_it_agrees_with_scipys_paired_test() -> None:
    """One-sided p and the limits of ttest_rel."""
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=40), rng.normal(0.3, 1.0, size=40)
    change = second - first
    arrays = np.array([change.mean()]), np.array([change.std(ddof=1) / np.sqrt(40)]), np.array([39.0])
    expected = stats.ttest_rel(second, first, alternative="greater")
    assert expected.pvalue == pytest.approx(student.p_above(*arrays)[0], rel=1e-9)
    low, high = student.limits(*arrays, 0.01)
    interval = stats.ttest_rel(second, first).confidence_interval(0.98)
    assert (interval.low, interval.high) == pytest.approx((low[0], high[0]), rel=1e-9)


def test_without_freedom_nothing_is_known_and_without_spread_all_is() -> None:
    """One row gives NaN; a constant shift is certain; no change at all is one half."""
    none = np.array([0.0])
    assert np.isnan(student.limits(np.array([1.0]), none, none, 0.01)[0][0])
    assert np.isnan(student.p_above(np.array([1.0]), none, none)[0])
    assert student.p_above(np.array([1.0]), none, np.array([9.0]))[0] == 0.0
    assert student.p_above(none, none, np.array([9.0]))[0] == 0.5
