"""Types of the load generator: what a run sends (`Load`), and what it records (`Recording`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.redirects import NO_OTHER_HOST, RedirectRules
from ghmlops.measure.load.kernel_timestamps import MAX_TIMESTAMP_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.target import Target


MAX_REQUESTS = 1_000_000
"""Hard limit of requests per run and arm, warm-up and extension included."""
MAX_SECONDS = 7200.0
"""Hard limit of the duration of a run in seconds, warm-up and extension included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The requests of a run, for one arm or for two that receive the same requests at the same times.

    Attributes:
        targets: Service of each arm, already probed. Connections are opened in this order.
        endpoints: Endpoints that are requested, with headers as they are sent.
        calls: The distinct requests; `order` selects from them.
        order: Index into `calls` of each scheduled request, length n.
        times: Scheduled send times in seconds from the start, ascending, shape (n,).
        warmup: Number of leading requests that belong to no block.
        block: Requests per block and arm; the last block may be shorter.
        write_order: For each request, 1 if the second arm is written first, otherwise 0; unused with one arm.
        connections: Maximum number of concurrent requests per arm.
        timeout: Seconds from the scheduled send after which any request has failed. The time-out of its endpoint
            applies if it is shorter.
        protocol: Key of `protocols.table.PROTOCOLS`.
        stream: How responses are split into tokens: a key of `token_stream.TOKEN_PARSERS`; empty if they are not.
        quotes: Whether the example of a failure may quote the response. A response may repeat a secret header, and one
            of a remote host may contain data that the readers of the report must not see.
        redirects: Where redirects may lead; used if an endpoint follows them.
        start_at: Time of `time.monotonic` at which the schedule starts. If it has passed, the schedule starts as soon
            as everything is ready.
    """

    targets: Sequence[Target]
    endpoints: Sequence[Request]
    calls: Sequence[Call]
    order: Sequence[int]
    times: NDArray[np.float64]
    warmup: int
    block: int
    write_order: Sequence[int]
    connections: int
    timeout: float
    protocol: str = "http/1.1"
    stream: str = ""
    quotes: bool = True
    redirects: RedirectRules = NO_OTHER_HOST
    start_at: float = 0.0

    @property
    def rate(self) -> float:
        """Mean requests per second and arm."""
        return len(self.times) / max(float(self.times[-1]), 1e-9)

    @property
    def uses_kernel_timestamps(self) -> bool:
        """True if the kernel may time the responses of both arms; arms that are timed differently are incomparable."""
        plain = self.protocol == "http/1.1" and all(target.tls is None for target in self.targets)
        return plain and self.rate <= MAX_TIMESTAMP_RATE and not self.follows_redirects

    @property
    def follows_redirects(self) -> bool:
        """True if an endpoint follows redirects, which may lead from http to https."""
        return any(endpoint.follow_redirect for endpoint in self.endpoints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The result of a run: complete blocks, without warm-up. Times are seconds of `time.monotonic`.

    Attributes:
        arms: Responses of each arm.
        dispatch_times: When the generator processed each request, before it was written, shape (n,).
        examples: For each arm, the first failure of each kind.
        notes: Facts about the generator: timer, clock of the responses, priority, connections, waiting requests.
    """

    arms: tuple[Answers, ...]
    dispatch_times: NDArray[np.float64]
    examples: tuple[dict[Kind, str], ...]
    notes: dict[str, Any] = field(default_factory=dict)
