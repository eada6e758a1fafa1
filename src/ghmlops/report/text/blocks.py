"""What a report says, before it is Markdown or HTML: text, tables, and what each piece of text is.

Renderers escape `Text` and `Code`, which hold untrusted data; `Words` are this project's own and need none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ghmlops.core.model import Outcome


class Words(NamedTuple):
    """Our own words or formatted numbers, free of markup; `strong` where the eye should stop."""

    text: str
    strong: bool = False


class Text(NamedTuple):
    """Untrusted text, cut at `limit` characters."""

    text: str
    limit: int = 300


class Code(NamedTuple):
    """Untrusted text in a fixed-width font, cut at `limit` characters."""

    text: str
    limit: int = 120


class Link(NamedTuple):
    """Text (untrusted) that leads to `url`, which has passed `escape.address`; no link where it is empty."""

    text: str
    url: str
    code: bool = False


class Mark(NamedTuple):
    """An outcome: symbol and word."""

    outcome: Outcome


class IntervalPlot(NamedTuple):
    """An interval against its limits, drawn where pictures can be; otherwise left out. Any number may be missing."""

    estimate: float | None
    low: float | None
    high: float | None
    floor: float | None
    ceiling: float | None
    outcome: Outcome


Inline = Words | Text | Code | Link | Mark | IntervalPlot
Cell = tuple[Inline, ...]


class Column(NamedTuple):
    """A column of a table; numbers stand right."""

    title: str
    right: bool = False


class CapacityCurve(NamedTuple):
    """Response times against the rate, drawn where pictures can be; the table that holds it has the same numbers.

    Every number is above zero; the interval and the limits are untrusted, and may be out of all proportion.
    """

    rates: list[float]
    """A second, ascending."""
    lines: dict[str, list[float | None]]
    """Milliseconds at each rate, by our own name of the line."""
    limits: dict[str, float]
    """Milliseconds that the objectives allow, by their name (untrusted)."""
    low: float | None
    high: float | None
    """The interval of the capacity, a second."""


class TimelinePoint(NamedTuple):
    """One window of a timeline, as it stands in the evidence."""

    window: str
    """Untrusted."""
    baseline: float
    candidate: float
    low: float | None
    """Limits of candidate - baseline."""
    high: float | None
    outcome: Outcome


class Timeline(NamedTuple):
    """A metric by window, in time order: a line chart."""

    metric: str
    """Untrusted."""
    dataset: str
    """Untrusted; empty for the only one."""
    unit: str
    """Untrusted."""
    points: list[TimelinePoint]
    floor: float | None
    """How far the candidate may lie below the baseline, at least 0; None: not judged that way."""
    ceiling: float | None
    in_markdown: bool = False
    """Drawn in Markdown too, which has room for one."""


class Histogram(NamedTuple):
    """One column of both artifacts, counted in the same bins."""

    column: str
    """Untrusted."""
    dataset: str
    """Untrusted; empty for the only one."""
    labels: list[str]
    """Untrusted: a bin's value; of a numeric column one more, its edges."""
    numeric: bool
    baseline: list[float]
    """Rows by bin, at least 0; they share one length with the candidate's."""
    candidate: list[float]
    distances: str
    """Our own words: PSI and KS, where known."""
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a heading, most important first: where space is short, they are left out from the bottom.

    `title` and the columns' titles are untrusted. Cells of a row are as many as `columns`.
    """

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    sentence_last: bool = False
    """The last column is a sentence on the row, which may stand below it."""
    chart: CapacityCurve | Timeline | None = None
    """Drawn above the table."""
    expendable: int = 0
    """Rows at the bottom that tell of no harm: where space is short, they go before any other row of the report."""
    page_only: bool = False
    """The rows stand in the HTML page alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list under a heading, most important first. Each item has a line, and may have a second one."""

    title: str
    items: list[tuple[Cell, Cell]]
    empty_text: str = ""
    """Said where there is no item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part that is collapsed where that can be."""

    title: str
    tables: list[Table] = field(default_factory=list)
    note: Cell = ()
    commands: list[str] = field(default_factory=list)
    """Untrusted lines for a shell, already quoted for it."""
    histograms: list[Histogram] = field(default_factory=list)
    """Drawn in the HTML page alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole report over one commit."""

    service: str
    """Untrusted."""
    outcome: Outcome
    heading: Cell
    reason: Cell
    action: str
    """Our own words; `code` in backticks."""
    subject: Cell
    notices: list[Cell]
    pillars: Table
    worst: Bullets
    open_tables: list[Table]
    """What stands open beside the worst findings; their titles are our own words."""
    not_measured: Bullets
    passed: Cell
    sections: list[Section]
    links: list[Cell]
    full_report: Cell
    """Where the whole report stands, for a reader of a shortened one."""
    marker: str
    """Hidden HTML comments: which comment this is, and for which commit."""
