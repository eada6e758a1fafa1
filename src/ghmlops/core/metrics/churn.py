"""Churn: share of rows whose decision changed, whether for better or worse. Needs no label."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared, Counts, Floats, paired_cells
from ghmlops.core.paired.metric import Metric
from ghmlops.core.paired.pair_rates import compare_rate


def changed(cells: Cells, tail: float) -> Compared:
    """Return the share of changed decisions with its interval."""
    return compare_rate(cells, (0.0, 1.0), tail)


def compare(counts: Counts, tail: float) -> Compared:
    """Return the share of changed decisions with its interval. Of three classes no number a side tells all changes."""
    none: Floats = np.zeros(len(counts.n))
    return changed(paired_cells(counts, none, (counts.baseline != counts.candidate).astype(np.float64)), tail)


CHURN = Metric(
    id="churn",
    title="churn",
    tasks=("binary", "multiclass"),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    labelled=False,
    paired_only=True,
    compare_counts=compare,
)
