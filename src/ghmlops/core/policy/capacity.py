"""Policy section `capacity`: limits of the capacity search."""

from __future__ import annotations

from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.policy.section import Section


class Capacity(Section, frozen=True, kw_only=True):
    """The capacity search: the highest arrival rate that meets the objectives, with the requests of `latency`."""

    slo: Objectives = Objectives()
    """The objectives; if empty, those of `latency`."""
    start: float = 10.0
    """First rate of the ramp, in requests per second."""
    most: float = 10_000.0
    """Highest rate of the search, in requests per second."""
    probe: float = 10.0
    """Duration of one probe in seconds, after its warm-up."""
    warmup: float = 2.0
    """Seconds at the start of each probe that are not judged."""
    resolution: float = 0.05
    """Relative width of the interval at which the search ends."""
    budget: float = 1800.0
    """Maximum duration of the search in seconds."""
    demand: float = 0.0
    """Rate to serve, in requests per second, from which the number of replicas follows; 0: not computed."""
    headroom: float = 0.3
    """Fraction of each replica's capacity that stays unused."""
    predict: tuple[float, ...] = ()
    """Rates, in requests per second, at which the fitted law predicts the response time."""
