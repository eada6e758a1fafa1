"""The Stuart-Maxwell test of marginal homogeneity."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import SquareTable  # type: ignore[import-untyped]

from ghmlops.core.stats import marginal_homogeneity


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [2, 3, 7])
def test_independent_rows_agree_with_statsmodels(size: int, seed: int) -> None:
    """Statistic, degrees of freedom and p are those of statsmodels."""
    table = np.random.default_rng(seed).poisson(20, (size, size)).astype(np.float64)
    expected = SquareTable(table, shift_zeros=False).homogeneity(method="stuart_maxwell")
    result = marginal_homogeneity.stuart_maxwell(table)
    assert (result.statistic, result.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)
    assert result.df == expected.df


def test_without_changes_p_is_1() -> None:
    """A diagonal table has the statistic 0, no degree of freedom and p = 1."""
    assert marginal_homogeneity.stuart_maxwell(np.diag([5.0, 7.0, 9.0])) == (0.0, 0, 1.0)


def test_separate_groups_of_classes_have_one_degree_of_freedom_less_each() -> None:
    """Two separate pairs of classes have two degrees of freedom; the textbook's matrix would be singular."""
    table = np.zeros((4, 4))
    table[0, 1], table[1, 0], table[2, 3], table[3, 2] = 30, 10, 20, 20
    result = marginal_homogeneity.stuart_maxwell(table)
    assert result.df == 2
    assert result.statistic == pytest.approx(20**2 / 40)


def test_clusters_of_one_row_are_independent_rows() -> None:
    """If every row is its own cluster, the clustered test equals the one of independent rows."""
    rng = np.random.default_rng(3)
    before, after = rng.integers(0, 4, (2, 500))
    table = np.zeros((4, 4))
    np.add.at(table, (before, after), 1.0)
    rows = np.arange(500)
    ones = np.ones(500)
    result = marginal_homogeneity.stuart_maxwell_clustered(
        np.r_[rows, rows], np.r_[after, before], np.r_[ones, -ones], 4
    )
    assert result == pytest.approx(marginal_homogeneity.stuart_maxwell(table))


def test_rows_that_move_together_count_as_one() -> None:
    """Forty rows in four clusters: the statistic is that of four observations, not of forty."""
    group = np.repeat(np.arange(4), 10)
    ones = np.ones(40)
    result = marginal_homogeneity.stuart_maxwell_clustered(
        np.r_[group, group], np.r_[np.ones(40, dtype=int), np.zeros(40, dtype=int)], np.r_[ones, -ones], 3
    )
    assert result.statistic == pytest.approx(4.0)
    assert result.df == 1
