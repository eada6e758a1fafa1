"""MCC: Matthews' correlation coefficient of label and decision. No unit; range -1 to 1; higher is better.

(TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN)), 0 for random decisions (Matthews 1975, Biochimica et
Biophysica Acta 405, 442-451), in the form for any number of classes (Gorodkin 2004). Compared by the delta
method on the paired rows.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats, ratio
from ghmlops.core.paired.confusion import ClassCounts, compare_confusion
from ghmlops.core.paired.metric import Metric


def correlation(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the correlation, shape (m,), and its slopes; NaN if all labels or all decisions are of one class."""
    total, correct = table.by_label.sum(axis=1)[:, None], table.correct.sum(axis=1)[:, None]
    covariance = total * correct - np.sum(table.by_decision * table.by_label, axis=1)[:, None]
    variance_decision = np.sum(table.by_decision * (total - table.by_decision), axis=1)[:, None]
    variance_label = np.sum(table.by_label * (total - table.by_label), axis=1)[:, None]
    root = np.sqrt(variance_decision * variance_label)
    value, inverse = ratio(covariance, root), ratio(np.ones_like(root), root)
    per_decision, per_label = ratio(value, variance_decision), ratio(value, variance_label)
    by_label = (correct - table.by_decision) * inverse - per_label * (total - table.by_label) - per_decision * total
    by_decision = per_decision * table.by_decision - table.by_label * inverse
    slopes = ClassCounts(
        correct=np.broadcast_to(total * inverse, by_decision.shape), by_label=by_label, by_decision=by_decision
    )
    return value[:, 0], slopes


MCC = Metric(
    id="mcc",
    title="MCC",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    compare_counts=partial(compare_confusion, statistic=correlation),
)
