"""Latency test of one service; with a baseline, the paired ("duet") verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.commands.latency.inputs import Inputs
from ghmlops.commands.shared.base import dry_run_result
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.shared.base import Result, Services


def run(inputs: Inputs, services: Services) -> Result:
    """Load the candidate, and the baseline at the same time if there is one; judge; write the evidence.

    Raises:
        InputError: An address, the leg, the shard or the start is malformed, nothing could be judged, the evidence
            could not be written, or the commit under test is unknown.
        PolicyError: The policy is invalid, has no section `latency`, or requires more than the hard limits.
        DataError: The payload file cannot be used.
        EvidenceError: The file to confirm is not the evidence of a failed run on this commit.
        ServiceError: An address cannot be reached.
    """
    from ghmlops.act.evidence import check_writable
    from ghmlops.commands.latency.job import evidence_leg
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    check_writable(services.cwd / inputs.evidence_dir, "latency", inputs.leg)
    with unfinished("latency", inputs, services, leg=evidence_leg(inputs), reads=(inputs.confirm,)):
        return _run(inputs, services)


def _run(inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands.latency.contact import contact_arms, summarise_broken
    from ghmlops.commands.latency.evidence import evidence_content
    from ghmlops.commands.latency.job import prepare
    from ghmlops.commands.latency.measure import measure
    from ghmlops.commands.latency.rate_search import determine_rate
    from ghmlops.commands.latency.summary import summarise
    from ghmlops.commands.shared.evidence import open_recorder, record

    job = prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    recorder = open_recorder("latency", inputs, services, leg=job.leg)
    contact = contact_arms(job, inputs, services)
    if contact.broken:
        return record(recorder, contact.broken, summarise_broken)
    job = determine_rate(contact.job, inputs, services)
    content = evidence_content(job, measure(job, services))
    content = replace(content, findings=[*contact.findings, *content.findings])
    return record(recorder, content, summarise)


def _dry_run(job: Job) -> Result:
    plan, arrivals = job.plan, job.policy.arrivals
    seconds = arrivals.duration or max(plan.seconds - arrivals.warmup, 1.0)
    rate = arrivals.rate or (plan.part.total - plan.part.warmup if plan.part else plan.planned) / seconds
    requests = ", ".join(f"{endpoint.method} {endpoint.public_path}" for endpoint in job.policy.endpoints)
    addresses = {name: target.url for name, target in job.targets.items()}
    shard = f"shard {job.shard[0]} of {job.shard[1]} of " if job.shard else ""
    extension = f", {plan.extension:,} more if undecided" if plan.extension else ""
    lines = [
        f"would send {requests} to",
        *(f"  {name}: {url}" for name, url in addresses.items()),
        f"{shard}{arrivals.model} {rate:g}/s: {plan.warmup:,} requests of warm-up, "
        f"then {plan.planned:,} per arm within {seconds:g} s{extension}",
    ]
    if arrivals.auto:
        lines.append(f"rate: auto: a short ramp determines it first; the numbers are those of {rate:g}/s")
    if any(call.body is not None for call in job.source.calls.calls):
        lines.append(f"bodies: {len(job.source.calls.calls):,} payloads in turn")
    return dry_run_result(
        "Nothing was sent.",
        terminal.block(lines),
        {
            "requests": plan.planned,
            "extension": plan.extension,
            "warmup": plan.warmup,
            "rate": rate,
            "seconds": plan.seconds,
            "targets": addresses,
        },
    )
