"""Precision: share of the rows called positive that are positive."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats
from ghmlops.core.paired.confusion import Margins, compare_confusion, of_positive, ratio
from ghmlops.core.paired.metric import Metric


def precision(seen: Margins) -> tuple[Floats, Margins]:
    """Return the precision of the positive class and its slopes; NaN where no row is called positive."""
    value, each = ratio(seen.right, seen.called), ratio(np.ones_like(seen.right), seen.called)
    return of_positive(value, Margins(right=each, labelled=np.zeros_like(each), called=-value * each))


def compare(counts: Counts, tail: float) -> Compared:
    """Compare the values of the two confusion tables."""
    return compare_confusion(counts, tail, precision)


PRECISION = Metric(
    id="precision",
    title="precision",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=compare,
)
