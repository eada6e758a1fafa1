"""One sentence per pillar; for a prediction diff: what changed, where it is worst, and since when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.placed_findings import format_value, is_subgroup, rows_compared
from ghmlops.report.content.prediction_rows import class_facts, is_regression, metric_facts, rank_rows, row_finding
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Text, Words
from ghmlops.report.text.scope import scope_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.report.content.placed_findings import PlacedFinding

_SINCE = re.compile(r"\bsince (\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?Z?)?)")
_MAX_REASON = 300
_MAX_CONDITIONS = 6
"""Conditions of a slice in the sentence."""


def summary_sentence(entries: Sequence[PlacedFinding], decisive: PlacedFinding, evidence: Evidence | None) -> Cell:
    """Return one sentence on a pillar.

    Args:
        entries: Its findings, the worst first; at least one.
        decisive: The finding that decides it.
        evidence: Its evidence; None if it cannot be read.
    """
    reason: Cell = (Text(decisive.finding.reason, _MAX_REASON),)
    if evidence is None or not isinstance(evidence.details, RegressionDetails):
        return reason
    findings = [entry.finding for entry in entries]
    if findings[0].outcome is Outcome.PASS:
        return _pass_sentence(findings, evidence.details) or reason
    main = _main_finding(findings)
    if main is None:
        return reason
    return (
        *_opening(main),
        *_change(main, with_limit=True),
        *_other_datasets(findings, main),
        *_worst_subgroup(findings, main, evidence, evidence.details),
        *_onset(findings),
        Words("."),
    )


def _main_finding(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding whose change the sentence states: among the worst, an overall one before a subgroup.

    None if the worst finding has no change, such as a broken contract: its own reason is more informative.
    """
    worst = findings[0]
    changes = [f for f in findings if f.outcome is worst.outcome and f.change and f.change.estimate is not None]
    without_change = worst.change is None and not worst.id.endswith("-summary")
    return None if without_change or not changes else min(changes, key=is_subgroup)


def _opening(main: Finding) -> Cell:
    if main.slice:
        return (Words("In "), *_conditions(main), Words(": "))
    return (Words("In the window from "), Code(main.window, 40), Words(": ")) if main.window is not None else ()


def _conditions(finding: Finding) -> Cell:
    pairs = list(finding.slice.items())[:_MAX_CONDITIONS]
    return (Code(", ".join(f"{key}={format_value(value)}" for key, value in pairs), 100),)


def _change(finding: Finding, *, with_limit: bool = False) -> Cell:
    limit = numbers.limit(finding)
    clause = f" (limit {limit})" if with_limit and limit != numbers.MISSING else ""
    rows = f" on {numbers.count(finding.n)} rows" if is_subgroup(finding) and finding.n is not None else ""
    dataset = scope_cell(finding.dataset, " in ")
    return (Code(finding.metric, 60), Words(f" {_verb_phrase(finding)}{clause}{rows}"), *dataset)


def _verb_phrase(finding: Finding) -> str:
    scale, change = numbers.value_scale(finding), finding.change
    after = numbers.number(finding.candidate, scale)
    if change is None or change.estimate is None or finding.baseline is None:
        return f"is {after}"
    if change.estimate == 0:
        return f"did not change from {after}"
    amount = numbers.number(abs(change.estimate), numbers.change_scale(finding))
    verb = "rose" if change.estimate > 0 else "fell"
    return f"{verb} by {amount}, from {numbers.number(finding.baseline, scale, unit=False)} to {after}"


def _other_datasets(findings: Sequence[Finding], main: Finding) -> Cell:
    """Return how many other data sets have a finding with the same outcome."""
    others = {finding.dataset for finding in findings if finding.outcome is main.outcome} - {main.dataset, ""}
    if not others:
        return ()
    return (Words(f" (and {len(others):,} more data set{'' if len(others) == 1 else 's'})"),)


def _worst_subgroup(findings: Sequence[Finding], main: Finding, file: Evidence, details: RegressionDetails) -> Cell:
    """Return the worst slice, or else the worst class, unless the sentence opens with a slice."""
    if main.slice:
        return ()
    for finding in findings:
        if finding.slice and finding.change and finding.outcome is not Outcome.PASS:
            return (Words("; worst slice "), *_conditions(finding), Words(": "), *_change(finding))
    rows = rank_rows(details.classes, lambda row: row.change)
    if not rows or not is_regression(rows[0]):
        return ()
    worst = row_finding(rows[0], class_facts(metric_facts(file)))
    return (Words("; worst class "), Code(rows[0].subgroup, 60), Words(": "), *_change(worst))


def onset(findings: Sequence[Finding]) -> str:
    """Return since when: from the summary of the windows, or else the first window with the worst outcome; or empty."""
    for finding in findings:
        if finding.id == "windows-summary" and finding.outcome is not Outcome.PASS:
            match = _SINCE.search(finding.reason)
            if start := match[1] if match else finding.window:
                return start
    windows = [f for f in findings if f.window is not None and f.outcome is not Outcome.PASS]
    severity = max((finding.outcome.severity for finding in windows), default=0)
    return min((f.window for f in windows if f.window and f.outcome.severity == severity), default="")


def _onset(findings: Sequence[Finding]) -> Cell:
    start = onset(findings)
    return (Words("; since "), Code(start, 40)) if start else ()


def _pass_sentence(findings: Sequence[Finding], details: RegressionDetails) -> Cell:
    """Return what was compared; an empty cell if no rows were."""
    rows = rows_compared(findings)
    if not rows:
        return ()
    changes = [finding for finding in findings if finding.change and finding.n and not is_subgroup(finding)]
    metrics = {row.metric for row in details.metrics} or {finding.metric for finding in changes}
    counts = [("row", rows), ("metric", len(metrics))]
    counts += [(kind, _summary_count(findings, f"{kind}s-summary")) for kind in ("slice", "window")]
    counts.append(("data set", len({finding.dataset for finding in changes} - {""})))
    parts = [f"{numbers.count(n)} {name}{'' if n == 1 else 's'}" for name, n in counts if n]
    return (Words(f"No regression found in {', '.join(parts[:-1])} and {parts[-1]}."),)


def _summary_count(findings: Sequence[Finding], rule: str) -> int:
    return sum(finding.n or 0 for finding in findings if finding.id == rule)
