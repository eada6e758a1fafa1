"""A custom metric of the policy: the mean of an SQL expression over the paired rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.change import compare_means, method_name, moments
from ghmlops.core.paired.distance_to_target import compare_distances
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

    target = definition.target

    def compare(cells: Cells, tail: float) -> MetricComparison:
        if target is None:
            return compare_means(cells, tail, definition.direction)
        comparison = compare_distances((cells.n, cells.baseline, cells.change), moments(cells), tail, target)
        return replace(comparison, method=method_name(comparison.method, clustered=cells.groups is not None))

    return Metric(
        id=definition.name,
        title=definition.name,
        tasks=TASKS,
        direction=definition.direction,
        unit=definition.unit,
        margin=definition.margin,
        margin_of="baseline" if definition.relative else "absolute",
        target=target,
        row=f"{{{placeholder(definition)}}}",
        needs_label=False,
        compare=compare,
        in_subgroups=definition.margin is not None,
    )
