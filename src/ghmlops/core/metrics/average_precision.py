"""Average precision: area under the precision-recall curve, as a sum of steps. No unit; range 0 to 1; higher is better.

The mean, over the positive rows, of the precision at their score; rows with equal scores form one step, as in
scikit-learn's `average_precision_score`. Compared by the paired delta method on the influence of each row.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Columns, Floats, Grid, Ints, MetricComparison
from ghmlops.core.paired.change import DELTA_METHOD
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_GAIN, RANKING_MARGIN
from ghmlops.core.paired.influence import SideEstimate, compare_pair, pair_of_columns, pair_of_grid, undefined_side
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats.average_precision import average_precision, binning_bound


def compare(columns: Columns, tail: float) -> MetricComparison:
    """Compare two average precisions by the influences of the rows; NaN if only one class occurs."""
    label, weight = columns.positive.astype(np.float64), columns.weights
    first, second = (_exact_side(label, scores, weight) for scores in (columns.baseline, columns.candidate))
    pair = pair_of_columns(columns, first, second, DELTA_METHOD)
    # The rows of the smaller class limit how well the variance is known.
    if columns.group is None:
        pair.spread.df[0] = columns.effective_smaller_class - 1.0
    return compare_pair(pair, Direction.HIGHER, tail)


def compare_grid(grid: Grid, tail: float) -> MetricComparison:
    """Compare two average precisions of binned scores; the rows of a bin form one step."""
    pair = pair_of_grid(grid, _binned_side(grid.baseline), _binned_side(grid.candidate), DELTA_METHOD)
    return compare_pair(pair, Direction.HIGHER, tail)


def _exact_side(label: Floats, scores: Floats, weight: Floats) -> SideEstimate:
    if label.sum() in (0, len(label)):
        return undefined_side(label.shape)
    distinct, index = np.unique(scores, return_inverse=True)
    positive, negative = (
        np.bincount(index, weights=weights * weight, minlength=len(distinct)).astype(np.float64)
        for weights in (label, 1.0 - label)
    )
    estimate = average_precision(positive, negative)
    influence = np.where(label == 1, estimate.positive[index], estimate.negative[index])
    return SideEstimate(estimate.value, weight * influence)


def _binned_side(counts: Ints | Floats) -> SideEstimate:
    rows: Floats = counts.astype(np.float64)
    if not np.all(rows.sum(axis=1) > 0):
        return undefined_side(rows.shape)
    estimate = average_precision(rows[1], rows[0])
    influence = np.stack([estimate.negative, estimate.positive])
    return SideEstimate(estimate.value, influence, binning_bound(rows[1], rows[0]))


AVERAGE_PRECISION = Metric(
    id="average-precision",
    title="average precision",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="",
    margin=RANKING_MARGIN,
    compare_columns=compare,
    compare_grid=compare_grid,
    implausible_gain=IMPLAUSIBLE_GAIN,
)
