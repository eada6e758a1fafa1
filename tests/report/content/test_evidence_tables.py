"""Tables of any evidence: measurements, details and settings, provenance."""

from __future__ import annotations

import msgspec

from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.details.regression import RegressionDetails, SourceRow
from ghmlops.core.evidence.document import Evidence
from ghmlops.report.content.evidence_tables import details_tables, measurement_tables, provenance_tables
from ghmlops.report.formats.markdown import inline
from ghmlops.report.text.blocks import Table
from report import prediction_samples, samples


def contents(table: Table) -> list[list[str]]:
    """Return the cells of a table as Markdown."""
    return [[inline(cell) for cell in row] for row in table.rows]


def with_sources(sources: list[SourceRow]) -> Evidence:
    """Return evidence of a prediction diff whose details are these sources alone."""
    return samples.evidence("regression", [], details=RegressionDetails(sources=sources))


def test_rows_become_a_table_and_everything_else_a_setting() -> None:
    """An object within a row is split into columns; a value that a row lacks is a dash; what is empty is left out."""
    sources = [
        SourceRow(dataset="", role="baseline", origin={"source": "b.parquet"}),
        SourceRow(dataset="", role="candidate", origin={"source": "artifact:x", "run-id": "7"}),
    ]
    (table,) = details_tables([with_sources(sources)])
    assert table.title == "regression: sources"
    assert [column.title for column in table.columns] == ["role", "origin.source", "origin.run-id"]
    assert contents(table) == [["baseline", "b.parquet", "\u2013"], ["candidate", "artifact:x", "7"]]
    settings = {row[0]: row[1] for row in contents(details_tables([samples.latency()])[-1])}
    assert settings["`settings.connections`"] == "64"
    assert settings["`generator.priority_raised`"] == "true"
    assert "`settings.margins`" not in settings


def test_the_tables_of_a_prediction_diff_are_not_repeated() -> None:
    """Tables with a separate section are not among the details."""
    assert [table.title for table in details_tables([prediction_samples.predictions()])] == ["regression: settings"]


def test_the_capacity_curve_is_drawn_above_its_table() -> None:
    """The other rows of the details have no drawing."""
    tables = details_tables([samples.capacity()])
    assert [table.title for table in tables if table.chart] == ["capacity: curve"]
    assert "capacity: predicted" in [table.title for table in tables]


def test_a_curve_that_is_too_long_is_not_drawn() -> None:
    """Its table remains."""
    details = samples.capacity().details
    assert isinstance(details, CapacityDetails)
    long = msgspec.structs.replace(details, curve=details.curve * 40)
    tables = details_tables([samples.evidence("capacity", [], details=long)])
    (table,) = [table for table in tables if table.title == "capacity: curve"]
    assert (table.chart, len(table.rows)) == (None, 400)


def test_columns_and_tables_are_bounded() -> None:
    """At most twelve columns and twenty tables; the number of those left out is in a title."""
    wide = with_sources([SourceRow(dataset="", role="baseline", origin={f"c{i}": "x" for i in range(999)})])
    many = [msgspec.structs.replace(wide, leg=f"{i}") for i in range(61)]
    tables = details_tables([wide, *many[1:]])
    assert (len(tables), len(tables[0].columns)) == (21, 12)
    assert tables[0].title == "regression: sources (988 more columns left out)"
    assert (tables[-1].title, tables[-1].rows) == ("41 more tables", [])


def test_a_shard_is_shown_without_its_counts_in_full() -> None:
    """A long value is truncated in its cell."""
    details = samples.latency_details()
    settings = msgspec.structs.replace(details.settings, slots=[], requests=[])
    long: LatencyDetails = msgspec.structs.replace(
        details,
        settings=settings,
        generator=msgspec.structs.replace(details.generator, token_gaps_dropped=list(range(1000))),
    )
    (table,) = details_tables([samples.evidence("latency", [], details=long)])
    assert all(len(row[1]) < 700 for row in contents(table))


def test_measurements_with_the_same_values_share_a_table() -> None:
    """Response times of all arms and legs are rows of one table."""
    (table,) = measurement_tables([samples.latency(leg="a"), samples.latency(leg="b")])
    assert [column.title for column in table.columns][:6] == ["Evidence", "Measurement", "Version", "n", "mean", "p50"]
    assert len(table.rows) == 4


def test_provenance_lists_files_runs_and_fingerprints() -> None:
    """A file that cannot be read has a row without a digest."""
    files = (samples.regression(),)
    verdict = samples.merged(*files, extra=(samples.unreadable(),))
    tables = {table.title: contents(table) for table in provenance_tables(verdict, files)}
    assert [row[0] for row in tables["Files"]] == ["`latency.json`", "`regression.json`"]
    assert tables["Files"][0][2] == "`\u2013`"
    assert tables["Runs"][0][3:] == ["1", "4242 / 2", "0.1.0"]
    assert len(tables["Fingerprints"]) == 3
