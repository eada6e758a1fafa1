# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Reads logs in Parquet, CSV or JSONL files: per interval the number of rows, a statistic, and the failed rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.engine.open import restricted_connection
from ghmlops.measure.temporary import temporary_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.production.watch import Log

MAX_FILES = 10_000
MEMORY = 512 * 1024**2
"""Bytes of memory for one metric."""
_READERS = {
    ".parquet": "read_parquet([{files}], union_by_name = true{options})",
    ".csv": "read_csv([{files}], union_by_name = true, header = true, auto_detect = true{options})",
    ".jsonl": "read_json([{files}], format = 'newline_delimited', union_by_name = true{options})",
}
_JSONL_AT_ONCE = 8
"""JSONL files whose columns are found together: DuckDB holds 32 MiB for each, however small, and `MEMORY` would be too
little for 16."""
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "FLOAT", "DOUBLE")
_SPELLINGS = {".csv.gz": ".csv", ".jsonl.gz": ".jsonl", ".ndjson": ".jsonl", ".ndjson.gz": ".jsonl", ".pq": ".parquet"}
_AGGREGATES = {
    "mean": "avg(value)",
    "max": "max(value)",
    "count": "count(*)",
    "failed": "avg(failed)",
    "nulls": "avg(missing)",
    "estimated-accuracy": "avg(CASE WHEN value BETWEEN 0 AND 1 THEN greatest(value, 1.0 - value) END)",
    **{f"p{q}": f"quantile_cont(value, {q / 100})" for q in (50, 90, 95, 99)},
}
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_PLAUSIBLE = (631_152_000, 4_102_444_800)
"""Seconds since 1970 of the years 1990 to 2099; in another unit the same numbers lie outside these years."""
FAR = 1e15
"""Seconds since 1970 later than any time of a log."""


class LogInterval(NamedTuple):
    """The rows of one interval. `value` is `None` without a value, `failed` 0 without a column of failures."""

    time: int
    rows: int
    value: float | None
    failed: int


class LogContent(NamedTuple):
    """The intervals in the order of time, and how many rows had no readable time."""

    intervals: list[LogInterval]
    undated: int


def read_log(root: Path, log: Log, since: float, until: float = FAR) -> LogContent:
    """Return the intervals since a time in seconds since the epoch.

    Args:
        root: folder to which the files are relative.
        log: what is read.
        since: start; rows before it are not read.
        until: time of the evaluation; what later rows are compared with does not depend on them.

    Raises:
        DataError: No file matches, a file cannot be read, or a column does not exist or has another type.
    """
    files, kind = _files(root, log.files)
    with temporary_folder("ghmlops-watch-") as temporary:
        folder = temporary.resolve()
        links = [folder / f"{index}{kind}{'.gz' if file.suffix == '.gz' else ''}" for index, file in enumerate(files)]
        for link, file in zip(links, files, strict=True):
            link.symlink_to(file.resolve())  # DuckDB reads `*` and `[` in a path as a pattern
        # In the main thread, DuckDB would intercept signals while it connects.
        with ThreadPoolExecutor(max_workers=1) as worker:
            targets = [file.resolve() for file in files]
            connection = worker.submit(restricted_connection, folder, targets, MEMORY).result()
        try:
            names = {str(link): str(file.relative_to(root)) for link, file in zip(links, files, strict=True)}
            query = _Query(connection, names)
            source = _jsonl_source(query, list(names)) if kind == ".jsonl" else _reader(kind, list(names))
            return _read(query, log, source, (since, until))
        finally:
            connection.close()


def _files(root: Path, pattern: str) -> tuple[list[Path], str]:
    """Return the files of a pattern, and the extension that names their reader."""
    base = root.resolve()
    files = sorted(file for file in root.glob(pattern) if file.is_file())
    if not files:
        raise DataError(f"watch: no file matches {pattern}", hint="`files` is relative to the working directory")
    if len(files) > MAX_FILES:
        raise DataError(f"watch: {len(files):,} files match {pattern}, more than {MAX_FILES:,}", hint="merge them")
    for file in files:
        if not file.resolve().is_relative_to(base):
            raise DataError(f"watch: {file.relative_to(root)} is a link out of the folder", hint="copy the file")
    kinds = {_kind(file) for file in files}
    if len(kinds) > 1 or "" in kinds:
        raise DataError(
            f"watch: {pattern} matches files of several or unknown formats",
            hint="name .parquet, .csv, .csv.gz, .jsonl or .jsonl.gz in `files`",
        )
    return files, kinds.pop()


def _kind(file: Path) -> str:
    name = file.name.lower()
    spelling = next((end for end in (*_SPELLINGS, *_READERS) if name.endswith(end)), "")
    return _SPELLINGS.get(spelling, spelling)


