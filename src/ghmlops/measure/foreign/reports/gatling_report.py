"""Reads the statistics of Gatling's report (`js/stats.json` or `js/global_stats.json`).

Its four percentiles can be configured, and the file does not state which they are: they are not used. Mean and maximum
are rounded to the millisecond and include failed requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.bounded_json import Count, Milliseconds, fit, parse
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, NO_ENDPOINTS, TOOL_RULE

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

_PERCENTILES = NotMeasured(
    what="percentiles",
    why="the file contains four, which can be configured, and does not state which; simulation.log contains every time",
)


class _Counts(msgspec.Struct):
    total: Count
    ok: Count
    ko: Count


class _Total(msgspec.Struct):
    total: Milliseconds


class _Stats(msgspec.Struct):
    requests: _Counts = msgspec.field(name="numberOfRequests")
    maximum: _Total = msgspec.field(name="maxResponseTime")
    mean: _Total = msgspec.field(name="meanResponseTime")


class _Report(msgspec.Struct):
    stats: dict[str, Any]


def recognises(head: bytes) -> bool:
    """Return whether the file is JSON with Gatling's statistics."""
    return head.lstrip()[:1] == b"{" and b'"numberOfRequests"' in head and b'"maxResponseTime"' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read the statistics of all requests.

    Raises:
        DataError: The file is not from a report of Gatling, contains no request, or its counts are inconsistent.
    """
    supplement.require_unset("gatling")
    content = parse(data, dict[str, Any], "gatling")
    stats = fit(fit(content, _Report, "gatling").stats if "stats" in content else content, _Stats, "gatling")
    counts = stats.requests
    if not counts.total or counts.ok + counts.ko != counts.total:
        raise DataError(
            f"Gatling counts {counts.total:,} requests, {counts.ok:,} OK and {counts.ko:,} KO",
            hint="check that the report is complete",
        )
    maximum = stats.maximum.total
    return ExternalResults(
        tool="gatling-report",
        timed=counts.total,
        timed_failures=True,
        requests=counts.total,
        failed=(counts.ko, counts.ko),
        points=(percentile(1.0, max(0.0, maximum - 1), counts.total, high=maximum + 1),),
        values={"mean": stats.mean.total, "max": maximum},
        not_measured=(NO_ENDPOINTS, CLOSED_LOOP, TOOL_RULE, _PERCENTILES),
    )
