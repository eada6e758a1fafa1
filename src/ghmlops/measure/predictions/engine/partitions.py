# ruff: noqa: S608  (every name in the SQL is quoted by `identifier`, every text by `literal`)
"""Links the files of an artifact, and compares the values of partition folders with columns of the same names.

A writer may keep the column by which it partitions in the files as well, often at a finer resolution: `date=2024-01-05`
and times within that day. The values of the files then count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.predictions.column_types import type_kind
from ghmlops.measure.predictions.engine.dialect import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ghmlops.measure.predictions.artifacts.source import Source

_UNREADABLE_KINDS = ("nested", "vector", "bytes")
"""Kinds of types that the name of a folder cannot represent."""


def link_files(folder: Path, role: str, source: Source) -> None:
    """Create a link to each file in `folder`, below the partition folders that are columns."""
    for index, file in enumerate(source.files):
        link = folder / role / source.link_path(index)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())


def keys_in_files(source: Source, columns: Sequence[str]) -> list[str]:
    """Return the partition keys that are also columns of the files; upper and lower case are the same to the engine."""
    lower = {column.lower() for column in columns}
    return [key for key in source.partition_keys if key.lower() in lower]


def difference_queries(source: Source, links: Sequence[str], types: Mapping[str, str]) -> dict[str, str]:
    """Return, by column that hides a partition, SQL for the number of rows whose value differs, and for all rows.

    A time agrees with a folder that names its day.
    """
    columns = {column.lower(): column for column in types if type_kind(types[column]) not in _UNREADABLE_KINDS}
    values = [source.partition_values(index) for index in range(len(links))]
    queries = {}
    for key in values[0] if values else ():
        column = columns.get(key.lower())
        if column is None or key.lower() not in source.hidden_keys:
            continue
        rows = ", ".join(
            f"({literal(link)}, {'NULL' if (text := value[key]) is None else literal(text)})"
            for link, value in zip(links, values, strict=True)
        )
        files = ", ".join(literal(link) for link in links)
        queries[column] = (
            f"SELECT count(*) AS n, count_if({_differs(identifier(column), types[column])}) AS differing FROM "
            f"read_parquet([{files}], hive_partitioning = false, filename = 'ghmlops_file') r "
            f"JOIN (VALUES {rows}) v(file, folder) ON r.ghmlops_file = v.file"
        )
    return queries


def _differs(column: str, duckdb_type: str) -> str:
    """Return SQL for whether a value is not that of its folder."""
    sql_type = "DATE" if duckdb_type.startswith("TIMESTAMP") else duckdb_type
    folder = f"TRY_CAST(folder AS {sql_type})"
    as_text = f"CAST({column} AS VARCHAR) IS DISTINCT FROM folder"
    return f"CASE WHEN {folder} IS NULL THEN {as_text} ELSE CAST({column} AS {sql_type}) IS DISTINCT FROM {folder} END"
