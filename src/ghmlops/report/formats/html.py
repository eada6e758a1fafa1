"""The report as a self-contained HTML page with all findings, without external resources.

The rows of long tables are JSON for the script of the page, which searches, filters and sorts; the first ones are HTML.

The page consists of f-strings on purpose: for 10,000 findings, Jinja2 with autoescape takes 0.9 instead of 0.3 CPU
seconds. Untrusted text must therefore pass through `escape.page` or `inline`; `tests/report/test_hostile.py` checks it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import TYPE_CHECKING

from ghmlops.report.charts import (
    capacity_curve,
    histogram_bars,
    pair_chart,
    percentile_curve,
    response_histogram,
    run_chart,
    score_chart,
    square_chart,
    timeline_chart,
)
from ghmlops.report.formats.css import CSS
from ghmlops.report.formats.html_table import badge, inline, table_lines
from ghmlops.report.formats.script import SCRIPT
from ghmlops.report.text import escape, numbers
from ghmlops.report.text import outcome_text as words
from ghmlops.report.text.blocks import (
    Bullets,
    Column,
    LatencyCharts,
    Report,
    Section,
    Table,
    Timeline,
    Words,
)
from ghmlops.report.text.drawings import ConfusionTables, ScoreCurves, SliceMap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.report.text.drawings import Drawing


def content_source(text: str) -> str:
    """Return the only content of a style or script element that the page allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {content_source(CSS)}; "
    f"script-src {content_source(SCRIPT)}"
)
_PLOT_LEGEND = (
    "In the plots, the bar is the interval, the dot the estimate, the middle line no change and the dashed line the "
    "limit. Each plot has a separate scale."
)
_HISTOGRAM_LEGEND = (
    "Bars: share of the baseline's rows per bin; outline: share of the candidate's rows. All bins have the same width; "
    "each histogram has a separate scale."
)


def page(report: Report) -> str:
    """Return the report as a complete HTML document of any length."""
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
    yield '<section class="card">\n<h2>Results</h2>'
    yield from table_lines(
        report.pillars, f"One row per measurement, the worst first. {_PLOT_LEGEND}", row_heading=True
    )
    yield "</section>"
    if report.worst.items:
        yield from _bullets(report.worst, "plain")
    for table in report.open_tables:
        yield f'<section class="card">\n<h2>{escape.page(table.title)}</h2>'
        yield from _content(table)
        yield "</section>"
    for charts in report.latency:
        yield from _latency(charts)
    yield from _bullets(report.not_measured, "")
    yield f'<p class="passed">{inline(report.passed)}</p>'
    for number, section in enumerate(report.sections):
        yield from _section(section, opened=number == 0)
    if report.links:
        yield f"<footer><p>{' · '.join(inline(link) for link in report.links)}</p></footer>"
    yield f"</main>\n<script>{SCRIPT}</script>\n</body>\n</html>"


def _verdict(report: Report) -> Iterator[str]:
    yield f'<header class="card verdict {report.outcome.value}">'
    yield f"<h1>{badge(report.outcome)} <span>{inline(report.heading)}</span></h1>"
    yield f"<p><strong>Why:</strong> {inline(report.reason)}</p>"
    yield f"<p><strong>To do:</strong> {_trusted(report.action)}</p>"
    for notice in report.notices:
        yield f'<p class="notice">{inline(notice)}</p>'
    yield f'<p class="subject">{inline(report.subject)}</p>'
    yield "</header>"


def _trusted(text: str) -> str:
    """Escape a sentence of this project, in which backticks mark code."""
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


def _latency(charts: LatencyCharts) -> Iterator[str]:
    """Yield the charts of one evidence file, with the quantiles as a table."""
    yield f'<section class="card">\n<h2>Response times: {escape.page(charts.title, 100)}</h2>'
    if charts.problem:
        yield f"<p>Not drawn: <bdi>{escape.page(charts.problem, 300)}</bdi></p>"
    yield '<div class="gallery large">'
    yield from percentile_curve.figure(charts)
    yield from response_histogram.figure(charts)
    yield "</div>"
    if charts.over_time:
        yield from run_chart.figure(charts.over_time)
        yield from _numbers(run_chart.table(charts.over_time))
    yield '<div class="gallery large">'
    for pairs in charts.pairs:
        yield from pair_chart.figure(pairs)
    yield "</div>"
    if charts.quantiles:
        yield from table_lines(_quantile_table(charts), "Response times in milliseconds")
    yield "</section>"


def _quantile_table(charts: LatencyCharts) -> Table:
    names = list(dict.fromkeys(name for values in charts.quantiles.values() for name in values))
    return Table(
        title=f"Response times: {charts.title}",
        columns=(Column("Version"), Column("Requests", right=True), *(Column(name, right=True) for name in names)),
        rows=[
            (
                (Words(arm),),
                (Words(numbers.count(charts.requests[arm])),),
                *((Words(numbers.number(values.get(name), numbers.MILLISECONDS, unit=False)),) for name in names),
            )
            for arm, values in charts.quantiles.items()
        ],
    )


def _section(section: Section, *, opened: bool) -> Iterator[str]:
    yield f"<details{' open' if opened else ''}>\n<summary><h2>{escape.page(section.title)}</h2></summary>\n<div>"
    if section.note:
        yield f"<p>{inline(section.note)}</p>"
    if section.drawings:
        wide = any(isinstance(drawing, SliceMap) for drawing in section.drawings)
        yield '<div class="gallery large">' if wide else '<div class="gallery">'
        for drawing in section.drawings:
            yield from _drawing(drawing)
        yield "</div>"
    for table in section.tables:
        yield from _content(table)
    if section.histograms:
        yield f'<p>{_HISTOGRAM_LEGEND}</p>\n<div class="gallery">'
        for histogram in section.histograms:
            yield from histogram_bars.figure(histogram)
        yield "</div>"
    if section.commands:
        lines = "\n".join(html.escape(line) for line in escape.copyable_commands(section.commands))
        yield f'<pre tabindex="0"><code>{lines}</code></pre>'
    yield "</div>\n</details>"


def _drawing(drawing: Drawing) -> Iterator[str]:
    match drawing:
        case ScoreCurves():
            yield from score_chart.figures(drawing)
        case ConfusionTables():
            yield from square_chart.confusion(drawing)
        case SliceMap():
            yield from square_chart.slice_map(drawing)


def _content(table: Table) -> Iterator[str]:
    """Yield the chart of a table and its rows; the rows of a timeline are collapsed."""
    if isinstance(table.chart, Timeline):
        yield from timeline_chart.figure(table.chart)
        yield from _numbers(table)
        return
    if table.chart:
        yield from capacity_curve.figure(table.chart)
    if table.collapsed:
        yield from _numbers(table, table.collapsed)
    elif table.rows:
        yield from table_lines(table, table.title)
    else:
        yield f"<p>{escape.page(table.title, 300)}</p>"


def _numbers(table: Table, label: str = "Numbers") -> Iterator[str]:
    """Yield the rows of a table, collapsed."""
    yield f'<details class="numbers">\n<summary>{escape.page(label)}</summary>\n<div>'
    yield from table_lines(table, table.title)
    yield "</div>\n</details>"
