"""Matthews' correlation coefficient of label and decision."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats
from ghmlops.core.paired.confusion import Margins, compare_confusion, ratio
from ghmlops.core.paired.metric import Metric


def correlation(seen: Margins) -> tuple[Floats, Margins]:
    """Return the correlation and its slopes; NaN where labels or decisions are of one class only."""
    total, right = seen.labelled.sum(axis=1)[:, None], seen.right.sum(axis=1)[:, None]
    shared = total * right - np.sum(seen.called * seen.labelled, axis=1)[:, None]
    spread_called = np.sum(seen.called * (total - seen.called), axis=1)[:, None]
    spread_labelled = np.sum(seen.labelled * (total - seen.labelled), axis=1)[:, None]
    root = np.sqrt(spread_called * spread_labelled)
    value, each = ratio(shared, root), ratio(np.ones_like(root), root)
    by_called, by_labelled = ratio(value, spread_called), ratio(value, spread_labelled)
    labelled = (right - seen.called) * each - by_labelled * (total - seen.labelled) - by_called * total
    called = by_called * seen.called - seen.labelled * each
    return value[:, 0], Margins(right=np.broadcast_to(total * each, called.shape), labelled=labelled, called=called)


def compare(counts: Counts, tail: float) -> Compared:
    """Compare the values of the two confusion tables."""
    return compare_confusion(counts, tail, correlation)


MCC = Metric(
    id="mcc",
    title="MCC",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    compare_counts=compare,
)
