"""Rank correlation of the two sides' scores: does the candidate order the rows as the baseline does?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from ghmlops.core.details.regression import RankRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.paired.aggregates import COARSE
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.behaviour.determinism import DOCS
from ghmlops.core.predictions.ruling import ALPHA, tidy
from ghmlops.core.stats.delong import midranks

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Columns, Floats, Grid

REORDERED = 0.5
"""A correlation shown to be below this is a warning: half of the order and more is gone. Above, it is only shown."""
_FIELLER = 1.06
"""Variance of the z-transformed Spearman correlation times n - 3 (Fieller, Hartley, Pearson 1957)."""


class Correlation(NamedTuple):
    """Spearman's rho (NaN where a side has one value only) with its limits, each one-sided at `ALPHA`."""

    rho: float
    low: float
    high: float
    rows: int
    constant: tuple[bool, bool]
    """Sides whose scores are all the same."""
    method: str


def from_columns(columns: Columns) -> Correlation:
    """Correlate the midranks of the rows, exactly. Clusters count once each in the limits, which is cautious."""
    n = len(columns.baseline)
    units = n if columns.group is None else len(np.unique(columns.group))
    first, second = midranks(columns.baseline) if n else np.empty(0), midranks(columns.candidate) if n else np.empty(0)
    return _correlated(first, second, np.ones(n), (n, units), "Spearman, midranks")


def from_grid(grid: Grid) -> Correlation:
    """Correlate the midranks of the coarse joint bins: rows of one bin count as tied."""
    total = round(float(grid.n.sum()))
    ranks = []
    for bins in (grid.first, grid.second):
        held = np.bincount(bins, weights=grid.n, minlength=COARSE)
        ranks.append((np.cumsum(held) - held / 2.0 + 0.5)[bins])
    method = f"Spearman, midranks of {COARSE} bins of equal width (scores of one bin count as tied)"
    return _correlated(ranks[0], ranks[1], grid.n.astype(np.float64), (total, total), method)


def judge_ranks(found: Correlation, dataset: str = "") -> tuple[Finding | None, RankRow]:
    """Return the row of the table `rank`, and a warning where the order is lost; an order that is kept proves nothing.

    Returns:
        The finding `scores-reordered`, if there is one, and the row of the table `rank`.
    """
    row = RankRow(
        dataset=dataset,
        spearman=tidy(found.rho),
        low=tidy(found.low),
        high=tidy(found.high),
        rows=found.rows,
        method=found.method,
    )
    if found.rows < judge.MINIMUM:
        return None, row
    if found.constant == (False, True):
        return _finding(found, f"The candidate gives all {found.rows:,} rows the same score.", dataset), row
    if not found.high < REORDERED:
        return None, row
    reason = (
        f"The candidate orders the rows differently: the rank correlation of the scores is {found.rho:.3f} "
        f"(98 % interval {found.low:.3f} to {found.high:.3f}), on {found.rows:,} rows, below {REORDERED:g}."
    )
    return _finding(found, reason, dataset), row


def _finding(found: Correlation, reason: str, dataset: str) -> Finding:
    return Finding(
        id="scores-reordered",
        metric="rank-correlation",
        outcome=Outcome.WARN,
        reason=reason,
        docs=DOCS,
        description="Does the candidate order the rows as the baseline does?",
        dataset=dataset,
        direction=Direction.HIGHER,
        candidate=tidy(found.rho),
        change=Interval(low=tidy(found.low), high=tidy(found.high)),
        method=found.method,
        margin=REORDERED,
        n=found.rows,
    )


def _correlated(first: Floats, second: Floats, weights: Floats, counts: tuple[int, int], method: str) -> Correlation:
    rows, units = counts
    total = float(weights.sum())
    if not total:
        return Correlation(math.nan, math.nan, math.nan, 0, (False, False), method)
    a, b = first - np.average(first, weights=weights), second - np.average(second, weights=weights)
    spread = float(np.sum(weights * a * a)), float(np.sum(weights * b * b))
    constant = bool(first.min() == first.max()), bool(second.min() == second.max())
    if any(constant):
        return Correlation(math.nan, math.nan, math.nan, rows, constant, method)
    rho = min(max(float(np.sum(weights * a * b)) / math.sqrt(spread[0] * spread[1]), -1.0), 1.0)
    if units <= 3 or abs(rho) == 1.0:
        return Correlation(rho, *((rho, rho) if units > 3 else (-1.0, 1.0)), rows, constant, method)
    reach = float(special.ndtri(1.0 - ALPHA)) * math.sqrt(_FIELLER / (units - 3))
    low, high = (math.tanh(math.atanh(rho) + side * reach) for side in (-1.0, 1.0))
    return Correlation(rho, low, high, rows, constant, method)
