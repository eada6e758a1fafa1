"""Metrics of the confusion table (precision, F1, ...), compared by the delta method on the paired rows.

All of them follow from three counts per class: rows of the class that are classified correctly, rows of the class, and
rows assigned to the class.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Counts, Floats, Ints, MetricComparison, effective_rows, ratio
from ghmlops.core.paired.change import DELTA_METHOD, Estimates, compare_estimates, method_name


class ClassCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of rows of m cells by class, shape (m, classes); or the slopes of a metric along them, same shape."""

    correct: Floats
    """Rows whose label and decision are the class."""
    by_label: Floats
    """Rows whose label is the class."""
    by_decision: Floats
    """Rows whose decision is the class."""

    def at(self, cell: Ints, label: Ints, decision: Ints) -> Floats:
        """Return what one more row adds to the metric if these are slopes, shape (k,).

        Args:
            cell: Cell of each row, shape (k,).
            label: Class of its label, shape (k,).
            decision: Class of its decision, shape (k,).
        """
        correct = np.where(label == decision, self.correct[cell, label], 0.0)
        return np.asarray(correct + self.by_label[cell, label] + self.by_decision[cell, decision], dtype=np.float64)


Statistic = Callable[[ClassCounts], tuple[Floats, ClassCounts]]
"""Maps counts to the value of a metric, shape (m,), and its slopes along the counts; NaN if undefined.

Multiplying all counts by a constant must not change the value."""


def compare_confusion(counts: Counts, tail: float, statistic: Statistic) -> MetricComparison:
    """Compare a higher-is-better metric of the confusion table between the two sides.

    A row moves the change by the slope at its place in the candidate's table minus that in the baseline's; these sum to
    0 because the metric does not depend on the scale of the counts. The variance allows for one additional changed
    decision, in the class in which it weighs most, so that few or no changed rows do not imply certainty.

    Args:
        counts: The counted rows of m cells; rows without a label are left out.
        tail: Probability beyond each limit.
        statistic: The metric.
    """
    entries = labelled_rows(counts)
    first, slope_first = statistic(class_counts(entries, entries.baseline))
    second, slope_second = statistic(class_counts(entries, entries.candidate))
    influence = slope_second.at(entries.cell, entries.label, entries.candidate)
    influence = influence - slope_first.at(entries.cell, entries.label, entries.baseline)
    weights = np.concatenate([slope_first.correct, slope_second.correct], axis=1)
    largest = np.max(np.abs(np.nan_to_num(weights)), axis=1, initial=0.0)
    error, df = influence_error(entries, influence, largest)
    estimates = Estimates(
        n=cell_rows(entries),
        baseline=first,
        change=second - first,
        error=np.where(np.isfinite(second - first), error, np.nan),
        df=df,
        method=method_name(DELTA_METHOD, clustered=counts.group is not None),
    )
    return compare_estimates(estimates, tail, Direction.HIGHER)


def labelled_rows(counts: Counts) -> Counts:
    """Return the entries that have a label."""
    return counts.select(counts.label >= 0)


def cell_rows(counts: Counts) -> Floats:
    """Return the number of rows of each cell, shape (m,)."""
    return np.bincount(counts.cell, weights=counts.n, minlength=counts.cells).astype(np.float64)


