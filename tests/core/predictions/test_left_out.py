"""Rows that a custom metric leaves out because its expression is null."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Direction, Outcome
from ghmlops.core.paired.custom_metric import bind_custom_metric
from ghmlops.core.policy.regression import CustomMetric, Regression
from ghmlops.core.predictions.contract.facts import PairFacts
from ghmlops.core.predictions.left_out import LeftOut, left_out_rows, limit_ruling
from ghmlops.core.predictions.ruling import Basis, Comparison, Ruling

PASS, FAIL = Ruling(Outcome.PASS, Basis.INSIDE), Ruling(Outcome.FAIL, Basis.INTERVAL_BEYOND)


def policy_of(sql: str) -> Regression:
    metric = CustomMetric(name="ratio", sql=sql, direction=Direction.LOWER, margin=0.01)
    return Regression(task="regression", key=("id",), label="amount", prediction="f", metrics=(metric,))


def comparison_of(n: int, policy: Regression) -> Comparison:
    zero = dict.fromkeys(("baseline", "candidate", "low", "high", "loss", "loss_low", "loss_high", "p", "error"), 0.0)
    return Comparison(metric=bind_custom_metric(policy.metrics[0]), n=n, margin=None, method="", **zero)


@pytest.mark.parametrize(("rows", "outcome"), [(10, Outcome.PASS), (11, Outcome.INCONCLUSIVE)])
def test_more_than_one_percent_is_inconclusive(rows: int, outcome: Outcome) -> None:
    """10 of 1,000 rows still pass, 11 do not; a failure stays one."""
    assert limit_ruling(PASS, LeftOut(rows, 1000)).outcome is outcome
    assert limit_ruling(FAIL, LeftOut(rows, 1000)).outcome is Outcome.FAIL
    assert limit_ruling(PASS, None) == PASS


@pytest.mark.parametrize(
    ("sql", "expected"),
    [("f", LeftOut(300, 1000)), ("abs(f - label)", LeftOut(50, 750)), ("f / Amount", LeftOut(50, 750))],
)
def test_rows_without_a_label_are_no_nulls_of_an_expression_that_uses_it(sql: str, expected: LeftOut) -> None:
    """The rows with a label are the total if the expression names it; all usable rows otherwise."""
    pairs = PairFacts(paired=1000, removed=0, added=0, usable=1000, labelled=750)
    policy = policy_of(sql)
    assert left_out_rows(comparison_of(700, policy), policy, pairs) == expected
    assert left_out_rows(comparison_of(expected.total, policy), policy, pairs) is None
