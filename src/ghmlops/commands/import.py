# ruff: noqa: N999  (the command is called import)
"""Imports the results of another load generator as evidence, judged by the policy's objectives.

`import` is a keyword of Python, so this module is loaded by name, as `cli` loads every command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output, dry_run_result

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.shared.evidence import EvidenceContent, Summary
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.foreign import ResultFile
    from ghmlops.measure.foreign.supplement import Supplement


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `import`; the objectives are in the policy's section `latency`."""

    file: Annotated[str, Doc(description="The other tool's result file.")]
    tool: Annotated[
        str, Doc(description="Tool that wrote the file (see the table below); empty: detected from the content.")
    ] = ""
    unit: Annotated[
        str, Doc(description="ns, us, ms or s: unit of the times, if the file does not state it (HdrHistogram).")
    ] = ""
    failed: Annotated[
        int | None, Doc(description="Number of failed requests, if the file does not count them (HdrHistogram, hey).")
    ] = None
    planned: Annotated[
        int | None,
        Doc(description="Number of requests that were to be sent; less than 99 % of it is an error."),
    ] = None


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("p99", "99th percentile of the response time in milliseconds; empty if the file does not state it."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that the judgement needs, read and checked.

    Attributes:
        policy: the section `latency`, with its preset applied.
        file: path of the result file, as the user named it.
        results: content of the file, and its fingerprint.
    """

    policy: Latency
    file: str
    results: ResultFile


def run(inputs: Inputs, services: Services) -> Result:
    """Read the file, judge it, write the evidence and, if every time is known, its histogram next to it.

    Raises:
        InputError: An input is malformed, nothing could be judged, or the commit under test is unknown.
        PolicyError: The policy is invalid or has no section `latency`.
        DataError: The file cannot be used.
    """
    from ghmlops.act.evidence import evidence_name
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    evidence_name("import", inputs.leg)
    with unfinished("import", inputs, services, reads=(inputs.file,)):
        return _run(inputs, services)


def _run(inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands.shared.evidence import build, open_recorder, record

    policy = _read_objectives(inputs, services)
    recorder = open_recorder("import", inputs, services)
    job = _read_file(inputs, services, policy)
    content = _content(job, recorder.started)
    if inputs.dry_run:
        summary = _summarise(build(recorder, content), "")
        return dry_run_result("Nothing was written.", summary.text, dict(summary.data))
    return record(recorder, content, _summarise)


def _read_objectives(inputs: Inputs, services: Services) -> Latency:
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.errors import InputError, PolicyError
    from ghmlops.core.load import presets

    policy = load_policy(services.cwd / inputs.policy, inputs.policy).latency
    if policy is None:
        raise PolicyError(f"{inputs.policy} has no section `latency`", hint="add one: `latency: {slo: {p99: 150ms}}`")
    if policy.slo.empty:
        raise InputError(
            f"nothing could be judged: {inputs.policy} has no `latency.slo`",
            hint="add objectives such as `slo: {p99: 150ms, errors: 0.1%}`",
        )
    return presets.apply(policy)


def _read_file(inputs: Inputs, services: Services, policy: Latency) -> Job:
    from ghmlops.measure.foreign import read_results

    results = read_results(services.cwd / inputs.file, inputs.file, inputs.tool, _supplement(inputs, policy))
    return Job(policy=policy, file=inputs.file, results=results)


def _supplement(inputs: Inputs, policy: Latency) -> Supplement:
    """Return the user's inputs, and the statuses that the policy expects if they are equal for all endpoints."""
    from ghmlops.measure.foreign.supplement import Supplement

    agreed = {endpoint.expect.status for endpoint in policy.endpoints}
    statuses = next(iter(agreed)) if len(agreed) == 1 else ()
    return Supplement(unit=inputs.unit, failed=inputs.failed, planned=inputs.planned, statuses=statuses)


def _content(job: Job, started: datetime) -> EvidenceContent:
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.core.details.imported import FailedRequests, ImportDetails
    from ghmlops.core.latency import external_findings

    results = job.results.content
    min_failed, max_failed = results.failed
    return EvidenceContent(
        findings=external_findings.findings(job.policy.slo, results),
        measurements=external_findings.measurements(results),
        not_measured=external_findings.unmeasured(job.policy, results),
        details=ImportDetails(
            tool=results.tool,
            file=job.file,
            requests=results.requests,
            timed_requests=results.timed,
            failed_requests=FailedRequests(min=min_failed, max=max_failed),
            unit=results.unit,
            intervals=results.intervals,
        ),
        fingerprints={"data": job.results.fingerprint},
        companions=_companions(results, started),
    )


def _companions(results: ExternalResults, started: datetime) -> dict[str, bytes]:
    from ghmlops.core.histograms.hlog import UNITS, LogInterval, write_log

    if results.histogram is None:
        return {}
    unit = next(name for name, ns in UNITS.items() if ns == results.unit_ns)
    log = write_log([LogInterval("candidate", 0.0, 0.0, results.histogram)], started.timestamp(), unit)
    return {"hlog": log.encode()}


def _summarise(evidence: Evidence, file: str) -> Summary:
    from ghmlops.commands.shared.evidence import Summary
    from ghmlops.core.details.imported import ImportDetails
    from ghmlops.report.formats import terminal

    p99 = evidence.measurements[0].values["p99"]
    tool = evidence.details.tool if isinstance(evidence.details, ImportDetails) else ""
    return Summary(
        text=terminal.imported(evidence, file),
        outputs={"p99": "" if p99 is None else f"{p99:.3f}"},
        data={"evidence_file": file, "p99_ms": p99, "tool": tool},
    )
