"""From sums of paired rows to a change with its interval: shares, means, and any estimate with a standard error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Compared, ratio
from ghmlops.core.stats import mcnemar, sign_flip, student, tango

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.paired.aggregates import Cells, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sampling variances and covariance of the means of `a` and `d`, shape (m,), and their degrees of freedom."""

    var_a: Floats
    cov_ad: Floats
    var_d: Floats
    freedom: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """Two estimates a cell whose difference has a known standard error, arrays of shape (m,)."""

    n: Floats
    baseline: Floats
    change: Floats
    error: Floats
    """Standard error of the change."""
    freedom: Floats
    """Degrees of freedom of the error; below 1 nothing is known."""
    method: str
    bound: float = 0.0
    """How far counting in bins may have moved the change."""


def moments(cells: Cells) -> Moments:
    """Return the variances of the cells' means: of independent rows, or of independent clusters where there are some.

    Source of the second: the sandwich estimator of a ratio mean with G / (G - 1) (Cameron and Miller 2015, section II).
    """
    mean_a, mean_d = cells.baseline, cells.change
    if cells.groups is None:
        n, freedom = cells.n, cells.n - 1
        scale = ratio(np.ones_like(n), n * np.where(freedom > 0, freedom, np.nan))
        with np.errstate(over="ignore", invalid="ignore"):  # values whose squares have no number: nothing is known
            return Moments(
                var_a=np.maximum(cells.aa - n * mean_a**2, 0.0) * scale,
                cov_ad=(cells.ad - n * mean_a * mean_d) * scale,
                var_d=np.maximum(cells.dd - n * mean_d**2, 0.0) * scale,
                freedom=freedom,
            )
    groups, size = cells.groups, len(cells.n)
    off_a = groups.a - groups.n * mean_a[groups.cell]
    off_d = groups.d - groups.n * mean_d[groups.cell]
    count = np.bincount(groups.cell, minlength=size).astype(np.float64)
    scale = ratio(count, np.where(count > 1, count - 1, np.nan) * cells.n**2)

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(groups.cell, weights=values, minlength=size) * scale, dtype=np.float64)

    return Moments(
        var_a=summed(off_a * off_a), cov_ad=summed(off_a * off_d), var_d=summed(off_d * off_d), freedom=count - 1
    )


def compare_shares(cells: Cells, tail: float, direction: Direction) -> Compared:
    """Compare the shares of rows that say yes (each value 0 or 1).

    Independent rows: McNemar mid-p and Tango's interval. Clusters: sign-flip test and the cluster-robust interval,
    never inside of Tango's; where no row changed, that of as many rows as there are clusters.
    """
    gained, lost = (cells.dd + cells.d) / 2.0, (cells.dd - cells.d) / 2.0
    rows, number = np.where(cells.n > 0, 1.0, np.nan), cells.n
    if cells.groups is not None:
        clusters = np.bincount(cells.groups.cell, minlength=len(cells.n)).astype(np.float64)
        number = np.where(cells.dd > 0, cells.n, clusters)
    low, high = tango.interval(np.maximum(number, 1.0), gained, lost, tail)
    if cells.groups is not None:
        found, (least, most), p = _clustered(cells, tail)
        interval = np.minimum(low * rows, least), np.maximum(high * rows, most)
        return oriented(found, interval=interval, p=p, direction=direction)
    p = mcnemar.p_more(gained, lost) * rows, mcnemar.p_more(lost, gained) * rows
    found = _estimated(cells, "McNemar mid-p, Tango interval")
    return oriented(found, interval=(low * rows, high * rows), p=p, direction=direction)


def compare_means(cells: Cells, tail: float, direction: Direction) -> Compared:
    """Compare the means of the two sides by their paired differences: Student's t, or sign-flip over clusters."""
    if cells.groups is None:
        return compare_estimates(_estimated(cells, "paired t"), tail, direction)
    found, interval, p = _clustered(cells, tail)
    return oriented(found, interval=interval, p=p, direction=direction)


def _clustered(cells: Cells, tail: float) -> tuple[Estimated, tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return the change of means over clusters, its limits, and the p-values of a rise and of a fall."""
    if cells.groups is None:
        raise ValueError("the cells have no clusters")
    found = _estimated(cells, "cluster sign-flip, cluster-robust t interval")
    known = np.where(found.freedom >= 1, 1.0, np.nan)
    up = sign_flip.p_above(cells.groups.cell, cells.groups.d, len(cells.n)) * known
    return found, student.limits(found.change, found.error, found.freedom, tail), (up, 1.0 - up)


def compare_estimates(found: Estimated, tail: float, direction: Direction) -> Compared:
    """Compare two estimates by Student's t on their difference (means, the delta method, DeLong)."""
    up = student.p_above(found.change, found.error, found.freedom)
    interval = student.limits(found.change, found.error, found.freedom, tail)
    return oriented(found, interval=interval, p=(up, 1.0 - up), direction=direction)


def _estimated(cells: Cells, method: str) -> Estimated:
    spread = moments(cells)
    return Estimated(
        n=cells.n,
        baseline=cells.baseline,
        change=cells.change,
        error=np.sqrt(spread.var_d),
        freedom=spread.freedom,
        method=method,
    )


def oriented(
    found: Estimated, *, interval: tuple[Floats, Floats], p: tuple[Floats, Floats], direction: Direction
) -> Compared:
    """Turn a change so that positive is harm.

    Args:
        found: the change.
        interval: its limits.
        p: the one-sided p-values of a rise and of a fall.
        direction: which way is harm.
    """
    low, high = interval
    up, down = p
    if direction is Direction.LOWER:
        loss, loss_low, loss_high, harm = found.change, low, high, up
    elif direction is Direction.HIGHER:
        loss, loss_low, loss_high, harm = -found.change, -high, -low, down
    else:
        loss, loss_high = np.abs(found.change), np.maximum(np.abs(low), np.abs(high))
        loss_low = np.maximum(np.maximum(low, -high), 0.0)
        harm = np.minimum(2.0 * np.minimum(up, down), 1.0)
    return Compared(
        n=found.n,
        baseline=found.baseline,
        candidate=found.baseline + found.change,
        low=low,
        high=high,
        loss=loss,
        loss_low=loss_low,
        loss_high=loss_high,
        p=harm,
        error=found.error,
        method=found.method,
        bound=found.bound,
    )


def cluster_error(influence: Floats, group: NDArray[np.uint64]) -> tuple[float, int]:
    """Return (standard error, degrees of freedom) of a sum of row influences that depend within clusters.

    Args:
        influence: what each row adds to the estimate, shape (n,), of mean 0.
        group: cluster of each row, shape (n,).
    """
    _, place = np.unique(group, return_inverse=True)
    totals = np.bincount(place, weights=influence)
    count = len(totals)
    if count < 2:
        return float("nan"), 0
    return float(np.sqrt(np.sum(totals**2) * count / (count - 1))), count - 1
