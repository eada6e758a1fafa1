"""Mean reciprocal rank of the first relevant document of a query."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the means over queries by their paired differences."""
    return compare_means(cells, tail, Direction.HIGHER)


MRR = Metric(
    id="mrr",
    title="MRR",
    tasks=("ranking",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    row="{mrr}",
    compare=compare,
)
