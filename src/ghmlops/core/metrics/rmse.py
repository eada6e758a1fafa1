"""Root mean squared error."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import Estimated, compare_estimates, moments
from ghmlops.core.paired.metric import Metric


def compare(cells: Cells, tail: float) -> Compared:
    """Compare two roots by the delta method on the paired squared errors.

    A row adds w_b x_b - w_a x_a with w = 1 / (2 RMSE), written as w_b d + (w_b - w_a) a so that nothing cancels.
    """
    first = np.sqrt(cells.baseline)
    second = np.sqrt(np.maximum(cells.baseline + cells.change, 0.0))
    spread = moments(cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(second > 0, 0.5 / second, 0.0)
        extra = weight - np.where(first > 0, 0.5 / first, 0.0)
    variance = weight**2 * spread.var_d + 2 * weight * extra * spread.cov_ad + extra**2 * spread.var_a
    error = np.sqrt(np.maximum(variance, 0.0))  # a root of 0 has no slope, but then all its terms are 0 too
    method = "paired delta method" + (", summed in clusters" if cells.groups is not None else "")
    found = Estimated(
        n=cells.n, baseline=first, change=second - first, error=error, freedom=spread.freedom, method=method
    )
    return compare_estimates(found, tail, Direction.LOWER)


RMSE = Metric(
    id="rmse",
    title="RMSE",
    tasks=("regression",),
    direction=Direction.LOWER,
    unit="",
    margin=0.01,
    margin_of="baseline",
    row="({p} - {y}) * ({p} - {y})",
    compare=compare,
    hunted=True,
    implausible=0.5,
)
