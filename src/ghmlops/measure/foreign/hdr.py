"""Reads HdrHistogram output: interval logs (`.hlog`), and the table of percentiles that many tools print.

Neither contains the number of failed requests, and only logs of this project state the unit; otherwise the user must
supply both.
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
from ghmlops.measure.foreign.limitations import CLOSED_LOOP
from ghmlops.measure.foreign.supplement import Supplement

_HEADER = re.compile(r"^[ \t]*Value[ \t]+Percentile[ \t]+TotalCount[ \t]+1/\(1-Percentile\)[ \t]*\r?$", re.MULTILINE)
_ROW = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{1,12})?)\s+([01]\.[0-9]{1,16})\s+([0-9]{1,18})(?:\s+(?:[0-9.]+|inf))?\s*")
_MEAN = re.compile(r"#\[Mean\s*=\s*([0-9]{1,20}(?:\.[0-9]{1,12})?)")
_MAX = re.compile(r"#\[Max\s*=\s*([0-9]{1,20}(?:\.[0-9]{1,12})?), Total count\s*=\s*([0-9]{1,18})\]")
_HINT = "pass the complete output, from `Value Percentile TotalCount` to `#[Buckets`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A printed table of percentiles, in the unit of the file.

    Attributes:
        rows: (value, fraction of values up to it, number of values up to it), in ascending order.
        rounding: Maximum rounding error of a printed value.
        mean: Mean of all values.
        maximum: Largest value.
        total: Number of values.
    """

    rows: list[tuple[float, float, int]]
    rounding: float
    mean: float
    maximum: float
    total: int

    def points(self, unit_ms: float) -> tuple[Point, ...]:
        """Return the bounds that each row gives, if a unit is `unit_ms` milliseconds; the counts are exact."""
        return tuple(
            Point(
                low=(value - self.rounding) * unit_ms,
                high=(value + self.rounding) * unit_ms,
                min_slower=self.total - count,
                max_slower=self.total - count,
            )
            for value, _, count in self.rows
        )

    def values(self, unit_ms: float) -> dict[str, float | None]:
        """Return mean, maximum, and each percentile for which the rows on both sides have the same value, in ms."""
        values: dict[str, float | None] = {"mean": self.mean * unit_ms, "max": self.maximum * unit_ms}
        for name, q in OBJECTIVES.items():
            index = next((index for index, row in enumerate(self.rows) if row[1] >= q - 1e-12), None)
            if index is not None and (self.rows[index][1] <= q + 1e-12 or self._repeats_previous(index)):
                values[name] = self.rows[index][0] * unit_ms
        return values

    def _repeats_previous(self, index: int) -> bool:
        return index > 0 and self.rows[index - 1][0] == self.rows[index][0]


def recognises(head: bytes) -> bool:
    """Return whether the file is an interval log or contains a table of percentiles."""
    text = head.decode("utf-8", "replace")
    return (
        "#[Histogram log format" in text or '"StartTimestamp","Interval_Length"' in text or bool(_HEADER.search(text))
    )


def decode_text(data: bytes) -> str:
    """Return the text of a file.

    Raises:
        DataError: The file is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 text at byte {error.start}", hint=_HINT) from None


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read an interval log or a table of percentiles.

    Raises:
        InputError: The unit is unknown.
        DataError: The file is neither, is damaged, or contains no value.
    """
    text = decode_text(data)
    if header := _HEADER.search(text):
        return _from_table(read_table(text[header.end() :]), supplement)
    intervals = read_log(text)
    histogram = Histogram.summed(interval.histogram for interval in intervals)
    if not histogram.total:
        raise DataError("the histogram log contains no value", hint="check that the run was completed")
    unit = supplement.resolve_unit(log_unit(text))
    tags = len({interval.tag for interval in intervals})
    notes = [NotMeasured(what="response times by tag", why=f"the {tags} tags of the log are judged together")]
    return ExternalResults(
        tool="hdr",
        timed=histogram.total,
        timed_failures=True,
        requests=None,
        failed=_failed_bounds(supplement),
        histogram=histogram,
        unit_ns=UNITS[unit],
        values=histogram_values(histogram, UNITS[unit]),
        not_measured=(CLOSED_LOOP, *(notes if tags > 1 else [])),
        unit=unit,
        intervals=len(intervals),
    )


def _from_table(table: Table, supplement: Supplement) -> ExternalResults:
    unit = supplement.resolve_unit("")
    unit_ms = UNITS[unit] / 1e6
    return ExternalResults(
        tool="hdr",
        timed=table.total,
        timed_failures=True,
        requests=None,
        failed=_failed_bounds(supplement),
        points=table.points(unit_ms),
        values=table.values(unit_ms),
        not_measured=(CLOSED_LOOP,),
        unit=unit,
    )


def _failed_bounds(supplement: Supplement) -> tuple[int, int | None]:
    return (0, None) if supplement.failed is None else (supplement.failed, supplement.failed)


def read_table(text: str) -> Table:
    """Read the rows that follow the header of a table, up to the line of its maximum.

    Raises:
        DataError: A row is malformed, the rows are not in ascending order, or the end is missing.
    """
    rows: list[tuple[float, float, int]] = []
    decimals, mean = 0, None
    for line in text.splitlines():
        if row := _ROW.fullmatch(line):
            rows.append((float(row[1]), float(row[2]), int(row[3])))
            decimals = max(decimals, len(row[1].partition(".")[2]))
        elif match := _MEAN.match(line):
            mean = float(match[1])
        elif match := _MAX.match(line):
            return _checked_table(rows, 0.5 * 10.0**-decimals, mean, float(match[1]), int(match[2]))
        elif line.strip():
            raise DataError(f"not a row of the histogram's table: {line.strip()[:60]!r}", hint=_HINT)
    raise DataError("the histogram's table is truncated", hint=_HINT)


def _checked_table(
    rows: list[tuple[float, float, int]], rounding: float, mean: float | None, maximum: float, n: int
) -> Table:
    ascending = all(a <= b for first, second in itertools.pairwise(rows) for a, b in zip(first, second, strict=True))
    if not rows or mean is None or not ascending or rows[-1][2] != n or not 0 < n <= MAX_REQUESTS:
        raise DataError("the rows and the totals of the histogram's table are inconsistent", hint=_HINT)
    return Table(rows=rows, rounding=rounding, mean=mean, maximum=maximum, total=n)
