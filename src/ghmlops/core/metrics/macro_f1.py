"""Macro F1: unweighted mean of the F1 of each class. Unit: ratio; range 0 to 1; higher is better.

The mean is over the classes that occur among the labels of the compared rows (`labels=np.unique(y_true)` in
scikit-learn, whose default adds classes that are only predicted). Compared by the delta method on the paired rows.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats
from ghmlops.core.paired.confusion import ClassCounts, class_f1, compare_confusion, macro_average
from ghmlops.core.paired.metric import Metric


def macro_f1(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the mean F1, shape (m,), and its slopes; NaN if fewer than two classes have labels."""
    return macro_average(*class_f1(table))


MACRO_F1 = Metric(
    id="macro-f1",
    title="macro F1",
    tasks=("multiclass",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=partial(compare_confusion, statistic=macro_f1),
)
