"""NDCG@k: discounted gain of the first k documents of a query over that of their best order, mean over queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the means over queries by their paired differences."""
    return compare_means(cells, tail, Direction.HIGHER)


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's k."""
    return Metric(
        id="ndcg",
        title=f"NDCG@{policy.at}",
        tasks=("ranking",),
        direction=Direction.HIGHER,
        unit="",
        margin=0.005,
        row="{ndcg}",
        compare=compare,
        hunted=True,
        implausible=0.10,
    )
