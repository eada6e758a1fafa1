"""The search for the highest arrival rate that meets the objectives. Pure: a history of probes to the next one.

A geometric ramp (factor 2) to the first rate that fails, then geometric bisection. Every probe votes `pass`, `fail` or
`unsure` (see `capacity_probe`). A rate is decided by its votes: a first pass stands until the end, where the edge of
the interval is probed again; anything else needs two alike; three votes decide by majority. So one bad probe of a noisy
machine ends nothing. Both edges are bisected: the highest rate that passes and the lowest that fails. Between them may
lie rates at which the probes cannot tell; they belong to the interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FACTOR = 2.0
"""Of the ramp."""
LENGTHEN = 4.0
"""A rate whose votes differ, or could not tell, is probed again this many times as long."""
REFINE = 16.0
"""Where the interval is still wider than asked, rates inside it are probed again this many times as long."""
SHARE_OF_INTERVAL = 0.25
"""An edge is bisected until its gap is this share of the interval, in logarithms: then longer probes tell more than
new rates."""
VOTES = 3
"""Most votes a rate gets; the generator's failures are not votes."""
LEVELS = 6
"""Steady rates that the scaling law needs."""
LAW_SHARES = (0.8, 0.65, 0.5, 0.35, 0.25, 0.15, 0.1, 0.07)
"""Shares of the highest passing rate at which cheap probes are added until the law has its levels."""
LOWEST = 64.0
"""The ramp down ends at `start` divided by this."""
MOST_PROBES = 300
BROKEN = 0.5
"""Share of failed requests at the lowest rate from which on load is not the cause: no lower rate is tried."""
SPARE = 1.05
"""A probe is planned this much longer than its sample floor needs."""
APART = 0.05
"""Rates closer than this are one level for the law."""


class Vote(StrEnum):
    """What one probe says about its rate."""

    PASS = "pass"  # noqa: S105  (a word, not a password)
    FAIL = "fail"
    UNSURE = "unsure"
    GENERATOR = "generator"
    """The generator was the limit: the probe says nothing about the service."""


