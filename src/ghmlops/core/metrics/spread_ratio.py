"""Spread ratio: standard deviation of the candidate's predictions over that of the baseline's. The ideal value is 1.

No unit; 0 or more; any change is a regression. Needs no label. Reported only in slices and windows, in which it reveals
predictions that collapse to a constant or spread out. Compared by the delta method on the logarithm of the ratio.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Floats, MetricComparison
from ghmlops.core.paired.change import DELTA_METHOD, Estimates, method_name, moments, orient_change
from ghmlops.core.paired.default_margins import SPREAD_RATIO_MARGIN
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import student

DEVIATION = "({p} - {p0})"
"""Prediction minus the side's mean prediction over the data set, in SQL."""
SQUARED_DEVIATION = f"{DEVIATION} * {DEVIATION}"
MAX_SQUARED_OFFSET = 1e7
"""Squared distance of a cell's mean from the mean over the data set, in variances of the cell, beyond which the ratio
is undefined: of the 16 digits of a double, cancellation leaves fewer than 9 for the variance."""
_ZERO_VARIANCE = 1e-9
"""Variance of the candidate, relative to the baseline's second moment, below which its predictions are constant."""


def compare(sums: tuple[Cells, ...], tail: float) -> MetricComparison:
    """Compare two standard deviations by the delta method on the logarithm of their ratio.

    NaN if the baseline does not vary, or if its mean is so far from that of the data set that the digits are lost.

    Args:
        sums: Sums of the deviation, of its square, and of the sum of both, which yields their covariances.
        tail: Probability beyond each limit.
    """
    deviations, squares, _ = sums
    first, shift = deviations.baseline, deviations.change
    before = squares.baseline - first**2
    # Change of the variance, arranged so that no digits cancel.
    growth = squares.change - shift * (2.0 * first + shift)
    defined = (before > 0) & (first**2 < MAX_SQUARED_OFFSET * before)
    before = np.where(defined, before, np.nan)
    constant = before + growth <= _ZERO_VARIANCE * before * (1.0 + first**2 / before)
    relative = np.where(constant, 0.0, growth / before)
    log_ratio = 0.5 * np.log1p(relative)
    error, df = _log_ratio_error(sums, before, before * (1.0 + relative))
    low, high = (np.where(constant, -1.0, np.expm1(x)) for x in student.limits(log_ratio, error, df, tail))
    change = np.where(constant, -1.0, np.expm1(log_ratio))
    rise = np.where(constant, 1.0, student.p_greater(log_ratio, error, df))
    estimates = Estimates(
        n=deviations.n,
        baseline=np.where(defined, 1.0, np.nan),
        change=change,
        error=np.where(constant, 0.0, error * (1.0 + change)),
        df=df,
        method=method_name(f"{DELTA_METHOD} on the log ratio", clustered=deviations.groups is not None),
    )
    return orient_change(estimates, interval=(low, high), p=(rise, 1.0 - rise), direction=Direction.TARGET)


def _log_ratio_error(sums: tuple[Cells, ...], before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the standard error of the log ratio and its degrees of freedom, shape (m,) each.

    The influence of a row is (u_b - 2 m_b v_b) / 2 V_b - (u_a - 2 m_a v_a) / 2 V_a, with its deviation v, the square u
    of it, the mean m of v and the variance V, on each side. It is written in the baseline's u and v and their changes.
    All products then follow from the sums except two, of one side's u and the other's v. Their sum is known. Their
    difference, which matters only if the mean of the cell moved differently from that of the data set, is replaced by
    its upper bound (Cauchy-Schwarz inequality).

    Args:
        sums: As in `compare`.
        before: Variance of the baseline's predictions, shape (m,).
        after: Variance of the candidate's predictions, shape (m,).
    """
    deviations = sums[0]
    v, u, s = (moments(cells) for cells in sums)
    first, second = deviations.baseline, deviations.baseline + deviations.change
    by_u, by_du = 0.5 / after - 0.5 / before, 0.5 / after
    by_v, by_dv = first / before - second / after, -second / after
    variance = by_u**2 * u.var_a + 2 * by_u * by_du * u.cov_ad + by_du**2 * u.var_d
    variance += by_v**2 * v.var_a + 2 * by_v * by_dv * v.cov_ad + by_dv**2 * v.var_d
    variance += by_u * by_v * (s.var_a - u.var_a - v.var_a) + by_du * by_dv * (s.var_d - u.var_d - v.var_d)
    cross_sum = s.cov_ad - u.cov_ad - v.cov_ad
    bound_u_dv, bound_v_du = np.sqrt(u.var_a * v.var_d), np.sqrt(v.var_a * u.var_d)
    cross_difference = np.minimum(bound_u_dv + bound_v_du, np.abs(cross_sum) + 2.0 * np.minimum(bound_u_dv, bound_v_du))
    weight_u_dv, weight_v_du = by_u * by_dv, by_du * by_v
    total = variance + (weight_u_dv + weight_v_du) * cross_sum + np.abs(weight_u_dv - weight_v_du) * cross_difference
    return np.sqrt(np.maximum(total, 0.0)), v.df


SPREAD_RATIO = Metric(
    id="spread-ratio",
    title="prediction spread relative to the baseline",
    tasks=("regression",),
    direction=Direction.TARGET,
    unit="",
    margin=SPREAD_RATIO_MARGIN,
    rows=(DEVIATION, SQUARED_DEVIATION, f"{DEVIATION} + {SQUARED_DEVIATION}"),
    needs_label=False,
    compare_rows=compare,
    overall=False,
    in_subgroups=True,
)
