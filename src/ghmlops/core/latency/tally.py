"""A run summed up: counts and distributions from which every finding is made. Tallies are added, never averaged.

One whole run or several shards of one schedule: the judges see one tally. Counts are whole numbers and distributions
are HdrHistograms, so that the sum over shards is, count for count, what one generator would have counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.histograms.exact_histogram import NANOSECONDS, THOUSANDTHS, Spread
from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.core.latency.duet import BLOCK
from ghmlops.core.latency.objectives import Share, shares
from ghmlops.core.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ghmlops.core.latency.stopping import Judge, Plan
    from ghmlops.core.policy.latency import Latency

    Floats = NDArray[np.float64]

LATE = 0.010
"""Seconds behind its schedule at which a send counts as late."""
LATE_SHARE = 0.01
"""Share of late sends at which a block is late: from there on lateness reaches its p99."""
_KEPT_BACK = (Kind.LOCAL.label, Kind.UNSENT.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The judged part of a run: whole blocks without the warm-up. `baseline` is `None` where there is none.

    `dispatched` is when the generator turned to each request, shape (n,), same clock as the answers.
    """

    candidate: Answers
    baseline: Answers | None
    dispatched: Floats


class Endpoint(Frozen, frozen=True, kw_only=True):
    """One endpoint of a mix: requests, and the response times (ns) of its good answers."""

    requests: int
    response: Spread

    def __add__(self, other: Endpoint) -> Endpoint:
        return Endpoint(requests=self.requests + other.requests, response=self.response + other.response)


class ArmTally(Frozen, frozen=True, kw_only=True):
    """One arm.

    Attributes:
        kinds: how its requests ended: `Kind.label` to count.
        statuses: status codes of the answers with an unexpected status.
        spreads: by measurement id; times in ns and `tokens-per-second` in thousandths, over good answers.
        compared: response times (ns) of the requests that both arms answered or let time out; `None` without a
            baseline.
        endpoints: of a mix, in the policy's order; otherwise empty.
    """

    kinds: dict[str, int]
    statuses: dict[str, int]
    spreads: dict[str, Spread]
    compared: Spread | None = None
    endpoints: list[Endpoint]

    @property
    def ok(self) -> int:
        """Good answers."""
        return self.kinds.get(Kind.OK.label, 0)

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(self.kinds.values())

    @property
    def offered(self) -> int:
        """Requests that reached the arm or were held up by it: all that the generator did not keep back."""
        return self.requests - sum(self.kinds.get(kind, 0) for kind in _KEPT_BACK)

    def __add__(self, other: ArmTally) -> ArmTally:
        if self.spreads.keys() != other.spreads.keys() or len(self.endpoints) != len(other.endpoints):
            raise ValueError("the runs measured different things")
        both = self.compared is not None and other.compared is not None
        return ArmTally(
            kinds=dict(Counter(self.kinds) + Counter(other.kinds)),
            statuses=dict(Counter(self.statuses) + Counter(other.statuses)),
            spreads={name: spread + other.spreads[name] for name, spread in self.spreads.items()},
            compared=self.compared + other.compared if both else None,  # type: ignore[operator]
            endpoints=[a + b for a, b in zip(self.endpoints, other.endpoints, strict=True)],
        )


class Pair(Frozen, frozen=True, kw_only=True):
    """One pair of blocks: its number in its shard, the shard, and what `duet.compare` tells of it."""

    block: int
    shard: int
    log_ratios: dict[str, float]


class Sends(Frozen, frozen=True, kw_only=True):
    """How well the generator kept its schedule: whole numbers of requests and blocks, and the lateness in ns."""

    late: int
    late_blocks: int
    blocks: int
    achieved: int
    behind: Spread

    def __add__(self, other: Sends) -> Sends:
        return Sends(
            late=self.late + other.late,
            late_blocks=self.late_blocks + other.late_blocks,
            blocks=self.blocks + other.blocks,
            achieved=self.achieved + other.achieved,
            behind=self.behind + other.behind,
        )


