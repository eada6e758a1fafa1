"""Rank correlation of the scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import COARSE, FINE, Columns, Grid
from ghmlops.core.predictions.behaviour.rank_correlation import Correlation, from_columns, from_grid, judge_ranks


def columns(first: np.ndarray, second: np.ndarray, group: np.ndarray | None = None) -> Columns:
    return Columns(label=np.zeros(len(first)), baseline=first, candidate=second, group=group)


def grid(first: np.ndarray, second: np.ndarray) -> Grid:
    a, b = ((x * COARSE).astype(np.int64).clip(0, COARSE - 1) for x in (first, second))
    pairs, n = np.unique(np.stack([a, b]), axis=1, return_counts=True)
    empty = np.zeros((2, FINE), dtype=np.int64)
    return Grid(
        baseline=empty, candidate=empty, label=np.zeros(len(n), dtype=np.int64), first=pairs[0], second=pairs[1], n=n
    )


def test_rank_correlation_agrees_with_scipy() -> None:
    """Exactly from columns with ties; from the grid as scipy's on the binned scores."""
    rng = np.random.default_rng(0)
    first = np.round(rng.random(5000), 2)
    second = np.clip(np.round(first + rng.normal(0, 0.2, 5000), 2), 0, 1)
    found = from_columns(columns(first, second))
    assert found.rho == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)
    assert found.low < found.rho < found.high
    first, second = rng.random(5000), rng.random(5000)
    binned = from_grid(grid(first, second))
    expected = stats.spearmanr(np.floor(first * COARSE), np.floor(second * COARSE)).statistic
    assert binned.rho == pytest.approx(expected, abs=1e-12)
    assert binned.rho == pytest.approx(stats.spearmanr(first, second).statistic, abs=2.0 / COARSE)
    assert f"{COARSE} bins" in binned.method


def test_a_lost_order_warns_and_a_kept_one_is_only_shown() -> None:
    """Independent scores are a warning; nearly the same ones are a row of the table and no finding."""
    rng = np.random.default_rng(1)
    first = rng.random(2000)
    finding, row = judge_ranks(from_columns(columns(first, rng.random(2000))), "eu")
    assert finding
    assert (finding.id, finding.outcome, row.dataset, row.rows) == ("scores-reordered", Outcome.WARN, "eu", 2000)
    finding, row = judge_ranks(from_columns(columns(first, first + rng.normal(0, 0.05, 2000))))
    assert finding is None
    assert row.spearman is not None
    assert row.spearman > 0.95


def test_too_few_rows_or_clusters_show_no_lost_order() -> None:
    """Forty rows of four users say nothing about the order; so do ten rows."""
    rng = np.random.default_rng(2)
    first, second = rng.random((2, 40))
    group = np.repeat(np.arange(4, dtype=np.uint64), 10)
    assert judge_ranks(from_columns(columns(first, second, group)))[0] is None
    assert judge_ranks(from_columns(columns(first[:10], -first[:10])))[0] is None
    assert math.isnan(from_columns(columns(np.empty(0), np.empty(0))).rho)


def test_a_candidate_that_gives_all_the_same_score_warns() -> None:
    """The correlation is undefined, shown as null, and said."""
    first = np.random.default_rng(3).random(100)
    finding, row = judge_ranks(from_columns(columns(first, np.full(100, 0.5))))
    assert finding
    assert "all 100 rows the same score" in finding.reason
    assert row.spearman is None
    both: Correlation = from_columns(columns(np.zeros(100), np.zeros(100)))
    assert judge_ranks(both)[0] is None
