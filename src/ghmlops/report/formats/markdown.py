"""The complete report as GitHub-flavoured Markdown: the job summary, within GitHub's size limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.steps.github_limits import SUMMARY_LIMIT
from ghmlops.report.charts import mermaid
from ghmlops.report.formats.size_budget import Block, Rows, fit
from ghmlops.report.text import escape, numbers
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
    from collections.abc import Callable, Iterator, Sequence

_TITLE_LIMIT, _COLUMN_LIMIT = 80, 60
"""Characters of the title of a table and of a column."""
_NOTICE_INDEX = 3
"""The notice of a shortened report follows heading, reason and action."""


def summary(report: Report, limit: int = SUMMARY_LIMIT) -> str:
    """Return the job summary, of at most `limit` bytes."""
    return fit(list(_blocks(report)), limit - 1, _notice(report), _NOTICE_INDEX) + "\n"


def _blocks(report: Report) -> Iterator[Block]:
    yield f"## {words.OUTCOME_LABELS[report.outcome].symbol} {inline(report.heading)}"
    yield f"**Why:** {inline(report.reason)}"
    yield f"**To do:** {report.action}"
    for notice in report.notices:
        yield f"> {inline(notice)}"
    yield inline(report.subject)
    yield table_rows(report.pillars)
    if report.worst.items:
        yield from _bullets(report.worst)
    for table in report.open_tables:
        yield f"### {table.title}"
        yield from _content(table)
    yield from _bullets(report.not_measured)
    yield inline(report.passed)
    for section in report.sections:
        yield from _section(section)
    if report.links:
        yield " · ".join(inline(link) for link in report.links)


def _bullets(bullets: Bullets) -> Iterator[Block]:
    yield f"### {bullets.title}"
    if bullets.items:
        yield Rows(head="", lines=[_item(first, second) for first, second in bullets.items])
    else:
        yield bullets.empty_text


def _item(first: Cell, second: Cell) -> str:
    return f"- {inline(first)}<br>{inline(second)}" if second else f"- {inline(first)}"


def _content(table: Table) -> Iterator[Block]:
    """Yield the chart and the rows of a table that belong in Markdown. A chart is one line, never omitted in part."""
    if isinstance(table.chart, Timeline) and table.chart.in_markdown and (lines := mermaid.chart_lines(table.chart)):
        yield inline(mermaid.chart_legend(table.chart))
        yield Rows(head="", lines=["\n".join(["```mermaid", *lines, "```"])])
    if table.rows and not table.page_only:
        yield table_rows(table)


def _section(section: Section) -> Iterator[Block]:
    tables = [table for table in section.tables if not table.page_only or _has_markdown_chart(table)]
    if not tables and not section.commands:
        return
    yield f"<details><summary>{section.title}</summary>"
    if section.note:
        yield inline(section.note)
    for table in tables:
        if len(section.tables) > 1:
            yield f"**{escape.markdown(table.title, _TITLE_LIMIT)}**"
        yield from _content(table)
    if section.commands:
        first, *lines, last = escape.fence(section.commands).split("\n")
        yield Rows(head=first, lines=lines, tail=last)
    yield "</details>"


def _has_markdown_chart(table: Table) -> bool:
    return isinstance(table.chart, Timeline) and table.chart.in_markdown


def table_rows(table: Table) -> Rows:
    """Return a table as rows under a head."""
    titles = [escape.markdown(column.title, _COLUMN_LIMIT) for column in table.columns]
    rule = "|" + "|".join("---:" if column.right else "---" for column in table.columns) + "|"
    lines = [_row([inline(cell) for cell in row]) for row in table.rows]
    return Rows(head=f"{_row(titles)}\n{rule}", lines=lines, expendable=table.expendable)


def _row(cells: Sequence[str]) -> str:
    """Return a row without padding, which would make each row as long as the longest one."""
    return f"| {' | '.join(cells)} |"


def _notice(report: Report) -> Callable[[int], str]:
    def notice(rows: int) -> str:
        omitted = f"{numbers.count(rows)} rows at the bottom of the tables below are omitted"
        return f"> **Shortened** to GitHub's size limit: {omitted}. The full report is {inline(report.full_report)}."

    return notice


def inline(cell: Cell) -> str:
    """Return a cell as Markdown on one line; untrusted text is escaped."""
    return "".join([_inline(piece) for piece in cell])


def _inline(piece: Inline) -> str:
    match piece:
        case Words(text, strong):
            return _strong(text) if strong else text
        case Text(text, limit):
            return escape.markdown(text, limit)
        case Code(text, limit):
            return escape.code(text, limit)
        case Link(text, url, is_code):
            label = escape.code(text) if is_code else escape.markdown(text)
            return f"[{label}](<{url.replace('&', '&amp;')}>)" if url else label
        case Mark(outcome):
            return f"{words.OUTCOME_LABELS[outcome].symbol} {words.OUTCOME_LABELS[outcome].word}"
        case IntervalPlot():
            return ""


def _strong(text: str) -> str:
    inner = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}**{inner}**{after}" if inner else text
