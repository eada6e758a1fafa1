"""Cochran's Q test of heterogeneity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from statsmodels.stats.meta_analysis import combine_effects  # type: ignore[import-untyped]

from ghmlops.core.stats import cochran


def test_it_agrees_with_statsmodels() -> None:
    """Q, its degrees of freedom and p of ten estimates."""
    rng = np.random.default_rng(2)
    estimates, errors = rng.normal(size=10), rng.uniform(0.2, 1.0, size=10)
    result = cochran.heterogeneity(estimates, errors)
    expected = combine_effects(estimates, errors**2, method_re="dl")
    assert expected.q == pytest.approx(result.q, rel=1e-9)
    assert (9, chi2.sf(expected.q, 9)) == pytest.approx((result.df, result.p), rel=1e-9)


def test_estimates_without_an_error_are_left_out_and_one_estimate_has_no_test() -> None:
    """With fewer than two usable estimates p is NaN; an error of 0 makes an estimate unusable."""
    result = cochran.heterogeneity(np.array([0.1, np.nan, 0.3]), np.array([0.1, 0.1, 0.0]))
    assert np.isnan(result.p)
    assert cochran.heterogeneity(np.array([0.1, 0.2, 9.0]), np.array([0.1, 0.1, 0.0])).df == 1
