"""R2: coefficient of determination, 1 - mean squared error / variance of the label. No unit; higher is better.

At most 1; 0 for the mean of the label as a constant prediction, negative for worse ones. Compared by the delta method
on the paired rows.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.metrics.rmse import SQUARED_ERROR
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.change import DELTA_METHOD, Estimates, compare_estimates, method_name, moments
from ghmlops.core.paired.metric import Metric

SQUARED_DEVIATION = "({y} - {y0}) * ({y} - {y0})"
"""Squared distance of the label from its mean over the data set, in SQL."""


def compare(sums: tuple[Cells, ...], tail: float) -> MetricComparison:
    """Compare two values by the delta method; NaN if the label does not vary.

    The change is -D / V, with D the change of the mean squared error and V the variance of the label, so the influence
    of a row is (D / V (v - V) - (d - D)) / V.

    Args:
        sums: Sums of the squared error, of the squared deviation of the label, and of their sum, which yields the
            covariance of the two.
        tail: Probability beyond each limit.
    """
    errors, labels, both = sums
    variance = np.where(labels.baseline > 0, labels.baseline, np.nan)
    change = -errors.change / variance
    error_moments, label_moments, both_moments = moments(errors), moments(labels), moments(both)
    covariance = both_moments.cov_ad - error_moments.cov_ad
    total = error_moments.var_d + 2.0 * change * covariance + change**2 * label_moments.var_a
    estimates = Estimates(
        n=errors.n,
        baseline=1.0 - errors.baseline / variance,
        change=change,
        error=np.sqrt(np.maximum(total, 0.0)) / variance,
        df=error_moments.df,
        method=method_name(DELTA_METHOD, clustered=errors.groups is not None),
    )
    return compare_estimates(estimates, tail, Direction.HIGHER)


R2 = Metric(
    id="r2",
    title="R2",
    tasks=("regression",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    rows=(SQUARED_ERROR, SQUARED_DEVIATION, f"{SQUARED_ERROR} + {SQUARED_DEVIATION}"),
    compare_rows=compare,
)
