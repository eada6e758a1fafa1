"""Follows an access log that a router appends to, and sorts its requests by arm."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.promotion.observation import ArmTraffic, Traffic
from ghmlops.core.promotion.traffic.sessions import Role, Sessions
from ghmlops.core.promotion.weights import ARMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MAX_READ_BYTES = 64 * 1024**2
"""Bytes of one read; what is beyond comes with the next one."""
MAX_LINE_BYTES = 64 * 1024
"""Bytes of one line; a longer one is not counted as a request."""
MAX_SESSION_CHARACTERS = 128
"""Characters by which a session is recognised; clients choose them."""


class LogLine(NamedTuple):
    """One request of a log."""

    at: float
    """Arrival in seconds since the epoch."""
    server: str
    """Name of the server or arm that answered."""
    seconds: float
    """Response time."""
    failed: bool
    session: str = ""
    """Session of the client; empty if the log names none."""
    pinned: bool = False
    """Whether the router reports that a cookie routed the request, and not the weights."""
    route: str = ""
    """Backend or route of the router that the request took; empty if the log does not name it."""


class AccessLog:
    """The end of an access log: only what is appended after it was opened is read.

    Args:
        path: The file.
        parse: Parser of one line; `None` for a line that is no request.
        arms: Name of a server to its arm; requests of other servers are ignored.
        header_route: Backend or route for requests with a header, which the weights of the ladder do not route; empty:
            there is none.

    Attributes:
        unreadable: Lines so far that are no requests.
        requests: Requests of the arms so far.
        sessions: Sessions so far.

    Raises:
        DataError: There is no such file, or it cannot be read.
    """

    def __init__(
        self, path: Path, parse: Callable[[str], LogLine | None], arms: Mapping[str, str], header_route: str = ""
    ) -> None:
        self._path, self._parse, self._arms, self._header_route = path, parse, dict(arms), header_route
        self._rest = b""
        self.unreadable = self.requests = 0
        self.sessions = Sessions()
        status = self._status()
        self._file, self._offset = (status.st_dev, status.st_ino), status.st_size

    def read(self) -> Traffic:
        """Return the requests that were appended since the last call, in the order of their arrival.

        A log that was rotated or truncated is read from its new beginning. A line without its end is kept for the next
        call.

        Raises:
            DataError: The file has disappeared, or cannot be read.
        """
        status = self._status()
        if (status.st_dev, status.st_ino) != self._file or status.st_size < self._offset:
            self._file, self._offset, self._rest = (status.st_dev, status.st_ino), 0, b""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                content = stream.read(MAX_READ_BYTES)
        except OSError as error:
            raise self._error(error) from None
        self._offset += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest = self._rest[:MAX_LINE_BYTES]
        return self._traffic(lines)

    def _traffic(self, lines: list[bytes]) -> Traffic:
        requests: list[tuple[str, LogLine]] = []
        for line in lines:
            request = self._parse(line.decode(errors="replace")) if 0 < len(line) <= MAX_LINE_BYTES else None
            if request is None:
                self.unreadable += bool(line)
            elif arm := self._arms.get(request.server):
                requests.append((arm, request))
        self.requests += len(requests)
        requests.sort(key=lambda request: request[1].at)  # a router logs a request when it ends
        rows: dict[str, list[tuple[LogLine, Role]]] = defaultdict(list)
        for arm, row in requests:
            if self._header_route and row.route == self._header_route:
                role = self.sessions.add_by_header(arm, row.session, failed=row.failed)
            else:
                role = self.sessions.add(arm, row.session, failed=row.failed, pinned=row.pinned)
            rows[arm].append((row, role))
        return Traffic(**{arm: _arm_traffic(rows[arm]) for arm in ARMS if rows[arm]})

    def _status(self) -> os.stat_result:
        try:
            status = self._path.stat()
        except OSError as error:
            raise self._error(error) from None
        if not stat.S_ISREG(status.st_mode):
            raise self._error(OSError(0, "it is no regular file"))
        return status

    def _error(self, error: OSError) -> DataError:
        return DataError(
            f"the access log {self._path.name} cannot be read: {error.strerror}",
            hint="name the file that the router writes in `promote.observe.access-log`",
            reason_code="no-telemetry",
        )


def session_text(row: Mapping[str, object], key: str) -> str:
    """Return the session of a line in JSON: the text or number under a key; empty if there is none, or `-`."""
    value = row.get(key) if key else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value)[:MAX_SESSION_CHARACTERS]
    return "" if text == "-" else text


def _arm_traffic(rows: list[tuple[LogLine, Role]]) -> ArmTraffic:
    first = np.array([role.is_first for _, role in rows], dtype=bool)
    judged = np.array([role.is_judged for _, role in rows], dtype=bool)
    return ArmTraffic(
        at=np.array([row.at for row, _ in rows]),
        response=np.array([row.seconds for row, _ in rows]),
        failed=np.array([row.failed for row, _ in rows], dtype=bool),
        first=None if first.all() else first,
        judged=None if judged.all() else judged,
    )
