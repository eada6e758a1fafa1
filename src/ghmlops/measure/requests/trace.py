"""Reads a recording of real arrivals (access log, CSV, JSONL or Parquet) as the times of its requests.

The gaps of the recording are preserved. A server writes a line of its access log when a request ends, so that the lines
are slightly out of order: timestamps are sorted, and the number of late ones is reported. If every timestamp is a whole
second, the requests of a second are spread evenly over it and a note states this, because the file does not contain
their times within the second.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.requests.timestamps import TimestampParser, format_timestamp
from ghmlops.measure.requests.trace_checks import SECOND, check_clock, check_origin, truncate
from ghmlops.measure.requests.trace_demand import read_demand
from ghmlops.measure.requests.trace_formats import READERS, detect_format
from ghmlops.measure.requests.trace_source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import Trace
    from ghmlops.measure.requests.trace_source import Stamps

    Floats = NDArray[np.float64]
    Micros = NDArray[np.int64]

MAX_STAMPS = 5_000_000
"""Maximum number of requests that are read from a file, before it is truncated at the duration."""
MAX_UNREADABLE = 0.01
"""Maximum fraction of the lines that may be unreadable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalTrace:
    """The requests of a recording that are to be sent.

    Attributes:
        times: Seconds since the first request, ascending, at the speed of the recording, shape (n,), n >= 2.
        skipped: For each reason, the number of unreadable lines and the line number of the first.
        out_of_order: Number of requests that follow a later one in the file.
        fingerprint: `sha256:<hex>` of the file.
        first: Time of the first request that is sent, in ISO 8601.
        last: Time of the last request that is sent, in ISO 8601.
        notes: Facts about the recording that affect how the result is read, one sentence each.
    """

    times: Floats
    skipped: dict[str, tuple[int, int]]
    out_of_order: int
    fingerprint: str
    first: str
    last: str
    notes: tuple[str, ...]


def read_trace(path: Path, display_name: str, trace: Trace, duration: float = 0.0) -> ArrivalTrace:
    """Read a recording.

    Args:
        path: The file.
        display_name: Human-readable name of the file for messages.
        trace: Format, name of the column of timestamps, and speed.
        duration: Maximum run time in seconds; 0 for the entire recording.

    Raises:
        DataError: The file is missing, empty, truncated or of an unsupported format; it lacks the column;
            more than 1 % of its lines are unreadable; it has fewer than two requests, or a pause of more than a day.
        PolicyError: The run would have more requests or seconds than the maximum, or fewer than two requests.
    """
    try:
        if not path.is_file():
            problem = "is not a regular file" if path.exists() else "no such file"
            raise DataError(f"{display_name}: {problem}", hint="name the recording in `latency.arrivals.replay.file`")
        kind = trace.format or detect_format(path, display_name)
        parser = TimestampParser(_time_zone(trace.zone))
        skipped: dict[str, tuple[int, int]] = {}
        if kind == "demand":
            limit = duration * trace.speed
            stamps = read_demand(path, display_name, trace.share, limit=limit, most=MAX_STAMPS)
        else:
            source = Source(path=path, display_name=display_name, time=trace.time, parser=parser)
            stamps, skipped = _collect(READERS[kind](source), source)
        digest = fingerprint(path)
    except OSError as error:
        raise DataError(f"{display_name}: {error.strerror}", hint="check the path and its permissions") from None
    micros = np.frombuffer(stamps, np.int64)
    late = int((micros < np.maximum.accumulate(micros)).sum())
    micros, spread = _spread(np.sort(micros))
    micros = truncate(micros, display_name, trace.speed, duration)
    if parser.clock.assumed:
        check_clock(micros, display_name)
    if parser.relative:
        check_origin(micros, display_name)
    return ArrivalTrace(
        times=(micros - micros[0]) / SECOND,
        skipped=skipped,
        out_of_order=late,
        fingerprint=digest,
        first=format_timestamp(int(micros[0])),
        last=format_timestamp(int(micros[-1])),
        notes=(*_notes(skipped, late, spread=spread), *_assumptions(parser)),
    )


def _time_zone(name: str) -> tzinfo | None:
    """Return the time zone of the policy's `zone`; `None` if it is empty.

    Raises:
        PolicyError: There is no such time zone.
    """
    if not name:
        return None
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PolicyError(
            f"`latency.arrivals.replay.zone`: {name[:60]!r} is not a known time zone",
            hint="use a name of the tz database such as `Europe/Berlin`, or `UTC`",
        ) from None


def _collect(lines: Stamps, source: Source) -> tuple[array[int], dict[str, tuple[int, int]]]:
    """Collect the timestamps, and for each reason the number of unreadable lines and the first of them."""
    display_name = source.display_name
    stamps: array[int] = array("q")
    skipped: dict[str, tuple[int, int]] = {}
    unreadable = 0
    for line, value in lines:
        if isinstance(value, int):
            stamps.append(value)
            if len(stamps) > MAX_STAMPS:
                raise DataError(
                    f"{display_name}: more than {MAX_STAMPS:,} requests", hint="extract the part to be replayed"
                )
            continue
        count, first = skipped.get(value, (0, line))
        skipped[value] = (count + 1, first)
        unreadable += 1
        if unreadable > MAX_UNREADABLE * MAX_STAMPS:  # No number of readable lines could make up for them.
            break
    if unreadable > MAX_UNREADABLE * (unreadable + len(stamps)):
        raise DataError(
            f"{display_name}: {unreadable:,} of {unreadable + len(stamps):,} lines are unreadable "
            f"({_format_reasons(skipped, source.examples)})",
            hint="fix or remove them, or correct `format` and `time`",
        )
    if len(stamps) < 2:
        problem = "contains a single request" if stamps else "the recording is empty"
        raise DataError(f"{display_name}: {problem}", hint="a replay needs at least two requests")
    return stamps, skipped


def _spread(micros: Micros) -> tuple[Micros, bool]:
    """Spread the requests of each second evenly over it, if all timestamps are whole seconds and some are equal."""
    seconds, starts, counts = np.unique(micros, return_index=True, return_counts=True)
    if counts.max() == 1 or bool((seconds % SECOND).any()):
        return micros, False
    rank = np.arange(len(micros)) - np.repeat(starts, counts)
    return micros + rank * SECOND // np.repeat(counts, counts), True


def _assumptions(parser: TimestampParser) -> Iterator[str]:
    if parser.clock.assumed:
        yield "The times of the recording state no time zone and were read as UTC."
    if parser.relative:
        yield "The times of the recording are numbers of seconds since an arbitrary origin."


def _notes(skipped: dict[str, tuple[int, int]], late: int, *, spread: bool) -> Iterator[str]:
    if spread:
        yield (
            "The recording contains whole seconds only: the requests of each second are spread evenly over it, "
            "so bursts within a second are not replayed."
        )
    if late:
        yield f"{late:,} requests of the recording were out of order and were sorted."
    if skipped:
        count = sum(n for n, _ in skipped.values())
        yield f"{count:,} unreadable lines of the recording were skipped ({_format_reasons(skipped)})."


def _format_reasons(skipped: dict[str, tuple[int, int]], examples: dict[str, str] | None = None) -> str:
    values = {reason: f" (the value {value})" for reason, value in (examples or {}).items()}
    return ", ".join(
        f"{reason}: {count:,}, first in line {line}{values.get(reason, '')}"
        for reason, (count, line) in skipped.items()
    )
