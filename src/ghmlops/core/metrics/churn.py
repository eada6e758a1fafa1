"""Churn: share of rows whose decision changed, whether for better or worse. Needs no label."""

from __future__ import annotations

from ghmlops.core.metric import Metric
from ghmlops.core.metrics.positive_rate import ROW
from ghmlops.core.model import Direction
from ghmlops.core.paired import Cells, Compared
from ghmlops.core.rates import compare_rate


def compare(cells: Cells, tail: float) -> Compared:
    """Return the share of changed decisions with its interval."""
    return compare_rate(cells, (0.0, 1.0), tail)


CHURN = Metric(
    id="churn",
    title="churn",
    task="binary",
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    row=ROW,
    labelled=False,
    compare=compare,
)
