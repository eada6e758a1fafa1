"""A rate that only the pair has (churn, negative flips): there is no baseline's value to compare it with."""

from __future__ import annotations

import numpy as np

from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.stats import binomial, student


def compare_rate(cells: Cells, weights: tuple[float, float], tail: float) -> Compared:
    """Return a rate of discordant rows as a loss above a baseline of 0.

    Args:
        cells: sums of a value that is 0 or 1 on each side.
        weights: of `d` and of `dd` in the count: (0, 1) all that changed, (-1/2, 1/2) only what was lost.
        tail: probability beyond each limit.

    Independent rows: exact (Clopper-Pearson) limits. Clusters: cluster-robust t limits, not below the exact bound that
    as many clusters as rows would give.
    """
    by_d, by_dd = weights
    count = by_d * cells.d + by_dd * cells.dd
    rate = np.where(cells.n > 0, count / np.maximum(cells.n, 1.0), np.nan)
    limits = [_exact(k, n, tail) for k, n in zip(count, cells.n, strict=True)]
    low, high = np.array([limit[0] for limit in limits]), np.array([limit[1] for limit in limits])
    error = np.sqrt(rate * (1.0 - rate) / np.maximum(cells.n, 1.0))
    method = "exact binomial limits"
    if (groups := cells.groups) is not None:
        off = by_d * groups.d + by_dd * groups.dd - rate[groups.cell] * groups.n
        number = np.bincount(groups.cell, minlength=len(count)).astype(np.float64)
        scale = np.where(number > 1, number / np.maximum(number - 1, 1.0), np.nan) / np.maximum(cells.n, 1.0) ** 2
        error = np.sqrt(np.bincount(groups.cell, weights=off * off, minlength=len(count)) * scale)
        robust_low, robust_high = student.limits(rate, error, number - 1, tail)
        none_seen = np.array([_exact(0.0, k, tail)[1] for k in number])
        low = np.where(count > 0, np.clip(robust_low, 0.0, low), 0.0)
        high = np.where(count > 0, np.clip(robust_high, high, 1.0), none_seen)
        method = "cluster-robust t limits"
    return Compared(
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


def _exact(count: float, n: float, tail: float) -> tuple[float, float]:
    if n <= 0:
        return float("nan"), float("nan")
    return binomial.lower_bound(round(count), round(n), 1.0 - tail), binomial.upper_bound(
        round(count), round(n), 1.0 - tail
    )
