"""Accuracy: share of labelled rows whose decision equals the label."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared, Floats, Ints
from ghmlops.core.paired.change import compare_shares
from ghmlops.core.paired.metric import Metric


def right(label: Ints, decision: Ints) -> Floats:
    """Return 1 where the decision equals the label, else 0, shape (k,)."""
    return np.asarray(label == decision, dtype=np.float64)


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the shares of right decisions."""
    return compare_shares(cells, tail, Direction.HIGHER)


ACCURACY = Metric(
    id="accuracy",
    title="accuracy",
    tasks=("binary", "multiclass"),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=0.005,
    decided=right,
    compare=compare,
    hunted=True,
    implausible=0.10,
)
