"""Leaves the record of a change of replicas for the history."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ghmlops.commands.history.record_file import leave_record, record_origin
from ghmlops.commands.scale.job import read_evidence_file
from ghmlops.commands.shared.provenance import local_commit
from ghmlops.core.context import is_sha
from ghmlops.core.history.record import EvidenceDigest, ScaleRecord
from ghmlops.core.model import finite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.commands.scale.inputs import Inputs
    from ghmlops.commands.scale.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.scale.plan import Need, Plan


def leave_change(  # noqa: PLR0913  (what the record is about)
    job: Job,
    needs: Sequence[Need],
    plan: Plan,
    *,
    inputs: Inputs,
    services: Services,
    before: int | None,
    applied: bool,
    file: str,
) -> str:
    """Leave a record if the plan changes the replicas, and return its path; empty if there is none.

    Args:
        job: what was planned with.
        needs: what each demand needs.
        plan: the plan.
        inputs: inputs of the command.
        services: services of the command.
        before: replicas before; `None` if they are not known.
        applied: whether the replicas were set.
        file: path of the evidence of the plan, which is written.

    Raises:
        InputError: The file cannot be written.
    """
    commit = inputs.commit or local_commit(services)
    if not inputs.record_file or job.baseline or plan.replicas is None or plan.replicas == before:
        return ""
    if not is_sha(commit):
        services.console.note("no record is left for the history: the commit whose replicas run is not known")
        return ""
    rates = [need.rate for need in needs if need.rate is not None]
    record = ScaleRecord(
        **record_origin(services)._asdict(),
        service=job.service,
        environment=job.environment,
        commit=commit,
        before=before,
        replicas=plan.replicas,
        applied=applied,
        step=plan.step.value,
        reason=plan.reason[:1000],
        demand=finite(max(rates)) if rates else None,
        capacity=job.supply.curve.capacity(plan.replicas) * (1.0 - job.supply.headroom),
        evidence=tuple(_digests(job, services, file)),
    )
    return leave_record(inputs.record_file, record, services)


def _digests(job: Job, services: Services, file: str) -> Iterator[EvidenceDigest]:
    """Return the digests of the evidence of the plan, and of the capacities that it was made with."""
    for name in (file, *(item.file for item in job.policy.capacity.evidence)):
        evidence = read_evidence_file(services, name)
        digest = hashlib.sha256((services.cwd / name).read_bytes()).hexdigest()
        yield EvidenceDigest(
            file=name, sha256=digest, command=evidence.command, leg=evidence.leg, outcome=evidence.outcome
        )
