"""Annotations, worst first: workflow commands, of which GitHub shows ten of a kind per step, or of a check run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.targets import scope_words
from ghmlops.core.steps.check_run import Annotation
from ghmlops.core.steps.finding_lines import finding_line
from ghmlops.report.content.placed_findings import PlacedFinding, format_value, rank_findings
from ghmlops.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_PER_KIND = 10
"""GitHub shows at most ten errors and ten warnings per step."""
MAX_ANNOTATIONS = 200
"""Annotations of a check run, in four requests; the page lists every finding."""
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
    failed = [PlacedFinding(finding, "", "") for finding in findings if finding.outcome in _KIND]
    for finding, _, _ in rank_findings(failed):
        kind = _KIND[finding.outcome]
        if used[kind] < MAX_PER_KIND:
            used[kind] += 1
            lines.append(workflow_command(kind, finding.reason, title=_title(finding)))
    return lines


def check_annotations(entries: Sequence[PlacedFinding], policy: str, lines: Mapping[str, int]) -> list[Annotation]:
    """Return annotations of a check run: each finding that did not pass, beside the limit in the policy.

    Args:
        entries: Findings of the verdict with their evidence.
        policy: Path of the policy in the repository.
        lines: Line of each key of the policy, as from `finding_lines.key_lines`.
    """
    failed = rank_findings([entry for entry in entries if entry.finding.outcome in _KIND])
    return [
        Annotation(
            path=policy,
            line=finding_line(entry.finding, entry.command, lines),
            level="failure" if _KIND[entry.finding.outcome] == "error" else "warning",
            title=escape.one_line(_title(entry.finding), 200),
            message=escape.one_line(entry.finding.reason, 1000),
        )
        for entry in failed[:MAX_ANNOTATIONS]
    ]
