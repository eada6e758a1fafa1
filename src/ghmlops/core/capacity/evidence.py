"""Conclusion of a capacity search: its finding, its measurements and what was not measured. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.capacity import scaling_law as scaling
from ghmlops.core.capacity import search as capacity
from ghmlops.core.capacity.search import LEVELS, Probed, Vote
from ghmlops.core.model import Direction, Finding, Measurement, NotMeasured, Outcome, finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.capacity.scaling_law import Bounds, Fit
    from ghmlops.core.capacity.search import Found, State
    from ghmlops.core.policy.capacity import Capacity

README = "actions/capacity/README.md"
METHOD = (
    "geometric ramp and bisection with Poisson probes; a rate passes by the exact (Clopper-Pearson) 99 % upper bounds "
    "of the shares that miss the objectives and fails by the lower ones, at the effective number of requests; "
    "each edge is confirmed by a second probe"
)
DIGITS = 5
"""Significant digits of reported numbers."""
FEW_ERRORS = 0.01
"""Largest share of failed requests at which a level informs the law; refused requests cost the service little."""
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
    ("most", "peak-throughput", "1/s"),
)
"""Reported parameters of the law: key of `Fit.bounds`, name and unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search that has ended, with the fitted law; `fit` is `None` with too few levels."""

    state: State
    found: Found
    fit: Fit | None


def sum_up(state: State, seed: int) -> Search:
    """Conclude a search and fit the law if it has enough levels."""
    points = law_points(state.history)
    fit = None
    if len(capacity.steady_levels(points)) >= LEVELS:
        n, x = np.array([p.in_flight for p in points]), np.array([p.throughput for p in points])
        fit = scaling.fit(n, x, seed)
    return Search(state=state, found=capacity.conclude(state), fit=fit)


def law_points(history: Sequence[Probed]) -> list[Probed]:
    """Return the probes that the law is fitted to: steady, hardly any failed requests, some requests in flight."""
    return [p for p in history if p.steady and p.errors <= FEW_ERRORS and p.in_flight > 0 and p.throughput > 0]


def finding(search: Search, policy: Capacity) -> Finding:
    """Return the finding: the highest rate that passes, the lowest that fails, and the limiting factor."""
    outcome, _, sentence = ruling(search)
    found = search.found
    return Finding(
        id="capacity",
        metric="capacity",
        description="The highest arrival rate at which the objectives are shown to be met.",
        outcome=outcome,
        reason=f"{sentence}{_replicas_sentence(search, policy)} {found.reason[0].upper()}{found.reason[1:]}.",
        docs=f"{README}#how-it-decides",
        unit="1/s",
        direction=Direction.HIGHER,
        candidate=tidy(found.low),
        method=METHOD,
        n=sum(done.n for done in search.state.history),
    )


def ruling(search: Search) -> tuple[Outcome, str, str]:
    """Return the outcome, the reason code and the sentence that states the result."""
    found = search.found
    low, high, limit = found.low, found.high, LIMITS[found.limit]
    if search.state.died:
        return Outcome.FAIL, "service-died", _death(search)
    if found.limit == "generator":
        served = f"at least {low:g}/s met the objectives, and more could not be offered" if low else limit
        return Outcome.ERROR, "generator-limited", f"{served[0].upper()}{served[1:]}: {_generator(search)}."
    if low is not None and found.complete and high is not None:
        interval = f"The capacity lies between {low:g}/s, which meets the objectives, and {high:g}/s"
        return Outcome.PASS, "capacity-found", f"{interval}, which misses them; {limit}."
    if low is not None and found.complete and found.limit == "nothing":
        return Outcome.PASS, "capacity-found", f"The capacity is at least {low:g}/s; {limit}."
    if low is None and high is not None and found.complete:
        last = search.state.history[-1]
        lowest = min(done.rate for done in search.state.history)
        code = "service-broken" if capacity.broken(search.state) else "no-rate-passes"
        return Outcome.FAIL, code, f"No rate passes; the lowest tried was {lowest:g}/s: {last.reason}; {limit}."
    return Outcome.INCONCLUSIVE, *_undecided(search)


def _death(search: Search) -> str:
    last, low = search.state.history[-1], search.found.low
    before = "" if low is None else f", after it had met the objectives at {low:g}/s"
    return f"The service answered no request after a probe at {last.rate:g}/s, and did not recover{before}."


def _undecided(search: Search) -> tuple[str, str]:
    low, high = search.found.low, search.found.high
    last = search.state.history[-1] if search.state.history else None
    if last is not None and low is None and "not enough data" in last.reason:
        return "not-enough-data", f"Not enough data: {last.reason}."
    between = f"between {_rate(low, 'nothing')} (passes) and {_rate(high, 'an unknown rate')} (fails)"
    return "undecided", f"The search was not finished; the capacity lies {between}."


def _rate(rate: float | None, missing: str) -> str:
    return missing if rate is None else f"{rate:g}/s"


def _generator(search: Search) -> str:
    limited = [done for done in search.state.history if done.vote is Vote.GENERATOR]
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
    if search.found.low is None or ruling(search)[0] is not Outcome.PASS:
        return None
    return capacity.replicas(search.found.low, policy.demand, policy.headroom)


def measurements(search: Search, policy: Capacity) -> list[Measurement]:
    """Return the interval, the response time at its low end, the law and its predictions."""
    found, history = search.found, search.state.history
    total = sum(done.n for done in history)
    interval = {"low": tidy(found.low), "high": tidy(found.high)}
    result = [Measurement(id="capacity", arm="candidate", unit="1/s", n=total, values=interval)]
    passed = [done for done in history if done.rate == found.low and done.vote is Vote.PASS]
    if passed:
        longest = max(passed, key=lambda done: done.n)
        times = {"mean": longest.response, **longest.quantiles}
        milliseconds = {name: tidy(value * 1e3) for name, value in times.items()}
        result.append(Measurement(id="response-time", arm="candidate", unit="ms", n=longest.n, values=milliseconds))
    if fit := search.fit:
        result += [_bounded(f"law-{name}", unit, fit.levels, fit.bounds(key)) for key, name, unit in LAW]
        result += [
            _bounded(f"predicted-response-time-at-{rate:g}", "ms", fit.levels, fit.response(rate), 1e3)
            for rate in policy.predict
        ]
    return result


def _bounded(name: str, unit: str, n: int, bounds: Bounds, factor: float = 1.0) -> Measurement:
    scaled = {key: None if value is None else tidy(value * factor) for key, value in bounds._asdict().items()}
    return Measurement(id=name, arm="candidate", unit=unit, n=n, values=scaled)


def not_measured(search: Search, policy: Capacity) -> list[NotMeasured]:
    """Return what a reader could believe was measured, and was not."""
    result: list[NotMeasured] = []
    levels = len(capacity.steady_levels(law_points(search.state.history)))
    if search.fit is None:
        why = f"{levels} steady levels of load, {LEVELS} are needed"
        result.append(NotMeasured(what="the scaling law", why=why))
        result += [NotMeasured(what=f"response time predicted at {rate:g}/s", why=why) for rate in policy.predict]
    else:
        why = "the rate lies beyond the peak of the law"
        beyond = [rate for rate in policy.predict if search.fit.response(rate).estimate is None]
        result += [NotMeasured(what=f"response time predicted at {rate:g}/s", why=why) for rate in beyond]
    if search.found.high is None and search.found.limit != "nothing":
        result.append(NotMeasured(what="a rate that fails", why=search.found.reason))
    if search.found.limit == "nothing":
        result.append(
            NotMeasured(what=f"rates above {policy.most:g}/s", why="the policy's `capacity.most` allows no more")
        )
    if policy.demand and replicas_needed(search, policy) is None:
        result.append(NotMeasured(what=f"replicas for {policy.demand:g}/s", why="the search found no capacity"))
    return result


def tidy(value: float | None) -> float | None:
    """Round to `DIGITS` significant digits, or to a whole number if it is longer; `None` if not finite."""
    number = finite(value)
    if number is None or number == 0:
        return number
    return float(f"{number:.{max(DIGITS, math.floor(math.log10(abs(number))) + 1)}g}")
