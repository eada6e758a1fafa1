"""Workflow annotations: at most ten of a type a step, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.placed_findings import PlacedFinding, format_value, rank_findings
from ghmlops.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST = 10
_KIND = {
    Outcome.ERROR: "error",
    Outcome.FAIL: "error",
    Outcome.INCONCLUSIVE: "warning",
    Outcome.WARN: "warning",
}


def workflow_command(kind: str, message: str, title: str = "") -> str:
    """Return one `::error title=...::message` line."""
    head = f"::{kind} title={escape.command_property(escape.one_line(title, 200))}::" if title else f"::{kind}::"
    return head + escape.command_data(escape.one_line(message, 1000))


def _title(finding: Finding) -> str:
    """Name the rule, its outcome, and the data set, slice and window it looked at, as far as there are any."""
    place = [f"data set {finding.dataset}"] if finding.dataset else []
    place += [f"{key}={format_value(value)}" for key, value in finding.slice.items()]
    place += [f"from {finding.window}"] if finding.window is not None else []
    said = f"{finding.id}: {finding.outcome.value}"
    return f"{said} ({', '.join(place)})" if place else said


def annotate(findings: Iterable[Finding]) -> list[str]:
    """Return annotation lines for what did not pass, worst first, `MOST` of a type."""
    lines: list[str] = []
    used = {"error": 0, "warning": 0}
    for finding in (placed.finding for placed in rank_findings([PlacedFinding(f, "", "") for f in findings])):
        kind = _KIND.get(finding.outcome)
        if kind and used[kind] < MOST:
            used[kind] += 1
            lines.append(workflow_command(kind, finding.reason, title=_title(finding)))
    return lines
