"""Compares rates that exist for the pair only (churn, negative flips): the baseline has no value to compare with."""

from __future__ import annotations

import numpy as np

from ghmlops.core.paired.aggregates import Cells, Floats, MetricComparison, ratio
from ghmlops.core.stats import binomial, student

CHANGED = (0.0, 1.0)
"""Weights of `d` and `dd` in the number of changed rows, if a row's value is 0 on the baseline and 1 if it changed."""
ROUNDING = 1e-9
"""Share of the rows below which the distance of an effective count from a whole number is a rounding error."""


def compare_rate(cells: Cells, weights: tuple[float, float], tail: float) -> MetricComparison:
    """Return a rate of changed rows, as a loss above a baseline of 0. There is no test, so the p-value is NaN.

    Independent rows: exact (Clopper-Pearson) limits. Clusters: cluster-robust t limits, widened to contain the exact
    ones; without any changed row the upper limit is the exact one of as many rows as there are clusters. Weighted rows:
    exact limits of effective counts (`effective_counts`).

    Args:
        cells: Sums of a value that is 0 or 1 on each side.
        weights: Weights of `d` and `dd` in the count: (0, 1) counts every change, (-1/2, 1/2) changes from 1 to 0 only,
            (1/2, 1/2) changes from 0 to 1 only.
        tail: Probability beyond each limit.
    """
    weight_d, weight_dd = weights
    count, mass = weight_d * cells.d + weight_dd * cells.dd, cells.mass
    rate = np.where(cells.n > 0, ratio(count, mass), np.nan)
    changed, number = effective_counts(cells, rate, weights)
    limits = [_exact_limits(k, n, tail) for k, n in zip(changed, number, strict=True)]
    low, high = np.array([limit[0] for limit in limits]), np.array([limit[1] for limit in limits])
    error = np.sqrt(rate * (1.0 - rate) / np.maximum(number, 1.0))
    method = "exact binomial limits" + (" of effective counts" if cells.squares is not None else "")
    if (groups := cells.groups) is not None:
        residual = weight_d * groups.d + weight_dd * groups.dd - rate[groups.cell] * groups.n
        number = np.bincount(groups.cell, minlength=len(count)).astype(np.float64)
        scale = np.where(number > 1, number / np.maximum(number - 1, 1.0), np.nan) / np.where(mass > 0, mass, 1.0) ** 2
        error = np.sqrt(np.bincount(groups.cell, weights=residual * residual, minlength=len(count)) * scale)
        robust_low, robust_high = student.limits(rate, error, number - 1, tail)
        high_without_change = np.array([_exact_limits(0.0, k, tail)[1] for k in number])
        low = np.where(count > 0, np.clip(robust_low, 0.0, low), 0.0)
        high = np.where(count > 0, np.clip(robust_high, high, 1.0), high_without_change)
        method = "cluster-robust t limits"
    return MetricComparison(
        n=cells.n,
        baseline=np.zeros_like(rate),
        candidate=rate,
        low=low,
        high=high,
        loss=rate,
        loss_low=low,
        loss_high=high,
        p=np.full_like(rate, np.nan),
        error=error,
        method=method,
    )


def effective_counts(cells: Cells, rate: Floats, weights: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return the numbers of changed rows and of rows of equal weight that stand for weighted rows, shape (m,) each.

    The number of rows is the one for which a binomial proportion has the linearised variance of the weighted rate, at
    most the effective number of Kish, which is also the number without any change, or if all changed. The exact limits
    of these counts are those of Korn and Graubard (1998), Survey Methodology 24, 193-201.

    Args:
        cells: Sums of weighted rows.
        rate: Weighted rate of the changed rows, shape (m,).
        weights: As in `compare_rate`.
    """
    squares, (weight_d, weight_dd) = cells.squares, weights
    if squares is None:
        return weight_d * cells.d + weight_dd * cells.dd, cells.n
    changed = weight_d * squares.d + weight_dd * squares.dd
    variance = ratio(changed * (1.0 - 2.0 * rate) + rate**2 * squares.n, cells.mass**2)
    mixed = (rate > 0) & (rate < 1) & (variance > 0)
    number = np.where(mixed, ratio(rate * (1.0 - rate), np.where(mixed, variance, 1.0)), cells.effective)
    number = np.nan_to_num(np.fmin(number, cells.effective))
    return np.nan_to_num(rate) * number, number


def _exact_limits(count: float, n: float, tail: float) -> tuple[float, float]:
    """Return the Clopper-Pearson limits of a proportion, each one-sided at `tail`; NaN without rows."""
    if n <= 0:
        return float("nan"), float("nan")
    level = 1.0 - tail
    # Sums of weights that are whole numbers are whole up to rounding errors, and a bound jumps between 0 and 1 row.
    count, n = (round(v) if abs(v - round(v)) < ROUNDING * max(n, 1.0) else v for v in (count, n))
    return binomial.lower_bound(count, n, level), binomial.upper_bound(count, n, level)
