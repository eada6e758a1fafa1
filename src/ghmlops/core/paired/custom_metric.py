"""A metric of the user's own: the mean of an SQL expression over the paired rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric
from ghmlops.core.policy.regression import TASKS

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import CustomMetric


def row_of(given: CustomMetric) -> str:
    """Return what templates call a row's value: a metric may be named like one of their own words, as `t` or `y`."""
    return f"own-{given.name}"


def custom(given: CustomMetric) -> Metric:
    """Return the metric: its row's value is what the engine computed for `row_of`."""

    def compare(cells: Cells, tail: float) -> Compared:
        return compare_means(cells, tail, given.direction)

    return Metric(
        id=given.name,
        title=given.name,
        tasks=TASKS,
        direction=given.direction,
        unit=given.unit,
        margin=given.margin,
        row=f"{{{row_of(given)}}}",
        labelled=False,
        compare=compare,
        hunted=given.margin is not None,
    )
