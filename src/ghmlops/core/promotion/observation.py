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
    """

    at: NDArray[np.float64]
    response: NDArray[np.float64]
    failed: NDArray[np.bool_]

    @property
    def requests(self) -> int:
        """Number of requests."""
        return len(self.failed)

    @property
    def errors(self) -> int:
        """Number of failed requests."""
        return int(self.failed.sum())

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

    def arm(self, name: str) -> ArmTraffic:
        """Return the requests of one arm."""
        arm: ArmTraffic = getattr(self, name)
        return arm
