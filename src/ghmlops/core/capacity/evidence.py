"""Evidence of a capacity search: its finding, its measurements and what was not measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.capacity.conclusion import conclude, required_replicas
from ghmlops.core.capacity.constants import MAX_LAW_ERRORS, MIN_LEVELS
from ghmlops.core.capacity.scaling_law import fit as fit_law
from ghmlops.core.capacity.search_state import Vote
from ghmlops.core.capacity.votes import is_broken, steady_rates
from ghmlops.core.model import Direction, Finding, Measurement, NotMeasured, Outcome, finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.capacity.scaling_law import Bounds, Fit
    from ghmlops.core.capacity.search_state import ProbeResult, SearchResult, SearchState
    from ghmlops.core.policy.capacity import Capacity

README = "actions/capacity/README.md"
METHOD = (
    "geometric ramp and bisection with Poisson probes; a rate passes by the exact (Clopper-Pearson) 99 % upper bounds "
    "of the shares that miss the objectives and fails by the lower ones, at the effective number of requests; "
    "each edge is confirmed by a second probe"
)
DIGITS = 5
"""Significant digits of reported numbers."""
LIMITS = {
    "service": "the service (its response time) was the limit",
    "errors": "failed requests were the limit",
    "generator": "the generator was the limit, not the service",
    "nothing": "nothing was the limit up to the highest rate that the policy allows",
    "unknown": "the limit is unknown",
}
LAW = (
    ("rate", "lambda", "1/s"),
    ("sigma", "sigma", ""),
    ("kappa", "kappa", ""),
    ("peak", "peak-concurrency", ""),
    ("max_throughput", "peak-throughput", "1/s"),
)
"""Reported parameters of the law: key of `Fit.bounds`, name and unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A completed search and its scaling law.

    Attributes:
        state: The search with all probes.
        result: Its result.
        fit: The fitted law; `None` with too few levels.
    """

    state: SearchState
    result: SearchResult
    fit: Fit | None


def complete_search(state: SearchState, seed: int) -> Search:
    """Return a search with its result and, if it has enough levels, the scaling law."""
    points = law_points(state.history)
    fit = None
    if len(steady_rates(points)) >= MIN_LEVELS:
        n, x = np.array([p.in_flight for p in points]), np.array([p.throughput for p in points])
        fit = fit_law(n, x, seed)
    return Search(state=state, result=conclude(state), fit=fit)


def law_points(history: Sequence[ProbeResult]) -> list[ProbeResult]:
    """Return the probes that the law is fitted to: steady, hardly any failed requests, some requests in flight."""
    return [p for p in history if p.steady and p.errors <= MAX_LAW_ERRORS and p.in_flight > 0 and p.throughput > 0]


def finding(search: Search, policy: Capacity) -> Finding:
    """Return the finding: the highest rate that passes, the lowest that fails, and the limiting factor."""
    outcome, _, sentence = ruling(search)
    result = search.result
    return Finding(
        id="capacity",
        metric="capacity",
        description="The highest arrival rate at which the objectives are shown to be met.",
        outcome=outcome,
        reason=f"{sentence}{_replicas_sentence(search, policy)} {result.reason[0].upper()}{result.reason[1:]}.",
        docs=f"{README}#how-it-decides",
        unit="1/s",
        direction=Direction.HIGHER,
        candidate=tidy(result.low),
        method=METHOD,
        n=sum(probe.n for probe in search.state.history),
    )


def ruling(search: Search) -> tuple[Outcome, str, str]:
    """Return the outcome, the reason code and the sentence that states the result."""
    result = search.result
    low, high, limit = result.low, result.high, LIMITS[result.limit]
    if search.state.service_died:
        return Outcome.FAIL, "service-died", _death(search)
    if result.limit == "generator":
        served = f"at least {low:g}/s met the objectives, and more could not be offered" if low else limit
        return Outcome.ERROR, "generator-limited", f"{served[0].upper()}{served[1:]}: {_generator(search)}."
    if low is not None and result.complete and high is not None:
        interval = f"The capacity lies between {low:g}/s, which meets the objectives, and {high:g}/s"
        return Outcome.PASS, "capacity-found", f"{interval}, which misses them; {limit}."
    if low is not None and result.complete and result.limit == "nothing":
        return Outcome.PASS, "capacity-found", f"The capacity is at least {low:g}/s; {limit}."
    if low is None and high is not None and result.complete:
        last = search.state.history[-1]
        lowest = min(probe.rate for probe in search.state.history)
        code = "service-broken" if is_broken(search.state) else "no-rate-passes"
        return Outcome.FAIL, code, f"No rate passes; the lowest tried was {lowest:g}/s: {last.reason}; {limit}."
    return Outcome.INCONCLUSIVE, *_undecided(search)


def _death(search: Search) -> str:
    last, low = search.state.history[-1], search.result.low
    before = "" if low is None else f", after it had met the objectives at {low:g}/s"
    return f"The service answered no request after a probe at {last.rate:g}/s, and did not recover{before}."


def _undecided(search: Search) -> tuple[str, str]:
    low, high = search.result.low, search.result.high
    last = search.state.history[-1] if search.state.history else None
    if last is not None and low is None and last.too_few_samples:
        return "not-enough-data", f"Not enough data: {last.reason}."
    between = f"between {_rate(low, 'nothing')} (passes) and {_rate(high, 'an unknown rate')} (fails)"
    return "undecided", f"The search was not finished; the capacity lies {between}."


def _rate(rate: float | None, missing: str) -> str:
    return missing if rate is None else f"{rate:g}/s"


def _generator(search: Search) -> str:
    limited = [probe for probe in search.state.history if probe.vote is Vote.GENERATOR]
    return f"at {limited[-1].rate:g}/s {limited[-1].reason}" if limited else "it could not keep its schedule"


def _replicas_sentence(search: Search, policy: Capacity) -> str:
    replicas = replicas_needed(search, policy)
    if replicas is None:
        return ""
    return f" {policy.demand:g}/s with {policy.headroom:.0%} headroom need {replicas:,} such replicas."


def replicas_needed(search: Search, policy: Capacity) -> int | None:
    """Return the replicas for the policy's demand at the low end; `None` without a demand or a decision.

    A search that was limited by the generator gives none either: it would require too many.
    """
    if search.result.low is None or ruling(search)[0] is not Outcome.PASS:
        return None
    return required_replicas(search.result.low, policy.demand, policy.headroom)


def measurements(search: Search, policy: Capacity) -> list[Measurement]:
    """Return the interval, the response time at its low end, the law and its predictions."""
    result, history = search.result, search.state.history
    total = sum(probe.n for probe in history)
    interval = {"low": tidy(result.low), "high": tidy(result.high)}
    rows = [Measurement(id="capacity", arm="candidate", unit="1/s", n=total, values=interval)]
    passed = [probe for probe in history if probe.rate == result.low and probe.vote is Vote.PASS]
    if passed:
        longest = max(passed, key=lambda probe: probe.n)
        times = {"mean": longest.response, **longest.quantiles}
        milliseconds = {name: tidy(value * 1e3) for name, value in times.items()}
        rows.append(Measurement(id="response-time", arm="candidate", unit="ms", n=longest.n, values=milliseconds))
    if fit := search.fit:
        rows += [_bounded(f"law-{name}", unit, fit.levels, fit.bounds(key)) for key, name, unit in LAW]
        rows += [
            _bounded(f"predicted-response-time-at-{rate:g}", "ms", fit.levels, fit.response(rate), 1e3)
            for rate in policy.predict
        ]
    return rows


def _bounded(name: str, unit: str, n: int, bounds: Bounds, factor: float = 1.0) -> Measurement:
    scaled = {key: None if value is None else tidy(value * factor) for key, value in bounds._asdict().items()}
    return Measurement(id=name, arm="candidate", unit=unit, n=n, values=scaled)


def not_measured(search: Search, policy: Capacity) -> list[NotMeasured]:
    """Return what a reader could assume was measured although it was not."""
    rows: list[NotMeasured] = []
    levels = len(steady_rates(law_points(search.state.history)))
    if search.fit is None:
        why = f"it requires {MIN_LEVELS} steady levels of load, and there are {levels}"
        rows.append(NotMeasured(what="the scaling law", why=why))
        rows += [NotMeasured(what=f"response time predicted at {rate:g}/s", why=why) for rate in policy.predict]
    else:
        why = "the rate lies beyond the peak of the law"
        beyond = [rate for rate in policy.predict if search.fit.response(rate).estimate is None]
        rows += [NotMeasured(what=f"response time predicted at {rate:g}/s", why=why) for rate in beyond]
    if search.result.high is None and search.result.limit != "nothing":
        rows.append(NotMeasured(what="a rate that fails", why=search.result.reason))
    if search.result.limit == "nothing":
        rows.append(
            NotMeasured(what=f"rates above {policy.most:g}/s", why="the policy's `capacity.most` allows no more")
        )
    if policy.demand and replicas_needed(search, policy) is None:
        rows.append(NotMeasured(what=f"replicas for {policy.demand:g}/s", why="the search found no capacity"))
    return rows


def tidy(value: float | None) -> float | None:
    """Round to `DIGITS` significant digits, or to a whole number if it is longer; `None` if not finite."""
    number = finite(value)
    if number is None or number == 0:
        return number
    return float(f"{number:.{max(DIGITS, math.floor(math.log10(abs(number))) + 1)}g}")
