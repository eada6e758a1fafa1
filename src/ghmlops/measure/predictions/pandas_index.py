"""The index of a pandas DataFrame: a column of the file, or a range that its metadata describes and no column contains.

Source: https://pandas.pydata.org/docs/development/developer.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.measure.predictions.artifacts.source import Source

_UNNAMED_COLUMN = "__index_level_"
"""Start of the column that `DataFrame.to_parquet` writes for an index without a name."""


def index_hint(source: Source, column: str, columns: tuple[str, ...], *, is_key: bool) -> str:
    """Return how to write the index of a DataFrame as the column that is missing; empty if none could be that column.

    Args:
        source: the artifact without the column.
        column: name of the missing column.
        columns: names of the columns that it has.
        is_key: whether the column identifies a row, as an index does.
    """
    unnamed = next((name for name in columns if name.startswith(_UNNAMED_COLUMN)), "")
    if unnamed:
        advice = "name it by `df.rename_axis`, or write with `index=False`"
        return f"; `{unnamed}` is the index of a pandas DataFrame: {advice}"
    names = _range_names(source)
    if column in names:
        return (
            f'; "{column}" is the index of a pandas DataFrame, a range, which is not stored: write `df.reset_index()`'
        )
    if is_key and None in names:
        return (
            f"; pandas does not store its default index: if that is the key, write `df.reset_index(names={column!r})`"
        )
    return ""


def _range_names(source: Source) -> list[str | None]:
    """Return the names of the range indexes that the metadata of the first file or of the table describes."""
    try:
        described = json.loads(_metadata(source))["index_columns"]
        return [index.get("name") for index in described if isinstance(index, dict) and index.get("kind") == "range"]
    except (ValueError, TypeError, KeyError):
        return []  # The metadata is an aid of pandas, and no part of the data.


def _metadata(source: Source) -> str | bytes:
    if source.table is not None:
        metadata: Mapping[bytes, bytes] = source.table.schema.metadata or {}
        return metadata.get(b"pandas", b"{}")
    import duckdb

    with duckdb.connect(config={"disabled_optimizers": STATISTICS_OPTIMIZERS}) as connection:
        sql = "SELECT value FROM parquet_kv_metadata($1) WHERE key = 'pandas'"
        try:
            row = connection.execute(sql, [str(source.files[0])]).fetchone()
        except duckdb.Error:
            return b"{}"
    return bytes(row[0]) if row else b"{}"
