"""Assigns calls and write order to the requests of a schedule, and describes them as a load for the generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.load.redirects import NO_OTHER_HOST, RedirectRules

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.core.latency.stopping import ShardPart
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.target import Target
    from ghmlops.measure.requests.calls import Calls


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSource:
    """The requests that can be sent.

    Attributes:
        policy: the section `latency`, with its preset applied and its headers filled in.
        calls: the requests with their payloads.
        seed: seed of the assignment and of the write order.
        private: whether a header contains the value of a variable; examples of failures then quote no response.
        redirects: where redirects may lead.
    """

    policy: Latency
    calls: Calls
    seed: int
    private: bool = False
    redirects: RedirectRules = NO_OTHER_HOST

    def call_order(self, requests: int, warmup: int = 0, part: ShardPart | None = None) -> NDArray[np.int64]:
        """Return the index of the call for each request, shape (requests,).

        Args:
            requests: number of requests in the schedule; ignored for a shard.
            warmup: number of leading requests that are not judged; ignored for a shard.
            part: of a shard, its part of the full schedule; every request keeps its call of the full schedule.
        """
        from ghmlops.core.load.request_order import assign_calls

        n, leading = (part.total, part.warmup) if part else (requests, warmup)
        weights = [endpoint.weight for endpoint in self.policy.endpoints]
        order = assign_calls(self.calls.endpoint_ranges, weights, requests=n, warmup=leading, seed=self.seed)
        return order[part.indices] if part else order

    def write_order(self, requests: int, part: ShardPart | None = None) -> NDArray[np.uint8]:
        """Return for each request whether the second arm is written first, shape (requests,); parts as `call_order`."""
        from ghmlops.core.load.arrivals import write_order

        order = write_order(part.total if part else requests, self.seed)
        return order[part.indices] if part else order

    def load(
        self,
        targets: Sequence[Target],
        times: NDArray[np.float64],
        warmup: int = 0,
        part: ShardPart | None = None,
    ) -> Load:
        """Return the load that the generator sends.

        Args:
            targets: one target, or two that receive every request at the same time, in the order of the slots.
            times: scheduled send times in seconds from the start, ascending, shape (n,).
            warmup: number of leading requests that are sent but not judged.
            part: of a shard, its part of the full schedule.
        """
        from ghmlops.core.latency.constants import BLOCK_SIZE
        from ghmlops.core.load.allowed_hosts import is_loopback
        from ghmlops.core.load.presets import stream_parser
        from ghmlops.measure.load.load import Load

        endpoints = self.policy.endpoints
        return Load(
            targets=targets,
            endpoints=endpoints,
            calls=self.calls.calls,
            order=self.call_order(len(times), warmup, part).tolist(),
            times=times,
            warmup=warmup,
            block=BLOCK_SIZE,
            write_order=self.write_order(len(times), part).tolist(),
            connections=self.policy.connections,
            timeout=max(endpoint.timeout for endpoint in endpoints),
            protocol=self.policy.protocol,
            stream=stream_parser(self.policy),
            redirects=self.redirects,
            quotes=not self.private and all(is_loopback(target.address) for target in targets),
        )
