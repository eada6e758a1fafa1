"""Determines the rate of a run whose policy has `rate: auto`: a short ramp on all arms, then the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.latency.inputs import Inputs
    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.latency.planning.knee import Step

_STREAM = 31
"""Random stream of the seed that the send times of the ramp use."""


def determine_rate(job: Job, inputs: Inputs, services: Services) -> Job:
    """Return the job with its rate and plan; the same job if the policy states the rate.

    Raises:
        InputError: An address leads to a host that may not be loaded.
        PolicyError: The plan at this rate exceeds the hard limits, or has no request.
        ServiceError: An address cannot be reached.
    """
    import msgspec

    from ghmlops.commands.latency.job import make_run_plan
    from ghmlops.core.details.load_runs import RampStep, RateSearch
    from ghmlops.core.latency.planning.knee import knee_of, rate_of
    from ghmlops.core.model import finite

    if not job.policy.arrivals.auto:
        return job
    steps = _ramp(job, services)
    knee, rate = knee_of(steps), rate_of(steps, job.policy.arrivals.duration)
    services.console.note(f"latency: the slower arm keeps up until about {knee:.3g}/s; the run sends {rate:g}/s")
    arrivals = msgspec.structs.replace(job.policy.arrivals, rate=rate, auto=False)
    policy = msgspec.structs.replace(job.policy, arrivals=arrivals)
    search = RateSearch(
        steps=[
            RampStep(
                rate=step.rate,
                completed=round(step.completed, 3),
                median_ms=None if finite(step.median) is None else round(step.median * 1e3, 3),
                failed=round(step.failed, 6),
            )
            for step in steps
        ],
        knee=round(knee, 3),
        rate=rate,
    )
    plan = make_run_plan(policy, inputs, paired="baseline" in job.targets, shard=None, recorded=None)
    return replace(job, source=replace(job.source, policy=policy), plan=plan, rate_search=search)


def _ramp(job: Job, services: Services) -> list[Step]:
    """Send the ramp to all arms and return its steps."""
    import numpy as np

    from ghmlops.commands.latency.measure import reach_arms
    from ghmlops.commands.shared.load.load_source import generate
    from ghmlops.core.latency.planning.knee import next_rate, step_of, step_times

    targets = list(reach_arms(job).values())
    steps: list[Step] = []

    def keep_sending(_answers: Sequence[Answers]) -> bool:
        return True

    def ignore_progress(_sent: int, _seconds: float) -> None:
        """The notes per step are enough."""

    while (rate := next_rate(steps, job.policy.arrivals.duration)) is not None:
        times = step_times(rate, steps, np.random.default_rng([job.source.seed, _STREAM, len(steps)]))
        services.console.progress(f"latency: ramp, {rate:g}/s")
        recording = generate(job.source.load(targets, times), job.policy, keep_sending, ignore_progress)
        steps.append(step_of(rate, recording.arms))
    return steps
