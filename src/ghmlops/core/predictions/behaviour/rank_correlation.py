"""Rank correlation of the two sides' scores: does the candidate order the rows as the baseline does?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.details.regression import RankRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.predictions.constants import ALPHA, MIN_JUDGED_ROWS, MIN_RANK_CORRELATION, SPEARMAN_VARIANCE
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.predictions.ruling import evidence_number
from ghmlops.core.stats import special

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats, QueryRanks, ScorePairs


class Correlation(NamedTuple):
    """Spearman's rho with its confidence limits, each one-sided at `ALPHA`; NaN if all scores of a side are equal."""

    rho: float
    low: float
    high: float
    rows: int
    constant: tuple[bool, bool]
    """Whether all scores of the baseline, and of the candidate, are equal."""
    method: str


def from_scores(scores: ScorePairs) -> Correlation:
    """Return the correlation of the midranks of the rows; scores in the same bin count as tied.

    In the limits every cluster counts as a single row, which is conservative. Weighted rows count as so many rows as
    their weight, and the limits are those of the effective number of rows.
    """
    n = np.ones(len(scores.baseline)) if scores.n is None else scores.n
    first, second = (_weighted_midranks(side, n) for side in (scores.baseline, scores.candidate))
    rows = round(float(n.sum())) if scores.rows is None else scores.rows
    method = "Spearman, midranks"
    if scores.bins:
        method += f" of {scores.bins} bins of equal width (scores of one bin count as tied)"
    if not rows:
        return Correlation(math.nan, math.nan, math.nan, 0, (False, False), method)
    a, b = first - np.average(first, weights=n), second - np.average(second, weights=n)
    sums = float(np.sum(n * a * a)), float(np.sum(n * b * b)), float(np.sum(n * a * b))
    constant = bool(first.min() == first.max()), bool(second.min() == second.max())
    return _correlation(sums, constant, (rows, scores.units), method)


def from_queries(ranks: QueryRanks) -> Correlation:
    """Return the correlation of the midranks within each query, over all queries; in the limits a query is one unit."""
    sums = ranks.baseline, ranks.candidate, ranks.product
    constant = ranks.baseline == 0, ranks.candidate == 0
    method = "Spearman, midranks within each query"
    if not ranks.documents:
        return Correlation(math.nan, math.nan, math.nan, 0, (False, False), method)
    units = ranks.queries if ranks.effective is None else ranks.effective
    return _correlation(sums, constant, (ranks.documents, units), method)


def _weighted_midranks(scores: Floats, n: Floats) -> Floats:
    """Return the mean rank, counted from 1, of the rows with each score, shape (k,)."""
    values, index = np.unique(scores, return_inverse=True)
    rows = np.bincount(index.ravel(), weights=n, minlength=len(values))
    return np.asarray((np.cumsum(rows) - rows / 2.0 + 0.5)[index.ravel()], dtype=np.float64)


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
        reason = f"The candidate assigns equal scores to all {correlation.rows:,} rows that the baseline orders."
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


def _correlation(
    sums: tuple[float, float, float], constant: tuple[bool, bool], counts: tuple[int, float], method: str
) -> Correlation:
    """Return the correlation of centred ranks, with limits by Fisher's z transformation.

    Source of the variance: Fieller, Hartley and Pearson (1957), Biometrika 44.

    Args:
        sums: Sums of the squares of the baseline's ranks, of the candidate's, and of their products.
        constant: Whether all scores of the baseline, and of the candidate, are equal.
        counts: Number of rows, and number of independent units.
        method: Name of the method.
    """
    rows, units = counts
    if any(constant):
        return Correlation(math.nan, math.nan, math.nan, rows, constant, method)
    rho = min(max(sums[2] / math.sqrt(sums[0] * sums[1]), -1.0), 1.0)
    if units <= 3 or abs(rho) == 1.0:
        return Correlation(rho, *((rho, rho) if units > 3 else (-1.0, 1.0)), rows, constant, method)
    half_width = float(special.ndtri(1.0 - ALPHA)) * math.sqrt(SPEARMAN_VARIANCE / (units - 3))
    low, high = (math.tanh(math.atanh(rho) + side * half_width) for side in (-1.0, 1.0))
    return Correlation(rho, low, high, rows, constant, method)
