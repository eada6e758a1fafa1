"""Capacity test: the highest arrival rate that meets the objectives, with an interval, and the scaling law."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.capacity.inputs import Inputs
from ghmlops.commands.shared.base import dry_run_result
from ghmlops.commands.shared.evidence import Summary
from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.capacity.job import Job
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.core.evidence.document import Evidence


def run(inputs: Inputs, services: Services) -> Result:
    """Search for the capacity of one service; write the evidence.

    Raises:
        InputError: The address is malformed, or the commit under test is unknown.
        PolicyError: The policy is invalid, has no section `latency`, no objective, or one that no sample can show.
        DataError: The payload file cannot be used.
        ServiceError: The address cannot be reached.
    """
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    with unfinished("capacity", inputs, services):
        return _run(inputs, services)


def _run(inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands.capacity.evidence import evidence_content
    from ghmlops.commands.capacity.job import prepare
    from ghmlops.commands.capacity.measure import search_capacity
    from ghmlops.commands.shared.evidence import open_recorder, record
    from ghmlops.commands.shared.production.watch_runs import look_at_schedule

    job = prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    recorder = open_recorder("capacity", inputs, services)
    result = record(recorder, evidence_content(job, search_capacity(job, services)), _summarise)
    # The evidence is written already. It is one of a candidate, and says nothing about production.
    return look_at_schedule(job.full_policy, services).warn(result)


def _dry_run(job: Job) -> Result:
    from ghmlops.core.policy.summary import describe_objectives

    plan = job.plan
    requests = ", ".join(f"{endpoint.method} {endpoint.public_path}" for endpoint in job.source.policy.endpoints)
    first_probe = plan.first_probe_seconds(plan.start_rate)
    lines = [
        f"would send {requests} to {job.target.url}",
        f"ramp: from {plan.start_rate:g}/s, doubled until a rate fails, at most {plan.max_rate:g}/s",
        f"then bisection until the interval is no wider than {plan.resolution:.3g} of its low end",
        f"objectives: {describe_objectives(job.slo)}; a probe needs {plan.sample_floor:,} requests to pass",
        f"probes: {plan.probe_seconds:g} s of Poisson arrivals after {plan.warmup:g} s of warm-up, longer if needed "
        f"({first_probe:.0f} s at {plan.start_rate:g}/s)",
        f"at most {plan.budget:g} s and {plan.max_requests:,} requests",
    ]
    return dry_run_result(
        "Nothing was sent.",
        terminal.block(lines),
        {
            "url": job.target.url,
            "start": plan.start_rate,
            "most": plan.max_rate,
            "probe_s": plan.probe_seconds,
            "first_probe_s": first_probe,
            "samples": plan.sample_floor,
            "resolution": plan.resolution,
            "budget_s": plan.budget,
        },
    )


def _summarise(evidence: Evidence, file: str) -> Summary:
    import msgspec

    details = evidence.details
    assert isinstance(details, CapacityDetails)  # noqa: S101  (this command built them)
    result = details.result
    low, high = _number(result.low), _number(result.high)
    return Summary(
        text=terminal.capacity(evidence, file),
        outputs={
            "capacity": low,
            "capacity-low": low,
            "capacity-high": high,
            "replicas": _number(result.replicas),
            "limited-by": result.limited_by,
        },
        data={
            "capacity_low": result.low,
            "capacity_high": result.high,
            "replicas": result.replicas,
            "limited_by": result.limited_by,
            "predicted": msgspec.to_builtins(details.predicted),
        },
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
