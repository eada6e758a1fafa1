"""Exchange of one request and response at a time over HTTP/1.1, independent of how the connection reads and writes."""

from __future__ import annotations

import ssl
from time import monotonic
from typing import TYPE_CHECKING

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from ghmlops.core.latency.kind import Kind
from ghmlops.measure.load.checks import EXCERPT_BYTES
from ghmlops.measure.load.connecting.tls_errors import describe_tls_error
from ghmlops.measure.load.protocols.base import MAX_RESPONSE_BYTES, NO_REQUEST
from ghmlops.measure.load.protocols.lenient_head import MAX_HEAD_BYTES, repair
from ghmlops.measure.load.streams.event_parser import EventParser
from ghmlops.measure.load.streams.token_stream import close_stream, describe_failure, open_stream

if TYPE_CHECKING:
    from ghmlops.measure.load.protocols.base import ArmInterface
    from ghmlops.measure.load.streams.event_parser import ChunkParser

_DETACHED_PARSER = HttpResponseParser(object())
_NOT_REPEATED = " on a connection that had served before; it may have been processed, so that it was not sent again"
_USED_HEADERS = {b"retry-after", b"content-length", b"transfer-encoding", b"location"}


class Exchange:
    """A connection of an arm without its socket; a subclass reads and writes.

    Attributes:
        index: Index of the request that it carries, or `NO_REQUEST`.
        partly_sent: True while a part of the request is still to be written.
    """

    __slots__ = (
        "_arm", "_body", "_body_start", "_ends", "_has_served", "_head", "_head_start", "_headers", "_keep_alive",
        "_now", "_parser", "_received", "_refusal", "_status", "_token_parser", "index", "partly_sent",
    )  # fmt: skip

    def __init__(self, arm: ArmInterface) -> None:
        self._arm = arm
        self._has_served = self.partly_sent = False
        self._now = 0.0
        self._parser = HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        """Prepare for the next request."""
        self.index = NO_REQUEST
        self._received = self._ends = self._status = 0
        self._keep_alive = True
        self._head_start = self._body_start = self._head = b""
        self._refusal = ""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._token_parser: EventParser | ChunkParser | None = None

    def send(self, index: int) -> None:
        """Send request `index` now."""
        raise NotImplementedError

    def _close(self) -> None:
        """Close the socket; may be called twice."""
        raise NotImplementedError

    def _release(self) -> None:
        """Return to the arm, ready for the next request."""
        self._arm.release(self)

    def receive(self, data: bytes | bytearray, size: int, now: float) -> None:
        """Process a piece of the response: the first `size` bytes of `data`, which arrived at `now`."""
        index, arm = self.index, self._arm
        if index < 0:  # data without a request
            self.drop()
            return
        if not self._received and not self.partly_sent:
            shape = arm.shapes[arm.endpoint[index]]
            if shape is not None and shape.accepts(data, size):
                self._has_served = True
                arm.finish_ok(index, now, shape.status)
                self.index = NO_REQUEST
                self._release()
                return
        if not self._received:
            arm.first[index] = now
        self._parse(bytes(memoryview(data)[:size]), now)

    def _parse(self, data: bytes, now: float) -> None:
        first_piece = not self._received
        if first_piece:
            self._head_start = data[: 4 * EXCERPT_BYTES]
        self._received += len(data)
        self._now = now
        if not self._status:
            self._head = data if first_piece else self._head + data
        try:
            if self._refusal:
                self._parse_repaired(data)
            else:
                self._parser.feed_data(data)
        except HttpParserCallbackError as error:  # a bug in this class, not a fault of the service
            raise (error.__context__ or error) from None
        except HttpParserUpgrade:
            self._fail(Kind.GARBAGE, f"the service switched to another protocol: {self._excerpt()}")
            return
        except HttpParserError as error:
            if not self._repair(str(error)):
                self._fail(Kind.GARBAGE, f"{error}: {self._excerpt()}")
                return
        if self._ends:
            self._finish(now, data if first_piece else b"")
        elif self._received > MAX_RESPONSE_BYTES:
            self._fail(Kind.TOO_LARGE, f"more than {MAX_RESPONSE_BYTES} bytes: {self._excerpt()}")

    def _repair(self, refusal: str) -> bool:
        """Parse a head that the strict parser refused once more, as curl does; return whether it can be a response."""
        if self._refusal or self._status:
            return False
        self._refusal = refusal
        try:
            self._parse_repaired(b"")
        except HttpParserError:
            return False
        return True

    def _parse_repaired(self, data: bytes) -> None:
        """Parse `data` behind a repaired head; repair the head and parse it with a new parser once it is complete."""
        if self._status:
            self._parser.feed_data(data)
            return
        repaired = repair(self._head)
        if repaired is None and len(self._head) > MAX_HEAD_BYTES:
            raise HttpParserError(self._refusal)
        if repaired is not None:
            self._headers.clear()
            self._parser = HttpResponseParser(self)
            self._parser.feed_data(repaired)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store the headers that are used later; called by the parser."""
        lowered = name.lower()
        if lowered in _USED_HEADERS:
            self._headers[lowered] = value

    def on_headers_complete(self) -> None:
        """Store the status; called by the parser. Interim responses (1xx) are ignored."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers.clear()
        elif not self._status:
            self._status = status
            if self._arm.stream and 200 <= status < 300:
                self._token_parser = open_stream(self._arm, self.index, lambda: self._now)

    def on_body(self, body: bytes) -> None:
        """Process a piece of the body; called by the parser."""
        if self._ends:  # it belongs to a second, unsolicited response
            return
        if not self._body_start:
            self._body_start = body[: 2 * EXCERPT_BYTES]
        if self._token_parser is not None:
            self._token_parser.feed(body)
        if self._arm.check(self.index).reads_body:
            self._body.append(body)

    def on_chunk_complete(self) -> None:
        """End a chunk of the body; called by the parser."""
        if self._token_parser is not None and not self._ends:
            self._token_parser.end_chunk()

    def on_message_complete(self) -> None:
        """Count the end of a response; called by the parser."""
        if self._parser.get_status_code() >= 200:
            self._ends += 1
            self._keep_alive = self._parser.should_keep_alive()

    def _finish(self, now: float, response: bytes = b"") -> None:
        """End the request with the received response; `response` is all of it if it arrived in one piece."""
        arm, index, status = self._arm, self.index, self._status
        kind, example = self._evaluate()
        reuse = self._keep_alive and self._ends == 1 and not self.partly_sent
        if kind is Kind.OK and response and reuse and not arm.stream:
            arm.learn_shape(index, response, status)
        followed = False
        if kind is Kind.REDIRECT:
            failure = arm.follow(index, status, self._headers.get(b"location", b""))
            followed = failure is None
            if failure is not None:
                kind, example = failure[0], f"{failure[1]}: {self._excerpt()}"
        self._reset()
        self._has_served = True
        if not followed:
            arm.finish(index, now, kind, status, example)
        if reuse:
            self._release()
        else:
            self.drop()

    def _evaluate(self) -> tuple[Kind, str]:
        """Return how a complete response ends the request, and the example of a failure."""
        check = self._arm.check(self.index)
        kind, example = check.classify_status(self._status, self._headers.get(b"retry-after", b"").decode("latin-1"))
        if kind is not Kind.OK:
            return kind, example + self._excerpt()
        if self._token_parser is not None:
            kind, example = close_stream(self._token_parser, self._arm, self.index)
            if kind is not Kind.OK:
                return kind, example if kind is Kind.ERROR_EVENT else example + self._excerpt()
        failure = check.body_error(b"".join(self._body))
        return (Kind.CHECK, failure) if failure else (kind, "")

    def _fail(self, kind: Kind, example: str) -> None:
        index, self.index = self.index, NO_REQUEST
        if index >= 0:
            parser, status = self._token_parser, 0
            if parser is not None and parser.failure:  # the cause of an early end
                kind, example, status = Kind.ERROR_EVENT, describe_failure(parser), self._status
            self._arm.finish(index, monotonic(), kind, status, example)
        self.drop()

    def time_out(self, limit: float) -> None:
        """Give up the current request, which has taken `limit` seconds from its scheduled send."""
        received = f"{self._received} bytes" if self._received else "no byte"
        self._fail(Kind.TIMEOUT, f"not complete {limit:g} s after its scheduled send; {received} received")

    def write_failed(self, index: int, error: OSError) -> None:
        """Handle a connection on which no byte of request `index` could be written.

        The service may close an idle connection that has served before; the request is then sent on another one.
        """
        if self._has_served:
            self.index = NO_REQUEST
            self._arm.requeue(index)
            self.drop()
        else:
            self._fail(Kind.RESET, f"{error.strerror} while writing the request")

    def connection_ended(self, error: Exception | None) -> None:
        """Handle the end of the connection, by the service or by `error`, and end the request that it carries."""
        if self.index >= 0:
            if self._has_served and not self._received and self._arm.send_again(self.index):
                self.index = NO_REQUEST
            elif error is not None:
                why = describe_tls_error(error) if isinstance(error, ssl.SSLError) else str(error)
                self._fail(Kind.RESET, why or type(error).__name__)
            elif self._status and not self._headers.keys() & {b"content-length", b"transfer-encoding"}:
                self._end_by_close()
            elif self._received:
                self._fail(Kind.CLOSED, f"connection closed after {self._received} bytes: {self._excerpt()}")
            else:
                why = "connection closed before the first byte of the response"
                self._fail(Kind.CLOSED, why + (_NOT_REPEATED if self._has_served else ""))
        self.drop()

    def _end_by_close(self) -> None:
        """End a response without length or chunks, which ends with the connection; a stream must also be complete."""
        self._keep_alive = False
        self._ends = 1
        parser = self._token_parser
        if parser is not None:
            parser.finish()
        if isinstance(parser, EventParser) and not (parser.end_announced or parser.failure):
            self._fail(Kind.CLOSED, f"the stream was truncated after {self._received} bytes: {self._excerpt()}")
        else:
            self._finish(monotonic())

    def drop(self) -> None:
        """Close for good; may be called twice."""
        self._parser = _DETACHED_PARSER  # breaks the reference cycle with the parser: garbage collection is disabled
        self._head_start = self._body_start = self._head = b""
        self._token_parser = None
        self._body.clear()
        self._close()
        self._arm.remove(self)

    def _excerpt(self) -> str:
        """Return the status line and the start of the body, without headers, which may contain secrets."""
        status_line = self._head_start.partition(b"\r\n")[0]
        return (status_line[:80] + b" " + self._body_start[:EXCERPT_BYTES]).decode("utf-8", "replace").strip()
