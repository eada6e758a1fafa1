"""The evidence of a latency run: findings, measurements, settings in force, the log of the coins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.core.model import Evidence, Finding, NotMeasured, Outcome
from ghmlops.core.verdict import CONFIRM

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.base import Services
    from ghmlops.commands.latency import Inputs
    from ghmlops.commands.latency_job import Job
    from ghmlops.core.latency import Judge
    from ghmlops.measure.load.engine import Recording


def make_evidence(
    inputs: Inputs, services: Services, job: Job, measured: tuple[Recording, Judge], started: datetime
) -> Evidence:
    """Return the evidence of a run that has ended."""
    from ghmlops.commands.provenance import provenance
    from ghmlops.core import latency_evidence as shown
    from ghmlops.core.latency_findings import Run, judge_run
    from ghmlops.core.model import conclude

    recording, judge = measured
    by_name = dict(zip(job.targets, recording.arms, strict=True))
    run_ = Run(candidate=by_name["candidate"], baseline=by_name.get("baseline"), dispatched=recording.dispatched)
    findings = judge_run(judge, run_, job.policy, job.plan)
    outcome, code, reason = conclude(findings)
    return Evidence(
        command="latency",
        leg=inputs.leg or (CONFIRM if inputs.confirm else ""),
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=provenance(inputs, services, started, seed=job.seed, fingerprints=_fingerprints(job)),
        findings=findings,
        measurements=shown.measurements(run_),
        not_measured=[
            *shown.not_measured(run_, job.plan, job.policy),
            *_unsent_payloads(job, judge),
            *_full(job, recording),
        ],
        details={
            "settings": _settings(job, recording),
            "coins": _coins(job, len(run_.candidate)) if run_.baseline is not None else {},
            "duet": shown.duet_details(judge) if run_.baseline is not None else {},
            "failures": shown.failure_details(run_, dict(zip(job.targets, recording.examples, strict=True))),
            "generator": shown.generator_details(run_) | recording.notes,
            "confirms": job.confirms | {"failed_again": _failed_again(job, findings)} if job.confirms else {},
        },
    )


def _fingerprints(job: Job) -> dict[str, str]:
    files = job.calls.fingerprints
    if len(files) == 1:
        return {"data": next(iter(files.values()))}
    return {f"data:{name}": digest for name, digest in files.items()}


def _unsent_payloads(job: Job, judge: Judge) -> list[NotMeasured]:
    import numpy as np

    plan = job.plan
    known = len(job.calls.calls)
    sent = len(np.unique(job.order[plan.warmup : plan.warmup + judge.judged]))
    if sent == known and not job.calls.cut:
        return []
    more = " or more (only the first were read)" if job.calls.cut else ""
    return [NotMeasured(what="payloads that were not sent", why=f"the run took {sent:,} of {known:,}{more}")]


def _full(job: Job, recording: Recording) -> list[NotMeasured]:
    """Say where an arm used all of its connections: from then on the service did not see the whole load at once."""
    limit = job.policy.connections
    per_arm = zip(job.targets, recording.notes["connections"], recording.notes["waited_for_a_connection"], strict=True)
    return [
        NotMeasured(
            what=f"the {name} under more than {limit} requests at once",
            why=f"all {limit} connections were busy at times; {waited:,} requests waited, and their times say so",
        )
        for name, peak, waited in per_arm
        if peak >= limit and waited > peak
    ]


def _settings(job: Job, recording: Recording) -> dict[str, Any]:
    import msgspec

    from ghmlops.commands.latency_job import shown_path

    plan, policy = job.plan, job.policy
    return {
        "slots": [{"arm": name, "url": target.url} for name, target in job.targets.items()],
        "requests": [
            {
                "name": endpoint.name,
                "method": endpoint.method,
                "path": shown_path(endpoint),
                "weight": endpoint.weight,
                "timeout_s": endpoint.timeout,
                "headers": sorted(endpoint.headers),  # names only: values may be secrets
            }
            for endpoint in policy.endpoints
        ],
        "arrivals": msgspec.to_builtins(policy.arrivals),
        "requests_an_arm": {"warmup": plan.warmup, "planned": plan.planned, "extension": plan.extension},
        "judged_an_arm": len(recording.dispatched),
        "connections": policy.connections,
        "payloads": sum(call.body is not None for call in job.calls.calls),
        "margins": {name: msgspec.to_builtins(margin) for name, margin in policy.margins.items()},
    }


def _coins(job: Job, judged: int) -> dict[str, Any]:
    """Log the coins: the same seed gives them again."""
    from ghmlops.core.arrivals import coins

    plan = job.plan
    second = int(coins(len(plan.times), job.seed)[plan.warmup : plan.warmup + judged].sum())
    first_slot, second_slot = job.targets
    return {"seed": job.seed, "pairs": judged, "written_first": {first_slot: judged - second, second_slot: second}}


def _failed_again(job: Job, findings: list[Finding]) -> list[str]:
    failing = {f.id for f in findings if f.outcome is Outcome.FAIL}
    return [name for name in job.confirms["failed"] if name in failing]
