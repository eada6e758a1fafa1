# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""A DuckDB session that can read only the artifacts, has limited memory, can be interrupted, and cleans up."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import msgspec

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.page_checksums import ColumnChunk, PageCheck, check_pages
from ghmlops.measure.predictions.engine.dialect import Dialect, literal
from ghmlops.measure.predictions.engine.partitions import difference_queries, link_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from ghmlops.measure.predictions.artifacts.source import Source

T = TypeVar("T")


def table_view(role: str) -> str:
    """Return the name of the view that reads the table in memory of a role."""
    return f"memory_{role}"


_INTERRUPT_INTERVAL = 0.05
"""Seconds between two requests to stop a query."""


VALUE_ERROR = "a value cannot be used: "
"""Start of the message about a value that the engine cannot represent; the file is valid."""


class TooLargeError(InputError):
    """A result exceeds the memory limit and the disk space that belongs to it."""


class UnreadableError(DataError):
    """The engine cannot read a value of an artifact, because it is damaged or of a kind that the engine lacks."""


class Session:
    """Queries over the artifacts. In SQL each artifact is `read_parquet` of links in a private folder."""

    dialect = Dialect()
    name = f"duckdb-{'.'.join(duckdb.__version__.split('.')[:2])}"
    """The engine with the part of its version that its hash function depends on."""
    bounds_results = True
    """A query whose result grows without limit fails by itself: see `try_store`."""
    _engine_errors: tuple[type[Exception], ...] = (duckdb.Error,)

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, sources: Mapping[str, Source]) -> None:
        self._connection = connection
        self._folder = folder
        self._sources = dict(sources)
        self._set_aside: dict[str, dict[str, str]] = {role: {} for role in sources}
        self._unpacked_bytes: dict[str, int | None] = {}
        self._busy, self._closed = threading.Lock(), False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="duckdb")

    @property
    def roles(self) -> tuple[str, ...]:
        """`baseline`, `candidate` and, if there is a file of labels, `labels`."""
        return tuple(self._sources)

    @property
    def sources(self) -> dict[str, Source]:
        """The artifacts by role, with the partitions that are no columns."""
        return dict(self._sources)

    def display_name(self, role: str) -> str:
        """Return the name of the artifact in messages."""
        return self._sources[role].display_name

    def has_partitions(self, role: str) -> bool:
        """Return True if folders of the artifact are columns."""
        return bool(self._sources[role].partition_keys)

    def hide_partitions(self, role: str, keys: Iterable[str]) -> None:
        """Let columns of the files replace the columns that `key=value` folders of the same names would be."""
        if not (hidden := frozenset(key.lower() for key in keys)):
            return
        self._sources[role] = source = msgspec.structs.replace(self._sources[role], hidden_keys=hidden)
        link_files(self._folder, role, source)

    def partition_differences(self, role: str) -> dict[str, tuple[int, int]]:
        """Return, by key of a hidden partition, how many rows have another value than their folder, and all rows."""
        if not self._sources[role].hidden_keys:
            return {}
        return {
            column: (int(row["differing"]), int(row["n"]))
            for column, sql in difference_queries(self._sources[role], self.files(role), self.types(role)).items()
            if (row := self.row(sql))
        }

    def set_aside(self, role: str, columns: Mapping[str, str]) -> None:
        """Exclude columns from everything that follows; the values say why they cannot be read."""
        self._set_aside[role].update(columns)

    def columns_set_aside(self, role: str) -> dict[str, str]:
        """Return the excluded columns with the reasons."""
        return dict(self._set_aside[role])

    def files(self, role: str) -> list[str]:
        """Return the paths of the links to the artifact's files."""
        source = self._sources[role]
        return [str(self._folder / role / source.link_path(index)) for index in range(len(source.files))]

    def table(self, role: str, options: str = "") -> str:
        """Return the SQL that reads an artifact. Values of partition folders are text and never cast."""
        if self._sources[role].table is not None:
            return table_view(role)
        hive = ", hive_partitioning = true, hive_types_autocast = false" if self.has_partitions(role) else ""
        hive = hive or ", hive_partitioning = false"
        table = f"read_parquet([{', '.join(literal(file) for file in self.files(role))}]{hive}{options})"
        if not self._set_aside[role]:
            return table
        # COLUMNS, unlike EXCLUDE, accepts names of columns that the first file does not have.
        names = ", ".join(literal(name) for name in self._set_aside[role])
        return f"(SELECT COLUMNS(lambda c: c NOT IN ({names})) FROM {table})"

    def types(self, role: str) -> dict[str, str]:
        """Return the DuckDB type of each column, in the order of the artifact. Raises as `rows`."""
        return {str(r[0]): str(r[1]) for r in self.rows(f"DESCRIBE SELECT * FROM {self.table(role)}")}

    def view(self, name: str, sql: str) -> None:
        """Create a view of a query. Raises as `rows`."""
        self.script(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def store(self, name: str, sql: str) -> None:
        """Store the result of a query as a table. Raises as `rows`."""
        self.script(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def load(self, name: str, columns: Mapping[str, np.ndarray], codes: Mapping[str, np.ndarray]) -> None:
        """Store NumPy columns of one length as a table; `codes` contain the bits of hashes. Raises as `rows`."""
        arrays = {**columns, **{key: bits.view("uint64") for key, bits in codes.items()}}

        def copy() -> None:
            self._connection.register("arrays", arrays)
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM arrays")
            self._connection.unregister("arrays")

        self._run(copy)

    def try_store(self, name: str, sql: str) -> bool:
        """Store the result of a query as a table; return False if it exceeds memory and disk."""
        try:
            self.store(name, sql)
        except TooLargeError:
            return False
        return True

    def define(self, name: str, function: Callable[..., float | str], parameters: list[Any], result: str) -> None:
        """Let queries call a Python function of values that are not null; parameters and result are SQL types."""

        def create() -> None:
            with contextlib.suppress(duckdb.InvalidInputException):
                self._connection.remove_function(name)
            self._connection.create_function(name, function, parameters, result)

        self._run(create)

    def drop(self, name: str) -> None:
        """Drop a table that `store` created."""
        self.script(f"DROP TABLE IF EXISTS {name}")

    def count(self, role: str) -> int:
        """Return the number of rows of an artifact. Raises as `rows`."""
        return int(self.row(f"SELECT count(*) AS n FROM {self.table(role)}")["n"])

    def column_chunks(self, role: str) -> list[list[ColumnChunk]]:
        """Return the column chunks of each file, in file order, without columns set aside. Raises as `rows`."""
        files = self.files(role)
        if not files:  # a table in memory
            return []
        chunks: dict[str, list[ColumnChunk]] = {file: [] for file in files}
        for file, *row in self.rows(
            "SELECT file_name, row_group_id, path_in_schema, least(data_page_offset, nullif(dictionary_page_offset, 0))"
            f" AS start, total_compressed_size FROM parquet_metadata([{', '.join(literal(file) for file in files)}]) "
            "WHERE num_values > 0 ORDER BY start"
        ):
            chunk = ColumnChunk(*row)
            # The path of a nested column is that of its leaf.
            if not any(f"{chunk.column}, ".startswith(f"{name}, ") for name in self._set_aside[role]):
                chunks[file].append(chunk)
        return list(chunks.values())

    def lists_chunks(self, role: str) -> bool:
        """Return False if the engine cannot list the column chunks of an artifact; see `unpacked_bytes`."""
        return not self.files(role) or self.unpacked_bytes(role) is not None  # no files: a table in memory

    def unpacked_bytes(self, role: str) -> int | None:
        """Return the uncompressed size of all column chunks. Raises as `rows`.

        None if a footer contains a statistic that the engine cannot represent, as the smallest time. It then lists no
        column chunk, so neither their sizes nor the places of their pages are known.
        """
        if role not in self._unpacked_bytes:
            files = ", ".join(literal(file) for file in self.files(role))
            total = "coalesce(sum(total_uncompressed_size), 0)"
            try:
                self._unpacked_bytes[role] = int(self.rows(f"SELECT {total} FROM parquet_metadata([{files}])")[0][0])
            except UnreadableError as error:
                if not error.message.startswith(VALUE_ERROR):
                    raise
                self._unpacked_bytes[role] = None
        return self._unpacked_bytes[role]

    def check_pages(self, role: str, chunks: Sequence[Sequence[ColumnChunk]]) -> PageCheck:
        """Verify the page checksums of an artifact. May run at the same time as queries; raises as `rows`."""
        count = unchecked = 0
        source = self._sources[role]
        for file, file_chunks in zip(source.files, chunks, strict=True):
            check = check_pages(file, source.file_display_name(file), self._until_closed(file_chunks))
            count, unchecked = count + check.chunks, unchecked + check.unchecked
        return PageCheck(chunks=count, unchecked=unchecked)

    def _until_closed(self, chunks: Sequence[ColumnChunk]) -> Iterator[ColumnChunk]:
        for chunk in chunks:
            if self._closed:
                raise CancelledError
            yield chunk

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
            result = self._connection.execute(sql, values or [])
            names = [column[0] for column in result.description or []]
            rows = result.fetchall()  # all: a result that is not read to its end blocks the connection
            if len(rows) != 1:
                raise ValueError(f"the query returned {len(rows)} rows")
            return dict(zip(names, rows[0], strict=True))

        return self._run(fetch)

    def columns(self, sql: str, values: list[Any] | None = None) -> dict[str, np.ndarray]:
        """Run a query and return NumPy columns by name. Raises as `rows`."""
        return self._run(lambda: self._connection.execute(sql, values or []).fetchnumpy())

    def query_error(self, sql: str) -> str:
        """Return why the engine rejects a query, without running it; empty if the query is valid."""
        try:
            self.rows(f"EXPLAIN {sql}")
        except duckdb.Error as error:
            return str(error).split("\n", 1)[0]
        return ""

    def script(self, sql: str, values: list[Any] | None = None) -> None:
        """Run a statement for its effect. Raises as `rows`."""
        self.rows(sql, values)

    @contextlib.contextmanager
    def helper_thread(self, name: str) -> Iterator[ThreadPoolExecutor]:
        """Provide a second thread for queries and checks of pages. A signal ends what it runs, too."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix=name) as worker:
            try:
                yield worker
            except BaseException as error:
                if not isinstance(error, Exception):  # a signal, while this thread waited for the other one
                    self.close()
                raise

    def _run(self, work: Callable[[], T]) -> T:
        """Run `work` in the worker thread; the main thread stays free to handle a signal and then stops the query."""
        try:
            return self._worker.submit(self._run_exclusively, work).result()
        except self._engine_errors as error:
            raise self._user_error(error) from None
        except BaseException:
            self.close()
            raise

    def _run_exclusively(self, work: Callable[[], T]) -> T:
        with self._busy:
            if self._closed:
                raise CancelledError
            return work()

    def _user_error(self, error: Exception) -> Exception:
        """Return the error to report for an engine's error; an error that only a bug can cause stays unchanged."""
        text = str(error).split("\n", 1)[0]
        for role, source in self._sources.items():
            for link, file in zip(self.files(role), source.files, strict=True):
                text = text.replace(link, source.file_display_name(file))
        if isinstance(error, duckdb.OutOfMemoryException):
            return TooLargeError(f"the prediction diff ran out of memory or disk: {text}", hint="raise --memory-limit")
        # An internal error of the engine is reported as damage, too: a flipped byte in a footer can cause one.
        if isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
            return error
        if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
            return UnreadableError(f"{VALUE_ERROR}{text}", hint="check the artifacts, and `metrics` in the policy")
        return UnreadableError(f"a prediction artifact cannot be read: {text}", hint="write or download it again")

    def close(self) -> None:
        """Stop a running query, and end the worker and the connection. May be called more than once."""
        self._closed = True
        # A query that has only just begun ignores the first interrupt.
        while not self._busy.acquire(timeout=_INTERRUPT_INTERVAL):
            self._interrupt()
        self._busy.release()
        self._worker.shutdown(cancel_futures=True)
        self._connection.close()

    def _interrupt(self) -> None:
        """Ask the engine to stop the running query."""
        self._connection.interrupt()
