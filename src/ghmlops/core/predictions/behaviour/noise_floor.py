"""The noise floor: how much two baselines of one recipe differ, and whether the candidate differs by more than that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from ghmlops.core.details.regression import NoiseRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.paired.aggregates import Cells, Counts, Groups
from ghmlops.core.paired.change import moments
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.behaviour.determinism import DOCS
from ghmlops.core.predictions.ruling import ALPHA, tidy
from ghmlops.core.stats import student

MARGIN = 0.01
"""Churn over the floor that is tolerated, as a share of the rows, where the policy gives none for churn."""
TIMES = 2.0
"""A mean score difference beyond so many times the floor is a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A mean over the rows of the pair, and the same over those of the two baselines."""

    rows: int
    value: float
    floor_rows: int
    floor: float
    low: float
    """Limits of value - floor, each one-sided at `ALPHA`."""
    high: float
    p: float
    """One-sided, against "not above the floor"."""
    method: str

    @property
    def shown(self) -> bool:
        """Is the value shown to be above the floor?"""
        return self.low > 0 and self.p < ALPHA


class _Mean(NamedTuple):
    n: float
    mean: float
    error: float
    freedom: float


def churn_cells(counts: Counts) -> Cells:
    """Return the changed decisions of one overall cell as a mean: `d` is 1 where the decision changed, `a` is 0.

    All rows count, with a label or without. Clusters are kept.
    """
    changed = np.where(counts.baseline != counts.candidate, counts.n, 0.0)
    total, count = np.array([counts.n.sum()], dtype=np.float64), np.array([changed.sum()], dtype=np.float64)
    groups = None
    if counts.group is not None:
        _, place = np.unique(counts.group, return_inverse=True)
        n, d = (np.bincount(place, weights=rows).astype(np.float64) for rows in (counts.n, changed))
        groups = Groups(cell=np.zeros(len(n), dtype=np.int64), n=n, a=np.zeros_like(n), d=d, dd=d)
    zero = np.zeros(1)
    return Cells(n=total, a=zero, d=count, aa=zero, ad=zero, dd=count, groups=groups)


def churn_excess(pair: Counts, noise: Counts) -> Excess:
    """Hold the churn between baseline and candidate against that between the two baselines; one overall cell each.

    The two rates are compared as if on different rows. They share the baseline, so they rise and fall together, and
    the comparison is cautious. Independent rows: pooled score test, Newcombe's interval. Clusters: cluster-robust t.
    """
    first, second = churn_cells(pair), churn_cells(noise)
    if first.groups is not None or second.groups is not None:
        return mean_excess(first, second)
    k, n, j, m = (float(v[0]) for v in (first.d, first.n, second.d, second.n))
    if not (n and m):
        return _unknown(int(n), int(m), _NEWCOMBE)
    z = float(special.ndtri(1.0 - ALPHA))
    (a, b), (c, d) = _wilson(k, n, z), _wilson(j, m, z)
    value, floor, pooled = k / n, j / m, (k + j) / (n + m)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
    return Excess(
        rows=int(n),
        value=value,
        floor_rows=int(m),
        floor=floor,
        low=value - floor - math.hypot(value - a, d - floor),
        high=value - floor + math.hypot(b - value, floor - c),
        p=float(special.ndtr(-(value - floor) / error)) if error else 0.5,
        method=_NEWCOMBE,
    )


_NEWCOMBE = "two binomial rates as if unpaired: pooled score test, Newcombe interval"


def mean_excess(pair: Cells, noise: Cells) -> Excess:
    """Hold the mean of `d` over the pair against that over the two baselines, by Welch's t as if on different rows.

    Args:
        pair: sums of one overall cell where `d` is |candidate - baseline| of a row and `a` is 0.
        noise: the same for the second baseline.
    """
    first, second = _mean(pair), _mean(noise)
    clustered = pair.groups is not None or noise.groups is not None
    method = f"two {'cluster-robust ' if clustered else ''}means as if unpaired: Welch's t"
    if not (first.n and second.n):
        return _unknown(int(first.n), int(second.n), method)
    variances = first.error**2, second.error**2
    total = sum(variances)
    parts = sum(v * v / max(f, 1.0) for v, f in zip(variances, (first.freedom, second.freedom), strict=True))
    known = min(first.freedom, second.freedom) >= 1
    freedom = np.array([(total * total / parts if parts else first.freedom) if known else math.nan])
    change, error = np.array([first.mean - second.mean]), np.array([math.sqrt(total)])
    low, high = student.limits(change, error, freedom, ALPHA)
    return Excess(
        rows=int(first.n),
        value=first.mean,
        floor_rows=int(second.n),
        floor=second.mean,
        low=float(low[0]),
        high=float(high[0]),
        p=float(student.p_greater(change, error, freedom)[0]),
        method=method,
    )


def judge_noise(
    churn: Excess | None, scores: Excess | None = None, *, margin: float | None = None, dataset: str = ""
) -> tuple[list[Finding], list[NoiseRow]]:
    """Judge a data set against its noise floor.

    Args:
        churn: of decisions; None for a task without them.
        scores: mean absolute differences of scores (or predicted values), if any.
        margin: the policy's `margins.churn`, here over the floor; None: `MARGIN`.
        dataset: its name.

    Returns:
        `noise-churn`: fail where churn is shown to be above the floor and is so by more than the margin, warn where it
        is only shown to be above, else pass. `noise-scores`: warn where the difference is shown to be above the floor
        and is more than `TIMES` as large, else pass. Both: inconclusive on fewer than 30 rows. And a row of the table
        `noise` per finding.
    """
    findings: list[Finding] = []
    rows: list[NoiseRow] = []
    if churn is not None:
        findings.append(_churn(churn, MARGIN if margin is None else margin, dataset))
        rows.append(_row("churn", churn, findings[-1]))
    if scores is not None:
        findings.append(_scores(scores, dataset))
        rows.append(_row("score-difference", scores, findings[-1]))
    return findings, rows


def _churn(found: Excess, margin: float, dataset: str) -> Finding:
    told = (
        f"{_percent(found.value)} of {found.rows:,} decisions changed; two baselines of one recipe differ in "
        f"{_percent(found.floor)} of {found.floor_rows:,}"
    )
    excess = (
        f"{100 * (found.value - found.floor):+.2f} points over the floor (98 % interval {100 * found.low:+.2f} to "
        f"{100 * found.high:+.2f})"
    )
    if _too_few(found):
        return _finding("churn", found, Outcome.INCONCLUSIVE, f"{told}: too few rows.", (margin, "ratio", dataset))
    if not found.shown:
        outcome, said = Outcome.PASS, f"churn is not shown to be above that, {excess}"
    elif found.value - found.floor > margin:
        outcome, said = Outcome.FAIL, f"{excess}, beyond the margin of {100 * margin:g} points"
    else:
        outcome, said = Outcome.WARN, f"shown to be above that, {excess}, inside the margin of {100 * margin:g} points"
    return _finding("churn", found, outcome, f"{told}: {said}.", (margin, "ratio", dataset))


def _scores(found: Excess, dataset: str) -> Finding:
    told = (
        f"Predictions differ by {found.value:.4g} on average over {found.rows:,} rows; those of two baselines of one "
        f"recipe by {found.floor:.4g} over {found.floor_rows:,}"
    )
    limit = (TIMES - 1.0) * found.floor
    if _too_few(found):
        return _finding("scores", found, Outcome.INCONCLUSIVE, f"{told}: too few rows.", (limit, "", dataset))
    if found.shown and found.value - found.floor > limit:
        outcome, said = (
            Outcome.WARN,
            f"shown to be above that (p = {found.p:.2g}) and more than {TIMES:g} times as much",
        )
    elif found.shown:
        outcome, said = Outcome.PASS, f"above that (p = {found.p:.2g}), but not more than {TIMES:g} times as much"
    else:
        outcome, said = Outcome.PASS, f"not shown to be above that (p = {found.p:.2g})"
    return _finding("scores", found, outcome, f"{told}: {said}.", (limit, "", dataset))


def _finding(name: str, found: Excess, outcome: Outcome, reason: str, where: tuple[float, str, str]) -> Finding:
    margin, unit, dataset = where
    return Finding(
        id=f"noise-{name}",
        metric="churn" if name == "churn" else "score-difference",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        description="Do predictions change by more than another seed of the baseline changes them?",
        dataset=dataset,
        unit=unit,
        direction=Direction.LOWER,
        baseline=tidy(found.floor),
        candidate=tidy(found.value),
        change=Interval(estimate=tidy(found.value - found.floor), low=tidy(found.low), high=tidy(found.high)),
        method=found.method,
        margin=tidy(margin),
        n=found.rows,
    )


def _row(quantity: Literal["churn", "score-difference"], excess: Excess, judged: Finding) -> NoiseRow:
    return NoiseRow(
        dataset=judged.dataset,
        quantity=quantity,
        value=tidy(excess.value),
        floor=tidy(excess.floor),
        rows=excess.rows,
        floor_rows=excess.floor_rows,
        low=tidy(excess.low),
        high=tidy(excess.high),
        outcome=judged.outcome,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if math.isfinite(share) else "an unknown share"


def _too_few(found: Excess) -> bool:
    return min(found.rows, found.floor_rows) < judge.MINIMUM or not math.isfinite(found.p)


def _unknown(n: int, m: int, method: str) -> Excess:
    nan = math.nan
    return Excess(rows=n, value=nan, floor_rows=m, floor=nan, low=nan, high=nan, p=nan, method=method)


def _mean(cells: Cells) -> _Mean:
    spread = moments(cells)
    error = math.sqrt(float(spread.var_d[0]))
    return _Mean(float(cells.n[0]), float(cells.change[0]), error, float(spread.df[0]))


def _wilson(count: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's score limits of a proportion."""
    share, square = count / n, z * z
    middle, reach = share + square / (2 * n), z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return (middle - reach) / (1 + square / n), (middle + reach) / (1 + square / n)
