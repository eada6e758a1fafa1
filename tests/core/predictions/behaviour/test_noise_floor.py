"""Churn and score differences, compared with those between two baselines of one recipe."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import (  # type: ignore[import-untyped]
    confint_proportions_2indep,
    proportions_ztest,
)

from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import Cells, Counts, Groups
from ghmlops.core.predictions.behaviour.noise_floor import churn_cells, churn_excess, judge_noise, mean_excess


def counts(changed: int, rows: int, clusters: int = 0) -> Counts:
    """Return one overall cell; with clusters the changed rows are in as few of them as possible."""
    n = [rows - changed, changed]
    flags, sizes, group = [0, 1], [float(k) for k in n], [0, 1]
    if clusters:
        size, flags, sizes, group = rows // clusters, [], [], []
        left = changed
        for one in range(clusters):
            changed_here = min(left, size)
            left -= changed_here
            flags += [0, 1]
            sizes += [float(size - changed_here), float(changed_here)]
            group += [one, one]
    candidate = np.array(flags, dtype=np.int64)
    return Counts(
        cells=1,
        classes=2,
        cell=np.zeros(len(flags), dtype=np.int64),
        label=np.where(candidate == 1, -1, 0),
        baseline=np.zeros(len(flags), dtype=np.int64),
        candidate=candidate,
        n=np.array(sizes),
        group=np.array(group, dtype=np.int64) if clusters else None,
    )


def mean(values: np.ndarray, group: np.ndarray | None = None) -> Cells:
    """Return the sums of |score difference|."""
    zero = np.zeros(1)
    groups = None
    if group is not None:
        n, d, dd = (np.bincount(group, weights=v).astype(np.float64) for v in (np.ones_like(values), values, values**2))
        groups = Groups(cell=np.zeros(len(n), dtype=np.int64), n=n, a=np.zeros(len(n)), d=d, dd=dd)
    total = np.array([float(len(values))])
    square = np.array([float((values**2).sum())])
    return Cells(n=total, a=zero, d=np.array([float(values.sum())]), aa=zero, ad=zero, dd=square, groups=groups)


def test_the_comparison_of_two_rates_agrees_with_statsmodels() -> None:
    """Pooled score test and Newcombe's interval at 98 %."""
    excess = churn_excess(counts(300, 5000), counts(200, 4000))
    _, p = proportions_ztest([300, 200], [5000, 4000], alternative="larger")
    low, high = confint_proportions_2indep(300, 5000, 200, 4000, method="newcomb", alpha=0.02)
    assert (excess.p, excess.low, excess.high) == pytest.approx((p, low, high), rel=1e-6)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [(200, Outcome.PASS), (210, Outcome.PASS), (270, Outcome.WARN), (420, Outcome.FAIL), (50, Outcome.PASS)],
)
def test_churn_is_judged_against_the_floor(changed: int, outcome: Outcome) -> None:
    """The floor is 2 % of 10,000: equal, not significantly above, significantly above, above by more than a point."""
    (finding,), (row,) = judge_noise(churn_excess(counts(changed, 10_000), counts(200, 10_000)), dataset="eu")
    assert (finding.id, finding.outcome, finding.dataset) == ("noise-churn", outcome, "eu")
    assert (row.dataset, row.quantity, row.value, row.floor) == ("eu", "churn", changed / 10_000, 0.02)


def test_the_reason_has_both_rates_and_the_margin_of_the_policy() -> None:
    """Four points above the floor are within a margin of five."""
    excess = churn_excess(counts(600, 10_000), counts(200, 10_000))
    (finding,), _ = judge_noise(excess, margin=0.05)
    assert finding.outcome is Outcome.WARN
    assert all(text in finding.reason for text in ("6.00 % of 10,000", "2.00 % of 10,000", "+4.00 points", "5 points"))


