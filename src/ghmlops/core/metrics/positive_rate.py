"""Positive rate: share of rows that are called positive. Needs no label; a move either way is a change of behaviour."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared, Floats, Ints
from ghmlops.core.paired.change import compare_shares
from ghmlops.core.paired.metric import Metric


def positive(label: Ints, decision: Ints) -> Floats:
    """Return 1 where the decision is positive, else 0, shape (k,); the label does not matter."""
    del label
    return np.asarray(decision == 1, dtype=np.float64)


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the shares of positive decisions."""
    return compare_shares(cells, tail, Direction.TARGET)


POSITIVE_RATE = Metric(
    id="positive-rate",
    title="positive rate",
    tasks=("binary",),
    direction=Direction.TARGET,
    unit="ratio",
    margin=0.01,
    decided=positive,
    labelled=False,
    compare=compare,
    hunted=True,
)
