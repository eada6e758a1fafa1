"""Metrics of the confusion table (precision, F1, ...), compared by the delta method on the paired rows.

All of them follow from three counts a class: rows of the class that are called so, rows of the class, rows called so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, Counts, Floats, Ints
from ghmlops.core.paired.change import Estimated, compare_estimates


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Rows of m cells by class, shape (m, classes); or the slopes of a metric along them, of the same shape."""

    right: Floats
    """Rows of the class that are called so."""
    labelled: Floats
    """Rows of the class."""
    called: Floats
    """Rows called so."""

    def at(self, cell: Ints, label: Ints, decision: Ints) -> Floats:
        """Return what one more row of that label and decision adds, where these are slopes; shape (k,)."""
        hit = np.where(label == decision, self.right[cell, label], 0.0)
        return np.asarray(hit + self.labelled[cell, label] + self.called[cell, decision], dtype=np.float64)


Statistic = Callable[[Margins], tuple[Floats, Margins]]
"""A metric's value, shape (m,), and its slopes; scaling all counts must not change the value. NaN where undefined."""


def compare_confusion(counts: Counts, tail: float, statistic: Statistic) -> Compared:
    """Compare a metric of which more is better between the two confusion tables.

    A row moves the change by the slope of its cell in the candidate's table minus that in the baseline's; these sum to
    0 because the metric does not depend on scale. One more row decided differently is allowed for, in the
    class where it weighs most, so that few changed rows or none do not make certainty.
    """
    used = labelled_rows(counts)
    first, slope_first = statistic(margins(used, used.baseline))
    second, slope_second = statistic(margins(used, used.candidate))
    influence = slope_second.at(used.cell, used.label, used.candidate)
    influence = influence - slope_first.at(used.cell, used.label, used.baseline)
    weights = np.concatenate([slope_first.right, slope_second.right], axis=1)
    largest = np.max(np.abs(np.nan_to_num(weights)), axis=1, initial=0.0)
    error, freedom = influence_error(used, influence, largest)
    found = Estimated(
        n=rows_of(used),
        baseline=first,
        change=second - first,
        error=np.where(np.isfinite(second - first), error, np.nan),
        freedom=freedom,
        method="paired delta method" + (", summed in clusters" if counts.group is not None else ""),
    )
    return compare_estimates(found, tail, Direction.HIGHER)


def labelled_rows(counts: Counts) -> Counts:
    """Return the entries that have a label."""
    used = counts.label >= 0
    return Counts(
        cells=counts.cells,
        classes=counts.classes,
        cell=counts.cell[used],
        label=counts.label[used],
        baseline=counts.baseline[used],
        candidate=counts.candidate[used],
        n=counts.n[used],
        group=None if counts.group is None else counts.group[used],
    )


def rows_of(counts: Counts) -> Floats:
    """Return the rows of each cell, shape (m,)."""
    return np.bincount(counts.cell, weights=counts.n, minlength=counts.cells).astype(np.float64)


def influence_error(counts: Counts, influence: Floats, more: Floats) -> tuple[Floats, Floats]:
    """Return the standard error of a sum of influences a cell, and its degrees of freedom, shape (m,).

    Args:
        counts: the entries; clusters are summed first.
        influence: what one row of each entry adds, shape (k,), of mean 0 in each cell.
        more: the influence of a further row that is allowed for, shape (m,); a whole cluster of
            mean size where there are clusters and nothing moved at all.
    """
    if counts.group is None:
        number = rows_of(counts)
        size = np.ones(counts.cells)
        squares = np.bincount(counts.cell, weights=counts.n * influence**2, minlength=counts.cells)
    else:
        pairs, place = np.unique(np.stack([counts.cell, counts.group]), axis=1, return_inverse=True)
        totals = np.bincount(place.ravel(), weights=counts.n * influence, minlength=pairs.shape[1])
        number = np.bincount(pairs[0], minlength=counts.cells).astype(np.float64)
        squares = np.bincount(pairs[0], weights=totals**2, minlength=counts.cells)
        size = np.where(squares > 0, 1.0, rows_of(counts) / np.maximum(number, 1.0))
    freedom = number - 1.0
    scale = np.where(freedom > 0, number / np.where(freedom > 0, freedom, 1.0), np.nan)
    return np.sqrt(squares * scale + (size * more) ** 2), freedom


def margins(counts: Counts, decision: Ints) -> Margins:
    """Return the counts of each cell by class, for the decisions of one side, shape (k,)."""
    shape = (counts.cells, counts.classes)

    def table(place: Ints, weights: Floats) -> Floats:
        flat = np.bincount(counts.cell * counts.classes + place, weights=weights, minlength=shape[0] * shape[1])
        return flat.reshape(shape).astype(np.float64)

    return Margins(
        right=table(counts.label, np.where(counts.label == decision, counts.n, 0.0)),
        labelled=table(counts.label, counts.n),
        called=table(decision, counts.n),
    )


def ratio(above: Floats, below: Floats) -> Floats:
    """Return the quotient, NaN where `below` is 0."""
    return np.asarray(np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan), dtype=np.float64)


def class_recall(seen: Margins) -> tuple[Floats, Margins]:
    """Return the recall of each class and its slopes along the class's own counts, shape (m, classes)."""
    recall, each = ratio(seen.right, seen.labelled), ratio(np.ones_like(seen.right), seen.labelled)
    return recall, Margins(right=each, labelled=-recall * each, called=np.zeros_like(each))


def class_f1(seen: Margins) -> tuple[Floats, Margins]:
    """As `class_recall`, of F1: twice the right ones over those labelled plus those called; NaN without a label."""
    both = np.where(seen.labelled > 0, seen.labelled + seen.called, 0.0)
    f1, each = ratio(2.0 * seen.right, both), ratio(np.ones_like(both), both)
    return f1, Margins(right=2.0 * each, labelled=-f1 * each, called=-f1 * each)


def macro(values: Floats, slopes: Margins) -> tuple[Floats, Margins]:
    """Return the mean over the classes that occur among the labels, with its slopes; NaN for fewer than two."""
    defined = np.isfinite(values)
    number = defined.sum(axis=1)
    weight = np.where(defined, ratio(np.ones(len(number)), np.where(number > 1, number, 0).astype(float))[:, None], 0.0)

    def weighed(part: Floats) -> Floats:
        return np.where(defined, part, 0.0) * weight

    mean = np.where(number > 1, np.sum(weighed(values), axis=1), np.nan)
    return mean, Margins(right=weighed(slopes.right), labelled=weighed(slopes.labelled), called=weighed(slopes.called))


def of_positive(values: Floats, slopes: Margins) -> tuple[Floats, Margins]:
    """Return the value of class 1 alone, of a binary task, with its slopes; NaN where only one class has labels."""

    def alone(part: Floats) -> Floats:
        return np.concatenate([np.zeros_like(part[:, :1]), part[:, 1:2]], axis=1)

    return values[:, 1], Margins(
        right=alone(slopes.right), labelled=alone(slopes.labelled), called=alone(slopes.called)
    )
