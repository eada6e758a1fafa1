"""Rulings over all rows, from a table of literal comparisons."""

from __future__ import annotations

import math

import pytest

from ghmlops.core.metrics.churn import CHURN
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.ruling import Basis, Comparison, evidence_number, rows_to_decide, rule
from literal_comparison import comparison

PASS, FAIL, UNDECIDED = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("low", "loss", "high", "outcome", "basis"),
    [
        (0.006, 0.010, 0.014, FAIL, Basis.INTERVAL_BEYOND),
        (0.001, 0.010, 0.019, FAIL, Basis.ESTIMATE_BEYOND),
        (0.001, 0.004, 0.007, UNDECIDED, Basis.SIGNIFICANT),
        (0.001, 0.003, 0.005, PASS, Basis.INSIDE),
        (-0.002, 0.001, 0.004, PASS, Basis.INSIDE),
        (-0.010, 0.001, 0.012, UNDECIDED, Basis.OPEN),
        (-0.010, 0.020, 0.050, UNDECIDED, Basis.OPEN),
        (-0.030, -0.020, -0.010, PASS, Basis.INSIDE),
        (math.nan, math.nan, math.nan, UNDECIDED, Basis.UNDEFINED),
        (-math.inf, 0.0, math.inf, UNDECIDED, Basis.UNDEFINED),
    ],
)
def test_loss_margin_and_interval_decide_together(
    low: float, loss: float, high: float, outcome: Outcome, basis: Basis
) -> None:
    """Every rule of the verdict, with the basis that names it."""
    assert rule(comparison(low, loss, high)) == (outcome, basis)


def test_a_significant_loss_needs_both_interval_and_test() -> None:
    """If the interval excludes 0 but the test has p = 0.02, the loss is not significant."""
    assert rule(comparison(0.001, 0.010, 0.019, p=0.02)) == (UNDECIDED, Basis.OPEN)


def test_the_policy_can_turn_undecided_into_a_warning() -> None:
    """With `undecided: warn` an undecided metric warns."""
    assert rule(comparison(-0.010, 0.001, 0.012), "warn") == (Outcome.WARN, Basis.OPEN)


@pytest.mark.parametrize("few", [comparison(0, 0, 0, n=29), comparison(0.5, 0.6, 0.7, n=29)])
def test_fewer_than_30_rows_are_inconclusive(few: Comparison) -> None:
    """29 rows neither pass nor fail, whatever the loss; 30 rows do."""
    assert rule(few) == (UNDECIDED, Basis.TOO_FEW_ROWS)
    assert rule(comparison(0.5, 0.6, 0.7, n=30)).outcome is FAIL


def test_a_rate_of_the_pair_fails_only_if_its_interval_exceeds_the_margin() -> None:
    """Churn is always above 0, so only the margin is tested; without a margin it is not judged."""
    nan = math.nan
    assert rule(comparison(0.006, 0.010, 0.014, metric=CHURN, p=nan)).outcome is FAIL
    assert rule(comparison(0.004, 0.010, 0.014, metric=CHURN, p=nan)).outcome is UNDECIDED
    assert rule(comparison(0.001, 0.002, 0.004, metric=CHURN, p=nan)).outcome is PASS
    with pytest.raises(ValueError, match="churn"):
        rule(comparison(0.001, 0.002, 0.004, metric=CHURN, margin=None))


def test_rows_to_decide_follow_the_width_of_the_interval() -> None:
    """A half-width of 1.1 points must shrink to 0.4 points: (1.1 / 0.4)^2 times 10,000 rows."""
    assert rows_to_decide(comparison(-0.010, 0.001, 0.012)) == pytest.approx(10_000 * (0.011 / 0.004) ** 2)
    assert rows_to_decide(comparison(-0.010, 0.020, 0.050)) == math.inf


def test_evidence_numbers_are_finite_short_and_never_minus_zero() -> None:
    """NaN and infinity become null; ten significant digits; no -0.0."""
    assert [evidence_number(x) for x in (1 / 3, math.inf, math.nan, None)] == [0.3333333333, None, None, None]
    assert str(evidence_number(-0.0)) == "0.0"
