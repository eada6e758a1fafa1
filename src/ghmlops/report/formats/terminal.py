"""Text of a command's result on a terminal: tables, findings and what was not measured. Pure.

Every line is made printable, because reasons, names and values come from policies, services and data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.core.details.imported import ImportDetails
from ghmlops.core.details.latency import LatencyCommon
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.details.capacity import CurvePoint, LawDetails, Prediction
    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.model import Finding, NotMeasured

_PERCENTILES = ("p50", "p95", "p99", "max")


def block(lines: Iterable[str]) -> str:
    """Return the lines as one text; control characters and workflow commands in them lose their effect."""
    return "\n".join(printable(line) for line in lines)


def latency(evidence: Evidence, file: str) -> str:
    """Return the response times of both arms, the findings, the failures, and what a confirming run confirmed."""
    lines = [_headline("latency", evidence), "", *_response_times(evidence), "", *_findings(evidence.findings)]
    if isinstance(evidence.details, LatencyCommon):
        lines += _failures(evidence.details)
    return block([*lines, f"evidence: {file}"])


def _response_times(evidence: Evidence) -> list[str]:
    times = {m.arm: m for m in evidence.measurements if m.id == "response-time"}
    rows = [
        [name, *("" if m.values[name] is None else f"{m.values[name]:.3f} ms" for m in times.values())]
        for name in _PERCENTILES
    ]
    return _table(["response time", *times], rows)


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
            _headline(f"import ({tool})", evidence),
            f"response time: {times or 'unknown'}",
            *_findings(evidence.findings),
            *_not_measured(evidence.not_measured),
            f"evidence: {file}" if file else "dry run: nothing was written",
        ]
    )


def capacity(evidence: Evidence, file: str) -> str:
    """Return the curve, the scaling law with its predictions, and what was not measured."""
    lines = [_headline("capacity", evidence), ""]
    if isinstance(evidence.details, CapacityDetails):
        lines += [*_curve(evidence.details.curve), *_law(evidence.details.law)]
        lines += [_prediction(row) for row in evidence.details.predicted]
    return block([*lines, *_not_measured(evidence.not_measured), f"evidence: {file}"])


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


def verdict(result: Verdict, subject: str) -> list[str]:
    """Return the lines of a verdict over `subject`: its reason, the evidence files, and what was not measured."""
    lines = [f"{result.outcome.value}: {subject}, commit {result.commit}", f"  {result.reason}"]
    lines += [f"  {file.outcome.value:<12}  {file.file}" for file in result.evidence]
    return lines + [f"  not measured  {item.what}: {item.why}" for item in dict.fromkeys(result.not_measured)]


def _headline(name: str, evidence: Evidence) -> str:
    return f"{name}: {evidence.outcome.value}: {evidence.reason}"


def _findings(findings: Iterable[Finding]) -> list[str]:
    return [f"{finding.outcome.value:<12}  {finding.id}: {finding.reason}" for finding in findings]


def _not_measured(items: Iterable[NotMeasured]) -> list[str]:
    return [f"not measured: {item.what}: {item.why}" for item in items]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    from tabulate import tabulate

    return tabulate(rows, headers=headers, disable_numparse=True).split("\n")
