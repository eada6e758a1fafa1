"""The search for the highest arrival rate that meets the objectives, as a pure function of the probes so far.

A geometric ramp (factor 2) up to the first rate that fails, then geometric bisection. Every probe votes `pass`, `fail`
or `unsure` (`probe`), and `votes` decides each rate. Both edges are bisected: the highest rate that passes and the
lowest that fails. Between them there may be rates at which the probes cannot decide; they belong to the interval.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.core.capacity.constants import (
    EDGE_GAP_SHARE,
    LAW_SHARES,
    LONGER_FACTOR,
    LONGEST_FACTOR,
    MAX_PROBES,
    MAX_RAMP_DOWN,
    MIN_LEVEL_DISTANCE,
    MIN_LEVELS,
    RAMP_FACTOR,
)
from ghmlops.core.capacity.search_state import Probe, SearchState, Standing, Vote
from ghmlops.core.capacity.votes import edges, is_broken, standings_by_rate, steady_rates, voting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.capacity.search_state import ProbeResult, Purpose, SearchPlan


def add_result(state: SearchState, result: ProbeResult) -> SearchState:
    """Return the search with one more probe."""
    return SearchState(plan=state.plan, history=(*state.history, result))


def next_probe(state: SearchState) -> Probe | None:
    """Return the next probe; `None` if the search is complete or a budget is used up."""
    probe = next_step(state)
    if probe is None or state.service_died or len(state.history) >= MAX_PROBES:
        return None
    plan = state.plan
    available = min(
        plan.max_probe_seconds - plan.warmup,
        plan.budget - state.seconds - plan.warmup,
        plan.max_probe_requests / probe.rate - plan.warmup,
        (plan.max_requests - state.sent) / probe.rate - plan.warmup,
    )
    if available < plan.first_probe_seconds(probe.rate):
        return None
    return replace(probe, seconds=min(probe.seconds, available))


def next_step(state: SearchState) -> Probe | None:
    """Return the next probe of a search with an unlimited budget; `None` if the search is complete."""
    standings = standings_by_rate(state.history)
    if not standings:
        return _probe(state.plan, state.plan.start_rate, "ramp")
    for rate, status in standings.items():
        if status is Standing.OPEN:
            return _repeat(state, rate)
    low, high = edges(standings)
    limited = {Standing.FAIL, Standing.GENERATOR} & set(standings.values())
    if not limited and max(standings) < state.plan.max_rate:
        return _probe(state.plan, min(max(standings) * RAMP_FACTOR, state.plan.max_rate), "ramp")
    if low is None:
        lower = _round_rate(min(standings) / RAMP_FACTOR)
        hopeless = lower < state.plan.start_rate / MAX_RAMP_DOWN or is_broken(state)
        return None if hopeless else _probe(state.plan, lower, "ramp")
    return _narrow(state, standings, low, high)


def _repeat(state: SearchState, rate: float) -> Probe:
    """Return another probe of an open rate, longer if the previous ones could not decide."""
    votes = voting(result for result in state.history if result.rate == rate)
    refined = any(result.probe.refined for result in votes)
    longer = len(votes) > 1 or any(result.vote is Vote.UNSURE for result in votes)
    return _probe(state.plan, rate, "repeat", longer=longer, refined=refined)


def _narrow(state: SearchState, standings: Mapping[float, Standing], low: float, high: float | None) -> Probe | None:
    """Return the probe that narrows the interval, confirms its lower end, or serves the scaling law."""
    if gap := _widest_gap(standings, low, high, state.plan.resolution):
        return _probe(state.plan, _round_rate(math.sqrt(gap[0] * gap[1])), "bisect")
    votes = voting(result for result in state.history if result.rate == low)
    if len(votes) == 1:
        return _probe(state.plan, low, "confirm", longer=True, refined=votes[0].probe.refined)
    return _law_probe(state, low) or _refined_probe(state, standings, low, high)


def _refined_probe(
    state: SearchState, standings: Mapping[float, Standing], low: float, high: float | None
) -> Probe | None:
    """Return a refined probe of the undecided rate nearest to the middle of an interval that is too wide."""
    if high is None or high / low <= 1 + state.plan.resolution:
        return None
    refined = {result.rate for result in state.history if result.probe.refined}
    middle = math.sqrt(low * high)
    undecided = [rate for rate, status in standings.items() if low < rate < high and status is Standing.UNSURE]
    rates = (rate for rate in undecided if rate not in refined)
    nearest = min(rates, key=lambda rate: max(rate / middle, middle / rate), default=None)
    return None if nearest is None else _probe(state.plan, nearest, "refine", refined=True)


def _widest_gap(
    standings: Mapping[float, Standing], low: float, high: float | None, resolution: float
) -> tuple[float, float] | None:
    """Return the wider of the gaps at the two edges that justifies a new rate; `None` if none does."""
    above_low = min((rate for rate in standings if rate > low), default=None)
    gaps = [] if above_low is None else [(low, above_low)]
    min_width = resolution
    if high is not None:
        gaps.append((max(rate for rate in standings if rate < high), high))
        min_width = max(resolution, (high / low) ** EDGE_GAP_SHARE - 1)
    wide = [gap for gap in gaps if gap[1] / gap[0] > 1 + min_width]
    return max(wide, key=lambda gap: gap[1] / gap[0], default=None)


def _law_probe(state: SearchState, low: float) -> Probe | None:
    """Return a short probe below the capacity if the scaling law lacks levels."""
    if len(steady_rates(state.history)) >= MIN_LEVELS:
        return None
    probed = {result.rate for result in state.history}
    for share in LAW_SHARES:
        rate = _round_rate(low * share)
        if all(max(rate / other, other / rate) > 1 + MIN_LEVEL_DISTANCE for other in probed):
            return _probe(state.plan, rate, "law")
    return None


def _probe(plan: SearchPlan, rate: float, purpose: Purpose, *, longer: bool = False, refined: bool = False) -> Probe:
    factor = LONGEST_FACTOR if refined else LONGER_FACTOR if longer else 1.0
    return Probe(rate=rate, seconds=plan.first_probe_seconds(rate) * factor, purpose=purpose, refined=refined)


def _round_rate(rate: float) -> float:
    """Return a rate with five significant digits, which can be typed into a policy."""
    return float(f"{rate:.5g}")
