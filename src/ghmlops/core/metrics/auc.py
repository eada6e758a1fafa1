"""AUC: area under the ROC curve. No unit; range 0 to 1, 0.5 for random scores; higher is better.

The probability that a random positive row has a higher score than a random negative one, with ties counted one half
(Hanley and McNeil 1982, Radiology 143, 29-36). Exact from rows, or from binned scores with a bound. Compared by the
paired test of DeLong, DeLong and Clarke-Pearson (1988); with clusters, by the variant of Obuchowski (1997).
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Columns, Floats, Grid, Ints, MetricComparison
from ghmlops.core.paired.change import Estimates, cluster_robust_error, compare_estimates, method_name
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_GAIN, RANKING_MARGIN
from ghmlops.core.paired.influence import SideEstimate, compare_pair, pair_of_grid, undefined_side
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import delong

METHOD = "paired DeLong"


def compare(columns: Columns, tail: float) -> MetricComparison:
    """Compare two areas by DeLong's paired variance; NaN if only one class occurs."""
    n = len(columns.label)
    positives = int(columns.positive.sum())
    df = columns.effective_smaller_class - 1.0
    if positives in (0, n):
        first = second = error = float("nan")
    else:
        areas = delong.compare(columns.positive, columns.baseline, columns.candidate, columns.weight)
        first, second, error = areas.baseline, areas.candidate, areas.error
        if columns.group is not None:
            error, df = cluster_robust_error(areas.influence, columns.group)
    estimates = Estimates(
        n=np.array([float(n)]),
        baseline=np.array([first]),
        change=np.array([second - first]),
        error=np.array([error]),
        df=np.array([float(df)]),
        method=method_name(METHOD, clustered=columns.group is not None),
    )
    return compare_estimates(estimates, tail, Direction.HIGHER)


def compare_grid(grid: Grid, tail: float) -> MetricComparison:
    """Compare two areas of binned scores by DeLong's components of the bins."""
    pair = pair_of_grid(grid, _binned_side(grid.baseline), _binned_side(grid.candidate), METHOD)
    return compare_pair(pair, Direction.HIGHER, tail)


def _binned_side(counts: Ints | Floats) -> SideEstimate:
    rows: Floats = counts.astype(np.float64)
    if not np.all(rows.sum(axis=1) > 0):
        return undefined_side(rows.shape)
    area = delong.binned_area(rows[1], rows[0])
    return SideEstimate(area.value, np.stack([area.negative, area.positive]), area.bound)


AUC = Metric(
    id="auc",
    title="AUC",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="",
    margin=RANKING_MARGIN,
    compare_columns=compare,
    compare_grid=compare_grid,
    implausible_gain=IMPLAUSIBLE_GAIN,
)
