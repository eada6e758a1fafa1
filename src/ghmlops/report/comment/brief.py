"""Content of the pull-request comment: outcome, causes, what to do; then one table, and how to reproduce or re-run.

A person who opens the comment knows within seconds what is worse, where, since when, and what to do. Settings, all
findings, slices and measurements are in the job summary, on the page and in the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.core.pillars import find_pillar
from ghmlops.core.policy.targets import split_scope
from ghmlops.report.comment.cause_sentence import cause_sentence, factor, limit_text, name, prose, slice_name
from ghmlops.report.comment.causes import Cause, group_causes
from ghmlops.report.comment.next_steps import next_steps, reproduce_lines
from ghmlops.report.comment.trend import trend
from ghmlops.report.content import comment_marker as marker
from ghmlops.report.content.answers.changed_rows import changed_answers
from ghmlops.report.content.answers.side_by_side import comment_tables
from ghmlops.report.content.headline import pass_headline
from ghmlops.report.content.layout import compared_commits, full_report, links, notices
from ghmlops.report.content.pillar_table import decisive_finding
from ghmlops.report.content.placed_findings import is_confirmation, place_findings, rank_findings
from ghmlops.report.content.what_changed import commit_link
from ghmlops.report.text import numbers
from ghmlops.report.text import outcome_text as words
from ghmlops.report.text.blocks import Cell, Code, Column, Link, Table, Text, Words, join_cells
from ghmlops.report.text.escape import safe_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.model import Finding
    from ghmlops.report.content.placed_findings import PlacedFinding
    from ghmlops.report.content.run_facts import Facts
    from ghmlops.report.text.drawings import Trend

MAX_CAUSES = 5
"""Causes with a sentence; the others are counted."""
MAX_PASSED_ROWS = 5
MAX_UNMEASURED = 3
COLUMNS = (Column("Result"), Column("Baseline → candidate"), Column("Change (limit)"))
"""Three columns fit into a comment on a screen of 400 pixels; with a fourth one most tables had to be scrolled."""
MATTERS = (
    "everything",
    "evidence ",
    "artifact ",
    "latency against",
    "objective",
    "quality of rows",
    "failed requests",
    "production",  # nobody would see what the verdict cannot show
)
"""Beginnings of what, if it was not measured, limits what a verdict is worth, even one that passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Content of the comment."""

    outcome: Outcome
    heading: Cell
    notices: list[Cell]
    sentences: list[Cell]
    """One sentence for each cause, the worst first; for a pass, what was measured without a regression."""
    action: str
    """What the reader should do (trusted)."""
    table: Table
    answers: list[Table]
    """Changed rows of a task with texts, and proven changes of answers: both sides next to each other; often empty."""
    unmeasured: list[Cell]
    """What was not measured and limits the verdict."""
    unmeasured_count: int
    """Number of all entries of what was not measured."""
    subject: Cell
    commands: list[str]
    steps: list[Cell]
    """How to run again, and how a maintainer can decide otherwise."""
    links: list[Cell]
    full_report: Cell
    marker: str
    trend: Trend | None = None
    """The deciding metric over the last decisions of the history."""


def brief(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> Brief:
    """Return the content of the comment.

    Args:
        verdict: The merged judgement.
        evidence: The files it was merged from that could be read.
        facts: The run and its links.
    """
    entries = rank_findings(place_findings(verdict.findings, evidence))
    causes = group_causes(entries)
    sentences = [cause_sentence(cause, verdict.confirmed) for cause in causes[:MAX_CAUSES]]
    omitted = len(causes) - MAX_CAUSES
    if omitted > 0:
        sentences.append((Words(f"And {numbers.count(omitted)} more; the job summary lists all findings."),))
    unmeasured = _unmeasured(verdict, evidence)
    label = words.OUTCOME_LABELS[verdict.outcome]
    return Brief(
        outcome=verdict.outcome,
        heading=(Text(verdict.service or "service", 100), Words(f" {label.heading}")),
        notices=notices(verdict, facts),
        sentences=_sentences(verdict, evidence, sentences),
        action=words.required_action(verdict.outcome, verdict.reason_code, verdict.environment),
        table=_table(causes[:MAX_CAUSES], entries),
        answers=[table for table in (changed_answers(evidence), *comment_tables(evidence)) if table.rows],
        unmeasured=[_unmeasured_line(item) for item in unmeasured if _matters(item)][:MAX_UNMEASURED],
        unmeasured_count=len(unmeasured),
        subject=compared_commits(verdict, evidence, facts),
        commands=reproduce_lines(verdict, evidence, facts),
        steps=next_steps(verdict, facts),
        links=links(facts),
        full_report=full_report(facts),
        marker=f"{marker.marker(verdict.service, facts.workflow)}\n{marker.subject_line(verdict, facts)}",
        trend=trend(verdict.commit, [*(cause.lead for cause in causes), *entries], facts),
    )


def measuring_line(commit: str, facts: Facts) -> Cell:
    """Return the line that a comment shows while a run measures `commit`."""
    run = safe_url(facts.run_url)
    link: Cell = (Words(" in "), Link("this run", run), Words(".")) if run else (Words("."),)
    return (Words("Measuring ", strong=True), commit_link(commit, facts), *link)


def _sentences(verdict: Verdict, evidence: Sequence[Evidence], causes: list[Cell]) -> list[Cell]:
    reason = prose(verdict.reason, 300)
    if verdict.outcome is Outcome.PASS:
        return [pass_headline(evidence) or reason]
    return causes or [reason]


def _table(causes: Sequence[Cause], entries: Sequence[PlacedFinding]) -> Table:
    """Return a row for each cause with numbers, and one for each measurement that passed."""
    rows = [_row(cause.lead) for cause in causes]
    failed = {(cause.lead.command, cause.lead.leg) for cause in causes}
    groups: dict[tuple[str, str], list[PlacedFinding]] = {}
    for entry in entries:
        groups.setdefault((entry.command, entry.leg), []).append(entry)
    for (command, leg), group in list(groups.items()):
        passed = all(entry.finding.outcome is Outcome.PASS for entry in group)
        if passed and _is_result(command) and (command, leg) not in failed and not is_confirmation(leg):
            rows.append(_row(decisive_finding(group)))
    measured = [row for row in rows if row is not None]
    return Table(title="Results", columns=COLUMNS, rows=measured[: len(causes) + MAX_PASSED_ROWS])


def _is_result(command: str) -> bool:
    """Return whether a command measures something that a reader compares; starting the services does not."""
    pillar = find_pillar(command)
    return pillar is not None and not pillar.starts_arms


def _row(entry: PlacedFinding) -> tuple[Cell, ...] | None:
    finding = entry.finding
    if finding.candidate is None or finding.metric == "drift":  # a distance without the name of its column
        return None
    symbol = words.OUTCOME_LABELS[finding.outcome].symbol
    place: list[Cell] = [(Code(entry.leg, 40),)] if entry.leg and not is_confirmation(entry.leg) else []
    place += [(Code(part, 60),) for part in split_scope(finding.dataset) if part]
    place += [(slice_name(finding),)] if finding.slice else []
    scale = numbers.value_scale(finding)
    before = "" if finding.baseline is None else f"{numbers.number(finding.baseline, scale, unit=False)} → "
    return (
        (Words(f"{symbol} "), *join_cells([name(finding), *place])),
        (Words(f"{before}{numbers.number(finding.candidate, scale)}"),),
        (Words(_change_and_limit(finding)),),
    )


def _change_and_limit(finding: Finding) -> str:
    """Return `2.5 times (+10 %)`, `-2.9 pt (-0.5 pt)`; the header says what is in parentheses."""
    change, limit = factor(finding).removesuffix(" the baseline"), limit_text(finding)
    if limit == numbers.MISSING:
        return change or numbers.MISSING
    return f"{change or numbers.MISSING} ({limit})"


def _unmeasured(verdict: Verdict, evidence: Sequence[Evidence]) -> list[NotMeasured]:
    entries = (*verdict.not_measured, *(entry for file in evidence for entry in file.not_measured))
    return list(dict.fromkeys(entries))


def _matters(entry: NotMeasured) -> bool:
    return entry.what.startswith(MATTERS)


def _unmeasured_line(entry: NotMeasured) -> Cell:
    return (*prose(entry.what, 100), Words(": "), *prose(entry.why, 200))
