"""Reads k6's end-of-test summary: `--summary-export FILE`, or the `data` that a script's `handleSummary` receives.

The new machine-readable summary (`--new-machine-readable-summary`, k6 1.5) lists the same metrics.

k6 keeps every time and interpolates percentiles between neighbours. `http_req_duration` lasts from the actual send to
the end of the answer, without connecting, and includes failed requests; `{expected_response:true}` excludes them.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import Doubt, ExternalResults, Load, Point, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.bounded_json import Count, Milliseconds, fit, parse
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, NO_ENDPOINTS, TOOL_RULE
from ghmlops.measure.foreign.rows.k6_samples import dropped_load
from ghmlops.measure.foreign.rows.requests import hop_doubt
from ghmlops.measure.foreign.supplement import Supplement

_PERCENTILE = re.compile(r"p\(([0-9]{1,3}(?:\.[0-9]{1,10})?)\)")
_NEW_PERCENTILE = re.compile(r"^p([0-9]{1,3}(?:\.[0-9]{1,10})?)$")
_HOPS = re.compile(r"http_reqs\{(?:.*,)?status:30[12378](?:,.*)?\}")
_TIMES, _SUCCESS_TIMES = "http_req_duration", "http_req_duration{expected_response:true}"
_DAMAGED = "the file is damaged or was edited"


class _Metrics(msgspec.Struct):
    metrics: list[dict[str, Any]] = []


class _Results(msgspec.Struct):
    metrics: list[dict[str, Any]]
    checks: _Metrics | None = None


class _Summary(msgspec.Struct):
    metrics: dict[str, dict[str, Any]] | None = None
    results: _Results | None = None
    """Only in the new machine-readable summary."""


class _Metric(msgspec.Struct):
    name: str
    values: dict[str, Any]


class _Matches(msgspec.Struct):
    matches: Count
    total: Count


class _Counter(msgspec.Struct):
    count: Count


class _Rate(msgspec.Struct):
    passes: Count
    fails: Count
    value: float | None = None
    """Fraction of passes, in a summary export; `handleSummary` calls it `rate`."""
    rate: float | None = None


def recognises(head: bytes) -> bool:
    """Return whether the file is JSON with k6's metrics."""
    return head.lstrip()[:1] == b"{" and b'"metrics"' in head and b'"http_req' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read a summary.

    Raises:
        DataError: The file is not a summary of k6, or k6 sent no HTTP request.
    """
    supplement.require_unset("k6")
    summary = parse(data, _Summary, "k6")
    metrics = _unwrap(summary.metrics or {}) if summary.results is None else _named(summary.results)
    if "http_reqs" not in metrics or _TIMES not in metrics:
        raise DataError("k6 sent no HTTP request", hint="import the summary of a test that uses `k6/http`")
    requests = fit(metrics["http_reqs"], _Counter, "k6").count
    failed, notes = _failed_bounds(metrics, requests)
    load, (doubts, hop_notes) = _load(metrics), _hops(metrics, requests)
    successes_only = _SUCCESS_TIMES in metrics and failed[1] is not None
    timed = requests - failed[0] if successes_only else requests
    values, points = _times(metrics[_SUCCESS_TIMES if successes_only else _TIMES], timed)
    return ExternalResults(
        tool="k6",
        timed=timed,
        timed_failures=not successes_only,
        requests=requests,
        failed=failed,
        points=points,
        values=values,
        not_measured=(NO_ENDPOINTS, CLOSED_LOOP, TOOL_RULE, *notes, *hop_notes),
        load=load,
        doubts=doubts,
    )


def _unwrap(metrics: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the values of each metric, which `handleSummary` wraps in an object."""
    return {name: fit(body.get("values", body), dict[str, Any], "k6") for name, body in metrics.items()}


