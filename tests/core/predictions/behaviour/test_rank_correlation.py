"""Rank correlation of the two sides' scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import COARSE_BINS, FINE_BINS, Columns, Grid
from ghmlops.core.predictions.behaviour.rank_correlation import Correlation, from_columns, from_grid, judge_ranks


def columns(first: np.ndarray, second: np.ndarray, group: np.ndarray | None = None) -> Columns:
    return Columns(label=np.zeros(len(first)), baseline=first, candidate=second, group=group)


def grid(first: np.ndarray, second: np.ndarray) -> Grid:
    a, b = ((x * COARSE_BINS).astype(np.int64).clip(0, COARSE_BINS - 1) for x in (first, second))
    pairs, n = np.unique(np.stack([a, b]), axis=1, return_counts=True)
    empty = np.zeros((2, FINE_BINS), dtype=np.int64)
    return Grid(
        baseline=empty,
        candidate=empty,
        joint_label=np.zeros(len(n), dtype=np.int64),
        joint_baseline=pairs[0],
        joint_candidate=pairs[1],
        joint_n=n,
    )


def test_rank_correlation_agrees_with_scipy() -> None:
    """From columns with ties exactly; from bins like scipy on the binned scores, and close to the exact value."""
    rng = np.random.default_rng(0)
    first = np.round(rng.random(5000), 2)
    second = np.clip(np.round(first + rng.normal(0, 0.2, 5000), 2), 0, 1)
    exact = from_columns(columns(first, second))
    assert exact.rho == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)
    assert exact.low < exact.rho < exact.high
    first, second = rng.random(5000), rng.random(5000)
    binned = from_grid(grid(first, second))
    expected = stats.spearmanr(np.floor(first * COARSE_BINS), np.floor(second * COARSE_BINS)).statistic
    assert binned.rho == pytest.approx(expected, abs=1e-12)
    assert binned.rho == pytest.approx(stats.spearmanr(first, second).statistic, abs=2.0 / COARSE_BINS)
    assert f"{COARSE_BINS} bins" in binned.method


def test_a_lost_order_warns_and_a_preserved_order_is_reported_only() -> None:
    """Independent scores are a warning; nearly equal scores have a row in the table and no finding."""
    rng = np.random.default_rng(1)
    first = rng.random(2000)
    finding, row = judge_ranks(from_columns(columns(first, rng.random(2000))), "eu")
    assert finding
    assert (finding.id, finding.outcome, row.dataset, row.rows) == ("scores-reordered", Outcome.WARN, "eu", 2000)
    finding, row = judge_ranks(from_columns(columns(first, first + rng.normal(0, 0.05, 2000))))
    assert finding is None
    assert row.spearman is not None
    assert row.spearman > 0.95


def test_too_few_rows_or_clusters_never_warn() -> None:
    """Forty rows of four users, and ten rows, are too few; no row has no correlation."""
    rng = np.random.default_rng(2)
    first, second = rng.random((2, 40))
    group = np.repeat(np.arange(4, dtype=np.uint64), 10)
    assert judge_ranks(from_columns(columns(first, second, group)))[0] is None
    assert judge_ranks(from_columns(columns(first[:10], -first[:10])))[0] is None
    assert math.isnan(from_columns(columns(np.empty(0), np.empty(0))).rho)


def test_a_candidate_with_a_constant_score_warns() -> None:
    """The correlation is undefined and null; if both sides are constant there is no warning."""
    first = np.random.default_rng(3).random(100)
    finding, row = judge_ranks(from_columns(columns(first, np.full(100, 0.5))))
    assert finding
    assert "100" in finding.reason
    assert row.spearman is None
    both: Correlation = from_columns(columns(np.zeros(100), np.zeros(100)))
    assert judge_ranks(both)[0] is None
