"""Annotations as workflow commands: per step at most ten of a kind, the limit of GitHub, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.targets import scope_words
from ghmlops.report.content.placed_findings import PlacedFinding, format_value, rank_findings
from ghmlops.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PER_KIND = 10
"""GitHub shows at most ten errors and ten warnings per step."""
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
    """Return the id and the outcome of a finding, with its data set, slice and window if it has them."""
    scope = [scope_words(finding.dataset)] if finding.dataset else []
    scope += [f"{key}={format_value(value)}" for key, value in finding.slice.items()]
    scope += [f"from {finding.window}"] if finding.window is not None else []
    title = f"{finding.id}: {finding.outcome.value}"
    return f"{title} ({', '.join(scope)})" if scope else title


def annotate(findings: Iterable[Finding]) -> list[str]:
    """Return annotations for the findings that did not pass, worst first, at most `MAX_PER_KIND` of each kind."""
    lines: list[str] = []
    used = {"error": 0, "warning": 0}
    for finding in (ranked.finding for ranked in rank_findings([PlacedFinding(f, "", "") for f in findings])):
        kind = _KIND.get(finding.outcome)
        if kind and used[kind] < MAX_PER_KIND:
            used[kind] += 1
            lines.append(workflow_command(kind, finding.reason, title=_title(finding)))
    return lines
