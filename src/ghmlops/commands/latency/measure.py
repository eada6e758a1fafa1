"""A latency job, put on the generator: probes, write order, the order of the requests, progress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.latency.stopping import Judge, ShardPart
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.load.load import Load, Recording
    from ghmlops.measure.load.target import Target
    from ghmlops.measure.requests.calls import Calls

INPUTS = {"candidate": "url", "baseline": "baseline-url"}
"""The input that an arm's address came from."""
READY = 5.0
"""Seconds that the generator is given before a common start; its processes are started in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is sent.

    Attributes:
        policy: the section `latency`, its headers and preset filled in.
        calls: the requests, payloads filled in.
        seed: of the order of the requests and of the write order.
    """

    policy: Latency
    calls: Calls
    seed: int


def make_load(
    source: Source,
    targets: Sequence[Target],
    times: NDArray[np.float64],
    warmup: int = 0,
    part: ShardPart | None = None,
) -> Load:
    """Return what the generator is to send at `times`: to one target, or to two at once.

    Args:
        source: the requests.
        targets: probed, in the order of the slots.
        times: ascending seconds from the begin, shape (n,).
        warmup: how many of the first requests are discarded.
        part: of a shard, which of the whole schedule's requests `times` are; each keeps its call and its write order.
    """
    from ghmlops.core.latency.constants import BLOCK_SIZE
    from ghmlops.core.load.arrivals import write_order
    from ghmlops.core.load.request_order import assign_calls
    from ghmlops.measure.load.load import Load

    policy, calls, seed = source.policy, source.calls, source.seed
    endpoints = policy.endpoints
    n, warm = (part.total, part.warmup) if part else (len(times), warmup)
    chosen = assign_calls(calls.places, [endpoint.weight for endpoint in endpoints], requests=n, warmup=warm, seed=seed)
    second_first = write_order(n, seed)
    if part:
        chosen, second_first = chosen[part.indices], second_first[part.indices]
    return Load(
        targets=targets,
        endpoints=endpoints,
        calls=calls.calls,
        order=chosen.tolist(),
        times=times,
        warmup=warmup,
        block=BLOCK_SIZE,
        write_order=second_first.tolist(),
        connections=policy.connections,
        timeout=max(endpoint.timeout for endpoint in endpoints),
        protocol=policy.protocol,
        stream=policy.stream,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRun:
    """A run that has ended.

    Attributes:
        recording: answers of both arms, and notes on the generator.
        judge: the verdict as it stood at the end.
        began: time of the schedule's second 0, in seconds of the Unix epoch.
    """

    recording: Recording
    judge: Judge
    began: float


def measure(job: Job, services: Services) -> LatencyRun:
    """Probe both arms, then load them until the verdict is decided or the schedule ends.

    Raises:
        ServiceError: An address cannot be reached.
    """
    from ghmlops.commands.shared.load_source import generate, reach
    from ghmlops.core.latency.stopping import Block, Judge

    plan, names = job.plan, list(job.targets)
    targets = [reach(target, INPUTS[name], job.whole) for name, target in job.targets.items()]
    judge = Judge(job.policy, plan)

    def on_block(answers: Sequence[Answers]) -> bool:
        by_name = dict(zip(names, answers, strict=True))
        return judge.feed(Block(candidate=by_name["candidate"], baseline=by_name.get("baseline")))

    def on_tick(sent: int, seconds: float) -> None:
        if services.console.terminal:
            judged = f"{judge.judged:,} of {plan.planned:,} judged"
            services.console.progress(f"latency: {sent:,} requests an arm sent, {judged}, {max(seconds, 0):.0f} s")

    source = Source(policy=job.policy, calls=job.calls, seed=job.seed)
    load = make_load(source, targets, plan.times, plan.warmup, plan.part)
    load = replace(load, start_at=_wait(job.start_at, services))
    started = services.now()
    recording = generate(load, job.policy, on_block, on_tick)
    return LatencyRun(recording=recording, judge=judge, began=_began(job, recording, started, services.now()))


def _began(job: Job, recording: Recording, started: datetime, ended: datetime) -> float:
    """Return the time of the schedule's second 0, in seconds of the Unix epoch."""
    from time import monotonic

    scheduled = recording.arms[0].scheduled
    if not len(scheduled):
        return started.timestamp()
    begin = float(scheduled[0]) - float(job.plan.times[job.plan.warmup])
    return ended.timestamp() - (monotonic() - begin)


def _wait(start_at: float | None, services: Services) -> float:
    """Sleep until a little before `start_at`; return it by `time.monotonic`, and 0 for at once."""
    from time import monotonic, sleep

    if start_at is None:
        return 0.0
    while (left := start_at - services.now().timestamp()) > READY:
        services.console.progress(f"latency: starts in {left:.0f} s")
        sleep(min(left - READY, 1.0))
    return monotonic() + left
