"""A latency run from plan to stop: how many requests, when to look, when there is enough. Pure.

The generator asks `Judge.feed` after each block whether to go on; the findings are made in `latency_findings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency import objectives
from ghmlops.core.latency.duet import BLOCK, Duet, compare, planned_pairs
from ghmlops.core.latency.objectives import Share
from ghmlops.core.load import arrivals
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.policy.latency import Latency

    Floats = NDArray[np.float64]

FEWEST_TIMED = BLOCK * 4 // 5
"""Requests of a block that both arms must have answered (or let time out) for its quantiles to say something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which requests of a whole schedule one shard sends.

    Attributes:
        places: of the shard's requests in the whole schedule, ascending, shape (n,).
        of: requests of the whole schedule, warm-up included.
        warmup: how many of those warm up.
    """

    places: NDArray[np.int64]
    of: int
    warmup: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When each request is sent, in seconds from the begin of the run; the same for both arms.

    Attributes:
        times: ascending, shape (n,): the warm-up, then the planned requests, then the extension.
        warmup: how many of them warm up and are discarded.
        planned: how many requests an arm the plan holds.
        extension: how many more are sent if the duet is undecided at the plan's end.
        pairs: complete pairs of blocks in the plan; 0 without a baseline or with too few requests.
        whole: the run goes through all of it, whatever it has seen: demand with a course, and shards.
        part: of a shard; `None` where the plan is the whole schedule.
    """

    times: Floats
    warmup: int
    planned: int
    extension: int
    pairs: int
    whole: bool = False
    part: Part | None = None

    @property
    def seconds(self) -> float:
        """Longest time for which requests are sent."""
        return float(self.times[-1]) if len(self.times) else 0.0


def make_plan(
    policy: Latency,
    seed: int,
    *,
    paired: bool,
    trace: Floats | None = None,
    shard: tuple[int, int] | None = None,
) -> Plan:
    """Lay out a run.

    With a baseline it is whole blocks, at most 72 pairs, and as many again in reserve. Demand with a course, and a
    shard's part of any demand, is sent as it is: every complete block is a pair, and there is no reserve.

    Args:
        policy: the section `latency`.
        seed: of the run.
        paired: True with a baseline.
        trace: of a replay, the recorded times in seconds.
        shard: (3, 16) for the third of sixteen; each sends every 16th request of the same schedule.
    """
    model = policy.arrivals
    warm = arrivals.warmup_times(model, seed, trace)
    times = arrivals.demand_times(model, seed, trace)
    if model.shaped or shard:
        return _whole_plan(warm, model.warmup + times, shard or (1, 1), paired=paired)
    pairs = planned_pairs(len(times)) if paired else 0
    planned = pairs * BLOCK or len(times)
    end = float(times[planned]) if planned < len(times) else model.duration
    more = arrivals.schedule(model, model.duration, seed, part=2)[:planned] if pairs else np.empty(0)
    parts = [warm, model.warmup + times[:planned], model.warmup + end + more]
    return Plan(times=np.concatenate(parts), warmup=len(warm), planned=planned, extension=len(more), pairs=pairs)


def _whole_plan(warm: Floats, demand: Floats, shard: tuple[int, int], *, paired: bool) -> Plan:
    every = np.concatenate([warm, demand])
    times, places = arrivals.thin(every, *shard)
    warmup = int((places < len(warm)).sum())
    planned = len(times) - warmup
    return Plan(
        times=times,
        warmup=warmup,
        planned=planned,
        extension=0,
        pairs=planned // BLOCK if paired else 0,
        whole=True,
        part=Part(places=places, of=len(every), warmup=len(warm)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The answers to one block of requests; `baseline` is `None` where there is none."""

    candidate: Answers
    baseline: Answers | None


class Judge:
    """Decides after each block whether the run goes on.

    Attributes:
        duet: the paired verdict.
        judged: requests an arm seen so far; a whole number of blocks, except at the end of a run.
        pairs: the number of each compared pair of blocks, with what the duet was told of it.
        missing: blocks with too few answers for their quantiles.
        looks: how often the objectives were looked at; at most twice.
        extended: True when the run went beyond its plan.
    """

    __slots__ = ("_open", "_plan", "_policy", "_shares", "duet", "extended", "judged", "looks", "missing", "pairs")

    def __init__(self, policy: Latency, plan: Plan) -> None:
        self._policy, self._plan = policy, plan
        self._shares = dict.fromkeys(objectives.allowed_shares(policy.slo), Share())
        self.duet = Duet(policy.margins, patient=plan.whole)
        self.pairs: list[tuple[int, dict[str, float]]] = []
        self.judged = self.missing = self.looks = 0
        self.extended = self._open = False

    def feed(self, block: Block) -> bool:
        """Take the next block, in order; True while more requests are needed."""
        self.judged += len(block.candidate)
        if not self._plan.whole:  # which never looks early
            for name, share in objectives.misses(self._policy.slo, block.candidate).items():
                self._shares[name] += share
        if block.baseline is not None and len(block.candidate) == BLOCK:
            self._compare(block.baseline, block.candidate)
        return self._more_needed()

    def _compare(self, baseline: Answers, candidate: Answers) -> None:
        timed = baseline.timed & candidate.timed
        if int(timed.sum()) < FEWEST_TIMED:
            self.missing += 1
        else:
            told = compare(baseline.response[timed], candidate.response[timed])
            self.pairs.append((self.judged // BLOCK, told))
            self.duet.feed(told)

    def _more_needed(self) -> bool:
        plan = self._plan
        if plan.whole:
            return self.judged < plan.planned
        if self.judged >= plan.planned:
            self.extended = plan.extension > 0 and (self.extended or self._undecided())
            return self._undecided() and self.judged < plan.planned + plan.extension
        return not plan.pairs or self._undecided() or self._objectives_open()

    def _objectives_open(self) -> bool:
        """True where a duet that has decided goes on for the objectives: up to their floors, then after one look."""
        floors = objectives.reachable_floors(self._policy.slo, self._plan.planned)
        if self.judged < max(floors.values(), default=0):
            return True
        if self.duet.decision == "fail" or self.missing:
            return False
        if not self.looks:
            self.looks = 1
            allowed = objectives.allowed_shares(self._policy.slo)
            counted = {name: self._shares[name] for name in floors}
            seen = [objectives.judge_share(c.missed, c.n, allowed[name]) for name, c in counted.items()]
            self._open = any(outcome is Outcome.INCONCLUSIVE for outcome in seen)
        return self._open

    def _undecided(self) -> bool:
        return bool(self._plan.pairs) and not self.duet.decision and not self.missing
