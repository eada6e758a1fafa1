"""Quantile forecasts in several columns: the keys of the policy."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.metrics import metric_ids
from ghmlops.core.policy.regression import Regression
from ghmlops.core.policyfile.document import read_policy

START = "task: regression, key: [id], label: y, "


def section(text: str) -> Regression:
    regression = read_policy(f"version: 1\nservice: x\nregression: {{{START}{text}}}\n").regression
    assert regression is not None
    return regression


def test_levels_give_metrics_in_ascending_order() -> None:
    """The median is the prediction; other levels, symmetric intervals and crossing are additional metrics."""
    regression = section("prediction: [hi, mid, lo], quantiles: [0.975, 50%, 0.025], margins: {coverage-95: 0.02}")
    assert (regression.prediction, regression.quantile) == ("mid", 0.5)
    assert regression.predictions == ("lo", "mid", "hi")
    assert regression.quantiles == (0.025, 0.5, 0.975)
    names = [metric.name for metric in regression.metrics]
    assert names == ["pinball-2-5", "pinball-97-5", "coverage-95", "quantile-crossing"]
    assert regression.metrics[2].target == 0.95
    assert "rmse" in metric_ids(regression)


def test_an_interval_without_its_median_has_no_metrics_of_a_point() -> None:
    """The bias of a low quantile is not a fault, so only the pinball loss of that level is compared."""
    regression = section("prediction: [lo, hi], quantiles: [0.1, 0.9]")
    assert (regression.prediction, regression.quantile) == ("lo", 0.1)
    assert metric_ids(regression) == ("pinball",)


def test_one_column_is_as_before() -> None:
    """A text and a list of one."""
    assert section("prediction: p").predictions == section("prediction: [p]").predictions == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prediction: [a, b]", "need the key `quantiles`"),
        ("prediction: [a, b], quantiles: [0.1, 0.5, 0.9]", "3 quantiles for 2 columns"),
        ("prediction: a, quantiles: [0.1, 0.9]", "2 quantiles for 1 columns"),
        ("quantiles: [0.1, 0.9]", "2 quantiles for 0 columns"),
        ("prediction: [a, a], quantiles: [0.1, 0.9]", "`prediction` names one twice"),
        ("prediction: [a, b], quantiles: [0.1, 10%]", "`quantiles` names one twice"),
        ("prediction: [a, b], quantiles: [0.1, 1]", "a share between 0 and 1"),
        ("prediction: [a, b], quantiles: [0.1, 0.9], quantile: 0.5", "is not read"),
        ("prediction: [a, label], quantiles: [0.1, 0.9]", "`label` cannot name"),
        (
            "prediction: [a, b], quantiles: [0.1, 0.9], metrics: {coverage-80: {sql: '1', direction: lower}}",
            "`coverage-80` is a metric of the quantiles",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text: str, message: str) -> None:
    """File, line and key are named."""
    with pytest.raises(PolicyError) as caught:
        section(text)
    assert message in caught.value.message
    assert caught.value.message.startswith(".github/ghmlops.yml:3: ")
    assert "\n" not in caught.value.message


def test_other_tasks_have_one_prediction() -> None:
    """A list of decisions belongs to no task of classes."""
    with pytest.raises(PolicyError, match="task `regression`"):
        read_policy(
            "version: 1\nservice: x\nregression: {task: binary, key: [id], label: y, prediction: [a, b], "
            "quantiles: [0.1, 0.9]}\n"
        )
