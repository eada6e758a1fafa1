"""Reads vegeta's results, one JSON object per line (`vegeta encode --to json`): they contain every time."""

from __future__ import annotations

import msgspec
import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.external_findings import histogram_values
from ghmlops.core.latency.external_results import Doubt, ExternalResults
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
    attack: str = ""
    seq: Count | None = None


class SequenceNumbers:
    """The sequence numbers of vegeta's results: those that are missing belong to requests without a result.

    A request that is unanswered when the attack is stopped, or whose result was cut off, leaves such a gap.
    """

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def add(self, attack: str, number: int) -> None:
        """Add the sequence number of a result of an attack."""
        count, last = self._counts.get(attack, (0, -1))
        self._counts[attack] = (count + 1, max(last, number))

    def doubts(self) -> tuple[Doubt, ...]:
        """Return the doubt about missing results; without one if there are none, or several attacks of one name."""
        missing = sum(max(0, last + 1 - count) for count, last in self._counts.values())
        if not missing:
            return ()
        total = missing + sum(count for count, _ in self._counts.values())
        return (Doubt(count=missing, total=total, why="have no result: the attack or its file was cut short"),)


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
    failed, sequence = 0, SequenceNumbers()
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        result = parse(line, _Result, f"vegeta (line {number})")
        if result.seq is not None:
            sequence.add(result.attack, result.seq)
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
        doubts=sequence.doubts(),
    )


def _limitations(endpoints: int, failed: int) -> tuple[NotMeasured, ...]:
    rows = [LATE_SENDS]
    if endpoints > 1:
        rows.append(pooled_endpoints(endpoints, "addresses"))
    if failed:
        why = "they failed: percentiles exclude them, findings count them"
        rows.append(NotMeasured(what=f"response times of {failed:,} requests", why=why))
    return tuple(rows)
