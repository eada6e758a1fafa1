"""The first requests of a latency run: whether there is anything to measure, before the load is sent."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.shared.evidence import EvidenceContent, Summary
from ghmlops.core.latency.contact import first_answers as answers
from ghmlops.core.latency.contact.first_answers import Decision
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.latency.inputs import Inputs
    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.model import Finding


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """What follows from the first requests.

    Attributes:
        job: the run to measure: that of the policy, or the candidate alone if the baseline does not answer.
        findings: findings that the run adds to its own.
        broken: content of the evidence if there is nothing to measure, so that no load is sent.
    """

    job: Job
    findings: tuple[Finding, ...] = ()
    broken: EvidenceContent | None = None


def contact_arms(job: Job, inputs: Inputs, services: Services) -> Contact:
    """Send the first requests to both arms; each shard sends its own, before the common start.

    Raises:
        InputError: An address leads to a host that may not be loaded.
        ServiceError: An address cannot be reached.
    """
    from ghmlops.commands.latency.measure import reach_arms
    from ghmlops.measure.contact.contact import first_answers

    targets = reach_arms(job)
    load = job.source.load(list(targets.values()), job.plan.times, job.plan.warmup)
    ranges = job.source.calls.endpoint_ranges
    by_arm = {name: first_answers(load, target, ranges) for name, target in targets.items()}
    n = len(ranges)
    decision, reason = answers.decide(by_arm["candidate"], by_arm.get("baseline"))
    if decision is Decision.NOTHING:
        return _end(job, answers.nothing_finding(reason, n))
    if decision is Decision.BROKEN:
        return _end(job, answers.broken_finding(reason, n))
    if decision is Decision.ALONE:
        return _alone(job, inputs, services, reason, n)
    was_broken = job.confirms is not None and answers.BROKEN in job.confirms.failed
    return Contact(job=job, findings=(answers.answering_finding(n),) if was_broken else ())


def _end(job: Job, finding: Finding) -> Contact:
    return Contact(job=job, broken=EvidenceContent(findings=[finding], seed=job.source.seed))


def _alone(job: Job, inputs: Inputs, services: Services, reason: str, n: int) -> Contact:
    from ghmlops.commands.latency.job import prepare

    if job.policy.slo.empty:
        return _end(job, answers.no_objective_finding(reason, n))
    services.console.note(f"latency: {reason}; the candidate is judged by its objectives alone")
    alone = prepare(msgspec.structs.replace(inputs, baseline_url=""), services)
    return Contact(job=alone, findings=(answers.alone_finding(reason, n),))


def summarise_broken(evidence: Evidence, file: str) -> Summary:
    """Return text and outputs for a candidate that was not measured."""
    lines = [f"latency: {evidence.outcome}: {evidence.reason}", f"evidence: {file}"]
    return Summary(
        text=terminal.block(lines), outputs={"p99": "", "ratio-p99": ""}, data={"p99_ms": None, "ratio_p99": None}
    )
