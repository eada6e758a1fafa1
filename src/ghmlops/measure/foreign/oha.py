"""Reads oha's JSON (`oha --no-tui --output-format json`, 1.16).

The times include every answer, whatever its status, and oha's "success rate" counts every answer as a success:
failures are counted here, from the statuses. A request that oha's deadline aborted may have been sent just before, or
have been waiting for long: each may be a failure.
"""

from __future__ import annotations

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import Doubt, ExternalResults, Point, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.bounded_json import Count, Seconds, parse
from ghmlops.measure.foreign.limitations import CLOSED_LOOP
from ghmlops.measure.foreign.supplement import Supplement

DEADLINE = "aborted due to deadline"
"""oha's name of the error of requests that were unanswered at the end of the run."""


_ABORTED = "have no result: the deadline of oha aborted them (`-w` waits for them)"


class _Times(msgspec.Struct):
    slowest: Seconds | None
    average: Seconds | None


class _Result(msgspec.Struct):
    summary: _Times
    percentiles: dict[str, Seconds | None] = msgspec.field(name="latencyPercentiles")
    statuses: dict[str, Count] = msgspec.field(name="statusCodeDistribution")
    errors: dict[str, Count] = msgspec.field(name="errorDistribution")


def recognises(head: bytes) -> bool:
    """Return whether the file is JSON with oha's summary."""
    return head.lstrip()[:1] == b"{" and b'"summary"' in head and b'"latencyPercentiles"' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read a result.

    Raises:
        DataError: The file is not a result of oha, or contains no request.
    """
    supplement.require_unset("oha")
    result = parse(data, _Result, "oha")
    if not all(code.isdecimal() and len(code) < 5 for code in result.statuses):
        raise DataError("oha's statuses are not numbers", hint="the file is damaged or was edited")
    timed, aborted = sum(result.statuses.values()), result.errors.get(DEADLINE, 0)
    errors = sum(result.errors.values()) - aborted
    if not timed + errors:
        raise DataError("oha counts no completed request", hint="check that the run was completed")
    failed = errors + sum(count for code, count in result.statuses.items() if not supplement.is_success(int(code)))
    note = NotMeasured(
        what=f"{aborted:,} requests", why="oha's deadline aborted them before they were answered: each may have failed"
    )
    values, points = _times(result, timed)
    return ExternalResults(
        tool="oha",
        timed=timed,
        timed_failures=True,
        requests=timed + errors + aborted,
        failed=(failed, failed + aborted),
        points=points,
        values=values,
        not_measured=(CLOSED_LOOP, *([note] if aborted else [])),
        doubts=(Doubt(count=aborted, total=timed + errors + aborted, why=_ABORTED),) if aborted else (),
    )


def _times(result: _Result, n: int) -> tuple[dict[str, float | None], tuple[Point, ...]]:
    if not n:
        return {}, ()
    values: dict[str, float | None] = {}
    points = []
    for name, seconds in result.percentiles.items():
        q = _probability(name)
        if q is not None and seconds is not None:
            values[name] = seconds * 1e3
            points.append(percentile(q, seconds * 1e3, n))
    if (slowest := result.summary.slowest) is not None:
        values["max"] = slowest * 1e3
        points.append(percentile(1.0, slowest * 1e3, n))
    if (mean := result.summary.average) is not None:
        values["mean"] = mean * 1e3
    return values, tuple(points)


def _probability(name: str) -> float | None:
    """Return the probability of a percentile such as `p99.9`; `None` for a name that is not one within (0, 100)."""
    try:
        q = float(name.removeprefix("p")) / 100
    except ValueError:
        return None
    return q if 0 < q < 1 else None