def test_few_rows_are_inconclusive() -> None:
    """On either side; no rows at all too."""
    for pair, noise in ((20, 5000), (5000, 20), (0, 5000), (0, 0)):
        (finding,), _ = judge_noise(churn_excess(counts(0, pair), counts(0, noise)))
        assert finding.outcome is Outcome.INCONCLUSIVE


def test_no_change_anywhere_passes() -> None:
    """Two identical pairs have no division by zero."""
    (finding,), _ = judge_noise(churn_excess(counts(0, 5000), counts(0, 5000)))
    assert finding.outcome is Outcome.PASS


def test_unlabelled_rows_count_and_clusters_stay_separate() -> None:
    """Churn needs no label: the changed rows here have none."""
    plain, clustered = churn_cells(counts(300, 5000)), churn_cells(counts(300, 5000, 50))
    assert (plain.n[0], plain.d[0]) == (clustered.n[0], clustered.d[0]) == (5000, 300)
    assert clustered.groups is not None
    assert len(clustered.groups.n) == 50


def test_a_few_noisy_users_are_not_significantly_above_the_floor() -> None:
    """400 changed rows of four users in fifty fail as independent rows, and pass as clusters."""
    rows = judge_noise(churn_excess(counts(400, 5000), counts(100, 5000)))[0]
    users = judge_noise(churn_excess(counts(400, 5000, 50), counts(100, 5000, 50)))[0]
    assert (rows[0].outcome, users[0].outcome) == (Outcome.FAIL, Outcome.PASS)
    assert "cluster-robust" in users[0].method


def test_false_alarms_against_the_floor_are_rare() -> None:
    """Candidate and second seed differ from the baseline equally: at most 1 % of the runs are significant."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(500):
        base, first, second = (rng.random(2000) < 0.04 for _ in range(3))
        pair, noise = int((base ^ first).sum()), int((base ^ second).sum())
        alarms += churn_excess(counts(pair, 2000), counts(noise, 2000)).above_floor
    assert alarms <= 5


def test_score_differences_warn_only_beyond_twice_the_floor() -> None:
    """Three times the floor warns, 1.5 times is significant and passes, the same passes."""
    rng = np.random.default_rng(8)
    floor = np.abs(rng.normal(0, 0.01, 4000))
    outcomes = {}
    for times in (3.0, 1.5, 1.0):
        excess = mean_excess(mean(np.abs(rng.normal(0, 0.01 * times, 4000))), mean(floor))
        (finding,), (row,) = judge_noise(None, excess)
        assert finding.id == "noise-scores"
        outcomes[times] = finding.outcome, excess.above_floor, row.outcome
    assert outcomes == {
        3.0: (Outcome.WARN, True, Outcome.WARN),
        1.5: (Outcome.PASS, True, Outcome.PASS),
        1.0: (Outcome.PASS, False, Outcome.PASS),
    }


def test_welch_agrees_with_scipy_and_clusters_widen_it() -> None:
    """One-sided p of two means; fifty users instead of 2,000 rows."""
    from scipy import stats

    rng = np.random.default_rng(9)
    first, second = np.abs(rng.normal(0, 1.1, 2000)), np.abs(rng.normal(0, 1.0, 1500))
    excess = mean_excess(mean(first), mean(second))
    expected = stats.ttest_ind(first, second, equal_var=False, alternative="greater")
    assert excess.p == pytest.approx(expected.pvalue, rel=1e-9)
    user = np.repeat(np.arange(50), 40)
    shared = np.abs(rng.normal(0, 1, 50))[user]
    rows, users = mean_excess(mean(shared), mean(second)), mean_excess(mean(shared, user), mean(second))
    assert users.high - users.low > 3 * (rows.high - rows.low)


def test_nothing_measured_is_no_finding() -> None:
    """Without a second baseline there is no finding; an empty pair is inconclusive."""
    assert judge_noise(None) == ([], [])
    empty = mean_excess(mean(np.empty(0)), mean(np.ones(100)))
    assert math.isnan(empty.p)
    assert judge_noise(None, empty)[0][0].outcome is Outcome.INCONCLUSIVE
