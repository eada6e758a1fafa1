"""Conclusion of a search: the interval of the capacity, what limited it, and the replicas for a demand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.capacity.constants import MAX_PROBES
from ghmlops.core.capacity.search import next_step
from ghmlops.core.capacity.search_state import SearchResult, Standing, Vote
from ghmlops.core.capacity.votes import edges, standings_by_rate, voting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.capacity.search_state import Limit, Probe, SearchState


def conclude(state: SearchState) -> SearchResult:
    """Return the result of a search without a next probe.

    If a budget ended it, the low end is the highest rate that passed twice; a rate that passed once is used only if
    there is no such rate, and then the search is not complete.
    """
    standings = standings_by_rate(state.history)
    low, high = edges(standings)
    passing = [r for r, status in standings.items() if status is Standing.PASS and (high is None or r < high)]
    confirmed = [rate for rate in passing if len(voting(r for r in state.history if r.rate == rate)) > 1]
    step = next_step(state)
    complete = step is None or step.purpose in ("law", "refine") or (bool(confirmed) and high is not None)
    complete = complete and not state.service_died
    limit = "errors" if state.service_died else _limit(state, standings, high, complete=complete)
    return SearchResult(
        low=max(confirmed, default=low), high=high, limit=limit, complete=complete, reason=_ending(state, step)
    )


def _limit(state: SearchState, standings: Mapping[float, Standing], high: float | None, *, complete: bool) -> Limit:
    if high is not None:
        causes = [result.cause for result in state.history if result.rate == high and result.vote is Vote.FAIL]
        return "errors" if causes.count("errors") * 2 > len(causes) else "service"
    if Standing.GENERATOR in standings.values():
        return "generator"
    if complete and standings and standings[max(standings)] is Standing.PASS:
        return "nothing"
    return "unknown"


def _ending(state: SearchState, step: Probe | None) -> str:
    """Return how the search ended; `step` is the probe that an unlimited budget would allow next."""
    plan, probes = state.plan, f"{len(state.history)} probes in {state.seconds:.0f} s"
    if state.service_died:
        return f"the search was stopped after {probes}"
    if step is None:
        return f"the search was completed after {probes}"
    if plan.max_requests - state.sent < plan.max_probe_requests:
        return f"the maximum number of requests per search ({plan.max_requests:,}) was used up by {probes}"
    if len(state.history) >= MAX_PROBES:
        return f"the search was stopped after the maximum of {probes}"
    return f"the remainder of the budget of {plan.budget:g} s was too short for the next probe, after {probes}"


def required_replicas(capacity: float, demand: float, headroom: float) -> int | None:
    """Return the number of replicas that serve `demand`, each loaded to at most `capacity` less the share `headroom`.

    Linear scaling is assumed: resources that replicas share (a database, a network) are not considered.

    Args:
        capacity: Capacity of one replica in requests per second.
        demand: Arrival rate to serve in requests per second.
        headroom: Share of the capacity that is kept free.

    Returns:
        `None` without a capacity or a demand.
    """
    usable = capacity * (1.0 - headroom)
    return math.ceil(demand / usable - 1e-9) if usable > 0 and demand > 0 else None
