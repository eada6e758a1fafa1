"""Capacity searches made by hand: probes whose votes follow a script, and searches of simulated queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import simulated_queue
from ghmlops.core.capacity.conclusion import conclude
from ghmlops.core.capacity.probe import probe_floor
from ghmlops.core.capacity.search import add_result, next_probe
from ghmlops.core.capacity.search_state import Probe, ProbeResult, SearchPlan, SearchResult, SearchState, Vote
from ghmlops.core.policy.objectives import Objectives

if TYPE_CHECKING:
    from collections.abc import Callable

P90 = Objectives(quantiles={"p90": 0.1})


def plan_of(
    slo: Objectives = P90, *, start_rate: float = 10.0, max_rate: float = 1000.0, budget: float = 1800.0
) -> SearchPlan:
    """Return a plan with probes of 10 s and a resolution of 5 %."""
    return SearchPlan(
        start_rate=start_rate,
        max_rate=max_rate,
        probe_seconds=10.0,
        warmup=2.0,
        resolution=0.05,
        budget=budget,
        sample_floor=probe_floor(slo),
    )


def search_queue(seed: int, slo: Objectives, queue: simulated_queue.Queue) -> tuple[SearchState, SearchResult]:
    """Return the completed search of a simulated queue, and its result."""
    state = simulated_queue.search(queue, plan_of(slo), slo, seed)
    return state, conclude(state)


def result_of(probe: Probe, vote: Vote, *, errors: float = 0.0) -> ProbeResult:
    """Return the result of a probe with this vote, with response times of 10 ms."""
    return ProbeResult(
        probe=probe,
        vote=vote,
        cause="" if vote is Vote.PASS else "generator" if vote is Vote.GENERATOR else "errors" if errors else "service",
        reason="scripted",
        n=int(probe.rate * probe.seconds),
        quantiles=dict.fromkeys(("p50", "p90", "p95", "p99"), 0.01),
        errors=errors,
        achieved=1.0,
        in_flight=probe.rate * 0.01,
        throughput=probe.rate,
        response=0.01,
        steady=vote in (Vote.PASS, Vote.UNSURE),
        took=probe.seconds,
        sent=int(probe.rate * probe.seconds),
    )


def scripted_search(
    vote_of: Callable[[Probe, int], Vote], *, errors: float = 0.0, max_rate: float = 1000.0, budget: float = 1e6
) -> tuple[SearchState, SearchResult]:
    """Return a completed search whose probes vote as `vote_of(probe, number)` says, and its result."""
    state = SearchState(plan=plan_of(max_rate=max_rate, budget=budget))
    while (probe := next_probe(state)) is not None:
        state = add_result(state, result_of(probe, vote_of(probe, len(state.history)), errors=errors))
    return state, conclude(state)


def passes_up_to(limit: float) -> Callable[[Probe, int], Vote]:
    """Return a script in which every rate up to `limit` passes, and every higher one fails."""
    return lambda probe, _number: Vote.PASS if probe.rate <= limit else Vote.FAIL
