"""vegeta's results, one JSON object a line (`vegeta encode --to json`): every time is known."""

from __future__ import annotations

import msgspec
import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.external_findings import histogram_values
from ghmlops.core.latency.external_results import ExternalResults
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.given import Count, Given, Nanoseconds, parse

MOST_ENDPOINTS = 1000


class _Result(msgspec.Struct):
    code: Count
    latency: Nanoseconds
    timestamp: str
    error: str = ""
    method: str = ""
    url: str = ""


def recognises(head: bytes) -> bool:
    """Return whether the first line is a result."""
    first = head.lstrip().split(b"\n", 1)[0]
    return first[:1] == b"{" and b'"latency":' in first and b'"code":' in first and b'"timestamp":' in first


def read(data: bytes, given: Given) -> ExternalResults:
    """Read results.

    Raises:
        DataError: a line is not a result; a truncated file ends in such a line.
    """
    given.nothing_given("vegeta")
    times: list[int] = []
    endpoints: set[tuple[str, str]] = set()
    failed = 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        result = parse(line, _Result, f"vegeta (line {number})")
        if len(endpoints) < MOST_ENDPOINTS:
            endpoints.add((result.method, result.url.partition("?")[0]))
        if result.error or not given.good(result.code):
            failed += 1
        else:
            times.append(result.latency)
    if not times and not failed:
        raise DataError("vegeta's file holds no result", hint="did the attack end well?")
    histogram = Histogram.of(np.array(times, np.int64))
    return ExternalResults(
        tool="vegeta",
        timed=len(times),
        timed_failures=False,
        requests=len(times) + failed,
        failed=(failed, failed),
        histogram=histogram,
        values=histogram_values(histogram, 1),
        not_measured=_notes(len(endpoints), failed),
    )


LATE_SENDS = NotMeasured(
    what="lateness of sends", why="vegeta times from the actual send, and does not record when it was due"
)


def _notes(endpoints: int, failed: int) -> tuple[NotMeasured, ...]:
    rows = [LATE_SENDS]
    if endpoints > 1:
        why = f"the {endpoints:,} addresses of the file are judged together, as the policy's mix is"
        rows.append(NotMeasured(what="response times by endpoint", why=why))
    if failed:
        why = "they failed and are in no percentile; findings count them"
        rows.append(NotMeasured(what=f"response times of {failed:,} requests", why=why))
    return tuple(rows)
