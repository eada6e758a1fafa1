"""Comparison of two artifacts column by column: equal values, values within the tolerance, largest difference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError
from ghmlops.core.predictions.behaviour.determinism import ColumnChange
from ghmlops.core.reproduce.rebuild import ContentComparison
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.sql.column_diff import COLUMNS_PER_PASS, compare_columns

if TYPE_CHECKING:
    from pathlib import Path

N = 300
HOSTILE = "we\"ird'; DROP TABLE x; --|`"


def compare(folder: Path, one: dict[str, Any], two: dict[str, Any], **options: Any) -> ContentComparison:
    sources = []
    for name, columns in (("one", one), ("two", two)):
        path = artifacts.write(folder / f"{name} [*].parquet", columns, row_group_size=64)
        sources.append(Source.of(path, name))
    return compare_columns(
        sources[0], sources[1], options.get("key", ["id"]), options.get("tolerance", {}), artifacts.MEMORY
    )


def change_of(content: ContentComparison, column: str) -> ColumnChange:
    return next(c for c in content.columns if c.column == column)


def base(**columns: Any) -> dict[str, Any]:
    return {"id": np.arange(N), **columns}


def test_equal_content_is_identical_in_any_order(tmp_path: Path) -> None:
    """NaN equals NaN and null equals null, in nested types too; rows at another position are counted."""
    rng = np.random.default_rng(1)
    table = pa.table(
        base(
            f=rng.random(N),
            nan=np.where(np.arange(N) % 3 == 0, np.nan, 1.0),
            none=[None, 1.0, 2.0] * (N // 3),
            vector=pa.array([[float(i), None, float("nan")] for i in range(N)], pa.list_(pa.float32())),
            fixed=pa.array(list(rng.random((N, 2)).tolist()), pa.list_(pa.float64(), 2)),
            deep=pa.array([[[i], None] for i in range(N)]),
            struct=pa.array([{"a": i, "b": [str(i)]} for i in range(N)]),
            map=pa.array([[("k", i)] for i in range(N)], pa.map_(pa.string(), pa.int64())),
            time=pa.array([1000 * i for i in range(N)], pa.timestamp("us", tz="UTC")),
            money=pa.array([None if i == 5 else i for i in range(N)], pa.decimal128(20, 4)),
            **{HOSTILE: [b"\x00\xff"] * N},
        )
    )
    reversed_table = table.take(np.arange(N)[::-1])
    names = table.column_names
    content = compare(tmp_path, {n: table[n] for n in names}, {n: reversed_table[n] for n in names})
    assert {c.column: c.kind for c in content.columns} == dict.fromkeys(names[1:], "bit-identical")
    assert (content.rows, content.missing_rows, content.added_rows, content.moved_rows) == ((N, N), 0, 0, N)
    assert all(c.largest is None for c in content.columns)


@pytest.mark.parametrize(
    ("one", "two", "tolerance", "identical", "within", "largest"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0 + 1e-9, 3.5], 1e-8, 1, 1, 0.5),
        ([1e6, 1e6, 0.1], [1e6 + 0.5, 1e6 + 2, 0.1 + 2e-6], 1e-6, 0, 1, 2.0),
        ([float("nan"), float("inf"), float("inf")], [1.0, float("-inf"), float("inf")], 9.0, 1, 0, None),
        ([None, 1.0, None], [1.0, None, None], 9.0, 1, 0, None),
        ([2**62, 5, 7], [2**62 + 1, 5, 9], 0.0, 1, 0, 2.0),
        ([-(2**63), 1, 1], [2**63 - 1, 1, 1], 0.5, 2, 0, float(2**64 - 1)),
        ([1e308, 1.0, 1.0], [-1e308, 1.0, 1.0], 9.0, 2, 0, None),
        (["a", "b", ""], ["a", "c", ""], 9.0, 2, 0, None),
        ([True, False, True], [True, True, True], 9.0, 2, 0, None),
        ([[1.0, 2.0], [3.0], [4.0]], [[1.0, 2.0 + 1e-9], [3.0, 4.0], [4.25]], 1e-8, 0, 1, 0.25),
        ([[1.0, None], [None], []], [[1.1, None], [2.0], []], 0.5, 1, 1, pytest.approx(0.1)),
        ([{"a": 1.0}, {"a": 2.0}, None], [{"a": 1.5}, {"a": 2.0}, None], 9.0, 2, 0, None),
    ],
)
def test_differences_are_measured(
    tmp_path: Path,
    one: list[Any],
    two: list[Any],
    tolerance: float,
    identical: int,
    within: int,
    largest: float | None,
) -> None:
    """Absolute up to 1 and relative above; 64-bit integers exactly; lists of floats element by element."""
    ids = [1, 2, 3]
    content = compare(tmp_path, {"id": ids, "c": one}, {"id": ids[::-1], "c": two[::-1]}, tolerance={"c": tolerance})
    column = change_of(content, "c")
    assert (column.rows, column.identical, column.within, column.largest) == (3, identical, within, largest)


def test_missing_and_added_rows_are_not_compared(tmp_path: Path) -> None:
    """Columns are compared over paired rows only; the key may have several columns, and null is a key value."""
    one = {"a": [1, 1, None, 4], "b": ["x", "y", "x", "z"], "v": [1.0, 2.0, 3.0, 4.0]}
    two = {"a": [1, None, 1, 5], "b": ["y", "x", "x", "z"], "v": [2.0, 3.0, 9.0, 4.0]}
    content = compare(tmp_path, one, two, key=["a", "b"])
    assert (content.missing_rows, content.added_rows) == (1, 1)
    assert (change_of(content, "v").rows, change_of(content, "v").identical, change_of(content, "v").largest) == (
        3,
        2,
        8.0,
    )


def test_rows_with_repeated_keys_are_compared_as_multisets(tmp_path: Path) -> None:
    """The order within a key does not matter; different values and different combinations of values are counted."""
    one = {"id": [1, 1, 2], "v": [1.0, float("nan"), 3.0], "w": ["a", "b", "c"]}
    content = compare(tmp_path, one, {"id": [2, 1, 1], "v": [3.0, float("nan"), 1.0], "w": ["c", "b", "a"]})
    assert (content.repeated_keys, content.missing_rows, content.mismatched_rows) == (1, 0, 0)
    assert {c.kind for c in content.columns} == {"bit-identical"}
    content = compare(tmp_path, one, {"id": [1, 1, 2], "v": [1.0, 5.0, 3.0], "w": ["a", "b", "c"]})
    assert (change_of(content, "v").changed, change_of(content, "w").changed, content.mismatched_rows) == (1, 0, 1)
    content = compare(tmp_path, one, {"id": [1, 1, 2], "v": [1.0, float("nan"), 3.0], "w": ["b", "a", "c"]})
    assert ({c.kind for c in content.columns}, content.mismatched_rows) == ({"bit-identical"}, 2)


def test_schemas_are_compared_first(tmp_path: Path) -> None:
    """Columns of one side and retyped columns are listed, not cast; a retyped key prevents pairing."""
    one = base(a=[1] * N, b=[1] * N, c=[1.0] * N)
    two = base(b=[1.0] * N, c=[1.0] * N, d=["x"] * N)
    content = compare(tmp_path, one, two)
    assert (content.extra_columns, content.changed_types) == ((("a",), ("d",)), (("b", "BIGINT", "DOUBLE"),))
    assert [c.column for c in content.columns] == ["c"]
    content = compare(tmp_path, one, {**one, "id": [str(i) for i in range(N)]})
    assert re.search(r"\bid\b.* another type", content.pairing_problem)
    assert content.columns == ()
    with pytest.raises(DataError, match='two: no column "id"'):
        compare(tmp_path, one, {"a": [1]})


def test_many_columns_are_compared_in_several_passes(tmp_path: Path) -> None:
    """Each of 1,000 columns has its name and count, whatever the pass in which it is compared."""
    many = {f"c{i}": np.full(4, float(i)) for i in range(30 * COLUMNS_PER_PASS + 40)}
    other = {**many, "c7": np.full(4, 7.5), "c999": np.array([999.0, 0.0, 999.0, 999.0])}
    ids = {"id": np.arange(4)}
    content = compare(tmp_path, ids | many, ids | other)
    assert len(content.columns) == 1000
    assert {c.column: (c.changed, c.largest) for c in content.columns if c.changed} == {
        "c7": (4, 0.5),
        "c999": (1, 999.0),
    }


def test_columns_may_have_the_names_of_virtual_columns(tmp_path: Path) -> None:
    """The positions of rows are then unknown, and everything else is compared."""
    rows = base(filename=["x"] * N, file_row_number=[3] * N)
    content = compare(tmp_path, rows, {**rows, "filename": ["y"] * N})
    assert content.moved_rows is None
    assert {c.column: c.changed for c in content.columns} == {"filename": N, "file_row_number": 0}


def test_positions_continue_across_files(tmp_path: Path) -> None:
    """One file and three files with the same rows in the same order have no moved row."""
    rows = base(v=np.arange(N) / 7)
    one = Source.of(artifacts.write(tmp_path / "one.parquet", rows), "one")
    parts = [
        artifacts.write(tmp_path / f"{i}.parquet", {k: v[i * 100 : i * 100 + 100] for k, v in rows.items()})
        for i in range(3)
    ]
    content = compare_columns(one, Source(files=tuple(parts), display_name="two"), ["id"], {}, artifacts.MEMORY)
    assert (content.moved_rows, change_of(content, "v").kind) == (0, "bit-identical")
