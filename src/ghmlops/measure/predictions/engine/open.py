# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""A session is opened: its artifacts are looked at before a row is read, its memory, disk and reach are bounded."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import duckdb

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.parquet_file import check_bytes, check_footer
from ghmlops.measure.predictions.engine.dialect import literal
from ghmlops.measure.predictions.engine.session import Session
from ghmlops.measure.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ghmlops.measure.predictions.artifacts.source import Source

_SPILL, _SPILL_PER_ROW = 512 * 1024**2, 300
"""Bytes that may be spilled: of any run, and for each row."""


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
    with temporary_folder("ghmlops-regression-") as made:
        folder = made.resolve()
        for role, source in sources.items():
            for place, file in enumerate(source.files):
                link = folder / role / source.inner(place)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.resolve())
        files = [file.resolve() for source in sources.values() for file in source.files]
        with ThreadPoolExecutor(max_workers=1) as beside:  # in the main thread the engine would swallow a signal
            connection = beside.submit(_connect, folder, files, memory).result()
        session = Session(connection, folder, sources)
        try:
            disk = _SPILL
            for role, source in sources.items():
                disk += _check_footer(session, role, sizes[role])
                if len(source.files) > 1:
                    _check_alike(session, role, source)
            session.script(f"SET max_temp_directory_size = '{disk}B'")
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
        "enable_external_file_cache": "false",  # the kernel caches files, outside the limit of memory
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


def _check_footer(session: Session, role: str, size: int) -> int:
    """Check what the footers promise, and return the bytes that may be spilled: several times what pairing can need."""
    files = ", ".join(literal(file) for file in session.files(role))
    found = session.row(
        f"SELECT CAST(sum(num_rows) AS BIGINT) AS n, (SELECT CAST(coalesce(sum(total_uncompressed_size), 0) AS BIGINT) "
        f"FROM parquet_metadata([{files}])) AS unpacked FROM parquet_file_metadata([{files}])"
    )
    rows, unpacked = int(found["n"]), int(found["unpacked"])
    check_footer(session.shown(role), size=size, rows=rows, unpacked=unpacked)
    return _SPILL_PER_ROW * rows + 4 * unpacked


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
