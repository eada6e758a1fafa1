"""Findings as rows: where, by how much, against which limit; the worst first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.evidence.verdict import CONFIRM
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Link, Mark, Plot, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.report.content.run_facts import Facts

_DOCS = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_./-]{0,150}\.md(#[a-z0-9-]{1,80})?")
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
NOTHING: Cell = (Words(numbers.MISSING),)


class Placed(NamedTuple):
    """A finding and the evidence it comes from; empty for one that the merging made."""

    finding: Finding
    command: str
    leg: str


def place(findings: Sequence[Finding], evidence: Sequence[Evidence]) -> list[Placed]:
    """Find for each finding of a verdict the evidence it comes from, in the order of the verdict.

    Merging may change a finding's outcome and reason, so these do not count for the likeness.
    """
    origins: dict[object, list[tuple[str, str]]] = {}
    for file in evidence:
        for finding in file.findings:
            origins.setdefault(_likeness(finding), []).append((file.command, file.leg))
    placed = []
    for finding in findings:
        left = origins.get(_likeness(finding))
        placed.append(Placed(finding, *(left.pop(0) if left else ("", ""))))
    return placed


def _likeness(f: Finding) -> object:
    change = (f.change.estimate, f.change.low, f.change.high) if f.change else ()
    return (f.id, f.metric, f.dataset, repr(f.slice), f.window, f.n, f.baseline, f.candidate, change, f.docs)


def worst_first(placed: Sequence[Placed]) -> list[Placed]:
    """Sort by outcome; among equals, the whole before its slices and windows, then the farthest beyond its limit.

    A summary (`slices-summary`) only counts what other findings say with their numbers, so it comes after them.
    """

    def rank(entry: Placed) -> tuple[int, bool, bool, float]:
        finding = entry.finding
        return (-finding.outcome.severity, finding.id.endswith("-summary"), is_part(finding), -_excess(finding))

    return sorted(placed, key=rank)


def telling(placed: Sequence[Placed]) -> list[Placed]:
    """Sort what did not pass for a short list: by outcome, then the pillars in turn, so that none hides another.

    What a confirming run found again is left out.
    """
    bad = [p for p in placed if p.finding.outcome is not Outcome.PASS]
    first = {(p.command, p.leg, _place(p.finding)) for p in bad}
    bad = [p for p in bad if not confirms(p.leg) or (p.command, original(p.leg), _place(p.finding)) not in first]
    turns: dict[tuple[str, Outcome], int] = {}
    ranked = []
    for entry in worst_first(bad):
        key = (entry.command, entry.finding.outcome)
        turns[key] = turns.get(key, -1) + 1
        ranked.append((-entry.finding.outcome.severity, turns[key], entry))
    return [entry for _, _, entry in sorted(ranked, key=lambda r: r[:2])]


def _place(finding: Finding) -> object:
    return (finding.id, finding.metric, finding.dataset, repr(finding.slice), finding.window)


def confirms(leg: str) -> bool:
    """True for the leg of a run that repeats a failed one."""
    return leg == CONFIRM or leg.endswith(f"-{CONFIRM}")


def original(leg: str) -> str:
    """Return the leg that a confirming leg repeats; another leg is its own."""
    return leg.removesuffix(CONFIRM).removesuffix("-") if confirms(leg) else leg


def is_part(finding: Finding) -> bool:
    """True for a finding on a slice or a window."""
    return bool(finding.slice) or finding.window is not None


def rows_compared(found: Sequence[Finding]) -> int:
    """Return how many rows were compared: the largest number behind an overall change of each data set, summed."""
    most: dict[str, int] = {}
    for finding in found:
        if finding.n and finding.change and not is_part(finding):
            most[finding.dataset] = max(most.get(finding.dataset, 0), finding.n)
    return sum(most.values())


def _excess(finding: Finding) -> float:
    """Return the harm as a multiple of the limit, as far as that is known."""
    if not finding.margin:
        return 0.0
    value = finding.change.estimate if finding.change else finding.candidate
    if value is None:
        return 0.0
    harm = abs(value) if finding.direction is Direction.TARGET else value
    signed = -harm if finding.direction is Direction.HIGHER and finding.change else harm
    try:
        return float(signed) / abs(float(finding.margin))
    except OverflowError:
        return 0.0


def where(placed: Placed, *, with_source: bool) -> Cell:
    """Say where a finding looked: command and leg, data set, slice, window; "overall" where it is the whole."""
    finding, parts = placed.finding, list[Cell]()
    if with_source and placed.command:
        parts.append((Code(source(placed.command, placed.leg)),))
    if finding.dataset:
        parts.append((Words("data set "), Code(finding.dataset, 80)))
    shown = list(finding.slice.items())
    parts += [(Code(f"{key}={value_text(value)}", 100),) for key, value in shown[:6]]
    if len(shown) > 6:
        parts.append((Words(f"and {len(shown) - 6} more columns"),))
    if finding.window is not None:
        parts.append((Words("from "), Code(finding.window, 40)))
    if not parts:
        return (Words("overall"),) if placed.command else NOTHING
    return tuple(piece for i, part in enumerate(parts) for piece in ((Words(" · "), *part) if i else part))


def value_text(value: object) -> str:
    """Return a JSON value as a person would write it in a condition; very long numbers are cut."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 10**30:
        return numbers.count(value)
    return str(value)


