"""Parses the timestamps of recordings into whole microseconds since 1970, or since the zero of the recording.

A number says nothing about its unit. It is accepted only if exactly one unit places it between 1990 and 2100, and all
numbers of a file must have the same unit; small numbers are seconds since an arbitrary origin. Everything else is
refused, because a wrong unit changes the rate of a replay by a factor of 1,000 or more without any other sign.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ghmlops.measure.requests.local_time import LocalClock, RefusedTimestampError

if TYPE_CHECKING:
    from datetime import tzinfo

MAX_RELATIVE = 10_000_000
"""Upper bound of a number of seconds since an arbitrary origin (116 days); a date such as 20260102 is larger."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime(1990, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime(2100, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_UNITS = ((1_000_000, 1), (1_000, 1), (1, 1), (1, 1_000))
"""Microseconds per unit, as numerator and denominator: seconds, ms, us and ns since 1970. The plausible ranges of two
units never overlap."""
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,4})?", re.ASCII)
_COMPACT = {
    8: ("%Y%m%d",),
    10: ("%Y%m%d%H", "%y%m%d%H%M"),
    12: ("%Y%m%d%H%M", "%y%m%d%H%M%S"),
    14: ("%Y%m%d%H%M%S",),
}
"""By the number of digits: dates that are written without separators."""
_AMBIGUOUS_SECONDS = 2_000_000_000
"""Seconds since 1970 (the year 2033) from which a number of ten digits can be a date such as 2026010203."""
_TICKS = 663_000_000_000_000_000
"""Nanoseconds since 1970 (the year 1991) below which a number can be a count of 100 ns since the year 1, as .NET writes
the years up to 2100."""


