"""Reads Locust's statistics as JSON (`locust --headless --json`): a histogram of rounded times for each endpoint.

The rounding is that of `_stats.csv` (`locust`); failed requests are among the times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, bucket_points, percentile
from ghmlops.measure.foreign.bounded_json import Count, Milliseconds, parse
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, pooled_endpoints
from ghmlops.measure.foreign.locust import rounding
from ghmlops.measure.foreign.time_counts import TimeCounts

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

_HINT = "check that the run was completed and that the file contains only the output of --json"


class _Entry(msgspec.Struct):
    name: str
    num_requests: Count
    num_failures: Count
    max_response_time: Milliseconds
    response_times: dict[float, Count]
    total_response_time: float = 0.0
    num_none_requests: Count = 0


def recognises(head: bytes) -> bool:
    """Return whether the file is a JSON list with Locust's entries."""
    return head.lstrip()[:1] == b"[" and b'"num_requests"' in head and b'"response_times"' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all endpoints.

    Raises:
        DataError: The file was not written by Locust, contains no request, or its counts are inconsistent.
    """
    supplement.require_unset("locust")
    entries = parse(data, list[_Entry], "locust")
    times = TimeCounts()
    for entry in entries:
        counted = sum(entry.response_times.values())
        if counted + entry.num_none_requests != entry.num_requests or entry.num_failures > entry.num_requests:
            raise DataError(
                f"Locust counts {entry.num_requests:,} requests, {entry.num_failures:,} failures and {counted:,} times",
                hint=_HINT,
            )
        if not all(0 <= ms <= 3_600_000 for ms in entry.response_times):
            raise DataError("a response time of Locust is not between 0 and an hour", hint=_HINT)
        for ms, count in entry.response_times.items():
            times.add(ms, count)
    n, failed = times.total, sum(entry.num_failures for entry in entries)
    if not n:
        raise DataError("Locust's file contains no request with a time", hint=_HINT)
    requests = sum(entry.num_requests for entry in entries)
    maximum = max(entry.max_response_time for entry in entries)
    rows = sorted((ms, count) for ms, count in times.counts.items() if count)
    buckets = ((max(0.0, ms - rounding(ms)), max(ms, min(ms + rounding(ms), maximum)), count) for ms, count in rows)
    values = times.values() | {"max": maximum, "mean": sum(e.total_response_time for e in entries) / n}
    endpoints = [pooled_endpoints(len(entries), "entries")] if len(entries) > 1 else []
    return ExternalResults(
        tool="locust-json",
        timed=n,
        timed_failures=True,
        requests=requests,
        failed=(failed, failed),
        points=(*bucket_points(buckets), percentile(1.0, maximum, n)),
        values=values,
        not_measured=(CLOSED_LOOP, *endpoints),
    )
