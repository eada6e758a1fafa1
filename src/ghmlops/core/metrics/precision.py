"""Precision: proportion of rows decided positive that are positive. Unit: ratio; range 0 to 1; higher is better.

TP / (TP + FP), also called positive predictive value. Compared by the delta method on the paired rows.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats, ratio
from ghmlops.core.paired.confusion import ClassCounts, compare_confusion, positive_class
from ghmlops.core.paired.metric import Metric


def precision(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the precision of the positive class and its slopes; NaN without positive decisions."""
    value, slope = ratio(table.correct, table.by_decision), ratio(np.ones_like(table.correct), table.by_decision)
    slopes = ClassCounts(correct=slope, by_label=np.zeros_like(slope), by_decision=-value * slope)
    return positive_class(value, slopes)


PRECISION = Metric(
    id="precision",
    title="precision",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=partial(compare_confusion, statistic=precision),
)
