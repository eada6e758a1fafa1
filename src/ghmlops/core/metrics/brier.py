"""Brier score: mean squared distance of the score and the label 0 or 1."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the mean scores by their paired differences."""
    return compare_means(cells, tail, Direction.LOWER)


BRIER = Metric(
    id="brier",
    title="Brier score",
    tasks=("binary",),
    direction=Direction.LOWER,
    unit="",
    margin=0.01,
    margin_of="baseline",
    row="({s} - {y}) * ({s} - {y})",
    compare=compare,
    implausible=0.5,
)
