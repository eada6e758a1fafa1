"""Area under the ROC curve, exact, ties counted one half."""

from __future__ import annotations

import numpy as np

from ghmlops.core.metric import Metric
from ghmlops.core.model import Direction
from ghmlops.core.paired import Columns, Compared, Estimated, cluster_error, compare_estimates
from ghmlops.core.stats import delong


def compare(columns: Columns, tail: float) -> Compared:
    """Compare two areas by DeLong's paired variance; NaN where only one class is there.

    Rows in clusters: the same components, summed within clusters (Obuchowski 1997).
    """
    n = len(columns.positive)
    yes = int(columns.positive.sum())
    method, freedom = "paired DeLong", min(yes, n - yes) - 1
    if yes in (0, n):
        first = second = error = float("nan")
    else:
        areas = delong.compare(columns.positive, columns.baseline, columns.candidate)
        first, second, error = areas.baseline, areas.candidate, areas.error
        if columns.group is not None:
            error, freedom = cluster_error(areas.influence, columns.group)
            method = "paired DeLong, summed in clusters"
    found = Estimated(
        n=np.array([float(n)]),
        baseline=np.array([first]),
        change=np.array([second - first]),
        error=np.array([error]),
        freedom=np.array([float(freedom)]),
        method=method,
    )
    return compare_estimates(found, tail, Direction.HIGHER)


AUC = Metric(
    id="auc",
    title="AUC",
    task="binary",
    direction=Direction.HIGHER,
    unit="",
    margin=0.005,
    compare_columns=compare,
    implausible=0.10,
)
