"""Findings on the results of another load generator, judged by the policy's objectives as far as its file allows.

An objective passes only if it would pass with the maximum number of misses, and fails only if it would fail with the
minimum number.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.latency.constants import MIN_ACHIEVED, OBJECTIVE_LEVEL, RARE, VALUES
from ghmlops.core.latency.external_results import error_misses, time_misses
from ghmlops.core.latency.guards import distrust
from ghmlops.core.latency.objectives import allowed_shares, limits, miss_phrase, objective_text, sample_floor
from ghmlops.core.latency.wording import format_bound, format_share
from ghmlops.core.model import Direction, Finding, Measurement, NotMeasured, Outcome, finite
from ghmlops.core.policy.latency import Expect
from ghmlops.core.policy.objectives import OBJECTIVES
from ghmlops.core.stats.binomial import lower_bound, upper_bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.histograms.histogram import Histogram
    from ghmlops.core.latency.external_results import Doubt, ExternalResults, Load, Misses
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.policy.objectives import Objectives

DOCS = "actions/import/README.md#objectives"
GUARD_DOCS = "actions/import/README.md#guards"
MAX_DOUBTFUL = 0.01
"""Share of requests that may be no results of one complete request each, beyond which nothing passes."""
METHOD = "exact binomial (Clopper-Pearson) bounds, 99 % each, of the fewest and the most misses that the file allows"


def judge(misses: Misses, allowed: float) -> Outcome:
    """Return the outcome of an objective that the share `allowed` of the requests may miss.

    A pass requires `sample_floor(allowed)` requests and an upper bound within `allowed` for the maximum number of
    misses; a failure a lower bound beyond it for the minimum number.
    """
    if misses.max_requests <= 0:
        return Outcome.INCONCLUSIVE
    if lower_bound(misses.min_missed, misses.max_requests, OBJECTIVE_LEVEL) > allowed:
        return Outcome.FAIL
    floor, n = sample_floor(allowed), misses.min_requests
    if 0 < floor <= n and upper_bound(min(misses.max_missed, n), n, OBJECTIVE_LEVEL) <= allowed:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def findings(slo: Objectives, results: ExternalResults) -> list[Finding]:
    """Return the guards, and one finding per objective.

    An objective is inconclusive if the file does not contain the necessary numbers, and if a guard is violated.
    """
    guards = guard_findings(results)
    objectives = [_finding(name, slo, results) for name in allowed_shares(slo)]
    if doubtful := [guard.id for guard in guards if guard.outcome is Outcome.INCONCLUSIVE]:
        objectives = [_without_pass(finding, doubtful) for finding in objectives]
    return distrust([*objectives, *guards])


def guard_findings(results: ExternalResults) -> list[Finding]:
    """Return the findings on whether the file can be judged at all, as far as it states it.

    `guard-lateness` is an error if less than 99 % of the planned load was sent, as for the own generator: what was not
    sent was not measured, and the service had less to do. `guard-data` is inconclusive if more than 1 % of the requests
    are no results of one complete request each.
    """
    rows = [_load_finding(results.load)] if results.load is not None else []
    return [*rows, *([_doubt_finding(results.doubts)] if results.doubts else [])]


def _load_finding(load: Load) -> Finding:
    share = load.unsent / load.planned if load.planned else 0.0
    counts = (
        f"{load.unsent:,} of {load.planned:,} planned {load.unit} ({100 * share:.2f} %) were never sent: {load.cause}"
    )
    violated = share > 1.0 - MIN_ACHIEVED
    limit = f"; at least {format_share(MIN_ACHIEVED)} must be sent" if violated else ""
    return Finding(
        id="guard-lateness",
        metric="lateness",
        description="The other tool sent the planned load.",
        outcome=Outcome.ERROR if violated else Outcome.PASS,
        reason=f"{counts}{limit}.",
        docs=GUARD_DOCS,
        n=load.planned,
    )


def _doubt_finding(doubts: Sequence[Doubt]) -> Finding:
    share = max(doubt.count / doubt.total if doubt.total else 1.0 for doubt in doubts)
    texts = [f"{doubt.count:,} of {doubt.total:,} requests {doubt.why}" for doubt in doubts]
    violated = share > MAX_DOUBTFUL
    limit = f"; at most {format_share(MAX_DOUBTFUL)} are allowed" if violated else ""
    return Finding(
        id="guard-data",
        metric="data",
        description="Each request of the file is the result of one complete request.",
        outcome=Outcome.INCONCLUSIVE if violated else Outcome.PASS,
        reason="; ".join(texts) + f"{limit}.",
        docs=GUARD_DOCS,
        n=doubts[0].total,
    )


def _without_pass(finding: Finding, guards: Sequence[str]) -> Finding:
    if finding.outcome is not Outcome.PASS:
        return finding
    reason = f"Not passed, because {', '.join(guards)} is inconclusive: {finding.reason}"
    return msgspec.structs.replace(finding, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _finding(name: str, slo: Objectives, results: ExternalResults) -> Finding:
    allowed = allowed_shares(slo)[name]
    errors = name == "errors"
    limit = allowed if errors else limits(slo)[name][1]
    objective = objective_text(name, slo)
    misses, outcome = None, Outcome.INCONCLUSIVE
    measured = errors or name in slo.quantiles
    if name.startswith("first-token-") and results.first_token is not None:
        times, measured = results.first_token, True
        results = replace(
            results, timed=times.timed, points=times.points, values=prefixed(times.values), histogram=None
        )
    if measured:
        misses = error_misses(results) if errors else time_misses(results, limit * 1e3)
        outcome = judge(misses, allowed)
        reason = f"{_counts(misses)} {miss_phrase(name, limit)}{_bounds(misses, outcome, allowed, objective)}"
    else:
        reason = f"`{objective}` cannot be judged: {results.tool} does not report this time"
    return Finding(
        id=f"objective-{name.replace('.', '-')}",
        metric="error-ratio" if errors else name,
        description="The policy's objective on the candidate alone, from another tool's results.",
        outcome=outcome,
        reason=f"{reason[0].upper()}{reason[1:]}.",
        docs=DOCS,
        unit="ratio" if errors else "ms",
        direction=Direction.LOWER,
        candidate=_error_ratio(results) if errors else finite(results.values.get(name)),
        method=METHOD,
        margin=limit if errors else limit * 1e3,
        n=None if misses is None else misses.min_requests,
    )


def _error_ratio(results: ExternalResults) -> float | None:
    low, high = results.failed
    return low / results.requests if results.requests and low == high else None


def _counts(misses: Misses) -> str:
    low, high = misses.min_missed, misses.max_missed
    count = f"{low:,}" if low == high else f"between {low:,} and {high:,}"
    return f"{count} of {misses.min_requests:,} requests"


def _bounds(misses: Misses, outcome: Outcome, allowed: float, objective: str) -> str:
    """Return the clauses with the bounds of the true share and the limit."""
    n, limit = misses.min_requests, f"the {format_share(allowed)} that `{objective}` allows"
    low = lower_bound(misses.min_missed, misses.max_requests, OBJECTIVE_LEVEL) if misses.max_requests else 0.0
    high = upper_bound(min(misses.max_missed, n), n, OBJECTIVE_LEVEL)
    if outcome is Outcome.FAIL:
        return f" (at least {format_bound(low)} with 99 % confidence), more than {limit}"
    if outcome is Outcome.PASS:
        return f" (at most {format_bound(high)} with 99 % confidence), within {limit}"
    floor = sample_floor(allowed)
    if not floor:
        return f"; `{objective}` cannot be shown by any sample: allow a small share, for example 0.1 %"
    if n < floor:
        return f"; not enough data for `{objective}`: a pass requires at least {floor:,} requests"
    interval = f"between {format_bound(low)} and {format_bound(high)}, 99 % confidence each"
    return f", as far as the file shows ({interval}), neither shown to exceed nor to be within {limit}"


def prefixed(values: dict[str, float | None]) -> dict[str, float | None]:
    """Return the values of the first token under the names of their objectives: `first-token-p99`."""
    return {f"first-token-{name}": value for name, value in values.items()}


def measurements(results: ExternalResults) -> list[Measurement]:
    """Return the response times, and those of the first token if the file contains them, in ms."""
    rows = [measurement(results)]
    if (times := results.first_token) is not None:
        values = {name: _rounded(times.values.get(name)) for name in VALUES}
        rows.append(Measurement(id="first-token", arm="candidate", unit="ms", n=times.timed, values=values))
    return rows


def measurement(results: ExternalResults) -> Measurement:
    """Return the response times in ms; values that the file does not contain are `None`."""
    values = {name: _rounded(results.values.get(name)) for name in VALUES}
    return Measurement(id="response-time", arm="candidate", unit="ms", n=results.timed, values=values)


def _rounded(value: float | None) -> float | None:
    number = finite(value)
    return None if number is None else round(number, 4)


def histogram_values(histogram: Histogram, unit_ns: int) -> dict[str, float | None]:
    """Return mean, percentiles and maximum of a histogram in ms; p99.9 only from its sample floor on."""
    ms = unit_ns / 1e6
    enough = histogram.total >= sample_floor(1 - OBJECTIVES[RARE])
    values: dict[str, float | None] = {"mean": finite(histogram.mean * ms), "max": finite(histogram.maximum * ms)}
    for name, q in OBJECTIVES.items():
        values[name] = finite(histogram.quantile(q) * ms) if name != RARE or enough else None
    return values


def unmeasured(policy: Latency, results: ExternalResults) -> list[NotMeasured]:
    """Return what a reader could assume was checked although it was not."""
    slo, rows = policy.slo, [*results.not_measured, *_unused_policy(policy)]
    rows += [
        NotMeasured(what=f"{name} of the response time", why="the file does not contain it")
        for name in VALUES
        if finite(results.values.get(name)) is None
    ]
    streams = [name for name in limits(slo) if name not in slo.quantiles]
    if results.first_token is not None:
        streams = [name for name in streams if not name.startswith("first-token-")]
    rows += [NotMeasured(what=name, why=f"{results.tool} does not report it") for name in streams]
    if results.load is None:
        why = "the file does not state how many requests were to be sent; the input `planned` has it checked"
        rows.append(NotMeasured(what="the planned load", why=why))
    if results.failed[1] is None:
        rows.append(NotMeasured(what="failed requests", why="the file does not count them, so nothing can pass"))
    rows.append(NotMeasured(what="the commit under test", why="the file does not identify the build that was measured"))
    rows.append(NotMeasured(what="latency against a baseline", why="the file contains a single run"))
    return rows


def _unused_policy(policy: Latency) -> list[NotMeasured]:
    """Return the parts of the policy on sending and checking requests, which the other tool did not use."""
    rows = [NotMeasured(what="the policy's demand", why="the file is judged on the load that the other tool sent")]
    expected = {endpoint.expect for endpoint in policy.endpoints}
    if any(msgspec.structs.replace(expect, status=()) != Expect() for expect in expected):
        why = "the file contains no response bodies; only checks of the other tool can have failed"
        rows.append(NotMeasured(what="the policy's checks of the answers' bodies", why=why))
    if len({expect.status for expect in expected}) > 1:
        why = "they differ by endpoint, which the file does not distinguish: any 2xx counts as expected"
        rows.append(NotMeasured(what="the policy's good statuses", why=why))
    return rows
