"""Runs a latency job on the generator: first contact with both arms, common start of shards, judge, progress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.latency.stopping import Judge
    from ghmlops.measure.load.load import Recording
    from ghmlops.measure.load.target import Target

INPUT_OF_ARM = {"candidate": "url", "baseline": "baseline-url"}
"""Input that the address of an arm came from."""
PREPARATION_SECONDS = 5.0
"""Seconds before a common start at which the generator begins to start its processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRun:
    """A run that has ended.

    Attributes:
        recording: answers of both arms, and notes on the generator.
        judge: the paired verdict at the end of the run.
        began: time of the schedule's second 0, in seconds of the Unix epoch.
        stolen: share of the CPU time that the hypervisor gave to other machines.
    """

    recording: Recording
    judge: Judge
    began: float
    stolen: float = 0.0


def reach_arms(job: Job) -> dict[str, Target]:
    """Contact each arm and return it with the address that answered, in the order of the slots.

    Raises:
        InputError: An address leads to a host that may not be loaded.
        ServiceError: An address cannot be reached.
    """
    from ghmlops.commands.shared.load.load_source import reach

    return {name: reach(target, INPUT_OF_ARM[name], job.hosts) for name, target in job.targets.items()}


def measure(job: Job, services: Services) -> LatencyRun:
    """Contact both arms, then load them until the verdict is decided or the schedule ends.

    Raises:
        InputError: An address leads to a host that may not be loaded.
        ServiceError: An address cannot be reached.
    """
    from ghmlops.commands.shared.load.load_source import generate
    from ghmlops.core.latency.constants import BLOCK_SIZE, PILOT_PAIRS
    from ghmlops.core.latency.planning.plan_text import pilot_line, plan_lines
    from ghmlops.core.latency.stopping import Block, Judge
    from ghmlops.measure.stolen_time import read_cpu_times, stolen_share

    plan, names, console = job.plan, list(job.targets), services.console
    targets = list(reach_arms(job).values())
    judge, margins, pilot_requests = Judge(job.policy, plan), job.policy.margins, PILOT_PAIRS * BLOCK_SIZE

    def on_block(answers: Sequence[Answers]) -> bool:
        by_name = dict(zip(names, answers, strict=True))
        needs_more = judge.feed(Block(candidate=by_name["candidate"], baseline=by_name.get("baseline")))
        if needs_more and judge.duet.pairs == PILOT_PAIRS and judge.judged == pilot_requests:
            console.note(f"latency: {pilot_line(judge.duet, plan.pairs * (1 if plan.full_schedule else 2), margins)}")
        return needs_more

    def on_tick(sent: int, seconds: float) -> None:
        if console.terminal:
            progress = f"{sent:,} requests per arm sent, {judge.judged:,} of {plan.planned:,} judged"
            console.progress(f"latency: {progress}, {max(seconds, 0):.0f} s")

    for line in plan_lines(job.policy) if plan.pairs and not plan.part else ():
        console.note(line)
    load = job.source.load(targets, plan.times, plan.warmup, plan.part)
    load = replace(load, start_at=_wait(job.start_at, services))
    started, before = services.now(), read_cpu_times()
    recording = generate(load, job.policy, on_block, on_tick)
    stolen = stolen_share(before, read_cpu_times())
    began = _began(job, recording, started, services.now())
    return LatencyRun(recording=recording, judge=judge, began=began, stolen=stolen)


def _began(job: Job, recording: Recording, started: datetime, now: datetime) -> float:
    """Return the time of the schedule's second 0, in seconds of the Unix epoch."""
    from time import monotonic

    scheduled = recording.arms[0].scheduled
    if not len(scheduled):
        return started.timestamp()
    second_zero = float(scheduled[0]) - float(job.plan.times[job.plan.warmup])
    return now.timestamp() - (monotonic() - second_zero)


def _wait(start_at: float | None, services: Services) -> float:
    """Sleep until shortly before `start_at`; return it on the clock `time.monotonic`, or 0 to start immediately."""
    from time import monotonic, sleep

    if start_at is None:
        return 0.0
    while (left := start_at - services.now().timestamp()) > PREPARATION_SECONDS:
        services.console.progress(f"latency: starts in {left:.0f} s")
        sleep(min(left - PREPARATION_SECONDS, 1.0))
    return monotonic() + left
