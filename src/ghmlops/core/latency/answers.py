"""What became of requests: the columns that the load generator fills and the judges read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


class Kind(IntEnum):
    """How a request ended. `OK` is a whole answer, of an expected status, that passed its checks; all else failed."""

    OK = 0
    STATUS = 1
    """Answered with a status that is not expected."""
    TIMEOUT = 2
    REFUSED = 3
    RESET = 4
    CLOSED = 5
    """The service closed the connection before or within the answer."""
    GARBAGE = 6
    """What came back is not HTTP."""
    TOO_LARGE = 7
    CONNECT = 8
    """No connection for another reason: unreachable, TLS."""
    LOCAL = 9
    """The generator's own machine had no more sockets, ports or memory."""
    UNSENT = 10
    """Never handed to the service: the generator ran out of time."""
    REDIRECT = 11
    """A 3xx answer; redirects are not followed."""
    THROTTLED = 12
    """429, or 503 with Retry-After: the service asks for less load."""
    CHECK = 13
    """A good status, and an answer that misses a check of the policy's `expect`."""

    @property
    def label(self) -> str:
        """Kebab-case name for people."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What streamed answers brought, request by request, and each gap between two tokens.

    Attributes:
        first: when the first token arrived, shape (n,); 0 where none did.
        last: when the last one did; 0 where none did.
        count: tokens of each answer.
        gap: seconds between two tokens of one answer, of all answers, shape (gaps,).
        gap_of: for each gap the request it belongs to.
    """

    first: Floats
    last: Floats
    count: NDArray[np.uint32]
    gap: NDArray[np.float32]
    gap_of: NDArray[np.uint32]

    def part(self, start: int, stop: int) -> Tokens:
        """Return the requests `start` to `stop`, renumbered from 0."""
        inside = (self.gap_of >= start) & (self.gap_of < stop)
        return Tokens(
            first=self.first[start:stop],
            last=self.last[start:stop],
            count=self.count[start:stop],
            gap=self.gap[inside],
            gap_of=self.gap_of[inside] - np.uint32(start),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """One arm's requests in the order of the schedule. Columns of shape (n,); times in seconds of one clock.

    Attributes:
        scheduled: when each request was to be sent.
        sent: when it was written to a connection; 0 where it never was.
        first: when the first byte of the answer arrived; 0 where none did.
        done: when the whole answer had arrived, or the failure was seen.
        status: HTTP status; 0 where there is none.
        kind: `Kind` as a number.
        endpoint: place of the request's endpoint in the policy's mix.
        tokens: of a streaming run; `None` otherwise.
    """

    scheduled: Floats
    sent: Floats
    first: Floats
    done: Floats
    status: NDArray[np.uint16]
    kind: NDArray[np.uint8]
    endpoint: NDArray[np.uint8] | None = None
    tokens: Tokens | None = None

    def __len__(self) -> int:
        return len(self.kind)

    def part(self, start: int, stop: int) -> Answers:
        """Return the requests `start` to `stop` as views, without copying."""
        return Answers(
            scheduled=self.scheduled[start:stop],
            sent=self.sent[start:stop],
            first=self.first[start:stop],
            done=self.done[start:stop],
            status=self.status[start:stop],
            kind=self.kind[start:stop],
            endpoint=None if self.endpoint is None else self.endpoint[start:stop],
            tokens=None if self.tokens is None else self.tokens.part(start, stop),
        )

    @property
    def ok(self) -> Flags:
        """Where a whole and good answer arrived."""
        return np.equal(self.kind, Kind.OK)

    @property
    def timed(self) -> Flags:
        """Where the response time says something: answered, or timed out (then it is at least that long)."""
        return np.isin(self.kind, (Kind.OK, Kind.TIMEOUT))

    @property
    def response(self) -> Floats:
        """Seconds from the *scheduled* send to the end of the answer."""
        return self.done - self.scheduled

    @property
    def service(self) -> Floats:
        """Seconds from the actual send to the end of the answer; only meaningful where `ok`."""
        return self.done - self.sent

    def count(self, kinds: Iterable[Kind]) -> int:
        """Return how many requests ended in one of `kinds`."""
        return int(np.isin(self.kind, [int(kind) for kind in kinds]).sum())
