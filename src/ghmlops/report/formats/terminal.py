"""Text of a command's result on a terminal: tables, findings and what was not measured. Pure.

Every line is made printable, because reasons, names and values come from policies, services and data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.core.details.harvest import HarvestDetails
from ghmlops.core.details.imported import ImportDetails
from ghmlops.core.details.latency import LatencyCommon
from ghmlops.core.details.scale import ScaleDetails
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.report.text.escape import printable
from ghmlops.report.text.numbers import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.details.capacity import CurvePoint, LawDetails, Prediction
    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.model import Finding, Interval, NotMeasured
    from ghmlops.core.verdict.backtest import PastRun

_PERCENTILES = ("p50", "p95", "p99", "max")
MAX_LINES = 30
"""Findings, columns or differences in a table; the evidence contains all of them."""


def block(lines: Iterable[str]) -> str:
    """Return the lines as one text; control characters and workflow commands in them lose their effect."""
    return "\n".join(printable(line) for line in lines)


def latency(evidence: Evidence, file: str) -> str:
    """Return the response times of both arms, the findings, the failures, and what a confirming run confirmed."""
    lines = [headline("latency", evidence), "", *_response_times(evidence), "", *_findings(evidence.findings)]
    if isinstance(evidence.details, LatencyCommon):
        lines += _failures(evidence.details)
    return block([*lines, f"evidence: {file}"])


def _response_times(evidence: Evidence) -> list[str]:
    times = {m.arm: m for m in evidence.measurements if m.id == "response-time"}
    rows = [
        [name, *("" if m.values[name] is None else f"{m.values[name]:.3f} ms" for m in times.values())]
        for name in _PERCENTILES
    ]
    return plain_table(["response time", *times], rows)


def _failures(details: LatencyCommon) -> list[str]:
    lines = []
    for arm, kinds in details.failures.items():
        for kind, failure in kinds.items():
            example = f", for example: {failure.example}" if failure.example else ""
            lines.append(f"failed: {arm}: {kind}: {failure.count:,} requests{example}")
    if confirms := details.confirms:
        repeated = ", ".join(confirms.failed_again) or "none"
        lines.append(f"failed in the run to confirm: {', '.join(confirms.failed)}; failed again: {repeated}")
    return lines


def imported(evidence: Evidence, file: str) -> str:
    """Return the response times of another tool's result file, and the findings; without `file`, of a dry run."""
    tool = evidence.details.tool if isinstance(evidence.details, ImportDetails) else ""
    values = evidence.measurements[0].values.items()
    times = ", ".join(f"{name} {value:.3f} ms" for name, value in values if value is not None)
    return block(
        [
            headline(f"import ({tool})", evidence),
            f"response time: {times or 'unknown'}",
            *_findings(evidence.findings),
            *not_measured_lines(evidence.not_measured),
            f"evidence: {file}" if file else "dry run: nothing was written",
        ]
    )


def capacity(evidence: Evidence, file: str) -> str:
    """Return the curve, the scaling law with its predictions, and what was not measured."""
    lines = [headline("capacity", evidence), ""]
    if isinstance(evidence.details, CapacityDetails):
        lines += [*_curve(evidence.details.curve), *_law(evidence.details.law)]
        lines += [_prediction(row) for row in evidence.details.predicted]
    return block([*lines, *not_measured_lines(evidence.not_measured), f"evidence: {file}"])


def watch(evidence: Evidence, file: str) -> str:
    """Return the alarms and what does not count, and what was not measured."""
    lines = [headline("watch", evidence), "", *_findings(evidence.findings)]
    return block([*lines, *not_measured_lines(evidence.not_measured), f"evidence: {file}"])


def scale(evidence: Evidence, file: str) -> str:
    """Return the plan with its demand and capacity, the manifests, and what was not measured."""
    lines = [headline("scale", evidence), "", *_findings(evidence.findings)]
    details = evidence.details
    if isinstance(details, ScaleDetails):
        for row in details.demand:
            needed = "no number of" if row.replicas is None else f"{row.replicas:,}"
            served = row.problem if row.rate is None else f"{row.rate:.4g}/s, {needed} replicas"
            lines.append(f"demand {row.name}: {served}")
        lines.append(f"capacity of one replica with headroom: {details.usable:.4g}/s")
        for name, text in details.manifests.items():
            lines += ["", f"{name}:", *text.rstrip().split("\n")]
    return block([*lines, *not_measured_lines(evidence.not_measured), f"evidence: {file}"])


def harvest(evidence: Evidence, file: str) -> str:
    """Return what was taken and what was set aside, and the files that were written; without `file`, of a dry run."""
    lines = [headline("harvest", evidence), "", *_findings(evidence.findings)]
    if isinstance(evidence.details, HarvestDetails) and file:
        lines += [f"written: {row.file}, {row.rows:,} rows" for row in evidence.details.files]
    return block([*lines, *not_measured_lines(evidence.not_measured), f"evidence: {file}" if file else ""])


def _curve(points: Sequence[CurvePoint]) -> list[str]:
    from tabulate import tabulate

    headers = ("rate", "standing", "p50 ms", "p95 ms", "p99 ms", "errors", "achieved", "in flight", "n")
    rows = [(p.rate, p.standing, p.p50_ms, p.p95_ms, p.p99_ms, p.errors, p.achieved, p.in_flight, p.n) for p in points]
    return tabulate([["" if value is None else value for value in row] for row in rows], headers=headers).split("\n")


