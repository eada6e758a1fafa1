"""Tables of any evidence: measurements, settings and details, files and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.core.details.latency import LatencyCommon
from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.details.shadow import ShadowDetails
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.report.content.placed_findings import evidence_label, format_value
from ghmlops.report.content.prediction_rows import without_tables
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import CapacityCurve, Cell, Code, Column, Mark, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ghmlops.core.details import Details
    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.model import Measurement

MAX_TABLES = 20
MAX_COLUMNS = 12
MAX_POINTS = 300
"""Points of the capacity curve; a longer one is not drawn."""
MAX_LIMITS = 10
"""Objectives in the drawing of the capacity curve."""
_MIN_DRAWN = 1e-9


def measurement_tables(evidence: Sequence[Evidence]) -> list[Table]:
    """Return the measurements: one table per set of value names, one row per measurement, arm and evidence file."""
    kinds: dict[tuple[str, ...], list[tuple[Evidence, Measurement]]] = {}
    for file in evidence:
        for measurement in file.measurements:
            kinds.setdefault(tuple(measurement.values), []).append((file, measurement))
    tables = [_measurement_table(names, rows) for names, rows in list(kinds.items())[:MAX_TABLES]]
    return _with_omitted(tables, len(kinds), "kinds of measurement")


def _measurement_table(names: tuple[str, ...], rows: Sequence[tuple[Evidence, Measurement]]) -> Table:
    columns = names[:MAX_COLUMNS]
    more = f" ({len(names) - len(columns):,} more values left out)" if len(names) > len(columns) else ""
    ids = dict.fromkeys(measurement.id for _, measurement in rows)
    keys = (Column("Evidence"), Column("Measurement"), Column("Version"), Column("n", right=True))
    return Table(
        title=", ".join(ids)[:120] + more,
        columns=(*keys, *(Column(name, right=True) for name in columns)),
        rows=[
            (
                (Code(evidence_label(file.command, file.leg), 80),),
                (Code(measurement.id, 60),),
                (Text(measurement.arm, 40),),
                (Words(numbers.count(measurement.n)),),
                *(
                    (Words(numbers.number(measurement.values[name], numbers.unit_scale(measurement.unit))),)
                    for name in columns
                ),
            )
            for file, measurement in rows
        ],
    )


def details_tables(evidence: Sequence[Evidence]) -> list[Table]:
    """Return the details of the evidence that no other section shows.

    Lists of rows become tables; everything else is in one table of settings per evidence file. Empty values and columns
    are left out.
    """
    tables: list[Table] = []
    for file in evidence:
        label = evidence_label(file.command, file.leg)
        settings: list[tuple[Cell, ...]] = []
        for name, value in _entries(file.details):
            if isinstance(value, list) and all(isinstance(row, dict) for row in value):
                tables.append(_rows_table(f"{label}: {name}"[:120], value))
            else:
                settings.append(((Code(name, 100),), (Text(_json_text(value), 300),)))
        if isinstance(file.details, CapacityDetails):
            tables.append(_curve_table(f"{label}: curve", file.details))
        if settings:
            columns = (Column("Setting"), Column("Value"))
            tables.append(Table(title=f"{label}: settings", columns=columns, rows=settings))
    tables = [table for table in tables if table.columns]
    return _with_omitted(tables[:MAX_TABLES], len(tables), "tables")


def _entries(details: Details | None) -> Iterator[tuple[str, Any]]:
    """Yield the plain values of the details that are not empty, by name."""
    if isinstance(details, RegressionDetails):
        details = without_tables(details)
    if isinstance(details, CapacityDetails):
        details = msgspec.structs.replace(details, curve=[])
    if isinstance(details, LatencyCommon):
        details = msgspec.structs.replace(details, over_time=None)  # the page draws it
    if isinstance(details, ShadowDetails):
        details = msgspec.structs.replace(details, examples=[])  # stand side by side in a separate section
    if isinstance(details, SyntheticDetails):
        details = msgspec.structs.replace(details, failures=[])
    if details is None:
        return
    fields = msgspec.to_builtins(details)
    fields.pop(details.__struct_config__.tag_field)
    yield from ((name, value) for name, value in _split(fields) if not _is_empty(value))


def _split(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each field; an object is replaced by its own fields, whose names are joined with a dot."""
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from ((f"{name}.{inner}", inner_value) for inner, inner_value in value.items())
        else:
            yield name, value


