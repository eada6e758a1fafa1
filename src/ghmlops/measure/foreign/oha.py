"""oha's JSON (`oha --no-tui --output-format json`, 1.16).

Its times cover every answer, whatever its status, and its "success rate" counts answers of any status as successes:
failures are counted here from the statuses. Requests that its deadline cut off may have been just sent, or hung for
long: each may be a failure.
"""

from __future__ import annotations

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.given import CLOSED_LOOP, Count, Given, Seconds, parse

DEADLINE = "aborted due to deadline"


class _Times(msgspec.Struct):
    slowest: Seconds | None
    average: Seconds | None


class _Result(msgspec.Struct):
    summary: _Times
    percentiles: dict[str, Seconds | None] = msgspec.field(name="latencyPercentiles")
    statuses: dict[str, Count] = msgspec.field(name="statusCodeDistribution")
    errors: dict[str, Count] = msgspec.field(name="errorDistribution")


def recognises(head: bytes) -> bool:
    """Return whether this is JSON with oha's summary."""
    return head.lstrip()[:1] == b"{" and b'"summary"' in head and b'"latencyPercentiles"' in head


def read(data: bytes, given: Given) -> ExternalResults:
    """Read a result.

    Raises:
        DataError: it is not one, or holds no request.
    """
    given.nothing_given("oha")
    result = parse(data, _Result, "oha")
    if not all(code.isdecimal() and len(code) < 5 for code in result.statuses):
        raise DataError("oha's statuses are not numbers", hint="is the file damaged?")
    timed, cut = sum(result.statuses.values()), result.errors.get(DEADLINE, 0)
    errors = sum(result.errors.values()) - cut
    if not timed + errors:
        raise DataError("oha counts no finished request", hint="did the run end well?")
    failed = errors + sum(count for code, count in result.statuses.items() if not given.good(int(code)))
    shares = {name: _share(name) for name in result.percentiles}
    known = {
        name: time * 1e3 for name, time in result.percentiles.items() if time is not None and shares[name] is not None
    }
    points = [percentile(share, known[name], timed) for name, share in shares.items() if share and name in known]
    most, mean = result.summary.slowest, result.summary.average
    if timed and most is not None:
        points.append(percentile(1.0, most * 1e3, timed))
    ends = {"max": most, "mean": mean}
    values: dict[str, float | None] = {name: time * 1e3 for name, time in ends.items() if time is not None}
    notes = [CLOSED_LOOP]
    if cut:
        notes.append(
            NotMeasured(
                what=f"{cut:,} requests",
                why="oha's deadline cut them off before they were answered: each may have failed",
            )
        )
    return ExternalResults(
        tool="oha",
        timed=timed,
        timed_failures=True,
        requests=timed + errors + cut,
        failed=(failed, failed + cut),
        points=tuple(points) if timed else (),
        values={**known, **values} if timed else {},
        not_measured=tuple(notes),
    )


def _share(name: str) -> float | None:
    try:
        share = float(name.removeprefix("p")) / 100
    except ValueError:
        return None
    return share if 0 < share < 1 else None
