"""Findings of one measurement: sentences as plain text, and a table for a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from ghmlops.report.comment.cause_sentence import cause_sentence
from ghmlops.report.comment.causes import group_causes
from ghmlops.report.content.finding_cells import change_cell, location_cell, values_cell
from ghmlops.report.content.placed_findings import PlacedFinding, rank_findings
from ghmlops.report.formats.html_table import inline
from ghmlops.report.text import numbers
from ghmlops.report.text import outcome_text as words
from ghmlops.report.text.blocks import Cell, Code, Link, Mark, Text, Words
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.model import Finding, Outcome

MAX_ROWS = 50
"""Findings in the table of a notebook; the others are counted."""
COLUMNS = ("Outcome", "Finding", "Where", "Baseline → candidate", "Change", "Limit")


def sentences(findings: Sequence[Finding], command: str) -> list[str]:
    """Return the sentences of the pull-request comment as plain text: one for each cause, the worst first."""
    causes = group_causes([PlacedFinding(finding, command, "") for finding in findings])
    return [plain(cause_sentence(cause, ())) for cause in causes]


def plain(cell: Cell) -> str:
    """Return a cell as printable text without markup."""
    # A terminal shows a no-break space as an escape.
    texts = (piece.text.replace(numbers.GAP, " ") for piece in cell if isinstance(piece, Words | Text | Code | Link))
    return "".join(map(printable, texts))


def fragment(findings: Sequence[Finding], command: str, outcome: Outcome, reason: str) -> str:
    """Return an HTML fragment without scripts and external resources: outcome, sentences and a table of findings.

    Args:
        findings: all findings.
        command: the command in whose evidence they would be.
        outcome: outcome of the measurement.
        reason: sentence that stands in for the causes if there are none.
    """
    entries = rank_findings([PlacedFinding(finding, command, "") for finding in findings])
    label = words.OUTCOME_LABELS[outcome]
    lines = [f"<div><p><strong>{label.symbol} {html.escape(label.word)}</strong></p>"]
    lines += [f"<p>{html.escape(line)}</p>" for line in sentences(findings, command) or [printable(reason)]]
    heads = "".join(f"<th>{column}</th>" for column in COLUMNS)
    lines.append(f"<table><thead><tr>{heads}</tr></thead><tbody>")
    for entry in entries[:MAX_ROWS]:
        cells: tuple[Cell, ...] = (
            (Mark(entry.finding.outcome),),
            (Code(entry.finding.id),),
            location_cell(entry, with_evidence=False),
            values_cell(entry.finding),
            change_cell(entry.finding),
            (Words(numbers.limit(entry.finding)),),
        )
        lines.append(f"<tr>{''.join(f'<td>{inline(cell)}</td>' for cell in cells)}</tr>")
    lines.append("</tbody></table>")
    if len(entries) > MAX_ROWS:
        lines.append(f"<p>And {len(entries) - MAX_ROWS:,} more findings.</p>")
    return "\n".join([*lines, "</div>"])
