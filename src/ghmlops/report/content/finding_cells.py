"""Cells and tables of findings: location, values, change, limit and reason."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.report.content.placed_findings import evidence_label, format_value
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, IntervalPlot, Link, Mark, Table, Text, Words, join_cells
from ghmlops.report.text.scope import scope_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.report.content.placed_findings import PlacedFinding
    from ghmlops.report.content.run_facts import Facts

_DOCS = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_./-]{0,150}\.md(#[a-z0-9-]{1,80})?")
MAX_SLICE_COLUMNS = 6
"""Columns of one slice that are named; the others are counted."""
COLUMNS = (
    Column("Outcome"),
    Column("Finding"),
    Column("Where"),
    Column("n", right=True),
    Column("Baseline → candidate"),
    Column("Change"),
    Column("Limit"),
    Column("Reason"),
)
EMPTY: Cell = (Words(numbers.MISSING),)


def joined_cell(parts: Sequence[Cell]) -> Cell:
    """Return the parts in one cell, separated by dots."""
    return join_cells(parts, " · ")


def location_cell(entry: PlacedFinding, *, with_evidence: bool) -> Cell:
    """Return what a finding is about: evidence file, data set, slice and window; "overall" if it has none of these."""
    finding, parts = entry.finding, list[Cell]()
    if with_evidence and entry.command:
        parts.append((Code(evidence_label(entry.command, entry.leg)),))
    if finding.dataset:
        parts.append(scope_cell(finding.dataset))
    conditions = list(finding.slice.items())
    parts += [(Code(f"{key}={format_value(value)}", 100),) for key, value in conditions[:MAX_SLICE_COLUMNS]]
    if len(conditions) > MAX_SLICE_COLUMNS:
        parts.append((Words(f"and {len(conditions) - MAX_SLICE_COLUMNS} more columns"),))
    if finding.window is not None:
        parts.append((Words("from "), Code(finding.window, 40)))
    if not parts:
        return (Words("overall"),) if entry.command else EMPTY
    return joined_cell(parts)


def values_cell(finding: Finding) -> Cell:
    """Return the values of baseline and candidate: `41.2 → 43.1 ms`."""
    scale = numbers.value_scale(finding)
    if finding.candidate is None and finding.baseline is None:
        return EMPTY
    if finding.baseline is None:
        return (Words(numbers.number(finding.candidate, scale)),)
    before = numbers.number(finding.baseline, scale, unit=finding.candidate is None)
    return (Words(f"{before} → {numbers.number(finding.candidate, scale)}"),)


def change_cell(finding: Finding) -> Cell:
    """Return the change with its interval, and whether it is an improvement."""
    if finding.change is None:
        return EMPTY
    estimate, _, interval = numbers.change(finding).partition(" [")
    tendency = numbers.tendency(finding).replace(" ", numbers.GAP, 1)  # keeps the arrow next to its word
    rest = " ".join(part for part in (f"[{interval}" if interval else "", tendency) if part)
    text = Words(estimate, strong=finding.outcome.severity >= Outcome.FAIL.severity)
    return (text, Words(f" {rest}")) if rest else (text,)


def plot_cell(finding: Finding) -> Cell:
    """Return a drawing of the change against its limits; an empty cell without an estimate."""
    interval = finding.loss or finding.change
    margin = None if numbers.exceeds_by_noise(finding) else finding.margin
    if interval is None or interval.estimate is None:
        return ()
    size = abs(margin) if margin is not None else None
    below = finding.direction in (Direction.HIGHER, Direction.TARGET)
    above = finding.direction in (Direction.LOWER, Direction.TARGET)
    return (
        IntervalPlot(
            estimate=interval.estimate,
            low=interval.low,
            high=interval.high,
            floor=-size if size is not None and below else None,
            ceiling=size if size is not None and above else None,
            outcome=finding.outcome,
        ),
    )


def rule_cell(finding: Finding, facts: Facts | None = None) -> Cell:
    """Return the id of the rule, linked to its documentation, and the metric unless the id contains it."""
    docs = f"{facts.docs_url}{finding.docs}" if facts and facts.docs_url and _DOCS.fullmatch(finding.docs) else ""
    rule: Cell = (Link(finding.id[:80], docs, code=True),)
    names_metric = finding.metric.replace(".", "-") in finding.id
    return rule if names_metric else (*rule, Words(" "), Code(finding.metric, 80))


def finding_row(entry: PlacedFinding, *, with_evidence: bool) -> tuple[Cell, ...]:
    """Return one row of the table of all findings."""
    finding = entry.finding
    passed = finding.outcome is Outcome.PASS
    return (
        (Mark(finding.outcome),),
        rule_cell(finding),
        location_cell(entry, with_evidence=with_evidence),
        (Words(numbers.count(finding.n)),),
        values_cell(finding),
        (*change_cell(finding), *plot_cell(finding)),
        (Words(numbers.limit(finding)),),
        (Text(finding.reason, 160 if passed else 400),),
    )


def findings_table(entries: Sequence[PlacedFinding], title: str = "All findings, the worst first") -> Table:
    """Return all findings, sorted worst first; the column `Where` names the evidence file if there are several."""
    several = len({(entry.command, entry.leg) for entry in entries if entry.command}) > 1
    rows = [finding_row(entry, with_evidence=several) for entry in entries]
    passed = sum(entry.finding.outcome is Outcome.PASS for entry in entries)
    return drop_empty_columns(Table(title=title, columns=COLUMNS, rows=rows, sentence_last=True, expendable=passed))


def drop_empty_columns(table: Table) -> Table:
    """Return the table without the columns that are empty in every row."""
    used = [i for i in range(len(table.columns)) if any(row[i] != EMPTY for row in table.rows)]
    columns = tuple(table.columns[i] for i in used)
    return replace(table, columns=columns, rows=[tuple(row[i] for i in used) for row in table.rows])