def _rows_table(title: str, objects: Sequence[Mapping[str, Any]], chart: CapacityCurve | None = None) -> Table:
    rows = [dict(_split(row)) for row in objects]
    names = list(dict.fromkeys(name for row in rows for name, value in row.items() if not _is_empty(value)))
    columns = names[:MAX_COLUMNS]
    numeric = {name: all(_is_number(row.get(name)) for row in rows) for name in columns}
    more = f" ({len(names) - len(columns):,} more columns left out)" if len(names) > len(columns) else ""
    return Table(
        title=title + more,
        columns=tuple(Column(name, right=numeric[name]) for name in columns),
        rows=[tuple((Text(_json_text(row.get(name)), 120),) for name in columns) for row in rows],
        chart=chart,
    )


def _curve_table(title: str, details: CapacityDetails) -> Table:
    # The rate comes first, although the struct inherits its other numbers.
    rows = [{"rate": point.rate, "standing": point.standing} | msgspec.to_builtins(point) for point in details.curve]
    return _rows_table(title, rows, _capacity_chart(details))


def _capacity_chart(details: CapacityDetails) -> CapacityCurve | None:
    """Return response times by rate; None if the curve has fewer than two points that can be drawn, or too many."""
    drawable = [(rate, point) for point in details.curve if (rate := _positive(point.rate))]
    points = sorted(drawable, key=lambda pair: pair[0])
    if not 2 <= len(points) <= MAX_POINTS:
        return None
    limits = list(details.settings.objectives.quantiles.items())[:MAX_LIMITS]
    return CapacityCurve(
        rates=[rate for rate, _ in points],
        lines={
            "p99": [_positive(point.p99_ms) for _, point in points],
            "p95": [_positive(point.p95_ms) for _, point in points],
            "p50": [_positive(point.p50_ms) for _, point in points],
        },
        limits={name: 1e3 * limit for name, seconds in limits if (limit := _positive(seconds))},
        low=_positive(details.result.low),
        high=_positive(details.result.high),
    )


def _positive(value: float | None) -> float | None:
    """Return a number that has a place on an axis that starts at zero; None for any other."""
    number = numbers.finite(value)
    return number if number is not None and number > _MIN_DRAWN else None


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [], {})


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _json_text(value: object) -> str:
    if value is None:
        return numbers.MISSING
    if isinstance(value, float):
        return numbers.plain(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return numbers.count(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _with_omitted(tables: list[Table], total: int, content: str) -> list[Table]:
    if total <= len(tables):
        return tables
    return [*tables, Table(title=f"{total - len(tables):,} more {content}", columns=(Column(""),), rows=[])]


def provenance_tables(verdict: Verdict, evidence: Sequence[Evidence]) -> list[Table]:
    """Return the evidence files with their digests, and the provenance of each measurement."""
    files: list[tuple[Cell, ...]] = [
        (
            (Code(file.file, 120),),
            (Mark(file.outcome),),
            (Code(f"sha256:{file.sha256}" if file.sha256 else numbers.MISSING, 80),),
        )
        for file in sorted(verdict.evidence, key=lambda file: -file.outcome.severity)
    ]
    fingerprints: list[tuple[Cell, ...]] = [
        ((Code(evidence_label(file.command, file.leg), 80),), (Code(name, 60),), (Code(value, 90),))
        for file in evidence
        for name, value in file.provenance.fingerprints.items()
    ]
    tables = [
        Table(title="Files", columns=(Column("File"), Column("Counted as"), Column("Digest")), rows=files),
        Table(title="Runs", columns=_RUN_COLUMNS, rows=[_run_row(file) for file in evidence]),
        Table(
            title="Fingerprints",
            columns=(Column("Evidence"), Column("Of"), Column("Fingerprint")),
            rows=fingerprints,
        ),
    ]
    return [table for table in tables if table.rows]


_RUN_COLUMNS = (
    Column("Evidence"),
    Column("Started"),
    Column("Duration"),
    Column("Seed"),
    Column("Run / attempt"),
    Column("ghmlops"),
)


def _run_row(file: Evidence) -> tuple[Cell, ...]:
    origin = file.provenance
    return (
        (Code(evidence_label(file.command, file.leg), 80),),
        (Text(origin.started or numbers.MISSING, 40),),
        (Words(numbers.duration(origin.seconds)),),
        (Words(numbers.MISSING if origin.seed is None else format_value(origin.seed)),),
        (Text(origin.run_id or numbers.MISSING, 30), Words(f" / {numbers.count(origin.run_attempt)}")),
        (Text(origin.version or numbers.MISSING, 30),),
    )
