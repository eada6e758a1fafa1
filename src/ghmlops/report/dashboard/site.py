"""The files of the site: an index with the newest deployments, and a page per month with all of them.

Each page is self-contained: it loads nothing. Its scripts search its tables and compare its date with the clock.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ghmlops.report.dashboard import charts, tables
from ghmlops.report.dashboard.replicas import changes, replica_figures
from ghmlops.report.dashboard.sources import Sources
from ghmlops.report.formats.css import CSS
from ghmlops.report.formats.html import content_source
from ghmlops.report.formats.html_table import inline, table_lines
from ghmlops.report.formats.script import SCRIPT
from ghmlops.report.text import escape, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.history.calibration import Pair
    from ghmlops.core.history.deployments import Deployment
    from ghmlops.report.dashboard.data import Dashboard, WatchRuns
    from ghmlops.report.text.blocks import Table

NEWEST = 500
"""Deployments of the index."""
MAX_FIGURES = 24
"""Metrics that are drawn; those with the most deployments."""
MAX_SCALED = 12
"""Services whose replicas are drawn, in the order of their names."""
STYLE = CSS + (
    ".shrunk { fill: none; stroke: var(--link); stroke-width: 1.5; }\n.chart circle.shrunk { stroke: var(--link); }\n"
    ".stale { border-left: .5rem solid var(--tone); font-weight: 650; }\n.months a { margin-right: 1rem; }\n"
    ".deployed { stroke: var(--soft); stroke-width: 1.5; }\nthead th { white-space: normal; }\n"
    "@media (max-width: 40rem) { td code { max-width: none; white-space: nowrap; } }\n"
)
STALE_SCRIPT = """
"use strict";
(() => {
const notices = document.querySelectorAll("[data-stale]");
const check = () => { for (const n of notices) n.hidden = Date.now() < Number(n.dataset.stale) * 1000; };
check();
setInterval(check, 60000);
})();
"""
_POLICY = (
    f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {content_source(STYLE)}; "
    f"script-src {content_source(SCRIPT)} {content_source(STALE_SCRIPT)}"
)


def site(data: Dashboard) -> dict[str, str]:
    """Return the name and the content of each file of the site."""
    months: dict[str, list[Deployment]] = {}
    for item in data.deployments:
        months.setdefault(f"{item.time:%Y-%m}", []).append(item)
    names = sorted(months, reverse=True)
    sources = Sources(data.deployments)
    title = f"Deployments of {data.repository or 'this repository'}"
    files = {"index.html": _page(data, title, _index(data, names, sources))}
    for month in names:
        table = tables.deployments(months[month], data, f"Deployments of {month}")
        files[f"{month}.html"] = _page(data, f"Deployments of {month}", _month(table))
    return files | sources.files


def _page(data: Dashboard, title: str, content: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in _document(data, title, content))


def _document(data: Dashboard, title: str, content: Iterator[str]) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">'
    yield f"<title>{escape.page(title, 150)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>"
    yield f'<header class="card">\n<h1>{escape.page(title, 150)}</h1>'
    until = data.written + timedelta(seconds=data.stale)
    tip = f" from commit <code>{escape.page(data.tip[:12])}</code> of the history" if data.tip else ""
    yield f"<p>Written {data.written:%Y-%m-%d %H:%M} UTC{tip}; out of date after {until:%Y-%m-%d %H:%M} UTC.</p>"
    yield "</header>"
    yield (
        f'<p class="card stale warn" role="status" data-stale="{until.timestamp():.0f}" hidden>'
        f"This page is out of date: it was written {data.written:%Y-%m-%d %H:%M} UTC. Newer deployments are missing; "
        "the job that writes it did not run, or failed.</p>"
    )
    if data.watch is not None:
        yield _watch_notice(data.watch)
    yield from content
    yield f"</main>\n<script>{SCRIPT}</script>\n<script>{STALE_SCRIPT}</script>\n</body>\n</html>"


def _watch_notice(watch: WatchRuns) -> str:
    """Return the notice that `watch` is dead, which the script shows as soon as its newest known run is too old."""
    until = f"{watch.newest.timestamp() + watch.stale:.0f}" if watch.newest else "0"
    newest = f"is of {watch.newest:%Y-%m-%d %H:%M} UTC" if watch.newest else "does not exist"
    return (
        f'<p class="card stale warn" role="status" data-stale="{until}" hidden>Production may not be watched: the '
        f"newest successful run of {escape.page(watch.workflow, 100)} that this page knows of {newest}.</p>"
    )


def _index(data: Dashboard, months: Sequence[str], sources: Sources) -> Iterator[str]:
    if data.problems or data.former:
        reason = "Files that are damaged or from the future count nowhere; a former name has rows of its own."
        yield from _section(tables.skipped(data), reason)
    if not data.deployments:
        yield '<section class="card"><h2>Deployments</h2><p>The history has no deployment.</p></section>'
        yield from _replicas(data)
        return
    yield from _section(tables.services(data, sources), f"The state after the newest record. {_SOURCES}")
    yield from _section(tables.keys(data, sources), _KEYS)
    yield from _metrics(data, sources)
    yield from _replicas(data)
    yield from _calibration(data, sources)
    yield from _section(tables.own_accuracy(data, sources), _ACCURACY)
    newest = data.deployments[-NEWEST:]
    yield from _section(tables.deployments(newest, data, "Newest deployments"), _RECORD)
    links = " ".join(f'<a href="{month}.html">{month}</a>' for month in months)
    yield f'<section class="card months"><h2>All deployments by month</h2><p>{links}</p></section>'


_KEYS = (
    "Live per week: deployments that reached users. Lead time: from the commit to live. Change failure rate: "
    "rolled back, failed or undone later, per deployment that users could have seen. Time to restore: from the first "
    "harm to the end of the rollback or the next good deployment. A dash is not measured."
)
_ACCURACY = "As far as the history shows: a wrong alarm whose change was altered before it went live is not among them."
_SOURCES = (
    "The last column links the rows that a number was counted from, with the records and the SHA-256 of their "
    "evidence; the name of the file is its own SHA-256."
)
_REPLICAS = (
    "From the records of <code>scale</code>: one for each change of the number of replicas, and for each plan to "
    "change it. What another autoscaler or a person changed in between is not among them."
)
_RECORD = "The last column names the record (16 digits, its file on the branch) and the SHA-256 of its evidence."
_SHRUNK = (
    "Measured effects that are selected for being large are too large on average (winner's curse). The shrunk effect "
    "is corrected for it: it is closer to the mean of the metric, the more uncertain the measurement is."
)


def _month(table: Table) -> Iterator[str]:
    yield '<p><a href="index.html">All deployments</a></p>'
    yield from _section(table, _RECORD)


def _section(table: Table, caption: str) -> Iterator[str]:
    yield f'<section class="card">\n<h2>{escape.page(table.title)}</h2>'
    yield from table_lines(table, caption)
    yield "</section>"


def _replicas(data: Dashboard) -> Iterator[str]:
    """Draw the replicas, their capacity and the demand of each service, and list the changes."""
    if not data.scaling:
        return
    yield f'<section class="card">\n<h2>Replicas and capacity</h2>\n<p>{_REPLICAS}</p>'
    yield '<div class="gallery large">'
    for series in data.scaling[:MAX_SCALED]:
        yield from replica_figures(series, data)
    yield "</div>"
    if (more := len(data.scaling) - MAX_SCALED) > 0:
        yield f"<p>{numbers.count(more)} services are not drawn.</p>"
    for series in data.scaling[:MAX_SCALED]:
        yield from _folded(changes(series, data), len(series.points))
    yield "</section>"


def _folded(table: Table, total: int) -> Iterator[str]:
    """Return a section that is closed at first, with the newest of so many rows."""
    label = f"{escape.page(table.title)} ({numbers.count(total)})"
    omitted = total - len(table.rows)
    caption = "The newest first" + (f"; {numbers.count(omitted)} older ones are left out." if omitted else ".")
    yield f'<details class="numbers">\n<summary>{label}</summary>\n<div>'
    yield from table_lines(table, caption)
    yield "</div>\n</details>"


def _metrics(data: Dashboard, sources: Sources) -> Iterator[str]:
    """Draw the metrics with the most deployments; the others are counted."""
    drawable = sorted((s for s in data.series if len(s.points) > 1), key=lambda s: -len(s.points))
    drawn = drawable[:MAX_FIGURES]
    yield '<section class="card">\n<h2>Metrics over time</h2>'
    if not drawn:
        yield "<p>No metric has the values of two live deployments.</p>"
    yield '<div class="gallery large">'
    groups = tables.by_place(data.deployments)
    for series in drawn:
        rows = sources.deployments(groups[series.service, series.environment])
        yield from charts.metric_figure(series, inline(rows))
    yield "</div>"
    if omitted := len(data.series) - len(drawn):
        yield f"<p>{numbers.count(omitted)} metrics are not drawn: they have fewer deployments.</p>"
    yield "</section>"


def _calibration(data: Dashboard, sources: Sources) -> Iterator[str]:
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in data.calibration.pairs:
        groups.setdefault((pair.metric, pair.unit), []).append(pair)
    yield '<section class="card">\n<h2>Hypotheses</h2>'
    if not groups:
        yield "<p>No expectation of a pull request has a measured effect yet.</p>"
    else:
        yield f"<p>{_SHRUNK}</p>"
    yield '<div class="gallery large">'
    for (metric, _), pairs in sorted(groups.items(), key=lambda group: -len(group[1]))[:MAX_FIGURES]:
        yield from charts.calibration_figure(metric, pairs, inline(sources.pairs(pairs)))
    yield "</div>"
    calibration = data.calibration
    stated = (tables.expectations(calibration, sources), len(calibration.pairs))
    for table, total in (stated, (tables.unmatched(calibration), len(calibration.unmatched))):
        if table.rows:
            yield from _folded(table, total)
    yield "</section>"
