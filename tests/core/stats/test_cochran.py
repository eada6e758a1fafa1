"""Cochran's Q."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from statsmodels.stats.meta_analysis import combine_effects  # type: ignore[import-untyped]

from ghmlops.core.stats import cochran


def test_it_agrees_with_statsmodels() -> None:
    """Q and p on ten windows."""
    rng = np.random.default_rng(2)
    estimates, errors = rng.normal(size=10), rng.uniform(0.2, 1.0, size=10)
    found = cochran.heterogeneity(estimates, errors)
    expected = combine_effects(estimates, errors**2, method_re="dl")
    assert expected.q == pytest.approx(found.q, rel=1e-9)
    assert (9, chi2.sf(expected.q, 9)) == pytest.approx((found.freedom, found.p), rel=1e-9)


def test_windows_without_an_error_are_left_out_and_one_window_is_no_test() -> None:
    """Nothing can be said of fewer than two usable windows."""
    found = cochran.heterogeneity(np.array([0.1, np.nan, 0.3]), np.array([0.1, 0.1, 0.0]))
    assert np.isnan(found.p)
    assert cochran.heterogeneity(np.array([0.1, 0.2, 9.0]), np.array([0.1, 0.1, 0.0])).freedom == 1
