"""A quantile and the influence of each row on it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ghmlops.core.stats import quantile


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 0.99])
def test_the_standard_error_is_that_of_the_density(level: float) -> None:
    """Normal values: the quantile is NumPy's, its standard error within 15 % of sqrt(q (1 - q) / n) / f."""
    values = np.random.default_rng(4).normal(size=20_000)
    value, influence = quantile.influence(values, level, len(values))
    assert value == pytest.approx(np.quantile(values, level), rel=1e-9)
    assert influence.sum() == pytest.approx(0.0, abs=1e-9)
    expected = np.sqrt(level * (1 - level) / len(values)) / norm.pdf(norm.ppf(level))
    assert np.sqrt(np.sum(influence**2)) == pytest.approx(expected, rel=0.15)


def test_few_clusters_widen_the_bandwidth() -> None:
    """The density is estimated over the sampling error of the clusters, not of the rows."""
    values = np.repeat(np.random.default_rng(5).normal(size=60), 100)
    many, few = (quantile.influence(values, 0.9, independent)[1] for independent in (6000, 60))
    assert np.ptp(few) != pytest.approx(np.ptp(many), rel=0.01)


def test_a_quantile_within_many_equal_values_has_no_error() -> None:
    """98 % of the values are equal: the quantile is that value and no row has influence."""
    values = np.r_[np.zeros(10), np.ones(980), np.full(10, 2.0)]
    value, influence = quantile.influence(values, 0.5, 1000)
    assert (value, np.ptp(influence)) == (1.0, 0.0)
