"""Histograms as HdrHistogram writes them: the V2 (compressed) form, and `.hlog` interval logs. Pure.

The form, all numbers big-endian: a cookie, the length of what follows, and zlib data that holds another cookie, the
length of the counts, an offset, the digits, the lowest and the highest value and a ratio, then the counts from the
first bucket on: each a ZigZag LEB128 number of at most 9 bytes, in which -n stands for n empty buckets. Sizes are
bounded before anything is unpacked.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram, Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLAIN, COMPRESSED = 0x1C849303, 0x1C849304
_WORD = 0x10
_OUTER = struct.Struct(">II")
_INNER = struct.Struct(">IIIIqqd")
MAX_COUNT_BYTES = 8 * 1024 * 1024
MAX_INTERVALS = 200_000
MAX_HELD = 20_000_000
"""Buckets in use over all intervals of a log: 320 MB."""
MAX_LOG_COUNT_BYTES = 8 * MAX_COUNT_BYTES
"""Unpacked counts over all intervals of a log."""
LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
"""Nanoseconds of each unit that values may be in."""
_UNIT_LINE = re.compile(r"#\[Values are in (ns|us|ms|s)\]")
"""Our comment that tells the unit, which the format itself does not."""
_HINT = "is it a whole HdrHistogram file, in the V2 form?"
_STARTED = re.compile(r"#\[(StartTime|BaseTime): *([0-9.eE+-]{1,40})")
_NUMBER = r"([0-9.eE+-]{1,40})"
_INTERVAL = re.compile(rf"(?:Tag=([^,\s]{{1,200}}),)?{_NUMBER},{_NUMBER},{_NUMBER},([A-Za-z0-9+/=]+)")
_TAG = re.compile(r"[^,\s]{1,200}")
_YEAR = 365 * 86400.0


def encode(histogram: Histogram) -> bytes:
    """Return the V2 compressed form."""
    layout, counts = histogram.layout, b"".join(_runs(histogram))
    inner = _INNER.pack(PLAIN | _WORD, len(counts), 0, layout.digits, layout.lowest, layout.highest, 1.0)
    packed = zlib.compress(inner + counts)
    return _OUTER.pack(COMPRESSED | _WORD, len(packed)) + packed


def _runs(histogram: Histogram) -> Iterator[bytes]:
    after = 0
    for place, count in zip(histogram.places.tolist(), histogram.held.tolist(), strict=True):
        if empty := place - after:
            yield _leb128(2 * empty - 1 if empty > 1 else 0)
        yield _leb128(2 * count)
        after = place + 1


def _leb128(zigzag: int) -> bytes:
    """Write seven bits a byte; the ninth byte, if it comes to that, holds eight."""
    found = bytearray()
    while zigzag > 0x7F and len(found) < 8:
        found.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    found.append(zigzag)
    return bytes(found)


def decode(data: bytes) -> Histogram:
    """Return the histogram of a V2 form, compressed or not, with the layout it was recorded in.

    Raises:
        DataError: it is another form, truncated, damaged, or larger than `MAX_COUNT_BYTES` when unpacked.
    """
    return _counted(*_unwrapped(data))


def _unwrapped(data: bytes) -> tuple[bytes, Layout]:
    """Return the bytes of the counts, and the layout."""
    if len(data) >= _OUTER.size and data[:4] == struct.pack(">I", COMPRESSED | _WORD):
        _, length = _OUTER.unpack_from(data)
        if length > len(data) - _OUTER.size:
            raise DataError("a histogram is truncated", hint=_HINT)
        data = _unpacked(data[_OUTER.size : _OUTER.size + length])
    if len(data) < _INNER.size:
        raise DataError("a histogram is truncated", hint=_HINT)
    cookie, length, _, digits, lowest, highest, ratio = _INNER.unpack_from(data)
    if cookie != PLAIN | _WORD:
        raise DataError("not a histogram in HdrHistogram's V2 form", hint=_HINT)
    if length > min(len(data) - _INNER.size, MAX_COUNT_BYTES):
        raise DataError("a histogram is truncated, or too large", hint=_HINT)
    if ratio != 1.0:
        raise DataError(
            "a histogram of scaled values cannot be read", hint="record whole numbers, not a DoubleHistogram"
        )
    layout = Layout(lowest=lowest, highest=highest, digits=digits)
    return data[_INNER.size : _INNER.size + length], layout


def _unpacked(packed: bytes) -> bytes:
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(packed, MAX_COUNT_BYTES + _INNER.size)
    except zlib.error as error:
        raise DataError(f"a histogram cannot be unpacked: {error}", hint=_HINT) from None
    if unpack.unconsumed_tail:
        raise DataError(f"a histogram unpacks to more than {MAX_COUNT_BYTES} bytes", hint=_HINT)
    if not unpack.eof:
        raise DataError("a histogram is truncated", hint=_HINT)
    return data


def _counted(data: bytes, layout: Layout) -> Histogram:
    places, held, at, place, size = [], [], 0, 0, layout.size
    while at < len(data):
        zigzag, at = _number(data, at)
        if zigzag & 1:
            place += (zigzag + 1) >> 1
        else:
            if zigzag:
                places.append(place)
                held.append(zigzag >> 1)
            place += 1
        if place > size:
            raise DataError("a histogram holds more counts than its range has buckets", hint=_HINT)
    return Histogram(np.array(places, np.int64), np.array(held, np.int64), layout)


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for byte_at in range(9):
        if at + byte_at >= len(data):
            raise DataError("a histogram's counts are truncated", hint=_HINT)
        byte = data[at + byte_at]
        if byte_at == 8:
            return value | byte << 56, at + 9
        value |= (byte & 0x7F) << (7 * byte_at)
        if byte < 0x80:
            return value, at + byte_at + 1
    raise AssertionError  # the ninth byte always returns


class LogInterval(NamedTuple):
    """A line of an interval log."""

    tag: str
    start_s: float
    """Seconds since the log's start."""
    seconds: float
    histogram: Histogram


