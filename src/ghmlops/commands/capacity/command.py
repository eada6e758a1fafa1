"""Stress test: the highest arrival rate that meets the objectives, with an interval, and the law behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.commands.capacity.inputs import Inputs
from ghmlops.commands.shared.base import Result
from ghmlops.core.evidence.document import Evidence, entries_of
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from ghmlops.commands.capacity.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.capacity.evidence import Search


def run(inputs: Inputs, services: Services) -> Result:
    """Search for the capacity of one service; write the evidence.

    Raises:
        InputError: the address is malformed, or the commit under test is not known.
        PolicyError: the policy is invalid, has no section `latency`, no objective, or one that nothing can show.
        DataError: the payload file cannot be used.
        ServiceError: the address cannot be reached.
    """
    from ghmlops.act.evidence import check_writable, evidence_name, write_evidence
    from ghmlops.commands.capacity.job import prepare
    from ghmlops.commands.capacity.measure import search_capacity
    from ghmlops.commands.shared.provenance import commit_under_test
    from ghmlops.core.capacity.evidence import sum_up

    job = prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    commit_under_test(services)  # known before anything is sent, and so is this
    check_writable(services.cwd / inputs.evidence_dir, "capacity", inputs.leg)
    started = services.now()
    measured = search_capacity(job, services)
    search = sum_up(measured.state, job.source.seed)
    evidence = job.evidence(inputs, services, (search, measured.notes), started)
    write_evidence(services.cwd / inputs.evidence_dir, evidence)
    return _result(evidence, search, str(Path(inputs.evidence_dir) / evidence_name(evidence.command, evidence.leg)))


def _dry_run(job: Job) -> Result:
    from ghmlops.commands.latency.job import shown_path
    from ghmlops.core.policy.summary import describe_objectives
    from ghmlops.report.text.escape import printable

    plan = job.plan
    requests = ", ".join(f"{endpoint.method} {shown_path(endpoint)}" for endpoint in job.source.policy.endpoints)
    lines = [
        f"would send {requests} to {job.target.url}",
        f"ramp: from {plan.start:g}/s, doubled up to the first rate that fails, at most {plan.most:g}/s",
        f"then bisection until the interval is {plan.resolution:.3g} of its low end wide",
        f"objectives: {describe_objectives(job.slo)}; a probe needs {plan.floor:,} requests for a pass",
        f"probes: {plan.probe:g} s of Poisson arrivals after {plan.warmup:g} s of warm-up, longer where needed "
        f"({plan.base(plan.start):.0f} s at {plan.start:g}/s)",
        f"at most {plan.budget:g} s and {plan.total:,} requests",
    ]
    data = {
        "url": job.target.url,
        "start": plan.start,
        "most": plan.most,
        "probe_s": plan.probe,
        "first_probe_s": plan.base(plan.start),
        "samples": plan.floor,
        "resolution": plan.resolution,
        "budget_s": plan.budget,
    }
    text = "\n".join(printable(line) for line in lines)
    return Result(outcome=Outcome.PASS, reason_code="dry-run", reason="Nothing was sent.", text=text, data=data)


def _result(evidence: Evidence, search: Search, file: str) -> Result:
    told = entries_of(evidence)["result"]
    shown = {name: "" if told[name] is None else f"{told[name]:.10g}" for name in ("low", "high", "replicas")}
    return Result(
        outcome=evidence.outcome,
        reason_code=evidence.reason_code,
        reason=evidence.reason,
        outputs={
            "evidence-file": file,
            "capacity": shown["low"],
            "capacity-low": shown["low"],
            "capacity-high": shown["high"],
            "replicas": shown["replicas"],
            "limited-by": search.found.limit,
        },
        text=_text(evidence, file),
        data={
            "evidence_file": file,
            "capacity_low": told["low"],
            "capacity_high": told["high"],
            "replicas": told["replicas"],
            "limited_by": search.found.limit,
            "predicted": entries_of(evidence)["predicted"],
        },
        findings=tuple(evidence.findings),
    )


def _text(evidence: Evidence, file: str) -> str:
    """Return the curve, the law and the result for people."""
    from tabulate import tabulate

    from ghmlops.report.text.escape import printable

    columns = ("rate", "stands", "p50_ms", "p95_ms", "p99_ms", "errors", "achieved", "in_flight", "n")
    rows = [["" if row[c] is None else row[c] for c in columns] for row in entries_of(evidence)["curve"]]
    lines = [f"capacity: {evidence.outcome.value}: {evidence.reason}", ""]
    lines.append(tabulate(rows, headers=[c.replace("_", " ") for c in columns]))
    if law := entries_of(evidence)["law"]:
        parts = [f"{name} {_bounds(law[name])}" for name in ("lambda", "sigma", "kappa", "peak-throughput")]
        lines += ["", f"law fitted to {law['probes']} probes: {', '.join(parts)}"]
    for row in entries_of(evidence)["predicted"]:
        told = {"estimate": row["estimate_ms"], "low": row["low_ms"], "high": row["high_ms"]}
        lines.append(f"predicted mean response time at {row['rate']:g}/s: {_bounds(told, ' ms')}, {row['said']}")
    lines += [f"not measured: {entry.what}: {entry.why}" for entry in evidence.not_measured]
    lines.append(f"evidence: {file}")
    return "\n".join(printable(part) for line in lines for part in line.split("\n"))


def _bounds(told: dict[str, float | None], unit: str = "") -> str:
    estimate, low, high = told["estimate"], told["low"], told["high"]
    if estimate is None:
        return "none"
    reach = f"{'?' if low is None else f'{low:.4g}'} to {'no limit' if high is None else f'{high:.4g}'}"
    return f"{estimate:.4g}{unit} ({reach})"