def _law(law: LawDetails | None) -> list[str]:
    if law is None:
        return []
    parameters = (
        ("lambda", law.rate),
        ("sigma", law.sigma),
        ("kappa", law.kappa),
        ("peak-throughput", law.peak_throughput),
    )
    values = ", ".join(f"{name} {_interval(value.estimate, value.low, value.high)}" for name, value in parameters)
    return ["", f"law fitted to {law.probes} probes: {values}"]


def _prediction(row: Prediction) -> str:
    interval = _interval(row.estimate_ms, row.low_ms, row.high_ms, " ms")
    return f"predicted mean response time at {row.rate:g}/s: {interval}, {row.basis}"


def _interval(estimate: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    if estimate is None:
        return "none"
    bounds = f"{'?' if low is None else f'{low:.4g}'} to {'no limit' if high is None else f'{high:.4g}'}"
    return f"{estimate:.4g}{unit} ({bounds})"


def regression(evidence: Evidence, file: str) -> str:
    """Return the findings of a prediction diff, the worst first, and what was not measured."""
    return block(
        [
            headline("regression", evidence),
            "",
            *_findings_table(evidence.findings),
            "",
            *not_measured_lines(evidence.not_measured[:MAX_LINES]),
            f"evidence: {file}",
        ]
    )


def synthetic(evidence: Evidence, file: str, cases: str) -> str:
    """Return the findings of a synthetic test, the worst first, the failures, and how to replay them."""
    lines = [headline("synthetic", evidence), "", *_findings_table(evidence.findings)]
    if isinstance(evidence.details, SyntheticDetails):
        lines += [
            f"{row.relation}: {row.endpoint}, {row.change}: {row.observed}"
            + (f"; needs {row.needs}" if row.needs else "")
            for row in evidence.details.failures
        ]
        settings = evidence.details.settings
        lines.append(f"requests: {settings.requests:,}, and {settings.shrinking_requests:,} for shrinking")
    lines += not_measured_lines(evidence.not_measured[:MAX_LINES])
    if cases:
        lines.append(
            f"replay the failures: ghmlops synthetic --replay {cases}; keep them: commit the file, and name it"
        )
        lines.append("in the policy: `synthetic: {cases: [FILE]}`")
    return block([*lines, f"evidence: {file}"])


def _findings_table(findings: Sequence[Finding]) -> list[str]:
    from tabulate import tabulate

    from ghmlops.core.predictions.subgroup import subgroup_name

    ranked = sorted(findings, key=lambda finding: -finding.outcome.severity)
    rows = [
        (
            finding.outcome.value,
            finding.id,
            printable(subgroup_name(finding.slice, finding.window, finding.dataset))[:40],
            "" if finding.n is None else f"{finding.n:,}",
            short_number(finding.baseline),
            short_number(finding.candidate),
            _range(finding.change),
            short_number(finding.margin),
        )
        for finding in ranked[:MAX_LINES]
    ]
    headers = ("outcome", "finding", "where", "rows", "baseline", "candidate", "change", "margin")
    alignment = (*["left"] * 3, *["right"] * 5)
    table = tabulate(rows, headers=headers, disable_numparse=True, colalign=alignment if rows else None)
    omitted = len(ranked) - len(rows)
    return [*table.split("\n"), *([f"... and {omitted:,} more in the evidence"] if omitted else [])]


def _range(change: Interval | None) -> str:
    if change is None or (change.low is None and change.high is None):
        return ""
    return f"{short_number(change.low)} to {short_number(change.high)}".strip()


def short_number(value: float | None) -> str:
    """Return a number with five significant digits; empty if there is none."""
    return "" if value is None else f"{value:.5g}"


def verdict(result: Verdict, subject: str) -> list[str]:
    """Return the lines of a verdict over `subject`: its reason, the evidence files, and what was not measured."""
    commit = f"commit {result.commit}" if result.commit else "no commit"
    lines = [f"{result.outcome.value}: {subject}, {commit}", f"  {result.reason}"]
    lines += [f"  {file.outcome.value:<12}  {file.file}" for file in result.evidence]
    return lines + [f"  not measured  {item.what}: {item.why}" for item in dict.fromkeys(result.not_measured)]


def headline(name: str, evidence: Evidence) -> str:
    """Return the first line: the command, the outcome and its reason."""
    return f"{name}: {evidence.outcome.value}: {evidence.reason}"


def _findings(findings: Iterable[Finding]) -> list[str]:
    return [f"{finding.outcome.value:<12}  {finding.id}: {finding.reason}" for finding in findings]


def not_measured_lines(items: Iterable[NotMeasured]) -> list[str]:
    """Return one line for each thing that was not measured."""
    return [f"not measured: {item.what}: {item.why}" for item in items]


def past_runs(runs: Sequence[PastRun]) -> list[str]:
    """Return the table of past runs under a new policy."""
    heads = ("run", "commit", "before", "now", "decided by", "judged", "retained")
    rows = [
        (
            printable(past.name),
            printable(past.commit[:12]),
            past.before.value if past.before else MISSING,
            past.after.value,
            printable(past.decisive),
            f"{past.judged:,}",
            f"{past.retained:,}",
        )
        for past in runs
    ]
    return plain_table(heads, rows)


def plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of an aligned table."""
    from tabulate import tabulate

    return tabulate(rows, headers=headers, disable_numparse=True).split("\n")