class _Query(NamedTuple):
    """A connection, and the names that a person knows for the links that it reads."""

    connection: duckdb.DuckDBPyConnection
    names: dict[str, str]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query.

        Raises:
            DataError: A file cannot be read.
        """
        try:
            return self.connection.execute(sql).fetchall()
        except duckdb.Error as error:
            text = str(error).splitlines()[0][:300]
            for link, name in self.names.items():
                text = text.replace(link, name)
            raise DataError(
                f"watch: a log cannot be read: {text}", hint="is the file complete, and of the format of its name?"
            ) from None


def _reader(kind: str, files: list[str], options: str = "") -> str:
    return _READERS[kind].format(files=", ".join(literal(file) for file in files), options=options)


def _jsonl_source(query: _Query, files: list[str]) -> str:
    """Return the SQL that reads JSONL files with the columns of all of them.

    Raises:
        DataError: A file cannot be read.
    """
    types: dict[str, str] = {}
    for start in range(0, len(files), _JSONL_AT_ONCE):
        part = _reader(".jsonl", files[start : start + _JSONL_AT_ONCE])
        for name, kind, *_ in query.rows(f"DESCRIBE SELECT * FROM {part}"):
            types[str(name)] = _common_type(types.get(str(name), str(kind)), str(kind))
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    return _reader(".jsonl", files, f", columns = {{{columns}}}")


def _common_type(first: str, second: str) -> str:
    """Return the type of a column that has these types in two files; what is nested stays JSON."""
    if any("(" in kind or kind.endswith("[]") or kind == "JSON" for kind in (first, second)):
        return "JSON"
    if first == second:
        return first
    return "DOUBLE" if first in _NUMBERS and second in _NUMBERS else "VARCHAR"


def _read(query: _Query, log: Log, source: str, time: tuple[float, float]) -> LogContent:
    since, until = time
    types = {str(name): str(kind) for name, kind, *_ in query.rows(f"DESCRIBE SELECT * FROM {source}")}
    for column in filter(None, (log.time, log.value, log.failed)):
        if column not in types:
            raise DataError(
                f'watch: {log.files} has no column "{column}"', hint=f"columns: {', '.join(sorted(types)[:12])}"
            )
    seconds = _seconds(query, source, log, types[log.time])
    value = f"TRY_CAST({identifier(log.value)} AS DOUBLE)" if log.value else "NULL::DOUBLE"
    boolean = f"TRY_CAST({identifier(log.failed)} AS BOOLEAN)"
    # Not a cast to INTEGER: DuckDB moves it into its CSV reader, which then refuses `true`.
    failed = f"CASE WHEN {boolean} THEN 1 WHEN NOT {boolean} THEN 0 END" if log.failed else "NULL::INTEGER"
    missing = f"CASE WHEN {identifier(log.value)} IS NULL OR isnan({value}) THEN 1 ELSE 0 END" if log.value else "NULL"
    rows = f"SELECT {seconds} AS seconds, {value} AS number, {failed} AS failed, {missing} AS missing FROM {source}"
    finite = f"SELECT seconds, CASE WHEN isfinite(number) THEN number END AS value, failed, missing FROM ({rows})"
    every = int(log.every)
    undated = query.rows(f"SELECT count(*) FROM ({rows}) WHERE seconds IS NULL")[0][0]
    if log.statistic in ("unseen", "drift"):
        # In a module of its own: only these two compare the rows with older ones.
        from ghmlops.measure.telemetry.log_drift import drift_intervals

        compared = drift_intervals(query.rows, source, log, types[log.value], seconds, since, until)
        return LogContent([LogInterval(time, n, value, 0) for time, n, value in compared], int(str(undated)))
    intervals = query.rows(
        f"SELECT CAST(floor(seconds / {every}) AS BIGINT) * {every} AS time, count(*), {_AGGREGATES[log.statistic]}, "
        f"coalesce(sum(failed), 0) FROM ({finite}) WHERE seconds >= {float(since)!r} GROUP BY 1 ORDER BY 1"
    )
    return LogContent(
        [
            LogInterval(int(str(time)), int(str(n)), None if v is None else float(str(v)), int(str(f)))
            for time, n, v, f in intervals
        ],
        int(str(undated)),
    )


def _seconds(query: _Query, source: str, log: Log, kind: str) -> str:
    """Return the SQL of a row's time in seconds since the epoch.

    Raises:
        DataError: Numbers of the column are times in several units, or in none.
    """
    column = identifier(log.time)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"epoch({column})"
    if kind == "VARCHAR":
        return f"epoch(TRY_CAST({column} AS TIMESTAMP))"
    number = f"TRY_CAST({column} AS DOUBLE)"
    low, high = _PLAUSIBLE
    counts = query.rows(
        "SELECT "
        + ", ".join(f"count(*) FILTER ({number} BETWEEN {low * f!r} AND {high * f!r})" for f in _UNITS.values())
        + f" FROM {source}"
    )[0]
    units = [unit for unit, count in zip(_UNITS, counts, strict=True) if count]
    if len(units) != 1:
        raise DataError(
            f'watch: column "{log.time}" of {log.files} has times in '
            + (" and ".join(units) if units else "no unit: no value is of the years 1990 to 2099"),
            hint="write seconds, ms, us or ns since 1970 in UTC, or ISO 8601, in all rows",
        )
    factor = _UNITS[units[0]]
    # A 0 or NaN where the time is not known is no time of 1970, and not in any unit.
    return f"(CASE WHEN {number} BETWEEN {low * factor!r} AND {high * factor!r} THEN {number} / {factor!r} END)"
