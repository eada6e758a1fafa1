"""One row a pillar and leg: its value, change, limit and outcome, taken from the finding that decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Outcome, worst
from ghmlops.report.content import findings
from ghmlops.report.content import summary_sentence as sentence
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Mark, Table, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, EvidenceFile, Verdict
    from ghmlops.core.model import Finding
    from ghmlops.report.content.findings import Placed
    from ghmlops.report.content.run_facts import Facts

COLUMNS = (
    Column("Pillar"),
    Column("Outcome"),
    Column("Decided by"),
    Column("Change"),
    Column("Findings"),
    Column("In one sentence"),
)
"""Few, so that the sentence is not squeezed: GitHub gives a comment some 800 pixels."""


def table(verdict: Verdict, placed: Sequence[Placed], facts: Facts, evidence: Sequence[Evidence]) -> Table:
    """Return a row for each evidence file, and for each required command that has none; the worst first.

    Args:
        verdict: names the files.
        placed: its findings with their origin, the worst first.
        facts: name what is required.
        evidence: the files that could be read.
    """
    grouped: dict[tuple[str, str], list[Placed]] = {}
    for entry in placed:
        grouped.setdefault((entry.command, entry.leg), []).append(entry)
    files = sorted(verdict.evidence, key=lambda file: (file.command, file.leg))
    told = {(e.command, e.leg): e for e in evidence}
    rows = [
        (file.outcome, _row(file, grouped.get(name, []), told.get(name)))
        for file in files
        for name in [(file.command, file.leg)]
    ]
    there = {file.command for file in verdict.evidence}
    rows += [
        (Outcome.INCONCLUSIVE, _plain((Code(name, 60),), Outcome.INCONCLUSIVE, (Words("no evidence"),)))
        for name in facts.required
        if name not in there
    ]
    if not rows:
        rows = [(Outcome.INCONCLUSIVE, _plain((Words("none"),), Outcome.INCONCLUSIVE, (Words("no evidence at all"),)))]
    rows.sort(key=lambda row: -row[0].severity)
    return Table(title="Pillars", columns=COLUMNS, rows=[row for _, row in rows], sentence_last=True)


def _row(file: EvidenceFile, own: Sequence[Placed], told: Evidence | None) -> tuple[Cell, ...]:
    if not file.command:
        return _plain((Code(file.file, 100),), file.outcome, (Words("this file cannot be read"),))
    pillar: Cell = (Code(findings.source(file.command, file.leg), 100),)
    if not own or worst(p.finding.outcome for p in own).severity < file.outcome.severity:
        return _plain(pillar, file.outcome, (Words("this evidence does not count"),))
    decisive = deciding(own)
    finding = decisive.finding
    rule = findings.name(finding)
    if findings.is_part(finding) or finding.dataset:
        rule = (*rule, Words(" at "), *findings.where(decisive, with_source=False))
    said = sentence.sentence(own, decisive, told)
    return (pillar, (Mark(file.outcome),), rule, _change(finding), _counts(own), said)


def _change(finding: Finding) -> Cell:
    """Say baseline and candidate, the change with its interval, and the limit, as far as they are known."""
    limit = numbers.limit(finding)
    known = [cell for cell in (findings.values(finding), findings.change(finding)) if cell != findings.NOTHING]
    known += [(Words(f"limit {limit}"),)] if limit != numbers.MISSING else []
    said: Cell = tuple(piece for cell in known for piece in (Words(" · "), *cell))[1:]
    return (*said, *findings.plot(finding)) if said else findings.NOTHING


def _counts(own: Sequence[Placed]) -> Cell:
    """Say how many findings have which outcome, the worst first."""
    counted = {outcome: sum(p.finding.outcome is outcome for p in own) for outcome in Outcome}
    return (Words(", ".join(f"{numbers.count(n)} {outcome.value}" for outcome, n in counted.items() if n)),)


def deciding(own: Sequence[Placed]) -> Placed:
    """Return the finding that speaks for its pillar, from findings sorted worst first and not empty.

    That is the worst one; where all passed, the one of the whole that comes nearest to its limit.
    """
    first = own[0]
    if first.finding.outcome is not Outcome.PASS:
        return first
    measured = [p for p in own if p.finding.change and p.finding.margin and not findings.is_part(p.finding)]
    return measured[0] if measured else first


def _plain(pillar: Cell, outcome: Outcome, said: Cell) -> tuple[Cell, ...]:
    nothing = findings.NOTHING
    return (pillar, (Mark(outcome),), nothing, said, nothing, nothing)