class Tally(Frozen, frozen=True, kw_only=True):
    """A run, or several shards of one.

    Attributes:
        requests: judged requests an arm.
        candidate: its arm.
        baseline: its arm, or `None`.
        objectives: by name, who missed them.
        only_candidate: pairs of requests of which the candidate's failed alone.
        only_baseline: those of which the baseline's did.
        pairs: compared pairs of blocks, ordered by block, then shard.
        missing: pairs of blocks with too few answers.
        planned_pairs: pairs of blocks that the plan holds, without its extension.
        most: most requests an arm that the plan and its extension hold.
        whole: the run went through its whole schedule, so that no early pass counts.
        sends: of the generator.
    """

    requests: int
    candidate: ArmTally
    baseline: ArmTally | None
    objectives: dict[str, Share]
    only_candidate: int
    only_baseline: int
    pairs: list[Pair]
    missing: int
    planned_pairs: int
    most: int
    whole: bool
    sends: Sends

    @property
    def arms(self) -> dict[str, ArmTally]:
        """The arms by name, the baseline first."""
        before = {} if self.baseline is None else {"baseline": self.baseline}
        return before | {"candidate": self.candidate}

    def __add__(self, other: Tally) -> Tally:
        if (self.baseline is None) != (other.baseline is None) or self.objectives.keys() != other.objectives.keys():
            raise ValueError("the runs measured different things")
        both = self.baseline is not None and other.baseline is not None
        return Tally(
            requests=self.requests + other.requests,
            candidate=self.candidate + other.candidate,
            baseline=self.baseline + other.baseline if both else None,  # type: ignore[operator]
            objectives={name: share + other.objectives[name] for name, share in self.objectives.items()},
            only_candidate=self.only_candidate + other.only_candidate,
            only_baseline=self.only_baseline + other.only_baseline,
            pairs=sorted([*self.pairs, *other.pairs], key=lambda pair: (pair.block, pair.shard)),
            missing=self.missing + other.missing,
            planned_pairs=self.planned_pairs + other.planned_pairs,
            most=self.most + other.most,
            whole=self.whole and other.whole,
            sends=self.sends + other.sends,
        )


def tally_of(judge: Judge, run: Run, policy: Latency, plan: Plan, shard: int = 1) -> Tally:
    """Sum up a run that has ended."""
    baseline, candidate = run.baseline, run.candidate
    names = len(policy.endpoints) if policy.mix else 0
    alone = [0, 0]
    compared: list[Floats | None] = [None, None]
    if baseline is not None:
        both = baseline.timed & candidate.timed
        compared = [baseline.response[both], candidate.response[both]]
        alone = [int((~baseline.ok & candidate.ok).sum()), int((baseline.ok & ~candidate.ok).sum())]
    return Tally(
        requests=len(candidate),
        candidate=_arm(candidate, compared[1], names),
        baseline=None if baseline is None else _arm(baseline, compared[0], names),
        objectives=shares(policy.slo, candidate),
        only_candidate=alone[1],
        only_baseline=alone[0],
        pairs=[Pair(block=block, shard=shard, log_ratios=dict(log_ratios)) for block, log_ratios in judge.pairs],
        missing=judge.missing,
        planned_pairs=plan.pairs,
        most=plan.planned + plan.extension,
        whole=plan.whole,
        sends=_sends(run),
    )


def _arm(answers: Answers, compared: Floats | None, endpoints: int) -> ArmTally:
    ok = answers.ok
    codes, counts = np.unique(answers.status[answers.kind == Kind.STATUS], return_counts=True)
    mine = np.zeros(len(answers), np.uint8) if answers.endpoint is None else answers.endpoint
    return ArmTally(
        kinds={kind.label: count for kind in Kind if (count := answers.count([kind]))},
        statuses={str(code): int(n) for code, n in zip(codes, counts, strict=True)},
        spreads={name: Spread.of(values, scale) for name, values, scale in _measured(answers)},
        compared=None if compared is None else Spread.of(compared),
        endpoints=[
            Endpoint(requests=int((mine == k).sum()), response=Spread.of(answers.response[ok & (mine == k)]))
            for k in range(endpoints)
        ],
    )


def _measured(answers: Answers) -> Iterator[tuple[str, Floats, float]]:
    """Yield each measurement's id, its values over good answers, and its scale."""
    ok = answers.ok
    yield "response-time", answers.response[ok], NANOSECONDS
    yield "service-time", answers.service[ok], NANOSECONDS
    yield "lateness", (answers.sent - answers.scheduled)[ok], NANOSECONDS
    if answers.tokens is not None:
        tokens = answers.tokens
        some = ok & (tokens.count > 0)
        lasting = some & (tokens.last > tokens.first)
        yield "time-to-first-byte", (answers.first - answers.scheduled)[ok], NANOSECONDS
        yield "time-to-first-token", (tokens.first - answers.scheduled)[some], NANOSECONDS
        yield "token-gap", tokens.gap[ok[tokens.gap_of]].astype(np.float64), NANOSECONDS
        rates = (tokens.count[lasting] - 1.0) / (tokens.last - tokens.first)[lasting]
        yield "tokens-per-second", np.minimum(rates, 1e9), THOUSANDTHS


def _sends(run: Run) -> Sends:
    late = np.maximum(run.dispatched - run.candidate.scheduled, 0.0)
    blocks = [float((late[start : start + BLOCK] > LATE).mean()) for start in range(0, len(late), BLOCK)]
    end = float(run.candidate.scheduled[-1]) + LATE if len(late) else 0.0
    return Sends(
        late=int((late > LATE).sum()),
        late_blocks=sum(share > LATE_SHARE for share in blocks),
        blocks=len(blocks),
        achieved=int((run.dispatched <= end).sum()),
        behind=Spread.of(late),
    )
