"""One request and its answer at a time on an HTTP/2 connection that carries many."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from ghmlops.core.latency.answers import Kind
from ghmlops.measure.load.checks import SHOWN, shown
from ghmlops.measure.load.protocols.http1_exchange import MAX_ANSWER, NOTHING
from ghmlops.measure.load.stream import CUTTERS, ChunkCutter, EventCutter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghmlops.measure.load.arm import Arm
    from ghmlops.measure.load.protocols.http2_connection import Session

_THROTTLED = ("REFUSED_STREAM", "ENHANCE_YOUR_CALM")


class Stream:
    """Carries one request of an arm after the other, each on a new stream of its connection.

    Attributes:
        index: the request that it carries, or `NOTHING`.
        number: of the stream.
        left: what of the request's body was not sent yet.
    """

    __slots__ = (
        "_arm", "_begin", "_body", "_cutter", "_received", "_retry_after", "_session", "_status", "index", "left",
        "number",
    )  # fmt: skip

    def __init__(self, arm: Arm, session: Session) -> None:
        self._arm, self._session = arm, session
        self._rest()

    def _rest(self) -> None:
        self.index, self.number = NOTHING, 0
        self.left = memoryview(b"")
        self._received = self._status = 0
        self._retry_after = ""
        self._begin = b""
        self._body: list[bytes] = []
        self._cutter: EventCutter | ChunkCutter | None = None

    def send(self, index: int) -> None:
        """Send request `index` now."""
        self.index = index
        self._session.begin(self, index)

    def headers(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the begin of the answer; interim answers (1xx) never come here."""
        index, arm, now = self.index, self._arm, self._session.now
        arm.first[index] = now
        named = dict(fields)
        status = named.get(b":status", b"")
        if len(status) != 3 or not status.isdigit():
            self._session.cancel(self.number, 0.0)
            self.fail(Kind.GARBAGE, f"expected a status of three digits, got {shown(status)}")
            return
        self._status = int(status)
        self._retry_after = named.get(b"retry-after", b"").decode("latin-1")
        if arm.stream and 200 <= self._status < 300:
            self._cutter = CUTTERS[arm.stream](lambda: arm.tokens.token(index, self._session.now))

    def body(self, data: bytes) -> None:
        """Take a piece of the answer's body, one frame of it."""
        if not self._begin:
            self._begin = data[: 2 * SHOWN]
        self._received += len(data)
        if self._cutter is not None:
            self._cutter.body(data)
            self._cutter.chunk_done()
        if self._arm.check(self.index).asks:
            self._body.append(data)
        if self._received > MAX_ANSWER:
            self._session.cancel(self.number, 0.0)
            self.fail(Kind.TOO_LARGE, f"more than {MAX_ANSWER} bytes: {self._shown()}")

    def ended(self) -> None:
        """Take the end of a whole answer."""
        now = self._session.now
        kind, example = self._judged()
        self._finish(kind, example, self._status, now)

    def _judged(self) -> tuple[Kind, str]:
        check = self._arm.check(self.index)
        kind, example = check.status(self._status, self._retry_after)
        if kind is not Kind.OK:
            return kind, example + self._shown()
        if self._cutter is not None and not self._cutter.complete:
            return Kind.CLOSED, f"the stream ended before it was complete: {self._shown()}"
        missed = check.body(b"".join(self._body))
        if not missed and self._arm.stream and not self._arm.tokens.count[self.index]:
            missed = f"no token in the stream: {self._shown()}"
        return (Kind.CHECK, missed) if missed else (kind, "")

    def reset(self, code: str) -> None:
        """The service broke the stream off (RST_STREAM); some codes ask for less load."""
        kind = Kind.THROTTLED if code in _THROTTLED else Kind.RESET
        self.fail(kind, f"RST_STREAM {code}{self._so_far()}")

    def fail(self, kind: Kind, why: str) -> None:
        """End the request without a whole answer."""
        if self.index >= 0:
            self._finish(kind, why or f"the connection was closed{self._so_far()}", 0, monotonic())

    def hand_back(self) -> None:
        """Return a request to the arm that the service has not looked at, and close."""
        index = self.index
        self._rest()
        self._arm.handed_back(index)
        self.drop()

    def time_out(self, limit: float) -> None:
        """Give up on the request that is being carried."""
        if self.index < 0:
            return
        example = f"not done {limit:g} s after its scheduled send{self._so_far()}"
        self._session.cancel(self.number, self._arm.sent[self.index])
        self._finish(Kind.TIMEOUT, example, 0, monotonic())

    def drop(self) -> None:
        """Close for good; may be called twice."""
        self._session.forget(self)
        self._rest()
        self._arm.dropped(self)

    def _finish(self, kind: Kind, example: str, status: int, now: float) -> None:
        index = self.index
        self._rest()
        self._arm.finish(index, now, kind, status, example)
        self._session.free(self)

    def _so_far(self) -> str:
        if not self._status:
            return ", no byte of an answer"
        return f", after {self._received} bytes of an answer: {self._shown()}"

    def _shown(self) -> str:
        return f"HTTP/2 {self._status} {shown(self._begin)}"
