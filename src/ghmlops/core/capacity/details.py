"""Details of a capacity search: its result, the curve, every probe, the scaling law and its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from ghmlops.core.capacity.constants import EXTRAPOLATION_TOLERANCE
from ghmlops.core.capacity.evidence import LAW, law_points, replicas_needed, tidy
from ghmlops.core.capacity.search_state import Vote
from ghmlops.core.capacity.votes import standings_by_rate
from ghmlops.core.details.capacity import (
    CapacityDetails,
    CapacityResult,
    CurvePoint,
    LawDetails,
    Prediction,
    ProbeRow,
)
from ghmlops.core.model import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.capacity.evidence import Search
    from ghmlops.core.capacity.scaling_law import Bounds, Fit
    from ghmlops.core.capacity.search_state import ProbeResult
    from ghmlops.core.details.capacity import CapacityGenerator, CapacitySettings
    from ghmlops.core.policy.capacity import Capacity


class _Numbers(TypedDict):
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    errors: float | None
    achieved: float | None
    in_flight: float | None
    n: int


def capacity_details(
    search: Search, policy: Capacity, settings: CapacitySettings, generator: CapacityGenerator
) -> CapacityDetails:
    """Return the details of the evidence of a completed search."""
    history, fit = search.state.history, search.fit
    return CapacityDetails(
        result=result_details(search, policy),
        curve=curve(history),
        probes=[_probe_row(probe) for probe in history],
        law=None if fit is None else _law(fit),
        predicted=[] if fit is None else [_prediction(search, fit, rate) for rate in policy.predict],
        settings=settings,
        generator=generator,
    )


def result_details(search: Search, policy: Capacity) -> CapacityResult:
    """Return the interval, the limit, and the replicas for the policy's demand."""
    outcome = search.result
    width = outcome.high / outcome.low if outcome.low and outcome.high else None
    return CapacityResult(
        low=tidy(outcome.low),
        high=tidy(outcome.high),
        width=None if width is None else tidy(width - 1),
        limited_by=outcome.limit,
        replicas=replicas_needed(search, policy),
        demand=policy.demand or None,
        headroom=policy.headroom,
        budget_used_s=round(search.state.seconds, 1),
        requests_sent=search.state.sent,
    )


def curve(history: Sequence[ProbeResult]) -> list[CurvePoint]:
    """Return one row per rate, in ascending order: its standing, and the numbers of its longest probe."""
    rows = []
    for rate, standing in standings_by_rate(history).items():
        probes = [probe for probe in history if probe.rate == rate]
        valid = (probe for probe in probes if probe.vote is not Vote.GENERATOR)
        longest = max(valid, key=lambda probe: probe.n, default=probes[-1])
        rows.append(CurvePoint(rate=_rate(rate), standing=standing.value, **_numbers(longest)))
    return rows


def _probe_row(probe: ProbeResult) -> ProbeRow:
    return ProbeRow(
        rate=_rate(probe.rate),
        purpose=probe.probe.purpose,
        vote=probe.vote.value,
        seconds=round(probe.probe.seconds, 2),
        reason=probe.reason,
        **_numbers(probe),
    )


def _numbers(probe: ProbeResult) -> _Numbers:
    return {
        "p50_ms": tidy(probe.quantiles["p50"] * 1e3),
        "p95_ms": tidy(probe.quantiles["p95"] * 1e3),
        "p99_ms": tidy(probe.quantiles["p99"] * 1e3),
        "errors": tidy(probe.errors),
        "achieved": tidy(probe.achieved),
        "in_flight": tidy(probe.in_flight),
        "n": probe.n,
    }


def _law(fit: Fit) -> LawDetails:
    rate, sigma, kappa, peak_concurrency, peak_throughput = (_interval(fit.bounds(key)) for key, _, _ in LAW)
    return LawDetails(
        rate=rate,
        sigma=sigma,
        kappa=kappa,
        peak_concurrency=peak_concurrency,
        peak_throughput=peak_throughput,
        residual=tidy(fit.residual),
        probes=fit.levels,
        interval="95 % bootstrap of the residuals",
    )


def _prediction(search: Search, fit: Fit, rate: float) -> Prediction:
    bounds = fit.response(rate)
    throughputs = [probe.throughput for probe in law_points(search.state.history)]
    tolerance = EXTRAPOLATION_TOLERANCE
    inside = (1 - tolerance) * min(throughputs) <= rate <= (1 + tolerance) * max(throughputs)
    basis = "beyond the peak of the law" if bounds.estimate is None else "within the data" if inside else "extrapolated"
    interval = _interval(bounds, 1e3)
    return Prediction(
        rate=_rate(rate),
        estimate_ms=interval.estimate,
        low_ms=interval.low,
        high_ms=interval.high,
        basis=basis,
    )


def _interval(bounds: Bounds, factor: float = 1.0) -> Interval:
    estimate, low, high = (None if value is None else tidy(value * factor) for value in bounds)
    return Interval(estimate=estimate, low=low, high=high)


def _rate(rate: float) -> float:
    return tidy(rate) or 0.0