class Standing(StrEnum):
    """What the votes on a rate come to."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNSURE = "unsure"
    GENERATOR = "generator"
    OPEN = "open"
    """Another probe is needed."""


Cause = Literal["", "service", "errors", "generator"]
Purpose = Literal["ramp", "bisect", "repeat", "confirm", "law", "refine"]
Limit = Literal["service", "errors", "generator", "nothing", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The search as asked for; times in seconds, rates a second.

    Attributes:
        floor: samples that the objectives need before any of them may pass.
        requests: most requests of one probe.
        total: most requests of the search.
        longest: most seconds of one probe, with its warm-up.
    """

    start: float
    most: float
    probe: float
    warmup: float
    resolution: float
    budget: float
    floor: int
    requests: int = 1_000_000
    total: int = 20_000_000
    longest: float = 7200.0

    def base(self, rate: float) -> float:
        """Return the seconds of a first probe at `rate`: long enough for the sample floor."""
        return max(self.probe, SPARE * self.floor / rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What to do next: offer `rate` for `seconds` after the warm-up."""

    rate: float
    seconds: float
    purpose: Purpose
    refined: bool = False
    """One of the longest probes, at a rate at which shorter ones could not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What one probe saw, over its judged requests. Times in seconds, rates a second; NaN where nothing answered.

    Attributes:
        cause: what kept it from passing.
        reason: one clause with the numbers.
        quantiles: of the response time by name (`p50` ...), failed requests above all.
        errors: share of requests that failed.
        achieved: share of the offered requests that was answered in time; throughput = offered rate x this.
        in_flight: mean requests in the service, by Little's law: throughput x mean response time.
        steady: True where in-flight did not drift and the probe ran its whole length.
        effective: independent samples that the n requests are worth.
        took: seconds of the search that it used, with warm-up and rest.
        sent: requests sent, with the warm-up.
    """

    probe: Probe
    vote: Vote
    cause: Cause = ""
    reason: str = ""
    n: int
    missed: int = 0
    quantiles: dict[str, float]
    errors: float
    achieved: float
    in_flight: float
    throughput: float
    response: float
    steady: bool
    effective: float = 0.0
    took: float
    sent: int

    @property
    def rate(self) -> float:
        """The offered rate."""
        return self.probe.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The search so far."""

    plan: Plan
    history: tuple[Probed, ...] = ()
    died: bool = False
    """After the last probe the service did not come back: nothing more can be learnt from it."""

    @property
    def seconds(self) -> float:
        """Used of the budget."""
        return sum(done.took for done in self.history)

    @property
    def sent(self) -> int:
        """Requests sent."""
        return sum(done.sent for done in self.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the search found.

    Attributes:
        low: highest rate that passes (`None`: none did), below the lowest that fails.
        high: lowest rate that is shown to fail; `None`: none was.
        limit: what kept the service from more.
        complete: both edges are decided; False: a budget ended the search before.
        reason: one sentence on how it ended, without full stop.
    """

    low: float | None
    high: float | None
    limit: Limit
    complete: bool
    reason: str


def standing(probes: Iterable[Probed]) -> Standing:
    """Sum up the probes of one rate. Where some were made much longer, these alone have a vote."""
    cast = list(probes)
    if sum(done.vote is Vote.GENERATOR for done in cast) >= 2:
        return Standing.GENERATOR
    counted = [done.vote for done in _counted(cast)]
    if counted == [Vote.PASS]:
        return Standing.PASS
    if counted == [Vote.UNSURE] and cast[0].probe.purpose == "law":
        return Standing.UNSURE  # below the capacity: made for the law alone
    most = max(counted, key=counted.count, default=None)
    if most is not None and counted.count(most) >= 2:
        return Standing(most.value)
    return Standing.UNSURE if len(counted) >= VOTES else Standing.OPEN


def _counted(probes: Iterable[Probed]) -> list[Probed]:
    """Return the probes that have a vote: not the generator's failures; of a refined rate only the refined ones."""
    cast = [done for done in probes if done.vote is not Vote.GENERATOR]
    refined = [done for done in cast if done.probe.refined]
    return refined or cast


def levels(history: Sequence[Probed]) -> dict[float, Standing]:
    """Return each probed rate, ascending, and what its votes come to."""
    probes: dict[float, list[Probed]] = {}
    for done in history:
        probes.setdefault(done.rate, []).append(done)
    return {rate: standing(probes[rate]) for rate in sorted(probes)}


def feed(state: State, done: Probed) -> State:
    """Return the search with one more probe in it."""
    return State(plan=state.plan, history=(*state.history, done))


def next_rate(state: State) -> Probe | None:
    """Return the next probe; `None` where the search is at its end, or a budget is."""
    probe = wanted(state)
    if probe is None or state.died or len(state.history) >= MOST_PROBES:
        return None
    plan = state.plan
    least = plan.base(probe.rate)
    possible = min(
        plan.longest - plan.warmup,
        plan.budget - state.seconds - plan.warmup,
        plan.requests / probe.rate - plan.warmup,
        (plan.total - state.sent) / probe.rate - plan.warmup,
    )
    if possible < least:
        return None
    return Probe(rate=probe.rate, seconds=min(probe.seconds, possible), purpose=probe.purpose, refined=probe.refined)


def wanted(state: State) -> Probe | None:
    """Return what the search would do next with endless budgets; `None` at its end."""
    known = levels(state.history)
    if not known:
        return _probe(state.plan, state.plan.start, "ramp")
    for rate, stands in known.items():
        if stands is Standing.OPEN:
            return _again(state, rate)
    low, high = edges(known)
    if not {Standing.FAIL, Standing.GENERATOR} & set(known.values()) and max(known) < state.plan.most:
        return _probe(state.plan, min(max(known) * FACTOR, state.plan.most), "ramp")
    if low is None:
        below = _tidy(min(known) / FACTOR)
        hopeless = below < state.plan.start / LOWEST or broken(state)
        return None if hopeless else _probe(state.plan, below, "ramp")
    return _narrower(state, known, low, high)


def _again(state: State, rate: float) -> Probe:
    """Return another probe of an open rate: longer where the ones before could not tell."""
    counted = _counted(done for done in state.history if done.rate == rate)
    refined = any(done.probe.refined for done in counted)
    longer = len(counted) > 1 or any(done.vote is Vote.UNSURE for done in counted)
    return _probe(state.plan, rate, "repeat", longer=longer, refined=refined)


def _narrower(state: State, known: dict[float, Standing], low: float, high: float | None) -> Probe | None:
    """Return the probe that narrows the interval, confirms its lower end, or serves the law."""
    if gap := _widest_gap(known, low, high, state.plan.resolution):
        return _probe(state.plan, _tidy(math.sqrt(gap[0] * gap[1])), "bisect")
    counted = _counted(done for done in state.history if done.rate == low)
    if len(counted) == 1:
        return _probe(state.plan, low, "confirm", longer=True, refined=counted[0].probe.refined)
    return _for_the_law(state, low) or _refined(state, known, low, high)


def _refined(state: State, known: dict[float, Standing], low: float, high: float | None) -> Probe | None:
    """Return a longest probe of the undecided rate nearest to the middle of an interval that is too wide."""
    if high is None or high / low <= 1 + state.plan.resolution:
        return None
    refined = {done.rate for done in state.history if done.probe.refined}
    middle = math.sqrt(low * high)
    inside = [rate for rate, stands in known.items() if low < rate < high and stands is Standing.UNSURE]
    nearest = min((r for r in inside if r not in refined), key=lambda r: max(r / middle, middle / r), default=None)
    return None if nearest is None else _probe(state.plan, nearest, "refine", refined=True)


def broken(state: State) -> bool:
    """True where most requests failed even at the lowest rate: the service is broken, not overloaded."""
    lowest = min(done.rate for done in state.history)
    return all(done.errors > BROKEN for done in state.history if done.rate == lowest)


def edges(known: dict[float, Standing]) -> tuple[float | None, float | None]:
    """Return the highest passing rate below the lowest failing one, and the latter."""
    high = min((rate for rate, stands in known.items() if stands is Standing.FAIL), default=None)
    below = [rate for rate, stands in known.items() if stands is Standing.PASS and (high is None or rate < high)]
    return max(below, default=None), high


def _widest_gap(
    known: dict[float, Standing], low: float, high: float | None, resolution: float
) -> tuple[float, float] | None:
    """Return the wider of the gaps at the two edges that is still worth a new rate."""
    not_passing = min((rate for rate in known if rate > low), default=None)
    gaps = [] if not_passing is None else [(low, not_passing)]
    enough = resolution
    if high is not None:
        gaps.append((max(rate for rate in known if rate < high), high))
        enough = max(resolution, (high / low) ** SHARE_OF_INTERVAL - 1)
    wide = [gap for gap in gaps if gap[1] / gap[0] > 1 + enough]
    return max(wide, key=lambda gap: gap[1] / gap[0], default=None)


def steady_levels(history: Sequence[Probed]) -> list[float]:
    """Return the rates, apart from each other, at which a probe was steady: levels for the scaling law."""
    found: list[float] = []
    for rate in sorted({done.rate for done in history if done.steady}):
        if not found or rate / found[-1] > 1 + APART:
            found.append(rate)
    return found


def _for_the_law(state: State, low: float) -> Probe | None:
    """Return a cheap probe below the capacity where the law still lacks levels."""
    if len(steady_levels(state.history)) >= LEVELS:
        return None
    tried = {done.rate for done in state.history}
    for share in LAW_SHARES:
        rate = _tidy(low * share)
        if all(max(rate / other, other / rate) > 1 + APART for other in tried):
            return _probe(state.plan, rate, "law")
    return None


def _probe(plan: Plan, rate: float, purpose: Purpose, *, longer: bool = False, refined: bool = False) -> Probe:
    times = REFINE if refined else LENGTHEN if longer else 1.0
    return Probe(rate=rate, seconds=plan.base(rate) * times, purpose=purpose, refined=refined)


def _tidy(rate: float) -> float:
    """Return a rate of five digits, which people can type."""
    return float(f"{rate:.5g}")


def conclude(state: State) -> Found:
    """Say what the search found when no probe is left.

    Where a budget ended it, the low end is the highest rate that passed twice; one that passed once only where there is
    no such rate, and then the search is not complete.
    """
    known = levels(state.history)
    low, high = edges(known)
    passed = [rate for rate, stands in known.items() if stands is Standing.PASS and (high is None or rate < high)]
    twice = [rate for rate in passed if len(_counted(p for p in state.history if p.rate == rate)) > 1]
    rest = wanted(state)
    complete = rest is None or rest.purpose in ("law", "refine") or (bool(twice) and high is not None)
    complete = complete and not state.died
    limit = "errors" if state.died else _limit(state, known, high, complete=complete)
    return Found(low=max(twice, default=low), high=high, limit=limit, complete=complete, reason=_ending(state, rest))


def _limit(state: State, known: dict[float, Standing], high: float | None, *, complete: bool) -> Limit:
    if high is not None:
        causes = [done.cause for done in state.history if done.rate == high and done.vote is Vote.FAIL]
        return "errors" if causes.count("errors") * 2 > len(causes) else "service"
    if Standing.GENERATOR in known.values():
        return "generator"
    if complete and known and known[max(known)] is Standing.PASS:
        return "nothing"
    return "unknown"


def _ending(state: State, rest: Probe | None) -> str:
    plan, probes = state.plan, f"{len(state.history)} probes in {state.seconds:.0f} s"
    if state.died:
        return f"the search was ended after {probes}"
    if rest is None:
        return f"the search ended by itself after {probes}"
    if plan.total - state.sent < plan.requests:
        return f"the most requests of a search ({plan.total:,}) were used up by {probes}"
    if len(state.history) >= MOST_PROBES:
        return f"the search was ended after {probes}"
    return f"the rest of the budget of {plan.budget:g} s was too short for the next probe after {probes}"


def replicas(capacity: float, demand: float, headroom: float) -> int | None:
    """Return how many replicas serve `demand`, each loaded to at most `capacity` less the share `headroom`.

    Linear scaling is assumed: what replicas share (a database, a network) is not in it. `None` without a capacity.
    """
    usable = capacity * (1.0 - headroom)
    return math.ceil(demand / usable - 1e-9) if usable > 0 and demand > 0 else None
