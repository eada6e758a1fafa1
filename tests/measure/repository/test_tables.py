"""Facts about real Parquet files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from ghmlops.core.adoption.facts import Column
from ghmlops.core.errors import DataError
from ghmlops.measure.repository.tables import read_rows, read_table

if TYPE_CHECKING:
    from pathlib import Path


def test_columns(tmp_path: Path) -> None:
    """Kinds, distinct values, nulls, ranges without NaN and infinity, classes and lengths of vectors."""
    columns = {
        "id": pa.array([3, 1, 2], pa.int64()),
        'na"me': pa.array(["b", "a", None]),
        "score": pa.array([0.5, float("nan"), float("inf")]),
        "flag": pa.array([True, False, True]),
        "at": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
        "vector": pa.array([[1.0, 2.0]] * 3),
        "ragged": pa.array([[1.0], [1.0, 2.0], None]),
        "bytes": pa.array([b"a", b"b", b"c"]),
    }
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table(columns), path)
    table = read_table(path, "p.parquet")
    assert (table.rows, read_rows(path)) == (3, 3)
    assert table.columns == (
        Column(name="id", kind="integer", distinct=3, low=1.0, high=3.0, values=("1", "2", "3")),
        Column(name='na"me', kind="text", distinct=2, nulls=1, values=("a", "b")),
        Column(name="score", kind="number", distinct=3, low=0.5, high=0.5),
        Column(name="flag", kind="boolean", distinct=2, values=("False", "True")),
        Column(name="at", kind="time", distinct=1),
        Column(name="vector", kind="vector", distinct=-1, length=2),
        Column(name="ragged", kind="vector", distinct=-1, nulls=1),
        Column(name="bytes", kind="other", distinct=-1),
    )


def test_no_rows(tmp_path: Path) -> None:
    """A file without rows has facts, too."""
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"id": pa.array([], pa.int64())}), path)
    assert read_table(path, "p").columns == (Column(name="id", kind="integer", distinct=0),)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1xxxxPAR1", b"id,label\n"])
def test_not_parquet(tmp_path: Path, data: bytes) -> None:
    """Other content is one error that names the file."""
    path = tmp_path / "p.parquet"
    path.write_bytes(data)
    for read in (read_rows, lambda p: read_table(p, p.name)):
        with pytest.raises(DataError, match=r"p\.parquet"):
            read(path)
