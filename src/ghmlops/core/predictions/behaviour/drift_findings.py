"""Findings on drift: a column warns if it moved beyond the policy's limit and further than sampling noise explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.details.regression import DistributionRow, DriftRow
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions.behaviour.distribution import Distribution, Sentinel
from ghmlops.core.predictions.behaviour.drift import Distances, distances
from ghmlops.core.predictions.constants import (
    ALPHA,
    DISTRIBUTION_TAIL,
    MAX_DISTRIBUTION_BINS,
    MAX_FAULTY_SHARE,
    MAX_FINDINGS,
    MAX_TABLE_ROWS,
)
from ghmlops.core.predictions.findings import DOCS
from ghmlops.core.predictions.ruling import evidence_number
from ghmlops.core.text.p_value import format_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.core.policy.regression import Drift

SECTION = f"{DOCS}#drift"
TITLES = {
    "psi": "population stability index",
    "ks": "Kolmogorov-Smirnov statistic",
    "js": "Jensen-Shannon distance",
    "wasserstein": "Wasserstein distance in standard deviations",
}


def judge_drift(
    columns: Sequence[Distribution], limits: Drift, minimum: int, dataset: str = "", *, declared: bool = True
) -> tuple[list[Finding], list[DriftRow]]:
    """Judge the drift of every column of a data set, scores and features alike.

    Args:
        columns: Distributions of both artifacts.
        limits: Limits of the policy; a distance without a limit is reported only.
        minimum: Columns with fewer rows on either side are reported and not judged.
        dataset: Name of the data set.
        declared: The policy names columns; if not, it is no warning that none has enough rows.

    Returns:
        A warning `drift-<distance>` per column beyond a limit, at most `MAX_FINDINGS`, by the distance that exceeds its
        limit by the largest factor; `drift-sentinel` per column with sentinel values; `drift-summary`; and the rows of
        the table `drift`, largest factor first.
    """
    if not columns:
        return [], []
    results = [(column.column, distances(column)) for column in columns]
    judged_columns = [(name, result) for name, result in results if min(result.rows) >= minimum]
    factors = {name: limit_factors(result, limits) for name, result in judged_columns}
    ranked = sorted(judged_columns, key=lambda entry: (-max(factors[entry[0]].values(), default=0.0), entry[0]))
    drifted_columns = [(name, result) for name, result in ranked if factors[name]]
    findings = [
        _finding(name, result, factors[name], limits, dataset) for name, result in drifted_columns[:MAX_FINDINGS]
    ]
    with_sentinels = [column for column in columns if column.sentinels and all(column.rows)]
    findings += [_sentinel_finding(column, dataset) for column in with_sentinels[:MAX_FINDINGS]]
    summary = _summary((len(judged_columns), len(drifted_columns)), minimum, limits, dataset)
    if not (judged_columns or declared):
        summary = msgspec.structs.replace(summary, outcome=Outcome.PASS)
    findings.append(summary)
    stable = sorted((entry for entry in ranked if not factors[entry[0]]), key=_by_psi)
    too_small = [entry for entry in results if entry[0] not in factors]
    rows = [
        *(_row(name, result, Outcome.WARN, dataset) for name, result in drifted_columns),
        *(_row(name, result, Outcome.PASS, dataset) for name, result in stable),
        *(_row(name, result, None, dataset) for name, result in too_small),
    ]
    return findings, rows[:MAX_TABLE_ROWS]


def limit_factors(result: Distances, limits: Drift) -> dict[str, float]:
    """Return the distances beyond their limit that noise does not explain, as multiples of the limit.

    PSI and Jensen-Shannon distance are tested by the chi-squared law of the PSI, Kolmogorov-Smirnov and Wasserstein
    distance by the law of the former, each at `ALPHA`.
    """
    factors = {}
    for name, p in (("psi", result.p), ("ks", result.ks_p), ("js", result.p), ("wasserstein", result.ks_p)):
        distance, limit = getattr(result, name), getattr(limits, name)
        if distance is not None and limit is not None and distance > limit and p is not None and p < ALPHA:
            factors[name] = distance / limit if limit > 0 else math.inf
    return factors


def _by_psi(entry: tuple[str, Distances]) -> tuple[float, str]:
    return -(entry[1].psi or 0.0), entry[0]


def _finding(column: str, result: Distances, factors: dict[str, float], limits: Drift, dataset: str) -> Finding:
    worst = max(factors, key=lambda name: factors[name])
    distance, limit = float(getattr(result, worst)), float(getattr(limits, worst))
    p, law = (result.p, "chi-squared") if worst in ("psi", "js") else (result.ks_p, "Kolmogorov-Smirnov")
    others = [f"{TITLES[name]} {getattr(result, name):.4g}" for name in factors if name != worst]
    also = f"; also {' and '.join(others)}" if others else ""
    return Finding(
        id=f"drift-{worst}",
        metric="drift",
        outcome=Outcome.WARN,
        reason=(
            f"The distribution of {column} moved: {TITLES[worst]} {distance:.4g}, more than the limit of {limit:g} and "
            f"than noise explains ({format_p('p', p or 0.0)}); {result.rows[0]:,} and {result.rows[1]:,} rows{also}."
        ),
        docs=SECTION,
        description="Did the distribution of a column move?",
        dataset=dataset,
        direction=Direction.TARGET,
        candidate=evidence_number(distance),
        method=f"{TITLES[worst]}; {law} p below {ALPHA:g}",
        margin=limit,
        n=min(result.rows),
    )


def _sentinel_finding(column: Distribution, dataset: str) -> Finding:
    """Return the finding on the sentinel values of a column; it warns if the share of one changed.

    The shares are compared by a two-sided z test of two proportions at `ALPHA`, beyond `MAX_FAULTY_SHARE`.
    """
    n, m = column.rows
    changed = [
        sentinel
        for sentinel in column.sentinels
        if abs(sentinel.candidate / m - sentinel.baseline / n) > MAX_FAULTY_SHARE
        and _p_equal_shares(sentinel, n, m) < ALPHA
    ]
    values = " and ".join(
        f"{s.label or format(s.value, 'g')} "
        f"(baseline {100 * s.baseline / n:.3g} %, candidate {100 * s.candidate / m:.3g} % of the rows)"
        for s in column.sentinels
    )
    limit = f"the share of {len(changed)} of these values changed by more than {100 * MAX_FAULTY_SHARE:g} points"
    effect = limit if changed else f"no share changed by more than {100 * MAX_FAULTY_SHARE:g} points beyond noise"
    return Finding(
        id="drift-sentinel",
        metric="drift",
        outcome=Outcome.WARN if changed else Outcome.PASS,
        reason=(
            f"{column.column} contains values far outside its central range that recur exactly, and may stand for "
            f'"unknown": {values}; {effect}; {n:,} and {m:,} rows.'
        ),
        docs=SECTION,
        description="Does a column contain sentinel values, and did their share change?",
        dataset=dataset,
        direction=Direction.TARGET,
        baseline=evidence_number(sum(s.baseline for s in column.sentinels) / n),
        candidate=evidence_number(sum(s.candidate for s in column.sentinels) / m),
        method=f"exact recurrence; two proportions, p below {ALPHA:g}",
        margin=MAX_FAULTY_SHARE,
        n=min(n, m),
    )


def _p_equal_shares(sentinel: Sentinel, n: int, m: int) -> float:
    pooled = (sentinel.baseline + sentinel.candidate) / (n + m)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
    z = abs(sentinel.candidate / m - sentinel.baseline / n) / error if error > 0 else 0.0
    return math.erfc(z / math.sqrt(2.0))


def _summary(counts: tuple[int, int], minimum: int, limits: Drift, dataset: str) -> Finding:
    judged, drifted = counts
    active = {name: getattr(limits, name) for name in TITLES if getattr(limits, name) is not None}
    limit_text = ", ".join(f"{TITLES[name]} {limit:g}" for name, limit in active.items())
    columns = f"{judged:,} column{'' if judged == 1 else 's'}"
    if not judged:
        outcome, reason = Outcome.WARN, f"No column has {minimum:,} rows on both sides, so no drift was judged."
    elif not active:
        outcome, reason = Outcome.PASS, f"The drift of {columns} is reported; the policy sets no limit."
    elif drifted:
        truncated = f"; the worst {MAX_FINDINGS} are listed" if drifted > MAX_FINDINGS else ""
        outcome, reason = Outcome.WARN, f"Of {columns}, {drifted:,} moved beyond a limit ({limit_text}){truncated}."
    else:
        outcome, reason = Outcome.PASS, f"Of {columns}, none moved beyond a limit ({limit_text}) by more than noise."
    return Finding(
        id="drift-summary",
        metric="drift",
        outcome=outcome,
        reason=reason,
        docs=SECTION,
        description="Did the distribution of any column move?",
        dataset=dataset,
        method="distances between binned distributions, beyond a limit and beyond noise",
        n=judged,
    )


def _row(column: str, result: Distances, outcome: Outcome | None, dataset: str) -> DriftRow:
    return DriftRow(
        dataset=dataset,
        column=column,
        psi=evidence_number(result.psi),
        ks=evidence_number(result.ks),
        js=evidence_number(result.js),
        wasserstein=evidence_number(result.wasserstein),
        outcome=outcome,
    )


def distribution_row(
    distribution: Distribution, max_bins: int = MAX_DISTRIBUTION_BINS, dataset: str = ""
) -> DistributionRow:
    """Return the row of the table `distributions`, with at most `max_bins` bins or values; every row stays counted.

    Numbers: the middle part, without `DISTRIBUTION_TAIL` of the rows at each end, is divided into parts of equal width;
    the first and the last bin extend to the ends. Categories: the most frequent ones, then all others as one.
    """
    if distribution.edges is None:
        size = len(distribution.values) if len(distribution.values) <= max_bins else max_bins - 1
        others = [] if len(distribution.values) == size else ["all others"]
        return DistributionRow(
            dataset=dataset,
            column=distribution.column,
            values=(*distribution.values[:size], *others),
            baseline=_sum_rare(distribution.baseline, size),
            candidate=_sum_rare(distribution.candidate, size),
            missing=distribution.missing,
        )
    rows = distribution.baseline + distribution.candidate
    rows = np.where(np.isin(distribution.edges[:-1], [s.value for s in distribution.sentinels]), 0, rows)
    starts = _bin_starts(rows, distribution.edges, max_bins)
    edges = distribution.edges[np.r_[starts, len(distribution.edges) - 1]]
    named = tuple(f"private bin {number}" for number in range(1, len(starts) + 1)) if distribution.is_private else ()
    return DistributionRow(
        dataset=dataset,
        column=distribution.column,
        edges=None if named else tuple(evidence_number(float(edge)) for edge in edges),
        values=named,
        baseline=_sum_bins(distribution.baseline, starts),
        candidate=_sum_bins(distribution.candidate, starts),
        missing=distribution.missing,
    )


def _sum_rare(rows: Ints, size: int) -> tuple[int, ...]:
    """Return the rows of the first `size` values, and those of all others as one if there are any."""
    others = [int(rows[size:].sum())] if len(rows) > size else []
    return (*(int(n) for n in rows[:size]), *others)


def _sum_bins(rows: Ints, starts: Ints) -> tuple[int, ...]:
    """Return the rows per merged bin; `starts` are the first fine bins of each."""
    return tuple(np.add.reduceat(rows, starts).tolist()) if len(rows) else ()


def _bin_starts(rows: Ints, edges: Floats, max_bins: int) -> Ints:
    """Return the index of the first fine bin of each merged bin.

    Args:
        rows: Number of rows of both sides per fine bin, without sentinel values, shape (b,).
        edges: Edges of the fine bins, shape (b + 1,).
        max_bins: Largest number of merged bins.
    """
    bins = len(rows)
    if bins <= max_bins:
        return np.arange(bins)
    mass = np.cumsum(rows) / max(int(rows.sum()), 1)
    first = int(np.searchsorted(mass, DISTRIBUTION_TAIL))
    last = min(int(np.searchsorted(mass, 1.0 - DISTRIBUTION_TAIL)), bins - 1)
    low, high = edges[first], edges[last + 1]
    with np.errstate(invalid="ignore", over="ignore"):
        part = np.floor((edges[:-1] - low) / (high - low) * (max_bins - 2))
    group = np.clip(np.nan_to_num(part, nan=0.0), -1, max_bins - 2)
    return np.flatnonzero(np.r_[True, np.diff(group) > 0])
