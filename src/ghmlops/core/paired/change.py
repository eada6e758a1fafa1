"""From sums of paired rows to a change with its interval: proportions, means, estimates with a standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import MetricComparison, ratio
from ghmlops.core.stats import mcnemar, sign_flip, student, tango

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.paired.aggregates import Cells, Floats, Squares

DELTA_METHOD = "paired delta method"
"""Name of the method of a smooth function of paired means."""


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Sampling variances and covariance of the means of `a` and `d` (see `Cells`), shape (m,)."""

    var_a: Floats
    cov_ad: Floats
    var_d: Floats
    df: Floats
    """Degrees of freedom of the variances."""


class Estimates(msgspec.Struct, frozen=True, kw_only=True):
    """Baseline and change of a metric in each of m cells, and the standard error of the change; shape (m,)."""

    n: Floats
    """Number of rows."""
    baseline: Floats
    change: Floats
    """Candidate - baseline."""
    error: Floats
    """Standard error of the change."""
    df: Floats
    """Degrees of freedom of the standard error; below 1 the limits are NaN."""
    method: str
    bound: float = 0.0
    """Largest error of the change that results from binning the scores."""


def method_name(method: str, *, clustered: bool) -> str:
    """Return the name of a method, with a note if dependent rows were summed by cluster first."""
    return method + (", cluster-robust" if clustered else "")


def moments(cells: Cells) -> Moments:
    """Return the sampling variances of the cells' means, of independent rows or of independent clusters.

    Source for clusters: the sandwich estimator of a ratio mean with the correction G / (G - 1) for G clusters (Cameron
    and Miller 2015, Journal of Human Resources 50, 317-372, section II). Source for weighted rows: see
    `_weighted_moments`.
    """
    mean_a, mean_d = cells.baseline, cells.change
    if cells.groups is None and cells.squares is not None:
        return _weighted_moments(cells, cells.squares)
    if cells.groups is None:
        n, df = cells.n, cells.n - 1
        scale = ratio(np.ones_like(n), n * np.where(df > 0, df, np.nan))
        # Values whose squares overflow yield NaN: the comparison is then undefined.
        with np.errstate(over="ignore", invalid="ignore"):
            return Moments(
                var_a=np.maximum(cells.aa - n * mean_a**2, 0.0) * scale,
                cov_ad=(cells.ad - n * mean_a * mean_d) * scale,
                var_d=np.maximum(cells.dd - n * mean_d**2, 0.0) * scale,
                df=df,
            )
    groups, size = cells.groups, len(cells.n)
    residual_a = groups.a - groups.n * mean_a[groups.cell]
    residual_d = groups.d - groups.n * mean_d[groups.cell]
    count = np.bincount(groups.cell, minlength=size).astype(np.float64)
    scale = ratio(count, np.where(count > 1, count - 1, np.nan) * cells.mass**2)

    def scaled_sum(values: Floats) -> Floats:
        return np.asarray(np.bincount(groups.cell, weights=values, minlength=size) * scale, dtype=np.float64)

    return Moments(
        var_a=scaled_sum(residual_a * residual_a),
        cov_ad=scaled_sum(residual_a * residual_d),
        var_d=scaled_sum(residual_d * residual_d),
        df=count - 1,
    )


