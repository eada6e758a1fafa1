"""Cosine distance between the two vectors of a key: how far the candidate moved an embedding. No unit; range 0 to 2.

1 - u.v / (|u| |v|), mean over keys; lower is better. Needs no label. Limits by Student's t, never below 0.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.change import method_name, moments
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import student


def compare(cells: Cells, tail: float) -> MetricComparison:
    """Return the mean distance with its limits, from sums of 0 for the baseline and the distance for the candidate."""
    spread, mean = moments(cells), cells.change
    error = np.sqrt(spread.var_d)
    low, high = student.limits(mean, error, spread.df, tail)
    low = np.maximum(low, 0.0)
    return MetricComparison(
        n=cells.n,
        baseline=np.zeros_like(mean),
        candidate=mean,
        low=low,
        high=high,
        loss=mean,
        loss_low=low,
        loss_high=high,
        p=np.full_like(mean, np.nan),
        error=error,
        method=method_name("t limits of the mean", clustered=cells.groups is not None),
    )


COSINE_DISTANCE = Metric(
    id="cosine-distance",
    title="cosine distance",
    tasks=("embedding",),
    direction=Direction.LOWER,
    unit="",
    margin=None,
    row="{cosine-distance}",
    needs_label=False,
    paired_only=True,
    compare=compare,
)
