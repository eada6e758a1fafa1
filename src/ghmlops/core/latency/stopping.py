"""The plan of a latency run and its stopping rule: how many requests to send, and when enough were judged.

The generator calls `Judge.feed` after each block to learn whether to continue. `findings` makes the findings
afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency import objectives
from ghmlops.core.latency.constants import BLOCK_SIZE, MIN_COMPARABLE
from ghmlops.core.latency.duet import Duet, compare_blocks, planned_pairs
from ghmlops.core.latency.objectives import Share
from ghmlops.core.latency.saturated_runs.finding import saturation_of
from ghmlops.core.load import arrivals
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.policy.latency import Latency

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPart:
    """The requests of the total schedule that one shard sends.

    Attributes:
        indices: Indices of the shard's requests in the total schedule, ascending, shape (n,).
        total: Number of requests of the total schedule, including warm-up.
        warmup: Number of warm-up requests of the total schedule.
    """

    indices: NDArray[np.int64]
    total: int
    warmup: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Send times of a run in seconds from its start, the same for both arms.

    Attributes:
        times: Send times, ascending, shape (n,): the warm-up, the planned requests, and the extension.
        warmup: Number of leading requests that are sent but not judged.
        planned: Number of planned requests per arm.
        extension: Number of further requests per arm that are sent if the duet is undecided at the end of the plan.
        pairs: Number of complete pairs of blocks in the plan; 0 without a baseline or with too few requests.
        full_schedule: Whether the run sends all of it, whatever it observes: shaped demand, and shards.
        part: The part of a shard; `None` if the plan is the total schedule.
    """

    times: Floats
    warmup: int
    planned: int
    extension: int
    pairs: int
    full_schedule: bool = False
    part: ShardPart | None = None

    @property
    def seconds(self) -> float:
        """Maximum time in seconds during which requests are sent."""
        return float(self.times[-1]) if len(self.times) else 0.0


def make_plan(
    policy: Latency,
    seed: int,
    *,
    paired: bool,
    trace: Floats | None = None,
    shard: tuple[int, int] | None = None,
) -> Plan:
    """Return the plan of a run.

    With a baseline it consists of complete blocks, at most 72 pairs, and an extension of the same length. Shaped
    demand, and a shard's part of any demand, is sent in full: every complete block is a pair, and there is no
    extension.

    Args:
        policy: The section `latency` of the policy.
        seed: Seed of the run.
        paired: Whether there is a baseline.
        trace: Replay only: recorded times in seconds, shape (m,).
        shard: Number of the shard and number of shards; (3, 16) sends every 16th request from the third on.
    """
    model = policy.arrivals
    warmup = arrivals.warmup_times(model, seed, trace)
    times = arrivals.demand_times(model, seed, trace)
    if model.shaped or shard:
        return _full_plan(warmup, model.warmup + times, shard or (1, 1), paired=paired)
    pairs = planned_pairs(len(times)) if paired else 0
    planned = pairs * BLOCK_SIZE or len(times)
    end = float(times[planned]) if planned < len(times) else model.duration
    extension = arrivals.schedule(model, model.duration, seed, part=2)[:planned] if pairs else np.empty(0)
    parts = [warmup, model.warmup + times[:planned], model.warmup + end + extension]
    return Plan(times=np.concatenate(parts), warmup=len(warmup), planned=planned, extension=len(extension), pairs=pairs)


def _full_plan(warmup_times: Floats, demand: Floats, shard: tuple[int, int], *, paired: bool) -> Plan:
    total = np.concatenate([warmup_times, demand])
    times, indices = arrivals.thin(total, *shard)
    warmup = int((indices < len(warmup_times)).sum())
    planned = len(times) - warmup
    return Plan(
        times=times,
        warmup=warmup,
        planned=planned,
        extension=0,
        pairs=planned // BLOCK_SIZE if paired else 0,
        full_schedule=True,
        part=ShardPart(indices=indices, total=len(total), warmup=len(warmup_times)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Results of one block of requests; `baseline` is `None` without a baseline."""

    candidate: Answers
    baseline: Answers | None


class Judge:
    """The stopping rule: decides after each block whether the run continues.

    Attributes:
        duet: The paired verdict.
        judged: Number of judged requests per arm so far; complete blocks, except at the end of a run.
        pairs: Block number and statistics (`compare_blocks`) of each compared pair of blocks.
        missing: Number of blocks with too few response times to compare their quantiles.
        looks: Number of looks at the objectives before the end of the plan, at most 1.
        extended: Whether the run continued beyond its plan.
    """

    __slots__ = ("_open", "_plan", "_policy", "_shares", "duet", "extended", "judged", "looks", "missing", "pairs")

    def __init__(self, policy: Latency, plan: Plan) -> None:
        self._policy, self._plan = policy, plan
        self._shares = dict.fromkeys(objectives.allowed_shares(policy.slo), Share())
        self.duet = Duet(policy.margins, patient=plan.full_schedule)
        self.pairs: list[tuple[int, dict[str, float]]] = []
        self.judged = self.missing = self.looks = 0
        self.extended = self._open = False

    def feed(self, block: Block) -> bool:
        """Add the next block, in order, and return whether more requests are needed."""
        self.judged += len(block.candidate)
        # A full schedule is never stopped early, so its objectives are not looked at in between.
        if not self._plan.full_schedule:
            for name, share in objectives.misses(self._policy.slo, block.candidate).items():
                self._shares[name] += share
        if block.baseline is not None and len(block.candidate) == BLOCK_SIZE:
            self._compare(block.baseline, block.candidate)
        return self._needs_more()

    def _compare(self, baseline: Answers, candidate: Answers) -> None:
        timed = baseline.timed & candidate.timed
        if int(timed.sum()) < MIN_COMPARABLE:
            self.missing += 1
        else:
            statistics = compare_blocks(baseline.response[timed], candidate.response[timed])
            block = self.judged // BLOCK_SIZE
            self.pairs.append((block, statistics))
            self.duet.feed(statistics, block)

    def _needs_more(self) -> bool:
        plan = self._plan
        if plan.full_schedule:
            return self.judged < plan.planned
        if self.judged >= plan.planned:
            self.extended = plan.extension > 0 and (self.extended or self._undecided())
            return self._undecided() and self.judged < plan.planned + plan.extension
        return not plan.pairs or self._undecided() or self._objectives_open()

    def _objectives_open(self) -> bool:
        """Return whether a decided duet continues for the objectives: up to their floors, then by one early look."""
        floors = objectives.reachable_floors(self._policy.slo, self._plan.planned)
        if self.judged < max(floors.values(), default=0):
            return True
        if self.duet.decision == "fail" or self.missing:
            return False
        if not self.looks:
            self.looks = 1
            allowed = objectives.allowed_shares(self._policy.slo)
            shares = {name: self._shares[name] for name in floors}
            outcomes = [objectives.judge_share(s.missed, s.n, allowed[name]) for name, s in shares.items()]
            self._open = any(outcome is Outcome.INCONCLUSIVE for outcome in outcomes)
        return self._open

    def _undecided(self) -> bool:
        if not self._plan.pairs or self.missing:
            return False
        saturation = saturation_of(self.duet, self._policy.arrivals)
        if not any(saturation.growth.values()):
            return not self.duet.decision
        if not saturation.baseline_overloaded and self.duet.decision != "pass":
            return not self.duet.decision
        # A slow phase of the machine overloads both arms for a while: even a decided run goes on to the end of its
        # plan.
        return self.judged < self._plan.planned
