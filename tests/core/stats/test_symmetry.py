"""Symmetry of changes between classes."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import SquareTable  # type: ignore[import-untyped]

from ghmlops.core.stats import symmetry


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [2, 3, 7])
def test_marginal_homogeneity_agrees_with_statsmodels(size: int, seed: int) -> None:
    """Statistic, degrees of freedom and p are Stuart and Maxwell's."""
    table = np.random.default_rng(seed).poisson(20, (size, size)).astype(np.float64)
    expected = SquareTable(table, shift_zeros=False).homogeneity(method="stuart_maxwell")
    found = symmetry.marginal(table)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)
    assert found.freedom == expected.df


def test_nothing_changed_is_symmetric() -> None:
    """A diagonal table has no degree of freedom and p = 1."""
    assert symmetry.marginal(np.diag([5.0, 7.0, 9.0])) == (0.0, 0, 1.0)


def test_classes_that_only_swap_among_themselves_cost_one_degree_less() -> None:
    """Two separate pairs of classes have two degrees of freedom, where the textbook's matrix would be singular."""
    table = np.zeros((4, 4))
    table[0, 1], table[1, 0], table[2, 3], table[3, 2] = 30, 10, 20, 20
    found = symmetry.marginal(table)
    assert found.freedom == 2
    assert found.statistic == pytest.approx(20**2 / 40)


def test_clusters_of_one_row_are_rows() -> None:
    """With every row its own cluster the clustered test is the plain one."""
    rng = np.random.default_rng(3)
    before, after = rng.integers(0, 4, (2, 500))
    table = np.zeros((4, 4))
    np.add.at(table, (before, after), 1.0)
    rows = np.arange(500)
    one = np.ones(500)
    found = symmetry.clustered(np.r_[rows, rows], np.r_[after, before], np.r_[one, -one], 4)
    assert found == pytest.approx(symmetry.marginal(table))


def test_clusters_that_move_as_one_are_not_many_rows() -> None:
    """Forty rows of four clusters: p stays that of four coins, not of forty."""
    group = np.repeat(np.arange(4), 10)
    one = np.ones(40)
    found = symmetry.clustered(
        np.r_[group, group], np.r_[np.ones(40, dtype=int), np.zeros(40, dtype=int)], np.r_[one, -one], 3
    )
    assert found.statistic == pytest.approx(4.0)
    assert found.freedom == 1
