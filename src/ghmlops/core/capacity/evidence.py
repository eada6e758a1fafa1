"""What a search for capacity leaves: its finding, the curve, the law and what it predicts. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
FEW_ERRORS = 0.01
"""Levels with more failed requests say nothing about the law: a refusal costs the service little."""
SAID = {
    "service": "the service (its response time) was the limit",
    "errors": "failed requests were the limit",
    "generator": "the generator was the limit, not the service",
    "nothing": "nothing was the limit up to the highest rate that the policy allows",
    "unknown": "what limits it is not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search that has ended, and the law where it could be fitted."""

    state: State
    found: Found
    fit: Fit | None


def sum_up(state: State, seed: int) -> Search:
    """Conclude a search and fit the law where it has enough levels."""
    points = law_points(state.history)
    fit = None
    if len(capacity.steady_levels(points)) >= LEVELS:
        n, x = np.array([p.in_flight for p in points]), np.array([p.throughput for p in points])
        fit = scaling.fit(n, x, seed)
    return Search(state=state, found=capacity.conclude(state), fit=fit)


def law_points(history: Sequence[Probed]) -> list[Probed]:
    """Return the probes that the law is fitted to: steady, hardly any failed requests, something in flight."""
    return [p for p in history if p.steady and p.errors <= FEW_ERRORS and p.in_flight > 0 and p.throughput > 0]


def finding(search: Search, policy: Capacity) -> Finding:
    """Return the finding: the highest rate that passes, the lowest that fails, and what limited."""
    outcome, _, sentence = ruling(search)
    found = search.found
    said = _replicas_sentence(search, policy)
    return Finding(
        id="capacity",
        metric="capacity",
        description="The highest arrival rate at which the objectives are shown to hold.",
        outcome=outcome,
        reason=f"{sentence}{said} {found.reason[0].upper()}{found.reason[1:]}.",
        docs=f"{README}#how-it-decides",
        unit="1/s",
        direction=Direction.HIGHER,
        candidate=_tidy(found.low),
        method=METHOD,
        n=sum(done.n for done in search.state.history),
    )


def ruling(search: Search) -> tuple[Outcome, str, str]:
    """Return outcome, reason code and the sentence that says what was found."""
    found = search.found
    low, high, limit = found.low, found.high, SAID[found.limit]
    if search.state.died:
        return Outcome.FAIL, "service-died", _death(search)
    if found.limit == "generator":
        least = f"at least {low:g}/s were served within the objectives, more could not be offered" if low else limit
        return Outcome.ERROR, "generator-limited", f"{least[0].upper()}{least[1:]}: {_generator(search)}."
    if low is not None and found.complete and high is not None:
        where = f"The capacity lies between {low:g}/s, where the objectives are shown to hold, and {high:g}/s"
        return Outcome.PASS, "capacity-found", f"{where}, where they are shown to be missed; {limit}."
    if low is not None and found.complete and found.limit == "nothing":
        return Outcome.PASS, "capacity-found", f"The capacity is at least {low:g}/s; {limit}."
    if low is None and high is not None and found.complete:
        lowest = search.state.history[-1]
        tried = min(done.rate for done in search.state.history)
        code = "service-broken" if capacity.broken(search.state) else "no-rate-passes"
        return Outcome.FAIL, code, f"No rate passes, the lowest tried was {tried:g}/s: {lowest.reason}; {limit}."
    return Outcome.INCONCLUSIVE, *_undecided(search)


def _death(search: Search) -> str:
    last, low = search.state.history[-1], search.found.low
    before = "" if low is None else f", after it had met the objectives at {low:g}/s"
    return f"The service answered no request any more after a probe at {last.rate:g}/s, and did not come back{before}."


def _undecided(search: Search) -> tuple[str, str]:
    low, high = search.found.low, search.found.high
    last = search.state.history[-1] if search.state.history else None
    if last is not None and low is None and "not enough data" in last.reason:
        return "not-enough-data", f"Not enough data: {last.reason}."
    between = f"between {_shown(low, 'nothing')} (passes) and {_shown(high, 'no known rate')} (fails)"
    return "undecided", f"The search was not finished; the capacity lies {between}."


def _shown(rate: float | None, missing: str) -> str:
    return missing if rate is None else f"{rate:g}/s"


def _generator(search: Search) -> str:
    told = [done for done in search.state.history if done.vote is Vote.GENERATOR]
    return f"at {told[-1].rate:g}/s {told[-1].reason}" if told else "it could not keep its schedule"


def _replicas_sentence(search: Search, policy: Capacity) -> str:
    needed = replicas_needed(search, policy)
    if needed is None:
        return ""
    return f" {policy.demand:g}/s with {policy.headroom:.0%} headroom need {needed:,} such replicas."


def replicas_needed(search: Search, policy: Capacity) -> int | None:
    """Return the replicas for the policy's demand by the low end; `None` where none is asked or nothing was decided.

    A search that the generator limited gives none either: too many would be asked for.
    """
    if search.found.low is None or ruling(search)[0] is not Outcome.PASS:
        return None
    return capacity.replicas(search.found.low, policy.demand, policy.headroom)


def measurements(search: Search, policy: Capacity) -> list[Measurement]:
    """Return the interval, the response time at its low end, the law and its predictions."""
    found, history = search.found, search.state.history
    total = sum(done.n for done in history)
    values = {"low": _tidy(found.low), "high": _tidy(found.high)}
    made = [Measurement(id="capacity", arm="candidate", unit="1/s", n=total, values=values)]
    at = [done for done in history if done.rate == found.low and done.vote is Vote.PASS]
    if at:
        longest = max(at, key=lambda done: done.n)
        times = {"mean": longest.response, **longest.quantiles}
        milliseconds = {name: _tidy(value * 1e3) for name, value in times.items()}
        made.append(Measurement(id="response-time", arm="candidate", unit="ms", n=longest.n, values=milliseconds))
    if search.fit is not None:
        made += [_law(search.fit, name, unit) for name, unit in LAW]
        made += [
            _bounded(f"predicted-response-time-at-{rate:g}", "ms", search.fit.levels, search.fit.response(rate), 1e3)
            for rate in policy.predict
        ]
    return made


