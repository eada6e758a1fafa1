"""One request and its answer at a time, HTTP/1.1: what a connection does with the bytes, however they come."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from ghmlops.core.latency.answers import Kind
from ghmlops.measure.load.checks import SHOWN
from ghmlops.measure.load.stream import CUTTERS, ChunkCutter, EventCutter

if TYPE_CHECKING:
    from ghmlops.measure.load.arm import Arm

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of one answer; a longer one is a failure, so that an endless body ends."""
NOTHING = -1
"""Index of a connection that carries no request."""
_SPENT = HttpResponseParser(object())
_TOLD = {b"retry-after", b"content-length", b"transfer-encoding"}


class Exchange:
    """A connection of an arm, without its socket. `index` is the request that it carries, or `NOTHING`.

    Attributes:
        unsent: a part of the request is still to be written.
    """

    __slots__ = (
        "_arm", "_begin", "_body", "_cutter", "_ended", "_head", "_headers", "_keep", "_now", "_parser", "_received",
        "_served", "_status", "index", "unsent",
    )  # fmt: skip

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._served = self.unsent = False
        self._now = 0.0
        self._parser = HttpResponseParser(self)
        self._rest()

    def _rest(self) -> None:
        """Be ready for the next request."""
        self.index = NOTHING
        self._received = self._ended = self._status = 0
        self._keep = True
        self._head = self._begin = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._cutter: EventCutter | ChunkCutter | None = None

    def send(self, index: int) -> None:
        """Send request `index` now."""
        raise NotImplementedError

    def _close(self) -> None:
        """Close the socket; may be called twice."""
        raise NotImplementedError

    def _free(self) -> None:
        """Be there for the next request."""
        self._arm.released(self)

    def take(self, data: bytes | bytearray, size: int, now: float) -> None:
        """Take a piece of the answer: the first `size` bytes of `data`, read at `now`."""
        index, arm = self.index, self._arm
        if index < 0:  # bytes that nobody asked for
            self.drop()
            return
        if not self._received and not self.unsent:
            shape = arm.shapes[arm.endpoint[index]]
            if shape is not None and shape.takes(data, size):
                self._served = True
                arm.good(index, now, shape.status)
                self.index = NOTHING
                self._free()
                return
        if not self._received:
            arm.first[index] = now
        self._parse(bytes(memoryview(data)[:size]), now)

    def _parse(self, data: bytes, now: float) -> None:
        whole = not self._received
        if whole:
            self._head = data[: 4 * SHOWN]
        self._received += len(data)
        self._now = now
        try:
            self._parser.feed_data(data)
        except HttpParserCallbackError as error:  # a bug of this file, not of the service
            raise (error.__context__ or error) from None
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(Kind.GARBAGE, f"{error}: {self._shown()}")
            return
        if self._ended:
            self._finish(now, data if whole else b"")
        elif self._received > MAX_ANSWER:
            self._fail(Kind.TOO_LARGE, f"more than {MAX_ANSWER} bytes: {self._shown()}")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what tells the end of the answer, and when to come again; called by the parser."""
        lowered = name.lower()
        if lowered in _TOLD:
            self._headers[lowered] = value

    def on_headers_complete(self) -> None:
        """Note the status; called by the parser. Interim answers (1xx) are passed over."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers.clear()
        elif not self._status:
            self._status = status
            if self._arm.stream and 200 <= status < 300:
                index, arm = self.index, self._arm
                self._cutter = CUTTERS[arm.stream](lambda: arm.tokens.token(index, self._now))

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; called by the parser."""
        if self._ended:  # of a second answer, which nobody asked for
            return
        if not self._begin:
            self._begin = body[: 2 * SHOWN]
        if self._cutter is not None:
            self._cutter.body(body)
        if self._arm.check(self.index).asks:
            self._body.append(body)

    def on_chunk_complete(self) -> None:
        """Note the end of a chunk; called by the parser."""
        if self._cutter is not None and not self._ended:
            self._cutter.chunk_done()

    def on_message_complete(self) -> None:
        """Note the end of an answer; called by the parser."""
        if self._parser.get_status_code() >= 200:
            self._ended += 1
            self._keep = self._parser.should_keep_alive()

    def _finish(self, now: float, whole: bytes = b"") -> None:
        """End the request with the answer that has come; `whole` is all of it, if it came in one piece."""
        arm, index, status = self._arm, self.index, self._status
        kind, example = self._judged()
        reuse = self._keep and self._ended == 1 and not self.unsent
        if kind is Kind.OK and whole and reuse and not arm.stream:
            arm.learn(index, whole, status)
        self._rest()
        self._served = True
        arm.finish(index, now, kind, status, example)
        if reuse:
            self._free()
        else:
            self.drop()

    def _judged(self) -> tuple[Kind, str]:
        check = self._arm.check(self.index)
        kind, example = check.status(self._status, self._headers.get(b"retry-after", b"").decode("latin-1"))
        if kind is not Kind.OK:
            return kind, example + self._shown()
        if self._cutter is not None and not self._cutter.complete:
            return Kind.CLOSED, f"the stream ended before it was complete: {self._shown()}"
        missed = check.body(b"".join(self._body))
        if not missed and self._arm.stream and not self._arm.tokens.count[self.index]:
            missed = f"no token in the stream: {self._shown()}"
        return (Kind.CHECK, missed) if missed else (kind, "")

    def _fail(self, kind: Kind, example: str) -> None:
        index, self.index = self.index, NOTHING
        if index >= 0:
            self._arm.finish(index, monotonic(), kind, 0, example)
        self.drop()

    def time_out(self, limit: float) -> None:
        """Give up on the request that is being carried."""
        done = f", after {self._received} bytes of the answer" if self._received else ", no byte of an answer"
        self._fail(Kind.TIMEOUT, f"not done {limit:g} s after its scheduled send{done}")

    def not_written(self, index: int, error: OSError) -> None:
        """A connection that served before was closed while it rested: no byte left, so the request goes elsewhere."""
        if self._served:
            self.index = NOTHING
            self._arm.handed_back(index)
            self.drop()
        else:
            self._fail(Kind.RESET, f"{error.strerror} while the request was written")

    def closed(self, error: Exception | None) -> None:
        """The service closed the connection, or it was cut by `error`: account for the request that it carried."""
        if self.index >= 0:
            if error is not None:
                self._fail(Kind.RESET, str(error) or type(error).__name__)
            elif self._status and not self._headers.keys() & {b"content-length", b"transfer-encoding"}:
                self._ended_by_close()
            elif self._received:
                self._fail(Kind.CLOSED, f"after {self._received} bytes of an answer: {self._shown()}")
            else:
                self._fail(Kind.CLOSED, "before any byte of an answer")
        self.drop()

    def _ended_by_close(self) -> None:
        """An answer with neither length nor chunks ends where the connection does; a stream must also say so."""
        self._keep = False
        self._ended = 1
        if isinstance(self._cutter, EventCutter) and not self._cutter.ended:
            self._fail(Kind.CLOSED, f"the stream was cut after {self._received} bytes: {self._shown()}")
        else:
            self._finish(monotonic())

    def drop(self) -> None:
        """Close for good; may be called twice."""
        self._parser = _SPENT  # parser and connection name each other, and nothing is collected now
        self._head = self._begin = b""
        self._cutter = None
        self._body.clear()
        self._close()
        self._arm.dropped(self)

    def _shown(self) -> str:
        """Return the status line and the begin of the body for people; headers are left out, they may hold secrets."""
        first = self._head.partition(b"\r\n")[0]
        return (first[:80] + b" " + self._begin[:SHOWN]).decode("utf-8", "replace").strip()
