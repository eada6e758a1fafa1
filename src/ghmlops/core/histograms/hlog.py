"""HdrHistogram's interval logs (`.hlog`): one histogram per interval of time and tag."""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.encoding import FORMAT_HINT, MAX_COUNT_BYTES, decode_counts, encode, unpack_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.histograms.histogram import Histogram

LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
"""Nanoseconds per unit of the values."""
_UNIT_LINE = re.compile(r"#\[Values are in (ns|us|ms|s)\]")
"""Comment of this project that names the unit, which the format itself does not record."""
_HEADER_TIME = re.compile(r"#\[(StartTime|BaseTime): *([0-9.eE+-]{1,40})")
_NUMBER = r"([0-9.eE+-]{1,40})"
_INTERVAL = re.compile(rf"(?:Tag=([^,\s]{{1,200}}),)?{_NUMBER},{_NUMBER},{_NUMBER},([A-Za-z0-9+/=]+)")
_TAG = re.compile(r"[^,\s]{1,200}")
_YEAR = 365 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLimits:
    """Limits on the contents of a log, so that a small malicious file cannot exhaust time or memory.

    Attributes:
        intervals: Number of intervals.
        buckets: Non-empty buckets of all intervals together; the default takes 320 MB.
        count_bytes: Decompressed counts of all intervals together, in bytes.
    """

    intervals: int = 200_000
    buckets: int = 20_000_000
    count_bytes: int = 8 * MAX_COUNT_BYTES


DEFAULT_LIMITS = LogLimits()


class LogInterval(NamedTuple):
    """One line of an interval log."""

    tag: str
    start_s: float
    """Seconds since the start of the log."""
    seconds: float
    histogram: Histogram


def write_log(intervals: Sequence[LogInterval], started_epoch: float, unit: str = "ns") -> str:
    """Return the text of an `.hlog`; `Interval_Max` is in milliseconds.

    Args:
        intervals: Intervals in order of their starts.
        started_epoch: Start of the log in seconds of the Unix epoch.
        unit: Unit of the histograms' values, one of `UNITS`; recorded in a comment.

    Raises:
        DataError: A tag contains a comma or a blank.
    """
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[Values are in {unit}]",
        f"#[StartTime: {started_epoch:.3f} (seconds since epoch), {_format_utc(started_epoch)}]",
        f"#[BaseTime: {started_epoch:.3f} (seconds since epoch)]",
        LEGEND,
    ]
    for interval in intervals:
        if interval.tag and not _TAG.fullmatch(interval.tag):
            raise DataError(f"{interval.tag[:80]!r} cannot be a tag of a histogram log", hint="use a plain name")
        tag = f"Tag={interval.tag}," if interval.tag else ""
        maximum = interval.histogram.maximum * UNITS[unit] / 1e6 if interval.histogram.total else 0.0
        text = base64.b64encode(encode(interval.histogram)).decode()
        lines.append(f"{tag}{interval.start_s:.3f},{interval.seconds:.3f},{maximum:.3f},{text}")
    return "\n".join(lines) + "\n"


def log_unit(text: str) -> str:
    """Return the unit that `write_log` recorded in a log; empty if another tool wrote the log."""
    matches = (_UNIT_LINE.fullmatch(line.strip()) for line in text.splitlines()[:20])
    return next((match[1] for match in matches if match), "")


def _format_utc(epoch: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")


@dataclass(slots=True)
class _Clock:
    """Converts the time stamps of a log into seconds since its start."""

    start: float | None = None
    base: float | None = None

    def seconds(self, stamp: float) -> float:
        """Return the start of an interval, as HdrHistogram's reader determines it."""
        if self.start is None:
            self.start = stamp
        if self.base is None:
            self.base = self.start if stamp < self.start - _YEAR else 0.0
        return stamp + self.base - self.start


def read_log(text: str, limits: LogLimits = DEFAULT_LIMITS) -> list[LogInterval]:
    """Return the intervals of an `.hlog` of any version that contains V2 histograms.

    Comments and the legend are skipped; every other line must be an interval. Time stamps may be absolute or relative
    to `BaseTime`, which is inferred as in HdrHistogram's reader if it is missing.

    Raises:
        DataError: A line is not an interval, a histogram is damaged, or a limit is exceeded.
    """
    clock, budget = _Clock(), _Budget(limits.intervals, limits.buckets, limits.count_bytes)
    intervals: list[LogInterval] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER_TIME.match(line):
            value = _finite(header[2], number)
            clock.start, clock.base = (value, clock.base) if header[1] == "StartTime" else (clock.start, value)
        if not line.strip() or line.startswith(("#", '"StartTimestamp"')):
            continue
        match = _INTERVAL.fullmatch(line.strip())
        if match is None:
            raise DataError(f"line {number} is not an interval of a histogram log", hint=FORMAT_HINT)
        try:
            histogram = budget.decode(match[5])
        except binascii.Error:
            raise DataError(f"line {number}: the histogram is not base64", hint=FORMAT_HINT) from None
        except DataError as error:
            raise DataError(f"line {number}: {error.message}", hint=error.hint) from None
        start = clock.seconds(_finite(match[2], number))
        intervals.append(LogInterval(match[1] or "", start, _finite(match[3], number), histogram))
    return intervals


@dataclass(slots=True)
class _Budget:
    """The remainder of the limits while a log is read."""

    intervals: int
    buckets: int
    count_bytes: int

    def decode(self, text: str) -> Histogram:
        """Decode the histogram of the next interval."""
        counts, layout = unpack_counts(base64.b64decode(text, validate=True))
        self.intervals -= 1
        self.count_bytes -= len(counts)
        if min(self.intervals, self.buckets, self.count_bytes) < 0:
            raise DataError("the histogram log has too many intervals", hint="merge them first")
        histogram = decode_counts(counts, layout)
        self.buckets -= len(histogram.buckets)
        return histogram


def _finite(text: str, number: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"line {number}: {text!r} is not a number", hint=FORMAT_HINT)
    return value
