"""Policy section `capacity`: limits of the capacity search."""

from __future__ import annotations

from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.policy.section import Section


class Capacity(Section, frozen=True, kw_only=True):
    """The stress test: the highest arrival rate that meets the objectives. Requests are those of `latency`."""

    slo: Objectives = Objectives()
    """The objectives; those of `latency` where empty."""
    start: float = 10.0
    """First rate, a second."""
    most: float = 10_000.0
    """No higher rate is tried."""
    probe: float = 10.0
    """Seconds of one probe, after its warm-up."""
    warmup: float = 2.0
    resolution: float = 0.05
    """The search ends when the bracket of rates is this narrow, as a ratio."""
    budget: float = 1800.0
    """Most seconds of the whole search."""
    demand: float = 0.0
    """Rate to serve, for the number of replicas; 0: not asked."""
    headroom: float = 0.3
    """Share of each replica's capacity that is kept free."""
    predict: tuple[float, ...] = ()
    """Rates at which the fitted law is to tell the response time."""
