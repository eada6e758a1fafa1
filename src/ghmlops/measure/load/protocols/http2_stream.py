"""Exchange of one request and response at a time on an HTTP/2 connection that carries many."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Protocol

from ghmlops.core.latency.kind import Kind
from ghmlops.measure.load.checks import EXCERPT_BYTES, excerpt
from ghmlops.measure.load.protocols.base import MAX_RESPONSE_BYTES, NO_REQUEST
from ghmlops.measure.load.streams.token_stream import close_stream, describe_failure, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghmlops.measure.load.protocols.base import ArmInterface
    from ghmlops.measure.load.streams.event_parser import ChunkParser, EventParser

_THROTTLED = ("REFUSED_STREAM", "ENHANCE_YOUR_CALM")


class Connection(Protocol):
    """What a stream uses of its connection."""

    @property
    def receive_time(self) -> float:
        """Time at which the data that is being processed arrived, in seconds of `time.monotonic`."""

    def begin(self, stream: Stream, index: int) -> None:
        """Send request `index` on a new stream of the protocol; requeue it if the connection accepts no more."""

    def release(self, stream: Stream) -> None:
        """Let `stream` carry the next request, unless the connection is retired."""

    def cancel(self, stream_id: int, since: float) -> None:
        """Reset a stream; retire the connection if it has received nothing after `since`."""

    def remove(self, stream: Stream) -> None:
        """Remove a slot; the connection closes after its last one."""


class Stream:
    """A slot that carries one request of an arm after the other, each on a new stream of its connection.

    Attributes:
        index: Index of the request that it carries, or `NO_REQUEST`.
        stream_id: Identifier of the current stream.
        unsent_body: The part of the request's body that was not sent yet.
    """

    __slots__ = (
        "_arm", "_body", "_body_start", "_connection", "_received", "_retry_after", "_status", "_token_parser", "index",
        "stream_id", "unsent_body",
    )  # fmt: skip

    def __init__(self, arm: ArmInterface, connection: Connection) -> None:
        self._arm, self._connection = arm, connection
        self._reset()

    def _reset(self) -> None:
        """Prepare for the next request."""
        self.index, self.stream_id = NO_REQUEST, 0
        self.unsent_body = memoryview(b"")
        self._received = self._status = 0
        self._retry_after = ""
        self._body_start = b""
        self._body: list[bytes] = []
        self._token_parser: EventParser | ChunkParser | None = None

    def send(self, index: int) -> None:
        """Send request `index` now."""
        self.index = index
        self._connection.begin(self, index)

    def receive_headers(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Process the head of the response; the library does not report interim responses (1xx) as such."""
        index, arm, now = self.index, self._arm, self._connection.receive_time
        arm.first[index] = now
        headers = dict(fields)
        status = headers.get(b":status", b"")
        if len(status) != 3 or not status.isdigit():
            self._connection.cancel(self.stream_id, 0.0)
            self.fail(Kind.GARBAGE, f"expected a status of three digits, got {excerpt(status)}")
            return
        self._status = int(status)
        self._retry_after = headers.get(b"retry-after", b"").decode("latin-1")
        if arm.stream and 200 <= self._status < 300:
            self._token_parser = open_stream(arm, index, lambda: self._connection.receive_time)

    def receive_data(self, data: bytes) -> None:
        """Process one frame of the response's body."""
        if not self._body_start:
            self._body_start = data[: 2 * EXCERPT_BYTES]
        self._received += len(data)
        if self._token_parser is not None:
            self._token_parser.feed(data)
            self._token_parser.end_chunk()
        if self._arm.check(self.index).reads_body:
            self._body.append(data)
        if self._received > MAX_RESPONSE_BYTES:
            self._connection.cancel(self.stream_id, 0.0)
            self.fail(Kind.TOO_LARGE, f"more than {MAX_RESPONSE_BYTES} bytes: {self._excerpt()}")

    def receive_end(self) -> None:
        """Process the end of a complete response."""
        now = self._connection.receive_time
        kind, example = self._evaluate()
        self._finish(kind, example, self._status, now)

    def _evaluate(self) -> tuple[Kind, str]:
        """Return how a complete response ends the request, and the example of a failure."""
        check = self._arm.check(self.index)
        kind, example = check.classify_status(self._status, self._retry_after)
        if kind is not Kind.OK:
            return kind, example + self._excerpt()
        if self._token_parser is not None:
            kind, example = close_stream(self._token_parser, self._arm, self.index)
            if kind is not Kind.OK:
                return kind, example if kind is Kind.ERROR_EVENT else example + self._excerpt()
        failure = check.body_error(b"".join(self._body))
        return (Kind.CHECK, failure) if failure else (kind, "")

    def receive_reset(self, code: str) -> None:
        """Process RST_STREAM; some codes ask for less load."""
        kind = Kind.THROTTLED if code in _THROTTLED else Kind.RESET
        self.fail(kind, f"RST_STREAM {code}; {self._progress()}")

    def fail(self, kind: Kind, why: str) -> None:
        """End the request without a complete response."""
        if self.index >= 0:
            self._finish(kind, why or f"the connection was closed; {self._progress()}", 0, monotonic())

    def connection_ended(self, kind: Kind, why: str, *, reused: bool) -> None:
        """End the request with its connection; one that was `reused` may have been closed in the moment of the send."""
        if reused and self.index >= 0 and not self._status and self._arm.send_again(self.index):
            self.drop()
        else:
            self.fail(kind, why)

    def requeue(self) -> None:
        """Return a request that the service has not processed to the arm, and close."""
        index = self.index
        self._reset()
        self._arm.requeue(index)
        self.drop()

    def time_out(self, limit: float) -> None:
        """Give up the current request, which has taken `limit` seconds from its scheduled send."""
        if self.index < 0:
            return
        example = f"not complete {limit:g} s after its scheduled send; {self._progress()}"
        self._connection.cancel(self.stream_id, self._arm.sent[self.index])
        self._finish(Kind.TIMEOUT, example, 0, monotonic())

    def drop(self) -> None:
        """Close for good; may be called twice."""
        self._connection.remove(self)
        self._reset()
        self._arm.remove(self)

    def _finish(self, kind: Kind, example: str, status: int, now: float) -> None:
        index, parser = self.index, self._token_parser
        if kind is not Kind.OK and parser is not None and parser.failure:  # the cause of an early end
            kind, example, status = Kind.ERROR_EVENT, describe_failure(parser), self._status
        self._reset()
        self._arm.finish(index, now, kind, status, example)
        self._connection.release(self)

    def _progress(self) -> str:
        if not self._status:
            return "no byte received"
        return f"{self._received} bytes received: {self._excerpt()}"

    def _excerpt(self) -> str:
        return f"HTTP/2 {self._status} {excerpt(self._body_start)}"
