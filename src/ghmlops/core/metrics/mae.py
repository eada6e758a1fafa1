"""Mean absolute error."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the mean absolute errors by their paired differences."""
    return compare_means(cells, tail, Direction.LOWER)


MAE = Metric(
    id="mae",
    title="MAE",
    tasks=("regression",),
    direction=Direction.LOWER,
    unit="",
    margin=0.01,
    margin_of="baseline",
    row="abs({p} - {y})",
    compare=compare,
    hunted=True,
    implausible=0.5,
)
