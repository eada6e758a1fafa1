"""Positive flips: share of labelled rows that the baseline had wrong and the candidate has right."""

from __future__ import annotations

from ghmlops.core.metrics.accuracy import right
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.metric import Metric
from ghmlops.core.paired.pair_rates import compare_rate


def compare(cells: Cells, tail: float) -> Compared:
    """Return the share of wrong answers that were put right, with its interval."""
    return compare_rate(cells, (0.5, 0.5), tail)


POSITIVE_FLIPS = Metric(
    id="positive-flips",
    title="positive flips",
    tasks=("binary", "multiclass"),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    decided=right,
    paired_only=True,
    compare=compare,
)