def influence_error(counts: Counts, influence: Floats, extra: Floats) -> tuple[Floats, Floats]:
    """Return the standard error of a sum of influences and its degrees of freedom, per cell, shape (m,) each.

    Args:
        counts: The entries; influences are summed by cluster first.
        influence: Influence of one row of weight 1 of each entry, shape (k,), with mean 0 in each cell.
        extra: Influence of one additional row that the variance allows for, shape (m,). It has the mean weight of the
            rows, weighted by itself. With clusters, and if no influence differs from 0, it counts as a whole cluster of
            mean size.
    """
    mass, square_mass = (
        np.bincount(counts.cell, weights=weights, minlength=counts.cells).astype(np.float64)
        for weights in (counts.mass, counts.square_mass)
    )
    size = np.nan_to_num(ratio(square_mass, mass))
    if counts.group is None:
        number = np.nan_to_num(effective_rows(mass, square_mass))
        squares = np.bincount(counts.cell, weights=counts.square_mass * influence**2, minlength=counts.cells)
    else:
        pairs, index = np.unique(np.stack([counts.cell, counts.group]), axis=1, return_inverse=True)
        totals = np.bincount(index.ravel(), weights=counts.mass * influence, minlength=pairs.shape[1])
        number = np.bincount(pairs[0], minlength=counts.cells).astype(np.float64)
        squares = np.bincount(pairs[0], weights=totals**2, minlength=counts.cells)
        size = np.where(squares > 0, size, mass / np.maximum(number, 1.0))
    df = number - 1.0
    scale = np.where(df > 0, number / np.where(df > 0, df, 1.0), np.nan)
    return np.sqrt(squares * scale + (size * extra) ** 2), df


def class_counts(counts: Counts, decision: Ints) -> ClassCounts:
    """Return the numbers of rows of each cell by class, for the decisions of one side, shape (k,).

    Weighted rows are counted by the sum of their weights.
    """
    shape = (counts.cells, counts.classes)

    def table(category: Ints, weights: Floats) -> Floats:
        code = counts.cell * counts.classes + category
        flat = np.bincount(code, weights=weights, minlength=shape[0] * shape[1])
        return flat.reshape(shape).astype(np.float64)

    return ClassCounts(
        correct=table(counts.label, np.where(counts.label == decision, counts.mass, 0.0)),
        by_label=table(counts.label, counts.mass),
        by_decision=table(decision, counts.mass),
    )


def class_recall(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the recall of each class and its slopes along the counts of the class, shape (m, classes).

    Recall is correct / by_label; NaN for a class without labels.
    """
    recall, slope = ratio(table.correct, table.by_label), ratio(np.ones_like(table.correct), table.by_label)
    return recall, ClassCounts(correct=slope, by_label=-recall * slope, by_decision=np.zeros_like(slope))


def class_f1(table: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the F1 of each class and its slopes along the counts of the class, shape (m, classes).

    F1 is 2 correct / (by_label + by_decision); NaN for a class without labels.
    """
    denominator = np.where(table.by_label > 0, table.by_label + table.by_decision, 0.0)
    f1, slope = ratio(2.0 * table.correct, denominator), ratio(np.ones_like(denominator), denominator)
    return f1, ClassCounts(correct=2.0 * slope, by_label=-f1 * slope, by_decision=-f1 * slope)


def macro_average(values: Floats, slopes: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the unweighted mean over the classes with labels, and its slopes; NaN with fewer than two such classes."""
    defined = np.isfinite(values)
    number = defined.sum(axis=1)
    weight = np.where(defined, ratio(np.ones(len(number)), np.where(number > 1, number, 0).astype(float))[:, None], 0.0)

    def weighted(part: Floats) -> Floats:
        return np.where(defined, part, 0.0) * weight

    mean = np.where(number > 1, np.sum(weighted(values), axis=1), np.nan)
    return mean, ClassCounts(
        correct=weighted(slopes.correct),
        by_label=weighted(slopes.by_label),
        by_decision=weighted(slopes.by_decision),
    )


def positive_class(values: Floats, slopes: ClassCounts) -> tuple[Floats, ClassCounts]:
    """Return the value of class 1 of a binary task, shape (m,), with its slopes, shape (m, 2)."""

    def only_positive(part: Floats) -> Floats:
        return np.concatenate([np.zeros_like(part[:, :1]), part[:, 1:2]], axis=1)

    return values[:, 1], ClassCounts(
        correct=only_positive(slopes.correct),
        by_label=only_positive(slopes.by_label),
        by_decision=only_positive(slopes.by_decision),
    )
