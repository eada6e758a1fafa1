"""Compares two values with a target: the loss is to be farther from it than the baseline (a bias: 0, a slope: 1)."""

from __future__ import annotations

import numpy as np

from ghmlops.core.paired.aggregates import Floats, MetricComparison
from ghmlops.core.paired.change import Moments
from ghmlops.core.stats import student

METHOD = "paired t, intersection-union"


def compare_distances(
    sides: tuple[Floats, Floats, Floats], spread: Moments, tail: float, target: float
) -> MetricComparison:
    """Compare the distances of two values from a target, in m cells.

    With a and b the values minus the target and s the sign of b, |b| - |a| is the smaller of s (b - a) and s (b + a).
    Both are linear in the values, so each limit of the loss is the smaller of theirs, and a loss is shown only if both
    show one (intersection-union test: Berger 1982, Technometrics 24, 295-300). The null hypothesis is that the
    candidate is not farther from the target than the baseline.

    Args:
        sides: Number of rows, the baseline's value and the change, shape (m,) each.
        spread: Variances of the baseline's value (a) and of the change (d), and their covariance.
        tail: Probability beyond each limit.
        target: The ideal value.

    Returns:
        The comparison; the caller replaces `method` and `bound` if needed.
    """
    n, baseline, change = sides
    first = baseline - target
    second = first + change
    sign = np.where(second < 0, -1.0, 1.0)
    error = np.sqrt(spread.var_d)
    error_sum = np.sqrt(np.maximum(4 * spread.var_a + 4 * spread.cov_ad + spread.var_d, 0.0))
    difference, total = sign * change, sign * (first + second)
    low_difference, high_difference = student.limits(difference, error, spread.df, tail)
    low_total, high_total = student.limits(total, error_sum, spread.df, tail)
    low, high = student.limits(change, error, spread.df, tail)
    p_difference = student.p_greater(difference, error, spread.df)
    p_total = student.p_greater(total, error_sum, spread.df)
    return MetricComparison(
        n=n,
        baseline=baseline,
        candidate=baseline + change,
        low=low,
        high=high,
        loss=np.abs(second) - np.abs(first),
        loss_low=np.minimum(low_difference, low_total),
        loss_high=np.minimum(high_difference, high_total),
        p=np.maximum(p_difference, p_total),
        error=error,
        method=METHOD,
    )
