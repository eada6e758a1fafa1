"""Results of requests as columns, filled by the load generator and read by the judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of streamed responses.

    Attributes:
        first: Time at which the first token arrived, shape (n,); 0 without a token.
        last: Time at which the last token arrived, shape (n,); 0 without a token.
        count: Number of tokens per response, shape (n,).
        gap: Seconds between two consecutive tokens of a response, for all responses, shape (gaps,). Tokens that arrived
            together have no gap.
        gap_of: Index of the request of each gap, shape (gaps,).
        first_output: Time at which the first token of text or of a tool call arrived, shape (n,); 0 if the response
            consists of reasoning only. `None`: the stream has no reasoning, so that it is the first token.
        generated: Number of tokens that the service reports (`usage`), shape (n,); 0 if it reports none. `None`: as if
            all were 0.
        burst: Number of tokens that arrived together with the first one, shape (n,). `None`: always 1.
    """

    first: Floats
    last: Floats
    count: NDArray[np.uint32]
    gap: NDArray[np.float32]
    gap_of: NDArray[np.uint32]
    first_output: Floats | None = None
    generated: NDArray[np.uint32] | None = None
    burst: NDArray[np.uint32] | None = None

    @property
    def total(self) -> NDArray[np.uint32]:
        """Number of tokens per response: as the service reports it, otherwise as counted."""
        return self.count if self.generated is None else np.where(self.generated > 0, self.generated, self.count)

    @property
    def buffered(self) -> Flags:
        """Whether a response has several tokens that arrived all at once: its gaps are unknown. Shape (n,)."""
        without_gap = np.bincount(self.gap_of, minlength=len(self.count)) == 0
        return np.asarray((self.count > 0) & (self.total > 1) & without_gap, np.bool_)

    @property
    def rate(self) -> Floats:
        """Tokens per second after the first arrival, shape (n,); NaN without a second arrival."""
        rates = np.full(len(self.count), np.nan)
        timed = (self.count > 0) & (self.last > self.first) & ~self.buffered
        burst = np.ones(len(self.count)) if self.burst is None else self.burst
        later = (self.count - burst)[timed] / self.count[timed] * self.total[timed]
        rates[timed] = later / (self.last - self.first)[timed]
        return rates

    def part(self, start: int, stop: int) -> Tokens:
        """Return the requests `start` to `stop`, renumbered from 0."""
        inside = (self.gap_of >= start) & (self.gap_of < stop)
        return Tokens(
            first=self.first[start:stop],
            last=self.last[start:stop],
            count=self.count[start:stop],
            gap=self.gap[inside],
            gap_of=self.gap_of[inside] - np.uint32(start),
            first_output=None if self.first_output is None else self.first_output[start:stop],
            generated=None if self.generated is None else self.generated[start:stop],
            burst=None if self.burst is None else self.burst[start:stop],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Results of one arm's requests in schedule order. Columns have shape (n,); times are in seconds of one clock.

    Attributes:
        scheduled: Scheduled send time.
        sent: Time at which the request was written to a connection; 0 if it never was.
        first: Time at which the first byte of the response arrived; 0 if none did.
        done: Time at which the complete response had arrived, or the failure was detected.
        status: HTTP status; 0 without a response.
        kind: `Kind` as a number.
        endpoint: Index of the endpoint in the policy's mix.
        tokens: Tokens of a streaming run; otherwise `None`.
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
        """Whether each request received a complete and valid response."""
        return np.equal(self.kind, Kind.OK)

    @property
    def timed(self) -> Flags:
        """Whether each response time is meaningful: answered, or timed out (which took at least that long)."""
        return np.isin(self.kind, (Kind.OK, Kind.TIMEOUT))

    @property
    def response(self) -> Floats:
        """Response time: seconds from the *scheduled* send to the end of the response."""
        return self.done - self.scheduled

    @property
    def service(self) -> Floats:
        """Service time: seconds from the actual send to the end of the response; only meaningful if `ok`."""
        return self.done - self.sent

    def count(self, kinds: Iterable[Kind]) -> int:
        """Return the number of requests whose result is one of `kinds`."""
        return int(np.isin(self.kind, [int(kind) for kind in kinds]).sum())
