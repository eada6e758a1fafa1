"""The excess of churn and of score differences over those between two baselines of one recipe."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import (  # type: ignore[import-untyped]
    confint_proportions_2indep,
    proportions_ztest,
)

from ghmlops.core.predictions.behaviour.noise_floor import churn_cells, churn_excess, mean_excess
from noise_data import churn_counts, distance_sums


def test_the_comparison_of_two_rates_agrees_with_statsmodels() -> None:
    """Pooled score test and Newcombe's interval at 98 %."""
    excess = churn_excess(churn_counts(300, 5000), churn_counts(200, 4000))
    _, p = proportions_ztest([300, 200], [5000, 4000], alternative="larger")
    low, high = confint_proportions_2indep(300, 5000, 200, 4000, method="newcomb", alpha=0.02)
    assert (excess.p, excess.low, excess.high) == pytest.approx((p, low, high), rel=1e-6)


def test_unlabelled_rows_count_and_clusters_stay_separate() -> None:
    """Churn needs no label: the changed rows here have none."""
    plain, clustered = churn_cells(churn_counts(300, 5000)), churn_cells(churn_counts(300, 5000, 50))
    assert (plain.n[0], plain.d[0]) == (clustered.n[0], clustered.d[0]) == (5000, 300)
    assert clustered.groups is not None
    assert len(clustered.groups.n) == 50


def test_false_alarms_against_the_floor_are_rare() -> None:
    """Candidate and second seed differ from the baseline equally: at most 1 % of the runs are significant."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(500):
        base, first, second = (rng.random(2000) < 0.04 for _ in range(3))
        pair, noise = int((base ^ first).sum()), int((base ^ second).sum())
        alarms += churn_excess(churn_counts(pair, 2000), churn_counts(noise, 2000)).above_floor
    assert alarms <= 5


def test_welch_agrees_with_scipy_and_clusters_widen_it() -> None:
    """One-sided p of two means; fifty users instead of 2,000 rows."""
    from scipy import stats

    rng = np.random.default_rng(9)
    first, second = np.abs(rng.normal(0, 1.1, 2000)), np.abs(rng.normal(0, 1.0, 1500))
    excess = mean_excess(distance_sums(first), distance_sums(second))
    expected = stats.ttest_ind(first, second, equal_var=False, alternative="greater")
    assert excess.p == pytest.approx(expected.pvalue, rel=1e-9)
    user = np.repeat(np.arange(50), 40)
    shared = np.abs(rng.normal(0, 1, 50))[user]
    rows, users = (
        mean_excess(distance_sums(shared), distance_sums(second)),
        mean_excess(distance_sums(shared, user), distance_sums(second)),
    )
    assert users.high - users.low > 3 * (rows.high - rows.low)
