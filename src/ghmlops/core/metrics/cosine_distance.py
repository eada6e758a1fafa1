"""Cosine distance between the two vectors of a key: how far the candidate moved an embedding. Needs no label."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import moments
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import student


def compare(cells: Cells, tail: float) -> Compared:
    """Return the mean distance with its limits; the sums hold 0 for the baseline and the distance for the candidate."""
    spread, mean = moments(cells), cells.change
    error = np.sqrt(spread.var_d)
    low, high = student.limits(mean, error, spread.freedom, tail)
    low = np.maximum(low, 0.0)
    return Compared(
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
        method="t limits of the mean" + (", cluster-robust" if cells.groups is not None else ""),
    )


COSINE_DISTANCE = Metric(
    id="cosine-distance",
    title="cosine distance",
    tasks=("embedding",),
    direction=Direction.LOWER,
    unit="",
    margin=None,
    row="{cosine-distance}",
    labelled=False,
    paired_only=True,
    compare=compare,
)
