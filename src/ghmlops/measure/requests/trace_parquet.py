"""Reads recordings in Parquet files; the number of a row takes the place of a line number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS
from ghmlops.measure.requests.trace_source import Source, attempt, column_hint

if TYPE_CHECKING:
    from ghmlops.measure.requests.trace_source import Stamp, Stamps

    _Settings = dict[str, str | bool | int | float | list[str]]

_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "DOUBLE",
)
"""DuckDB types of columns that may contain times since 1970."""


def read_parquet(source: Source) -> Stamps:
    import duckdb

    path, display_name, time = source.path, source.display_name, source.time
    if any(c in str(path) for c in "*?["):  # DuckDB would expand them as a glob pattern.
        raise DataError(f"{display_name}: the path contains `*`, `?` or `[`", hint="rename or move the file")
    quoted = '"' + time.replace('"', '""') + '"'
    try:
        # A single thread preserves the order of the file.
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "memory_limit": "1GB",
            "disabled_optimizers": STATISTICS_OPTIMIZERS,
        }
        with duckdb.connect(config=settings) as engine:
            rows = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            kind = _timestamp_kind({name: kind for name, kind, *_ in rows}, time, display_name)
            value = f"epoch_us({quoted})" if kind else quoted
            cursor = engine.execute(f"SELECT {value} FROM read_parquet(?)", [str(path)])  # noqa: S608  (quoted)
            number = 0
            while batch := cursor.fetchmany(10_000):
                for (stamp,) in batch:
                    number += 1
                    yield _parquet_stamp(source, number, stamp, kind)
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0].replace(str(path), display_name)
        raise DataError(
            f"{display_name}: cannot be read as Parquet ({reason})", hint="check that the file is complete"
        ) from None


def _timestamp_kind(types: dict[str, str], time: str, display_name: str) -> str:
    """Return the type of a column of timestamps; empty if it contains numbers or text.

    Raises:
        DataError: There is no such column, or its type cannot represent a time of day.
    """
    if time not in types:
        raise DataError(f"{display_name}: no column `{time}`", hint=column_hint(time, list(types)))
    kind = types[time]
    if kind.startswith("TIMESTAMP"):
        return kind
    if kind not in (*_NUMBERS, "VARCHAR") and not kind.startswith("DECIMAL"):
        raise DataError(
            f"{display_name}: column `{time}` has the type {kind}, which is not a timestamp",
            hint="write it as TIMESTAMP, as a number since 1970 (DOUBLE or BIGINT), or as ISO 8601 text",
        )
    return ""


def _parquet_stamp(source: Source, number: int, value: object, kind: str) -> tuple[int, Stamp]:
    if not kind:
        return source.stamp(number, value)
    if not isinstance(value, int):
        return number, "null or infinite"
    parser = source.parser
    convert = parser.instant if kind == "TIMESTAMP WITH TIME ZONE" else parser.local
    return attempt(source, number, lambda: convert(value)) or (number, "null or infinite")
