"""The unweighted mean of a metric over several targets: `macro-f1`, `mean-rmse`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from ghmlops.core.paired.metric import Metric


def average_of(metric: Metric, name: str) -> Metric:
    """Return the mean of a metric over the targets; its values come from those of the targets, not from rows."""
    return replace(
        metric,
        id=name,
        title=f"mean {metric.title} of the targets",
        row="",
        rows=(),
        decision_value=None,
        compare=None,
        compare_rows=None,
        compare_counts=None,
        compare_columns=None,
        compare_grid=None,
        in_subgroups=False,
        implausible_gain=None,
    )
