"""A latency run from plan to stop: how many requests, when to look, when there is enough. Pure.

The generator asks `Judge.feed` after each block whether to go on; the findings are made in `latency_findings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core import arrivals, objectives
from ghmlops.core.duet import BLOCK, Duet, log_ratios, planned_pairs
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.answers import Answers
    from ghmlops.core.policy import Latency

    Floats = NDArray[np.float64]

FEWEST_TIMED = BLOCK * 4 // 5
"""Requests of a block that both arms must have answered (or let time out) for its quantiles to say something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When each request is sent, in seconds from the begin of the run; the same for both arms.

    Attributes:
        times: ascending, shape (n,): the warm-up, then the planned requests, then the extension.
        warmup: how many of them warm up and are discarded.
        planned: how many requests an arm the plan holds.
        extension: how many more are sent if the duet is undecided at the plan's end.
        pairs: complete pairs of blocks in the plan; 0 without a baseline or with too few requests.
    """

    times: Floats
    warmup: int
    planned: int
    extension: int
    pairs: int

    @property
    def seconds(self) -> float:
        """Longest time for which requests are sent."""
        return float(self.times[-1]) if len(self.times) else 0.0


def make_plan(policy: Latency, seed: int, *, paired: bool) -> Plan:
    """Lay out a run: with a baseline whole blocks, at most 72 pairs, and as many again in reserve."""
    model = policy.arrivals
    warm = arrivals.schedule(model, model.warmup, seed, part=0)
    times = arrivals.schedule(model, model.duration, seed, part=1)
    pairs = planned_pairs(len(times)) if paired else 0
    planned = pairs * BLOCK or len(times)
    end = float(times[planned]) if planned < len(times) else model.duration
    more = arrivals.schedule(model, model.duration, seed, part=2)[:planned] if pairs else np.empty(0)
    parts = [warm, model.warmup + times[:planned], model.warmup + end + more]
    return Plan(times=np.concatenate(parts), warmup=len(warm), planned=planned, extension=len(more), pairs=pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The answers to one block of requests; `baseline` is `None` where there is none."""

    candidate: Answers
    baseline: Answers | None


class Judge:
    """Decides after each block whether the run goes on.

    Attributes:
        duet: the paired verdict.
        judged: requests an arm seen so far; a whole number of blocks, except at the end of a run without a baseline.
        missing: blocks with too few answers for their quantiles.
        looks: how often the objectives were looked at; at most twice.
        extended: True when the run went beyond its plan.
    """

    __slots__ = ("_misses", "_open", "_plan", "_policy", "duet", "extended", "judged", "looks", "missing")

    def __init__(self, policy: Latency, plan: Plan) -> None:
        self._policy, self._plan = policy, plan
        self._misses = dict.fromkeys(objectives.allowed_shares(policy.slo), 0)
        self.duet = Duet(policy.margins)
        self.judged = self.missing = self.looks = 0
        self.extended = self._open = False

    def feed(self, block: Block) -> bool:
        """Take the next block, in order; True while more requests are needed."""
        self.judged += len(block.candidate)
        for name, count in objectives.misses(self._policy.slo, block.candidate).items():
            self._misses[name] += count
        if block.baseline is not None and len(block.candidate) == BLOCK:
            self._compare(block.baseline, block.candidate)
        return self._more_needed()

    def _compare(self, baseline: Answers, candidate: Answers) -> None:
        timed = baseline.timed & candidate.timed
        if int(timed.sum()) < FEWEST_TIMED:
            self.missing += 1
        else:
            self.duet.feed(log_ratios(baseline.response[timed], candidate.response[timed]))

    def _more_needed(self) -> bool:
        plan = self._plan
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
            shares = objectives.allowed_shares(self._policy.slo)
            seen = [objectives.judge_share(self._misses[name], self.judged, shares[name]) for name in floors]
            self._open = any(outcome is Outcome.INCONCLUSIVE for outcome in seen)
        return self._open

    def _undecided(self) -> bool:
        return bool(self._plan.pairs) and not self.duet.decision and not self.missing
