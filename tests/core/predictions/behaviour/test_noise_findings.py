"""Findings on churn and score differences, compared with those between two baselines of one recipe."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.behaviour.noise_findings import judge_noise
from ghmlops.core.predictions.behaviour.noise_floor import churn_excess, mean_excess
from noise_data import churn_counts, distance_sums


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [(200, Outcome.PASS), (210, Outcome.PASS), (270, Outcome.WARN), (420, Outcome.FAIL), (50, Outcome.PASS)],
)
def test_churn_is_judged_against_the_floor(changed: int, outcome: Outcome) -> None:
    """The floor is 2 % of 10,000: equal, not significantly above, significantly above, above by more than a point."""
    (finding,), (row,) = judge_noise(
        churn_excess(churn_counts(changed, 10_000), churn_counts(200, 10_000)), dataset="eu"
    )
    assert (finding.id, finding.outcome, finding.dataset) == ("noise-churn", outcome, "eu")
    assert (row.dataset, row.quantity, row.value, row.floor) == ("eu", "churn", changed / 10_000, 0.02)


def test_the_reason_has_both_rates_and_the_margin_of_the_policy() -> None:
    """Four points above the floor are within a margin of five."""
    excess = churn_excess(churn_counts(600, 10_000), churn_counts(200, 10_000))
    (finding,), _ = judge_noise(excess, margin=0.05)
    assert finding.outcome is Outcome.WARN
    assert all(text in finding.reason for text in ("6.00 % of 10,000", "2.00 % of 10,000", "+4.00 points", "5 points"))


def test_few_rows_are_inconclusive() -> None:
    """On either side; no rows at all too."""
    for pair, noise in ((20, 5000), (5000, 20), (0, 5000), (0, 0)):
        (finding,), _ = judge_noise(churn_excess(churn_counts(0, pair), churn_counts(0, noise)))
        assert finding.outcome is Outcome.INCONCLUSIVE


def test_no_change_anywhere_passes() -> None:
    """Two identical pairs have no division by zero."""
    (finding,), _ = judge_noise(churn_excess(churn_counts(0, 5000), churn_counts(0, 5000)))
    assert finding.outcome is Outcome.PASS


def test_a_few_noisy_users_are_not_significantly_above_the_floor() -> None:
    """400 changed rows of four users in fifty fail as independent rows, and pass as clusters."""
    rows = judge_noise(churn_excess(churn_counts(400, 5000), churn_counts(100, 5000)))[0]
    users = judge_noise(churn_excess(churn_counts(400, 5000, 50), churn_counts(100, 5000, 50)))[0]
    assert (rows[0].outcome, users[0].outcome) == (Outcome.FAIL, Outcome.PASS)
    assert "cluster-robust" in users[0].method


def test_score_differences_warn_only_beyond_twice_the_floor() -> None:
    """Three times the floor warns, 1.5 times is significant and passes, the same passes."""
    rng = np.random.default_rng(8)
    floor = np.abs(rng.normal(0, 0.01, 4000))
    outcomes = {}
    for times in (3.0, 1.5, 1.0):
        excess = mean_excess(distance_sums(np.abs(rng.normal(0, 0.01 * times, 4000))), distance_sums(floor))
        (finding,), (row,) = judge_noise(None, excess)
        assert finding.id == "noise-scores"
        outcomes[times] = finding.outcome, excess.above_floor, row.outcome
    assert outcomes == {
        3.0: (Outcome.WARN, True, Outcome.WARN),
        1.5: (Outcome.PASS, True, Outcome.PASS),
        1.0: (Outcome.PASS, False, Outcome.PASS),
    }


def test_nothing_measured_is_no_finding() -> None:
    """Without a second baseline there is no finding; an empty pair is inconclusive."""
    assert judge_noise(None) == ([], [])
    empty = mean_excess(distance_sums(np.empty(0)), distance_sums(np.ones(100)))
    assert math.isnan(empty.p)
    assert judge_noise(None, empty)[0][0].outcome is Outcome.INCONCLUSIVE
