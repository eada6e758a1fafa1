"""Latency smoke test of one URL; against a baseline URL, the paired ("duet") verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ghmlops.commands.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output, Result
from ghmlops.core.model import Evidence, Finding, NotMeasured, Outcome
from ghmlops.core.verdict import CONFIRM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.commands.base import Services
    from ghmlops.commands.latency_job import Job
    from ghmlops.core.answers import Answers
    from ghmlops.core.latency import Judge
    from ghmlops.measure.load.engine import Recording


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `latency`; the rest stands in the policy's section `latency`."""

    url: Annotated[str, Doc(description="Address of the candidate.")]
    baseline_url: Annotated[str, Doc(description="Address of the baseline; empty: objectives only.")] = ""
    payloads: Annotated[
        str, Doc(description="Parquet or JSONL file, one request body a row; overrides the policy.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the schedule and of the coins.")] = 1
    confirm: Annotated[
        str, Doc(description="Evidence file of a failed run that this run, on fresh deployments, is to confirm.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("p99", "99th percentile of the candidate's response time in milliseconds."),
    Output("ratio-p99", "Candidate over baseline at the 99th percentile; empty without a baseline."),
)


def run(inputs: Inputs, services: Services) -> Result:
    """Load the candidate, and the baseline beside it where there is one; judge; write the evidence.

    Raises:
        InputError: an address is malformed, nothing could be judged, or the commit under test is not known.
        PolicyError: the policy is invalid, has no section `latency`, or asks for more than the hard caps.
        DataError: the payload file cannot be used.
        EvidenceError: the file to confirm is not the evidence of a failed run on this commit.
        ServiceError: an address cannot be reached.
    """
    from ghmlops.act.evidence import evidence_name, write_evidence
    from ghmlops.commands.latency_job import prepare
    from ghmlops.commands.provenance import commit_under_test

    job = prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    commit_under_test(services)  # known before anything is sent
    started = services.now()
    recording, judge = _measure(job, services)
    evidence = _evidence(inputs, services, job, (recording, judge), started)
    write_evidence(services.cwd / inputs.evidence_dir, evidence)
    return _result(evidence, str(Path(inputs.evidence_dir) / evidence_name(evidence.command, evidence.leg)))


def _dry_run(job: Job) -> Result:
    from ghmlops.act.console import printable

    plan, arrivals = job.plan, job.policy.arrivals
    lines = [f"would send {job.policy.request.method} {_shown_path(job)} to"]
    lines += [f"  {name}: {target.url}" for name, target in job.targets.items()]
    lines.append(
        f"{arrivals.model} {arrivals.rate:g}/s: {plan.warmup:,} requests of warm-up, then {plan.planned:,} an arm "
        f"within {arrivals.duration:g} s" + (f", {plan.extension:,} more if undecided" if plan.extension else "")
    )
    if job.payloads:
        lines.append(f"bodies: {len(job.payloads.bodies):,} payloads in turn")
    text = "\n".join(printable(line) for line in lines)
    data = {"requests": plan.planned, "extension": plan.extension, "warmup": plan.warmup, "rate": arrivals.rate}
    urls = {name: target.url for name, target in job.targets.items()}
    return Result(
        outcome=Outcome.PASS,
        reason_code="dry-run",
        reason="Nothing was sent.",
        text=text,
        data={**data, "seconds": plan.seconds, "targets": urls},
    )


def _measure(job: Job, services: Services) -> tuple[Recording, Judge]:
    """Probe both arms, then load them until the judge has seen enough."""
    import numpy as np

    from ghmlops.core.arrivals import coins
    from ghmlops.core.duet import BLOCK
    from ghmlops.core.latency import Block, Judge
    from ghmlops.measure.load.engine import Load, run_load
    from ghmlops.measure.load.target import probe, serialise

    plan, names = job.plan, list(job.targets)
    inputs_of = {"candidate": "url", "baseline": "baseline-url"}
    targets = [probe(target, inputs_of[name]) for name, target in job.targets.items()]
    bodies = job.payloads.bodies[: len(plan.times)] if job.payloads else []
    judge = Judge(job.policy, plan)
    n = len(plan.times)

    def on_block(answers: Sequence[Answers]) -> bool:
        by_name = dict(zip(names, answers, strict=True))
        return judge.feed(Block(candidate=by_name["candidate"], baseline=by_name.get("baseline")))

    def on_tick(sent: int, seconds: float) -> None:
        if services.console.terminal:
            judged = f"{judge.judged:,} of {plan.planned:,} judged"
            services.console.progress(f"latency: {sent:,} requests an arm sent, {judged}, {max(seconds, 0):.0f} s")

    load = Load(
        targets=targets,
        requests=[serialise(job.policy.request, target, bodies) for target in targets],
        order=((np.arange(n) - plan.warmup) % max(len(bodies), 1)).tolist(),
        times=plan.times,
        warmup=plan.warmup,
        block=BLOCK,
        second_first=coins(n, job.seed).tolist(),
        connections=job.policy.connections,
        timeout=job.policy.request.timeout,
    )
    return run_load(load, on_block, on_tick), judge


def _evidence(
    inputs: Inputs, services: Services, job: Job, measured: tuple[Recording, Judge], started: datetime
) -> Evidence:
    from ghmlops.commands.provenance import provenance
    from ghmlops.core import latency_evidence as shown
    from ghmlops.core.latency_findings import Run, judge_run
    from ghmlops.core.model import conclude

    recording, judge = measured
    by_name = dict(zip(job.targets, recording.arms, strict=True))
    run_ = Run(candidate=by_name["candidate"], baseline=by_name.get("baseline"), dispatched=recording.dispatched)
    findings = judge_run(judge, run_, job.policy, job.plan)
    outcome, code, reason = conclude(findings)
    data = {"data": job.payloads.fingerprint} if job.payloads else {}
    return Evidence(
        command="latency",
        leg=inputs.leg or (CONFIRM if inputs.confirm else ""),
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=provenance(inputs, services, started, seed=job.seed, fingerprints=data),
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


def _unsent_payloads(job: Job, judge: Judge) -> list[NotMeasured]:
    if job.payloads is None:
        return []
    sent, known = min(judge.judged, len(job.payloads.bodies)), len(job.payloads.bodies)
    if sent == known and not job.payloads.cut:
        return []
    more = " or more (only the first were read)" if job.payloads.cut else ""
    return [NotMeasured(what="payloads that were not sent", why=f"the run took the first {sent:,} of {known:,}{more}")]


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

    plan, policy = job.plan, job.policy
    request = policy.request
    return {
        "slots": [{"arm": name, "url": target.url} for name, target in job.targets.items()],
        "request": {"method": request.method, "path": _shown_path(job), "timeout_s": request.timeout},
        "headers": sorted(request.headers),  # names only: values may be secrets
        "arrivals": msgspec.to_builtins(policy.arrivals),
        "requests_an_arm": {"warmup": plan.warmup, "planned": plan.planned, "extension": plan.extension},
        "judged_an_arm": len(recording.dispatched),
        "connections": policy.connections,
        "payloads": len(job.payloads.bodies) if job.payloads else 0,
        "margins": {name: msgspec.to_builtins(margin) for name, margin in policy.margins.items()},
    }


def _shown_path(job: Job) -> str:
    return job.policy.request.path.partition("?")[0]  # a query may hold a secret


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


def _result(evidence: Evidence, file: str) -> Result:
    from ghmlops.core.model import finite

    p99 = next(m.values["p99"] for m in evidence.measurements if (m.id, m.arm) == ("response-time", "candidate"))
    change = next((f.change for f in evidence.findings if f.id == "latency-p99"), None)
    ratio = finite(1 + change.estimate) if change and change.estimate is not None else None
    outputs = {
        "evidence-file": file,
        "p99": "" if p99 is None else f"{p99:.3f}",
        "ratio-p99": "" if ratio is None else f"{ratio:.4f}",
    }
    return Result(
        outcome=evidence.outcome,
        reason_code=evidence.reason_code,
        reason=evidence.reason,
        outputs=outputs,
        text=_text(evidence, file),
        data={"evidence_file": file, "p99_ms": p99, "ratio_p99": ratio},
        findings=tuple(evidence.findings),
    )


def _text(evidence: Evidence, file: str) -> str:
    """Return a short table for people: percentiles of both arms, then a line a finding."""
    from tabulate import tabulate

    from ghmlops.act.console import printable

    times = {m.arm: m for m in evidence.measurements if m.id == "response-time"}
    rows = [
        [name, *("" if m.values[name] is None else f"{m.values[name]:.3f} ms" for m in times.values())]
        for name in ("p50", "p95", "p99", "max")
    ]
    lines = [
        f"latency: {evidence.outcome.value}: {evidence.reason}",
        "",
        tabulate(rows, headers=["response time", *times], disable_numparse=True),
        "",
        *(f"{f.outcome.value:<12}  {f.id}: {f.reason}" for f in evidence.findings),
    ]
    if confirms := evidence.details["confirms"]:
        again = ", ".join(confirms["failed_again"]) or "none"
        lines.append(f"failed in the run to confirm: {', '.join(confirms['failed'])}; failed again: {again}")
    lines.append(f"evidence: {file}")
    return "\n".join(printable(part) for line in lines for part in line.split("\n"))
