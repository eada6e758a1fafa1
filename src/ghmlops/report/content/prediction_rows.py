"""Rows of a prediction diff: their ranking, their numbers as a finding, and the columns and cells of their tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from ghmlops.core.details.regression import MetricRow, RegressionDetails, SubgroupRow, TimelineRow, regression_details
from ghmlops.core.metrics import TARGETS
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.report.content import finding_cells as cells
from ghmlops.report.content.placed_findings import evidence_label
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Mark, Table, Words
from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.evidence.document import Evidence

MAX_NAME = 120
"""Characters of a name or value in a cell."""
MAX_ROWS = 1000
"""Rows of one table in a report."""
ComparedRow = MetricRow | SubgroupRow | TimelineRow


class JudgedRow(Protocol):
    """A row with an outcome; None if it was not judged."""

    @property
    def outcome(self) -> Outcome | None: ...


class DatasetRow(Protocol):
    """A row of one data set; an empty name if there is a single one."""

    @property
    def dataset(self) -> str: ...


Judged = TypeVar("Judged", bound=JudgedRow)
R = TypeVar("R")
Field = tuple[Column, Callable[[R], Cell]]
"""A column of a table, and the cell of a row in it."""


class MetricFacts(NamedTuple):
    """Properties of metrics that the rows of most tables lack; they come from elsewhere in the same evidence."""

    units: Mapping[str, str]
    directions: Mapping[str, Direction]
    margins: Mapping[tuple[str, str], float]
    """By data set and metric, at least 0."""


def without_tables(details: RegressionDetails) -> RegressionDetails:
    """Return the details without the tables that the sections of a prediction diff show."""
    return RegressionDetails(
        settings=details.settings,
        inputs=details.inputs,
        replay=details.replay,
        sources=details.sources,
        cells=details.cells,
        churn=details.churn,
    )


def has_tables(file: Evidence) -> bool:
    """Return whether the evidence has a table of a prediction diff."""
    details = regression_details(file.details)
    return details != without_tables(details)


def metric_facts(file: Evidence) -> MetricFacts:
    """Return the properties of the metrics of `file`."""
    rows = regression_details(file.details).metrics
    units = {finding.metric: finding.unit for finding in file.findings if finding.change}
    margins = {(row.dataset, row.metric): finite(row.margin) for row in rows}
    return MetricFacts(
        units=units | {row.metric: row.unit for row in rows},
        directions={finding.metric: finding.direction for finding in file.findings if finding.direction},
        margins={key: abs(margin) for key, margin in margins.items() if margin is not None},
    )


def class_facts(facts: MetricFacts) -> MetricFacts:
    """Return `facts` for the table of classes, where recall and F1 are shares whatever else has these names."""
    return facts._replace(units={**facts.units, "recall": "ratio", "f1": "ratio"})


def row_finding(row: ComparedRow, facts: MetricFacts) -> Finding:
    """Return the numbers of a row as a finding, for printing only: no verdict counts it."""
    baseline, candidate = finite(row.baseline), finite(row.candidate)
    estimate = None if isinstance(row, TimelineRow) else finite(row.change)
    if estimate is None and baseline is not None and candidate is not None:
        estimate = candidate - baseline
    interval = Interval(estimate=estimate, low=finite(row.low), high=finite(row.high))
    return Finding(
        id="",
        metric=row.metric,
        dataset=row.dataset,
        outcome=row.outcome or Outcome.PASS,
        reason="",
        docs="actions/regression/README.md#metrics",
        unit=facts.units.get(row.metric, ""),
        direction=facts.directions.get(row.metric),
        baseline=baseline,
        candidate=candidate,
        change=None if estimate is None else interval,
        loss=_distance(row, baseline, candidate),
        margin=facts.margins.get((row.dataset, row.metric)) if row.outcome else None,
        n=row.rows,
    )


def _distance(row: ComparedRow, baseline: float | None, candidate: float | None) -> Interval | None:
    """Return the growth of the distance from the ideal value, if the metric has one; a timeline has no limits of it."""
    target = TARGETS.get(row.metric)
    if target is None or baseline is None or candidate is None:
        return None
    if isinstance(row, TimelineRow) or row.loss is None:
        return Interval(estimate=abs(candidate - target) - abs(baseline - target))
    return row.loss


def rank_rows(rows: Sequence[Judged], value: Callable[[Judged], float | None] | None = None) -> list[Judged]:
    """Sort by outcome, the worst first, then by ascending `value`; missing values and unjudged rows come last."""

    def rank(row: Judged) -> tuple[int, bool, float]:
        number = finite(value(row)) if value else None
        return (-row.outcome.severity if row.outcome else 1, number is None, number or 0.0)

    return sorted(rows, key=rank)


def is_regression(row: JudgedRow) -> bool:
    """Return whether the row was judged and did not pass."""
    return row.outcome not in (None, Outcome.PASS)


def trailing_passes(rows: Sequence[JudgedRow]) -> int:
    """Return how many rows at the end passed or were not judged."""
    positions = [position for position, row in enumerate(rows, 1) if is_regression(row)]
    return len(rows) - max(positions, default=0)


def has_datasets(rows: Sequence[DatasetRow]) -> bool:
    """Return whether any row names a data set."""
    return any(row.dataset for row in rows)


def name_cell(text: str) -> Cell:
    """Return an untrusted name; an empty cell if it is missing."""
    return (Code(text, MAX_NAME),) if text else cells.EMPTY


def count_cell(value: int) -> Cell:
    """Return a number of rows."""
    return (Words(numbers.count(value)),)


def number_cell(value: float | None) -> Cell:
    """Return a number; an empty cell if it is missing."""
    number = numbers.finite(value)
    return cells.EMPTY if number is None else (Words(numbers.plain(number)),)


def outcome_cell(row: JudgedRow) -> Cell:
    """Return the outcome of a row."""
    return (Mark(row.outcome),) if row.outcome else (Words("not judged"),)


def dataset_column(rows: Sequence[DatasetRow]) -> list[Field[DatasetRow]]:
    """Return the column of the data set, if the rows have several."""
    return [(Column("Data set"), lambda row: name_cell(row.dataset))] if has_datasets(rows) else []


def row_change_cell(row: ComparedRow, facts: MetricFacts) -> Cell:
    """Return the change with its interval, and a drawing of it if the row was judged."""
    finding = row_finding(row, facts)
    return (*cells.change_cell(finding), *(cells.plot_cell(finding) if row.outcome else ()))


def comparison_columns(facts: MetricFacts) -> list[Field[ComparedRow]]:
    """Return the columns with the values of both artifacts and the change."""
    return [
        (Column("Baseline → candidate"), lambda row: cells.values_cell(row_finding(row, facts))),
        (Column("Change"), lambda row: row_change_cell(row, facts)),
    ]


def rows_table(title: str, rows: Sequence[R], fields: Sequence[Field[R]], *, expendable: int | None = None) -> Table:
    """Return a table of at most `MAX_ROWS` rows.

    Args:
        title: Heading of the table.
        rows: The most important ones first.
        fields: Column and cell of each field.
        expendable: Rows at the end that are not regressions; None: all of them.
    """
    visible = rows[:MAX_ROWS]
    omitted = len(rows) - len(visible)
    return Table(
        title=title + (f" ({omitted:,} more rows are in the evidence file)" if omitted else ""),
        columns=tuple(column for column, _ in fields),
        rows=[tuple(cell(row) for _, cell in fields) for row in visible],
        expendable=len(visible) if expendable is None else max(expendable - omitted, 0),
    )


def table_title(file: Evidence, content: str) -> str:
    """Return the heading of a table: the evidence file and what the table contains."""
    return f"{evidence_label(file.command, file.leg)[:60]}: {content}"
