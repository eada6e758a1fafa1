"""Locust's `<prefix>_stats.csv`: percentiles over all requests, failed ones included, rounded to two digits.

Locust keeps times below 100 ms to the millisecond, and longer ones to two significant digits; a percentile is one of
these rounded times. The maximum is exact. It is a closed loop.
"""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import MAX_REQUESTS, ExternalResults, Point, percentile
from ghmlops.core.model import NotMeasured
from ghmlops.measure.foreign.given import CLOSED_LOOP

if TYPE_CHECKING:
    from ghmlops.measure.foreign.given import Given

_HINT = "import the file `<prefix>_stats.csv`, whole"
_NEEDED = ("Name", "Request Count", "Failure Count", "Average Response Time", "Max Response Time")


def recognises(head: bytes) -> bool:
    """Return whether the first line is the header of the statistics."""
    first = head.split(b"\n", 1)[0]
    return b"Request Count" in first and b"Failure Count" in first and b"Max Response Time" in first


def read(data: bytes, given: Given) -> ExternalResults:
    """Read the row `Aggregated`.

    Raises:
        DataError: the file is not Locust's, has no such row, or a number in it is not one.
    """
    given.nothing_given("locust")
    rows = _rows(data)
    whole = [row for row in rows if row["Name"] == "Aggregated"]
    if len(whole) != 1:
        raise DataError("Locust's file has no row `Aggregated`: it is truncated, or another file", hint=_HINT)
    (row,) = whole
    n, failed = (_number(row, name, MAX_REQUESTS) for name in ("Request Count", "Failure Count"))
    if not n or failed > n or n != int(n) or failed != int(failed):
        raise DataError(f"Locust counts {n:g} requests and {failed:g} failures", hint=_HINT)
    values, points = _times(row, int(n))
    endpoints = len(rows) - 1
    notes = [CLOSED_LOOP]
    if endpoints > 1:
        why = f"the {endpoints:,} rows of the file are judged together, as the policy's mix is"
        notes.append(NotMeasured(what="response times by endpoint", why=why))
    return ExternalResults(
        tool="locust",
        timed=int(n),
        timed_failures=True,
        requests=int(n),
        failed=(int(failed), int(failed)),
        points=points,
        values=values,
        not_measured=tuple(notes),
    )


def _rows(data: bytes) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = [row for row in reader if any(row.values())]
    except UnicodeDecodeError as error:
        raise DataError(f"Locust's file is not UTF-8 at byte {error.start}", hint=_HINT) from None
    except csv.Error as error:
        raise DataError(f"Locust's file is not CSV: {error}", hint=_HINT) from None
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"Locust's file has no column `{missing[0]}`", hint=_HINT)
    if any(None in row or None in row.values() for row in rows):
        raise DataError("Locust's file has a row of another length: it is truncated, or edited", hint=_HINT)
    return rows


def _times(row: dict[str, str], n: int) -> tuple[dict[str, float | None], tuple[Point, ...]]:
    most = _number(row, "Max Response Time", 3_600_000)
    values: dict[str, float | None] = {"mean": _number(row, "Average Response Time", 3_600_000), "max": most}
    points = [percentile(1.0, most, n)]
    for name, text in row.items():
        share = name.removesuffix("%")
        if share == name or text == "N/A" or share == "100":
            continue
        q, time = _number({name: share}, name, 100) / 100, _number(row, name, 3_600_000)
        half = _rounding(time)
        points.append(percentile(q, max(0.0, time - half), n, high=min(time + half, max(most, time))))
        values[f"p{100 * q:.10g}"] = time
    return values, tuple(points)


def _rounding(time: float) -> float:
    """Return by how much Locust may have rounded a time in ms."""
    return 0.5 if time < 100 else 5.0 if time < 1000 else 50.0 if time < 10_000 else 500.0


def _number(row: dict[str, str], name: str, most: float) -> float:
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise DataError(f"Locust's `{name}`: {row[name][:40]!r} is not a number from 0 to {most:,.0f}", hint=_HINT)
    return value
