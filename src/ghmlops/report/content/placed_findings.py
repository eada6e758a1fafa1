"""Findings of a verdict with the evidence that they come from: their order, and which of them a short list contains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.policy.targets import split_scope
from ghmlops.core.verdict.confirmation import CONFIRM
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence


class PlacedFinding(NamedTuple):
    """A finding with the command and leg of its evidence; both are empty if merging the evidence made the finding."""

    finding: Finding
    command: str
    leg: str


def place_findings(findings: Sequence[Finding], evidence: Sequence[Evidence]) -> list[PlacedFinding]:
    """Return the findings of a verdict with their evidence, in the order of the verdict.

    Merging keeps most findings as the objects that they are. Those that it replaced are compared by content.
    """
    merged = {id(finding) for finding in findings}
    origins: dict[int, tuple[str, str]] = {}
    rest: list[tuple[Finding, tuple[str, str]]] = []
    for file in evidence:
        origin = (file.command, file.leg)
        for finding in file.findings:
            if id(finding) in merged:
                origins[id(finding)] = origin
            else:
                rest.append((finding, origin))
    replaced = {finding.id for finding in findings if id(finding) not in origins}
    by_content: dict[object, list[tuple[str, str]]] = {}
    for finding, origin in rest:
        if finding.id in replaced:
            by_content.setdefault(_identity(finding), []).append(origin)
    entries = []
    for finding in findings:
        command, leg = origins.get(id(finding), ("", ""))
        if finding.id in replaced and id(finding) not in origins and (equal := by_content.get(_identity(finding))):
            command, leg = equal.pop(0)
        entries.append(PlacedFinding(finding, command, leg))
    return entries


def _identity(finding: Finding) -> object:
    """Return what merging never changes; it may change the outcome and the reason."""
    interval = finding.change
    change = (interval.estimate, interval.low, interval.high) if interval else ()
    values = (finding.n, finding.baseline, finding.candidate, change, finding.docs)
    return (*_subject(finding), *values)


def _subject(finding: Finding) -> tuple[object, ...]:
    return (finding.id, finding.metric, finding.dataset, repr(finding.slice), finding.window)


def rank_findings(entries: Sequence[PlacedFinding]) -> list[PlacedFinding]:
    """Sort by outcome, the worst first; then overall findings before slices and windows; then by excess over the limit.

    Summaries such as `slices-summary` come last among equals, because they only count other findings.
    """

    def rank(entry: PlacedFinding) -> tuple[int, bool, bool, float]:
        finding = entry.finding
        return (-finding.outcome.severity, finding.id.endswith("-summary"), is_subgroup(finding), -excess(finding))

    return sorted(entries, key=rank)


def rank_failures(entries: Sequence[PlacedFinding]) -> list[PlacedFinding]:
    """Sort the findings that did not pass for a short list: by outcome, then one of each command in turn.

    Findings that a confirming run repeats are left out.
    """
    failures = [entry for entry in entries if entry.finding.outcome is not Outcome.PASS]
    subjects = {(entry.command, entry.leg, _subject(entry.finding)) for entry in failures}
    failures = [entry for entry in failures if not _repeats(entry, subjects)]
    turns: dict[tuple[str, Outcome], int] = {}
    ranked = []
    for entry in rank_findings(failures):
        key = (entry.command, entry.finding.outcome)
        turns[key] = turns.get(key, -1) + 1
        ranked.append((-entry.finding.outcome.severity, turns[key], entry))
    return [entry for _, _, entry in sorted(ranked, key=lambda item: item[:2])]


def _repeats(entry: PlacedFinding, subjects: set[tuple[str, str, tuple[object, ...]]]) -> bool:
    return is_confirmation(entry.leg) and (entry.command, confirmed_leg(entry.leg), _subject(entry.finding)) in subjects


def is_confirmation(leg: str) -> bool:
    """Return whether a leg is that of a run which repeats a failed one."""
    return leg == CONFIRM or leg.endswith(f"-{CONFIRM}")


def confirmed_leg(leg: str) -> str:
    """Return the leg that a confirming leg repeats, or the leg itself if it confirms nothing."""
    return leg.removesuffix(CONFIRM).removesuffix("-") if is_confirmation(leg) else leg


def is_subgroup(finding: Finding) -> bool:
    """Return whether a finding is about a slice or a window."""
    return bool(finding.slice) or finding.window is not None


def rows_compared(findings: Sequence[Finding]) -> int:
    """Return the number of compared rows: per data set the largest n of an overall change, summed over all of them.

    Targets of a data set have the same rows.
    """
    rows: dict[str, int] = {}
    for finding in findings:
        if finding.n and finding.change and not is_subgroup(finding):
            dataset, _ = split_scope(finding.dataset)
            rows[dataset] = max(rows.get(dataset, 0), finding.n)
    return sum(rows.values())


def excess(finding: Finding) -> float:
    """Return the loss as a multiple of the limit; 0 if one of them is missing."""
    if not finding.margin:
        return 0.0
    value = finding.change.estimate if finding.change else finding.candidate
    if value is None:
        return 0.0
    loss = abs(value) if finding.direction is Direction.TARGET else value
    signed = -loss if finding.direction is Direction.HIGHER and finding.change else loss
    try:
        return float(signed) / abs(float(finding.margin))
    except OverflowError:
        return 0.0


def format_value(value: object) -> str:
    """Return a JSON value as it would be written in a condition; very long integers are abbreviated."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 10**30:
        return numbers.count(value)
    return str(value)


def evidence_label(command: str, leg: str) -> str:
    """Return the display name of an evidence file: its command, with the leg in parentheses."""
    return f"{command} ({leg})" if leg else command
