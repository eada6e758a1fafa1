"""vegeta's report as JSON (`vegeta report -type=json`): percentiles over all requests, failed ones included.

They are estimates of a t-digest with compression 100, whose clusters hold at most the share
pi / 100 * sqrt(q (1 - q)) of the values around the quantile q (Dunning and Ertl, 2019); an estimate lies between the
middles of neighbouring clusters, and so is off by at most one cluster.
"""

from __future__ import annotations

import math

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.given import NO_ENDPOINTS, Count, Given, Nanoseconds, parse
from ghmlops.measure.foreign.vegeta import LATE_SENDS

COMPRESSION = 100
_NAMES = {"50th": 0.5, "90th": 0.9, "95th": 0.95, "99th": 0.99}


class _Latencies(msgspec.Struct):
    mean: Nanoseconds
    max: Nanoseconds
    p50: Nanoseconds = msgspec.field(name="50th")
    p90: Nanoseconds = msgspec.field(name="90th")
    p95: Nanoseconds = msgspec.field(name="95th")
    p99: Nanoseconds = msgspec.field(name="99th")


class _Report(msgspec.Struct):
    latencies: _Latencies
    requests: Count
    status_codes: dict[str, Count]


def recognises(head: bytes) -> bool:
    """Return whether this is JSON with vegeta's latencies."""
    return head.lstrip()[:1] == b"{" and b'"latencies"' in head and b'"status_codes"' in head


def read(data: bytes, given: Given) -> ExternalResults:
    """Read a report.

    Raises:
        DataError: it is not one, has no request, or does not add up.
    """
    given.nothing_given("vegeta")
    report = parse(data, _Report, "vegeta")
    n, codes = report.requests, report.status_codes
    if not n or sum(codes.values()) != n or not all(code.isdecimal() and len(code) < 5 for code in codes):
        raise DataError(
            f"vegeta counts {n:,} requests and {sum(codes.values()):,} statuses", hint="is it a whole report?"
        )
    failed = sum(count for code, count in codes.items() if not given.good(int(code)))
    ms = {f"p{100 * q:.10g}": getattr(report.latencies, f"p{100 * q:.10g}") / 1e6 for q in _NAMES.values()}
    most = report.latencies.max / 1e6
    points = [
        percentile(q, time, n, slack=math.pi / COMPRESSION * math.sqrt(q * (1 - q)))
        for q, time in zip(_NAMES.values(), ms.values(), strict=True)
    ]
    estimated = NotMeasured(
        what="exact percentiles",
        why="vegeta's report estimates them; its results (`vegeta encode --to json`) hold every time",
    )
    return ExternalResults(
        tool="vegeta-report",
        timed=n,
        timed_failures=True,
        requests=n,
        failed=(failed, failed),
        points=(*points, percentile(1.0, most, n)),
        values={"mean": report.latencies.mean / 1e6, **ms, "max": most},
        not_measured=(LATE_SENDS, NO_ENDPOINTS, estimated),
    )
