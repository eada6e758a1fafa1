"""Sampling error of metrics that are not means of rows (AUC, average precision, slope, quantile), from row influences.

To first order an estimate is its true value plus a sum of the influences of the rows. The paired variance of two
estimates is then that of the sums of the rows' influences; dependent rows are added up within their clusters first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import COARSE_BINS, FINE_BINS, Columns, Floats, Grid, Ints, MetricComparison
from ghmlops.core.paired.change import Estimates, Moments, compare_estimates, method_name

FINE_PER_COARSE = FINE_BINS // COARSE_BINS
"""Number of fine bins in a coarse bin."""
BIN_CENTERS = (np.arange(FINE_BINS) + 0.5) / FINE_BINS
"""The score that stands for each fine bin, shape (FINE_BINS,)."""


class SideEstimate(NamedTuple):
    """The estimate of one side and the influence of each row on it; the influences of all rows sum to 0."""

    value: float
    influence: Floats
    """Shape (n,) for rows; by class and fine bin, shape (2, FINE_BINS), for binned rows."""
    bound: float = 0.0
    """Largest error of the value that results from binning the scores."""


def undefined_side(shape: tuple[int, ...]) -> SideEstimate:
    """Return the estimate of a metric that is undefined on these rows: NaN, with influences of the given shape."""
    return SideEstimate(float("nan"), np.full(shape, np.nan), float("nan"))


def column_moments(columns: Columns, first: Floats, second: Floats) -> Moments:
    """Return the variance of the baseline's estimate (a), that of the change (d) and their covariance, shape (1,).

    Args:
        columns: The rows; influences are summed by cluster if rows are dependent.
        first: Influences on the baseline's estimate, shape (n,); that of a row of weight w is w times that of a row of
            weight 1.
        second: Influences on the candidate's estimate, shape (n,).
    """
    a, d, number = first, second - first, columns.effective
    if columns.group is not None:
        _, index = np.unique(columns.group, return_inverse=True)
        a, d = (np.bincount(index, weights=w).astype(np.float64) for w in (a, d))
        number = float(len(a))
    df = number - 1.0
    scale = number / df if df > 0 else np.nan
    return Moments(
        var_a=np.array([scale * (a @ a)]),
        cov_ad=np.array([scale * (a @ d)]),
        var_d=np.array([scale * (d @ d)]),
        df=np.array([df]),
    )


def grid_moments(grid: Grid, first: Floats, second: Floats) -> Moments:
    """Return the variance of the baseline's estimate (a), that of the change (d) and their covariance, shape (1,).

    The variance of each side is that of its fine bins. The covariance of the sides is known by coarse bin only: within
    a coarse bin the sides count as uncorrelated, which overstates the variance of the change between similar models.
    Weighted rows contribute the squares of their weights.

    Args:
        grid: The binned rows.
        first: Influences on the baseline's estimate by class and fine bin, shape (2, FINE_BINS).
        second: Influences on the candidate's estimate, same shape.
    """
    df = grid.effective - 1.0
    grid = grid if grid.squares is None else grid.squares
    var_first, var_second = float(np.sum(grid.baseline * first**2)), float(np.sum(grid.candidate * second**2))
    a = _coarse_means(grid.baseline, first)[grid.joint_label, grid.joint_baseline]
    b = _coarse_means(grid.candidate, second)[grid.joint_label, grid.joint_candidate]
    within = var_first - float(grid.joint_n @ a**2) + var_second - float(grid.joint_n @ b**2)
    cov_ad = float(grid.joint_n @ (a * (b - a))) - (var_first - float(grid.joint_n @ a**2))
    var_d = float(grid.joint_n @ (b - a) ** 2) + max(within, 0.0)
    return Moments(
        var_a=np.array([var_first]),
        cov_ad=np.array([cov_ad]),
        var_d=np.array([var_d]),
        df=np.array([df]),
    )


def _coarse_means(counts: Ints | Floats, influence: Floats) -> Floats:
    """Return the mean influence by class and coarse bin, shape (2, COARSE_BINS); 0 in an empty bin."""
    rows = counts.reshape(2, COARSE_BINS, FINE_PER_COARSE).sum(axis=2)
    total = (counts * influence).reshape(2, COARSE_BINS, FINE_PER_COARSE).sum(axis=2)
    return np.asarray(total / np.where(rows > 0, rows, 1), dtype=np.float64)


class EstimatePair(NamedTuple):
    """The estimates of both sides of one cell and their sampling error."""

    first: SideEstimate
    """The baseline's estimate."""
    second: SideEstimate
    """The candidate's estimate."""
    spread: Moments
    n: int
    """Number of rows."""
    method: str


def compare_pair(pair: EstimatePair, direction: Direction, tail: float) -> MetricComparison:
    """Compare the estimates of two sides by Student's t on their difference.

    Args:
        pair: The estimates of one cell.
        direction: Which change is an improvement.
        tail: Probability beyond each limit.
    """
    estimates = Estimates(
        n=np.array([float(pair.n)]),
        baseline=np.array([pair.first.value]),
        change=np.array([pair.second.value - pair.first.value]),
        error=np.sqrt(pair.spread.var_d),
        df=pair.spread.df,
        method=pair.method,
        bound=pair.first.bound + pair.second.bound,
    )
    return compare_estimates(estimates, tail, direction)


def pair_of_columns(columns: Columns, first: SideEstimate, second: SideEstimate, method: str) -> EstimatePair:
    """Return the pair of two estimates from rows, with the sampling error of independent rows or clusters.

    Args:
        columns: The rows.
        first: The baseline's estimate.
        second: The candidate's estimate.
        method: Name of the method.
    """
    spread = column_moments(columns, first.influence, second.influence)
    return EstimatePair(
        first, second, spread, len(columns.label), method_name(method, clustered=columns.group is not None)
    )


def pair_of_grid(grid: Grid, first: SideEstimate, second: SideEstimate, method: str) -> EstimatePair:
    """Return the pair of two estimates from binned rows, with their sampling error.

    Args:
        grid: The binned rows.
        first: The baseline's estimate.
        second: The candidate's estimate.
        method: Name of the method.
    """
    spread = grid_moments(grid, first.influence, second.influence)
    return EstimatePair(first, second, spread, grid.rows, f"{method}, binned")
