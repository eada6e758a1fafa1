"""RMSE: root of the mean squared difference of prediction and label. In the unit of the label; lower is better.

0 or more. Compared by the delta method on the paired squared errors.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.change import DELTA_METHOD, Estimates, compare_estimates, method_name, moments
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_LOSS_REDUCTION, RELATIVE_LOSS_MARGIN
from ghmlops.core.paired.metric import Metric

SQUARED_ERROR = "({p} - {y}) * ({p} - {y})"
"""Value of a row in SQL."""


def compare(cells: Cells, tail: float) -> MetricComparison:
    """Compare two roots by the delta method.

    The influence of a row is w_b x_b - w_a x_a with the squared error x of each side and w = 1 / (2 RMSE). It is
    computed as w_b d + (w_b - w_a) a, so that no digits cancel.
    """
    first = np.sqrt(cells.baseline)
    second = np.sqrt(np.maximum(cells.baseline + cells.change, 0.0))
    spread = moments(cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(second > 0, 0.5 / second, 0.0)
        extra = weight - np.where(first > 0, 0.5 / first, 0.0)
    variance = weight**2 * spread.var_d + 2 * weight * extra * spread.cov_ad + extra**2 * spread.var_a
    # A root of 0 has no slope, but then all squared errors of that side are 0 too.
    error = np.sqrt(np.maximum(variance, 0.0))
    estimates = Estimates(
        n=cells.n,
        baseline=first,
        change=second - first,
        error=error,
        df=spread.df,
        method=method_name(DELTA_METHOD, clustered=cells.groups is not None),
    )
    return compare_estimates(estimates, tail, Direction.LOWER)


RMSE = Metric(
    id="rmse",
    title="RMSE",
    tasks=("regression",),
    direction=Direction.LOWER,
    unit="",
    margin=RELATIVE_LOSS_MARGIN,
    margin_of="baseline",
    row=SQUARED_ERROR,
    compare=compare,
    in_subgroups=True,
    implausible_gain=IMPLAUSIBLE_LOSS_REDUCTION,
)
