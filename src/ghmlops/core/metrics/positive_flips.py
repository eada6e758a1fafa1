"""Positive flips: proportion of labelled rows that were wrong on the baseline and are correct on the candidate.

Unit: ratio; range 0 to 1. An improvement, but also a change that users notice: a margin in the policy limits it, so the
direction is lower. Exact binomial limits. Source: Yan et al. (2021), Positive-congruent training: towards
regression-free model updates, CVPR, 14299-14308.
"""

from __future__ import annotations

from ghmlops.core.metrics.accuracy import is_correct
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.metric import Metric
from ghmlops.core.paired.pair_rates import compare_rate


def compare(cells: Cells, tail: float) -> MetricComparison:
    """Return the proportion of rows that became correct, with its interval."""
    return compare_rate(cells, (0.5, 0.5), tail)


POSITIVE_FLIPS = Metric(
    id="positive-flips",
    title="positive flips",
    tasks=("binary", "multiclass"),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    decision_value=is_correct,
    paired_only=True,
    compare=compare,
)
