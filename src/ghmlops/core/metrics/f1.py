"""F1 of the positive class: harmonic mean of precision and recall. Unit: ratio; range 0 to 1; higher is better.

2 TP / (2 TP + FP + FN) (van Rijsbergen 1979, Information Retrieval). Compared by the delta method on the paired rows.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats
from ghmlops.core.paired.confusion import ClassCounts, class_f1, compare_confusion, positive_class
from ghmlops.core.paired.metric import Metric


def f1(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return F1 of the positive class and its slopes; NaN without positive labels, 0 without positive decisions."""
    return positive_class(*class_f1(table))


F1 = Metric(
    id="f1",
    title="F1",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=partial(compare_confusion, statistic=f1),
)
