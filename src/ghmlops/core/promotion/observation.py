"""What is known about the traffic since the last change of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.promotion.latency_blocks import Times
from ghmlops.core.promotion.weights import ARMS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTraffic:
    """Completed requests of one arm, in the order of their arrival.

    Attributes:
        at: Arrival in seconds since the epoch, ascending, shape (n,).
        response: Response time in seconds, shape (n,); empty if the source counts requests only.
        failed: Whether each request failed, shape (n,).
        first: Whether each request is the first of its session, so that the weights routed it, shape (n,); `None`: all.
        judged: Whether each request is judged: those of a session after its first failure are not, shape (n,); `None`:
            all.
    """

    at: NDArray[np.float64]
    response: NDArray[np.float64]
    failed: NDArray[np.bool_]
    first: NDArray[np.bool_] | None = None
    judged: NDArray[np.bool_] | None = None

    @property
    def requests(self) -> int:
        """Number of requests."""
        return len(self.failed)

    @property
    def errors(self) -> int:
        """Number of failed requests."""
        return int(self.failed.sum())

    def since(self, start: float) -> ArmTraffic:
        """Return the requests that arrived at or after a moment."""
        return self._only(self.at >= start)

    def first_requests(self) -> ArmTraffic:
        """Return the first request of each session: those that the weights routed."""
        return self if self.first is None else self._only(self.first)

    def judged_requests(self) -> ArmTraffic:
        """Return the requests that are judged: all of a session up to its first failure."""
        return self if self.judged is None else self._only(self.judged)

    def _only(self, keep: NDArray[np.bool_]) -> ArmTraffic:
        return ArmTraffic(
            at=self.at[keep],
            response=self.response[keep] if len(self.response) else self.response,
            failed=self.failed[keep],
            first=None if self.first is None else self.first[keep],
            judged=None if self.judged is None else self.judged[keep],
        )

    def successes(self) -> Times:
        """Return the response times of the requests that did not fail: an error that comes fast is no fast answer."""
        good = ~self.failed
        return Times(at=self.at[good], response=self.response[good])


EMPTY = ArmTraffic(at=np.empty(0), response=np.empty(0), failed=np.empty(0, dtype=np.bool_))


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Requests per arm in one period; an arm without requests is `EMPTY`."""

    candidate: ArmTraffic = EMPTY
    twin: ArmTraffic = EMPTY
    pool: ArmTraffic = EMPTY

    def counts(self) -> dict[str, int]:
        """Return the number of requests per arm."""
        return {arm: self.arm(arm).requests for arm in ARMS}

    def routed(self) -> dict[str, int]:
        """Return the number of requests per arm that the weights routed: the first ones of sessions."""
        return {arm: self.arm(arm).first_requests().requests for arm in ARMS}

    def arm(self, name: str) -> ArmTraffic:
        """Return the requests of one arm."""
        arm: ArmTraffic = getattr(self, name)
        return arm

    def since(self, start: float) -> Traffic:
        """Return the requests that arrived at or after a moment, e.g. a change of weights."""
        return Traffic(**{arm: self.arm(arm).since(start) for arm in ARMS})
