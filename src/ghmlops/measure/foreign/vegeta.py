"""Reads vegeta's results, one JSON object per line (`vegeta encode --to json`): they contain every time."""

from __future__ import annotations

import msgspec
import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.external_findings import histogram_values
from ghmlops.core.latency.external_results import ExternalResults
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.bounded_json import Count, Nanoseconds, parse
from ghmlops.measure.foreign.limitations import LATE_SENDS, pooled_endpoints
from ghmlops.measure.foreign.supplement import Supplement

MAX_ENDPOINTS = 1000
"""Number of distinct endpoints that are counted; it bounds the memory."""


class _Result(msgspec.Struct):
    code: Count
    latency: Nanoseconds
    timestamp: str
    error: str = ""
    method: str = ""
    url: str = ""


def recognises(head: bytes) -> bool:
    """Return whether the first line is a result of vegeta."""
    first = head.lstrip().split(b"\n", 1)[0]
    return first[:1] == b"{" and b'"latency":' in first and b'"code":' in first and b'"timestamp":' in first


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all results.

    Raises:
        DataError: A line is not a result, such as the last line of a truncated file.
    """
    supplement.require_unset("vegeta")
    times: list[int] = []
    endpoints: set[tuple[str, str]] = set()
    failed = 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        result = parse(line, _Result, f"vegeta (line {number})")
        if len(endpoints) < MAX_ENDPOINTS:
            endpoints.add((result.method, result.url.partition("?")[0]))
        if result.error or not supplement.is_success(result.code):
            failed += 1
        else:
            times.append(result.latency)
    if not times and not failed:
        raise DataError("vegeta's file contains no result", hint="check that the attack was completed")
    histogram = Histogram.of(np.array(times, np.int64))
    return ExternalResults(
        tool="vegeta",
        timed=len(times),
        timed_failures=False,
        requests=len(times) + failed,
        failed=(failed, failed),
        histogram=histogram,
        values=histogram_values(histogram, 1),
        not_measured=_limitations(len(endpoints), failed),
    )


def _limitations(endpoints: int, failed: int) -> tuple[NotMeasured, ...]:
    rows = [LATE_SENDS]
    if endpoints > 1:
        rows.append(pooled_endpoints(endpoints, "addresses"))
    if failed:
        why = "they failed: percentiles exclude them, findings count them"
        rows.append(NotMeasured(what=f"response times of {failed:,} requests", why=why))
    return tuple(rows)
