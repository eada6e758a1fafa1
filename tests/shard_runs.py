"""Latency runs of several shards: one total run, and the same requests and results divided among shards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from ghmlops.core.details.latency import LatencyDetails, LatencySettings, PlannedRequests
from ghmlops.core.details.load_runs import GeneratorDetails, ShardRun
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.latency.answers import Answers, Tokens
from ghmlops.core.latency.constants import BLOCK_SIZE
from ghmlops.core.latency.details import generator_details
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.shards.evidence import Shard, read_shard
from ghmlops.core.latency.shards.findings import shard_findings
from ghmlops.core.latency.shards.inputs import shard_leg
from ghmlops.core.latency.shards.tally_file import pack
from ghmlops.core.latency.stopping import Block, Judge, Plan, make_plan
from ghmlops.core.latency.tally import Run, Tally, tally_of
from ghmlops.core.model import Outcome
from ghmlops.core.policy.latency import Arrivals, Latency, Request
from ghmlops.core.policy.objectives import Objectives

POLICY = Latency(
    arrivals=Arrivals(model="poisson", rate=400.0, duration=30.0, warmup=1.0),
    slo=Objectives(quantiles={"p99": 0.2}, errors=0.02),
)
STREAM = msgspec.structs.replace(
    POLICY,
    stream="sse",
    mix=(Request(name="a"), Request(name="b", weight=3.0)),
    slo=Objectives(first_token={"p95": 0.05}, token_gap={"p99": 0.03, "p50": 0.01}),
)


def answers_of(times: np.ndarray[Any, Any], *, seed: int, slower: float = 1.0, stream: bool = False) -> Answers:
    """Return results of a schedule: log-normal times around 10 ms, 0.3 % failures; streams have 1 to 8 tokens."""
    rng = np.random.default_rng(seed)
    n = len(times)
    response = rng.lognormal(np.log(0.010 * slower), 0.4, n)
    kind = rng.choice([Kind.OK, Kind.STATUS, Kind.TIMEOUT], n, p=[0.997, 0.002, 0.001]).astype(np.uint8)
    sent = times + rng.exponential(1e-4, n)
    tokens = None
    if stream:
        count = np.where(kind == Kind.OK, rng.integers(1, 9, n), 0).astype(np.uint32)
        gap_of = np.repeat(np.arange(n), np.maximum(count, 1) - 1).astype(np.uint32)
        gap = rng.exponential(0.005, len(gap_of)).astype(np.float32)
        first = np.where(count > 0, times + response, 0.0)
        last = first + np.bincount(gap_of, gap.astype(np.float64), n).astype(np.float64)
        tokens = Tokens(first=first, last=last, count=count, gap=gap, gap_of=gap_of)
    return Answers(
        scheduled=times,
        sent=sent,
        first=times + response / 2,
        done=times + response,
        status=np.where(kind == Kind.STATUS, rng.choice([500, 503], n), 200).astype(np.uint16),
        kind=kind,
        endpoint=rng.integers(0, 2, n).astype(np.uint8),
        tokens=tokens,
    )


def select(answers: Answers, indices: np.ndarray[Any, Any]) -> Answers:
    """Return the results of some requests, renumbered from 0."""
    columns = ("scheduled", "sent", "first", "done", "status", "kind", "endpoint")
    tokens = answers.tokens
    if tokens is not None:
        selection = np.isin(tokens.gap_of, indices)
        tokens = Tokens(
            first=tokens.first[indices],
            last=tokens.last[indices],
            count=tokens.count[indices],
            gap=tokens.gap[selection],
            gap_of=np.searchsorted(indices, tokens.gap_of[selection]).astype(np.uint32),
        )
    return replace(answers, **{name: getattr(answers, name)[indices] for name in columns}, tokens=tokens)


def tally_for(plan: Plan, candidate: Answers, baseline: Answers | None, policy: Latency, shard: int = 1) -> Tally:
    """Feed all blocks to a judge, as during a run, and return the tally."""
    judge = Judge(policy, plan)
    for start in range(0, len(candidate), BLOCK_SIZE):
        stop = min(start + BLOCK_SIZE, len(candidate))
        part = baseline.part(start, stop) if baseline is not None else None
        assert judge.feed(Block(candidate=candidate.part(start, stop), baseline=part)) == (stop < len(candidate))
    run = Run(candidate=candidate, baseline=baseline, dispatched=candidate.scheduled + 2e-5)
    return tally_of(judge, run, policy, plan, shard)


def total_and_shards(
    policy: Latency, count: int, *, paired: bool, slower: float = 1.0
) -> tuple[Tally, list[Tally], list[Plan]]:
    """Return the tally of one generator, and those of `count` shards with the same results of the same requests."""
    total = make_plan(policy, 1, paired=paired, shard=(1, 1))
    times = total.times[total.warmup :]
    candidate = answers_of(times, seed=1, slower=slower, stream=bool(policy.stream))
    baseline = answers_of(times, seed=2, stream=bool(policy.stream)) if paired else None
    parts, plans = [], []
    for shard in range(1, count + 1):
        plan = make_plan(policy, 1, paired=paired, shard=(shard, count))
        assert plan.part is not None
        indices = plan.part.indices[plan.warmup :] - total.warmup
        selection = select(baseline, indices) if baseline is not None else None
        parts.append(tally_for(plan, select(candidate, indices), selection, policy, shard))
        plans.append(plan)
    return tally_for(total, candidate, baseline, policy), parts, plans


def details_of(run: ShardRun, tally: Tally) -> LatencyDetails:
    """Return the details of a shard's evidence."""
    settings = LatencySettings(
        slots=[],
        requests=[],
        arrivals=POLICY.arrivals,
        requests_per_arm=PlannedRequests(warmup=0, planned=0, extension=0),
        connections=1,
        payloads=0,
        margins={},
    )
    generator = GeneratorDetails(
        **msgspec.structs.asdict(generator_details(tally)),
        timer="epoll",
        answers_timed_by="kernel",
        answers_not_stamped=[0],
        priority="none",
        priority_raised=False,
        requests_sent=tally.requests,
        connections=run.connections,
        waited_for_a_connection=run.waited,
        token_gaps_dropped=[0],
        began=run.began,
    )
    return LatencyDetails(
        settings=settings,
        judged_per_arm=tally.requests,
        endpoints=[],
        failures={},
        generator=generator,
        shard=run,
        tally=pack(tally),
    )


def shard_of(
    tally: Tally, number: int, of: int, *, began: float = 1000.0, outcome: str = "inconclusive", schedule: int = 12_000
) -> Shard:
    """Return a shard, read from the JSON of its evidence."""
    run = ShardRun(
        shard=number,
        shards=of,
        start_at=1000.0,
        began=began,
        warmup=3,
        schedule=schedule,
        arms=list(tally.arms),
        connections=[1] * len(tally.arms),
        waited=[1] * len(tally.arms),
        hlog="sha256:0",
    )
    findings = shard_findings(run, tally)
    evidence = Evidence(
        command="latency",
        leg=shard_leg("", number, of),
        outcome=Outcome(outcome),
        reason="Reason of the shard.",
        findings=findings,
        provenance=Provenance(repository="acme/scorer", head_sha="f" * 40, seed=1),
        details=details_of(run, tally),
    )
    read = msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence)
    return read_shard(f"shards/{number}.json", f"sha256:{number}", read)
