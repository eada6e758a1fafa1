# ruff: noqa: N999  (the command is called import)
"""Results of another load generator become evidence: read, judged by the policy's objectives, written.

The module's name is a keyword of Python: it is loaded by name, as `cli` loads every command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output, Result
from ghmlops.core.details.imported import ImportDetails
from ghmlops.core.evidence.document import Evidence, entries_of
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.external_results import Imported
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.foreign import Read
    from ghmlops.measure.foreign.given import Given


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `import`; the objectives stand in the policy's section `latency`."""

    file: Annotated[str, Doc(description="The other tool's result file.")]
    tool: Annotated[
        str, Doc(description="k6, vegeta, vegeta-report, hdr, wrk2, locust or oha; empty: known by the content.")
    ] = ""
    unit: Annotated[
        str, Doc(description="ns, us, ms or s: unit of the times, where the file does not tell it (HdrHistogram).")
    ] = ""
    failed: Annotated[
        int | None, Doc(description="How many requests failed, where the file does not count them (HdrHistogram).")
    ] = None


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("p99", "99th percentile of the response time in milliseconds; empty where the file does not tell it."),
)


def run(inputs: Inputs, services: Services) -> Result:
    """Read the file, judge it, write the evidence and, where every time is known, its histogram beside it.

    Raises:
        InputError: an input is malformed, nothing could be judged, or the commit under test is not known.
        PolicyError: the policy is invalid or has no section `latency`.
        DataError: the file cannot be used.
    """
    from ghmlops.act.evidence import evidence_name, write_evidence
    from ghmlops.commands.shared.provenance import commit_under_test
    from ghmlops.measure.foreign import read_results

    policy = _objectives(inputs, services)
    name = evidence_name("import", inputs.leg)
    commit_under_test(services)
    started = services.now()
    read = read_results(services.cwd / inputs.file, inputs.file, inputs.tool, _given(inputs, policy))
    evidence = _evidence(inputs, services, policy, read, started)
    if not inputs.dry_run:
        companions = _companions(read.imported, started)
        write_evidence(services.cwd / inputs.evidence_dir, evidence, companions=companions)
    return _result(evidence, "" if inputs.dry_run else str(Path(inputs.evidence_dir) / name))


def _objectives(inputs: Inputs, services: Services) -> Latency:
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.errors import InputError, PolicyError
    from ghmlops.core.load import presets

    policy = load_policy(services.cwd / inputs.policy, inputs.policy).latency
    if policy is None:
        raise PolicyError(f"{inputs.policy} has no section `latency`", hint="add one: `latency: {slo: {p99: 150ms}}`")
    if policy.slo.empty:
        raise InputError(
            f"nothing could be judged: {inputs.policy} has no `latency.slo`",
            hint="give objectives such as `slo: {p99: 150ms, errors: 0.1%}`",
        )
    return presets.apply(policy)


def _given(inputs: Inputs, policy: Latency) -> Given:
    """Return what the user told; the policy's good statuses only where all endpoints agree on them."""
    from ghmlops.measure.foreign.given import Given

    agreed = {endpoint.expect.status for endpoint in policy.endpoints}
    statuses = next(iter(agreed)) if len(agreed) == 1 else ()
    return Given(unit=inputs.unit, failed=inputs.failed, statuses=statuses)


def _evidence(inputs: Inputs, services: Services, policy: Latency, read: Read, started: datetime) -> Evidence:
    from ghmlops.commands.shared.provenance import provenance
    from ghmlops.core.latency import external_results as imported
    from ghmlops.core.model import conclude

    found = read.imported
    judged = imported.findings(policy.slo, found)
    outcome, code, reason = conclude(judged)
    fewest, most = found.failed
    return Evidence(
        command="import",
        leg=inputs.leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=provenance(inputs, services, started, fingerprints={"data": read.fingerprint}),
        findings=judged,
        measurements=[imported.measurement(found)],
        not_measured=imported.unmeasured(policy, found),
        details=ImportDetails(
            entries={
                "tool": found.tool,
                "file": inputs.file,
                "requests": found.requests,
                "timed_requests": found.timed,
                "failed_requests": {"fewest": fewest, "most": most},
                **found.facts,
            }
        ),
    )


def _companions(found: Imported, started: datetime) -> dict[str, bytes]:
    from ghmlops.core.histograms.hlog import UNITS, LogInterval, write_log

    if found.histogram is None:
        return {}
    unit = next(name for name, ns in UNITS.items() if ns == found.unit_ns)
    log = write_log([LogInterval("candidate", 0.0, 0.0, found.histogram)], started.timestamp(), unit)
    return {"hlog": log.encode()}


def _result(evidence: Evidence, file: str) -> Result:
    from ghmlops.report.text.escape import printable

    values = evidence.measurements[0].values
    p99 = values["p99"]
    shown = ", ".join(f"{name} {value:.3f} ms" for name, value in values.items() if value is not None)
    lines = [
        f"import ({entries_of(evidence)['tool']}): {evidence.outcome.value}: {evidence.reason}",
        f"response time: {shown or 'not known'}",
        *(f"{f.outcome.value:<12}  {f.id}: {f.reason}" for f in evidence.findings),
        *(f"not measured: {row.what}: {row.why}" for row in evidence.not_measured),
        f"evidence: {file}" if file else "dry run: nothing was written",
    ]
    return Result(
        outcome=evidence.outcome if file else Outcome.PASS,
        reason_code=evidence.reason_code if file else "dry-run",
        reason=evidence.reason if file else "Nothing was written.",
        outputs={"evidence-file": file, "p99": "" if p99 is None else f"{p99:.3f}"} if file else {},
        text="\n".join(printable(line) for line in lines),
        data={"evidence_file": file, "p99_ms": p99, "tool": entries_of(evidence)["tool"]},
        findings=tuple(evidence.findings) if file else (),
    )
