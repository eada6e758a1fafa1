"""Macro F1: mean of the F1 of the classes that occur among the labels."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats
from ghmlops.core.paired.confusion import Margins, class_f1, compare_confusion, macro
from ghmlops.core.paired.metric import Metric


def mean_f1(seen: Margins) -> tuple[Floats, Margins]:
    """Return the mean F1 and its slopes; NaN where fewer than two classes have labels."""
    return macro(*class_f1(seen))


def compare(counts: Counts, tail: float) -> Compared:
    """Compare the values of the two confusion tables."""
    return compare_confusion(counts, tail, mean_f1)


MACRO_F1 = Metric(
    id="macro-f1",
    title="macro F1",
    tasks=("multiclass",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=compare,
)
