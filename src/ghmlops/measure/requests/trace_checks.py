"""Truncates a recording at the duration of the run, and refuses one whose times cannot be those of one period."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.measure.load.load import MAX_REQUESTS, MAX_SECONDS
from ghmlops.measure.requests.timestamps import format_timestamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Micros = NDArray[np.int64]

SECOND = 1_000_000
"""Microseconds."""
_DAY = 86_400 * SECOND
_SERIAL_DAYS = (32_874, 73_051)
"""Days since 1900 by which spreadsheets write the years 1990 to 2100."""
_MAX_SERIAL_SPAN = 60
"""Length in seconds below which such numbers are doubtful: as days, a recording spans little more than one."""


def truncate(micros: Micros, display_name: str, speed: float, duration: float) -> Micros:
    """Return the timestamps of the requests that are sent within `duration` seconds of the run, and check them."""
    with np.errstate(over="ignore"):  # With a speed close to 0 the times are infinite, and above the maximum.
        send_times = (micros - micros[0]) / SECOND / speed
    if duration:
        send_times = send_times[send_times < duration]
        micros = micros[: len(send_times)]
    _check_gaps(micros, display_name)
    if send_times[-1] > MAX_SECONDS:
        min_speed = math.ceil((micros[-1] - micros[0]) / SECOND / MAX_SECONDS * 100) / 100
        raise PolicyError(
            f"`latency.arrivals`: {display_name} takes {send_times[-1]:,.0f} s at speed {speed:g}, more than the "
            f"maximum of {MAX_SECONDS:,.0f} s",
            hint=f"set `speed` to {min_speed:g} or more, or `duration` to {MAX_SECONDS:.0f}s or less",
        )
    if len(micros) > MAX_REQUESTS:
        max_duration = math.floor(send_times[MAX_REQUESTS])
        fix = f"set `duration` to {max_duration}s or less" if max_duration else "extract a part of the file"
        raise PolicyError(
            f"`latency.arrivals`: {display_name} contains {len(micros):,} requests, more than the maximum of "
            f"{MAX_REQUESTS:,}",
            hint=fix,
        )
    return micros


def _check_gaps(micros: Micros, display_name: str) -> None:
    if len(micros) < 2:
        raise PolicyError(
            f"`latency.arrivals`: only one request of {display_name} is within `duration`",
            hint="increase `duration` or `speed`",
        )
    if micros[-1] == micros[0]:
        raise DataError(
            f"{display_name}: all {len(micros):,} requests have the same time", hint="a recording needs gaps"
        )
    gap = int(np.diff(micros).argmax())
    if micros[gap + 1] - micros[gap] > _DAY:
        start, end = (format_timestamp(int(micros[index])) for index in (gap, gap + 1))
        raise DataError(
            f"{display_name}: no request between {start} and {end}, more than a day",
            hint="a replay is one period of time: remove stray lines, or extract the period",
        )


def check_clock(micros: Micros, display_name: str) -> None:
    """Refuse times without a zone between which the clock may have been set forward.

    Clocks are set forward at a full hour, by one hour: the recording then lacks one hour of the clock entirely.
    """
    hour = 3600 * SECOND
    begins = -(-micros[:-1] // hour) * hour
    gaps = np.flatnonzero((micros[1:] >= begins + hour) & (np.diff(micros) < 2 * hour))
    if len(gaps):
        start, end = (format_timestamp(int(micros[gaps[0] + k]))[:19] for k in (0, 1))
        raise DataError(
            f"{display_name}: no request between {start} and {end}, and the times state no zone: either nothing was "
            "sent, or the clock was set forward by an hour",
            hint="set `zone`, for example `Europe/Berlin`, or `UTC` if the times are in UTC",
        )


def check_origin(micros: Micros, display_name: str) -> None:
    """Refuse numbers that a spreadsheet may have written: days since 1900 instead of seconds."""
    first, last = (int(m) / SECOND for m in (micros[0], micros[-1]))
    if _SERIAL_DAYS[0] <= first and last < _SERIAL_DAYS[1] and last - first < _MAX_SERIAL_SPAN:
        raise DataError(
            f"{display_name}: the numbers from {first:.10g} to {last:.10g} may be the days of a spreadsheet",
            hint="write seconds since 1970; if they are seconds since an arbitrary origin, subtract the first one",
        )
