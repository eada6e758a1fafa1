"""Recall and F1 of each class, on the paired rows: a mean over the classes can hide the regression of one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from ghmlops.core.metrics.accuracy import is_correct
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Counts, Floats, Ints, MetricComparison
from ghmlops.core.paired.change import DELTA_METHOD, Estimates, compare_estimates, compare_proportions, method_name
from ghmlops.core.paired.confusion import class_counts, class_f1, influence_error, labelled_rows
from ghmlops.core.paired.counted_sums import cells_from_decisions
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.constants import CLASS_MARGIN

RECALL = Metric(
    id="recall",
    title="recall",
    tasks=("multiclass",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=CLASS_MARGIN,
    in_subgroups=True,
)
F1 = replace(RECALL, id="f1", title="F1")
CLASS_METRICS = {"recall": RECALL, "f1": F1}
"""The metrics that `compare_per_class` returns, by id."""


def compare_per_class(counts: Counts, tail: float) -> Mapping[str, MetricComparison]:
    """Compare recall and F1 of every class over the rows of all cells together.

    Recall is the accuracy within the class: McNemar's mid-p test and Tango's interval, or the cluster tests. F1 uses
    the delta method on all rows.

    Args:
        counts: The counted rows; those without a label are left out.
        tail: Probability beyond each confidence limit.

    Returns:
        "recall" and "f1", arrays of shape (classes,); `n` is the number of rows of the class. NaN for a class without
        rows.
    """
    used = replace(labelled_rows(counts), cell=np.zeros_like(counts.cell[counts.label >= 0]), cells=1)
    by_class = replace(used, cell=used.label, cells=used.classes)
    cells = cells_from_decisions(by_class, is_correct, labelled=True)
    return {"recall": compare_proportions(cells, tail, Direction.HIGHER), "f1": _compare_f1(used, tail)}


def _compare_f1(used: Counts, tail: float) -> MetricComparison:
    """Compare F1 of every class by the delta method: the influence of a row on F1 of each class that it concerns."""
    (before, slope_before), (after, slope_after) = (
        class_f1(class_counts(used, decision)) for decision in (used.baseline, used.candidate)
    )
    entry, class_of_entry = _concerned_classes(used)
    label, baseline, candidate = used.label[entry], used.baseline[entry], used.candidate[entry]

    def influence_of(decision: Ints, slope_correct: Floats, slope_count: Floats) -> Floats:
        # The slopes along the rows of the class and along the rows decided for it are the same for F1.
        correct = (label == class_of_entry) & (decision == class_of_entry)
        count = (label == class_of_entry).astype(np.float64) + (decision == class_of_entry)
        influence = np.where(correct, slope_correct[0, class_of_entry], 0.0) + count * slope_count[0, class_of_entry]
        return np.asarray(influence, dtype=np.float64)

    influence = influence_of(candidate, slope_after.correct, slope_after.by_decision)
    influence = influence - influence_of(baseline, slope_before.correct, slope_before.by_decision)
    rows_by_class = replace(used.select(entry), cells=used.classes, cell=class_of_entry)
    largest_slope = np.nan_to_num(np.maximum(np.abs(slope_before.correct), np.abs(slope_after.correct))[0])
    error, df = influence_error(rows_by_class, influence, largest_slope)
    change = (after - before)[0]
    estimates = Estimates(
        n=np.bincount(used.label, weights=used.n, minlength=used.classes).astype(np.float64),
        baseline=before[0],
        change=change,
        error=np.where(np.isfinite(change), error, np.nan),
        df=df,
        method=method_name(DELTA_METHOD, clustered=used.group is not None),
    )
    return compare_estimates(estimates, tail, Direction.HIGHER)


def _concerned_classes(used: Counts) -> tuple[Ints, Ints]:
    """Return (entry, class) for every class that the label or a decision of an entry names, each pair once."""
    every = np.arange(len(used.n))
    by_baseline = used.baseline != used.label
    by_candidate = (used.candidate != used.label) & (used.candidate != used.baseline)
    entry = np.concatenate([every, every[by_baseline], every[by_candidate]])
    return entry, np.concatenate([used.label, used.baseline[by_baseline], used.candidate[by_candidate]])
