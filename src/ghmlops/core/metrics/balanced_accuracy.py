"""Balanced accuracy: mean of the recalls of both classes. Unit: ratio; range 0 to 1; higher is better.

Random decisions reach 0.5 whatever the class frequencies (Brodersen et al. 2010, ICPR, 3121-3124).
Compared by the delta method on the paired rows.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats
from ghmlops.core.paired.confusion import ClassCounts, class_recall, compare_confusion, macro_average
from ghmlops.core.paired.metric import Metric


def balanced_accuracy(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the mean recall, shape (m,), and its slopes; NaN if only one class has labels."""
    return macro_average(*class_recall(table))


BALANCED_ACCURACY = Metric(
    id="balanced-accuracy",
    title="balanced accuracy",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=partial(compare_confusion, statistic=balanced_accuracy),
)
