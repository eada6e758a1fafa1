"""Churn: proportion of rows whose decision changed, for better or worse. Unit: ratio; range 0 to 1; lower is better.

Needs no label. Source: Milani Fard et al. (2016), Launch and iterate: reducing prediction churn, NeurIPS 29. Exact
binomial limits.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Counts, Floats, MetricComparison
from ghmlops.core.paired.counted_sums import cells_from_values
from ghmlops.core.paired.metric import Metric
from ghmlops.core.paired.pair_rates import CHANGED, compare_rate


def compare(counts: Counts, tail: float) -> MetricComparison:
    """Return the proportion of changed decisions with its interval."""
    # With three or more classes, whether a decision changed does not follow from one number per side, so the change is
    # computed here instead of by a `decision_value`.
    zero: Floats = np.zeros(len(counts.n))
    is_changed = (counts.baseline != counts.candidate).astype(np.float64)
    return compare_rate(cells_from_values(counts, zero, is_changed), CHANGED, tail)


CHURN = Metric(
    id="churn",
    title="churn",
    tasks=("binary", "multiclass"),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    needs_label=False,
    paired_only=True,
    compare_counts=compare,
)
