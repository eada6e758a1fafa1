"""What HdrHistogram writes: interval logs (`.hlog`), and the table of percentiles that many tools print.

Neither counts failures, and neither tells the unit; both have to be given, but for logs of this project.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import UNITS, log_unit, read_log
from ghmlops.core.latency.external_findings import histogram_values
from ghmlops.core.latency.external_results import MAX_REQUESTS, ExternalResults, Point
from ghmlops.core.model import NotMeasured
from ghmlops.core.policy.objectives import OBJECTIVES
from ghmlops.measure.foreign.given import CLOSED_LOOP, Given

_HEADER = re.compile(r"^[ \t]*Value[ \t]+Percentile[ \t]+TotalCount[ \t]+1/\(1-Percentile\)[ \t]*\r?$", re.MULTILINE)
_ROW = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{1,12})?)\s+([01]\.[0-9]{1,16})\s+([0-9]{1,18})(?:\s+(?:[0-9.]+|inf))?\s*")
_MEAN = re.compile(r"#\[Mean\s*=\s*([0-9]{1,20}(?:\.[0-9]{1,12})?)")
_MAX = re.compile(r"#\[Max\s*=\s*([0-9]{1,20}(?:\.[0-9]{1,12})?), Total count\s*=\s*([0-9]{1,18})\]")
_HINT = "is it the whole output, from `Value Percentile TotalCount` to `#[Buckets`?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A printed table, in its own unit: (value, share, values up to it) a row, ascending."""

    rows: list[tuple[float, float, int]]
    rounding: float
    """By how much a printed value may be rounded."""
    mean: float
    most: float
    total: int

    def points(self, ms: float) -> tuple[Point, ...]:
        """Return what each row says, with `ms` milliseconds a unit: the counts are exact."""
        return tuple(
            Point(
                low=(value - self.rounding) * ms,
                high=(value + self.rounding) * ms,
                min_slower=self.total - count,
                max_slower=self.total - count,
            )
            for value, _, count in self.rows
        )

    def values(self, ms: float) -> dict[str, float | None]:
        """Return mean, maximum, and those percentiles that the rows around them agree on."""
        found: dict[str, float | None] = {"mean": self.mean * ms, "max": self.most * ms}
        for name, q in OBJECTIVES.items():
            above = next((place for place, row in enumerate(self.rows) if row[1] >= q - 1e-12), None)
            if above is not None and (self.rows[above][1] <= q + 1e-12 or self._same(above)):
                found[name] = self.rows[above][0] * ms
        return found

    def _same(self, place: int) -> bool:
        return place > 0 and self.rows[place - 1][0] == self.rows[place][0]


def recognises(head: bytes) -> bool:
    """Return whether this is an interval log or holds the table."""
    text = head.decode("utf-8", "replace")
    return (
        "#[Histogram log format" in text or '"StartTimestamp","Interval_Length"' in text or bool(_HEADER.search(text))
    )


def decoded(data: bytes) -> str:
    """Return the text of a file.

    Raises:
        DataError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 text at byte {error.start}", hint=_HINT) from None


def read(data: bytes, given: Given) -> ExternalResults:
    """Read a log, or a table.

    Raises:
        InputError: the unit is not known.
        DataError: the file is neither, damaged, or holds no value.
    """
    text = decoded(data)
    if found := _HEADER.search(text):
        return _from_table(read_table(text[found.end() :]), given)
    intervals = read_log(text)
    histogram = Histogram.summed(interval.histogram for interval in intervals)
    if not histogram.total:
        raise DataError("the histogram log holds no value", hint="did the run end well?")
    unit = given.told(log_unit(text))
    tags = len({interval.tag for interval in intervals})
    notes = [NotMeasured(what="response times by tag", why=f"the {tags} tags of the log are judged together")]
    return ExternalResults(
        tool="hdr",
        timed=histogram.total,
        timed_failures=True,
        requests=None,
        failed=_failed(given),
        histogram=histogram,
        unit_ns=UNITS[unit],
        values=histogram_values(histogram, UNITS[unit]),
        not_measured=(CLOSED_LOOP, *(notes if tags > 1 else [])),
        unit=unit,
        intervals=len(intervals),
    )


def _from_table(table: Table, given: Given) -> ExternalResults:
    unit = given.told("")
    ms = UNITS[unit] / 1e6
    return ExternalResults(
        tool="hdr",
        timed=table.total,
        timed_failures=True,
        requests=None,
        failed=_failed(given),
        points=table.points(ms),
        values=table.values(ms),
        not_measured=(CLOSED_LOOP,),
        unit=unit,
    )


def _failed(given: Given) -> tuple[int, int | None]:
    return (0, None) if given.failed is None else (given.failed, given.failed)


def read_table(text: str) -> Table:
    """Read the rows that follow a table's header, up to the line of its maximum.

    Raises:
        DataError: a row is malformed, the rows do not ascend, or the end is missing.
    """
    rows: list[tuple[float, float, int]] = []
    decimals, mean = 0, None
    for line in text.splitlines():
        if row := _ROW.fullmatch(line):
            rows.append((float(row[1]), float(row[2]), int(row[3])))
            decimals = max(decimals, len(row[1].partition(".")[2]))
        elif found := _MEAN.match(line):
            mean = float(found[1])
        elif found := _MAX.match(line):
            return _checked(rows, 0.5 * 10.0**-decimals, mean, float(found[1]), int(found[2]))
        elif line.strip():
            raise DataError(f"not a row of the histogram's table: {line.strip()[:60]!r}", hint=_HINT)
    raise DataError("the histogram's table is truncated", hint=_HINT)


def _checked(rows: list[tuple[float, float, int]], rounding: float, mean: float | None, most: float, n: int) -> Table:
    ascending = all(a <= b for first, second in itertools.pairwise(rows) for a, b in zip(first, second, strict=True))
    if not rows or mean is None or not ascending or rows[-1][2] != n or not 0 < n <= MAX_REQUESTS:
        raise DataError("the histogram's table does not add up", hint=_HINT)
    return Table(rows=rows, rounding=rounding, mean=mean, most=most, total=n)
