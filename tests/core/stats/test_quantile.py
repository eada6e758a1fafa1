"""A quantile and its sampling error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ghmlops.core.stats import quantile


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 0.99])
def test_the_error_is_that_of_the_density(level: float) -> None:
    """Normal values: the quantile is numpy's, its error near sqrt(q (1 - q) / n) / f."""
    values = np.random.default_rng(4).normal(size=20_000)
    found, influence = quantile.influence(values, level, len(values))
    assert found == pytest.approx(np.quantile(values, level), rel=1e-9)
    assert influence.sum() == pytest.approx(0.0, abs=1e-9)
    expected = np.sqrt(level * (1 - level) / len(values)) / norm.pdf(norm.ppf(level))
    assert np.sqrt(np.sum(influence**2)) == pytest.approx(expected, rel=0.15)


def test_few_facts_among_many_rows_look_farther() -> None:
    """The slope is taken over the reach that the clusters have, not the rows."""
    values = np.repeat(np.random.default_rng(5).normal(size=60), 100)
    many, few = (quantile.influence(values, 0.9, facts)[1] for facts in (6000, 60))
    assert np.ptp(few) != pytest.approx(np.ptp(many), rel=0.01)


def test_a_quantile_inside_of_an_atom_has_no_error() -> None:
    """Whole numbers, most of them the same: the quantile does not move."""
    values = np.r_[np.zeros(10), np.ones(980), np.full(10, 2.0)]
    found, influence = quantile.influence(values, 0.5, 1000)
    assert (found, np.ptp(influence)) == (1.0, 0.0)
