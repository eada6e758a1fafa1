"""Time stamps as recordings hold them, to whole microseconds since 1970 (or since a recording's own zero)."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

LATEST = 10**17
"""Microseconds; no stamp reaches the year 5138."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONTHS = {name: place for place, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_LOG = re.compile(rb"\S+ \S+ [^\[]*\[((\d{2})/([A-Z][a-z]{2})/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})([0-5]\d))\] ")
_SIZES = ((1e11, 1_000_000.0), (1e14, 1_000.0), (1e17, 1.0), (1e20, 0.001))
"""A number below the first is in the unit that has the second many microseconds: seconds, ms, us, ns since 1970."""


class Stamps:
    """Reads the stamps of one recording, whose numbers are all in the unit of the first one.

    Each method raises ValueError with the reason, as a kind that can be counted.
    """

    __slots__ = ("_seen", "_size")

    def __init__(self) -> None:
        self._size: int | None = None
        self._seen: tuple[bytes, int] = (b"", 0)

    def log_line(self, line: bytes) -> int:
        """Return the stamp of a line of an access log in common or combined format."""
        found = _LOG.match(line)
        if not found:
            raise ValueError("not a line of an access log")
        if found[1] != self._seen[0]:  # neighbours share their second
            self._seen = (found[1], self._log_stamp(found))
        return self._seen[1]

    @staticmethod
    def _log_stamp(found: re.Match[bytes]) -> int:
        day, year, hour, minute, second = (int(found[k]) for k in (2, 4, 5, 6, 7))
        sign = -1 if found[8].startswith(b"-") else 1
        offset = timedelta(hours=int(found[8]), minutes=sign * int(found[9]))
        try:
            stamp = datetime(year, _MONTHS[found[3]], day, hour, minute, second, tzinfo=timezone(offset))
        except (KeyError, ValueError):
            raise ValueError("no such date or time") from None
        return _micros(stamp)

    def value(self, value: object) -> int:
        """Return the stamp of a number or text: since 1970 by magnitude, or ISO 8601; without a zone it is UTC."""
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
            return _iso(text)
        return self._number(number)

    def _number(self, number: float | Decimal) -> int:
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        if number < 0:
            raise ValueError("negative")
        size = next((place for place, (below, _) in enumerate(_SIZES) if number < below), None)
        if size is None:
            raise ValueError("too large a number")
        if self._size is None:
            self._size = size
        if size != self._size:
            raise ValueError("a number of another unit than the first")
        factor = _SIZES[size][1]
        if isinstance(number, int) and factor < 1:  # nanoseconds are more than a float holds
            return number // 1000
        return round(float(number) * factor)


def show(micros: int) -> str:
    """Return a stamp as ISO 8601 in UTC."""
    return (_EPOCH + micros * _MICROSECOND).isoformat()


def _iso(text: str) -> int:
    if ":" not in text and "T" not in text:
        raise ValueError("not a time")
    try:
        stamp = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        raise ValueError("not a time") from None
    return _micros(stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC))


def _micros(stamp: datetime) -> int:
    micros = (stamp - _EPOCH) // _MICROSECOND
    if micros < 0:
        raise ValueError("before 1970")
    return micros