LAW = (("rate", "1/s"), ("sigma", ""), ("kappa", ""), ("peak", ""), ("most", "1/s"))
"""What of the law is shown, with its unit."""
_NAMES = {"rate": "lambda", "peak": "peak-concurrency", "most": "peak-throughput"}


def _law(fit: Fit, name: str, unit: str) -> Measurement:
    return _bounded(f"law-{_NAMES.get(name, name)}", unit, fit.levels, fit.bounds(name))


def _bounded(name: str, unit: str, n: int, bounds: Bounds, factor: float = 1.0) -> Measurement:
    scaled = {key: None if value is None else _tidy(value * factor) for key, value in bounds._asdict().items()}
    return Measurement(id=name, arm="candidate", unit=unit, n=n, values=scaled)


def not_measured(search: Search, policy: Capacity) -> list[NotMeasured]:
    """Return what a reader could believe was measured, and was not."""
    made: list[NotMeasured] = []
    levels = len(capacity.steady_levels(law_points(search.state.history)))
    if search.fit is None:
        why = f"{levels} steady levels of load, {LEVELS} are needed"
        made.append(NotMeasured(what="the scaling law", why=why))
        made += [NotMeasured(what=f"response time predicted at {rate:g}/s", why=why) for rate in policy.predict]
    else:
        why = "the rate lies beyond the law's peak: no concurrency gives it"
        beyond = [rate for rate in policy.predict if search.fit.response(rate).estimate is None]
        made += [NotMeasured(what=f"response time predicted at {rate:g}/s", why=why) for rate in beyond]
    if search.found.high is None and search.found.limit != "nothing":
        made.append(NotMeasured(what="a rate that fails", why=search.found.reason))
    if search.found.limit == "nothing":
        made.append(
            NotMeasured(what=f"rates above {policy.most:g}/s", why="the policy's `capacity.most` allows no more")
        )
    if policy.demand and replicas_needed(search, policy) is None:
        made.append(NotMeasured(what=f"replicas for {policy.demand:g}/s", why="the search found no capacity"))
    return made


def details(search: Search, policy: Capacity) -> dict[str, Any]:
    """Return the curve, every probe in order, the law, the predictions and what limited, for people."""
    found, fit = search.found, search.fit
    width = found.high / found.low if found.low and found.high else None
    return {
        "result": {
            "low": _tidy(found.low),
            "high": _tidy(found.high),
            "width": None if width is None else _tidy(width - 1),
            "limited_by": found.limit,
            "replicas": replicas_needed(search, policy),
            "demand": policy.demand or None,
            "headroom": policy.headroom,
            "budget_used_s": round(search.state.seconds, 1),
            "requests_sent": search.state.sent,
        },
        "curve": curve(search.state.history),
        "probes": [_probe_row(done) for done in search.state.history],
        "law": {} if fit is None else _law_details(fit),
        "predicted": [] if fit is None else [_predicted(search, fit, rate) for rate in policy.predict],
    }


def curve(history: Sequence[Probed]) -> list[dict[str, Any]]:
    """Return one row a rate, ascending: its standing, and the numbers of its longest probe."""
    rows = []
    for rate, stands in capacity.levels(history).items():
        own = [done for done in history if done.rate == rate]
        told = max((done for done in own if done.vote is not Vote.GENERATOR), key=lambda done: done.n, default=own[-1])
        rows.append({"rate": _tidy(rate), "stands": stands.value, **_numbers(told)})
    return rows


def _probe_row(done: Probed) -> dict[str, Any]:
    row: dict[str, Any] = {"rate": _tidy(done.rate), "why": done.probe.purpose, "vote": done.vote.value}
    return row | {"seconds": round(done.probe.seconds, 2), **_numbers(done), "reason": done.reason}


def _numbers(done: Probed) -> dict[str, Any]:
    quantiles = {f"{name}_ms": _tidy(done.quantiles[name] * 1e3) for name in ("p50", "p95", "p99")}
    return quantiles | {
        "errors": _tidy(done.errors),
        "achieved": _tidy(done.achieved),
        "in_flight": _tidy(done.in_flight),
        "n": done.n,
    }


def _law_details(fit: Fit) -> dict[str, Any]:
    named = {_NAMES.get(name, name): fit.bounds(name) for name, _ in LAW}
    found = {name: {key: _tidy(v) for key, v in bounds._asdict().items()} for name, bounds in named.items()}
    return found | {
        "residual": _tidy(fit.residual),
        "probes": fit.levels,
        "interval": "95 % bootstrap of the residuals",
    }


def _predicted(search: Search, fit: Fit, rate: float) -> dict[str, Any]:
    bounds = fit.response(rate)
    known = [done.throughput for done in law_points(search.state.history)]
    inside = 0.99 * min(known) <= rate <= 1.01 * max(known)
    said = "beyond the law's peak" if bounds.estimate is None else "within the data" if inside else "extrapolated"
    milliseconds = {f"{k}_ms": None if v is None else _tidy(v * 1e3) for k, v in bounds._asdict().items()}
    return {"rate": _tidy(rate), **milliseconds, "said": said}


def _tidy(value: float | None) -> float | None:
    known = finite(value)
    if known is None or known == 0:
        return known
    return float(f"{known:.{max(DIGITS, math.floor(math.log10(abs(known))) + 1)}g}")
