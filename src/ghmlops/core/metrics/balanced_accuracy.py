"""Balanced accuracy: mean of the recalls of the two classes."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats
from ghmlops.core.paired.confusion import Margins, class_recall, compare_confusion, macro
from ghmlops.core.paired.metric import Metric


def balanced(seen: Margins) -> tuple[Floats, Margins]:
    """Return the mean recall and its slopes; NaN where only one class has labels."""
    return macro(*class_recall(seen))


def compare(counts: Counts, tail: float) -> Compared:
    """Compare the values of the two confusion tables."""
    return compare_confusion(counts, tail, balanced)


BALANCED_ACCURACY = Metric(
    id="balanced-accuracy",
    title="balanced accuracy",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=compare,
)
