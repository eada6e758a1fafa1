"""The contents of a report, independent of the format: pieces of text, tables, charts, sections.

The renderers (Markdown, HTML) escape `Text`, `Code` and `Link`, which may contain untrusted data. `Words` is text of
this project and contains no markup.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.report.text.drawings import Drawing, RunOverTime


class Words(NamedTuple):
    """Trusted text of this project or formatted numbers, free of markup; emphasised if `strong`."""

    text: str
    strong: bool = False


class Text(NamedTuple):
    """Untrusted text, truncated to `limit` characters."""

    text: str
    limit: int = 300


class Code(NamedTuple):
    """Untrusted text in a fixed-width font, truncated to `limit` characters."""

    text: str
    limit: int = 120


class Link(NamedTuple):
    """Untrusted text that links to `url`, a result of `escape.safe_url`; plain text if `url` is empty."""

    text: str
    url: str
    code: bool = False


class Mark(NamedTuple):
    """An outcome, shown as a symbol and a word."""

    outcome: Outcome


class IntervalPlot(NamedTuple):
    """A change with its interval and its limits, drawn in the HTML page only. Any number may be missing."""

    estimate: float | None
    low: float | None
    high: float | None
    floor: float | None
    ceiling: float | None
    outcome: Outcome


Inline = Words | Text | Code | Link | Mark | IntervalPlot
Cell = tuple[Inline, ...]


class Column(NamedTuple):
    """A column of a table; numbers are aligned `right`."""

    title: str
    right: bool = False


def join_cells(parts: Sequence[Cell], separator: str = ", ") -> Cell:
    """Return the pieces of all parts, with a separator (trusted) between two parts."""
    return tuple(piece for i, part in enumerate(parts) for piece in ((Words(separator), *part) if i else part))


class CapacityCurve(NamedTuple):
    """Response time over the arrival rate, drawn in the HTML page only; its table contains the same numbers.

    Every number is above zero. The interval and the limits are untrusted and may be far outside the measured range.
    """

    rates: list[float]
    """Requests per second, in ascending order."""
    lines: dict[str, list[float | None]]
    """Response time in milliseconds at each rate, by the name of the line (trusted)."""
    limits: dict[str, float]
    """Response time in milliseconds that each objective allows, by its name (untrusted)."""
    low: float | None
    """Lower bound of the capacity, in requests per second."""
    high: float | None
    """Upper bound of the capacity, in requests per second."""


class TimelinePoint(NamedTuple):
    """The values of a metric in one window, as in the evidence."""

    window: str
    """Start of the window (untrusted)."""
    baseline: float
    candidate: float
    low: float | None
    """Lower bound of candidate - baseline."""
    high: float | None
    """Upper bound of candidate - baseline."""
    outcome: Outcome


class Timeline(NamedTuple):
    """A metric by window in time order, drawn as a line chart."""

    metric: str
    """Untrusted."""
    dataset: str
    """Untrusted; empty if there is a single data set."""
    unit: str
    """Untrusted."""
    points: list[TimelinePoint]
    floor: float | None
    """How far the candidate may be below the baseline, >= 0; None without a limit on this side."""
    ceiling: float | None
    """How far the candidate may be above the baseline, >= 0; None without a limit on this side."""
    in_markdown: bool = False
    """Drawn in Markdown too, which has room for one timeline."""


class Histogram(NamedTuple):
    """One column of both artifacts, counted in the same bins."""

    column: str
    """Untrusted."""
    dataset: str
    """Untrusted; empty if there is a single data set."""
    labels: list[str]
    """Untrusted. The edges of the bins of a numeric column (one more than bins); otherwise the value of each bin."""
    numeric: bool
    baseline: list[float]
    """Rows of the baseline per bin, >= 0."""
    candidate: list[float]
    """Rows of the candidate per bin, >= 0."""
    distances: str
    """PSI and KS distance in words (trusted); empty if unknown."""
    outcome: Outcome | None


class PairEvidence(NamedTuple):
    """One quantile over the pairs of blocks: the ratio candidate / baseline of each pair, and the e-processes."""

    quantile: str
    """Name of the quantile (trusted)."""
    ratios: list[float]
    """Ratio of each pair, > 0."""
    margin: float
    """Ratio that a failure must exceed."""
    safe: float
    """Ratio that a pass must rule out."""
    log_e: list[tuple[float, float]]
    """Logarithms of the e-processes for a failure and for a pass after each pair; may end before the last pair."""
    log_limits: tuple[float, float]
    """Logarithms at which these decide."""
    decided_at: int | None
    """Pair after which the decision stood."""


class LatencyCharts(NamedTuple):
    """What was measured of the response times of one evidence file, drawn in the HTML page only.

    Arms are named `baseline` and `candidate`; one that was not measured is absent. Times are in milliseconds.
    """

    title: str
    """Untrusted."""
    requests: dict[str, int]
    """Successful requests by arm."""
    curves: dict[str, list[tuple[float, float]]]
    """Points (1 / (1 - q), time of the quantile q) by arm, in ascending order."""
    quantiles: dict[str, dict[str, float]]
    """Time of each quantile by its name (trusted), by arm."""
    edges: list[float]
    """Edges of the bins of the histograms, in ascending order, > 0."""
    counts: dict[str, list[int]]
    """Successful requests per bin by arm."""
    pairs: list[PairEvidence]
    problem: str
    """Why no response times are drawn (untrusted); otherwise empty."""
    over_time: RunOverTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a heading, most important first. If space is short, rows are omitted from the bottom.

    `title` and the titles of the columns are untrusted. Each row has one cell per column.
    """

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    sentence_last: bool = False
    """The last column is a sentence about the row, which a renderer may show below the row."""
    chart: CapacityCurve | Timeline | None = None
    """Drawn above the table."""
    expendable: int = 0
    """Number of rows at the bottom that report no regression; omitted before any other row of the report."""
    page_only: bool = False
    """The rows are part of the HTML page only."""
    collapsed: str = ""
    """Label (trusted) under which the HTML page hides the rows until a reader opens them; empty: they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list under a heading (trusted), most important item first. Each item has one or two lines."""

    title: str
    items: list[tuple[Cell, Cell]]
    empty_text: str = ""
    """Shown if there is no item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A collapsible part of the report under a heading (trusted)."""

    title: str
    tables: list[Table] = field(default_factory=list)
    note: Cell = ()
    commands: list[str] = field(default_factory=list)
    """Shell commands, quoted for the shell but not escaped for the report (untrusted)."""
    histograms: list[Histogram] = field(default_factory=list)
    """Drawn in the HTML page only."""
    drawings: Sequence[Drawing] = ()
    """Drawn in the HTML page only, above the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The complete report on one commit."""

    service: str
    """Untrusted."""
    outcome: Outcome
    heading: Cell
    reason: Cell
    """Why the report has this outcome."""
    action: str
    """What the reader should do (trusted); backticks mark code."""
    subject: Cell
    """What was compared: commits, rows, requests, attempt."""
    notices: list[Cell]
    pillars: Table
    worst: Bullets
    open_tables: list[Table]
    """Tables that are not collapsed, below the worst findings; their titles are trusted."""
    not_measured: Bullets
    passed: Cell
    sections: list[Section]
    links: list[Cell]
    full_report: Cell
    """Where the complete report can be found; part of the notice of a shortened report."""
    latency: list[LatencyCharts] = field(default_factory=list)
    """Drawn in the HTML page only."""
