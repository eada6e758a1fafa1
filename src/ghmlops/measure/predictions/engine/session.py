# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""One DuckDB session that sees nothing but the artifacts, is bounded in memory, can be interrupted and cleans up."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.page_checksums import Chunk, Pages, check_pages
from ghmlops.measure.predictions.engine.dialect import Dialect, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from ghmlops.measure.predictions.artifacts.source import Source

T = TypeVar("T")
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
        given = {**columns, **{key: bits.view("uint64") for key, bits in codes.items()}}

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

    def chunks(self, role: str) -> list[list[Chunk]]:
        """Return where each file of an artifact has the pages of a column. Raises as `rows`."""
        files = self.files(role)
        found: dict[str, list[Chunk]] = {file: [] for file in files}
        for file, *row in self.rows(
            "SELECT file_name, row_group_id, path_in_schema, least(data_page_offset, nullif(dictionary_page_offset, 0))"
            f" AS start, total_compressed_size FROM parquet_metadata([{', '.join(literal(file) for file in files)}]) "
            "WHERE num_values > 0 ORDER BY start"
        ):
            found[file].append(Chunk(*row))
        return list(found.values())

    def pages(self, role: str, chunks: Sequence[Sequence[Chunk]]) -> Pages:
        """Hold the pages of an artifact against their checksums. Runs beside queries; raises as `rows`."""
        seen = unchecked = 0
        source = self._sources[role]
        for file, own in zip(source.files, chunks, strict=True):
            one = check_pages(file, source.names(file), self._until_closed(own))
            seen, unchecked = seen + one.chunks, unchecked + one.unchecked
        return Pages(chunks=seen, unchecked=unchecked)

    def _until_closed(self, chunks: Sequence[Chunk]) -> Iterator[Chunk]:
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
            done = self._connection.execute(sql, values or [])
            names = [column[0] for column in done.description or []]
            found = done.fetchall()  # all: a result that is not read to its end blocks the connection
            if len(found) != 1:
                raise ValueError(f"the query returned {len(found)} rows")
            return dict(zip(names, found[0], strict=True))

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
