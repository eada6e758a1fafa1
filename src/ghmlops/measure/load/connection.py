"""One keep-alive HTTP/1.1 connection that carries one request at a time."""

from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ghmlops.core.answers import Kind

if TYPE_CHECKING:
    from ghmlops.measure.load.arm import Arm

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of one answer; a longer one is a failure, so that an endless body ends."""
NOTHING = -1
"""Index of a connection that carries no request."""
_SPENT = HttpResponseParser(object())


class Connection(asyncio.Protocol):
    """A connection of an arm. `index` is the request that it carries, or `NOTHING`."""

    __slots__ = (
        "_arm",
        "_ended",
        "_fd",
        "_head",
        "_keep",
        "_parser",
        "_received",
        "_served",
        "_status",
        "_transport",
        "index",
    )

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self.index = NOTHING
        self._received = self._ended = self._status = 0
        self._keep = True
        self._served = False
        self._head = b""
        self._parser = HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Report for work."""
        self._transport = cast("asyncio.Transport", transport)
        plain = transport.get_extra_info("sslcontext") is None
        self._fd = transport.get_extra_info("socket").fileno() if plain else -1
        self._arm.opened(self)

    def send(self, index: int) -> None:
        """Write request `index` now.

        Straight to the socket where that is possible: the loop would only write at the end of its turn, and the
        requests of one turn in no order, which would make the coin of each pair meaningless.
        """
        self.index = index
        data = self._arm.requests[index]
        self._arm.sent[index] = monotonic()
        if self._fd >= 0 and not self._transport.get_write_buffer_size():
            try:
                written = os.write(self._fd, data)
            except BlockingIOError:
                written = 0
            except OSError as error:
                self._cannot_write(index, error)
                return
            if written == len(data):
                return
            data = data[written:]
        self._transport.write(data)

    def _cannot_write(self, index: int, error: OSError) -> None:
        """A connection that served before was closed while it rested: no byte left, so the request goes elsewhere."""
        if self._served:
            self.index = NOTHING
            self._arm.handed_back(index)
            self.drop()
        else:
            self._fail(Kind.RESET, f"{error.strerror} while the request was written")

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        now = monotonic()
        index = self.index
        if index < 0:  # bytes that nobody asked for
            self.drop()
            return
        if not self._received:
            self._arm.first[index] = now
            self._head = data
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(Kind.GARBAGE, f"{error}: {_shown(self._head)}")
            return
        if self._ended:
            self._finish(now)
        elif self._received > MAX_ANSWER:
            self._fail(Kind.TOO_LARGE, f"more than {MAX_ANSWER} bytes: {_shown(self._head)}")

    def on_message_complete(self) -> None:
        """Note the end of an answer; called by the parser. Interim answers (1xx) are passed over."""
        status = self._parser.get_status_code()
        if status >= 200:
            self._status = status
            self._ended += 1
            self._keep = self._parser.should_keep_alive()

    def _finish(self, now: float) -> None:
        index, status, reuse = self.index, self._status, self._keep and self._ended == 1
        self.index = NOTHING
        self._received = self._ended = 0
        self._served = True
        if 200 <= status < 300:
            self._arm.finish(index, now, Kind.OK, status)
        else:
            self._arm.finish(index, now, Kind.STATUS, status, _shown(self._head))
        if reuse:
            self._arm.released(self)
        else:
            self.drop()

    def _fail(self, kind: Kind, example: str) -> None:
        index, self.index = self.index, NOTHING
        if index >= 0:
            self._arm.finish(index, monotonic(), kind, 0, example)
        self.drop()

    def time_out(self, limit: float) -> None:
        """Give up on the request that is being carried."""
        done = f", after {self._received} bytes of the answer" if self._received else ", no byte of an answer"
        self._fail(Kind.TIMEOUT, f"not done {limit:g} s after its scheduled send{done}")

    def eof_received(self) -> bool:
        """Stop using a connection that the service closed."""
        if self.index >= 0:
            self._closed(None)
        self.drop()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Account for the request that was being carried."""
        if self.index >= 0:
            self._closed(exc)
        self.drop()

    def _closed(self, exc: Exception | None) -> None:
        if exc is None and self._received and _ends_with_connection(self._head):
            self._status, self._keep = self._parser.get_status_code(), False
            self._ended = 1
            self._finish(monotonic())
        elif exc is not None:
            self._fail(Kind.RESET, str(exc) or type(exc).__name__)
        elif self._received:
            self._fail(Kind.CLOSED, f"after {self._received} bytes of an answer: {_shown(self._head)}")
        else:
            self._fail(Kind.CLOSED, "before any byte of an answer")

    def drop(self) -> None:
        """Close for good; may be called twice."""
        self._fd = -1
        self._head, self._parser = b"", _SPENT  # parser and connection name each other, and nothing is collected now
        self._transport.abort()
        self._arm.dropped(self)


def _ends_with_connection(head: bytes) -> bool:
    """True where an answer has neither length nor chunks, by its `head`: it ends where the connection does."""
    headers, end, _ = head.partition(b"\r\n\r\n")
    names = {line.partition(b":")[0].strip().lower() for line in headers.split(b"\r\n")[1:]}
    return bool(end) and not names & {b"content-length", b"transfer-encoding"}


def _shown(head: bytes) -> str:
    """Return the status line and the begin of the body for people; headers are left out, they may hold secrets."""
    first, _, rest = head.partition(b"\r\n")
    body = rest.partition(b"\r\n\r\n")[2]
    return (first[:80] + b" " + body[:120]).decode("utf-8", "replace").strip()
