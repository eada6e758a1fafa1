"""Content of the evidence of a latency run: findings, measurements, settings in force and the histogram log."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.commands.shared.evidence import EvidenceContent
from ghmlops.core.details.latency import (
    Confirmation,
    LatencyDetails,
    LatencySettings,
    PlannedRequests,
    ReplayDetails,
    RequestSettings,
    SkippedLines,
    Slot,
    WriteOrder,
)
from ghmlops.core.details.load_runs import GeneratorDetails, ShardRun
from ghmlops.core.latency import details as run_details
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.latency.interval_log import log_of
from ghmlops.core.latency.shards.findings import shard_findings
from ghmlops.core.latency.shards.tally_file import pack
from ghmlops.core.latency.tally import Run, tally_of
from ghmlops.core.model import Finding, NotMeasured, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.latency.measure import LatencyRun
    from ghmlops.core.details.latency import FailedRun
    from ghmlops.core.latency.tally import Tally
    from ghmlops.core.policy.latency import Request


def evidence_content(job: Job, run: LatencyRun) -> EvidenceContent:
    """Return the content of the evidence of a run that has ended."""
    recording, judge = run.recording, run.judge
    answers = dict(zip(job.targets, recording.arms, strict=True))
    judged = Run(
        candidate=answers["candidate"],
        baseline=answers.get("baseline"),
        dispatched=recording.dispatch_times,
        stolen=run.stolen,
    )
    tally = tally_of(judge, judged, job.policy, job.plan, job.shard[0] if job.shard else 1)
    log = log_of(answers, job.plan.times[job.plan.warmup :][: tally.requests], run.began)
    part = _shard_run(job, run, log)
    findings = shard_findings(part, tally) if job.shard else judge_tally(tally, job.policy)
    return EvidenceContent(
        findings=findings,
        measurements=run_details.measurements(tally),
        not_measured=[
            *run_details.not_measured(tally, job.policy),
            *_unsent_payloads(job, judge.judged),
            *full_arms(part, job.policy.connections),
        ],
        details=_details(job, run, tally, part, confirmation(job.confirms, findings)),
        seed=job.source.seed,
        fingerprints=_fingerprints(job),
        companions={"hlog": log},
    )


def _details(job: Job, run: LatencyRun, tally: Tally, part: ShardRun, confirms: Confirmation | None) -> LatencyDetails:
    examples = {
        name: {kind.label: example for kind, example in kinds.items()}
        for name, kinds in zip(job.targets, run.recording.examples, strict=True)
    }
    paired = tally.baseline is not None
    return LatencyDetails(
        settings=_settings(job),
        replay=_replay(job),
        judged_per_arm=tally.requests,
        write_order=_write_order(job, tally.requests) if paired else None,
        duet=run_details.duet_details(tally, job.policy, extended=run.judge.extended) if paired else None,
        endpoints=run_details.endpoint_details(tally, job.policy),
        failures=run_details.failure_details(tally, examples),
        generator=GeneratorDetails(
            **msgspec.structs.asdict(run_details.generator_details(tally)),
            **run.recording.notes,
            began=part.began,
            start_at=part.start_at,
            started_late_s=None if part.start_at is None else round(part.late, 3),
        ),
        confirms=confirms,
        rate_search=job.rate_search,
        shard=part if job.shard else None,
        tally=pack(tally) if job.shard else None,
        over_time=tally.over_time,
    )


def _replay(job: Job) -> ReplayDetails | None:
    """Return which requests of a recording were sent again; `None` without a recording."""
    recorded = job.recorded
    if recorded is None:
        return None
    return ReplayDetails(
        first=recorded.first,
        last=recorded.last,
        notes=list(recorded.notes),
        skipped=[SkippedLines(why=why, lines=n, first=first) for why, (n, first) in recorded.skipped.items()],
        requests=len(recorded.times),
        out_of_order=recorded.out_of_order,
    )


def _shard_run(job: Job, run: LatencyRun, log: bytes) -> ShardRun:
    shard, shards = job.shard or (1, 1)
    notes, plan = run.recording.notes, job.plan
    return ShardRun(
        shard=shard,
        shards=shards,
        start_at=job.start_at,
        began=round(run.began, 6),
        warmup=plan.warmup,
        schedule=plan.part.total - plan.part.warmup if plan.part else plan.planned,
        arms=list(job.targets),
        connections=list(notes["connections"]),
        waited=list(notes["waited_for_a_connection"]),
        hlog="sha256:" + hashlib.sha256(log).hexdigest(),
    )


def confirmation(failed_run: FailedRun | None, findings: Sequence[Finding]) -> Confirmation | None:
    """Return what a confirming run has confirmed; `None` for any other run."""
    if failed_run is None:
        return None
    failing = {f.id for f in findings if f.outcome is Outcome.FAIL}
    return Confirmation(
        sha256=failed_run.sha256,
        run_id=failed_run.run_id,
        started=failed_run.started,
        failed=failed_run.failed,
        failed_again=[name for name in failed_run.failed if name in failing],
    )


def _fingerprints(job: Job) -> dict[str, str]:
    files = job.source.calls.fingerprints
    trace = {"trace": job.recorded.fingerprint} if job.recorded else {}
    if len(files) == 1:
        return trace | {"data": next(iter(files.values()))}
    return trace | {f"data:{name}": digest for name, digest in files.items()}


def _unsent_payloads(job: Job, judged: int) -> list[NotMeasured]:
    plan = job.plan
    available = len(job.source.calls.calls)
    order = job.source.call_order(len(plan.times), plan.warmup, plan.part)
    sent = len(np.unique(order[plan.warmup : plan.warmup + judged]))
    if sent == available and not job.source.calls.truncated_files:
        return []
    more = " or more (only the first were read)" if job.source.calls.truncated_files else ""
    return [NotMeasured(what="payloads that were not sent", why=f"the run sent {sent:,} of {available:,}{more}")]


def full_arms(part: ShardRun, limit: int) -> list[NotMeasured]:
    """Return the arms that used all connections: from then on the service did not receive the full load at once."""
    return [
        NotMeasured(
            what=f"the {name} under more than {limit} requests at once",
            why=f"all {limit} connections were busy at times; {waited:,} requests waited, which their times include",
        )
        for name, peak, waited in zip(part.arms, part.connections, part.waited, strict=True)
        if peak >= limit and waited > peak
    ]


def _settings(job: Job) -> LatencySettings:
    plan, policy = job.plan, job.policy
    part = plan.part  # Numbers of the full schedule, which all shards have in common.
    warmup, planned = (part.warmup, part.total - part.warmup) if part else (plan.warmup, plan.planned)
    return LatencySettings(
        slots=[Slot(arm=name, url=target.url) for name, target in job.targets.items()],
        requests=[_request_settings(endpoint) for endpoint in policy.endpoints],
        arrivals=policy.arrivals,
        requests_per_arm=PlannedRequests(warmup=warmup, planned=planned, extension=plan.extension),
        connections=policy.connections,
        payloads=sum(call.body is not None for call in job.source.calls.calls),
        margins=policy.margins,
    )


def _request_settings(endpoint: Request) -> RequestSettings:
    return RequestSettings(
        name=endpoint.name,
        method=endpoint.method,
        path=endpoint.public_path,
        weight=endpoint.weight,
        timeout_s=endpoint.timeout,
        headers=sorted(endpoint.headers),
    )


def _write_order(job: Job, judged: int) -> WriteOrder:
    """Return the randomised arm order, which the seed reproduces."""
    order = job.source.write_order(len(job.plan.times), job.plan.part)
    second = int(order[job.plan.warmup :][:judged].sum())
    first_slot, second_slot = job.targets
    return WriteOrder(
        seed=job.source.seed, pairs=judged, written_first={first_slot: judged - second, second_slot: second}
    )
