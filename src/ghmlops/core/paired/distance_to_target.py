"""Two values with a target: harm is to be farther from it than the baseline is (a bias from 0, a slope from 1)."""

from __future__ import annotations

import numpy as np

from ghmlops.core.paired.aggregates import Compared, Floats
from ghmlops.core.paired.change import Moments
from ghmlops.core.stats import student


def compare_distances(sides: tuple[Floats, Floats, Floats], spread: Moments, tail: float, target: float) -> Compared:
    """Compare the distances of two values from a target, in m cells; `method` and `bound` are the caller's to set.

    Args:
        sides: rows, the baseline's value and the change, shape (m,) each.
        spread: variances of the baseline's value (a) and of the change (d), and their covariance.
        tail: probability beyond each limit.
        target: the value without harm.

    With a and b the values less the target and s the sign of b, |b| - |a| is the smaller of s (b - a) and s (b + a):
    both are linear in the values, so each limit of the loss is the smaller of theirs, and harm is shown only where both
    are (an intersection-union test: Berger 1982).
    """
    n, baseline, change = sides
    first = baseline - target
    second = first + change
    sign = np.where(second < 0, -1.0, 1.0)
    error = np.sqrt(spread.var_d)
    error_sum = np.sqrt(np.maximum(4 * spread.var_a + 4 * spread.cov_ad + spread.var_d, 0.0))
    moved, summed = sign * change, sign * (first + second)
    low_moved, high_moved = student.limits(moved, error, spread.freedom, tail)
    low_summed, high_summed = student.limits(summed, error_sum, spread.freedom, tail)
    low, high = student.limits(change, error, spread.freedom, tail)
    return Compared(
        n=n,
        baseline=baseline,
        candidate=baseline + change,
        low=low,
        high=high,
        loss=np.abs(second) - np.abs(first),
        loss_low=np.minimum(low_moved, low_summed),
        loss_high=np.minimum(high_moved, high_summed),
        p=np.maximum(student.p_above(moved, error, spread.freedom), student.p_above(summed, error_sum, spread.freedom)),
        error=error,
        method="paired t on both signs",
    )
