"""A custom metric of the policy: the mean of an SQL expression over the paired rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric
from ghmlops.core.policy.regression import TASKS

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import CustomMetric


def placeholder(definition: CustomMetric) -> str:
    """Return the name of the row's value in SQL templates.

    The prefix keeps it apart from the names of `Metric.row`: a custom metric may be called `t` or `y`.
    """
    return f"own-{definition.name}"


def bind_custom_metric(definition: CustomMetric) -> Metric:
    """Return the metric of a definition in the policy; the value of a row is what the engine computes from its SQL."""

    def compare(cells: Cells, tail: float) -> MetricComparison:
        return compare_means(cells, tail, definition.direction)

    return Metric(
        id=definition.name,
        title=definition.name,
        tasks=TASKS,
        direction=definition.direction,
        unit=definition.unit,
        margin=definition.margin,
        row=f"{{{placeholder(definition)}}}",
        needs_label=False,
        compare=compare,
        in_subgroups=definition.margin is not None,
    )
