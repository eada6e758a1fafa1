"""Tables of changed rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.regression import ChangedRow
from ghmlops.report.content.answers.changed_rows import changed_answers, changed_rows_table
from ghmlops.report.formats.markdown import inline
from ghmlops.report.text.blocks import Table
from report import prediction_samples

if TYPE_CHECKING:
    from ghmlops.core.details.replay import Scalar


def contents(table: Table) -> list[list[str]]:
    """Return the cells of a table as Markdown, with plain spaces."""
    return [[inline(cell).replace("\u00a0", " ") for cell in row] for row in table.rows]


def test_changed_rows_keep_the_digits_of_their_keys() -> None:
    """An integer may be a key, so no digit of it is grouped or rounded."""
    rows = [ChangedRow(dataset="", values={"id": 12_345_678_901_234_567, "score": 0.123456, "new": True, "old": None})]
    changed = prediction_samples.with_tables(prediction_samples.predictions(), changed_rows=rows)
    assert contents(changed_rows_table(changed)) == [["12345678901234567", "0.1235", "true", "\u2013"]]


def test_changed_rows_have_at_most_twelve_columns() -> None:
    """The title says how many more the evidence has."""
    rows = [ChangedRow(dataset="", values={f"c{i}": i for i in range(100)})]
    table = changed_rows_table(prediction_samples.with_tables(prediction_samples.predictions(), changed_rows=rows))
    assert len(table.columns) == 12
    assert "88 more columns" in table.title


def test_answers_share_four_columns() -> None:
    """What identifies a row shares a column, and the judge's scores follow the answers, an absent one as a dash."""
    values: dict[str, Scalar] = {"id": 7, "tenant": "acme", "label": "Paris", "baseline": "Paris", "candidate": "Rome"}
    rows = [
        ChangedRow(dataset="", values=values | {"baseline judge": 4.5, "candidate judge": None}),
        ChangedRow(dataset="", values=values | {"id": 8, "candidate": None}),
    ]
    table = changed_answers([prediction_samples.with_tables(prediction_samples.texts(), changed_rows=rows)])
    assert [column.title for column in table.columns] == ["id, tenant", "label", "baseline", "candidate"]
    first, second = contents(table)
    assert first == ["7, acme", "Paris", "Paris (judge 4.5)", "Rome (judge \u2013)"]
    assert second == ["8, acme", "Paris", "Paris (judge \u2013)", "\u2013 (judge \u2013)"]


def test_answers_without_label_and_judge() -> None:
    """Only the columns that there are; a column that merely begins with the name of a side stays with the key."""
    rows = [ChangedRow(dataset="", values={"id": 7, "baseline id": 3, "baseline": "a", "candidate": "b"})]
    table = changed_answers([prediction_samples.with_tables(prediction_samples.texts(), changed_rows=rows)])
    assert [column.title for column in table.columns] == ["id, baseline id", "baseline", "candidate"]
    assert contents(table) == [["7, 3", "a", "b"]]