def _weighted_moments(cells: Cells, squares: Squares) -> Moments:
    """Return the sampling variances of weighted means of independent rows.

    The linearised (sandwich) variance of a ratio mean is the sum of w^2 (x - mean)^2 by the square of the sum of w
    (Cochran 1977, Sampling Techniques, section 6.3; Lumley 2010, Complex Surveys, section 2.2). The effective number of
    rows (Kish 1965) takes the place of the number of rows in the correction n / (n - 1) and in the degrees of freedom,
    so that few rows with large weights widen the limits. With equal weights all of it equals the unweighted form.
    """
    mean_a, mean_d, number = cells.baseline, cells.change, cells.effective
    df = number - 1.0
    scale = ratio(number, np.where(df > 0, df, np.nan) * cells.mass**2)
    with np.errstate(over="ignore", invalid="ignore"):
        return Moments(
            var_a=np.maximum(squares.aa - 2.0 * mean_a * squares.a + mean_a**2 * squares.n, 0.0) * scale,
            cov_ad=(squares.ad - mean_a * squares.d - mean_d * squares.a + mean_a * mean_d * squares.n) * scale,
            var_d=np.maximum(squares.dd - 2.0 * mean_d * squares.d + mean_d**2 * squares.n, 0.0) * scale,
            df=df,
        )


def compare_proportions(cells: Cells, tail: float, direction: Direction) -> MetricComparison:
    """Compare the proportions of rows with the value 1, if each value is 0 or 1.

    Independent rows: McNemar's mid-p test and Tango's interval. Clusters: the sign-flip test and the cluster-robust t
    interval, widened to contain Tango's. If no row changed, Tango's interval is that of as many rows as there are
    clusters. Weighted rows: the same with effective counts (`_effective_changes`).

    Args:
        cells: Sums of m cells.
        tail: Probability beyond each limit.
        direction: Which change is an improvement.
    """
    number, gained, lost = _effective_changes(cells)
    defined = np.where(cells.n > 0, 1.0, np.nan)
    if cells.groups is not None:
        clusters = np.bincount(cells.groups.cell, minlength=len(cells.n)).astype(np.float64)
        number = np.where(cells.dd > 0, number, clusters)
    low, high = tango.interval(np.maximum(number, 1.0), gained, lost, tail)
    if cells.groups is not None:
        estimates, (robust_low, robust_high), p = _compare_clusters(cells, tail)
        interval = np.minimum(low * defined, robust_low), np.maximum(high * defined, robust_high)
        return orient_change(estimates, interval=interval, p=p, direction=direction)
    p = mcnemar.p_greater(gained, lost) * defined, mcnemar.p_greater(lost, gained) * defined
    if cells.squares is None:
        estimates = _mean_estimates(cells, "McNemar mid-p, Tango interval")
        return orient_change(estimates, interval=(low * defined, high * defined), p=p, direction=direction)
    estimates = _mean_estimates(cells, "McNemar mid-p, Tango interval of effective counts")
    return orient_change(estimates, interval=(low * defined, high * defined), p=p, direction=direction)


def _effective_changes(cells: Cells) -> tuple[Floats, Floats, Floats]:
    """Return the number of rows, and of those that gained and that lost the value 1, shape (m,) each.

    Weighted rows are counted as so many rows of equal weight that the null variance of the change is that of the
    weighted rows: the sums of weights are divided by the mean weight of the changed rows, weighted by itself, or by
    that of all rows if it is larger (the design effect of Rao and Scott 1992, Biometrics 48, 577-585). The change of
    the proportion stays exact.
    """
    gained, lost = (cells.dd + cells.d) / 2.0, (cells.dd - cells.d) / 2.0
    if cells.squares is None:
        return cells.n, gained, lost
    # Rows with larger weights than the changed ones could have changed, so the mean weight of all rows is the least.
    unit = np.fmax(ratio(cells.squares.dd, cells.dd), ratio(cells.squares.n, cells.mass))
    number, gained, lost = (ratio(sums, unit) for sums in (cells.mass, gained, lost))
    return np.nan_to_num(number), np.maximum(np.nan_to_num(gained), 0.0), np.maximum(np.nan_to_num(lost), 0.0)


def compare_means(cells: Cells, tail: float, direction: Direction) -> MetricComparison:
    """Compare the means of the two sides by their paired differences: Student's t, or sign flips of cluster totals.

    Args:
        cells: Sums of m cells.
        tail: Probability beyond each limit.
        direction: Which change is an improvement.
    """
    if cells.groups is None:
        return compare_estimates(_mean_estimates(cells, "paired t"), tail, direction)
    estimates, interval, p = _compare_clusters(cells, tail)
    return orient_change(estimates, interval=interval, p=p, direction=direction)


