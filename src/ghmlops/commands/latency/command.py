"""Latency smoke test of one URL; against a baseline URL, the paired ("duet") verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.commands.latency.inputs import Inputs
from ghmlops.commands.shared.base import Result
from ghmlops.core.evidence.document import Evidence, entries_of
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from ghmlops.commands.latency.job import Job
    from ghmlops.commands.shared.base import Services


def run(inputs: Inputs, services: Services) -> Result:
    """Load the candidate, and the baseline beside it where there is one; judge; write the evidence.

    Raises:
        InputError: an address, the leg, the shard or the start is malformed, nothing could be judged, the evidence
            could not be written, or the commit under test is not known.
        PolicyError: the policy is invalid, has no section `latency`, or asks for more than the hard caps.
        DataError: the payload file cannot be used.
        EvidenceError: the file to confirm is not the evidence of a failed run on this commit.
        ServiceError: an address cannot be reached.
    """
    from ghmlops.act.evidence import check_writable, evidence_name, write_evidence
    from ghmlops.commands.latency.evidence import make_evidence
    from ghmlops.commands.latency.job import prepare
    from ghmlops.commands.latency.measure import measure
    from ghmlops.commands.shared.provenance import commit_under_test

    folder = services.cwd / inputs.evidence_dir
    check_writable(folder, "latency", inputs.leg)
    job = prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    commit_under_test(services)  # known before anything is sent
    started = services.now()
    recording, judge = measure(job, services)
    evidence, log = make_evidence(inputs, services, job, (recording, judge), started)
    write_evidence(folder, evidence, {"hlog": log})
    return result_of(evidence, str(Path(inputs.evidence_dir) / evidence_name(evidence.command, evidence.leg)))


def _dry_run(job: Job) -> Result:
    from ghmlops.commands.latency.job import shown_path
    from ghmlops.report.text.escape import printable

    plan, arrivals = job.plan, job.policy.arrivals
    seconds = arrivals.duration or max(plan.seconds - arrivals.warmup, 1.0)
    rate = arrivals.rate or (plan.part.of - plan.part.warmup if plan.part else plan.planned) / seconds
    requests = ", ".join(f"{endpoint.method} {shown_path(endpoint)}" for endpoint in job.policy.endpoints)
    lines = [f"would send {requests} to"]
    lines += [f"  {name}: {target.url}" for name, target in job.targets.items()]
    shown = f"shard {job.shard[0]} of {job.shard[1]} of " if job.shard else ""
    more = f", {plan.extension:,} more if undecided" if plan.extension else ""
    lines.append(
        f"{shown}{arrivals.model} {rate:g}/s: {plan.warmup:,} requests of warm-up, "
        f"then {plan.planned:,} an arm within {seconds:g} s{more}"
    )
    if any(call.body is not None for call in job.calls.calls):
        lines.append(f"bodies: {len(job.calls.calls):,} payloads in turn")
    text = "\n".join(printable(line) for line in lines)
    data = {"requests": plan.planned, "extension": plan.extension, "warmup": plan.warmup, "rate": rate}
    urls = {name: target.url for name, target in job.targets.items()}
    return Result(
        outcome=Outcome.PASS,
        reason_code="dry-run",
        reason="Nothing was sent.",
        text=text,
        data={**data, "seconds": plan.seconds, "targets": urls},
    )


def result_of(evidence: Evidence, file: str) -> Result:
    """Return what a person and a workflow are told of the evidence in `file`."""
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

    from ghmlops.report.text.escape import printable

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
    for arm, kinds in entries_of(evidence).get("failures", {}).items():
        for kind, told in kinds.items():
            example = f", for example: {printable(told['example'])}" if told["example"] else ""
            lines.append(f"failed: {arm}: {kind}: {told['count']:,} requests{example}")
    if confirms := entries_of(evidence).get("confirms"):
        again = ", ".join(confirms["failed_again"]) or "none"
        lines.append(f"failed in the run to confirm: {', '.join(confirms['failed'])}; failed again: {again}")
    lines.append(f"evidence: {file}")
    return "\n".join(printable(part) for line in lines for part in line.split("\n"))
