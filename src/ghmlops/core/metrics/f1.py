"""F1: harmonic mean of precision and recall of the positive class."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats
from ghmlops.core.paired.confusion import Margins, class_f1, compare_confusion, of_positive
from ghmlops.core.paired.metric import Metric


def f1(seen: Margins) -> tuple[Floats, Margins]:
    """Return F1 of the positive class and its slopes; NaN without a positive row, 0 where none is called positive."""
    return of_positive(*class_f1(seen))


def compare(counts: Counts, tail: float) -> Compared:
    """Compare the values of the two confusion tables."""
    return compare_confusion(counts, tail, f1)


F1 = Metric(
    id="f1",
    title="F1",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    compare_counts=compare,
)
