"""A run as counts and distributions, from which every finding is made. Tallies are added, never averaged.

A total run and the sum of the shards of one schedule look the same to the judges. Counts are integers and distributions
are HdrHistograms, so that the sum over shards equals, count for count, the tally of a single generator.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.details.over_time import OverTime
from ghmlops.core.histograms.exact_histogram import NANOSECONDS, THOUSANDTHS, Distribution
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.constants import BLOCK_SIZE, LATE_SECONDS, MAX_LATE_IN_BLOCK
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import Share, shares
from ghmlops.core.latency.over_time.counts import count_over_time, sum_over_time
from ghmlops.core.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ghmlops.core.latency.stopping import Judge, Plan
    from ghmlops.core.policy.latency import Latency

    Floats = NDArray[np.float64]

_NOT_OFFERED = (Kind.LOCAL.label, Kind.UNSENT.label)
_MAX_TOKEN_RATE = 1e9
"""Tokens per second to which rates are clipped, so that they fit into a histogram."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The judged part of a run, without the warm-up.

    Attributes:
        candidate: Results of the candidate.
        baseline: Results of the baseline; `None` without a baseline.
        dispatched: Time at which the generator turned to each request, by the clock of the results, shape (n,).
        stolen: Share of the machine's CPU time that the hypervisor gave to others during the run.
    """

    candidate: Answers
    baseline: Answers | None
    dispatched: Floats
    stolen: float = 0.0


class Endpoint(Frozen, frozen=True, kw_only=True):
    """One endpoint of a mix: number of requests, and response times (ns) of its successful ones."""

    requests: int
    response: Distribution

    def __add__(self, other: Endpoint) -> Endpoint:
        return Endpoint(requests=self.requests + other.requests, response=self.response + other.response)


class ArmTally(Frozen, frozen=True, kw_only=True):
    """Counts and distributions of one arm.

    Attributes:
        kinds: Number of requests by result (`Kind.label`).
        statuses: Number of responses with an unexpected status, by status code.
        distributions: Distributions over successful requests by measurement id: times in ns, `tokens-per-second` in
            thousandths.
        compared: Response times (ns) of the requests that have one on both arms; `None` without a baseline.
        endpoints: Endpoints of a mix in the order of the policy; otherwise empty.
        buffered: Number of streamed responses whose tokens arrived all at once, so that their gaps are unknown.
    """

    kinds: dict[str, int]
    statuses: dict[str, int]
    distributions: dict[str, Distribution]
    compared: Distribution | None = None
    endpoints: list[Endpoint]
    buffered: int = 0

    @property
    def ok(self) -> int:
        """Number of successful requests."""
        return self.kinds.get(Kind.OK.label, 0)

    @property
    def requests(self) -> int:
        """Number of requests."""
        return sum(self.kinds.values())

    @property
    def offered(self) -> int:
        """Number of requests that were offered to the arm: all except those that the generator could not send."""
        return self.requests - sum(self.kinds.get(kind, 0) for kind in _NOT_OFFERED)

    def __add__(self, other: ArmTally) -> ArmTally:
        if self.distributions.keys() != other.distributions.keys() or len(self.endpoints) != len(other.endpoints):
            raise ValueError("the runs measured different things")
        both = self.compared is not None and other.compared is not None
        return ArmTally(
            kinds=dict(Counter(self.kinds) + Counter(other.kinds)),
            statuses=dict(Counter(self.statuses) + Counter(other.statuses)),
            distributions={name: spread + other.distributions[name] for name, spread in self.distributions.items()},
            compared=self.compared + other.compared if both else None,  # type: ignore[operator]
            endpoints=[a + b for a, b in zip(self.endpoints, other.endpoints, strict=True)],
            buffered=self.buffered + other.buffered,
        )


class Pair(Frozen, frozen=True, kw_only=True):
    """One pair of blocks: its block number in the shard, the shard, and its statistics (`duet.compare_blocks`)."""

    block: int
    shard: int
    log_ratios: dict[str, float]


class Sends(Frozen, frozen=True, kw_only=True):
    """How well the generator kept its schedule.

    Attributes:
        late: Number of late sends.
        late_blocks: Number of late blocks.
        blocks: Number of blocks.
        achieved: Number of requests that were sent in time.
        lateness: Lateness (ns) of all sends.
        stolen: Share of the CPU time that the hypervisor gave to others; of several shards the largest.
    """

    late: int
    late_blocks: int
    blocks: int
    achieved: int
    lateness: Distribution
    stolen: float = 0.0

    def __add__(self, other: Sends) -> Sends:
        return Sends(
            late=self.late + other.late,
            late_blocks=self.late_blocks + other.late_blocks,
            blocks=self.blocks + other.blocks,
            achieved=self.achieved + other.achieved,
            lateness=self.lateness + other.lateness,
            stolen=max(self.stolen, other.stolen),
        )


class Tally(Frozen, frozen=True, kw_only=True):
    """A run, or the sum of several shards of one.

    Attributes:
        requests: Number of judged requests per arm.
        candidate: The candidate arm.
        baseline: The baseline arm; `None` without a baseline.
        objectives: Requests of the candidate that missed each objective, by name.
        baseline_objectives: The same of the baseline; empty without a baseline.
        only_candidate: Number of pairs of requests of which only the candidate's failed.
        only_baseline: Number of pairs of requests of which only the baseline's failed.
        pairs: Compared pairs of blocks, ordered by block, then shard.
        missing: Number of pairs of blocks with too few response times.
        planned_pairs: Number of pairs of blocks in the plan, without its extension.
        max_requests: Maximum number of requests per arm in the plan and its extension.
        full_schedule: Whether the run sends its full schedule, so that no early pass counts.
        sends: How well the generator kept its schedule.
        over_time: Requests and failures over the time of the run; `None` if a shard did not count them.
    """

    requests: int
    candidate: ArmTally
    baseline: ArmTally | None
    objectives: dict[str, Share]
    baseline_objectives: dict[str, Share] = {}  # noqa: RUF012  (msgspec copies it)
    only_candidate: int
    only_baseline: int
    pairs: list[Pair]
    missing: int
    planned_pairs: int
    max_requests: int
    full_schedule: bool
    sends: Sends
    over_time: OverTime | None = None

    @property
    def arms(self) -> dict[str, ArmTally]:
        """The arms by name, the baseline first."""
        first = {} if self.baseline is None else {"baseline": self.baseline}
        return first | {"candidate": self.candidate}

    def __add__(self, other: Tally) -> Tally:
        if (self.baseline is None) != (other.baseline is None) or self.objectives.keys() != other.objectives.keys():
            raise ValueError("the runs measured different things")
        both = self.baseline is not None and other.baseline is not None
        return Tally(
            requests=self.requests + other.requests,
            candidate=self.candidate + other.candidate,
            baseline=self.baseline + other.baseline if both else None,  # type: ignore[operator]
            objectives={name: share + other.objectives[name] for name, share in self.objectives.items()},
            baseline_objectives={
                name: share + other.baseline_objectives[name]
                for name, share in self.baseline_objectives.items()
                if name in other.baseline_objectives
            },
            only_candidate=self.only_candidate + other.only_candidate,
            only_baseline=self.only_baseline + other.only_baseline,
            pairs=sorted([*self.pairs, *other.pairs], key=lambda pair: (pair.block, pair.shard)),
            missing=self.missing + other.missing,
            planned_pairs=self.planned_pairs + other.planned_pairs,
            max_requests=self.max_requests + other.max_requests,
            full_schedule=self.full_schedule and other.full_schedule,
            sends=self.sends + other.sends,
            over_time=sum_over_time([self.over_time, other.over_time]) if self.over_time and other.over_time else None,
        )


def tally_of(judge: Judge, run: Run, policy: Latency, plan: Plan, shard: int = 1) -> Tally:
    """Return the tally of a completed run.

    Args:
        judge: The judge that received all blocks of the run.
        run: Results of the run.
        policy: The section `latency` of the policy.
        plan: Plan of the run.
        shard: Number of the shard.
    """
    baseline, candidate = run.baseline, run.candidate
    endpoints = len(policy.endpoints) if policy.mix else 0
    only_baseline = only_candidate = 0
    arms = ({} if baseline is None else {"baseline": baseline}) | {"candidate": candidate}
    compared: list[Floats | None] = [None, None]
    if baseline is not None:
        both = baseline.timed & candidate.timed
        compared = [baseline.response[both], candidate.response[both]]
        only_baseline = int((~baseline.ok & candidate.ok).sum())
        only_candidate = int((baseline.ok & ~candidate.ok).sum())
    return Tally(
        requests=len(candidate),
        candidate=_arm_tally(candidate, compared[1], endpoints),
        baseline=None if baseline is None else _arm_tally(baseline, compared[0], endpoints),
        objectives=shares(policy.slo, candidate),
        baseline_objectives={} if baseline is None else shares(policy.slo, baseline),
        only_candidate=only_candidate,
        only_baseline=only_baseline,
        pairs=[Pair(block=block, shard=shard, log_ratios=dict(statistics)) for block, statistics in judge.pairs],
        missing=judge.missing,
        planned_pairs=plan.pairs,
        max_requests=plan.planned + plan.extension,
        full_schedule=plan.full_schedule,
        sends=_sends(run),
        over_time=count_over_time(arms, plan.times[plan.warmup :][: len(candidate)]),
    )


def _arm_tally(answers: Answers, compared: Floats | None, endpoints: int) -> ArmTally:
    ok = answers.ok
    codes, counts = np.unique(answers.status[answers.kind == Kind.STATUS], return_counts=True)
    endpoint_of = np.zeros(len(answers), np.uint8) if answers.endpoint is None else answers.endpoint
    return ArmTally(
        kinds={kind.label: count for kind in Kind if (count := answers.count([kind]))},
        statuses={str(code): int(n) for code, n in zip(codes, counts, strict=True)},
        distributions={name: Distribution.of(values, scale) for name, values, scale in _measurements(answers)},
        compared=None if compared is None else Distribution.of(compared),
        endpoints=[
            Endpoint(
                requests=int((endpoint_of == index).sum()),
                response=Distribution.of(answers.response[ok & (endpoint_of == index)]),
            )
            for index in range(endpoints)
        ],
        buffered=0 if answers.tokens is None else int((ok & answers.tokens.buffered).sum()),
    )


def _measurements(answers: Answers) -> Iterator[tuple[str, Floats, float]]:
    """Yield the id of each measurement, its values over successful requests, and its scale."""
    ok = answers.ok
    yield "response-time", answers.response[ok], NANOSECONDS
    yield "service-time", answers.service[ok], NANOSECONDS
    yield "lateness", (answers.sent - answers.scheduled)[ok], NANOSECONDS
    if answers.tokens is not None:
        tokens = answers.tokens
        has_token = ok & (tokens.count > 0)
        yield "time-to-first-byte", (answers.first - answers.scheduled)[ok], NANOSECONDS
        yield "time-to-first-token", (tokens.first - answers.scheduled)[has_token], NANOSECONDS
        output = tokens.first if tokens.first_output is None else tokens.first_output
        yield "time-to-first-output-token", (output - answers.scheduled)[has_token & (output > 0)], NANOSECONDS
        yield "token-gap", tokens.gap[ok[tokens.gap_of]].astype(np.float64), NANOSECONDS
        rates = tokens.rate[ok]
        yield "tokens-per-second", np.minimum(rates[~np.isnan(rates)], _MAX_TOKEN_RATE), THOUSANDTHS


def _sends(run: Run) -> Sends:
    lateness = np.maximum(run.dispatched - run.candidate.scheduled, 0.0)
    late = lateness > LATE_SECONDS
    blocks = [float(late[start : start + BLOCK_SIZE].mean()) for start in range(0, len(late), BLOCK_SIZE)]
    end = float(run.candidate.scheduled[-1]) + LATE_SECONDS if len(late) else 0.0
    return Sends(
        late=int(late.sum()),
        late_blocks=sum(share > MAX_LATE_IN_BLOCK for share in blocks),
        blocks=len(blocks),
        achieved=int((run.dispatched <= end).sum()),
        lateness=Distribution.of(lateness),
        stolen=run.stolen,
    )
