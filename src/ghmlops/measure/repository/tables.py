"""Facts about a Parquet file: rows, types, distinct values and ranges of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.core.adoption.facts import Column, Table
from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.parquet_file import check_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.adoption.facts import Kind

MAX_COLUMNS = 100
"""Columns whose values are counted; more of them are features and not results of a model."""
MAX_VALUES = 50
"""Distinct values up to which they are listed: classes of a label."""
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def read_rows(path: Path) -> int:
    """Return the number of rows that the file's footer states.

    Raises:
        DataError: It is not a Parquet file.
    """
    rows: int = _query(path, path.name, "SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata($1)")[0][0]
    return int(rows)


def read_table(path: Path, name: str) -> Table:
    """Return the facts about a Parquet file.

    Args:
        path: the file.
        name: its path relative to the repository.

    Raises:
        DataError: It is not a Parquet file, or a pointer of Git LFS in its place.
    """
    check_bytes(path, name)
    described = _query(path, name, "DESCRIBE SELECT * FROM read_parquet($1, hive_partitioning=false)")[:MAX_COLUMNS]
    kinds = [(str(row[0]), _kind(str(row[1]))) for row in described]
    parts = ["count(*)"]
    for column, kind in kinds:
        quoted = '"' + column.replace('"', '""') + '"'
        distinct = "-1" if kind in ("vector", "other") else f"count(DISTINCT {quoted})"
        number = kind in ("integer", "number")
        length = f"len({quoted})" if kind == "vector" else "0"
        finite = f"CASE WHEN isfinite({quoted}::DOUBLE) THEN {quoted}::DOUBLE END" if number else "NULL::DOUBLE"
        parts += [distinct, f"count(*) - count({quoted})", f"min({finite})", f"max({finite})"]
        parts += [f"min({length})", f"max({length})"]
    row = _query(path, name, f"SELECT {', '.join(parts)} FROM read_parquet($1, hive_partitioning=false)")[0]  # noqa: S608
    columns = []
    for index, (column, kind) in enumerate(kinds):
        distinct, nulls, low, high, shortest, longest = row[1 + 6 * index : 7 + 6 * index]
        columns.append(
            Column(
                name=column,
                kind=kind,
                distinct=distinct,
                nulls=nulls,
                low=low,
                high=high,
                values=_values(path, name, column)
                if 0 < distinct <= MAX_VALUES and kind not in ("time", "number")
                else (),
                length=longest if shortest == longest and longest else 0,
            )
        )
    return Table(path=name, rows=row[0], columns=tuple(columns))


def _values(path: Path, name: str, column: str) -> tuple[str, ...]:
    quoted = '"' + column.replace('"', '""') + '"'
    sql = f"SELECT DISTINCT {quoted} AS v FROM read_parquet($1, hive_partitioning=false) WHERE v IS NOT NULL ORDER BY v"  # noqa: S608
    return tuple(str(row[0]) for row in _query(path, name, sql))


def _kind(text: str) -> Kind:
    if text.endswith("]"):
        return "vector" if text.startswith(("FLOAT", "DOUBLE", "DECIMAL", *_INTEGERS)) else "other"
    if text in _INTEGERS:
        return "integer"
    if text.startswith(("FLOAT", "DOUBLE", "DECIMAL")):
        return "number"
    if text.startswith(("TIMESTAMP", "DATE")):
        return "time"
    if text == "BOOLEAN":
        return "boolean"
    return "text" if text.startswith(("VARCHAR", "ENUM", "UUID")) else "other"


def _query(path: Path, name: str, sql: str) -> list[tuple[Any, ...]]:
    import duckdb

    from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS

    with duckdb.connect(config={"disabled_optimizers": STATISTICS_OPTIMIZERS}) as session:
        try:
            return session.execute(sql, [str(path)]).fetchall()
        except duckdb.Error as error:
            raise DataError(
                f"{name}: cannot be read as Parquet: {str(error).splitlines()[0][:200]}",
                hint="write it again, or move it out of the repository",
            ) from None
