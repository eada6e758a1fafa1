"""Sampling error of what no mean of rows is (AUC, average precision, a slope, a quantile): from each row's influence.

An estimate is, to first order, its true value plus a sum of what each row adds. The paired variance of two estimates is
then that of the rows' sums; rows that depend on each other are added up in their clusters first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import COARSE, FINE, Columns, Compared, Floats, Grid, Ints
from ghmlops.core.paired.change import Estimated, Moments, compare_estimates

NESTED = FINE // COARSE
"""Fine bins of a coarse one."""
MIDDLES = (np.arange(FINE) + 0.5) / FINE
"""The score that a fine bin stands for."""


class Side(NamedTuple):
    """One side's estimate and what each row adds to it, shape (n,), or by class and fine bin, shape (2, FINE).

    The influences of all rows sum to 0. `bound` is how far counting in bins may have moved the value.
    """

    value: float
    influence: Floats
    bound: float = 0.0


def undefined(shape: tuple[int, ...]) -> Side:
    """Return the side of a metric that has no value on these rows."""
    return Side(float("nan"), np.full(shape, np.nan), float("nan"))


def column_moments(columns: Columns, first: Floats, second: Floats) -> Moments:
    """Return the variance of the baseline's estimate (a), that of the change (d) and their covariance, shape (1,).

    Args:
        columns: the rows; clusters are summed where there are some.
        first: the baseline's influences, shape (n,).
        second: the candidate's.
    """
    a, d = first, second - first
    if columns.group is not None:
        _, place = np.unique(columns.group, return_inverse=True)
        a, d = (np.bincount(place, weights=w).astype(np.float64) for w in (a, d))
    freedom = float(len(a) - 1)
    scale = len(a) / freedom if freedom > 0 else np.nan
    return Moments(
        var_a=np.array([scale * (a @ a)]),
        cov_ad=np.array([scale * (a @ d)]),
        var_d=np.array([scale * (d @ d)]),
        freedom=np.array([freedom]),
    )


def grid_moments(grid: Grid, first: Floats, second: Floats) -> Moments:
    """As `column_moments`, of binned rows; the influences are by class and fine bin, shape (2, FINE).

    Each side's own variance is that of its fine bins. What the sides share is known by the coarse bins only: inside of
    these nothing is taken as shared, which overstates the variance of the change between models that are alike.
    """
    own_a, own_b = float(np.sum(grid.baseline * first**2)), float(np.sum(grid.candidate * second**2))
    a = _coarse(grid.baseline, first)[grid.label, grid.first]
    b = _coarse(grid.candidate, second)[grid.label, grid.second]
    inside = own_a - float(grid.n @ a**2) + own_b - float(grid.n @ b**2)
    cov_ad = float(grid.n @ (a * (b - a))) - (own_a - float(grid.n @ a**2))
    var_d = float(grid.n @ (b - a) ** 2) + max(inside, 0.0)
    number = float(grid.n.sum())
    return Moments(
        var_a=np.array([own_a]),
        cov_ad=np.array([cov_ad]),
        var_d=np.array([var_d]),
        freedom=np.array([number - 1.0]),
    )


def _coarse(counts: Ints, influence: Floats) -> Floats:
    """Return the mean influence by class and coarse bin, shape (2, COARSE); 0 in an empty bin."""
    rows = counts.reshape(2, COARSE, NESTED).sum(axis=2)
    total = (counts * influence).reshape(2, COARSE, NESTED).sum(axis=2)
    return np.asarray(total / np.maximum(rows, 1), dtype=np.float64)


class Pair(NamedTuple):
    """Both sides of one cell, and their sampling error."""

    first: Side
    second: Side
    spread: Moments
    n: int
    method: str


def compare_pair(pair: Pair, direction: Direction, tail: float) -> Compared:
    """Compare two sides by Student's t on their difference."""
    found = Estimated(
        n=np.array([float(pair.n)]),
        baseline=np.array([pair.first.value]),
        change=np.array([pair.second.value - pair.first.value]),
        error=np.sqrt(pair.spread.var_d),
        freedom=pair.spread.freedom,
        method=pair.method,
        bound=pair.first.bound + pair.second.bound,
    )
    return compare_estimates(found, tail, direction)


def pair_of_columns(columns: Columns, first: Side, second: Side, method: str) -> Pair:
    """Return both sides of rows, with clusters summed where there are some."""
    spread = column_moments(columns, first.influence, second.influence)
    return Pair(first, second, spread, len(columns.label), in_clusters(method, columns.group is not None))


def pair_of_grid(grid: Grid, first: Side, second: Side, method: str) -> Pair:
    """Return both sides of binned rows."""
    spread = grid_moments(grid, first.influence, second.influence)
    return Pair(first, second, spread, int(grid.baseline.sum()), f"{method}, binned")


def in_clusters(method: str, clusters: bool) -> str:
    """Return the method with what was done about clusters."""
    return method + (", summed in clusters" if clusters else "")
