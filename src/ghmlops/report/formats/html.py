"""The report as one self-contained HTML page: nothing is loaded, nothing runs, every finding is there."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import TYPE_CHECKING

from ghmlops.report.charts import capacity_curve as chart
from ghmlops.report.charts import histogram_bars as bars
from ghmlops.report.charts import interval_plot as plot
from ghmlops.report.charts import timeline_chart as line_chart
from ghmlops.report.content import finding_cells
from ghmlops.report.formats.css import CSS
from ghmlops.report.text import escape
from ghmlops.report.text import outcome_text as words
from ghmlops.report.text.blocks import (
    Bullets,
    Cell,
    Code,
    Inline,
    IntervalPlot,
    Link,
    Mark,
    Report,
    Section,
    Table,
    Text,
    Timeline,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.core.model import Outcome

_LONGEST = 4000
_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
)
_LEGEND = (
    "In the drawings the bar is the interval and the dot the estimate; the middle line is no change, the dashed line "
    "the limit. Each row has its own scale."
)
_BARS = (
    "Bars: the share of the baseline's rows in each bin; outline: the candidate's. Bins are drawn equally wide, and "
    "each drawing has its own height."
)
_FIGURES = ("Limit", "Window", "Baseline → candidate", "Finding", "Decided by")


def page(report: Report) -> str:
    """Return the page, a complete HTML document of any length."""
    return "".join(line + "\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    title = f"{words.OUTCOME_LABELS[report.outcome].word}: {report.service or 'service'}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">'
    yield f"<title>{escape.page(title, 150)}</title>"
    yield f"<style>{CSS}</style>\n</head>\n<body>\n<main>"
    yield from _verdict(report)
    yield '<section class="card">\n<h2>Pillars</h2>'
    yield from _table(report.pillars, f"One row for each evidence file, the worst first. {_LEGEND}", row_heading=True)
    yield "</section>"
    if report.worst.items:
        yield from _bullets(report.worst, "plain")
    for table in report.open_tables:
        yield f'<section class="card">\n<h2>{escape.page(table.title)}</h2>'
        yield from _content(table)
        yield "</section>"
    yield from _bullets(report.not_measured, "")
    yield f'<p class="passed">{inline(report.passed)}</p>'
    for number, section in enumerate(report.sections):
        yield from _section(section, opened=number == 0)
    if report.links:
        yield f"<footer><p>{' · '.join(inline(link) for link in report.links)}</p></footer>"
    yield "</main>\n</body>\n</html>"


def _verdict(report: Report) -> Iterator[str]:
    yield f'<header class="card verdict {report.outcome.value}">'
    yield f"<h1>{_badge(report.outcome)} <span>{inline(report.heading)}</span></h1>"
    yield f"<p><strong>Why:</strong> {inline(report.reason)}</p>"
    yield f"<p><strong>To do:</strong> {_own(report.action)}</p>"
    for notice in report.notices:
        yield f'<p class="notice">{inline(notice)}</p>'
    yield f'<p class="subject">{inline(report.subject)}</p>'
    yield "</header>"


def _own(text: str) -> str:
    """Escape our own sentence, in which backticks mark code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape.page(text))


def _bullets(bullets: Bullets, kind: str) -> Iterator[str]:
    yield f'<section class="card">\n<h2>{escape.page(bullets.title)}</h2>'
    if bullets.items:
        yield f'<ul class="{kind}">' if kind else "<ul>"
        for first, second in bullets.items:
            reason = f'<span class="reason">{inline(second)}</span>' if second else ""
            yield f"<li>{inline(first)}{reason}</li>"
        yield "</ul>"
    else:
        yield f"<p>{escape.page(bullets.empty_text)}</p>"
    yield "</section>"


def _section(section: Section, *, opened: bool) -> Iterator[str]:
    yield f"<details{' open' if opened else ''}>\n<summary><h2>{escape.page(section.title)}</h2></summary>\n<div>"
    if section.note:
        yield f"<p>{inline(section.note)}</p>"
    for table in section.tables:
        yield from _content(table)
    if section.histograms:
        yield f'<p>{_BARS}</p>\n<div class="gallery">'
        for drawn in section.histograms:
            yield from bars.figure(drawn)
        yield "</div>"
    if section.commands:
        lines = "\n".join(escape.page(line) for line in section.commands)
        yield f"<pre><code>{lines}</code></pre>"
    yield "</div>\n</details>"


def _content(table: Table) -> Iterator[str]:
    """Draw a table's chart; below that of a timeline, its numbers are folded away."""
    if isinstance(table.chart, Timeline):
        yield from line_chart.figure(table.chart)
        yield '<details class="numbers">\n<summary>The numbers</summary>\n<div>'
        yield from _table(table, table.title)
        yield "</div>\n</details>"
        return
    if table.chart:
        yield from chart.figure(table.chart)
    if table.rows:
        yield from _table(table, table.title)
    else:
        yield f"<p>{escape.page(table.title, 300)}</p>"


def _table(table: Table, caption: str, *, row_heading: bool = False) -> Iterator[str]:
    shown = escape.page(caption, 300)
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{escape.page(table.title, 100)}">\n<table>'
    yield f"<caption>{shown}</caption>"
    columns = table.columns[:-1] if table.sentence_last else table.columns
    kinds = [_kind(column.title, right=column.right) for column in columns]
    titles = [f'<th scope="col"{k}>{escape.page(c.title, 100)}</th>' for k, c in zip(kinds, columns, strict=True)]
    yield f"<thead><tr>{''.join(titles)}</tr></thead>\n<tbody>"
    for row in table.rows:
        cells = [f"<td{kind}>{inline(cell)}</td>" for kind, cell in zip(kinds, row[: len(columns)], strict=True)]
        if row_heading:
            cells[0] = f'<th scope="row">{inline(row[0])}</th>'
        yield f"<tr>{''.join(cells)}</tr>"
        if table.sentence_last and row[-1] != finding_cells.EMPTY:
            yield f'<tr class="sentence"><td colspan="{len(columns)}">{inline(row[-1])}</td></tr>'
    yield "</tbody>\n</table>\n</div>"


def _kind(title: str, *, right: bool) -> str:
    if right:
        return ' class="number"'
    return ' class="figure"' if title in _FIGURES else ""


def _badge(outcome: Outcome) -> str:
    said = words.OUTCOME_LABELS[outcome]
    return f'<span class="badge {outcome.value}"><span aria-hidden="true">{said.glyph}</span> {said.word}</span>'


def inline(cell: Cell) -> str:
    """Return one cell as HTML; untrusted text is escaped and cannot turn the direction of what stands around it."""
    return "".join(_inline(piece) for piece in cell)


def _inline(piece: Inline) -> str:
    match piece:
        case Words(text, strong):
            shown = html.escape(text)
            return f"<strong>{shown}</strong>" if strong else shown
        case Text(text, limit):
            return f"<bdi>{escape.page(text, max(limit, _LONGEST))}</bdi>"
        case Code(text, limit):
            return f"<code><bdi>{escape.page(text, max(limit, 500))}</bdi></code>"
        case Link(text, url, is_code):
            shown = f"<bdi>{escape.page(text)}</bdi>"
            shown = f"<code>{shown}</code>" if is_code else shown
            return f'<a href="{escape.page(url)}" rel="noopener noreferrer">{shown}</a>' if url else shown
        case Mark(outcome):
            return _badge(outcome)
        case IntervalPlot():
            return plot.svg(piece)
