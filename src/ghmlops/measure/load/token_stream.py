"""Token times of streamed responses. A token is an event of a `text/event-stream`, or one chunk of a chunked body."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.latency.answers import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TOKEN_GAPS = 5_000_000
"""Maximum number of gaps between tokens that are stored per arm; further ones are counted and reported."""


class TokenLog:
    """The tokens of an arm's requests, as columns.

    Attributes:
        first: Time of the first token of each request, 0 if it has none; seconds of `time.monotonic`.
        last: Time of the last token of each request, 0 if it has none.
        count: Number of tokens of each request.
        dropped: Number of gaps beyond `MAX_TOKEN_GAPS`, which are not stored.
    """

    __slots__ = ("_gap", "_gap_of", "count", "dropped", "first", "last")

    def __init__(self, n: int) -> None:
        self.first, self.last = array("d", bytes(8 * n)), array("d", bytes(8 * n))
        self.count = array("I", bytes(4 * n))
        self._gap, self._gap_of = array("f"), array("I")
        self.dropped = 0

    def record(self, index: int, now: float) -> None:
        """Add one token of request `index`, received at `now`."""
        if self.count[index] == 0:
            self.first[index] = now
        elif len(self._gap) < MAX_TOKEN_GAPS:
            self._gap.append(now - self.last[index])
            self._gap_of.append(index)
        else:
            self.dropped += 1
        self.last[index] = now
        self.count[index] += 1

    def part(self, start: int, stop: int) -> Tokens:
        """Return a copy of the requests `start` to `stop`, renumbered from 0; views would block the growing columns."""
        gap_of = np.frombuffer(self._gap_of, np.uint32)
        inside = np.flatnonzero((gap_of >= start) & (gap_of < stop))
        return Tokens(
            first=np.array(self.first[start:stop], np.float64),
            last=np.array(self.last[start:stop], np.float64),
            count=np.array(self.count[start:stop], np.uint32),
            gap=np.frombuffer(self._gap, np.float32)[inside],
            gap_of=gap_of[inside] - np.uint32(start),
        )


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    """One event of an OpenAI-compatible chat service."""

    choices: list[_Choice]


_CHUNK = msgspec.json.Decoder(_Chunk)


class EventParser:
    """Splits the body of a `text/event-stream` into events, independently of how it is split into reads.

    An event with data is a token; a chat chunk (`choices[0].delta`) is one only if its `content` is not empty.
    Comments, events without data and `[DONE]` are not tokens.

    Attributes:
        complete_marker: True once the stream has announced its end: `[DONE]`, or a finish reason.
        chat: True once a chat chunk was received.
    """

    __slots__ = ("_data", "_on_token", "_unparsed", "chat", "complete_marker")

    def __init__(self, on_token: Callable[[], None]) -> None:
        self._on_token = on_token
        self._unparsed = bytearray()
        self._data: list[bytes] = []
        self.complete_marker = self.chat = False

    def feed(self, data: bytes) -> None:
        """Parse the next piece of the body."""
        self._unparsed += data
        if b"\n" not in data:
            return
        *lines, self._unparsed = self._unparsed.split(b"\n")
        for line in map(bytes, lines):
            text = line.removesuffix(b"\r")
            if not text:
                self._dispatch()
            elif text.startswith(b"data:"):
                self._data.append(text[5:].removeprefix(b" "))

    def end_chunk(self) -> None:
        """Do nothing: events are independent of the chunks of the body."""

    @property
    def complete(self) -> bool:
        """False if a chat has not announced its end; other streams have no such marker and count as complete."""
        return self.complete_marker or not self.chat

    def _dispatch(self) -> None:
        data = b"\n".join(self._data)
        self._data.clear()
        if data == b"[DONE]":
            self.complete_marker = True
        elif data and self._is_token(data):
            self._on_token()

    def _is_token(self, data: bytes) -> bool:
        try:
            choices = _CHUNK.decode(data).choices
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return True
        if not choices:  # the chunk that reports token usage
            return False
        self.chat = True
        self.complete_marker |= choices[0].finish_reason is not None
        return bool(choices[0].delta.content)


class ChunkParser:
    """Counts each non-empty chunk of a chunked body as a token."""

    __slots__ = ("_has_data", "_on_token")

    complete = True

    def __init__(self, on_token: Callable[[], None]) -> None:
        self._on_token = on_token
        self._has_data = False

    def feed(self, data: bytes) -> None:
        """Note that the current chunk has data."""
        self._has_data |= bool(data)

    def end_chunk(self) -> None:
        """End the current chunk; the last chunk of a body is empty."""
        if self._has_data:
            self._on_token()
        self._has_data = False


TOKEN_PARSERS: dict[str, Callable[[Callable[[], None]], EventParser | ChunkParser]] = {
    "sse": EventParser,
    "chunked": ChunkParser,
}
"""Parser class by value of the policy key `stream`."""
