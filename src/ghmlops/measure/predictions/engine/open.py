# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Opens a DuckDB session: checks the artifacts before any row is read, and limits memory, disk and file access."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import duckdb

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS
from ghmlops.measure.predictions.artifacts.memory_table import parquet_schema
from ghmlops.measure.predictions.artifacts.parquet_file import check_bytes, check_footer
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.engine.partitions import keys_in_files, link_files
from ghmlops.measure.predictions.engine.session import Session, table_view
from ghmlops.measure.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ghmlops.measure.predictions.artifacts.source import Source

_SPILL, _SPILL_PER_ROW = 512 * 1024**2, 300
"""Bytes that may be spilled to disk: by any run, and in addition per row."""


@contextlib.contextmanager
def open_session(sources: Mapping[str, Source], memory: int) -> Iterator[Session]:
    """Open the artifacts by role. `memory` is the memory limit of the engine in bytes.

    The engine can read nothing except the artifacts and its private folder, which contains spilled data and is always
    removed. It opens the artifacts through links with plain names, because it reads `*` and `[` in a path as a pattern.

    Raises:
        DataError: an artifact is missing, damaged, or declares more data than an artifact can contain; the columns of
            its files differ.
        InputError: the memory limit is too small, or there is no folder for temporary files.
    """
    _check_names(sources)
    sizes = {
        role: sum(check_bytes(file, source.file_display_name(file)) for file in source.files)
        for role, source in sources.items()
    }
    schemas = {role: parquet_schema(source) for role, source in sources.items() if source.table is not None}
    with temporary_folder("ghmlops-regression-") as temporary:
        folder = temporary.resolve()
        for role, source in sources.items():
            link_files(folder, role, source)
        for role, content in schemas.items():
            (folder / f"{role}.parquet").write_bytes(content)
        files = [file.resolve() for source in sources.values() for file in source.files]
        # In the main thread, DuckDB would intercept signals while it connects.
        with ThreadPoolExecutor(max_workers=1) as worker:
            connection = worker.submit(restricted_connection, folder, files, memory).result()
        session = Session(connection, folder, sources)
        try:
            disk = _SPILL
            for role, source in sources.items():
                if source.table is not None:
                    _register_table(session, connection, role, str(folder / f"{role}.parquet"))
                    disk += _SPILL_PER_ROW * source.table.num_rows + 4 * source.table.nbytes
                    continue
                disk += _check_footers(session, role, sizes[role])
                if len(source.files) > 1 or source.hive_root is not None:
                    _compare_schemas(session, role, source)
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
                    f"{source.display_name}: the name of a file or folder is not UTF-8: {str(file)!a}",
                    hint="rename it",
                ) from None


def restricted_connection(folder: Path, files: list[Path], memory: int) -> duckdb.DuckDBPyConnection:
    """Return a connection that can read nothing except some files and its private folder.

    Raises:
        InputError: The memory limit is too small.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{max(memory // 1000, 1)}KB",
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": "false",
        # The kernel caches files already, outside the memory limit of the engine.
        "enable_external_file_cache": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        connection = duckdb.connect(":memory:", config=settings)
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET disabled_optimizers = {literal(STATISTICS_OPTIMIZERS)}")
        connection.execute(f"SET allowed_directories = [{literal(str(folder))}]")
        connection.execute(f"SET allowed_paths = [{', '.join(literal(str(file)) for file in files)}]")
        connection.execute("SET enable_external_access = false")
    except duckdb.OutOfMemoryException:
        raise InputError(f"a memory limit of {memory:,} bytes is too small", hint="--memory-limit 512MB") from None
    return connection


def _register_table(session: Session, connection: duckdb.DuckDBPyConnection, role: str, schema: str) -> None:
    """Create the view of a table in memory. `schema` is a Parquet file of its columns, whose types the view has."""
    name = f"arrow_{role}"
    connection.register(name, session.sources[role].table)
    arrow = session.rows(f"DESCRIBE SELECT * FROM {name}")
    stored = session.rows(f"DESCRIBE SELECT * FROM read_parquet({literal(schema)})")
    columns = [
        identifier(column)
        if duckdb_type == target
        else f"CAST({identifier(column)} AS {target}) AS {identifier(column)}"
        for (column, duckdb_type, *_), (_, target, *_) in zip(arrow, stored, strict=True)
    ]
    session.view(table_view(role), f"SELECT {', '.join(columns)} FROM {name}")


def _check_footers(session: Session, role: str, size: int) -> int:
    """Check the sizes in the footers and return the bytes that may be spilled: several times what pairing can need."""
    files = ", ".join(literal(file) for file in session.files(role))
    # Without the list of column chunks, the rows and the limits of memory and disk bound what is read.
    unpacked = size if (total := session.unpacked_bytes(role)) is None else total
    try:
        rows = int(session.row(f"SELECT sum(num_rows) AS n FROM parquet_file_metadata([{files}])")["n"])
    except DataError:  # DuckDB cannot represent the key metadata of a file with encrypted columns
        groups = f"SELECT DISTINCT file_name, row_group_id, row_group_num_rows AS n FROM parquet_metadata([{files}])"
        rows = int(session.row(f"SELECT coalesce(sum(n), 0) AS n FROM ({groups})")["n"])
    check_footer(session.display_name(role), size=size, rows=rows, unpacked=unpacked)
    return _SPILL_PER_ROW * rows + 4 * unpacked


def _compare_schemas(session: Session, role: str, source: Source) -> None:
    """Set columns aside that differ between files, and let columns of the files replace partitions of their names.

    The engine would cast the values of later files to the types of the first one.
    """
    schemas = _file_schemas(session, role)
    session.hide_partitions(role, keys_in_files(source, [column for schema in schemas for column in schema]))
    for file, schema in zip(source.files, schemas, strict=True):
        first, aside = schemas[0], session.columns_set_aside(role)
        for column in sorted({name for name, _ in schema.items() ^ first.items()} - aside.keys()):
            why = (
                f"{source.file_display_name(file)}: its columns differ from those of "
                f'{source.file_display_name(source.files[0])}: "{column}" is {schema.get(column, "missing")} in the '
                f"former and {first.get(column, 'missing')} in the latter"
            )
            session.set_aside(role, {column: why})


def _file_schemas(session: Session, role: str) -> list[dict[str, str]]:
    """Return the DuckDB type of each column, for each file."""
    files = ", ".join(literal(file) for file in session.files(role))
    nodes = session.rows(
        "SELECT file_name, name, coalesce(duckdb_type, '') AS type, coalesce(num_children, 0) AS children "
        f"FROM parquet_schema([{files}]) ORDER BY file_name, column_id"
    )
    schemas: dict[str, dict[str, str]] = {}
    # The nodes of a file are its schema tree in pre-order: the root, then each column followed by its descendants.
    current_file, descendants = "", 0
    for file, name, duckdb_type, children in nodes:
        if file != current_file:
            current_file, descendants = file, 0
            schemas[file] = {}
        elif descendants:
            descendants += children - 1
        else:
            schemas[file][name] = duckdb_type
            descendants = children
    return [schemas.get(link, {}) for link in session.files(role)]
