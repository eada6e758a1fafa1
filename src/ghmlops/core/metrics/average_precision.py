"""Average precision: mean, over the positive rows, of the precision at their score; rows of one score are one step."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Columns, Compared, Floats, Grid, Ints
from ghmlops.core.paired.influence import Side, compare_pair, pair_of_columns, pair_of_grid, undefined
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats.average_precision import average_precision, bin_error

METHOD = "paired delta method"


def compare(columns: Columns, tail: float) -> Compared:
    """Compare two average precisions by what each row adds to them; NaN where only one class is there."""
    label = columns.positive.astype(np.float64)
    pair = pair_of_columns(columns, _exact(label, columns.baseline), _exact(label, columns.candidate), METHOD)
    if columns.group is None:  # as many facts as there are rows of the smaller class
        yes = int(label.sum())
        pair.spread.freedom[0] = min(yes, pair.n - yes) - 1
    return compare_pair(pair, Direction.HIGHER, tail)


def compare_grid(grid: Grid, tail: float) -> Compared:
    """Compare two average precisions of binned scores, the rows of a bin taken as one step."""
    pair = pair_of_grid(grid, _binned(grid.baseline), _binned(grid.candidate), METHOD)
    return compare_pair(pair, Direction.HIGHER, tail)


def _exact(label: Floats, scores: Floats) -> Side:
    if label.sum() in (0, len(label)):
        return undefined(label.shape)
    found, place = np.unique(scores, return_inverse=True)
    yes, no = (np.bincount(place, weights=one, minlength=len(found)).astype(np.float64) for one in (label, 1.0 - label))
    step = average_precision(yes, no)
    return Side(step.value, np.where(label == 1, step.positive[place], step.negative[place]))


def _binned(counts: Ints) -> Side:
    rows: Floats = counts.astype(np.float64)
    if not np.all(rows.sum(axis=1) > 0):
        return undefined(rows.shape)
    step = average_precision(rows[1], rows[0])
    return Side(step.value, np.stack([step.negative, step.positive]), bin_error(rows[1], rows[0]))


AVERAGE_PRECISION = Metric(
    id="average-precision",
    title="average precision",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="",
    margin=0.005,
    compare_columns=compare,
    compare_grid=compare_grid,
    implausible=0.10,
)
