"""Parses the timestamps of recordings into whole microseconds since 1970, or since the zero of the recording."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

LATEST = 10**17
"""Upper bound in microseconds since 1970 (the year 5138); a later timestamp is damaged data."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_LOG = re.compile(rb"\S+ \S+ [^\[]*\[((\d{2})/([A-Z][a-z]{2})/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})([0-5]\d))\] ")
_UNITS = ((1e11, 1_000_000.0), (1e14, 1_000.0), (1e17, 1.0), (1e20, 0.001))
"""(upper bound of the numbers in this unit, microseconds per unit): seconds, ms, us and ns since 1970."""


class TimestampParser:
    """Parses the timestamps of one recording, whose numbers all have the unit of the first one.

    Each method raises ValueError; its message is one of a few fixed reasons, so that unreadable lines can be counted by
    reason.
    """

    __slots__ = ("_last", "_unit")

    def __init__(self) -> None:
        self._unit: int | None = None
        self._last: tuple[bytes, int] = (b"", 0)

    def log_line(self, line: bytes) -> int:
        """Return the timestamp of a line of an access log in common or combined format.

        Raises:
            ValueError: The line is not a line of an access log, or its date does not exist.
        """
        match = _LOG.match(line)
        if not match:
            raise ValueError("not a line of an access log")
        if match[1] != self._last[0]:  # Consecutive lines often have the same second: parse it once.
            self._last = (match[1], self._parse_log(match))
        return self._last[1]

    @staticmethod
    def _parse_log(match: re.Match[bytes]) -> int:
        day, year, hour, minute, second = (int(match[k]) for k in (2, 4, 5, 6, 7))
        sign = -1 if match[8].startswith(b"-") else 1
        offset = timedelta(hours=int(match[8]), minutes=sign * int(match[9]))
        try:
            time = datetime(year, _MONTHS[match[3]], day, hour, minute, second, tzinfo=timezone(offset))
        except (KeyError, ValueError):
            raise ValueError("no such date or time") from None
        return _microseconds(time)

    def value(self, value: object) -> int:
        """Return the timestamp of a number or a text.

        A number is a time since 1970, whose unit follows from its magnitude. A text is such a number, or ISO 8601;
        without a time zone it is UTC.

        Raises:
            ValueError: The value is not a timestamp, or has a different unit from the first one.
        """
        if isinstance(value, str):
            return self._text(value.strip())
        if value is None:
            raise ValueError("null")
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return self._number(value)
        raise ValueError("neither text nor a number")

    def _text(self, text: str) -> int:
        if not text:
            raise ValueError("empty")
        try:
            number = int(text) if text.isdecimal() and len(text) < 30 else float(text)
        except ValueError:
            return _parse_iso(text)
        return self._number(number)

    def _number(self, number: float | Decimal) -> int:
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        if number < 0:
            raise ValueError("negative")
        unit = next((index for index, (bound, _) in enumerate(_UNITS) if number < bound), None)
        if unit is None:
            raise ValueError("too large a number")
        if self._unit is None:
            self._unit = unit
        if unit != self._unit:
            raise ValueError("a number of another unit than the first")
        factor = _UNITS[unit][1]
        if isinstance(number, int) and factor < 1:  # A float cannot represent nanoseconds since 1970 exactly.
            return number // 1000
        return round(float(number) * factor)


def format_timestamp(microseconds: int) -> str:
    """Format a timestamp as ISO 8601 in UTC."""
    return (_EPOCH + microseconds * _MICROSECOND).isoformat()


def _parse_iso(text: str) -> int:
    if ":" not in text and "T" not in text:
        raise ValueError("not a time")
    try:
        time = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        raise ValueError("not a time") from None
    return _microseconds(time if time.tzinfo else time.replace(tzinfo=UTC))


def _microseconds(time: datetime) -> int:
    microseconds = (time - _EPOCH) // _MICROSECOND
    if microseconds < 0:
        raise ValueError("before 1970")
    return microseconds
