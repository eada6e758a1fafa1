"""How many servers each arm needs for a share of the demand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.promotion.weights import ARMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.promotion.weights import Shares

_TOLERANCE = 1e-9


def needed_servers(share: float, *, demand: float, capacity: float) -> int:
    """Return the number of servers that carry a share of the demand; at least one if the share is above 0.

    Args:
        share: Share of the traffic, between 0 and 1.
        demand: Requests per second of all arms.
        capacity: Requests per second of one server, its headroom taken off.
    """
    if share <= 0.0:
        return 0
    return max(1, math.ceil(share * demand / capacity - _TOLERANCE))


def missing_servers(
    shares: Shares, ready: Mapping[str, int], *, demand: float, capacity: float
) -> dict[str, tuple[int, int]]:
    """Return the arms that have fewer ready servers than their share needs: arm to (ready, needed).

    An arm is never given fewer servers than it has: scaling down belongs to the end of a promotion.

    Args:
        shares: Shares of the traffic that are to be set.
        ready: Arm to its ready servers; an arm whose state is unknown is absent and counts as having none.
        demand: Requests per second of all arms.
        capacity: Requests per second of one server, its headroom taken off.
    """
    needed = {arm: needed_servers(shares.share(arm), demand=demand, capacity=capacity) for arm in ARMS}
    return {arm: (ready.get(arm, 0), count) for arm, count in needed.items() if count > ready.get(arm, 0)}
