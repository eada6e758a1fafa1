"""Mean average precision: precision at each relevant document of a query, averaged, then over queries."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the means over queries by their paired differences."""
    return compare_means(cells, tail, Direction.HIGHER)


MAP = Metric(
    id="map",
    title="MAP",
    tasks=("ranking",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    row="{map}",
    compare=compare,
)
