"""Table of the pillars: one row per evidence file, with the finding that decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Outcome, worst
from ghmlops.report.content import finding_cells as cells
from ghmlops.report.content.placed_findings import evidence_label, is_subgroup
from ghmlops.report.content.summary_sentence import summary_sentence
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Mark, Table, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, EvidenceFile, Verdict
    from ghmlops.core.model import Finding
    from ghmlops.report.content.placed_findings import PlacedFinding
    from ghmlops.report.content.run_facts import Facts

# GitHub gives a comment about 800 pixels, and more columns would squeeze the sentence.
COLUMNS = (
    Column("Measurement"),
    Column("Outcome"),
    Column("Decided by"),
    Column("Change"),
    Column("Findings"),
    Column("In one sentence"),
)


def pillar_table(
    verdict: Verdict, entries: Sequence[PlacedFinding], facts: Facts, evidence: Sequence[Evidence]
) -> Table:
    """Return one row per evidence file, and one per required command without evidence; the worst first.

    Args:
        verdict: The verdict, which lists the evidence files.
        entries: Its findings with their evidence, the worst first.
        facts: The run, which knows the required commands.
        evidence: The evidence files that could be read.
    """
    grouped: dict[tuple[str, str], list[PlacedFinding]] = {}
    for entry in entries:
        grouped.setdefault((entry.command, entry.leg), []).append(entry)
    readable = {(file.command, file.leg): file for file in evidence}
    rows = []
    for file in sorted(verdict.evidence, key=lambda file: (file.command, file.leg)):
        key = (file.command, file.leg)
        rows.append((file.outcome, _file_row(file, grouped.get(key, []), readable.get(key))))
    present = {file.command for file in verdict.evidence}
    rows += [_missing_row((Code(name, 60),), "no evidence") for name in facts.required if name not in present]
    rows = rows or [_missing_row((Words("none"),), "no evidence at all")]
    rows.sort(key=lambda row: -row[0].severity)
    return Table(title="Results", columns=COLUMNS, rows=[row for _, row in rows], sentence_last=True)


def _file_row(file: EvidenceFile, entries: Sequence[PlacedFinding], evidence: Evidence | None) -> tuple[Cell, ...]:
    if not file.command:
        return _plain_row((Code(file.file, 100),), file.outcome, "this file cannot be read")
    pillar: Cell = (Code(evidence_label(file.command, file.leg), 100),)
    if not entries or worst(entry.finding.outcome for entry in entries).severity < file.outcome.severity:
        return _plain_row(pillar, file.outcome, "this evidence does not count")
    decisive = decisive_finding(entries)
    finding = decisive.finding
    rule = cells.rule_cell(finding)
    if is_subgroup(finding) or finding.dataset:
        rule = (*rule, Words(" at "), *cells.location_cell(decisive, with_evidence=False))
    sentence = summary_sentence(entries, decisive, evidence)
    return (pillar, (Mark(file.outcome),), rule, _change(finding), _outcome_counts(entries), sentence)


def _change(finding: Finding) -> Cell:
    """Return the values, the change with its interval, and the limit, as far as they are present."""
    limit = numbers.limit(finding)
    parts = [cell for cell in (cells.values_cell(finding), cells.change_cell(finding)) if cell != cells.EMPTY]
    parts += [(Words(f"limit {limit}"),)] if limit != numbers.MISSING else []
    return (*cells.joined_cell(parts), *cells.plot_cell(finding)) if parts else cells.EMPTY


def _outcome_counts(entries: Sequence[PlacedFinding]) -> Cell:
    """Return the number of findings per outcome, the worst outcome first."""
    counts = {outcome: sum(entry.finding.outcome is outcome for entry in entries) for outcome in Outcome}
    return (Words(", ".join(f"{numbers.count(n)} {outcome.value}" for outcome, n in counts.items() if n)),)


def decisive_finding(entries: Sequence[PlacedFinding]) -> PlacedFinding:
    """Return the finding that decides a pillar, from its findings sorted worst first; there is at least one.

    It is the worst one. If all passed, it is the overall finding that is closest to its limit.
    """
    first = entries[0]
    if first.finding.outcome is not Outcome.PASS:
        return first
    measured = [e for e in entries if e.finding.change and e.finding.margin and not is_subgroup(e.finding)]
    return measured[0] if measured else first


def _missing_row(pillar: Cell, text: str) -> tuple[Outcome, tuple[Cell, ...]]:
    return Outcome.INCONCLUSIVE, _plain_row(pillar, Outcome.INCONCLUSIVE, text)


def _plain_row(pillar: Cell, outcome: Outcome, text: str) -> tuple[Cell, ...]:
    return (pillar, (Mark(outcome),), cells.EMPTY, (Words(text),), cells.EMPTY, cells.EMPTY)