class TimestampParser:
    """Parses the timestamps of one recording, whose numbers all have the unit of the first one.

    Each method raises ValueError for a line without a timestamp; its message is one of a few fixed reasons, so that
    such lines can be counted by reason. It raises `RefusedTimestampError` for a value that puts the entire file in
    doubt.

    Attributes:
        relative: Whether the numbers are seconds since an arbitrary origin; `None` before the first number.
        clock: The clock of the times that state no time zone.
    """

    __slots__ = ("_last", "_plausible", "_unit", "clock", "relative")

    def __init__(self, zone: tzinfo | None = None) -> None:
        self.relative: bool | None = None
        self.clock = LocalClock(zone)
        self._unit: tuple[int, int] = (1_000_000, 1)
        self._plausible: tuple[int, int] = (0, 0)
        self._last: tuple[str, int] = ("", 0)

    def value(self, value: object) -> int:
        """Return the timestamp of a number or a text.

        A number is a time since 1970, whose unit follows from its magnitude. A text is such a number, or ISO 8601.

        Raises:
            ValueError: The value is not a timestamp.
            RefusedTimestampError: Its unit, or its hour, cannot be determined.
        """
        if isinstance(value, str):
            return self._text(value.strip())
        if value is None:
            raise ValueError("null")
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return self._number(value)
        raise ValueError("neither text nor a number")

    def moment(self, time: datetime) -> int:
        """Return the timestamp of a date and time.

        Raises:
            ValueError: It is not between 1990 and 2100.
            RefusedTimestampError: It states no time zone although others do, or its hour cannot be determined.
        """
        if time.tzinfo is None:
            return self.local((time.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND)
        return self.instant((time - _EPOCH) // _MICROSECOND)

    def instant(self, microseconds: int) -> int:
        """Return the timestamp of microseconds since 1970 in UTC; errors as `moment`."""
        self.clock.require_zone(stated=True)
        return _within_range(microseconds)

    def local(self, microseconds: int) -> int:
        """Return the timestamp of a time without a zone, given as if it was UTC; errors as `moment`."""
        self.clock.require_zone(stated=False)
        return _within_range(self.clock.to_utc(_within_range(microseconds)))

    def _text(self, text: str) -> int:
        if not text:
            raise ValueError("empty")
        if _NUMBER.fullmatch(text):
            return self._number(int(text) if text.isdecimal() else float(text))
        if text.lower() in ("nan", "inf", "-inf", "infinity", "-infinity"):
            raise ValueError("not a finite number")
        if text != self._last[0] or self.clock.zone is not None:  # Consecutive lines often have the same second.
            moment = _parse_iso(text)
            if self.relative is not None:
                raise RefusedTimestampError(f"{text[:40]!r} is a date, although the lines above contain numbers")
            self._last = (text, self.moment(moment))
        return self._last[1]

    def _number(self, number: float | Decimal) -> int:
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        if number < 0:
            raise ValueError("negative")
        if self.relative is None:
            if self._last[0]:
                raise RefusedTimestampError(f"{_spell(number)} is a number, although the lines above contain dates")
            self._detect_unit(number)
        low, high = self._plausible
        if not low <= number < high:
            _refuse(number, "of another unit than the first, or damaged")
        if not self.relative:
            _check_ambiguity(number, self._unit)
        numerator, denominator = self._unit
        if isinstance(number, int):  # A float cannot represent nanoseconds since 1970 exactly.
            return number * numerator // denominator
        return round(float(number) * numerator / denominator)

    def _detect_unit(self, number: float | Decimal) -> None:
        """Determine the unit of all numbers of the file from the first one."""
        if number < MAX_RELATIVE:
            self.relative, self._plausible = True, (0, MAX_RELATIVE)
            return
        for numerator, denominator in _UNITS:
            plausible = (_EARLIEST * denominator // numerator, _LATEST * denominator // numerator)
            if plausible[0] <= number < plausible[1]:
                self.relative, self._unit, self._plausible = False, (numerator, denominator), plausible
                return
        _refuse(number, "in no unit (s, ms, us, ns since 1970) a time between 1990 and 2100")


def _refuse(number: float | Decimal, problem: str) -> None:
    if date := _compact_date(number):
        problem = f"a date without separators ({date}), not a number of seconds"
    raise RefusedTimestampError(f"{_spell(number)} is {problem}")


def _spell(number: float | Decimal) -> str:
    return f"{number:.13g}" if isinstance(number, float) else str(number)[:40]


def _check_ambiguity(number: float | Decimal, unit: tuple[int, int]) -> None:
    if unit == (1_000_000, 1) and number >= _AMBIGUOUS_SECONDS and (date := _compact_date(number)):
        raise RefusedTimestampError(f"{_spell(number)} is a date without separators ({date}) or a time after 2033")
    if unit == (1, 1_000) and number < _TICKS:
        raise RefusedTimestampError(
            f"{_spell(number)} is a number of ticks of 100 ns since the year 1, or a time in 1990"
        )


def _compact_date(number: float | Decimal) -> str:
    """Return the date, in ISO 8601, that the digits of a whole number spell; empty if they spell none."""
    if number != int(number):
        return ""
    digits = str(int(number))
    for pattern in _COMPACT.get(len(digits), _COMPACT[14] if len(digits) > 14 else ()):
        try:
            date = datetime.strptime(digits[:14], pattern)  # noqa: DTZ007  (only shown)
        except ValueError:
            continue
        if 1990 <= date.year < 2100:
            return date.isoformat()
    return ""


def format_timestamp(microseconds: int) -> str:
    """Format a timestamp as ISO 8601 in UTC."""
    return (_EPOCH + microseconds * _MICROSECOND).isoformat()


def _parse_iso(text: str) -> datetime:
    if ":" not in text and "T" not in text:
        raise ValueError("not a time")
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" * text.endswith(" UTC"))
    except ValueError:
        raise ValueError("not a time") from None


def _within_range(microseconds: int) -> int:
    if microseconds < _EARLIEST:
        raise ValueError("before 1990")
    if microseconds >= _LATEST:
        raise ValueError("after 2100")
    return microseconds
