"""Latency runs made by hand: results of two arms, judged block by block as during a run."""

from __future__ import annotations

import numpy as np

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.constants import BLOCK_SIZE
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.stopping import Block, Judge, make_plan
from ghmlops.core.latency.tally import Run, Tally, tally_of
from ghmlops.core.model import Finding
from ghmlops.core.policy.latency import Arrivals, Latency

POLICY = Latency(arrivals=Arrivals(model="constant", rate=100.0, duration=60.0, warmup=1.0))


def arm(n: int, seconds: float = 0.01, kind: Kind = Kind.OK, failures: int = 0) -> Answers:
    """Return `n` requests at 100 per second with equal response times; the first `failures` have the result `kind`."""
    scheduled = np.arange(n) / 100
    kinds = np.zeros(n, np.uint8)
    kinds[:failures] = kind
    status = np.where(kinds == Kind.STATUS, 503, 200).astype(np.uint16)
    done = scheduled + seconds
    return Answers(scheduled=scheduled, sent=scheduled + 1e-4, first=done, done=done, status=status, kind=kinds)


def judge_blocks(candidate: Answers, baseline: Answers | None, policy: Latency = POLICY) -> tuple[Judge, Run]:
    """Feed the blocks of both arms to a judge until it stops; return it with the requests it received."""
    judge = Judge(policy, make_plan(policy, 1, paired=baseline is not None))
    stop = 0
    for start in range(0, len(candidate), BLOCK_SIZE):
        stop = min(start + BLOCK_SIZE, len(candidate))
        part = baseline.part(start, stop) if baseline is not None else None
        if not judge.feed(Block(candidate=candidate.part(start, stop), baseline=part)):
            break
    judged = candidate.part(0, stop)
    run = Run(
        candidate=judged,
        baseline=baseline.part(0, stop) if baseline is not None else None,
        dispatched=judged.scheduled + 5e-5,
    )
    return judge, run


def tally(run: tuple[Judge, Run], policy: Latency = POLICY) -> Tally:
    """Return the tally of a run."""
    judge, results = run
    return tally_of(judge, results, policy, make_plan(policy, 1, paired=results.baseline is not None))


def findings(run: tuple[Judge, Run], policy: Latency = POLICY) -> dict[str, Finding]:
    """Return the findings of a run by id."""
    return {f.id: f for f in judge_tally(tally(run, policy), policy)}


def outcomes(run: tuple[Judge, Run], policy: Latency = POLICY) -> dict[str, str]:
    """Return the outcomes of a run's findings by id."""
    return {name: f.outcome.value for name, f in findings(run, policy).items()}
