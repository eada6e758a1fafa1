"""Footers that are read without the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.footer import read_footer

if TYPE_CHECKING:
    from pathlib import Path

N = 2000
CHUNKS = (
    "SELECT row_group_id, path_in_schema, least(data_page_offset, nullif(dictionary_page_offset, 0)) AS start, "
    "total_compressed_size FROM parquet_metadata(?) WHERE num_values > 0 ORDER BY start"
)


def table() -> Any:
    return pa.table(
        {
            "id": np.arange(N),
            "word": [f"w{i % 7}" for i in range(N)],
            "vector": [[float(i), 1.0] for i in range(N)],
            "nested": [{"a": i, "b": {"c": "x"}} for i in range(N)],
            "absent": pa.nulls(N, pa.int64()),
        }
    )


@pytest.mark.parametrize("options", [{}, {"row_group_size": 300, "compression": "zstd"}, {"use_dictionary": False}])
def test_chunks_are_those_that_the_engine_reads(options: dict[str, Any], tmp_path: Path) -> None:
    """Row groups, dictionaries, nested columns: same places and sizes."""
    pq.write_table(table(), path := tmp_path / "a.parquet", **options)
    footer = read_footer(path, "a.parquet")
    assert [tuple(chunk) for chunk in footer.chunks] == duckdb.execute(CHUNKS, [str(path)]).fetchall()
    unpacked = duckdb.execute("SELECT sum(total_uncompressed_size) FROM parquet_metadata(?)", [str(path)]).fetchone()
    assert unpacked
    assert footer.unpacked == unpacked[0]


def test_a_file_without_rows_has_no_chunks(tmp_path: Path) -> None:
    """The footer of an empty table."""
    pq.write_table(table().slice(0, 0), path := tmp_path / "a.parquet")
    assert read_footer(path, "a.parquet").chunks == ()


def test_damaged_footers_are_named_errors_or_footers(tmp_path: Path) -> None:
    """Any byte of the footer replaced: no other exception, and no endless loop."""
    pq.write_table(table().slice(0, 50), path := tmp_path / "a.parquet")
    original = path.read_bytes()
    length = int.from_bytes(original[-8:-4], "little")
    draw, errors = np.random.default_rng(1), 0
    for position in draw.integers(len(original) - 8 - length, len(original) - 8, 300):
        damaged = bytearray(original)
        damaged[position] ^= int(draw.integers(1, 256))
        path.write_bytes(damaged)
        errors += "a.parquet: " in problem(path)
    assert errors > 10


def problem(path: Path) -> str:
    """Return the message of the error, or nothing if the bytes are a footer."""
    try:
        read_footer(path, "a.parquet")
    except DataError as error:
        return error.message
    return ""
