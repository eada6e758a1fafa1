"""Negative flips: share of labelled rows that the baseline had right and the candidate has wrong."""

from __future__ import annotations

from ghmlops.core.metrics.accuracy import right
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.metric import Metric
from ghmlops.core.paired.pair_rates import compare_rate


def compare(cells: Cells, tail: float) -> Compared:
    """Return the share of right answers that were lost, with its interval."""
    return compare_rate(cells, (-0.5, 0.5), tail)


NEGATIVE_FLIPS = Metric(
    id="negative-flips",
    title="negative flips",
    tasks=("binary", "multiclass"),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    decided=right,
    paired_only=True,
    compare=compare,
)
