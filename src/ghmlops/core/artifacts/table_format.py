"""Recognises folders of table formats, whose Parquet files may contain rows that the table no longer has.

A table is a list of files in a log or a catalogue. Its folder also contains files of earlier versions, and files that
list deleted rows; reading the whole folder would compare rows that were deleted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_MARKERS = {
    "_delta_log": "a Delta table",
    ".hoodie": "a Hudi table",
    "_spark_metadata": "the output of a Spark stream",
}
"""Name of a folder to what contains it."""
METADATA = "metadata"
"""Folder in which Iceberg keeps its list of files."""
MARKER_FOLDERS = (*_MARKERS, METADATA)
_ICEBERG = re.compile(r".*\.metadata\.json(\.gz)?|version-hint\.text|snap-.*\.avro")
_HIVE_ACID = re.compile(r"(base|delta|delete_delta)_\d{7,}(_\d+)*(_v\d+)?")
_DUCKLAKE = re.compile(r"ducklake-[0-9a-f]{8}-[0-9a-f-]{27}(-delete)?\.parquet")
_PAIMON = {"snapshot", "manifest", "schema"}
HINT = "export the version to compare as plain Parquet, for example with a query of the table's own engine"


def table_format(names: Collection[str]) -> str:
    """Return the table format that the entries of a folder show, as "a Delta table"; empty if there is none.

    `METADATA` among the names calls for `is_iceberg`.
    """
    for name in names:
        if name in _MARKERS:
            return _MARKERS[name]
        if _HIVE_ACID.fullmatch(name):
            return "a transactional Hive table"
        if _DUCKLAKE.fullmatch(name):
            return "a DuckLake table"
    return "a Paimon table" if _PAIMON.issubset(names) else ""


def is_iceberg(metadata_names: Collection[str]) -> bool:
    """Return True if the entries of a folder `metadata` are those of an Iceberg table."""
    return any(_ICEBERG.fullmatch(name) for name in metadata_names)


def refusal(table: str) -> str:
    """Return the clause of an error message about a folder of a table format."""
    return f"{table}, whose folder also contains files and rows that are no longer part of it"
