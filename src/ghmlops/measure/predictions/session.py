# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""One DuckDB session that sees nothing but the artifacts, is bounded in memory, can be interrupted and cleans up."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import numpy as np

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifact import check_bytes, check_footer
from ghmlops.measure.predictions.dialect import Dialect, literal
from ghmlops.measure.predictions.pages import Chunk, Pages, check_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ghmlops.measure.predictions.source import Source

T = TypeVar("T")
_SPILL, _SPILL_PER_ROW = 512 * 1024**2, 300
_NUDGE = 0.05
"""Seconds between two requests to stop a query."""


class TooLargeError(InputError):
    """A result does not fit into the memory limit and the disk that goes with it."""


class Session:
    """Queries over the artifacts, each named in SQL by its role: `read_parquet` of links in a private folder."""

    dialect = Dialect()
    name = f"duckdb-{'.'.join(duckdb.__version__.split('.')[:2])}"
    """The engine, as far as a hash depends on it."""
    _failures: tuple[type[Exception], ...] = (duckdb.Error,)

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, sources: Mapping[str, Source]) -> None:
        self._connection = connection
        self._folder = folder
        self._sources = dict(sources)
        self._busy, self._closed = threading.Lock(), False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="duckdb")

    @property
    def roles(self) -> tuple[str, ...]:
        """`baseline`, `candidate` and, where there is one, `labels`."""
        return tuple(self._sources)

    def shown(self, role: str) -> str:
        """Return how messages call the artifact."""
        return self._sources[role].shown

    def hive(self, role: str) -> bool:
        """True where folders of the artifact are columns."""
        return self._sources[role].hive_root is not None

    def files(self, role: str) -> list[str]:
        """Return the links to the artifact's files."""
        source = self._sources[role]
        return [str(self._folder / role / source.inner(place)) for place in range(len(source.files))]

    def table(self, role: str) -> str:
        """Return the SQL that reads an artifact; values of partition folders are text, never cast."""
        hive = ", hive_partitioning = true, hive_types_autocast = false" if self.hive(role) else ""
        hive = hive or ", hive_partitioning = false"
        return f"read_parquet([{', '.join(literal(file) for file in self.files(role))}]{hive})"

    def types(self, role: str) -> dict[str, str]:
        """Return column to DuckDB type, in the order of the artifact. Raises as `rows`."""
        return {str(r[0]): str(r[1]) for r in self.rows(f"DESCRIBE SELECT * FROM {self.table(role)}")}

    def view(self, name: str, sql: str) -> None:
        """Give a query a name. Raises as `rows`."""
        self.script(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def store(self, name: str, sql: str) -> None:
        """Keep the result of a query under a name. Raises as `rows`."""
        self.script(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def load(self, name: str, columns: Mapping[str, np.ndarray], codes: Mapping[str, np.ndarray]) -> None:
        """Keep NumPy columns of one length under a name; `codes` hold the bits of hashes. Raises as `rows`."""
        given = {**columns, **{key: bits.view(np.uint64) for key, bits in codes.items()}}

        def copy() -> None:
            self._connection.register("given", given)
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM given")
            self._connection.unregister("given")

        self._run(copy)

    bounded = True
    """A query whose result grows beyond all bounds ends by itself: see `attempt`."""

    def attempt(self, name: str, sql: str) -> bool:
        """Keep the result of a query under a name, as `store`; false where it does not fit into memory and disk."""
        try:
            self.store(name, sql)
        except TooLargeError:
            return False
        return True

    def drop(self, name: str) -> None:
        """Forget what `store` kept."""
        self.script(f"DROP TABLE IF EXISTS {name}")

    def count(self, role: str) -> int:
        """Return how many rows an artifact holds. Raises as `rows`."""
        return int(self.row(f"SELECT count(*) AS n FROM {self.table(role)}")["n"])

    def pages(self, role: str) -> Pages:
        """Hold the pages of an artifact against their checksums. Raises as `rows`."""
        seen = unchecked = 0
        for link, file in zip(self.files(role), self._sources[role].files, strict=True):
            found = self.rows(
                "SELECT row_group_id, path_in_schema, least(data_page_offset, nullif(dictionary_page_offset, 0)) AS "
                "start, total_compressed_size "
                f"FROM parquet_metadata({literal(link)}) WHERE num_values > 0 ORDER BY start"
            )
            one = check_pages(file, self._sources[role].names(file), (Chunk(*row) for row in found))
            seen, unchecked = seen + one.chunks, unchecked + one.unchecked
        return Pages(chunks=seen, unchecked=unchecked)

    def rows(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query with bound `values` and return its rows.

        Raises:
            DataError: an artifact cannot be read.
            InputError: the memory limit is too small.
        """
        return self._run(lambda: self._connection.execute(sql, values or []).fetchall())

    def row(self, sql: str, values: list[Any] | None = None) -> dict[str, Any]:
        """Run a query that returns one row, and return it by column name. Raises as `rows`."""

        def fetch() -> dict[str, Any]:
            done = self._connection.execute(sql, values or [])
            names = [column[0] for column in done.description or []]
            found = done.fetchone()
            if found is None:
                raise ValueError("the query returned no row")
            return dict(zip(names, found, strict=True))

        return self._run(fetch)

    def columns(self, sql: str, values: list[Any] | None = None) -> dict[str, np.ndarray]:
        """Run a query and return NumPy columns by name. Raises as `rows`."""
        return self._run(lambda: self._connection.execute(sql, values or []).fetchnumpy())

    def fault(self, sql: str) -> str:
        """Return why the engine does not understand a query, without running it; empty where it does."""
        try:
            self.rows(f"EXPLAIN {sql}")
        except duckdb.Error as error:
            return str(error).split("\n", 1)[0]
        return ""

    def script(self, sql: str, values: list[Any] | None = None) -> None:
        """Run a statement for its effect. Raises as `rows`."""
        self.rows(sql, values)

    def _run(self, work: Callable[[], T]) -> T:
        """Run `work` beside the main thread, which stays free to hear a signal and then stops the query."""
        try:
            return self._worker.submit(self._alone, work).result()
        except self._failures as error:
            raise self._mended(error) from None
        except BaseException:
            self.close()
            raise

    def _alone(self, work: Callable[[], T]) -> T:
        with self._busy:
            if self._closed:
                raise CancelledError
            return work()

    def _mended(self, error: Exception) -> Exception:
        """Return the user's error for an engine's error; one that only a bug can cause is returned as it is."""
        text = str(error).split("\n", 1)[0]
        for role, source in self._sources.items():
            for link, file in zip(self.files(role), source.files, strict=True):
                text = text.replace(link, source.names(file))
        if isinstance(error, duckdb.OutOfMemoryException):
            return TooLargeError(f"the prediction diff ran out of memory or disk: {text}", hint="raise --memory-limit")
        bugs = duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException
        if isinstance(error, bugs | duckdb.InternalException):
            return error
        if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
            return DataError(f"a value cannot be used: {text}", hint="check the artifacts, and `metrics` in the policy")
        return DataError(f"a prediction artifact cannot be read: {text}", hint="write or download it again")

    def close(self) -> None:
        """Stop a query that is still running, and end the worker and the connection. May be called again."""
        self._closed = True
        while not self._busy.acquire(timeout=_NUDGE):  # a query that has only just begun does not hear the first call
            self._interrupt()
        self._busy.release()
        self._worker.shutdown(cancel_futures=True)
        self._connection.close()

    def _interrupt(self) -> None:
        """Ask the engine to stop what it is doing."""
        self._connection.interrupt()


@contextlib.contextmanager
def open_session(sources: Mapping[str, Source], memory: int) -> Iterator[Session]:
    """Open the artifacts by role. `memory` is the engine's limit in bytes.

    The engine can read nothing but the artifacts and its private folder, which holds what it spills and is always
    removed. Links with plain names lead to the artifacts, because the engine takes `*` and `[` in a path for a pattern.

    Raises:
        DataError: an artifact is missing, damaged, or promises more than one can hold; its files differ in their
            columns.
        InputError: the memory limit is too small, or there is no place for temporary files.
    """
    _check_names(sources)
    sizes = {
        role: sum(check_bytes(file, source.names(file)) for file in source.files) for role, source in sources.items()
    }
    with tempfile.TemporaryDirectory(prefix="ghmlops-regression-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        for role, source in sources.items():
            for place, file in enumerate(source.files):
                link = folder / role / source.inner(place)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.resolve())
        files = [file.resolve() for source in sources.values() for file in source.files]
        session = Session(_connect(folder, files, memory), folder, sources)
        try:
            for role, source in sources.items():
                _check_footer(session, role, sizes[role])
                if len(source.files) > 1:
                    _check_alike(session, role, source)
            session.script(f"SET max_temp_directory_size = '{_disk(session)}B'")
            session.script("SET lock_configuration = true")
            yield session
        finally:
            session.close()


def _check_names(sources: Mapping[str, Source]) -> None:
    for source in sources.values():
        for file in source.files:
            try:
                str(file).encode()
            except UnicodeEncodeError:
                raise DataError(
                    f"{source.shown}: the name of a file or folder is not UTF-8: {str(file)!a}", hint="rename it"
                ) from None


def _connect(folder: Path, files: list[Path], memory: int) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{max(memory // 1000, 1)}KB",
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        connection = duckdb.connect(":memory:", config=settings)
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET allowed_directories = [{literal(str(folder))}]")
        connection.execute(f"SET allowed_paths = [{', '.join(literal(str(file)) for file in files)}]")
        connection.execute("SET enable_external_access = false")
    except duckdb.OutOfMemoryException:
        raise InputError(f"a memory limit of {memory:,} bytes is too small", hint="--memory-limit 512MB") from None
    return connection


def _disk(session: Session) -> int:
    """Return the bytes that may be spilled: several times what pairing rows with unique keys can need."""
    files = ", ".join(literal(file) for role in session.roles for file in session.files(role))
    found = session.row(
        f"SELECT CAST(sum(num_rows) AS BIGINT) AS n, (SELECT CAST(sum(total_uncompressed_size) AS BIGINT) "
        f"FROM parquet_metadata([{files}])) AS unpacked FROM parquet_file_metadata([{files}])"
    )
    return _SPILL + _SPILL_PER_ROW * int(found["n"]) + 4 * int(found["unpacked"] or 0)


def _check_footer(session: Session, role: str, size: int) -> None:
    files = ", ".join(literal(file) for file in session.files(role))
    found = session.row(f"SELECT CAST(sum(num_rows) AS BIGINT) AS n FROM parquet_file_metadata([{files}])")
    pages = session.row(
        f"SELECT coalesce(sum(total_uncompressed_size), 0) AS unpacked FROM parquet_metadata([{files}])"
    )
    check_footer(session.shown(role), size=size, rows=int(found["n"]), unpacked=int(pages["unpacked"]))


def _check_alike(session: Session, role: str, source: Source) -> None:
    """Refuse files of different columns: the engine would cast those of the later files to the first one's types."""
    files = ", ".join(literal(file) for file in session.files(role))
    found = session.rows(
        "SELECT file_name, name, coalesce(duckdb_type, '') AS type, coalesce(num_children, 0) AS children "
        f"FROM parquet_schema([{files}]) ORDER BY file_name, column_id"
    )
    schemas: dict[str, dict[str, str]] = {}
    within, deeper = "", 0
    for file, name, given, children in found:
        if file != within:  # the first node of a file is the root
            within, deeper = file, 0
            schemas[file] = {}
        elif deeper:
            deeper += children - 1
        else:
            schemas[file][name] = given
            deeper = children
    ordered = [schemas.get(link, {}) for link in session.files(role)]
    for file, schema in zip(source.files, ordered, strict=True):
        if schema != ordered[0]:
            column = min(schema.items() ^ ordered[0].items())[0]
            raise DataError(
                f"{source.names(file)}: its columns are not those of {source.names(source.files[0])}: "
                f'"{column}" is {schema.get(column, "missing")} here and {ordered[0].get(column, "missing")} there',
                hint="write all files of an artifact with the same columns and types",
            )
