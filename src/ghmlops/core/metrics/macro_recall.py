"""Macro recall: mean of the recalls of the classes that occur among the labels."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats
from ghmlops.core.paired.confusion import Margins, class_recall, compare_confusion, macro
from ghmlops.core.paired.metric import Metric


def mean_recall(seen: Margins) -> tuple[Floats, Margins]:
    """Return the mean recall and its slopes; NaN where fewer than two classes have labels."""
    return macro(*class_recall(seen))


def compare(counts: Counts, tail: float) -> Compared:
    """Compare the values of the two confusion tables."""
    return compare_confusion(counts, tail, mean_recall)


MACRO_RECALL = Metric(
    id="macro-recall",
    title="macro recall",
    tasks=("multiclass",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=compare,
)
