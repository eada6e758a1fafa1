"""Tables and cells as HTML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from ghmlops.report.charts import (
    interval_plot,
)
from ghmlops.report.content import finding_cells
from ghmlops.report.formats.row_data import MAX_CODE, MAX_TEXT, row_data
from ghmlops.report.formats.script import STATIC_ROWS
from ghmlops.report.text import escape
from ghmlops.report.text import outcome_text as words
from ghmlops.report.text.blocks import (
    Cell,
    Code,
    Column,
    Inline,
    IntervalPlot,
    Link,
    Mark,
    Table,
    Text,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.model import Outcome

_MIN_LIST = 20
"""Rows from which a table of findings can be searched; any other table can be from `STATIC_ROWS` on."""
_WIDE_COLUMNS = ("Limit", "Window", "Baseline → candidate", "Finding", "Decided by")
_WIDEST_COLUMNS = ("Change",)


def table_lines(table: Table, caption: str, *, row_heading: bool = False) -> Iterator[str]:
    """Yield a table; a long one with tools to search it, and with its rows as data of the script."""
    if len(table.rows) <= (_MIN_LIST if table.sentence_last else STATIC_ROWS):
        yield from _rows(table, table.rows, caption, row_heading=row_heading)
        return
    sentence = " data-sentence" if table.sentence_last else ""
    yield f'<div class="list" data-rows="{len(table.rows)}"{sentence}>\n<div class="tools" hidden>'
    yield '<label>Search <input type="search" autocomplete="off" spellcheck="false"></label>'
    outcomes = {piece.outcome for row in table.rows for piece in row[0][:1] if isinstance(piece, Mark)}
    if outcomes:
        options = (f"<option>{outcome.value}</option>" for outcome in sorted(outcomes, key=lambda o: -o.severity))
        yield f'<label>Outcome <select><option value="">all</option>{"".join(options)}</select></label>'
    yield "<output></output></div>"
    yield from _rows(table, table.rows[:STATIC_ROWS], caption, row_heading=False)
    if omitted := len(table.rows) - STATIC_ROWS if len(table.rows) > STATIC_ROWS else 0:
        yield f"<noscript><p>{omitted:,} more rows are shown if scripts are allowed.</p></noscript>"
    yield '<button type="button" class="more" hidden>Show more rows</button>'
    yield f'<script type="application/json">{row_data(table)}</script>\n</div>'


def _rows(table: Table, rows: Sequence[tuple[Cell, ...]], caption: str, *, row_heading: bool) -> Iterator[str]:
    yield f'<div class="wide" role="group" tabindex="0" aria-label="{escape.page(table.title, 100)}">\n<table>'
    yield f"<caption>{escape.page(caption, 300)}</caption>"
    columns = table.columns[:-1] if table.sentence_last else table.columns
    classes = [_class(column) for column in columns]
    titles = [f'<th scope="col"{k}>{escape.page(c.title, 100)}</th>' for k, c in zip(classes, columns, strict=True)]
    yield f"<thead><tr>{''.join(titles)}</tr></thead>\n<tbody>"
    for row in rows:
        cells = [f"<td{k}>{inline(cell)}</td>" for k, cell in zip(classes, row[: len(columns)], strict=True)]
        if row_heading:
            cells[0] = f'<th scope="row">{inline(row[0])}</th>'
        yield f"<tr>{''.join(cells)}</tr>"
        if table.sentence_last and row[-1] != finding_cells.EMPTY:
            yield f'<tr class="sentence"><td colspan="{len(columns)}"><div>{inline(row[-1])}</div></td></tr>'
    yield "</tbody>\n</table>\n</div>"


def _class(column: Column) -> str:
    if column.right:
        return ' class="number"'
    if column.title in _WIDEST_COLUMNS:
        return ' class="change"'
    return ' class="figure"' if column.title in _WIDE_COLUMNS else ""


def badge(outcome: Outcome) -> str:
    """Return an outcome with its glyph."""
    label = words.OUTCOME_LABELS[outcome]
    return f'<span class="badge {outcome.value}"><span aria-hidden="true">{label.glyph}</span> {label.word}</span>'


def inline(cell: Cell) -> str:
    """Return a cell as HTML; untrusted text is escaped and cannot change the writing direction around it."""
    return "".join([_inline(piece) for piece in cell])


def _inline(piece: Inline) -> str:
    match piece:
        case Words(text, strong):
            content = html.escape(text)
            return f"<strong>{content}</strong>" if strong else content
        case Text(text, limit):
            return f"<bdi>{escape.page(text, max(limit, MAX_TEXT))}</bdi>"
        case Code(text, limit):
            return f"<code><bdi>{escape.page(text, max(limit, MAX_CODE))}</bdi></code>"
        case Link(text, url, is_code):
            content = f"<bdi>{escape.page(text)}</bdi>"
            content = f"<code>{content}</code>" if is_code else content
            return f'<a href="{escape.page(url)}" rel="noopener noreferrer">{content}</a>' if url else content
        case Mark(outcome):
            return badge(outcome)
        case IntervalPlot():
            return interval_plot.svg(piece)
