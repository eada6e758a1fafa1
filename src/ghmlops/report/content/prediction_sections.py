"""Sections of a prediction diff: metrics, slices, windows, changed predictions, distributions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from ghmlops.core.details.regression import regression_details
from ghmlops.core.model import finite
from ghmlops.report.content import prediction_tables as tables
from ghmlops.report.content import timeline
from ghmlops.report.content.answers.changed_rows import changed_rows_table
from ghmlops.report.content.placed_findings import evidence_label
from ghmlops.report.content.prediction_rows import has_tables, is_regression, metric_facts
from ghmlops.report.content.predictions import drawings
from ghmlops.report.content.predictions.distributions import drift_table, histograms
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Section, Table, Text, Words
from ghmlops.report.text.scope import scope_cell, scope_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.report.content.timeline import Series
    from ghmlops.report.text.blocks import Inline

MAX_FILES = 4
"""Evidence files whose tables are in the report; the findings of further legs are in the list of all findings."""
MAX_TIMELINES = 12
MAX_HISTOGRAMS = 60
MAX_DRAWINGS = 12
"""Data sets and targets of which a kind of chart is drawn."""
MAX_NOTES = 6
"""Data sets and targets whose weights a note describes."""
MAX_OPEN_ROWS = 12
"""Rows of a table that is not collapsed."""


def prediction_sections(evidence: Sequence[Evidence]) -> list[Section]:
    """Return the sections that are not empty."""
    files = _files(evidence)
    distributions = [histogram for file in files for histogram in histograms(file)]
    omitted_files = _omitted(sum(map(has_tables, evidence)) - len(files), "evidence files with tables like these")
    sections = [
        Section(
            title="Metrics",
            tables=[*_filled(t for file in files for t in _metrics(file)), *omitted_files],
            note=_weights_note(files),
        ),
        Section(
            title="Slices",
            tables=_filled(t for file in files for t in _slices(file)),
            note=_note(files, "slice"),
            drawings=[one for file in files for one in drawings.slice_maps(file)][:MAX_DRAWINGS],
        ),
        Section(title="Windows", tables=_windows(files), note=_note(files, "window")),
        Section(
            title="Predictions that changed",
            tables=_filled(t for file in files for t in _changes(file)),
            drawings=[one for file in files for one in drawings.confusion_tables(file)][:MAX_DRAWINGS],
        ),
        Section(
            title="Scores and errors by label",
            drawings=[one for file in files for one in drawings.score_curves(file)][:MAX_DRAWINGS],
            histograms=[one for file in files for one in drawings.errors(file)][:MAX_DRAWINGS],
        ),
        Section(
            title="Distributions",
            tables=[
                *_filled(drift_table(file) for file in files),
                *_omitted(len(distributions) - MAX_HISTOGRAMS, "distributions that are not drawn"),
            ],
            histograms=distributions[:MAX_HISTOGRAMS],
        ),
    ]
    return [section for section in sections if section.tables or section.histograms or section.drawings]


def _files(evidence: Sequence[Evidence]) -> list[Evidence]:
    return sorted(filter(has_tables, evidence), key=lambda file: -file.outcome.severity)[:MAX_FILES]


def _omitted(number: int, content: str) -> list[Table]:
    """Return an empty table whose title says how much is left out, if anything is."""
    return [Table(title=f"{number:,} more {content}", columns=(Column(""),), rows=[])] if number > 0 else []


def _filled(candidates: Iterable[Table]) -> list[Table]:
    return [table for table in candidates if table.rows]


def _metrics(file: Evidence) -> list[Table]:
    return [tables.metrics_table(file), tables.classes_table(file), tables.rank_table(file), tables.noise_table(file)]


def _slices(file: Evidence) -> list[Table]:
    details = regression_details(file.details)
    return [
        tables.subgroups_table(file, details.slices, "Slice", "slices, the worst first"),
        tables.subgroups_table(file, details.searched, "Slice", "results of the slice search, the worst first"),
    ]


def _weights_note(files: Sequence[Evidence]) -> Cell:
    """Return by what rows are weighted, and their effective number; empty without weights."""
    rows = [row for file in files for row in regression_details(file.details).weights]
    cells: list[Inline] = []
    for row in rows[:MAX_NOTES]:
        number = finite(row.effective)
        effective = "unknown" if number is None else numbers.count(round(number))
        size = f"; effective sample size {effective} of {numbers.count(row.rows)} (Kish). "
        cells += [Words("Weighted by "), Code(row.column, 60), *scope_cell(row.dataset, " in "), Words(size)]
    if len(rows) > MAX_NOTES:
        cells.append(Words(f"So are {numbers.count(len(rows) - MAX_NOTES)} more data sets or targets. "))
    return tuple(cells)


def _note(files: Sequence[Evidence], kind: Literal["slice", "window"]) -> Cell:
    """Return how many subgroups of a family are listed, and the method of its tests."""
    summaries = [finding for file in files for finding in file.findings if finding.id == f"{kind}s-summary"]
    tested = sum(finding.n or 0 for finding in summaries)
    listed = sum(_subgroups_listed(file, kind) for file in files)
    text = f"{numbers.count(listed)} of {numbers.count(tested)} tested {kind}s are listed, those with the smallest p. "
    note: Cell = (Words(text),) if tested > listed else ()
    methods = list(dict.fromkeys(finding.method for finding in summaries if finding.method))
    return (*note, Text(methods[0], 200), Words(".")) if methods else note


def _subgroups_listed(file: Evidence, kind: Literal["slice", "window"]) -> int:
    details = regression_details(file.details)
    rows = details.slices if kind == "slice" else details.windows
    return len({(row.dataset, row.subgroup) for row in rows})


def _windows(files: Sequence[Evidence]) -> list[Table]:
    """Return the timelines, the worst first, and the tests; Markdown contains the first timeline only."""
    series = [(file, one) for file in files for one in timeline.metric_series(file)]
    timelines = [
        _timeline_table(file, one, in_markdown=position == 0)
        for position, (file, one) in enumerate(series[:MAX_TIMELINES])
    ]
    timelines += _omitted(len(series) - MAX_TIMELINES, "metrics by window that are not drawn")
    if open_timeline(files):  # the first one stands above the sections
        timelines = timelines[1:]
    tests = (
        tables.subgroups_table(file, regression_details(file.details).windows, "Window", "windows, the worst first")
        for file in files
    )
    return [*timelines, *_filled(tests)]


def _timeline_table(file: Evidence, series: Series, *, in_markdown: bool) -> Table:
    drawing = series.timeline
    dataset = scope_text(drawing.dataset, " in ")
    title = f"{evidence_label(file.command, file.leg)[:60]}: {drawing.metric[:60]} by window{dataset}"
    table = tables.timeline_table(title, series.rows, metric_facts(file))
    return replace(table, chart=drawing._replace(in_markdown=in_markdown), page_only=True)


def open_timeline(evidence: Sequence[Evidence]) -> list[Table]:
    """Return the timeline that is not collapsed: that of the worst metric, if a window has a regression."""
    series = [(file, one) for file in _files(evidence) for one in timeline.metric_series(file)]
    if not series or not timeline.has_regression(series[0][1].timeline):
        return []
    return [replace(_timeline_table(*series[0], in_markdown=True), title="Over time")]


def failed_metrics(evidence: Sequence[Evidence]) -> list[Table]:
    """Return the overall metrics that did not pass, one table per evidence file; they are not collapsed."""
    failed = [tables.metrics_table(file, regressions_only=True) for file in _files(evidence)]
    return [_shortened(table, "Metrics that did not pass") for table in failed if table.rows]


def _shortened(table: Table, title: str) -> Table:
    more = f" (the worst {MAX_OPEN_ROWS} of {len(table.rows):,})" if len(table.rows) > MAX_OPEN_ROWS else ""
    return replace(table, title=title + more, rows=table.rows[:MAX_OPEN_ROWS])


def _changes(file: Evidence) -> list[Table]:
    return [*tables.flips_tables(file), tables.columns_table(file), changed_rows_table(file)]


def omits_failed_metric(evidence: Sequence[Evidence], listed: Iterable[tuple[str, str]]) -> bool:
    """Return whether an overall metric that did not pass is missing from `listed`, pairs of data set and metric."""
    keys = set(listed)
    rows = [row for file in _files(evidence) for row in regression_details(file.details).metrics]
    return any((row.dataset, row.metric) not in keys for row in rows if is_regression(row))
