"""Top-k accuracy: share of labelled rows whose true class is among the k most probable ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_shares
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the shares of rows whose true class is among the first."""
    return compare_shares(cells, tail, Direction.HIGHER)


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's k."""
    return Metric(
        id="top-k-accuracy",
        title=f"top-{policy.top} accuracy",
        tasks=("multiclass",),
        direction=Direction.HIGHER,
        unit="ratio",
        margin=None,
        row=f"CASE WHEN {{r}} <= {int(policy.top)} THEN 1.0 ELSE 0.0 END",
        compare=compare,
    )
