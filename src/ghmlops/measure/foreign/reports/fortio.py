"""Reads fortio's JSON (`fortio load -json FILE`): a histogram of the times of all answers, and the planned rate.

The histogram is read in its buckets; the percentiles that fortio reports are interpolated within them.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, Load, bucket_points, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.bounded_json import Count, Seconds, parse
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, NO_ENDPOINTS

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

_DURATION = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?")
_MAX_RATE = 1e9
_OTHER_SUCCESSES = frozenset({"OK", "SERVING"})
"""Results of successful requests of gRPC, TCP and UDP, in place of an HTTP status."""
_DAMAGED = "check that the file is complete and from `fortio load -json`"
_INTERPOLATED = NotMeasured(
    what="exact percentiles", why="fortio interpolates them within the buckets of its histogram, which bound them"
)


class _Bucket(msgspec.Struct):
    start: Seconds = msgspec.field(name="Start")
    end: Seconds = msgspec.field(name="End")
    count: Count = msgspec.field(name="Count")


class _Percentile(msgspec.Struct):
    percent: float = msgspec.field(name="Percentile")
    value: Seconds = msgspec.field(name="Value")


class _Histogram(msgspec.Struct):
    count: Count = msgspec.field(name="Count")
    average: Seconds = msgspec.field(name="Avg")
    maximum: Seconds = msgspec.field(name="Max")
    data: list[_Bucket] | None = msgspec.field(name="Data", default=None)
    percentiles: list[_Percentile] | None = msgspec.field(name="Percentiles", default=None)


class _Result(msgspec.Struct):
    histogram: _Histogram = msgspec.field(name="DurationHistogram")
    codes: dict[str, Count] = msgspec.field(name="RetCodes")
    kind: str = msgspec.field(name="RunType", default="HTTP")
    rate: str = msgspec.field(name="RequestedQPS", default="")
    duration: str = msgspec.field(name="RequestedDuration", default="")


def recognises(head: bytes) -> bool:
    """Return whether the file is JSON with fortio's histogram."""
    return head.lstrip()[:1] == b"{" and b'"DurationHistogram"' in head and b'"RequestedQPS"' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read a result.

    Raises:
        DataError: The file is not a result of fortio, contains no request, or its counts are inconsistent.
    """
    supplement.require_unset("fortio")
    result = parse(data, _Result, "fortio")
    n, buckets = result.histogram.count, result.histogram.data or []
    in_order = all(a.end <= b.start for a, b in itertools.pairwise(buckets))
    if not n or sum(result.codes.values()) != n or sum(bucket.count for bucket in buckets) != n or not in_order:
        raise DataError(
            f"fortio counts {n:,} times, {sum(result.codes.values()):,} statuses and "
            f"{sum(bucket.count for bucket in buckets):,} times in its buckets",
            hint=_DAMAGED,
        )
    http = result.kind.startswith("HTTP")
    is_success = (lambda code: supplement.is_success(_status(code))) if http else _OTHER_SUCCESSES.__contains__
    failed = sum(count for code, count in result.codes.items() if not is_success(code))
    load = _load(result, n)
    maximum = result.histogram.maximum * 1e3
    values: dict[str, float | None] = {"mean": result.histogram.average * 1e3, "max": maximum}
    for row in result.histogram.percentiles or ():
        values[f"p{row.percent:.10g}"] = row.value * 1e3
    rows = (
        (bucket.start * 1e3, min(bucket.end * 1e3, max(maximum, bucket.start * 1e3)), bucket.count)
        for bucket in buckets
    )
    return ExternalResults(
        tool="fortio",
        timed=n,
        timed_failures=True,
        requests=n,
        failed=(failed, failed),
        points=(*bucket_points(rows), percentile(1.0, maximum, n)),
        values=values,
        not_measured=(NO_ENDPOINTS, CLOSED_LOOP, _INTERPOLATED),
        load=load,
    )


def _status(code: str) -> int:
    """Return the HTTP status; 0 for the name of an error, or fortio's -1."""
    return int(code) if code.isascii() and code.isdecimal() and len(code) < 5 else 0


def _load(result: _Result, n: int) -> Load | None:
    """Return how much of the planned load was sent; `None` for a run without a rate or without a duration."""
    match = _DURATION.fullmatch(result.duration)
    try:
        rate = float(result.rate)
    except ValueError:
        return None
    if not match or not match[0] or not 0 < rate <= _MAX_RATE:
        return None
    seconds = sum(float(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True))
    planned = round(rate * seconds)
    cause = f"fortio was to send {rate:g} requests per second for {result.duration} and sent {n:,}"
    return Load(unit="requests", planned=planned, unsent=max(0, planned - n), cause=cause) if planned else None
