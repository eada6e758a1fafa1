"""Recall: proportion of positive rows that are decided positive. Unit: ratio; range 0 to 1; higher is better.

TP / (TP + FN), also called sensitivity or true positive rate. Compared by the delta method on the paired rows.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats
from ghmlops.core.paired.confusion import ClassCounts, class_recall, compare_confusion, positive_class
from ghmlops.core.paired.metric import Metric


def recall(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the recall of the positive class and its slopes; NaN without positive labels."""
    return positive_class(*class_recall(table))


RECALL = Metric(
    id="recall",
    title="recall",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=partial(compare_confusion, statistic=recall),
)
