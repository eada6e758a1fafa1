"""Area under the ROC curve, ties counted one half: exact, or from binned scores with a bound."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Columns, Compared, Floats, Grid, Ints
from ghmlops.core.paired.change import Estimated, cluster_error, compare_estimates
from ghmlops.core.paired.influence import Side, compare_pair, in_clusters, pair_of_grid, undefined
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import delong

METHOD = "paired DeLong"


def compare(columns: Columns, tail: float) -> Compared:
    """Compare two areas by DeLong's paired variance; NaN where only one class is there.

    Rows in clusters: the same components, summed within clusters (Obuchowski 1997).
    """
    n = len(columns.label)
    yes = int(columns.positive.sum())
    freedom = min(yes, n - yes) - 1
    if yes in (0, n):
        first = second = error = float("nan")
    else:
        areas = delong.compare(columns.positive, columns.baseline, columns.candidate)
        first, second, error = areas.baseline, areas.candidate, areas.error
        if columns.group is not None:
            error, freedom = cluster_error(areas.influence, columns.group)
    found = Estimated(
        n=np.array([float(n)]),
        baseline=np.array([first]),
        change=np.array([second - first]),
        error=np.array([error]),
        freedom=np.array([float(freedom)]),
        method=in_clusters(METHOD, columns.group is not None),
    )
    return compare_estimates(found, tail, Direction.HIGHER)


def compare_grid(grid: Grid, tail: float) -> Compared:
    """Compare two areas of binned scores by DeLong's components of the bins."""
    pair = pair_of_grid(grid, _binned(grid.baseline), _binned(grid.candidate), METHOD)
    return compare_pair(pair, Direction.HIGHER, tail)


def _binned(counts: Ints) -> Side:
    rows: Floats = counts.astype(np.float64)
    if not np.all(rows.sum(axis=1) > 0):
        return undefined(rows.shape)
    area = delong.binned(rows[1], rows[0])
    return Side(area.value, np.stack([area.negative, area.positive]), area.bound)


AUC = Metric(
    id="auc",
    title="AUC",
    tasks=("binary",),
    direction=Direction.HIGHER,
    unit="",
    margin=0.005,
    compare_columns=compare,
    compare_grid=compare_grid,
    implausible=0.10,
)
