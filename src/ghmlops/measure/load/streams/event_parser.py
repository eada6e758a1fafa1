"""Parsers of streamed bodies: `text/event-stream`, and chunks of a chunked body. They report each token at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.load.stream_apis import Part, StreamEvent
from ghmlops.core.load.stream_events import classify

if TYPE_CHECKING:
    from collections.abc import Callable

_BOM = b"\xef\xbb\xbf"
_MAX_CLASSIFIED_BYTES = 1 << 20
"""Longer chunks are one token each; only shorter ones are searched for a failure."""
_BINARY_FAILURE = (b":exception-type", b":error-code")
"""Header names of a failure in the binary event stream of AWS (Bedrock, SageMaker)."""


class _Parser:
    """What both parsers know about a stream.

    Attributes:
        end_announced: True once the stream has announced its end: `[DONE]`, or a finish reason.
        failure: Data of the event that reported a failure; empty if there was none.
        usage: Number of generated tokens that the service reported; 0 if it reported none.
        substance: True if the answer is not empty although it may have no token: a tool call without arguments.
        recognised: True once an event of a known API was received.
    """

    __slots__ = ("_on_token", "end_announced", "failure", "recognised", "substance", "usage")

    def __init__(self, on_token: Callable[[Part], None]) -> None:
        self._on_token = on_token
        self.end_announced = self.recognised = self.substance = False
        self.failure = b""
        self.usage = 0

    @property
    def complete(self) -> bool:
        """False if a stream of a known API has not announced its end; others have no such marker."""
        return self.end_announced or not self.recognised

    def _apply(self, event: StreamEvent, data: bytes) -> None:
        """Note what an event says about the whole stream."""
        self.end_announced |= event.ends
        self.recognised |= event.recognised
        self.substance |= event.substance
        self.usage = max(self.usage, event.usage)
        if event.failed and not self.failure:
            self.failure = data or b"error"


class EventParser(_Parser):
    """Splits the body of a `text/event-stream` into events, independently of how it is split into reads.

    Lines end with LF, CRLF or CR, and a byte order mark is ignored, as the HTML standard requires. An event with data
    is a token, unless it belongs to a known API and carries no output (`core.load.stream_events`).

    Args:
        on_token: Receives what each token carries, when its event is complete.
        api_only: Whether only events of a known API are tokens.
    """

    __slots__ = ("_api_only", "_data", "_failed", "_name", "_skip_newline", "_started", "_unparsed")

    def __init__(self, on_token: Callable[[Part], None], *, api_only: bool = False) -> None:
        super().__init__(on_token)
        self._api_only = api_only
        self._unparsed = bytearray()
        self._data: list[bytes] = []
        self._name = b""
        self._failed = self._started = self._skip_newline = False

    def feed(self, data: bytes) -> None:
        """Parse the next piece of the body."""
        if self._skip_newline and data:  # the LF of a CRLF whose CR ended the previous piece
            self._skip_newline = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._skip_newline = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._unparsed += data
        if b"\n" not in data:
            return
        *lines, self._unparsed = self._unparsed.split(b"\n")
        for line in lines:
            self._parse_line(bytes(line))

    def _parse_line(self, line: bytes) -> None:
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(complete=True)
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value.strip().lower()
        elif name == b"error":  # llama.cpp
            self._failed = True
            self._data.append(value)

    def end_chunk(self) -> None:
        """Do nothing: events are independent of the chunks of the body."""

    def finish(self) -> None:
        """Process the end of the body. An event without its blank line is no token, but may end the stream."""
        if self._unparsed:
            self._parse_line(bytes(self._unparsed))
            self._unparsed = bytearray()
        self._dispatch(complete=False)

    def _dispatch(self, *, complete: bool) -> None:
        data, name, failed = b"\n".join(self._data), self._name, self._failed
        has_data = bool(self._data)
        self._data.clear()
        self._name, self._failed = b"", False
        if failed or (has_data and name in (b"error", b"exception")):  # such an event may have empty data
            self._apply(StreamEvent(part=Part.NONE, failed=True), data)
            return
        if not data:
            return
        event = classify(name, data)
        self._apply(event, data)
        if complete and event.part and (event.recognised or not self._api_only):
            self._on_token(event.part)


class ChunkParser(_Parser):
    """Counts each non-empty chunk of a chunked body as a token.

    A chunk that contains JSON lines is classified by them, as for events: the last line of such a stream reports the
    end or a failure and is no token.
    """

    __slots__ = ("_chunk", "_has_data")

    def __init__(self, on_token: Callable[[Part], None]) -> None:
        super().__init__(on_token)
        self._chunk = bytearray()
        self._has_data = False

    @property
    def complete(self) -> bool:
        """True: a chunk may contain a part of an event, so that an end marker need not be recognised."""
        return True

    def feed(self, data: bytes) -> None:
        """Note that the current chunk has data."""
        self._has_data |= bool(data)
        if len(self._chunk) < _MAX_CLASSIFIED_BYTES:
            self._chunk += data

    def finish(self) -> None:
        """Process the end of the body; data outside of chunks is no token, but may report a failure."""
        if self._has_data:
            self._classify(bytes(self._chunk))

    def end_chunk(self) -> None:
        """End the current chunk; the last chunk of a body is empty."""
        if self._has_data:
            part = self._classify(bytes(self._chunk))
            if part:
                self._on_token(part)
        self._has_data = False
        self._chunk.clear()

    def _classify(self, chunk: bytes) -> Part:
        """Return what a chunk carries; unknown content is output."""
        if any(header in chunk for header in _BINARY_FAILURE):
            self._apply(StreamEvent(part=Part.NONE, failed=True), chunk)
        parts = []
        for line in filter(None, chunk.splitlines()):
            text = line.removeprefix(b"data:").removeprefix(b"error:").strip()
            if not text.startswith(b"{") and text != b"[DONE]":
                return Part.OUTPUT
            event = classify(b"error" if line.startswith(b"error:") else b"", text)
            self._apply(event, text)
            parts.append(event.part)
        return max(parts, default=Part.OUTPUT)
