"""Replicas of a candidate and its baseline for the same demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.details.scale import ComparisonRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.scale.capacity import Curve, Measured, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.scale.admission import Admitted
    from ghmlops.core.scale.plan import Supply

DOCS = "actions/scale/README.md#a-candidate-that-needs-more"
DAY_HOURS = 24.0
MAX_RATES = 2_000
"""Different rates for which replicas are counted; more are rounded up to the next of so many."""


class Compared(NamedTuple):
    """The comparison, and the finding about it."""

    row: ComparisonRow
    finding: Finding


def compare(
    candidate: Sequence[Admitted],
    baseline: Sequence[Admitted],
    supply: Supply,
    demand: float,
    rates: NDArray[np.float64],
) -> Compared:
    """Compare the replicas at a demand, and their hours over the demand of the past.

    Args:
        candidate: its measured capacities.
        baseline: those of the baseline.
        supply: what serves the demand with the candidate.
        demand: requests per second that both serve.
        rates: requests per second of past intervals, NaN without a value; a single one for a fixed demand.
    """
    before, after = fit([row.measured for row in baseline]), supply.curve
    counts = [_replicas(curve, demand, supply) for curve in (before, after)]
    best = _highest(candidate)
    least = None if best is None else _difference(counts[0], _replicas(best, demand, supply))
    row = ComparisonRow(
        baseline_commit=baseline[0].commit,
        demand=demand,
        baseline=counts[0],
        candidate=counts[1],
        least=least,
        hours=_hours(before, after, supply, rates),
    )
    return Compared(row, _finding(row))


def _replicas(curve: Curve, rate: float, supply: Supply) -> int | None:
    count = curve.replicas_for(rate, supply.headroom, 100 * supply.limits.max)
    return None if count is None else max(count, supply.limits.min)


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _highest(admitted: Sequence[Admitted]) -> Curve | None:
    """Return the curve through the high ends; `None` if one of them was not reached."""
    ends = [Measured(row.measured.replicas, row.high) for row in admitted if row.high is not None]
    return fit(ends) if len(ends) == len(admitted) else None


def _hours(before: Curve, after: Curve, supply: Supply, rates: NDArray[np.float64]) -> float | None:
    """Return the additional replica-hours per day; `None` if one of the two does not carry the demand."""
    values, numbers = np.unique(rates[np.isfinite(rates)], return_counts=True)
    if not len(values):
        return None
    if len(values) > MAX_RATES:
        edges = np.linspace(0.0, values[-1], MAX_RATES + 1)[1:]
        numbers = np.bincount(np.minimum(np.searchsorted(edges, values), MAX_RATES - 1), numbers, MAX_RATES)
        values = edges
    total = 0.0
    for rate, number in zip(values, numbers, strict=True):
        more = _difference(_replicas(before, float(rate), supply), _replicas(after, float(rate), supply))
        if more is None:
            return None
        total += more * float(number)
    return total / float(numbers.sum()) * DAY_HOURS


def _finding(row: ComparisonRow) -> Finding:
    before, after = row.baseline, row.candidate
    numbers = f"{_count(before)} replicas of the baseline, {_count(after)} of the candidate, for {row.demand:.4g}/s"
    more = before is not None and (after is None or after > before)
    proven = more and (after is None or (row.least is not None and row.least > 0))
    code, outcome = "scale-candidate", Outcome.PASS
    if proven:
        cost = "" if row.hours is None else f", {row.hours:+,.0f} replica-hours per day"
        outcome, reason = Outcome.WARN, f"The candidate needs more replicas: {numbers}{cost}."
    elif more:
        reason = f"The capacities overlap, so that more replicas are not shown to be needed: {numbers}."
    else:
        reason = f"The candidate needs no more replicas: {numbers}."
    change = _difference(before, after)
    return Finding(
        id=code,
        metric="replicas",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        unit="replicas",
        direction=Direction.LOWER,
        baseline=None if before is None else float(before),
        candidate=None if after is None else float(after),
        change=None if change is None else Interval(estimate=float(change), low=row.least),
        method="replicas at the low end of the baseline's capacity and at both ends of the candidate's",
    )


def _count(replicas: int | None) -> str:
    return "no number of" if replicas is None else f"{replicas:,}"
