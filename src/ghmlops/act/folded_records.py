"""Writes records as Parquet: a row per record with its path, its exact bytes, and the columns that queries use."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("kind", "time", "service", "environment", "commit", "decision", "outcome")
"""Fields of a record that have a column; `NULL` if the record has no such field."""


def write_folded(records: Mapping[str, bytes]) -> bytes:
    """Return a Parquet file with the records.

    Args:
        records: content by path.
    """
    import duckdb

    rows = []
    for path, content in sorted(records.items()):
        fields = msgspec.json.decode(content)
        rows.append([path, content, *(fields.get(name) for name in COLUMNS)])
    with tempfile.TemporaryDirectory(prefix="ghmlops-fold-") as folder, duckdb.connect() as connection:
        file = Path(folder) / "records.parquet"
        columns = ", ".join(f'"{name}" VARCHAR' for name in COLUMNS)
        connection.execute(f"CREATE TABLE records (path VARCHAR, record BLOB, {columns})")
        connection.execute("BEGIN")
        places = ", ".join("?" * (2 + len(COLUMNS)))
        connection.executemany(f"INSERT INTO records VALUES ({places})", rows)  # noqa: S608  (question marks only)
        connection.execute("COMMIT")
        connection.execute(f"COPY records TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
        return file.read_bytes()
