# ruff: noqa: S608  (every name in the SQL is ours, every path and text is quoted by `literal`)
"""Reads logs of live requests once: what the policy names goes into a private table, everything else is left behind."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.privacy import find_secrets
from ghmlops.measure.predictions.engine.dialect import literal
from ghmlops.measure.predictions.engine.open import restricted_connection
from ghmlops.measure.requests.lines import read_lines
from ghmlops.measure.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ghmlops.core.policy.production.harvest import Traffic

MAX_FILES = 10_000
MEMORY = 256 * 1024**2
"""Bytes of memory of the engine; what does not fit is spilled to disk."""
MAX_LINE = 16 * 1024**2
"""Bytes of a line."""
MAX_UNREADABLE = 0.01
"""Share of the lines that may be unreadable."""
_QUOTE, _ESCAPE = '"', "\\"
_DICTIONARY = 1_000
"""Distinct values up to which the private table stores each value once; for identifiers that costs only time."""
_PER_SECOND = (1.0, 1e3, 1e6, 1e9)
"""Units of times that are numbers: s, ms, us, ns."""
_PLAUSIBLE = (631_152_000, 4_102_444_800)
"""Seconds since 1970 of the years 1990 to 2099; in another unit the same numbers lie outside these years.

A time before them, as the zero of a clock that was never set, is none, and later ones are in the future."""


class Lines(NamedTuple):
    """The lines of the logs that do not count, by reason, and the name of the first that is no JSON object."""

    total: int
    broken: int
    without_id: int
    without_time: int
    future: int
    first_broken: str = ""

    @property
    def unreadable(self) -> int:
        """Number of lines that could not be read as a request."""
        return self.broken + self.without_id + self.without_time


class LogTable:
    """The requests of the logs in a private table.

    The table has the columns `problem` (empty for a request), `key` (random key of the identifier), `line` (hash of the
    line), `id`, `client`, `seconds`, `file`, `score`, and `f0`, `f1` and so on: the JSON
    of each field.

    Args:
        connection: connection that can read nothing but the logs and its private folder.
        source: SQL of the table.
        folder: private folder.
        others: further files by name, as paths that the connection can read.
        field_count: number of fields.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        folder: Path,
        others: Mapping[str, str],
        field_count: int,
    ) -> None:
        self._connection = connection
        self.others = others
        self.field_count = field_count
        self.source = source
        self.folder = folder

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query; no message contains a value of the logs.

        Raises:
            DataError: The query cannot be executed.
        """
        return _execute(self._connection, sql).fetchall()


def _execute(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    try:
        return connection.execute(sql)
    except duckdb.Error as error:
        # Only the kind: the text of the error may quote a line of the log.
        raise DataError(
            f"harvest: the logs cannot be read ({type(error).__name__})",
            hint="are the files complete JSON Lines with lines of at most 16 MiB, and is there space on the disk?",
        ) from None


@contextlib.contextmanager
def open_logs(
    root: Path, traffic: Traffic, fields: tuple[str, ...], seed: int, others: Mapping[str, Path] | None = None
) -> Iterator[LogTable]:
    """Read the logs into a private table, which is removed at the end of the block.

    Args:
        root: folder to which the files are relative.
        traffic: where the logs and the parts of a line are.
        fields: paths in the body that are taken.
        seed: seed of the random keys.
        others: further files by name, which the table can read.

    Raises:
        DataError: No file matches, or a file cannot be read.
    """
    files = _files(root, traffic.files)
    with temporary_folder("ghmlops-harvest-") as temporary:
        folder = temporary.resolve()
        links = [folder / f"{n}.jsonl{'.gz' if file.suffix == '.gz' else ''}" for n, file in enumerate(files)]
        more = {name: folder / f"{name}{file.suffix}" for name, file in (others or {}).items()}
        for link, file in zip([*links, *more.values()], [*files, *(others or {}).values()], strict=True):
            link.symlink_to(file.resolve())  # DuckDB reads `*` and `[` in a path as a pattern
        # In the main thread, DuckDB would intercept signals while it connects.
        with ThreadPoolExecutor(max_workers=1) as worker:
            targets = [file.resolve() for file in (*files, *(others or {}).values())]
            connection = worker.submit(restricted_connection, folder, targets, MEMORY).result()
        try:
            table = folder / "requests.parquet"
            sources = ", ".join(literal(str(link)) for link in links)
            _execute(connection, _staging_sql(sources, traffic, fields, seed, str(table)))
            paths = {name: str(link) for name, link in more.items()}
            yield LogTable(connection, f"read_parquet({literal(str(table))})", folder, paths, len(fields))
        finally:
            connection.close()


def _staging_sql(sources: str, traffic: Traffic, fields: tuple[str, ...], seed: int, table: str) -> str:
    body = f"{traffic.body}." if traffic.body else ""
    score = traffic.score or traffic.id
    paths = [
        traffic.id,
        traffic.time,
        traffic.client or traffic.id,
        score,
        *(body + f.removesuffix(".*") for f in fields),
    ]
    listed = ", ".join(literal(_pointer(path)) for path in paths)
    seconds = seconds_sql("moment")
    score_sql = f"TRY_CAST({_text_sql('parts[4]')} AS DOUBLE)" if traffic.score else "NULL::DOUBLE"
    # One column per field, so that a query reads the fields that it needs.
    columns = "".join(f", parts[{5 + number}] AS {field_column(number)}" for number in range(len(fields)))
    # An identifier is a text or a number, and never empty.
    identifier = (
        f"CASE WHEN {_starts('parts[1]', _QUOTE)} OR json_type(parts[1]) IN ('UBIGINT', 'BIGINT') "
        f"THEN nullif({_text_sql('parts[1]')}, '') END"
    )
    return (
        f"COPY (WITH lines AS (SELECT json, filename, json_extract(json, [{listed}]) AS parts FROM "
        f"read_ndjson_objects([{sources}], ignore_errors = true, filename = true, maximum_object_size = {MAX_LINE})), "
        f"texts AS (SELECT *, {_text_sql('parts[2]')} AS moment FROM lines), "
        f"requests AS (SELECT *, {identifier} AS id, {seconds} AS seconds FROM texts) "
        f"SELECT CASE WHEN json IS NULL OR NOT ({_starts('json', '{')} OR json_type(json) = 'OBJECT') THEN 'broken' "
        "WHEN id IS NULL THEN 'id' WHEN seconds IS NULL THEN 'time' END AS problem, "
        f"md5_number_lower(id || '|{seed}') AS key, hash(json) AS line, id, "
        f"{_text_sql('parts[3]') if traffic.client else 'NULL::VARCHAR'} AS client, "
        "seconds, filename AS file, "
        f"{score_sql} AS score{columns} FROM requests) "
        f"TO {literal(table)} (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT {_DICTIONARY})"
    )


def _starts(json: str, character: str) -> str:
    """Return the SQL of whether a JSON value starts with a character: its type without parsing it once more."""
    return f"starts_with(CAST({json} AS VARCHAR), {literal(character)})"


def _text_sql(json: str) -> str:
    """Return the SQL of what `->> '$'` gives, which parses a JSON value once more only if it is a text with escapes."""
    raw = f"CAST({json} AS VARCHAR)"
    return (
        f"CASE WHEN NOT {_starts(json, _QUOTE)} THEN nullif({raw}, 'null') WHEN contains({raw}, {literal(_ESCAPE)}) "
        f"THEN {json} ->> '$' ELSE substring({raw}, 2, length({raw}) - 2) END"
    )


def seconds_sql(text: str) -> str:
    """Return the SQL of the seconds since 1970 of a time, a number or ISO 8601; null if the text is no time.

    Args:
        text: SQL of the text.
    """
    number, time = f"TRY_CAST({text} AS DOUBLE)", f"epoch(TRY_CAST({text} AS TIMESTAMPTZ))"
    low, high = _PLAUSIBLE
    units = " ".join(f"WHEN {number} BETWEEN {low * f!r} AND {high * f!r} THEN {number} / {f!r}" for f in _PER_SECOND)
    return f"CASE {units} WHEN isfinite({time}) AND {time} >= {low} THEN {time} END"


def field_column(number: int) -> str:
    """Return the column of a field of the policy, by its number."""
    return f"f{number}"


def fields_sql(count: int, prefix: str = "") -> str:
    """Return the SQL of a list with the JSON of all fields of a row."""
    return f"[{', '.join(prefix + field_column(number) for number in range(count))}]"


def _pointer(path: str) -> str:
    """Return a path of keys as a JSON pointer."""
    return "/" + path.replace(".", "/")


def count_lines(table: LogTable, root: Path, traffic: Traffic, now: float) -> Lines:
    """Count the lines that are no requests.

    Args:
        table: the requests.
        root: folder to which the files are relative.
        traffic: where the logs are.
        now: time in seconds since the epoch; later requests do not count.

    Raises:
        DataError: There is no request, or too many lines are unreadable.
    """
    ((total, broken, ids, times, future, first),) = table.rows(
        "SELECT count(*), count(*) FILTER (problem = 'broken'), count(*) FILTER (problem = 'id'), "
        "count(*) FILTER (problem = 'time'), "
        f"count(*) FILTER (problem IS NULL AND seconds > {now!r}), min(file) FILTER (problem = 'broken') "
        f"FROM {table.source}"
    )
    files = _files(root, traffic.files)
    name = _first_broken(root, files[_index(str(first))]) if first else ""
    lines = Lines(_int(total), _int(broken), _int(ids), _int(times), _int(future), name)
    if lines.total - lines.unreadable - lines.future <= 0:
        raise DataError(
            f"harvest: none of {lines.total:,} lines in {traffic.files} is a request with `{traffic.id}` and "
            f"`{traffic.time}` ({_reasons(lines)})",
            hint="correct `traffic.id` and `traffic.time` in the policy",
        )
    if lines.unreadable > MAX_UNREADABLE * lines.total:
        raise DataError(
            f"harvest: {lines.unreadable:,} of {lines.total:,} lines in {traffic.files} are unreadable "
            f"({_reasons(lines)}), more than {MAX_UNREADABLE:.0%}",
            hint="fix or remove them: a sample of what is left would not be one of the traffic",
        )
    return lines


def _int(value: object) -> int:
    return int(str(value))


def _reasons(lines: Lines) -> str:
    where = f", the first at {lines.first_broken}" if lines.first_broken and _is_public(lines.first_broken) else ""
    return (
        f"{lines.broken:,} are no JSON object{where}; {lines.without_id:,} have no identifier; "
        f"{lines.without_time:,} have no readable time; {lines.future:,} are in the future"
    )


def _is_public(name: str) -> bool:
    """Return whether the name of a log may be in a message: it may be that of a customer."""
    return not any(find_secrets(name))


def _index(link: str) -> int:
    return int(link.rsplit("/", 1)[-1].partition(".")[0])


def _first_broken(root: Path, file: Path) -> str:
    """Return name and number of the first line of a file that is no JSON object."""
    import msgspec

    name = str(file.relative_to(root))
    for number, line in read_lines(file, name if _is_public(name) else "harvest: a log"):
        try:
            if isinstance(msgspec.json.decode(line), dict):
                continue
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        return f"{name}:{number}"
    return name


def _files(root: Path, pattern: str) -> list[Path]:
    base = root.resolve()
    files = sorted(file for file in root.glob(pattern) if file.is_file())
    if not files:
        raise DataError(f"harvest: no file matches {pattern}", hint="`files` is relative to the working directory")
    if len(files) > MAX_FILES:
        raise DataError(f"harvest: {len(files):,} files match {pattern}, more than {MAX_FILES:,}", hint="merge them")
    for number, file in enumerate(files, 1):
        if not file.resolve().is_relative_to(base):
            raise DataError(f"harvest: file {number} of {pattern} is a link out of the folder", hint="copy the file")
    return files
