"""Recall: share of the positive rows that are called positive."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats
from ghmlops.core.paired.confusion import Margins, class_recall, compare_confusion, of_positive
from ghmlops.core.paired.metric import Metric


def recall(seen: Margins) -> tuple[Floats, Margins]:
    """Return the recall of the positive class and its slopes; NaN without a positive row."""
    return of_positive(*class_recall(seen))


def compare(counts: Counts, tail: float) -> Compared:
    """Compare the values of the two confusion tables."""
    return compare_confusion(counts, tail, recall)


RECALL = Metric(
    id="recall",
    title="recall",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=compare,
)
