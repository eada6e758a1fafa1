"""Runs `scale`: reads capacity and demand, plans, writes the evidence and the manifests, and sets the replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from ghmlops.commands.scale.demand import read_demand
from ghmlops.commands.scale.evidence import DemandNeed, evidence_content, usable_rate
from ghmlops.commands.scale.job import read_job
from ghmlops.commands.scale.record import leave_change
from ghmlops.commands.scale.surroundings import LastStep, read_surroundings, write_step
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.evidence import Summary, build, open_recorder, record
from ghmlops.commands.shared.production.watch_runs import look_at_schedule
from ghmlops.commands.shared.stale_evidence.unfinished import unfinished
from ghmlops.core.scale.manifests import Named, Origin, manifests
from ghmlops.core.scale.plan import fixed_need, make_plan, need_of
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.scale.inputs import Inputs
    from ghmlops.commands.scale.job import Job
    from ghmlops.commands.scale.surroundings import Surroundings
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.scale.plan import Plan


def run(inputs: Inputs, services: Services) -> Result:
    """Plan the replicas, and set them in the mode `apply`.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy is invalid, has no section `scale`, or a query is malformed.
        EvidenceError: The evidence of the capacity is missing, or does not count.
        ServiceError: The target cannot be reached or refuses, or somebody else owns its replicas.
    """
    with unfinished("scale", inputs, services):
        recorder = open_recorder("scale", inputs, services)
        job = read_job(inputs, services)
        now = services.now().timestamp()
        demands = read_needs(job, services, now)
        needs = [row.need for row in demands]
        around = read_surroundings(job, inputs, services, now)
        plan = make_plan(needs, job.supply, around.circumstances)
        applied = not inputs.dry_run and _apply(job, plan, around, inputs, services)
        written = write_manifests(job, inputs, services)
        content = evidence_content(job, demands, plan, around, now, applied=applied, manifests=written)
        # The replicas are set already, so that no answer of GitHub delays them.
        schedule = look_at_schedule(job.watched, services, inputs.token)
        content.not_measured.extend(schedule.not_measured)

        def summarise(evidence: Evidence, file: str) -> Summary:
            outputs = _outputs(plan, applied=applied)
            if file:
                before = around.circumstances.present
                outputs["record-file"] = leave_change(
                    job,
                    needs,
                    plan,
                    inputs=inputs,
                    services=services,
                    before=before,
                    applied=applied,
                    file=file,
                )
            return Summary(text=terminal.scale(evidence, file), outputs=outputs, data=dict(outputs))

        if inputs.dry_run:
            summary = summarise(build(recorder, content), "")
            return dry_run_result("Nothing was written.", summary.text, dict(summary.data))
        return schedule.warn(record(recorder, content, summarise))


def _apply(job: Job, plan: Plan, around: Surroundings, inputs: Inputs, services: Services) -> bool:
    """Set the replicas of the plan, and return whether they were changed."""
    present, replicas = around.circumstances.present, plan.replicas
    if not job.applies or around.service is None or present is None or replicas is None or replicas == present:
        return False
    around.service.set(replicas)
    services.console.note(f"{present:,} to {replicas:,} replicas: {plan.reason}")
    if inputs.step_file:
        step = LastStep(time=services.now().timestamp(), before=present, after=replicas)
        write_step(services.cwd / inputs.step_file, step)
    return True


def write_manifests(job: Job, inputs: Inputs, services: Services) -> dict[str, str]:
    """Return the manifests, and write them if a folder is named.

    Raises:
        InputError: A file cannot be written.
    """
    from ghmlops.act.files import write_atomically

    names = job.names
    if names is None:
        return {}
    origin = Origin(", ".join(file.file for file in job.policy.capacity.evidence), job.admitted[0].commit)
    named = Named(names.deployment, names.namespace, names.metric)
    policy, peak = job.policy, job.supply.curve.peak
    if peak is not None:
        # An autoscaler follows the demand alone, and would go on beyond the peak.
        limits = replace(policy.limits, max=min(policy.limits.max, max(peak, policy.limits.min)))
        policy = replace(policy, limits=limits)
    result = manifests(policy, named, usable_rate(job), origin)
    if inputs.manifests and not inputs.dry_run:
        for name, text in result.items():
            write_atomically(services.cwd / inputs.manifests / f"{name}.yaml", text)
    return result


def read_needs(job: Job, services: Services, now: float) -> list[DemandNeed]:
    """Return each demand of the policy, and what it needs."""
    from ghmlops.measure.telemetry.prometheus import PrometheusSource

    server = job.policy.prometheus
    source = PrometheusSource(server, services.environ, "scale.prometheus") if server else None
    needs = []
    for demand in job.policy.demand:
        if demand.rate:
            needs.append(DemandNeed(fixed_need(demand, job.supply), np.array([demand.rate])))
            continue
        content = read_demand(demand, source, services.cwd, now)
        cold_start = job.cold_start or 0.0
        need = need_of(demand, content.series, job.supply, queued=content.queued, cold_start=cold_start)
        needs.append(DemandNeed(need, content.series.rates))
    return needs


def _outputs(plan: Plan, *, applied: bool) -> dict[str, str]:
    return {
        "replicas": "" if plan.replicas is None else str(plan.replicas),
        "required": "" if plan.required is None else str(plan.required),
        "applied": str(applied).lower(),
        "record-file": "",
    }
