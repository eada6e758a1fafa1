"""Token times of streamed responses. A token is an event of a `text/event-stream`, or one chunk of a chunked body."""

from __future__ import annotations

from array import array
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ghmlops.core.latency.answers import Tokens
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.stream_apis import Part
from ghmlops.measure.load.checks import EXCERPT_BYTES, excerpt
from ghmlops.measure.load.streams.event_parser import ChunkParser, EventParser

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TOKEN_GAPS = 5_000_000
"""Maximum number of gaps between tokens that are stored per arm; further ones are counted and reported."""
MIN_GAP = 1e-3
"""Seconds: a shorter gap is a gap only if it is not much shorter than the pause before its burst."""
BURST_RATIO = 10.0
"""A token that follows within `MIN_GAP` and within a tenth of the pause before its burst arrived together with it: a
proxy or the service held both. A buffer of 64 KiB is written to the socket within some tenths of a millisecond, and
read in several pieces, so that an equal time of arrival would not suffice."""


class TokenLog:
    """The tokens of an arm's requests, as columns.

    Attributes:
        first: Time of the first token of each request, 0 if it has none; seconds of `time.monotonic`.
        last: Time of the last token of each request, 0 if it has none.
        count: Number of tokens of each request.
        first_output: Time of the first token of each request that is text or part of a tool call, 0 if it has none.
        generated: Number of tokens of each request that the service reported, 0 if it reported none.
        burst: Number of tokens of each request that arrived together with its first one.
        dropped: Number of gaps beyond `MAX_TOKEN_GAPS`, which are not stored.
    """

    __slots__ = (
        "_gap", "_gap_of", "_pause", "_start", "burst", "count", "dropped", "first", "first_output", "generated",
        "last",
    )  # fmt: skip

    def __init__(self, n: int) -> None:
        self.first, self.last, self.first_output = (array("d", bytes(8 * n)) for _ in range(3))
        self.count, self.generated, self.burst = (array("I", bytes(4 * n)) for _ in range(3))
        self._pause, self._start = array("d", bytes(8 * n)), array("d", bytes(8 * n))
        self._gap, self._gap_of = array("f"), array("I")
        self.dropped = 0

    def record(self, index: int, now: float, sent: float, part: Part = Part.OUTPUT) -> None:
        """Add one token of request `index`.

        Args:
            index: Index of the request.
            now: Time at which the token arrived.
            sent: Time at which the request was sent.
            part: What the token carries.
        """
        if self.count[index] == 0:
            self.first[index] = self._start[index] = now
            self._pause[index] = now - sent
            self.burst[index] = 1
        else:
            self._record_gap(index, now)
        if part is not Part.REASONING and not self.first_output[index]:
            self.first_output[index] = now
        self.last[index] = now
        self.count[index] += 1

    def _record_gap(self, index: int, now: float) -> None:
        """Store the gap to the previous token, unless both arrived together."""
        gap = now - self.last[index]
        if gap <= 0 or (gap < MIN_GAP and gap * BURST_RATIO < self._pause[index]):
            if self._start[index] == self.first[index]:
                self.burst[index] += 1
            return
        self._pause[index], self._start[index] = gap, now
        if len(self._gap) < MAX_TOKEN_GAPS:
            self._gap.append(gap)
            self._gap_of.append(index)
        else:
            self.dropped += 1

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
            first_output=np.array(self.first_output[start:stop], np.float64),
            generated=np.array(self.generated[start:stop], np.uint32),
            burst=np.array(self.burst[start:stop], np.uint32),
        )


class StreamedArm(Protocol):
    """What streams use of their arm; `ghmlops.measure.load.arm.Arm` documents the attributes."""

    @property
    def stream(self) -> str: ...
    @property
    def tokens(self) -> TokenLog: ...
    @property
    def sent(self) -> memoryview[float]: ...


def open_stream(arm: StreamedArm, index: int, now: Callable[[], float]) -> EventParser | ChunkParser:
    """Return the parser of the streamed response to request `index`, which records its tokens.

    Args:
        arm: The arm of the request.
        index: Index of the request.
        now: Returns the time at which the data that is being parsed arrived.
    """
    sent = arm.sent[index]
    return TOKEN_PARSERS[arm.stream](lambda part: arm.tokens.record(index, now(), sent, part))


def close_stream(parser: EventParser | ChunkParser, arm: StreamedArm, index: int) -> tuple[Kind, str]:
    """Return how the complete body of a stream ends request `index`, and the example of a failure."""
    parser.finish()
    arm.tokens.generated[index] = parser.usage
    if parser.failure:
        return Kind.ERROR_EVENT, describe_failure(parser)
    if not parser.complete:
        return Kind.CLOSED, "the stream ended before it was complete: "
    if not arm.tokens.count[index] and not parser.substance:
        return Kind.CHECK, "the stream contains no token: "
    return Kind.OK, ""


def describe_failure(parser: EventParser | ChunkParser) -> str:
    """Return the example of a stream that reported a failure."""
    return f"the stream reports a failure: {excerpt(parser.failure[:EXCERPT_BYTES])}"


TOKEN_PARSERS: dict[str, Callable[[Callable[[Part], None]], EventParser | ChunkParser]] = {
    "sse": EventParser,
    "sse-api": partial(EventParser, api_only=True),
    "chunked": ChunkParser,
}
"""Parser by value of the policy key `stream`; `sse-api` is `sse` of a preset, whose events belong to a known API."""
