"""Reads vegeta's report as JSON (`vegeta report -type=json`): percentiles over all requests, failed ones included.

They are estimates of a t-digest with compression 100. A cluster around the quantile q holds at most the fraction
pi / 100 * sqrt(q (1 - q)) of the values (Dunning and Ertl, 2019); an estimate lies between the centres of neighbouring
clusters, so that its error is at most one cluster.
"""

from __future__ import annotations

import math

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.bounded_json import Count, Nanoseconds, parse
from ghmlops.measure.foreign.limitations import LATE_SENDS, NO_ENDPOINTS
from ghmlops.measure.foreign.supplement import Supplement

COMPRESSION = 100
"""Compression of vegeta's t-digest."""
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_ESTIMATES = NotMeasured(
    what="exact percentiles",
    why="vegeta's report estimates them; its results (`vegeta encode --to json`) contain every time",
)


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
    """Return whether the file is JSON with vegeta's latencies."""
    return head.lstrip()[:1] == b"{" and b'"latencies"' in head and b'"status_codes"' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read a report.

    Raises:
        DataError: The file is not a report of vegeta, contains no request, or its totals are inconsistent.
    """
    supplement.require_unset("vegeta")
    report = parse(data, _Report, "vegeta")
    n, codes = report.requests, report.status_codes
    if not n or sum(codes.values()) != n or not all(code.isdecimal() and len(code) < 5 for code in codes):
        raise DataError(
            f"vegeta counts {n:,} requests and {sum(codes.values()):,} statuses",
            hint="check that the report is complete",
        )
    failed = sum(count for code, count in codes.items() if not supplement.is_success(int(code)))
    times = {name: getattr(report.latencies, name) / 1e6 for name in _QUANTILES}
    maximum = report.latencies.max / 1e6
    points = [
        percentile(q, times[name], n, slack=math.pi / COMPRESSION * math.sqrt(q * (1 - q)))
        for name, q in _QUANTILES.items()
    ]
    return ExternalResults(
        tool="vegeta-report",
        timed=n,
        timed_failures=True,
        requests=n,
        failed=(failed, failed),
        points=(*points, percentile(1.0, maximum, n)),
        values={"mean": report.latencies.mean / 1e6, **times, "max": maximum},
        not_measured=(LATE_SENDS, NO_ENDPOINTS, _ESTIMATES),
    )
