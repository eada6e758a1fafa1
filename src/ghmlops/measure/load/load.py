"""What a run sends, and what it recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.measure.load.kernel_timestamps import MOST_STAMPED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.latency import Request
    from ghmlops.measure.load.target import Target


MAX_REQUESTS = 1_000_000


MAX_SECONDS = 7200.0
"""Hard caps of a run, an arm, warm-up and extension included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send. One arm, or two that get the same requests at the same times.

    Attributes:
        targets: each arm's service, probed; connections are opened in this order.
        endpoints: what is requested, with headers as they are sent.
        calls: the requests of one round through the payloads; `order` picks from them.
        order: for each scheduled request its place in `calls`.
        times: ascending seconds from the begin, shape (n,).
        warmup: how many of the first requests belong to no block.
        block: requests an arm and block; the last block may be shorter.
        second_first: for each request, 1 where the second arm is written first; unused with one arm.
        connections: most connections an arm.
        timeout: seconds from the scheduled send after which any request has failed; each has its endpoint's where that
            is shorter.
        protocol: a name of `protocols.PROTOCOLS`.
        stream: how answers are cut into tokens, `sse` or `chunked`; empty: they are not.
        begin: second 0 of the schedule, by `time.monotonic`; where it is not reached, as soon as all is ready.
    """

    targets: Sequence[Target]
    endpoints: Sequence[Request]
    calls: Sequence[Call]
    order: Sequence[int]
    times: NDArray[np.float64]
    warmup: int
    block: int
    second_first: Sequence[int]
    connections: int
    timeout: float
    protocol: str = "http/1.1"
    stream: str = ""
    begin: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second and arm, on average."""
        return len(self.times) / max(float(self.times[-1]), 1e-9)

    @property
    def stamped(self) -> bool:
        """True where the kernel may time the answers: of both arms or of none, or they could not be compared."""
        plain = self.protocol == "http/1.1" and all(target.tls is None for target in self.targets)
        return plain and self.rate <= MOST_STAMPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was seen, in whole blocks without the warm-up; times of `time.monotonic`."""

    arms: tuple[Answers, ...]
    dispatched: NDArray[np.float64]
    """When the generator turned to each request, shape (n,)."""
    examples: tuple[dict[Kind, str], ...]
    """Each arm's first failure of each kind."""
    notes: dict[str, Any] = field(default_factory=dict)
    """About the generator: timer, who timed the answers, priority, connections, requests that waited for one."""
