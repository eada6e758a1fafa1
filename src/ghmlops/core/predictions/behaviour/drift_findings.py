"""Drift judged: a column that moved beyond the policy's limits, and further than sampling noise, is a warning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.details.regression import DistributionRow, DriftRow
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.behaviour.distribution import Distribution
from ghmlops.core.predictions.behaviour.drift import Distances, distances
from ghmlops.core.predictions.ruling import ALPHA, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.core.policy.regression import Drift

DOCS = f"{judge.DOCS}#drift"
MOST_FINDINGS = 50
"""Columns written out, the farthest first; the summary counts the rest."""
MOST_LISTED = 200
MOST_BINS = 40
CORE = 0.001
"""Share of the rows beyond each end of the middle part of a shrunken distribution."""
TITLES = {
    "psi": "population stability index",
    "ks": "Kolmogorov-Smirnov statistic",
    "js": "Jensen-Shannon distance",
    "wasserstein": "Wasserstein distance in standard deviations",
}


def judge_drift(
    columns: Sequence[Distribution], limits: Drift, minimum: int, dataset: str = ""
) -> tuple[list[Finding], list[DriftRow]]:
    """Judge every column of a data set, scores and features alike.

    Args:
        columns: of both artifacts.
        limits: of the policy; None: that distance is only shown.
        minimum: fewer rows on either side are shown and not judged.
        dataset: its name.

    Returns:
        `drift-<distance>` (warn) for each of the worst columns, by the distance that is farthest beyond its limit;
        `drift-summary`; and the rows of the table `drift`, the farthest first.
    """
    if not columns:
        return [], []
    measured = [(column.column, distances(column)) for column in columns]
    judged = [(name, found) for name, found in measured if min(found.rows) >= minimum]
    moved = {name: beyond(found, limits) for name, found in judged}
    ranked = sorted(judged, key=lambda one: (-max(moved[one[0]].values(), default=0.0), one[0]))
    bad = [(name, found) for name, found in ranked if moved[name]]
    findings = [_finding(name, found, moved[name], limits, dataset) for name, found in bad[:MOST_FINDINGS]]
    findings.append(_summary((len(judged), len(bad)), minimum, limits, dataset))
    rest = [one for one in measured if one[0] not in moved]
    rows = [
        _row(name, found, (Outcome.WARN if moved[name] else Outcome.PASS) if name in moved else None, dataset)
        for name, found in [*bad, *sorted((o for o in ranked if not moved[o[0]]), key=_by_psi), *rest]
    ]
    return findings, rows[:MOST_LISTED]


def beyond(found: Distances, limits: Drift) -> dict[str, float]:
    """Return, by distance, how many times its limit it is: those beyond it that sampling noise does not explain.

    PSI and Jensen-Shannon are held against the chi-squared law of the PSI, Kolmogorov-Smirnov and Wasserstein against
    the law of the former, each at `ALPHA`.
    """
    over = {}
    for name, p in (("psi", found.p), ("ks", found.ks_p), ("js", found.p), ("wasserstein", found.ks_p)):
        distance, limit = getattr(found, name), getattr(limits, name)
        if distance is not None and limit is not None and distance > limit and p is not None and p < ALPHA:
            over[name] = distance / limit if limit > 0 else math.inf
    return over


def _by_psi(one: tuple[str, Distances]) -> tuple[float, str]:
    return -(one[1].psi or 0.0), one[0]


def _finding(name: str, found: Distances, over: dict[str, float], limits: Drift, dataset: str) -> Finding:
    worst = max(over, key=lambda what: over[what])
    distance, limit = float(getattr(found, worst)), float(getattr(limits, worst))
    p, law = (found.p, "chi-squared") if worst in ("psi", "js") else (found.ks_p, "Kolmogorov-Smirnov")
    others = [f"{TITLES[what]} {getattr(found, what):.4g}" for what in over if what != worst]
    also = f"; also {' and '.join(others)}" if others else ""
    return Finding(
        id=f"drift-{worst}",
        metric="drift",
        outcome=Outcome.WARN,
        reason=(
            f"The distribution of {name} moved: {TITLES[worst]} {distance:.4g}, beyond the limit of {limit:g} "
            f"(noise: p = {p:.2g}), on {found.rows[0]:,} and {found.rows[1]:,} rows{also}."
        ),
        docs=DOCS,
        description="Did the distribution of a column move?",
        dataset=dataset,
        direction=Direction.TARGET,
        candidate=tidy(distance),
        method=f"{TITLES[worst]}; {law} p below {ALPHA:g}",
        margin=limit,
        n=min(found.rows),
    )


def _summary(counts: tuple[int, int], minimum: int, limits: Drift, dataset: str) -> Finding:
    judged, moved = counts
    named = {name: getattr(limits, name) for name in TITLES if getattr(limits, name) is not None}
    told = ", ".join(f"{TITLES[name]} {limit:g}" for name, limit in named.items())
    columns = f"{judged:,} column{'' if judged == 1 else 's'}"
    if not judged:
        outcome, said = Outcome.WARN, f"No column has {minimum:,} rows on both sides, so no drift was judged."
    elif not named:
        outcome, said = Outcome.PASS, f"{columns}: drift is shown, the policy gives no limit."
    elif moved:
        more = f"; the worst {MOST_FINDINGS} are listed" if moved > MOST_FINDINGS else ""
        outcome, said = Outcome.WARN, f"{columns}: {moved:,} moved beyond a limit ({told}){more}."
    else:
        outcome, said = Outcome.PASS, f"{columns}: none moved beyond a limit ({told}) by more than noise."
    return Finding(
        id="drift-summary",
        metric="drift",
        outcome=outcome,
        reason=said,
        docs=DOCS,
        description="Did the distribution of any column move?",
        dataset=dataset,
        method="distances between binned distributions, beyond a limit and beyond noise",
        n=judged,
    )


def _row(name: str, found: Distances, outcome: Outcome | None, dataset: str) -> DriftRow:
    return DriftRow(
        dataset=dataset,
        column=name,
        psi=tidy(found.psi),
        ks=tidy(found.ks),
        js=tidy(found.js),
        wasserstein=tidy(found.wasserstein),
        outcome=outcome,
    )


def shrink(found: Distribution, most: int = MOST_BINS, dataset: str = "") -> DistributionRow:
    """Return a row of the table `distributions`, with at most `most` bins or values and no row lost.

    Numbers: the middle part, without the last `CORE` of the rows at each end, in parts of equal width; the first and
    the last bin reach to the ends. Categories: the most frequent, then all others as one.
    """
    if found.edges is None:
        kept = len(found.values) if len(found.values) <= most else most - 1
        others = [] if len(found.values) == kept else ["all others"]
        return DistributionRow(
            dataset=dataset,
            column=found.column,
            values=(*found.values[:kept], *others),
            baseline=_folded(found.baseline, kept),
            candidate=_folded(found.candidate, kept),
            missing=found.missing,
        )
    starts = _starts(found.baseline + found.candidate, found.edges, most)
    return DistributionRow(
        dataset=dataset,
        column=found.column,
        edges=tuple(tidy(float(edge)) for edge in found.edges[np.r_[starts, len(found.edges) - 1]]),
        baseline=_joined(found.baseline, starts),
        candidate=_joined(found.candidate, starts),
        missing=found.missing,
    )


def _folded(side: Ints, kept: int) -> tuple[int, ...]:
    rest = [int(side[kept:].sum())] if len(side) > kept else []
    return (*(int(n) for n in side[:kept]), *rest)


def _joined(side: Ints, starts: Ints) -> tuple[int, ...]:
    """Return the rows per joined bin; `starts` are the first fine bins of each."""
    return tuple(np.add.reduceat(side, starts).tolist()) if len(side) else ()


def _starts(both: Ints, edges: Floats, most: int) -> Ints:
    """Return the first fine bin of each joined one."""
    bins = len(both)
    if bins <= most:
        return np.arange(bins)
    mass = np.cumsum(both) / max(int(both.sum()), 1)
    first, last = int(np.searchsorted(mass, CORE)), min(int(np.searchsorted(mass, 1.0 - CORE)), bins - 1)
    low, high = edges[first], edges[last + 1]
    with np.errstate(invalid="ignore", over="ignore"):
        part = np.floor((edges[:-1] - low) / (high - low) * (most - 2))
    group = np.clip(np.nan_to_num(part, nan=0.0), -1, most - 2)
    return np.flatnonzero(np.r_[True, np.diff(group) > 0])