def write_log(intervals: Sequence[LogInterval], started_epoch: float, unit: str = "ns") -> str:
    """Return the text of an `.hlog`, `Interval_Max` in milliseconds.

    Args:
        intervals: in order of their starts.
        started_epoch: seconds since 1970 of the log's start.
        unit: what the histograms' values are in, of `UNITS`; told in a comment.

    Raises:
        DataError: a tag holds a comma, a blank, or nothing but blanks.
    """
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[Values are in {unit}]",
        f"#[StartTime: {started_epoch:.3f} (seconds since epoch), {_utc(started_epoch)}]",
        f"#[BaseTime: {started_epoch:.3f} (seconds since epoch)]",
        LEGEND,
    ]
    for interval in intervals:
        if interval.tag and not _TAG.fullmatch(interval.tag):
            raise DataError(f"{interval.tag[:80]!r} cannot be a tag of a histogram log", hint="use a plain name")
        tag = f"Tag={interval.tag}," if interval.tag else ""
        most = interval.histogram.maximum * UNITS[unit] / 1e6 if interval.histogram.total else 0.0
        text = base64.b64encode(encode(interval.histogram)).decode()
        lines.append(f"{tag}{interval.start_s:.3f},{interval.seconds:.3f},{most:.3f},{text}")
    return "\n".join(lines) + "\n"


def log_unit(text: str) -> str:
    """Return the unit that `write_log` told in a log, or empty where the log is not ours."""
    found = next((m for line in text.splitlines()[:20] if (m := _UNIT_LINE.fullmatch(line.strip()))), None)
    return found[1] if found else ""


def _utc(epoch: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")


@dataclass(slots=True)
class _Clock:
    """The log's times: starts of intervals become seconds since `start`."""

    start: float | None = None
    base: float | None = None

    def seconds(self, stamp: float) -> float:
        """Return the start of an interval, as HdrHistogram's own reader finds it."""
        if self.start is None:
            self.start = stamp
        if self.base is None:
            self.base = self.start if stamp < self.start - _YEAR else 0.0
        return stamp + self.base - self.start


def read_log(text: str) -> list[LogInterval]:
    """Return the intervals of an `.hlog` of any version that holds V2 histograms.

    Comments and the legend are passed over; any other line must be an interval. Stamps may be absolute or relative to
    `BaseTime`, which is guessed where it is missing as HdrHistogram's reader does.

    Raises:
        DataError: a line is not an interval, a histogram is damaged, or there are too many.
    """
    clock, budget = _Clock(), _Budget(MAX_INTERVALS, MAX_HELD, MAX_LOG_COUNT_BYTES)
    found: list[LogInterval] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if stamp := _STARTED.match(line):
            value = _finite(stamp[2], number)
            clock.start, clock.base = (value, clock.base) if stamp[1] == "StartTime" else (clock.start, value)
        if not line.strip() or line.startswith(("#", '"StartTimestamp"')):
            continue
        match = _INTERVAL.fullmatch(line.strip())
        if match is None:
            raise DataError(f"line {number} is not an interval of a histogram log", hint=_HINT)
        try:
            histogram = budget.decode(match[5])
        except binascii.Error:
            raise DataError(f"line {number}: the histogram is not base64", hint=_HINT) from None
        except DataError as error:
            raise DataError(f"line {number}: {error.message}", hint=error.hint) from None
        start = clock.seconds(_finite(match[2], number))
        found.append(LogInterval(match[1] or "", start, _finite(match[3], number), histogram))
    return found


@dataclass(slots=True)
class _Budget:
    """What a log may hold, so that a small hostile file cannot take hours or all memory."""

    intervals: int
    held: int
    unpacked: int

    def decode(self, text: str) -> Histogram:
        """Decode the next interval's histogram."""
        counts, layout = _unwrapped(base64.b64decode(text, validate=True))
        self.intervals -= 1
        self.unpacked -= len(counts)
        if min(self.intervals, self.held, self.unpacked) < 0:
            raise DataError("the histogram log has too many intervals", hint="merge them first")
        histogram = _counted(counts, layout)
        self.held -= len(histogram.places)
        return histogram


def _finite(text: str, number: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"line {number}: {text!r} is not a number", hint=_HINT)
    return value
