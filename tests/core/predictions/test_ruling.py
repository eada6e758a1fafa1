"""Ruling over all rows: a table of literal comparisons, and the sentence that says why."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.metrics.churn import CHURN
from ghmlops.core.metrics.positive_rate import POSITIVE_RATE
from ghmlops.core.model import Outcome
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.ruling import Comparison, finding, rule, sentence, tidy

PASS, FAIL, UNDECIDED = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def loss(low: float, estimate: float, high: float, *, metric: Metric = ACCURACY, **more: Any) -> Comparison:
    """A comparison whose loss has these limits."""
    known: dict[str, Any] = {
        "metric": metric,
        "n": 10_000,
        "baseline": 0.8,
        "candidate": 0.8 - estimate,
        "low": -high,
        "high": -low,
        "loss": estimate,
        "loss_low": low,
        "loss_high": high,
        "p": 0.001 if low > 0 else 0.5,
        "error": 0.001,
        "margin": 0.005,
        "method": "test",
    }
    return Comparison(**(known | more))


@pytest.mark.parametrize(
    ("low", "estimate", "high", "outcome", "clause"),
    [
        (0.006, 0.010, 0.014, FAIL, "whole interval"),
        (0.001, 0.010, 0.019, FAIL, "excludes no change and the estimate exceeds"),
        (0.001, 0.004, 0.007, UNDECIDED, "a loss is shown"),
        (0.001, 0.003, 0.005, PASS, "inside"),
        (-0.002, 0.001, 0.004, PASS, "inside"),
        (-0.010, 0.001, 0.012, UNDECIDED, "reaches across"),
        (-0.010, 0.020, 0.050, UNDECIDED, "reaches across"),
        (-0.030, -0.020, -0.010, PASS, "inside"),
        (math.nan, math.nan, math.nan, UNDECIDED, "undefined"),
        (-math.inf, 0.0, math.inf, UNDECIDED, "undefined"),
    ],
)
def test_effect_margin_and_interval_decide_together(
    low: float, estimate: float, high: float, outcome: Outcome, clause: str
) -> None:
    """The rules of the verdict, with the clause that says which one held."""
    ruling = rule(loss(low, estimate, high))
    assert outcome is ruling.outcome
    assert clause in ruling.clause


def test_a_shown_loss_needs_the_test_too() -> None:
    """Where interval and test disagree, nothing is called."""
    assert rule(loss(0.001, 0.010, 0.019, p=0.02)).outcome is UNDECIDED


def test_the_policy_may_call_undecided_a_warning() -> None:
    """`undecided: warn`, also where too few rows decide nothing."""
    assert rule(loss(-0.010, 0.001, 0.012), "warn").outcome is Outcome.WARN


@pytest.mark.parametrize("found", [loss(0, 0, 0, n=29), loss(0.5, 0.6, 0.7, n=29)])
def test_a_handful_of_rows_decides_nothing(found: Comparison) -> None:
    """Below 30 rows neither pass nor fail."""
    assert rule(found).outcome is UNDECIDED


def test_a_rate_of_the_pair_fails_only_where_its_interval_is_beyond() -> None:
    """Churn is always above 0, so only the margin is asked: all beyond fails, all inside passes."""
    nan = math.nan
    assert rule(loss(0.006, 0.010, 0.014, metric=CHURN, p=nan)).outcome is FAIL
    assert rule(loss(0.004, 0.010, 0.014, metric=CHURN, p=nan)).outcome is UNDECIDED
    assert rule(loss(0.001, 0.002, 0.004, metric=CHURN, p=nan)).outcome is PASS
    with pytest.raises(ValueError, match="no margin"):
        rule(loss(0.001, 0.002, 0.004, metric=CHURN, margin=None))


def test_the_reason_holds_the_numbers_and_the_rows_that_would_decide() -> None:
    """One sentence with estimate, values, interval, margin and rows."""
    found = loss(-0.010, 0.001, 0.012)
    reason = finding(found, rule(found)).reason
    expected = (
        "accuracy fell by 0.10 points, from 80.00 % to 79.90 % (98 % interval of the change -1.20 to 1.00 points), "
        "on 10,000 rows: the interval reaches across the margin of 0.50 points; "
        "about 76,000 such rows would decide."
    )
    assert expected == reason


def test_a_move_either_way_has_the_wider_interval() -> None:
    """Any move is harm, so each limit leaves half of the level."""
    assert "99 % interval" in sentence(loss(0, 0, 0, metric=POSITIVE_RATE))


def test_evidence_numbers_are_finite_short_and_never_minus_zero() -> None:
    """NaN becomes null; ten digits; no -0.0."""
    found = finding(loss(math.nan, math.nan, math.nan, candidate=math.nan), rule(loss(0, math.nan, 0)))
    assert (found.candidate, found.change.low if found.change else 0) == (None, None)
    assert [tidy(1 / 3), tidy(math.inf), tidy(None)] == [0.3333333333, None, None]
    assert str(tidy(-0.0)) == "0.0"