def _compare_clusters(cells: Cells, tail: float) -> tuple[Estimates, tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return the change of the means over clusters, its limits, and the one-sided p-values of a rise and of a fall.

    Raises:
        ValueError: The cells have no clusters.
    """
    if cells.groups is None:
        raise ValueError("cluster test: `cells.groups` is None; the engine must sum the rows by cluster")
    estimates = _mean_estimates(cells, "cluster sign-flip, cluster-robust t interval")
    defined = np.where(estimates.df >= 1, 1.0, np.nan)
    rise = sign_flip.p_greater(cells.groups.cell, cells.groups.d, len(cells.n)) * defined
    interval = student.limits(estimates.change, estimates.error, estimates.df, tail)
    return estimates, interval, (rise, 1.0 - rise)


def compare_estimates(estimates: Estimates, tail: float, direction: Direction) -> MetricComparison:
    """Compare two estimates by Student's t on their difference (means, the delta method, DeLong).

    Args:
        estimates: Baseline and change with their standard error.
        tail: Probability beyond each limit.
        direction: Which change is an improvement.
    """
    rise = student.p_greater(estimates.change, estimates.error, estimates.df)
    interval = student.limits(estimates.change, estimates.error, estimates.df, tail)
    return orient_change(estimates, interval=interval, p=(rise, 1.0 - rise), direction=direction)


def _mean_estimates(cells: Cells, method: str) -> Estimates:
    spread = moments(cells)
    return Estimates(
        n=cells.n,
        baseline=cells.baseline,
        change=cells.change,
        error=np.sqrt(spread.var_d),
        df=spread.df,
        method=method,
    )


def orient_change(
    estimates: Estimates, *, interval: tuple[Floats, Floats], p: tuple[Floats, Floats], direction: Direction
) -> MetricComparison:
    """Return the comparison whose loss is the change oriented so that positive is worse.

    Args:
        estimates: Baseline and change, shape (m,).
        interval: Lower and upper limit of the change, shape (m,) each.
        p: One-sided p-values of a rise and of a fall, shape (m,) each.
        direction: Which change is an improvement; with `TARGET` any change is a loss and the p-value is two-sided.
    """
    low, high = interval
    rise, fall = p
    if direction is Direction.LOWER:
        loss, loss_low, loss_high, p_worse = estimates.change, low, high, rise
    elif direction is Direction.HIGHER:
        loss, loss_low, loss_high, p_worse = -estimates.change, -high, -low, fall
    else:
        loss, loss_high = np.abs(estimates.change), np.maximum(np.abs(low), np.abs(high))
        loss_low = np.maximum(np.maximum(low, -high), 0.0)
        p_worse = np.minimum(2.0 * np.minimum(rise, fall), 1.0)
    return MetricComparison(
        n=estimates.n,
        baseline=estimates.baseline,
        candidate=estimates.baseline + estimates.change,
        low=low,
        high=high,
        loss=loss,
        loss_low=loss_low,
        loss_high=loss_high,
        p=p_worse,
        error=estimates.error,
        method=estimates.method,
        bound=estimates.bound,
    )


def cluster_robust_error(influence: Floats, group: NDArray[np.uint64]) -> tuple[float, int]:
    """Return the standard error of an estimate whose rows are dependent within clusters, and its degrees of freedom.

    Args:
        influence: Influence of each row on the estimate, shape (n,), with sum 0.
        group: Cluster of each row, shape (n,).
    """
    _, index = np.unique(group, return_inverse=True)
    totals = np.bincount(index, weights=influence)
    count = len(totals)
    if count < 2:
        return float("nan"), 0
    return float(np.sqrt(np.sum(totals**2) * count / (count - 1))), count - 1
