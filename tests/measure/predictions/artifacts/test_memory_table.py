# ruff: noqa: S608  (every name in the SQL is quoted)
"""Tables in memory are read with the types that a Parquet file of them has, without a copy."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.memory_table import is_table, table_source
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.engine.open import open_session

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
COLUMNS = {
    "i8": pa.array([1, None], pa.int8()),
    "u64": pa.array([1, 2**64 - 1], pa.uint64()),
    "f16": pa.array([1.5, None], pa.float16()),
    "f32": pa.array([1.5, float("nan")], pa.float32()),
    "text": pa.array(["a", None]),
    "view": pa.array(["a", "b"], pa.string_view()),
    "category": pa.array(["a", "b"]).dictionary_encode(),
    "null": pa.nulls(2),
    "second": pa.array([NOON, None], pa.timestamp("s")),
    "milli": pa.array([NOON, None], pa.timestamp("ms")),
    "nano": pa.array([NOON, None], pa.timestamp("ns")),
    "zone": pa.array([NOON, None], pa.timestamp("us", "Europe/Berlin")),
    "day": pa.array([date(2025, 3, 1), None], pa.date64()),
    "decimal": pa.array([1, 2], pa.decimal128(10, 2)),
    "vector": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
    "long": pa.array([[1.0], [2.0, 3.0]], pa.large_list(pa.float64())),
    "bytes": pa.array([b"a", b"b"]),
    "flag": pa.array([True, None]),
    "span": pa.array([timedelta(days=1), None]),
    'quo"te': pa.array([1, 2]),
}
MEMORY = 512 * 1024 * 1024


@pytest.mark.parametrize("name", COLUMNS)
def test_types_and_values_are_those_of_parquet(tmp_path: Path, name: str) -> None:
    """A column has one type and one hash of its values in memory and in a file."""
    table = pa.table({name: COLUMNS[name]})
    pq.write_table(table, tmp_path / "file.parquet")
    sources = {"baseline": table_source(table, "baseline"), "candidate": Source.of(tmp_path / "file.parquet")}
    with open_session(sources, MEMORY) as session:
        memory, file = session.types("baseline"), session.types("candidate")
        quoted = '"' + name.replace('"', '""') + '"'
        hashes = [
            session.rows(f"SELECT hash({quoted}), {quoted} IS NULL FROM {session.table(role)}") for role in sources
        ]
        assert session.count("baseline") == 2
    assert memory == file
    assert sorted(hashes[0]) == sorted(hashes[1])


def test_the_columns_are_not_copied() -> None:
    """The engine reads the buffers of the caller."""
    table = pa.table({"x": pa.array(range(1000))})
    source = table_source(table, "baseline")
    address = source.table.column("x").chunk(0).buffers()[1].address
    assert address == table.column("x").chunk(0).buffers()[1].address


def test_what_a_table_is() -> None:
    """Anything with the Arrow C data interface is a table; text and paths are not."""
    assert is_table(pa.table({"x": [1]}))
    assert not any(map(is_table, ("file.parquet", ["a"], {"x": [1]}, None)))


class Broken:
    """A table whose export fails."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        raise ValueError("no columns")


@pytest.mark.parametrize(
    ("table", "word"),
    [(Broken(), "no columns"), (pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]), '"x"')],
    ids=["export", "repeated"],
)
def test_tables_that_cannot_be_used(table: Any, word: str) -> None:
    """A failed export and a repeated name are errors that name the role."""
    with pytest.raises(DataError) as error:
        table_source(table, "candidate")
    assert word in error.value.message
    assert "candidate" in error.value.message
