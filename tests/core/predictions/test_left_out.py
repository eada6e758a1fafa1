"""Rows that a metric cannot judge: no label, or no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ghmlops.core.metrics.mean_prediction import MEAN_PREDICTION
from ghmlops.core.metrics.rmse import RMSE
from ghmlops.core.model import Direction, Outcome
from ghmlops.core.paired.custom_metric import bind_custom_metric
from ghmlops.core.policy.regression import CustomMetric, Regression
from ghmlops.core.predictions.contract.facts import NullCounts, PairFacts
from ghmlops.core.predictions.left_out import LeftOut, left_out_rows, limit_by_labels, limit_ruling, uses_label
from ghmlops.core.predictions.ruling import Basis, Comparison, Ruling

if TYPE_CHECKING:
    from ghmlops.core.paired.metric import Metric

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
    assert limit_ruling(PASS, LeftOut(rows, 1000, "")).outcome is outcome
    assert limit_ruling(FAIL, LeftOut(rows, 1000, "")).outcome is Outcome.FAIL
    assert limit_ruling(PASS, None) == PASS


def test_null_expressions_are_counted_by_side() -> None:
    """The rows that are null on either side are left out, and the clause names the number of each side."""
    policy = policy_of("f / amount")
    nulls = NullCounts(total=750, baseline=20, candidate=40, either=50)
    pairs = PairFacts(paired=1000, removed=0, added=0, usable=1000, labelled=750, expression_nulls={"ratio": nulls})
    left_out = left_out_rows(comparison_of(700, policy), policy, pairs)
    assert left_out
    assert (left_out.rows, left_out.total, left_out.too_many) == (50, 750, True)
    assert "20 of 750" in left_out.clause
    assert "40 of 750" in left_out.clause
    none = replace(pairs, expression_nulls={"ratio": NullCounts(total=750, baseline=0, candidate=0, either=0)})
    assert left_out_rows(comparison_of(750, policy), policy, none) is None


@pytest.mark.parametrize(
    ("sql", "expected"), [("f", False), ("abs(f - label)", True), ("f / Amount", True), ("labels + amounts", False)]
)
def test_an_expression_uses_the_label_by_either_name(sql: str, expected: bool) -> None:
    """`label` and the policy's own name of the column count, in any case; longer names do not."""
    policy = policy_of(sql)
    assert uses_label(policy.metrics[0], policy) is expected


def test_a_metric_without_a_value_for_some_rows_cannot_pass() -> None:
    """A built-in metric over 900 of 1,000 rows with a label leaves out 100."""
    policy = Regression(task="regression", key=("id",), label="amount", prediction="f")
    comparison = replace(comparison_of(900, policy_of("f")), metric=RMSE)
    pairs = PairFacts(paired=1000, removed=0, added=0, usable=1000, labelled=1000)
    left_out = left_out_rows(comparison, policy, pairs)
    assert left_out
    assert (left_out.rows, left_out.total) == (100, 1000)


@pytest.mark.parametrize(
    ("labelled", "required", "metric", "outcome"),
    [
        (990, 0.99, RMSE, Outcome.PASS),
        (989, 0.99, RMSE, Outcome.INCONCLUSIVE),
        (989, 0.5, RMSE, Outcome.PASS),
        (10, 0.99, MEAN_PREDICTION, Outcome.PASS),
    ],
)
def test_quality_needs_labels_and_behaviour_does_not(
    labelled: int, required: float, metric: Metric, outcome: Outcome
) -> None:
    """Below the coverage that the policy requires, a pass on quality is inconclusive; a failure stays one."""
    policy = Regression(task="regression", key=("id",), label="amount", prediction="f", min_label_coverage=required)
    pairs = PairFacts(paired=1000, removed=0, added=0, usable=1000, labelled=labelled)
    comparison = replace(comparison_of(labelled, policy_of("f")), metric=metric)
    assert limit_by_labels(PASS, comparison, policy, pairs).outcome is outcome
    assert limit_by_labels(FAIL, comparison, policy, pairs) == FAIL
