"""Rank correlation of the two sides' scores: does the candidate order the rows as the baseline does?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from ghmlops.core.details.regression import RankRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.paired.aggregates import COARSE_BINS
from ghmlops.core.predictions.constants import ALPHA, MIN_JUDGED_ROWS, MIN_RANK_CORRELATION, SPEARMAN_VARIANCE
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.predictions.ruling import evidence_number
from ghmlops.core.stats.delong import midranks

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Columns, Floats, Grid


class Correlation(NamedTuple):
    """Spearman's rho with its confidence limits, each one-sided at `ALPHA`; NaN if all scores of a side are equal."""

    rho: float
    low: float
    high: float
    rows: int
    constant: tuple[bool, bool]
    """Whether all scores of the baseline, and of the candidate, are equal."""
    method: str


def from_columns(columns: Columns) -> Correlation:
    """Return the correlation of the midranks of the rows.

    In the limits every cluster counts as a single row, which is conservative.
    """
    n = len(columns.baseline)
    units = n if columns.group is None else len(np.unique(columns.group))
    first, second = (midranks(side) if n else np.empty(0) for side in (columns.baseline, columns.candidate))
    return _correlate(first, second, np.ones(n), (n, units), "Spearman, midranks")


def from_grid(grid: Grid) -> Correlation:
    """Return the correlation of the midranks of the coarse bins: scores in the same bin count as tied."""
    total = round(float(grid.joint_n.sum()))
    ranks = []
    for bins in (grid.joint_baseline, grid.joint_candidate):
        rows = np.bincount(bins, weights=grid.joint_n, minlength=COARSE_BINS)
        ranks.append((np.cumsum(rows) - rows / 2.0 + 0.5)[bins])
    method = f"Spearman, midranks of {COARSE_BINS} bins of equal width (scores of one bin count as tied)"
    return _correlate(ranks[0], ranks[1], grid.joint_n.astype(np.float64), (total, total), method)


def judge_ranks(correlation: Correlation, dataset: str = "") -> tuple[Finding | None, RankRow]:
    """Return the warning `scores-reordered` if the order is lost, or None, and the row of the table `rank`.

    A high correlation is reported only: that the order is preserved does not show that the candidate is good.
    """
    row = RankRow(
        dataset=dataset,
        spearman=evidence_number(correlation.rho),
        low=evidence_number(correlation.low),
        high=evidence_number(correlation.high),
        rows=correlation.rows,
        method=correlation.method,
    )
    if correlation.rows < MIN_JUDGED_ROWS:
        return None, row
    if correlation.constant == (False, True):
        reason = f"The candidate assigns the same score to all {correlation.rows:,} rows."
        return _finding(correlation, reason, dataset), row
    if not correlation.high < MIN_RANK_CORRELATION:
        return None, row
    reason = (
        f"The candidate orders the rows differently: the rank correlation of the scores is {correlation.rho:.3f} "
        f"(at most {correlation.high:.3f} with {100 * (1 - ALPHA):g} % confidence), less than the "
        f"{MIN_RANK_CORRELATION:g} required; {correlation.rows:,} rows."
    )
    return _finding(correlation, reason, dataset), row


def _finding(correlation: Correlation, reason: str, dataset: str) -> Finding:
    return Finding(
        id="scores-reordered",
        metric="rank-correlation",
        outcome=Outcome.WARN,
        reason=reason,
        docs=f"{DOCS}#behaviour",
        description="Does the candidate order the rows as the baseline does?",
        dataset=dataset,
        direction=Direction.HIGHER,
        candidate=evidence_number(correlation.rho),
        change=Interval(low=evidence_number(correlation.low), high=evidence_number(correlation.high)),
        method=correlation.method,
        margin=MIN_RANK_CORRELATION,
        n=correlation.rows,
    )


def _correlate(first: Floats, second: Floats, weights: Floats, counts: tuple[int, int], method: str) -> Correlation:
    """Return the weighted correlation of two columns of ranks, with limits by Fisher's z transformation.

    Source of the variance: Fieller, Hartley and Pearson (1957), Biometrika 44.

    Args:
        first: Ranks of the baseline's scores, shape (k,).
        second: Ranks of the candidate's scores, shape (k,).
        weights: Number of rows with these ranks, shape (k,).
        counts: Number of rows, and number of independent units.
        method: Name of the method.
    """
    rows, units = counts
    total = float(weights.sum())
    if not total:
        return Correlation(math.nan, math.nan, math.nan, 0, (False, False), method)
    a, b = first - np.average(first, weights=weights), second - np.average(second, weights=weights)
    squares = float(np.sum(weights * a * a)), float(np.sum(weights * b * b))
    constant = bool(first.min() == first.max()), bool(second.min() == second.max())
    if any(constant):
        return Correlation(math.nan, math.nan, math.nan, rows, constant, method)
    rho = min(max(float(np.sum(weights * a * b)) / math.sqrt(squares[0] * squares[1]), -1.0), 1.0)
    if units <= 3 or abs(rho) == 1.0:
        return Correlation(rho, *((rho, rho) if units > 3 else (-1.0, 1.0)), rows, constant, method)
    half_width = float(special.ndtri(1.0 - ALPHA)) * math.sqrt(SPEARMAN_VARIANCE / (units - 3))
    low, high = (math.tanh(math.atanh(rho) + side * half_width) for side in (-1.0, 1.0))
    return Correlation(rho, low, high, rows, constant, method)
