"""Rank correlation of the two sides' scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import COARSE_BINS, QueryRanks, ScorePairs
from ghmlops.core.predictions.behaviour.rank_correlation import Correlation, from_queries, from_scores, judge_ranks


def pairs(first: np.ndarray, second: np.ndarray, units: int | None = None) -> ScorePairs:
    return ScorePairs(baseline=first, candidate=second, units=len(first) if units is None else units)


def bins(first: np.ndarray, second: np.ndarray) -> ScorePairs:
    a, b = ((x * COARSE_BINS).astype(np.int64).clip(0, COARSE_BINS - 1) for x in (first, second))
    pairs, n = np.unique(np.stack([a, b]), axis=1, return_counts=True)
    sides = pairs.astype(np.float64)
    return ScorePairs(baseline=sides[0], candidate=sides[1], n=n.astype(np.float64), units=len(first), bins=COARSE_BINS)


def test_rank_correlation_agrees_with_scipy() -> None:
    """From columns with ties exactly; from bins like scipy on the binned scores, and close to the exact value."""
    rng = np.random.default_rng(0)
    first = np.round(rng.random(5000), 2)
    second = np.clip(np.round(first + rng.normal(0, 0.2, 5000), 2), 0, 1)
    exact = from_scores(pairs(first, second))
    assert exact.rho == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)
    assert exact.low < exact.rho < exact.high
    first, second = rng.random(5000), rng.random(5000)
    binned = from_scores(bins(first, second))
    expected = stats.spearmanr(np.floor(first * COARSE_BINS), np.floor(second * COARSE_BINS)).statistic
    assert binned.rho == pytest.approx(expected, abs=1e-12)
    assert binned.rho == pytest.approx(stats.spearmanr(first, second).statistic, abs=2.0 / COARSE_BINS)
    assert f"{COARSE_BINS} bins" in binned.method


def test_a_lost_order_warns_and_a_preserved_order_is_reported_only() -> None:
    """Independent scores are a warning; nearly equal scores have a row in the table and no finding."""
    rng = np.random.default_rng(1)
    first = rng.random(2000)
    finding, row = judge_ranks(from_scores(pairs(first, rng.random(2000))), "eu")
    assert finding
    assert (finding.id, finding.outcome, row.dataset, row.rows) == ("scores-reordered", Outcome.WARN, "eu", 2000)
    finding, row = judge_ranks(from_scores(pairs(first, first + rng.normal(0, 0.05, 2000))))
    assert finding is None
    assert row.spearman is not None
    assert row.spearman > 0.95


def test_too_few_rows_or_clusters_never_warn() -> None:
    """Forty rows of four users, and ten rows, are too few; no row has no correlation."""
    rng = np.random.default_rng(2)
    first, second = rng.random((2, 40))
    assert judge_ranks(from_scores(pairs(first, second, units=4)))[0] is None
    assert judge_ranks(from_scores(pairs(first[:10], -first[:10])))[0] is None
    assert math.isnan(from_scores(pairs(np.empty(0), np.empty(0))).rho)


def test_a_candidate_with_a_constant_score_warns() -> None:
    """The correlation is undefined and null; if both sides are constant there is no warning."""
    first = np.random.default_rng(3).random(100)
    finding, row = judge_ranks(from_scores(pairs(first, np.full(100, 0.5))))
    assert finding
    assert "100" in finding.reason
    assert row.spearman is None
    both: Correlation = from_scores(pairs(np.zeros(100), np.zeros(100)))
    assert judge_ranks(both)[0] is None


def test_documents_are_ordered_within_their_queries() -> None:
    """The sums of 100 queries with reversed lists give -1; equal scores on the candidate alone warn."""
    reversed_lists = QueryRanks(documents=500, queries=100, baseline=9, candidate=9, product=-9)
    finding, row = judge_ranks(from_queries(reversed_lists))
    assert finding
    assert (row.spearman, row.rows) == (-1, 500)
    constant = QueryRanks(documents=500, queries=100, baseline=9, candidate=0, product=0)
    assert judge_ranks(from_queries(constant))[0] is not None
    assert judge_ranks(from_queries(QueryRanks(documents=0, queries=0, baseline=0, candidate=0, product=0)))[0] is None
