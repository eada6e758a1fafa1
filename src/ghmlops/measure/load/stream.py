"""Streamed answers: when each token came. A token is an event of a server-sent stream, or one chunk."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.latency.answers import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_GAPS = 5_000_000
"""Gaps between tokens that are kept of an arm; what is beyond is counted and told."""


class TokenLog:
    """The tokens of an arm's requests, as columns.

    Attributes:
        dropped: gaps beyond `MOST_GAPS`.
    """

    __slots__ = ("_gap", "_gap_of", "count", "dropped", "first", "last")

    def __init__(self, n: int) -> None:
        self.first, self.last = array("d", bytes(8 * n)), array("d", bytes(8 * n))
        self.count = array("I", bytes(4 * n))
        self._gap, self._gap_of = array("f"), array("I")
        self.dropped = 0

    def token(self, index: int, now: float) -> None:
        """Note one more token of request `index`."""
        if self.count[index] == 0:
            self.first[index] = now
        elif len(self._gap) < MOST_GAPS:
            self._gap.append(now - self.last[index])
            self._gap_of.append(index)
        else:
            self.dropped += 1
        self.last[index] = now
        self.count[index] += 1

    def part(self, start: int, stop: int) -> Tokens:
        """Return a copy of the requests `start` to `stop`, renumbered from 0: the columns still grow."""
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
    """What an OpenAI-compatible chat service sends as one event."""

    choices: list[_Choice]


_CHUNK = msgspec.json.Decoder(_Chunk)


class EventCutter:
    """Cuts the body of a `text/event-stream` into events, however it is split over reads.

    An event counts as a token where it has data; of a chat chunk (`choices[0].delta`) where `content` holds text.
    Comments, events without data and `[DONE]` do not count.

    Attributes:
        ended: the stream has said that it is complete: `[DONE]`, or a reason to finish.
        chat: at least one chat chunk was seen.
    """

    __slots__ = ("_data", "_rest", "_token", "chat", "ended")

    def __init__(self, token: Callable[[], None]) -> None:
        self._token = token
        self._rest = bytearray()
        self._data: list[bytes] = []
        self.ended = self.chat = False

    def body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._rest += data
        if b"\n" not in data:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in map(bytes, lines):
            whole = line.removesuffix(b"\r")
            if not whole:
                self._dispatch()
            elif whole.startswith(b"data:"):
                self._data.append(whole[5:].removeprefix(b" "))

    def chunk_done(self) -> None:
        """Events do not end with chunks."""

    @property
    def complete(self) -> bool:
        """False where the stream ended before it said so, as far as can be known."""
        return self.ended or not self.chat

    def _dispatch(self) -> None:
        data = b"\n".join(self._data)
        self._data.clear()
        if data == b"[DONE]":
            self.ended = True
        elif data and self._counts(data):
            self._token()

    def _counts(self, data: bytes) -> bool:
        try:
            choices = _CHUNK.decode(data).choices
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return True
        if not choices:  # the chunk that tells the usage
            return False
        self.chat = True
        self.ended |= choices[0].finish_reason is not None
        return bool(choices[0].delta.content)


class ChunkCutter:
    """Takes each chunk of a chunked body for a token."""

    __slots__ = ("_filled", "_token")

    complete = True

    def __init__(self, token: Callable[[], None]) -> None:
        self._token = token
        self._filled = False

    def body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._filled |= bool(data)

    def chunk_done(self) -> None:
        """Take the end of a chunk; the last one is empty."""
        if self._filled:
            self._token()
        self._filled = False


CUTTERS: dict[str, Callable[[Callable[[], None]], EventCutter | ChunkCutter]] = {
    "sse": EventCutter,
    "chunked": ChunkCutter,
}
"""By the policy's `stream`."""
