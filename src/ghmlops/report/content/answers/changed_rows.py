"""Tables of the rows whose prediction changed: all of them, and the first ones of a task with texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.regression import ChangedRow, regression_details
from ghmlops.report.content import finding_cells as cells
from ghmlops.report.content.placed_findings import format_value
from ghmlops.report.content.prediction_rows import dataset_column, number_cell, rows_table, table_title
from ghmlops.report.text.blocks import Cell, Column, Table, Text, Words, join_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.core.details.replay import Scalar
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.report.content.prediction_rows import Field

MAX_VALUE = 310
"""Characters of a value of a changed row: as many as the evidence contains of a text."""
MAX_EXCERPTS, MAX_EXCERPT, MAX_EXCERPT_COLUMNS = 3, 160, 6
"""Changed rows in a comment, characters of each text there, and columns."""
MAX_COLUMNS = 12
"""Columns of a table whose columns the policy chooses."""


def changed_rows_table(file: Evidence) -> Table:
    """Return the changed rows with the columns that the policy chooses, at most `MAX_COLUMNS` of them."""
    rows = regression_details(file.details).changed_rows
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    columns = names[:MAX_COLUMNS]
    more = (
        f" ({len(names) - len(columns):,} more columns are in the evidence file)" if len(names) > len(columns) else ""
    )
    fields: list[Field[ChangedRow]] = [
        *dataset_column(rows),
        *((Column(name, right=_is_numeric(rows, name)), _value_of(name)) for name in columns),
    ]
    return rows_table(
        table_title(file, "changed rows, the largest change first") + more, rows if columns else [], fields
    )


def changed_answers(evidence: Sequence[Evidence]) -> Table:
    """Return the first changed rows of a task with texts, both sides next to each other; without rows for others.

    There are at most four columns: what identifies the row shares one, and the scores of a judge follow the answers.
    """
    rows = [
        row
        for file in evidence
        if (details := regression_details(file.details)).settings is not None and details.settings.task == "text"
        for row in details.changed_rows
    ]
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    scores = {
        side: [name for name in names if name.startswith(f"{side} ") and f"{other} {name[len(side) + 1 :]}" in names]
        for side, other in (("baseline", "candidate"), ("candidate", "baseline"))
    }
    apart = {"label", "baseline", "candidate", *scores["baseline"], *scores["candidate"]}
    identifying = [name for name in names if name not in apart][:MAX_EXCERPT_COLUMNS]
    fields: list[Field[ChangedRow]] = [(Column(", ".join(identifying)[:MAX_EXCERPT]), _values_of(identifying))]
    fields += [(Column("label"), _excerpt_of("label", []))] if "label" in names else []
    fields += [(Column(side), _excerpt_of(side, scores[side])) for side in ("baseline", "candidate")]
    title = f"Changed answers, {min(len(rows), MAX_EXCERPTS)} of {len(rows)} listed"
    return rows_table(title, rows[:MAX_EXCERPTS] if names else [], fields)


def _values_of(names: Sequence[str]) -> Callable[[ChangedRow], Cell]:
    """Return the values of columns, separated by commas."""

    return lambda row: join_cells([_scalar(row.values.get(name)) for name in names])


def _excerpt_of(name: str, scores: Sequence[str]) -> Callable[[ChangedRow], Cell]:
    """Return the beginning of a text, followed by its scores: `It is 12 km. (judge 4.5)`."""

    def cell(row: ChangedRow) -> Cell:
        value = row.values.get(name)
        text = (Text(value, MAX_EXCERPT),) if isinstance(value, str) and value else _scalar(value)
        for score in scores:
            judge = Text(score.removeprefix(f"{name} "), MAX_VALUE)
            text = (*text, Words(" ("), judge, Words(" "), *_scalar(row.values.get(score)), Words(")"))
        return text

    return cell


def _is_numeric(rows: Sequence[ChangedRow], name: str) -> bool:
    values = [row.values.get(name) for row in rows]
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)


def _value_of(name: str) -> Callable[[ChangedRow], Cell]:
    return lambda row: _scalar(row.values.get(name))


def _scalar(value: Scalar) -> Cell:
    # An integer may be a key, so its digits stay as they are.
    if isinstance(value, float):
        return number_cell(value)
    text = "" if value is None else format_value(value)
    return (Text(text, MAX_VALUE),) if text else cells.EMPTY
