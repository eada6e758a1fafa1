"""The evidence of a latency run: findings, measurements, settings in force, the log of the coins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.evidence.verdict import CONFIRM
from ghmlops.core.model import Finding, NotMeasured, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.commands.latency.inputs import Inputs
    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.shards import ShardRun
    from ghmlops.core.latency.stopping import Judge
    from ghmlops.measure.load.load import Recording


def make_evidence(
    inputs: Inputs, services: Services, job: Job, measured: tuple[Recording, Judge], started: datetime
) -> tuple[Evidence, bytes]:
    """Return the evidence of a run that has ended, and its histograms as an `.hlog`."""
    from ghmlops.commands.shared.provenance import provenance
    from ghmlops.core.latency import details as shown
    from ghmlops.core.latency.findings import judge_tally
    from ghmlops.core.latency.interval_log import log_of
    from ghmlops.core.latency.shards import shard_findings, shard_leg
    from ghmlops.core.latency.tally import Run, tally_of
    from ghmlops.core.latency.tally_file import pack
    from ghmlops.core.model import conclude

    recording, judge = measured
    by_name = dict(zip(job.targets, recording.arms, strict=True))
    run = Run(candidate=by_name["candidate"], baseline=by_name.get("baseline"), dispatched=recording.dispatched)
    shard = job.shard[0] if job.shard else 1
    tally = tally_of(judge, run, job.policy, job.plan, shard)
    began = _began(job, recording, services, started)
    log = log_of(by_name, job.plan.times[job.plan.warmup :][: tally.requests], began)
    part = _shard_run(job, recording, began, log)
    findings = shard_findings(part, tally) if job.shard else judge_tally(tally, job.policy)
    outcome, code, reason = conclude(findings)
    leg = inputs.leg or (CONFIRM if inputs.confirm else "")
    examples = {
        name: {kind.label: example for kind, example in found.items()}
        for name, found in zip(job.targets, recording.examples, strict=True)
    }
    evidence = Evidence(
        command="latency",
        leg=shard_leg(leg, *job.shard) if job.shard else leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=provenance(inputs, services, started, seed=job.seed, fingerprints=_fingerprints(job)),
        findings=findings,
        measurements=shown.measurements(tally),
        not_measured=[
            *shown.not_measured(tally, job.policy),
            *_unsent_payloads(job, judge),
            *full_arms(list(job.targets), part, job.policy.connections),
        ],
        details=LatencyDetails(
            entries={
                "settings": _settings(job),
                "replay": _replay(job),
                "judged_an_arm": tally.requests,
                "coins": _coins(job, tally.requests) if run.baseline is not None else {},
                "duet": shown.duet_details(tally, job.policy, extended=judge.extended)
                if run.baseline is not None
                else {},
                "endpoints": shown.endpoint_details(tally, job.policy),
                "failures": shown.failure_details(tally, examples),
                "generator": shown.generator_details(tally) | recording.notes | _start(part),
                "confirms": confirmation(job.confirms, findings),
                **({"shard": msgspec.to_builtins(part), "tally": pack(tally)} if job.shard else {}),
            }
        ),
    )
    return evidence, log


def _began(job: Job, recording: Recording, services: Services, started: datetime) -> float:
    """Return the time of the schedule's second 0, in seconds of the Unix epoch."""
    from time import monotonic

    scheduled = recording.arms[0].scheduled
    if not len(scheduled):
        return started.timestamp()
    begin = float(scheduled[0]) - float(job.plan.times[job.plan.warmup])
    return services.now().timestamp() - (monotonic() - begin)


def _replay(job: Job) -> dict[str, Any]:
    """Tell which requests of a recording were sent again; empty without one."""
    recorded = job.recorded
    if recorded is None:
        return {}
    skipped = [{"why": why, "lines": n, "first": first} for why, (n, first) in recorded.skipped.items()]
    told = {"first": recorded.first, "last": recorded.last, "notes": list(recorded.notes), "skipped": skipped}
    return told | {"requests": len(recorded.times), "out_of_order": recorded.out_of_order}


def _shard_run(job: Job, recording: Recording, began: float, log: bytes) -> ShardRun:
    import hashlib

    from ghmlops.core.latency.shards import ShardRun

    shard, shards = job.shard or (1, 1)
    return ShardRun(
        shard=shard,
        shards=shards,
        start_at=job.start_at,
        began=round(began, 6),
        warmup=job.plan.warmup,
        schedule=job.plan.part.of - job.plan.part.warmup if job.plan.part else job.plan.planned,
        arms=list(job.targets),
        connections=list(recording.notes["connections"]),
        waited=list(recording.notes["waited_for_a_connection"]),
        hlog="sha256:" + hashlib.sha256(log).hexdigest(),
    )


def _start(part: ShardRun) -> dict[str, Any]:
    if part.start_at is None:
        return {"began": part.began}
    return {"began": part.began, "start_at": part.start_at, "started_late_s": round(part.late, 3)}


def confirmation(confirms: dict[str, Any], findings: list[Finding]) -> dict[str, Any]:
    """Return what a confirming run has confirmed; empty for any other run."""
    if not confirms:
        return {}
    failing = {f.id for f in findings if f.outcome is Outcome.FAIL}
    return confirms | {"failed_again": [name for name in confirms["failed"] if name in failing]}


def _fingerprints(job: Job) -> dict[str, str]:
    files = job.calls.fingerprints
    trace = {"trace": job.recorded.fingerprint} if job.recorded else {}
    if len(files) == 1:
        return trace | {"data": next(iter(files.values()))}
    return trace | {f"data:{name}": digest for name, digest in files.items()}


def _unsent_payloads(job: Job, judge: Judge) -> list[NotMeasured]:
    import numpy as np

    plan = job.plan
    known = len(job.calls.calls)
    sent = len(np.unique(job.order[plan.warmup : plan.warmup + judge.judged]))
    if sent == known and not job.calls.cut:
        return []
    more = " or more (only the first were read)" if job.calls.cut else ""
    return [NotMeasured(what="payloads that were not sent", why=f"the run took {sent:,} of {known:,}{more}")]


def full_arms(names: Sequence[str], part: ShardRun, limit: int) -> list[NotMeasured]:
    """Say where an arm used all of its connections: from then on the service did not see the whole load at once."""
    return [
        NotMeasured(
            what=f"the {name} under more than {limit} requests at once",
            why=f"all {limit} connections were busy at times; {waited:,} requests waited, and their times say so",
        )
        for name, peak, waited in zip(names, part.connections, part.waited, strict=True)
        if peak >= limit and waited > peak
    ]


def _settings(job: Job) -> dict[str, Any]:
    from ghmlops.commands.latency.job import shown_path

    plan, policy = job.plan, job.policy
    part = plan.part  # of the whole schedule, which all shards have in common
    warmup, planned = (part.warmup, part.of - part.warmup) if part else (plan.warmup, plan.planned)
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
        "requests_an_arm": {"warmup": warmup, "planned": planned, "extension": plan.extension},
        "connections": policy.connections,
        "payloads": sum(call.body is not None for call in job.calls.calls),
        "margins": {name: msgspec.to_builtins(margin) for name, margin in policy.margins.items()},
    }


def _coins(job: Job, judged: int) -> dict[str, Any]:
    """Log the coins: the same seed gives them again."""
    second = int(job.coins[job.plan.warmup :][:judged].sum())
    first_slot, second_slot = job.targets
    return {"seed": job.seed, "pairs": judged, "written_first": {first_slot: judged - second, second_slot: second}}
