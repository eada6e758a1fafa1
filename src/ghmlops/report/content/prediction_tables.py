"""Tables of a prediction diff: metrics, subgroups, classes, flips, columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ghmlops.core.details.regression import (
    ColumnRow,
    FlipRow,
    MetricRow,
    NoiseRow,
    RankRow,
    SubgroupRow,
    TimelineRow,
    regression_details,
)
from ghmlops.core.model import Direction, Finding, Interval
from ghmlops.report.content import finding_cells as cells
from ghmlops.report.content.prediction_rows import (
    class_facts,
    comparison_columns,
    count_cell,
    dataset_column,
    is_regression,
    metric_facts,
    name_cell,
    number_cell,
    outcome_cell,
    rank_rows,
    row_change_cell,
    row_finding,
    rows_table,
    table_title,
    trailing_passes,
)
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Table, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.report.content.prediction_rows import Field, MetricFacts

MAX_MATRIX_CLASSES = 8
"""Classes of a matrix of flips; with more of them there is only the list."""


def metrics_table(file: Evidence, *, regressions_only: bool = False) -> Table:
    """Return the overall metrics, the worst first, then those that are not judged; or only those that did not pass."""
    rows = rank_rows(regression_details(file.details).metrics)
    if regressions_only:
        rows = [row for row in rows if is_regression(row)]
    facts = metric_facts(file)

    def value(row: MetricRow, number: float | None) -> Cell:
        return (Words(numbers.number(numbers.finite(number), numbers.value_scale(row_finding(row, facts)))),)

    fields: list[Field[MetricRow]] = [
        (Column("Outcome"), outcome_cell),
        (Column("Metric"), lambda row: name_cell(row.metric)),
        *dataset_column(rows),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        (Column("Baseline", right=True), lambda row: value(row, row.baseline)),
        (Column("Candidate", right=True), lambda row: value(row, row.candidate)),
        (Column("Change"), lambda row: row_change_cell(row, facts)),
        (Column("Limit"), lambda row: (Words(numbers.limit(row_finding(row, facts))),)),
    ]
    return rows_table(table_title(file, "metrics"), rows, fields, expendable=trailing_passes(rows))


def subgroups_table(file: Evidence, rows: Sequence[SubgroupRow], column: str, content: str) -> Table:
    """Return tested slices or windows, the worst first, with each p-value before and after correction.

    Args:
        file: Evidence that contains the rows.
        rows: Rows of one family of tests.
        column: Title of the column that names the subgroup.
        content: What the table contains, for its heading.
    """
    ranked = rank_rows(rows, lambda row: row.p)
    fields: list[Field[SubgroupRow]] = [
        (Column("Outcome"), outcome_cell),
        (Column(column), lambda row: name_cell(row.subgroup)),
        *dataset_column(ranked),
        (Column("Metric"), lambda row: name_cell(row.metric)),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        *comparison_columns(metric_facts(file)),
        (Column("p", right=True), lambda row: _probability(row.p)),
        (Column("Holm p", right=True), lambda row: _probability(row.holm)),
        (Column("FDR q", right=True), lambda row: _probability(row.bh)),
    ]
    return rows_table(table_title(file, content), ranked, fields, expendable=trailing_passes(ranked))


def _probability(value: float) -> Cell:
    return (Words(numbers.probability(numbers.finite(value))),)


def timeline_table(title: str, rows: Sequence[TimelineRow], facts: MetricFacts) -> Table:
    """Return the windows of one metric in time order."""
    fields: list[Field[TimelineRow]] = [
        (Column("Window"), lambda row: name_cell(row.window)),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        *comparison_columns(facts),
        (Column("Outcome"), outcome_cell),
    ]
    return rows_table(title, rows, fields)


def classes_table(file: Evidence) -> Table:
    """Return recall and F1 of each class, the worst first, then the largest fall."""
    rows = rank_rows(regression_details(file.details).classes, lambda row: row.change)
    fields: list[Field[SubgroupRow]] = [
        (Column("Outcome"), outcome_cell),
        (Column("Class"), lambda row: name_cell(row.subgroup)),
        *dataset_column(rows),
        (Column("Metric"), lambda row: name_cell(row.metric)),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        *comparison_columns(class_facts(metric_facts(file))),
    ]
    return rows_table(table_title(file, "classes"), rows, fields, expendable=trailing_passes(rows))


def flips_tables(file: Evidence) -> list[Table]:
    """Return the flips: as a matrix if there are few classes, and as a list by label."""
    rows = [row for row in regression_details(file.details).flips if row.rows]
    rows.sort(key=lambda row: (row.baseline == row.candidate, -row.rows))
    classes = sorted({name for row in rows for name in (row.baseline, row.candidate)})
    fields: list[Field[FlipRow]] = [
        *dataset_column(rows),
        (Column("Label"), lambda row: name_cell(row.label)),
        (Column("Baseline"), lambda row: name_cell(row.baseline)),
        (Column("Candidate"), lambda row: name_cell(row.candidate)),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        (Column("Effect"), lambda row: (Words(_flip_effect(row)),)),
    ]
    matrix = [_flips_matrix(file, rows, classes)] if 2 <= len(classes) <= MAX_MATRIX_CLASSES else []
    return [*matrix, rows_table(table_title(file, "predictions by label"), rows, fields)]


def _flip_effect(row: FlipRow) -> str:
    same = row.baseline == row.candidate
    if not row.label:
        return "unchanged" if same else "changed"
    if same:
        return "still correct" if row.candidate == row.label else "still wrong"
    if row.label in (row.baseline, row.candidate):
        return "correct → wrong" if row.baseline == row.label else "wrong → correct"
    return "wrong → wrong, another class"


def _flips_matrix(file: Evidence, rows: Sequence[FlipRow], classes: Sequence[str]) -> Table:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row.baseline, row.candidate] += row.rows

    def cell(before: str, after: str) -> Cell:
        flips = before != after and counts[before, after] > 0
        return (Words(numbers.count(counts[before, after]), strong=flips),)

    lines: list[tuple[Cell, ...]] = [((Code(b, 60),), *(cell(b, after) for after in classes)) for b in classes]
    return Table(
        title=table_title(file, "predictions of the baseline (rows) and the candidate (columns)"),
        columns=(Column("Baseline"), *(Column(name[:60] or numbers.MISSING, right=True) for name in classes)),
        rows=lines,
        expendable=len(lines),
    )


_DETERMINISM = ("changed", "within tolerance", "bit-identical")


def columns_table(file: Evidence) -> Table:
    """Return the columns with compared values: the changed ones first, those with the most changed rows on top."""
    rows = [row for row in regression_details(file.details).columns if row.determinism in _DETERMINISM]
    rows.sort(key=lambda row: (_DETERMINISM.index(row.determinism), -row.changed))
    fields: list[Field[ColumnRow]] = [
        (Column("Column"), lambda row: name_cell(row.column)),
        *dataset_column(rows),
        (Column("Comparison"), lambda row: (Words(row.determinism, strong=row.determinism == "changed"),)),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        (Column("Changed", right=True), lambda row: count_cell(row.changed)),
        (Column("Largest change", right=True), lambda row: number_cell(row.largest)),
        (Column("Tolerance", right=True), lambda row: number_cell(row.tolerance)),
    ]
    return rows_table(table_title(file, "columns, compared value by value"), rows, fields)


def rank_table(file: Evidence) -> Table:
    """Return the rank correlation between the scores of both artifacts."""
    rows = regression_details(file.details).rank
    fields: list[Field[RankRow]] = [
        *dataset_column(rows),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        (Column("Spearman", right=True), lambda row: number_cell(row.spearman)),
    ]
    return rows_table(table_title(file, "rank correlation of the scores"), rows, fields)


def noise_table(file: Evidence) -> Table:
    """Return the candidate's difference from the baseline next to that of a second baseline."""
    rows = rank_rows(regression_details(file.details).noise)
    fields: list[Field[NoiseRow]] = [
        (Column("Outcome"), outcome_cell),
        (Column("Quantity"), lambda row: name_cell(row.quantity)),
        *dataset_column(rows),
        (Column("Rows", right=True), lambda row: count_cell(row.rows)),
        (Column("Second baseline → candidate"), lambda row: cells.values_cell(_noise_finding(row))),
        (Column("Change"), lambda row: cells.change_cell(_noise_finding(row))),
    ]
    return rows_table(table_title(file, "noise floor"), rows, fields, expendable=trailing_passes(rows))


def _noise_finding(row: NoiseRow) -> Finding:
    value, floor = numbers.finite(row.value), numbers.finite(row.floor)
    excess = None if value is None or floor is None else value - floor
    return Finding(
        id="",
        metric=row.quantity,
        outcome=row.outcome,
        reason="",
        docs="actions/regression/README.md#behaviour",
        unit="ratio" if row.quantity == "churn" else "",
        direction=Direction.LOWER,
        baseline=floor,
        candidate=value,
        change=None
        if excess is None
        else Interval(estimate=excess, low=numbers.finite(row.low), high=numbers.finite(row.high)),
    )
