"""Parses the lines of access logs: common and combined, W3C extended (also of CloudFront), AWS ALB, and Envoy.

Each parser is called with one line after another; it returns a timestamp, or `None` for a line that is a directive.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ghmlops.measure.requests.local_time import RefusedTimestampError

if TYPE_CHECKING:
    from ghmlops.measure.requests.timestamps import TimestampParser

_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_COMMON = re.compile(
    rb"\S+ \S+ [^\[]*\["
    rb"((\d{2})/([A-Z][a-z]{2})/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))? ([+-]\d{2})([0-5]\d))\] "
)
_ENVOY = re.compile(rb'\[(\d{4}-\d{2}-\d{2}T[0-9:.]{5,25}Z)\] "')
_ALB = re.compile(rb"(?:https?|h2|grpcs|wss?) \d{4}-\d{2}-\d{2}T[0-9:.]{5,25}Z \S+ \S+:\d+ ")
_ALB_FIELD = re.compile(rb'"[^"]*"|\S+')
_ALB_REQUEST_TIME = 21
"""Index of the field `request_creation_time`; the field `time` is that of the response."""


class CommonLog:
    """Lines in common or combined format."""

    def __init__(self, parser: TimestampParser, _time: str) -> None:
        self._parser = parser
        self._last: tuple[bytes, int] = (b"", 0)

    @staticmethod
    def recognises(line: bytes) -> bool:
        """Return whether the line has this format."""
        return _COMMON.match(line) is not None

    def parse(self, line: bytes) -> int:
        """Return the timestamp of a line.

        Raises:
            ValueError: The line is not a line of an access log, or its date does not exist.
        """
        match = _COMMON.match(line)
        if not match:
            raise ValueError("not a line of an access log")
        if match[1] != self._last[0]:  # Consecutive lines often have the same second: parse it once.
            self._last = (match[1], self._parser.moment(self._date(match)))
        return self._last[1]

    @staticmethod
    def _date(match: re.Match[bytes]) -> datetime:
        day, year, hour, minute, second = (int(match[k]) for k in (2, 4, 5, 6, 7))
        sign = -1 if match[9].startswith(b"-") else 1
        offset = timedelta(hours=int(match[9]), minutes=sign * int(match[10]))
        micro = int((match[8] or b"0").ljust(6, b"0")[:6])
        try:
            return datetime(year, _MONTHS[match[3]], day, hour, minute, second, micro, tzinfo=timezone(offset))
        except (KeyError, ValueError):
            raise ValueError("no such date or time") from None


class W3CLog:
    """Lines of the W3C extended format, whose directive `#Fields:` names the fields; its times are in UTC."""

    def __init__(self, parser: TimestampParser, time: str) -> None:
        self._parser, self._time = parser, time
        self._fields: list[str] = []

    @staticmethod
    def recognises(line: bytes) -> bool:
        """Return whether the line is a directive of this format."""
        return line.startswith((b"#Version:", b"#Fields:", b"#Software:", b"#Date:", b"#Start-Date:"))

    def parse(self, line: bytes) -> int | None:
        """Return the timestamp of a line; `None` for a directive.

        Raises:
            ValueError: The line has another number of fields than its directive, or no valid time.
            RefusedTimestampError: There is no directive, or it has neither the fields `date` and `time` nor the one
                that the policy names.
        """
        text = line.decode("utf-8", "replace")
        if text.startswith("#"):
            if text.startswith("#Fields:"):
                self._fields = text.removeprefix("#Fields:").split()
                self._check_fields()
            return None
        if not self._fields:
            raise RefusedTimestampError("no directive `#Fields:` precedes the first line")
        values = text.split("\t") if "\t" in text else text.split()
        if len(values) != len(self._fields):
            raise ValueError("not as many fields as `#Fields:`")
        if self._time in self._fields and self._time != "time":
            return self._parser.value(values[self._fields.index(self._time)])
        day, time = (values[self._fields.index(name)] for name in ("date", "time"))
        try:
            moment = datetime.fromisoformat(f"{day}T{time}")
        except ValueError:
            raise ValueError("not a time") from None
        return self._parser.moment(moment.replace(tzinfo=UTC))

    def _check_fields(self) -> None:
        if self._time in self._fields and self._time != "time":
            return
        for name in ("date", "time") if self._time == "time" else (self._time,):
            if self._fields.count(name) != 1:
                raise RefusedTimestampError(f"the directive `#Fields:` does not contain `{name}` exactly once")


class AlbLog:
    """Lines of an Application Load Balancer of AWS; the time is the one at which it received the request."""

    def __init__(self, parser: TimestampParser, _time: str) -> None:
        self._parser = parser

    @staticmethod
    def recognises(line: bytes) -> bool:
        """Return whether the line has this format."""
        return _ALB.match(line) is not None

    def parse(self, line: bytes) -> int:
        """Return the timestamp of a line.

        Raises:
            ValueError: The line is not of this format, or lacks the time of the request.
        """
        fields = _ALB_FIELD.findall(line) if _ALB.match(line) else []
        if len(fields) <= _ALB_REQUEST_TIME:
            raise ValueError("not a line of an ALB log with `request_creation_time`")
        return self._parser.value(fields[_ALB_REQUEST_TIME].decode("utf-8", "replace"))


class EnvoyLog:
    """Lines of Envoy's default text format, which begin with the time at which the request started."""

    def __init__(self, parser: TimestampParser, _time: str) -> None:
        self._parser = parser

    @staticmethod
    def recognises(line: bytes) -> bool:
        """Return whether the line has this format."""
        return _ENVOY.match(line) is not None

    def parse(self, line: bytes) -> int:
        """Return the timestamp of a line.

        Raises:
            ValueError: The line is not of this format.
        """
        match = _ENVOY.match(line)
        if not match:
            raise ValueError("not a line of Envoy's access log")
        return self._parser.value(match[1].decode())
