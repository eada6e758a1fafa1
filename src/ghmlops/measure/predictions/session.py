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

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifact import check_bytes, check_footer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np

T = TypeVar("T")
_NUDGE = 0.05
"""Seconds between two requests to stop a query."""


class Session:
    """Queries over the artifacts, each named in SQL by its role: `read_parquet` of a link in a private folder."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, shown: Mapping[str, str]) -> None:
        self._connection = connection
        self._folder = folder
        self._shown = dict(shown)
        self._busy, self._closed = threading.Lock(), False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="duckdb")

    @property
    def roles(self) -> tuple[str, ...]:
        """`baseline`, `candidate` and, where there is one, `labels`."""
        return tuple(self._shown)

    def shown(self, role: str) -> str:
        """Return how messages call the artifact."""
        return self._shown[role]

    def table(self, role: str) -> str:
        """Return the SQL that reads an artifact."""
        return f"read_parquet({literal(str(self._folder / f'{role}.parquet'))})"

    def count(self, role: str) -> int:
        """Return how many rows an artifact holds. Raises as `rows`."""
        return int(self.row(f"SELECT count(*) AS n FROM {self.table(role)}")["n"])

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

    def script(self, sql: str, values: list[Any] | None = None) -> None:
        """Run a statement for its effect. Raises as `rows`."""
        self.rows(sql, values)

    def _run(self, work: Callable[[], T]) -> T:
        """Run `work` beside the main thread, which stays free to hear a signal and then stops the query."""
        try:
            return self._worker.submit(self._alone, work).result()
        except duckdb.Error as error:
            raise self._mended(error) from None
        except BaseException:
            self.close()
            raise

    def _alone(self, work: Callable[[], T]) -> T:
        with self._busy:
            if self._closed:
                raise CancelledError
            return work()

    def _mended(self, error: duckdb.Error) -> Exception:
        """Return the user's error for an engine's error; one that only a bug can cause is returned as it is."""
        text = str(error).split("\n", 1)[0]
        for role, shown in self._shown.items():
            text = text.replace(str(self._folder / f"{role}.parquet"), shown)
        if isinstance(error, duckdb.OutOfMemoryException):
            return InputError(f"the prediction diff ran out of memory or disk: {text}", hint="raise --memory-limit")
        bugs = duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException
        if isinstance(error, bugs | duckdb.InternalException):
            return error
        return DataError(f"a prediction artifact cannot be read: {text}", hint="write or download it again")

    def close(self) -> None:
        """Stop a query that is still running, and end the worker and the connection. May be called again."""
        self._closed = True
        while not self._busy.acquire(timeout=_NUDGE):  # a query that has only just begun does not hear the first call
            self._connection.interrupt()
        self._busy.release()
        self._worker.shutdown(cancel_futures=True)
        self._connection.close()


@contextlib.contextmanager
def open_session(artifacts: Mapping[str, tuple[Path, str]], memory: int) -> Iterator[Session]:
    """Open the artifacts, by role: (path, how messages call it). `memory` is the engine's limit in bytes.

    The engine can read nothing but the artifacts and its private folder, which holds what it spills and is always
    removed. Links with plain names lead to the artifacts, because the engine takes `*` and `[` in a path for a pattern.

    Raises:
        DataError: an artifact is missing, damaged, or promises more than one can hold.
        InputError: the memory limit is too small, or there is no place for temporary files.
    """
    sizes = {role: check_bytes(path, shown) for role, (path, shown) in artifacts.items()}
    with tempfile.TemporaryDirectory(prefix="ghmlops-regression-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        for role, (path, _) in artifacts.items():
            (folder / f"{role}.parquet").symlink_to(path.resolve())
        files = [path.resolve() for path, _ in artifacts.values()]
        session = Session(
            _connect(folder, files, memory), folder, {role: shown for role, (_, shown) in artifacts.items()}
        )
        try:
            for role in artifacts:
                _check_footer(session, role, sizes[role])
            yield session
        finally:
            session.close()


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
        connection.execute("SET lock_configuration = true")
    except duckdb.OutOfMemoryException:
        raise InputError(f"a memory limit of {memory:,} bytes is too small", hint="--memory-limit 512MB") from None
    return connection


def _check_footer(session: Session, role: str, size: int) -> None:
    source = session.table(role).removeprefix("read_parquet")
    files = session.row(f"SELECT num_rows FROM parquet_file_metadata{source}")
    pages = session.row(f"SELECT coalesce(sum(total_uncompressed_size), 0) AS unpacked FROM parquet_metadata{source}")
    check_footer(session.shown(role), size=size, rows=int(files["num_rows"]), unpacked=int(pages["unpacked"]))


def literal(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
