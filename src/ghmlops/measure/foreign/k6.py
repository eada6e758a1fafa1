"""k6's end-of-test summary: `--summary-export FILE`, or the `data` that a script's `handleSummary` receives.

k6 keeps every time and interpolates percentiles between neighbours. `http_req_duration` goes from the actual send to
the end of the answer, without connecting, and covers failed requests too; `{expected_response:true}` does not.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, Point, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.given import CLOSED_LOOP, NO_ENDPOINTS, OWN_RULE, Count, Given, Milliseconds, fit, parse

_PERCENTILE = re.compile(r"p\(([0-9]{1,3}(?:\.[0-9]{1,10})?)\)")
_TIMES, _GOOD = "http_req_duration", "http_req_duration{expected_response:true}"


class _Summary(msgspec.Struct):
    metrics: dict[str, dict[str, Any]]


class _Counter(msgspec.Struct):
    count: Count


class _Rate(msgspec.Struct):
    passes: Count
    fails: Count
    value: float | None = None
    """The share of passes, in a summary export; `handleSummary` calls it `rate`."""
    rate: float | None = None


def recognises(head: bytes) -> bool:
    """Return whether this is JSON with k6's metrics."""
    return head.lstrip()[:1] == b"{" and b'"metrics"' in head and b'"http_req' in head


def read(data: bytes, given: Given) -> ExternalResults:
    """Read a summary.

    Raises:
        DataError: it is not one, or has no HTTP requests.
    """
    given.nothing_given("k6")
    metrics = _metrics(parse(data, _Summary, "k6").metrics)
    if "http_reqs" not in metrics or _TIMES not in metrics:
        raise DataError("k6 made no HTTP request", hint="import the summary of a test that uses `k6/http`")
    requests = fit(metrics["http_reqs"], _Counter, "k6").count
    failed, notes = _failed(metrics, requests)
    good = _GOOD in metrics and failed[1] is not None
    timed = requests - failed[0] if good else requests
    values, points = _times(metrics[_GOOD if good else _TIMES], timed)
    return ExternalResults(
        tool="k6",
        timed=timed,
        timed_failures=not good,
        requests=requests,
        failed=failed,
        points=points,
        values=values,
        not_measured=(NO_ENDPOINTS, CLOSED_LOOP, OWN_RULE, *notes, *_dropped(metrics)),
    )


def _metrics(told: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return each metric's values, which `handleSummary` wraps once more."""
    return {name: fit(body.get("values", body), dict[str, Any], "k6") for name, body in told.items()}


def _failed(metrics: dict[str, Any], requests: int) -> tuple[tuple[int, int | None], list[NotMeasured]]:
    """Return the fewest and most failures: a failed check may be of a request that k6 counts as good."""
    if "http_req_failed" not in metrics:
        return (0, None), []
    failures = fit(metrics["http_req_failed"], _Rate, "k6")  # a rate of failures: a "pass" is a failed request
    if failures.passes + failures.fails != requests:
        raise DataError(
            f"k6 counts {requests:,} requests but {failures.passes + failures.fails:,} that failed or did not",
            hint="is the file damaged?",
        )
    share = failures.value if failures.rate is None else failures.rate
    if share is not None and abs(share * requests - failures.passes) > 0.5 + 1e-6 * requests:
        raise DataError(
            f"k6 counts {failures.passes:,} failed of {requests:,} requests, but tells a share of {share:.4g}",
            hint="is the file damaged?",
        )
    checks = fit(metrics["checks"], _Rate, "k6").fails if "checks" in metrics else 0
    notes = [NotMeasured(what=f"which requests {checks:,} failed checks are of", why="k6's summary does not tell")]
    return (failures.passes, min(requests, failures.passes + checks)), notes if checks else []


def _dropped(metrics: dict[str, Any]) -> list[NotMeasured]:
    if "dropped_iterations" not in metrics:
        return []
    count = fit(metrics["dropped_iterations"], _Counter, "k6").count
    return [NotMeasured(what=f"{count:,} iterations", why="k6 dropped them: it had no free virtual user to send them")]


def _times(trend: dict[str, Any], n: int) -> tuple[dict[str, float | None], tuple[Point, ...]]:
    values: dict[str, float | None] = {}
    points = []
    if "count" in trend and fit(trend["count"], Count, "k6") != n:
        raise DataError(f"k6 tells {trend['count']} times of {n:,} requests", hint="is the file damaged?")
    for key, raw in trend.items():
        share = _PERCENTILE.fullmatch(key)
        q = float(share[1]) / 100 if share else {"med": 0.5, "max": 1.0}.get(key)
        if key == "avg":
            values["mean"] = fit(raw, Milliseconds, "k6")
        elif q is not None and q <= 1:
            time = fit(raw, Milliseconds, "k6")
            points.append(percentile(q, time, n))
            values["max" if q == 1 else f"p{100 * q:.10g}"] = time
    if not n:
        return {}, ()
    return values, tuple(points)
