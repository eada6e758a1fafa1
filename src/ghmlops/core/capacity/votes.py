"""What the votes of the probes show about each rate, and about the interval.

A first pass is accepted until the end of the search, where the edge of the interval is probed again; any other vote
requires a second equal one; three votes decide by majority. Therefore a single bad probe of a noisy machine decides
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.capacity.constants import BROKEN_ERRORS, MAX_VOTES, MIN_LEVEL_DISTANCE
from ghmlops.core.capacity.search_state import Standing, Vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ghmlops.core.capacity.search_state import ProbeResult, SearchState


def standing(results: Iterable[ProbeResult]) -> Standing:
    """Return what the probes of one rate show together. If some are refined, only these have a vote."""
    probes = list(results)
    if sum(result.vote is Vote.GENERATOR for result in probes) >= 2:
        return Standing.GENERATOR
    votes = [result.vote for result in voting(probes)]
    if votes == [Vote.PASS]:
        return Standing.PASS
    # Probes for the scaling law lie below the capacity and do not have to be decided.
    if votes == [Vote.UNSURE] and probes[0].probe.purpose == "law":
        return Standing.UNSURE
    majority = max(votes, key=votes.count, default=None)
    if majority is not None and votes.count(majority) >= 2:
        return Standing(majority.value)
    return Standing.UNSURE if len(votes) >= MAX_VOTES else Standing.OPEN


def voting(results: Iterable[ProbeResult]) -> list[ProbeResult]:
    """Return the probes of one rate that have a vote: not limited by the generator, and only refined ones if any."""
    probes = [result for result in results if result.vote is not Vote.GENERATOR]
    refined = [result for result in probes if result.probe.refined]
    return refined or probes


def standings_by_rate(history: Sequence[ProbeResult]) -> dict[float, Standing]:
    """Return the standing of each probed rate, in ascending order of the rates."""
    probes: dict[float, list[ProbeResult]] = {}
    for result in history:
        probes.setdefault(result.rate, []).append(result)
    return {rate: standing(probes[rate]) for rate in sorted(probes)}


def edges(standings: Mapping[float, Standing]) -> tuple[float | None, float | None]:
    """Return the highest passing rate below the lowest failing one, and the latter; `None` if absent."""
    high = min((rate for rate, status in standings.items() if status is Standing.FAIL), default=None)
    passing = [r for r, status in standings.items() if status is Standing.PASS and (high is None or r < high)]
    return max(passing, default=None), high


def is_broken(state: SearchState) -> bool:
    """Return whether most requests failed even at the lowest rate: the service is broken, not overloaded."""
    lowest = min(result.rate for result in state.history)
    return all(result.errors > BROKEN_ERRORS for result in state.history if result.rate == lowest)


def steady_rates(history: Sequence[ProbeResult]) -> list[float]:
    """Return the distinct rates at which a probe was steady: the levels of the scaling law."""
    rates: list[float] = []
    for rate in sorted({result.rate for result in history if result.steady}):
        if not rates or rate / rates[-1] > 1 + MIN_LEVEL_DISTANCE:
            rates.append(rate)
    return rates
