"""Content of the evidence of a capacity search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.evidence import EvidenceContent
from ghmlops.core.capacity import evidence as conclusion
from ghmlops.core.capacity.details import capacity_details
from ghmlops.core.details.capacity import CapacitySettings
from ghmlops.core.model import NotMeasured

if TYPE_CHECKING:
    from ghmlops.commands.capacity.job import Job
    from ghmlops.commands.capacity.measure import CapacityRun


def evidence_content(job: Job, run: CapacityRun) -> EvidenceContent:
    """Return the content of the evidence of a search that has ended."""
    search = conclusion.complete_search(run.state, job.source.seed)
    outcome, code, _ = conclusion.ruling(search)
    finding = conclusion.finding(search, job.policy)
    limit = job.source.policy.connections
    crowded = NotMeasured(
        what=f"the service under more than {limit} requests at once",
        why=f"all {limit} connections were busy in a probe that did not fail; raise `latency.connections`",
    )
    return EvidenceContent(
        findings=[finding],
        measurements=conclusion.measurements(search, job.policy),
        not_measured=[
            *conclusion.not_measured(search, job.policy),
            *([crowded] if run.generator.crowded else []),
        ],
        details=capacity_details(search, job.policy, _settings(job), run.generator),
        seed=job.source.seed,
        fingerprints=job.source.calls.fingerprints,
        ruling=(outcome, code, finding.reason),
    )


def _settings(job: Job) -> CapacitySettings:
    endpoints = job.source.policy.endpoints
    return CapacitySettings(
        url=job.target.url,
        requests=", ".join(f"{endpoint.method} {endpoint.public_path}" for endpoint in endpoints),
        objectives=job.slo,
        samples_for_a_pass=job.plan.sample_floor,
        connections=job.source.policy.connections,
        policy=job.policy,
    )
