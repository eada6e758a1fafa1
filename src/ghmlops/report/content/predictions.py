"""What a prediction diff measured, as sections: metrics, slices, windows, changed predictions, distributions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.report.content import evidence_tables as given
from ghmlops.report.content import findings, prediction_tables, timeline
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Column, Histogram, Section, Table, Text, Words
from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.report.content.evidence_tables import Row
    from ghmlops.report.content.timeline import Series

MOST_FILES = 4
"""Evidence files whose tables are shown; a matrix of more legs has its findings above."""
MOST_TIMELINES = 12
MOST_HISTOGRAMS = 60
MOST_BINS = 60
MOST_COLUMNS = 12
MOST_OPEN = 12
"""Rows of a table that stands open."""


def sections(evidence: Sequence[Evidence]) -> list[Section]:
    """Return the sections that have something to show."""
    files = _files(evidence)
    drawn = [histogram for file in files for histogram in histograms(file)]
    untold = _rest(len(_told(evidence)) - len(files), "evidence files with tables like these")
    made = [
        Section(title="Metrics", tables=[*_filled(t for file in files for t in _metrics(file)), *untold]),
        Section(title="Slices", tables=_filled(t for file in files for t in _slices(file)), note=_note(files, "slice")),
        Section(title="Windows", tables=_windows(files), note=_note(files, "window")),
        Section(title="Predictions that changed", tables=_filled(t for file in files for t in _changed(file))),
        Section(
            title="Distributions",
            tables=[
                *_filled(prediction_tables.drift(file) for file in files),
                *_rest(len(drawn) - MOST_HISTOGRAMS, "distributions that are not drawn"),
            ],
            histograms=drawn[:MOST_HISTOGRAMS],
        ),
    ]
    return [section for section in made if section.tables or section.histograms]


def _files(evidence: Sequence[Evidence]) -> list[Evidence]:
    return sorted(_told(evidence), key=lambda file: -file.outcome.severity)[:MOST_FILES]


def _told(evidence: Sequence[Evidence]) -> list[Evidence]:
    return [file for file in evidence if any(given.holds(file, key) for key in given.TABLES)]


def _rest(number: int, what: str) -> list[Table]:
    """Say how many are left out, where some are."""
    return [Table(title=f"{number:,} more {what}", columns=(Column(""),), rows=[])] if number > 0 else []


def _filled(tables: Iterable[Table]) -> list[Table]:
    return [table for table in tables if table.rows]


def _metrics(file: Evidence) -> list[Table]:
    return [
        prediction_tables.metrics(file),
        prediction_tables.classes(file),
        prediction_tables.rank(file),
        prediction_tables.plain(file, "noise", "noise floor", MOST_COLUMNS),
    ]


def _slices(file: Evidence) -> list[Table]:
    searched = "found by the search for slices, the worst first"
    return [
        prediction_tables.places(file, "slices", "slice", "slices, the worst first"),
        prediction_tables.places(file, "searched", "slice", searched),
    ]


def _note(files: Sequence[Evidence], kind: str) -> Cell:
    """Say how many places of a family are written down, and how it was judged, in the words of its summary."""
    summaries = [(file, f) for file in files for f in file.findings if f.id == f"{kind}s-summary"]
    tested = sum(f.n or 0 for _, f in summaries)
    shown = sum(_places(file, kind) for file in files)
    told = f"{numbers.count(shown)} of {numbers.count(tested)} {kind}s are written down, those with the smallest p. "
    methods = list(dict.fromkeys(f.method for _, f in summaries if f.method))
    said: Cell = (Words(told),) if tested > shown else ()
    return (*said, Text(methods[0], 200), Words(".")) if methods else said


def _places(file: Evidence, kind: str) -> int:
    rows = given.listed(file, f"{kind}s").rows
    return len({(given.text(row, "dataset"), given.text(row, kind)) for row in rows})


def _windows(files: Sequence[Evidence]) -> list[Table]:
    """Return the drawings, the worst first, and what was tested; the first drawing is made in Markdown too."""
    drawn = [(file, found) for file in files for found in timeline.series(file)]
    opened = opening(files)
    charts = [_chart(file, found, sketched=place == 0) for place, (file, found) in enumerate(drawn[:MOST_TIMELINES])]
    charts += _rest(len(drawn) - MOST_TIMELINES, "metrics by window that are not drawn")
    tables = (prediction_tables.places(file, "windows", "window", "windows, the worst first") for file in files)
    return [*(charts[1:] if opened else charts), *_filled(tables)]


def _chart(file: Evidence, found: Series, *, sketched: bool) -> Table:
    place = f" in data set {found.drawn.dataset[:60]}" if found.drawn.dataset else ""
    title = f"{findings.source(file.command, file.leg)[:60]}: {found.drawn.metric[:60]} by window{place}"
    table = prediction_tables.moments(title, found.rows, given.known(file))
    return replace(table, chart=found.drawn._replace(sketched=sketched), page_only=True)


def opening(evidence: Sequence[Evidence]) -> list[Table]:
    """Return the drawing that stands open: the worst metric over time, where a window tells of harm."""
    drawn = [(file, found) for file in _files(evidence) for found in timeline.series(file)]
    if not drawn or not timeline.harmed(drawn[0][1].drawn):
        return []
    return [replace(_chart(*drawn[0], sketched=True), title="Over time")]


def failing(evidence: Sequence[Evidence]) -> list[Table]:
    """Return the metrics that did not pass, as one table an evidence file, each with a heading of our own."""
    tables = [prediction_tables.metrics(file, harm_only=True) for file in _files(evidence)]
    return [_opened(table, "Metrics that did not pass") for table in tables if table.rows]


def _opened(table: Table, title: str) -> Table:
    """Return the first rows of a table, with how many there are."""
    more = f" (the worst {MOST_OPEN} of {len(table.rows):,})" if len(table.rows) > MOST_OPEN else ""
    return replace(table, title=title + more, rows=table.rows[:MOST_OPEN])


def _changed(file: Evidence) -> list[Table]:
    return [
        *prediction_tables.flips(file),
        prediction_tables.columns(file),
        prediction_tables.plain(file, "changed rows", "changed rows, the largest change first", MOST_COLUMNS),
    ]


def histograms(file: Evidence) -> list[Histogram]:
    """Return the distributions that can be drawn, what drifted first, then the largest PSI."""
    drifted = {(given.text(r, "dataset"), given.text(r, "column")): r for r in given.listed(file, "drift").rows}
    rows = given.listed(file, "distributions").rows
    placed = [(row, drifted.get((given.text(row, "dataset"), given.text(row, "column")), {})) for row in rows]

    def rank(entry: tuple[Row, Row]) -> tuple[int, float]:
        judged = given.outcome(entry[1])
        return (-judged.severity if judged else 1, -(given.figure(entry[1], "psi") or 0.0))

    made = [_histogram(row, drift) for row, drift in sorted(placed, key=rank)]
    return [drawn for drawn in made if drawn is not None]


def _histogram(row: Row, drift: Row) -> Histogram | None:
    """Return a drawing; `None` where bins and counts do not belong together."""
    before, after = _counts(row.get("baseline")), _counts(row.get("candidate"))
    numeric = row.get("edges") is not None
    labels = _edges(row.get("edges")) if numeric else _values(row.get("values"))
    if not before or len(before) != len(after) or len(labels) != len(before) + numeric or len(before) > MOST_BINS:
        return None
    told = [(name, given.figure(drift, key)) for key, name in (("psi", "PSI"), ("ks", "KS"))]
    return Histogram(
        column=given.text(row, "column"),
        dataset=given.text(row, "dataset"),
        labels=labels,
        numeric=numeric,
        baseline=before,
        candidate=after,
        distances=", ".join(f"{name} {numbers.plain(value)}" for name, value in told if value is not None),
        outcome=given.outcome(drift),
    )


def _counts(value: object) -> list[float]:
    """Return numbers of rows; none where one of them is no number of rows."""
    counts = [finite(count) for count in value] if isinstance(value, list) else []
    known = [count for count in counts if count is not None and 0 <= count < numbers.LARGEST]
    return known if len(known) == len(counts) else []


def _edges(value: object) -> list[str]:
    """Return rising edges as text; none where they do not rise."""
    edges = [finite(edge) for edge in value] if isinstance(value, list) else []
    known = [edge for edge in edges if edge is not None]
    rising = len(known) == len(edges) and all(known[at] < known[at + 1] for at in range(len(known) - 1))
    return [numbers.plain(edge) for edge in known] if rising else []


def _values(value: object) -> list[str]:
    values = value if isinstance(value, list) else []
    return [str(findings.value_text(v))[:60] for v in values if v is None or isinstance(v, str | bool | int | float)]


def hidden(evidence: Sequence[Evidence], shown: Iterable[tuple[str, str]]) -> bool:
    """True where a metric of all rows did not pass and is not among `shown`, (data set, metric) of findings."""
    there = set(shown)
    rows = [row for file in _files(evidence) for row in given.listed(file, "metrics").rows]
    bad = [row for row in rows if given.outcome(row) not in (None, Outcome.PASS)]
    return any((given.text(row, "dataset"), given.text(row, "metric")) not in there for row in bad)
