"""Reads Locust's `<prefix>_stats.csv`: percentiles over all requests, failed ones included, rounded to two digits.

Locust rounds times below 100 ms to the millisecond, and longer ones to two significant digits; a percentile is one of
these rounded times. The maximum is exact. Locust is a closed loop. It rewrites the file while it runs, so that the file
of a run that was cut short looks complete.
"""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import MAX_REQUESTS, ExternalResults, Point, percentile
from ghmlops.measure.foreign.bounded_json import MAX_MS
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, pooled_endpoints

if TYPE_CHECKING:
    from ghmlops.measure.foreign.supplement import Supplement

_HINT = "import the complete file `<prefix>_stats.csv`"
_COLUMNS = ("Name", "Request Count", "Failure Count", "Average Response Time", "Max Response Time")


def recognises(head: bytes) -> bool:
    """Return whether the first line is the header of Locust's statistics."""
    first = head.split(b"\n", 1)[0]
    return b"Request Count" in first and b"Failure Count" in first and b"Max Response Time" in first


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read the row `Aggregated`.

    Raises:
        DataError: The file was not written by Locust, lacks this row, or contains a malformed number.
    """
    supplement.require_unset("locust")
    rows = _rows(data)
    aggregated = [row for row in rows if row["Name"] == "Aggregated"]
    if len(aggregated) != 1:
        raise DataError("Locust's file has no single row `Aggregated`: it is truncated or another file", hint=_HINT)
    (row,) = aggregated
    n, failed = (_number(row, name, MAX_REQUESTS) for name in ("Request Count", "Failure Count"))
    if not n or failed > n or n != int(n) or failed != int(failed):
        raise DataError(f"Locust counts {n:g} requests and {failed:g} failures", hint=_HINT)
    values, points = _times(row, int(n))
    endpoints = len(rows) - 1
    return ExternalResults(
        tool="locust",
        timed=int(n),
        timed_failures=True,
        requests=int(n),
        failed=(int(failed), int(failed)),
        points=points,
        values=values,
        not_measured=(CLOSED_LOOP, *([pooled_endpoints(endpoints, "rows")] if endpoints > 1 else [])),
    )


def _rows(data: bytes) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = [row for row in reader if any(row.values())]
    except UnicodeDecodeError as error:
        raise DataError(f"Locust's file is not UTF-8 at byte {error.start}", hint=_HINT) from None
    except csv.Error as error:
        raise DataError(f"Locust's file is not CSV: {error}", hint=_HINT) from None
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"Locust's file has no column `{missing[0]}`", hint=_HINT)
    if any(None in row or None in row.values() for row in rows):
        raise DataError("Locust's file has a row of a different length: it is truncated or was edited", hint=_HINT)
    return rows


def _times(row: dict[str, str], n: int) -> tuple[dict[str, float | None], tuple[Point, ...]]:
    maximum = _number(row, "Max Response Time", MAX_MS)
    values: dict[str, float | None] = {"mean": _number(row, "Average Response Time", MAX_MS), "max": maximum}
    points = [percentile(1.0, maximum, n)]
    for name, text in row.items():
        percent = name.removesuffix("%")
        if percent == name or text == "N/A" or percent == "100":
            continue
        q, time = _number({name: percent}, name, 100) / 100, _number(row, name, MAX_MS)
        half = rounding(time)
        points.append(percentile(q, max(0.0, time - half), n, high=min(time + half, max(maximum, time))))
        values[f"p{100 * q:.10g}"] = time
    return values, tuple(points)


def rounding(time: float) -> float:
    """Return the maximum rounding error of a time, in ms."""
    return 0.5 if time < 100 else 5.0 if time < 1000 else 50.0 if time < 10_000 else 500.0


def _number(row: dict[str, str], name: str, maximum: float) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not 0 <= value <= maximum:
        raise DataError(f"Locust's `{name}`: {row[name][:40]!r} is not a number from 0 to {maximum:,.0f}", hint=_HINT)
    return value
