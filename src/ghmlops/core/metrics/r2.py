"""R2: one minus the mean squared error over the variance of the label."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import Estimated, compare_estimates, moments
from ghmlops.core.paired.metric import Metric

ERROR = "({p} - {y}) * ({p} - {y})"
SPREAD = "({y} - {y0}) * ({y} - {y0})"


def compare(sums: tuple[Cells, ...], tail: float) -> Compared:
    """Compare two values by the delta method; NaN where the label does not vary.

    Args:
        sums: of the squared error, of the label's squared distance from its mean, and of both added up, which gives the
            covariance of the two.
        tail: probability beyond each limit.

    The change is -D / V, with D that of the mean squared error and V the label's variance, so a row adds
    (D / V (v - V) - (d - D)) / V.
    """
    errors, labels, both = sums
    variance = np.where(labels.baseline > 0, labels.baseline, np.nan)
    change = -errors.change / variance
    by_error, by_label, by_both = moments(errors), moments(labels), moments(both)
    shared = by_both.cov_ad - by_error.cov_ad
    total = by_error.var_d + 2.0 * change * shared + change**2 * by_label.var_a
    found = Estimated(
        n=errors.n,
        baseline=1.0 - errors.baseline / variance,
        change=change,
        error=np.sqrt(np.maximum(total, 0.0)) / variance,
        freedom=by_error.freedom,
        method="paired delta method" + (", summed in clusters" if errors.groups is not None else ""),
    )
    return compare_estimates(found, tail, Direction.HIGHER)


R2 = Metric(
    id="r2",
    title="R2",
    tasks=("regression",),
    direction=Direction.HIGHER,
    unit="",
    margin=None,
    rows=(ERROR, SPREAD, f"{ERROR} + {SPREAD}"),
    compare_rows=compare,
)