def source(command: str, leg: str) -> str:
    """Name an evidence file's command and leg."""
    return f"{command} ({leg})" if leg else command


def values(finding: Finding) -> Cell:
    """Say baseline and candidate in one breath: `41.2 → 43.1 ms`."""
    scale = numbers.value_scale(finding)
    if finding.candidate is None and finding.baseline is None:
        return NOTHING
    if finding.baseline is None:
        return (Words(numbers.number(finding.candidate, scale)),)
    before = numbers.number(finding.baseline, scale, unit=finding.candidate is None)
    return (Words(f"{before} → {numbers.number(finding.candidate, scale)}"),)


def change(finding: Finding) -> Cell:
    """Say the change with its interval, and which way that is."""
    if finding.change is None:
        return NOTHING
    estimate, _, interval = numbers.change(finding).partition(" [")
    way = numbers.tendency(finding).replace(" ", numbers.GAP, 1)  # the arrow stays with its word
    rest = " ".join(part for part in (f"[{interval}" if interval else "", way) if part)
    said = Words(estimate, strong=finding.outcome.severity >= Outcome.FAIL.severity)
    return (said, Words(f" {rest}")) if rest else (said,)


def plot(finding: Finding) -> Cell:
    """Draw the change against its limits, as far as there are numbers."""
    interval, margin = finding.change, finding.margin
    if interval is None or interval.estimate is None:
        return ()
    size = abs(margin) if margin is not None else None
    below = finding.direction in (Direction.HIGHER, Direction.TARGET)
    above = finding.direction in (Direction.LOWER, Direction.TARGET)
    return (
        Plot(
            estimate=interval.estimate,
            low=interval.low,
            high=interval.high,
            floor=-size if size is not None and below else None,
            ceiling=size if size is not None and above else None,
            outcome=finding.outcome,
        ),
    )


def name(finding: Finding, facts: Facts | None = None) -> Cell:
    """Name the rule, with the metric where the rule's id does not, linked to what the documentation says of it."""
    docs = f"{facts.docs_url}{finding.docs}" if facts and facts.docs_url and _DOCS.fullmatch(finding.docs) else ""
    rule: Cell = (Link(finding.id[:80], docs, code=True),)
    told = finding.metric.replace(".", "-") in finding.id
    return rule if told else (*rule, Words(" "), Code(finding.metric, 80))


def row(placed: Placed, *, with_source: bool) -> tuple[Cell, ...]:
    """Return one line of the table of all findings."""
    finding = placed.finding
    silent = finding.outcome is Outcome.PASS
    return (
        (Mark(finding.outcome),),
        name(finding),
        where(placed, with_source=with_source),
        (Words(numbers.count(finding.n)),),
        values(finding),
        (*change(finding), *plot(finding)),
        (Words(numbers.limit(finding)),),
        (Text(finding.reason, 160 if silent else 400),),
    )


def table(placed: Sequence[Placed], title: str = "All findings, the worst first") -> Table:
    """Return every finding; the column `Where` names the evidence where there is more than one."""
    several = len({(p.command, p.leg) for p in placed if p.command}) > 1
    rows = [row(p, with_source=several) for p in worst_first(placed)]
    passed = sum(p.finding.outcome is Outcome.PASS for p in placed)
    return without_empty(Table(title=title, columns=COLUMNS, rows=rows, sentence_last=True, spare=passed))


def without_empty(table: Table) -> Table:
    """Leave out the columns in which no row says anything."""
    kept = [i for i in range(len(table.columns)) if any(row[i] != NOTHING for row in table.rows)]
    return Table(
        title=table.title,
        columns=tuple(table.columns[i] for i in kept),
        rows=[tuple(row[i] for i in kept) for row in table.rows],
        sentence_last=table.sentence_last,
        spare=table.spare,
    )
