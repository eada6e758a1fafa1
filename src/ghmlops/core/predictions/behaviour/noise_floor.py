"""The noise floor: the difference between two baselines of one recipe, and the excess of the candidate over it."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from ghmlops.core.paired.aggregates import Cells, Counts
from ghmlops.core.paired.change import moments
from ghmlops.core.paired.counted_sums import cells_from_values
from ghmlops.core.paired.pair_rates import CHANGED, effective_counts
from ghmlops.core.predictions.constants import ALPHA
from ghmlops.core.stats import special, student

_NEWCOMBE = "two binomial rates as if unpaired: pooled score test, Newcombe interval"


class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """A mean over the rows of baseline and candidate, against the same mean over the rows of two baselines."""

    rows: int
    value: float
    """Mean over the rows of baseline and candidate."""
    floor_rows: int
    floor: float
    """Mean over the rows of the two baselines."""
    low: float
    """Lower confidence limit of value - floor, one-sided at `ALPHA`."""
    high: float
    """Upper confidence limit of value - floor, one-sided at `ALPHA`."""
    p: float
    """One-sided p-value against "not above the floor"."""
    method: str

    @property
    def above_floor(self) -> bool:
        """True if the value is significantly above the floor."""
        return self.low > 0 and self.p < ALPHA

    @property
    def excess(self) -> float:
        """Difference value - floor."""
        return self.value - self.floor


class _Mean(NamedTuple):
    n: float
    mean: float
    error: float
    """Standard error of the mean."""
    df: float
    """Degrees of freedom of the standard error."""


def churn_cells(counts: Counts) -> Cells:
    """Return the changed decisions of one overall cell as a mean: `d` is 1 if the decision changed, `a` is 0.

    All rows count, with or without a label. Clusters stay separate.
    """
    changed = (counts.baseline != counts.candidate).astype(np.float64)
    merged = replace(counts, cell=np.zeros_like(counts.cell), cells=1)
    return cells_from_values(merged, np.zeros_like(changed), changed)


def churn_excess(pair: Counts, noise: Counts) -> Excess:
    """Compare the churn between baseline and candidate with that between two baselines.

    The two rates are compared as if they were of different rows. They share the baseline, so they are positively
    correlated and the comparison is conservative. Independent rows: the pooled score test and Newcombe's interval
    (Newcombe 1998, Statistics in Medicine 17, method 10). Clusters: the cluster-robust t test. Weighted rows: effective
    counts (`effective_counts`).

    Args:
        pair: Counts of baseline and candidate, one overall cell.
        noise: Counts of the two baselines, one overall cell.
    """
    first, second = churn_cells(pair), churn_cells(noise)
    if first.groups is not None or second.groups is not None:
        return mean_excess(first, second)
    rows = int(first.n[0]), int(second.n[0])
    if not all(rows):
        return _undefined(*rows, _NEWCOMBE)
    (k, n), (j, m) = (
        (float(v[0]) for v in effective_counts(cells, cells.change, CHANGED)) for cells in (first, second)
    )
    z = float(special.ndtri(1.0 - ALPHA))
    (a, b), (c, d) = _wilson_limits(k, n, z), _wilson_limits(j, m, z)
    value, floor, pooled = k / n, j / m, (k + j) / (n + m)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
    return Excess(
        rows=rows[0],
        value=value,
        floor_rows=rows[1],
        floor=floor,
        low=value - floor - math.hypot(value - a, d - floor),
        high=value - floor + math.hypot(b - value, floor - c),
        p=float(special.ndtr(-(value - floor) / error)) if error else 0.5,
        method=_NEWCOMBE,
    )


def mean_excess(pair: Cells, noise: Cells) -> Excess:
    """Compare the mean of `d` over baseline and candidate with that over two baselines, by Welch's t test.

    Args:
        pair: Sums of one overall cell in which `d` is |candidate - baseline| of a row and `a` is 0.
        noise: The same sums for the second baseline.
    """
    first, second = _mean(pair), _mean(noise)
    clustered = pair.groups is not None or noise.groups is not None
    method = f"two {'cluster-robust ' if clustered else ''}means as if unpaired: Welch's t"
    if not (first.n and second.n):
        return _undefined(int(first.n), int(second.n), method)
    variances = first.error**2, second.error**2
    total = sum(variances)
    # Welch-Satterthwaite degrees of freedom; without any variance those of the first mean.
    parts = sum(v * v / max(df, 1.0) for v, df in zip(variances, (first.df, second.df), strict=True))
    defined = min(first.df, second.df) >= 1
    df = np.array([(total * total / parts if parts else first.df) if defined else math.nan])
    change, error = np.array([first.mean - second.mean]), np.array([math.sqrt(total)])
    low, high = student.limits(change, error, df, ALPHA)
    return Excess(
        rows=int(first.n),
        value=first.mean,
        floor_rows=int(second.n),
        floor=second.mean,
        low=float(low[0]),
        high=float(high[0]),
        p=float(student.p_greater(change, error, df)[0]),
        method=method,
    )


def _undefined(rows: int, floor_rows: int, method: str) -> Excess:
    nan = math.nan
    return Excess(rows=rows, value=nan, floor_rows=floor_rows, floor=nan, low=nan, high=nan, p=nan, method=method)


def _mean(cells: Cells) -> _Mean:
    variances = moments(cells)
    error = math.sqrt(float(variances.var_d[0]))
    return _Mean(float(cells.n[0]), float(cells.change[0]), error, float(variances.df[0]))


def _wilson_limits(count: float, n: float, z: float) -> tuple[float, float]:
    """Return the score limits of a proportion. Source: Wilson (1927), JASA 22."""
    share, square = count / n, z * z
    middle, half_width = share + square / (2 * n), z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return (middle - half_width) / (1 + square / n), (middle + half_width) / (1 + square / n)
