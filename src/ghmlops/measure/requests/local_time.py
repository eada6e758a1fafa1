"""Converts times without a time zone: a change of the clocks must not add an hour to a recording or remove one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

MAX_DISORDER = 300_000_000
"""Microseconds by which a line without a time zone may precede an earlier line. Clocks are set back by 30 minutes or
more, so that a log with a request every 25 minutes shows it; it is less out of order for being written at the end of
each request."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RefusedTimestampError(ValueError):
    """A value that puts the entire recording in doubt, as opposed to a line that is unreadable by itself."""


class LocalClock:
    """The clock of a recording whose times state no time zone.

    Without a `zone` the times are read as UTC, and a jump of the clock is refused. With one, an hour that occurs twice
    is resolved by the order of the lines.

    Attributes:
        zone: The time zone that the user named.
        assumed: Whether times without a zone were read although the user named none.
    """

    __slots__ = ("_latest", "_repeated", "_second_pass", "_stated", "assumed", "zone")

    def __init__(self, zone: tzinfo | None) -> None:
        self.zone = zone
        self.assumed = False
        self._stated: bool | None = None
        self._latest = 0
        self._repeated: int | None = None
        self._second_pass = False

    def require_zone(self, *, stated: bool) -> None:
        """Check that either all times of the recording state their zone or none does.

        Raises:
            RefusedTimestampError: This time differs from the first one.
        """
        if self._stated is None:
            self._stated = stated
        if self._stated is not stated:
            problem = "states a time zone" if stated else "states no time zone"
            raise RefusedTimestampError(f"the time {problem}, unlike those above")

    def to_utc(self, local: int) -> int:
        """Return microseconds since 1970 in UTC of a local time, given in microseconds as if it was UTC.

        Raises:
            RefusedTimestampError: The clock was set back or forward, or the zone does not have this time.
        """
        utc = self._assume_utc(local) if self.zone is None else self._convert(local, self.zone)
        self._latest = max(self._latest, utc)
        return utc

    def _assume_utc(self, local: int) -> int:
        self.assumed = True
        if local < self._latest - MAX_DISORDER:
            minutes = (self._latest - local) / 60_000_000
            raise RefusedTimestampError(
                f"the time {_format(local)} is {minutes:,.0f} minutes before a line above it: the file is out of "
                "order, or the clock was set back, which a time without a zone does not tell"
            )
        return local

    def _convert(self, local: int, zone: tzinfo) -> int:
        time = (_EPOCH + local * _MICROSECOND).replace(tzinfo=zone)
        first, second = (time.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        if first.astimezone(zone).replace(tzinfo=None) != time.replace(tzinfo=None):
            raise RefusedTimestampError(f"the time {_format(local)} does not exist in {zone}: clocks were set forward")
        utc = (first - _EPOCH) // _MICROSECOND
        if first == second:
            if self._repeated is not None and not self._second_pass and utc > self._repeated:
                self._refuse_repeated(local, zone)
            return utc
        if not self._latest:
            self._refuse_repeated(local, zone)
        later = (second - _EPOCH) // _MICROSECOND
        if abs(later - self._latest) < abs(utc - self._latest):  # The pass of the hour that is closer to the last line.
            self._second_pass = True
            return later
        self._repeated = utc
        return utc

    @staticmethod
    def _refuse_repeated(local: int, zone: tzinfo) -> None:
        raise RefusedTimestampError(
            f"the clocks of {zone} were set back near {_format(local)}, and the file contains the repeated hour once: "
            "it does not tell which one"
        )


def _format(microseconds: int) -> str:
    return (_EPOCH + microseconds * _MICROSECOND).replace(tzinfo=None).isoformat()
