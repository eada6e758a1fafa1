"""Details of the evidence of `capacity`: the result, the curve, every probe, the scaling law and its predictions."""

from __future__ import annotations

from ghmlops.core.model import Frozen, Interval
from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.objectives import Objectives

PLAUSIBLE_RATES = (1e-6, 1e9)
"""Lowest and highest capacity in requests per second that a service may have: others come from no measurement."""


class CapacityResult(Frozen, frozen=True, kw_only=True):
    """Result of the search.

    Attributes:
        low: highest rate (1/s) that meets the objectives; `None` if none does.
        high: lowest rate (1/s) that misses them; `None` if none was reached.
        width: (high - low) / low; `None` if one of them is missing.
        limited_by: `service`, `errors`, `generator`, `nothing` or `unknown`.
        replicas: replicas for `demand`; `None` if not requested, or if no capacity was found.
        demand: rate (1/s) to serve; `None` if not requested.
        headroom: fraction of each replica's capacity that is kept free.
        budget_used_s: seconds that the search took.
        requests_sent: requests sent, including warm-up.
    """

    low: float | None
    high: float | None
    width: float | None
    limited_by: str
    replicas: int | None
    demand: float | None
    headroom: float
    budget_used_s: float
    requests_sent: int


class ProbeNumbers(Frozen, frozen=True, kw_only=True):
    """Numbers of one probe: response times in ms, shares of the offered requests, requests in flight and judged."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    errors: float | None
    achieved: float | None
    in_flight: float | None
    n: int


class CurvePoint(ProbeNumbers, frozen=True, kw_only=True):
    """One rate (1/s) of the curve: its standing, and the numbers of its longest probe."""

    rate: float
    standing: str


class ProbeRow(ProbeNumbers, frozen=True, kw_only=True):
    """One probe in the order of the search: rate (1/s), purpose, vote, judged seconds, and the reason of the vote."""

    rate: float
    purpose: str
    vote: str
    seconds: float
    reason: str


class LawDetails(
    Frozen,
    frozen=True,
    kw_only=True,
    rename={"rate": "lambda", "peak_concurrency": "peak-concurrency", "peak_throughput": "peak-throughput"},
):
    """Parameters of the fitted scaling law with their intervals.

    Attributes:
        rate: throughput (1/s) of one request in flight, the law's lambda.
        sigma: contention.
        kappa: coherency.
        peak_concurrency: requests in flight at the peak.
        peak_throughput: throughput (1/s) at the peak.
        residual: residual of the fit.
        probes: levels of load that the law was fitted to.
        interval: how the intervals were made.
    """

    rate: Interval
    sigma: Interval
    kappa: Interval
    peak_concurrency: Interval
    peak_throughput: Interval
    residual: float | None
    probes: int
    interval: str


class Prediction(Frozen, frozen=True, kw_only=True):
    """Mean response time (ms) that the law predicts at a rate (1/s), and whether that rate lies within the data."""

    rate: float
    estimate_ms: float | None
    low_ms: float | None
    high_ms: float | None
    basis: str


class CapacitySettings(Frozen, frozen=True, kw_only=True):
    """Settings in force; `policy` is the section `capacity`, `objectives` those that were judged."""

    url: str
    requests: str
    objectives: Objectives
    samples_for_a_pass: int
    connections: int
    policy: Capacity


class CapacityGenerator(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """The generator in the last probe; `crowded` if all connections were busy in a probe that did not fail.

    The other fields are those of `latency`'s generator; what differed between processes is left out.
    """

    timer: str = ""
    answers_timed_by: str = ""
    priority: str = ""
    priority_raised: bool = False
    requests_sent: int = 0
    processes: int = 1
    start_skew: float | None = None
    crowded: bool


class CapacityDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="capacity"):
    """Details of the evidence of `capacity`.

    Attributes:
        result: result of the search.
        curve: one row per rate, in ascending order.
        probes: every probe, in order.
        law: fitted scaling law; `None` with too few steady levels.
        predicted: predictions of the law at the rates of the policy.
        settings: settings in force.
        generator: the generator.
    """

    result: CapacityResult
    curve: list[CurvePoint]
    probes: list[ProbeRow]
    law: LawDetails | None
    predicted: list[Prediction]
    settings: CapacitySettings
    generator: CapacityGenerator


def measured_capacity(details: object) -> float | None:
    """Return the capacity at the low end in requests per second; `None` if none was measured, or no plausible one."""
    low, high = PLAUSIBLE_RATES
    if not isinstance(details, CapacityDetails) or details.result.low is None:
        return None
    return float(details.result.low) if low <= details.result.low <= high else None