def _named(results: _Results) -> dict[str, dict[str, Any]]:
    """Return the values of each metric of the new summary under the names of the old one."""
    named = {}
    for row in [*results.metrics, *(results.checks.metrics if results.checks else [])]:
        metric = fit(row, _Metric, "k6")
        values = {_NEW_PERCENTILE.sub(r"p(\1)", key): value for key, value in metric.values.items()}
        if "matches" in values:
            rate = fit(values, _Matches, "k6")
            if rate.matches > rate.total:
                raise DataError(f"k6 counts {rate.matches:,} of {rate.total:,} in `{metric.name}`", hint=_DAMAGED)
            values |= {"passes": rate.matches, "fails": rate.total - rate.matches}
        named[metric.name] = values
    if "checks_succeeded" in named:
        named["checks"] = named["checks_succeeded"]
    return named


def _failed_bounds(metrics: dict[str, Any], requests: int) -> tuple[tuple[int, int | None], list[NotMeasured]]:
    """Return minimum and maximum number of failed requests; k6 counts a request as a success if only a check failed."""
    if "http_req_failed" not in metrics:
        return (0, None), []
    failures = fit(metrics["http_req_failed"], _Rate, "k6")  # A rate of failures: a "pass" is a failed request.
    if failures.passes + failures.fails != requests:
        raise DataError(
            f"k6 counts {requests:,} requests, but {failures.passes + failures.fails:,} successes and failures",
            hint=_DAMAGED,
        )
    fraction = failures.value if failures.rate is None else failures.rate
    if fraction is not None and abs(fraction * requests - failures.passes) > 0.5 + 1e-6 * requests:
        raise DataError(
            f"k6 counts {failures.passes:,} failures in {requests:,} requests, but reports a rate of {fraction:.4g}",
            hint=_DAMAGED,
        )
    checks = fit(metrics["checks"], _Rate, "k6").fails if "checks" in metrics else 0
    notes = [
        NotMeasured(
            what=f"the requests of {checks:,} failed checks", why="k6's summary does not relate them to requests"
        )
    ]
    return (failures.passes, min(requests, failures.passes + checks)), notes if checks else []


def _count(metrics: dict[str, Any], name: str) -> int:
    return fit(metrics[name], _Counter, "k6").count if name in metrics else 0


def _load(metrics: dict[str, Any]) -> Load | None:
    """Return the load of a run that dropped iterations; a test whose rate depends on the answers drops none."""
    dropped = _count(metrics, "dropped_iterations")
    return dropped_load(_count(metrics, "iterations"), dropped) if dropped else None


def _hops(metrics: dict[str, Any], requests: int) -> tuple[tuple[Doubt, ...], list[NotMeasured]]:
    """Return the doubt about redirects, if the script counts them by status, or else that they are unknown."""
    hops = sum(_count(metrics, name) for name in metrics if _HOPS.fullmatch(name))
    if hops:
        return (hop_doubt(min(hops, requests), requests),), []
    if requests <= _count(metrics, "iterations"):
        return (), []
    why = "k6 counts each hop as a request, and its summary does not tell them apart (`--out json` or `csv` does)"
    return (), [NotMeasured(what="redirects", why=why)]


def _times(trend: dict[str, Any], n: int) -> tuple[dict[str, float | None], tuple[Point, ...]]:
    values: dict[str, float | None] = {}
    points = []
    if "count" in trend and fit(trend["count"], Count, "k6") != n:
        raise DataError(f"k6 reports {trend['count']} times for {n:,} requests", hint=_DAMAGED)
    for key, raw in trend.items():
        match = _PERCENTILE.fullmatch(key)
        q = float(match[1]) / 100 if match else {"med": 0.5, "max": 1.0}.get(key)
        if key == "avg":
            values["mean"] = fit(raw, Milliseconds, "k6")
        elif q is not None and q <= 1:
            time = fit(raw, Milliseconds, "k6")
            points.append(percentile(q, time, n))
            values["max" if q == 1 else f"p{100 * q:.10g}"] = time
    if not n:
        return {}, ()
    return values, tuple(points)
