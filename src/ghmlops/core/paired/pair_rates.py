"""Compares rates that exist for the pair only (churn, negative flips): the baseline has no value to compare with."""

from __future__ import annotations

import numpy as np

from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.stats import binomial, student


def compare_rate(cells: Cells, weights: tuple[float, float], tail: float) -> MetricComparison:
    """Return a rate of changed rows, as a loss above a baseline of 0. There is no test, so the p-value is NaN.

    Independent rows: exact (Clopper-Pearson) limits. Clusters: cluster-robust t limits, widened to contain the exact
    ones; without any changed row the upper limit is the exact one of as many rows as there are clusters.

    Args:
        cells: Sums of a value that is 0 or 1 on each side.
        weights: Weights of `d` and `dd` in the count: (0, 1) counts every change, (-1/2, 1/2) changes from 1 to 0 only,
            (1/2, 1/2) changes from 0 to 1 only.
        tail: Probability beyond each limit.
    """
    weight_d, weight_dd = weights
    count = weight_d * cells.d + weight_dd * cells.dd
    rate = np.where(cells.n > 0, count / np.maximum(cells.n, 1.0), np.nan)
    limits = [_exact_limits(k, n, tail) for k, n in zip(count, cells.n, strict=True)]
    low, high = np.array([limit[0] for limit in limits]), np.array([limit[1] for limit in limits])
    error = np.sqrt(rate * (1.0 - rate) / np.maximum(cells.n, 1.0))
    method = "exact binomial limits"
    if (groups := cells.groups) is not None:
        residual = weight_d * groups.d + weight_dd * groups.dd - rate[groups.cell] * groups.n
        number = np.bincount(groups.cell, minlength=len(count)).astype(np.float64)
        scale = np.where(number > 1, number / np.maximum(number - 1, 1.0), np.nan) / np.maximum(cells.n, 1.0) ** 2
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


def _exact_limits(count: float, n: float, tail: float) -> tuple[float, float]:
    """Return the Clopper-Pearson limits of a proportion, each one-sided at `tail`; NaN without rows."""
    if n <= 0:
        return float("nan"), float("nan")
    level = 1.0 - tail
    return binomial.lower_bound(round(count), round(n), level), binomial.upper_bound(round(count), round(n), level)
