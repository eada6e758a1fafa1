"""Opening of artifacts: checks before any row is read, and removal of temporary files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.engine.open import open_session
from prediction_artifacts import BINARY, rows, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


N = 600


def source(folder: Path, parts: list[dict[str, Any]], **options: Any) -> Source:
    folder.mkdir(parents=True)
    files = [write(folder / f"part {i} [x]*.parquet", part, **options) for i, part in enumerate(parts)]
    return Source(files=tuple(files), display_name=folder.name)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda c: c | {"y": c["y"].astype(np.int32)}, '"y" is INTEGER in the former and BIGINT in the latter'),
        (lambda c: c | {"s": c["s"].astype("f4")}, '"s" is FLOAT in the former and DOUBLE in the latter'),
        (lambda c: c | {"y": pa.nulls(N)}, '"y" is "NULL" in the former and BIGINT in the latter'),
        (lambda c: {k: v for k, v in c.items() if k != "s"}, '"s" is missing in the former and DOUBLE in the latter'),
    ],
)
def test_files_with_different_columns_are_rejected_with_both_names(
    change: Callable[[dict[str, Any]], dict[str, Any]], difference: str, tmp_path: Path
) -> None:
    """The message has both files, the column and both types; the engine would cast, or fill in nulls."""
    mixed = source(tmp_path / "mixed", [rows(N, 1), change(rows(N, 2))])
    with pytest.raises(DataError) as excinfo:
        artifacts.observe({"baseline": mixed, "candidate": mixed}, BINARY)
    text = str(excinfo.value)
    assert f"mixed (part 0 [x]*.parquet): {difference}" in text
    assert "mixed (part 1 [x]*.parquet): " in text


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("user", lambda c: {k: v for k, v in c.items() if k != "user"}),
        ("more", lambda c: c | {"more": [[{"x": 1}]] * N}),
        ("__index_level_0__", lambda c: c | {"__index_level_0__": np.arange(N)}),
        ("user", lambda c: c | {"user": pa.nulls(N)}),
        ("user", lambda c: c | {"user": pa.array([{"a": 1}] * N)}),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_column_that_nothing_uses_may_differ_between_files(
    column: str, change: Callable[[dict[str, Any]], dict[str, Any]], turned: bool, tmp_path: Path
) -> None:
    """It is set aside by name, in both orders of the files, and the rows of all files are compared."""
    parts = [rows(N, 1), change(rows(N, 2)) | {"id": np.arange(N, 2 * N)}]
    mixed = source(tmp_path / "mixed", parts[::-1] if turned else parts)
    observation = artifacts.observe({"baseline": mixed, "candidate": mixed}, BINARY)
    assert observation.facts.pairs
    assert observation.facts.pairs.paired == 2 * N
    assert [f'"{column}"' in why for why in observation.facts.schema.set_aside] == [True, True]


def test_files_of_different_writers_with_the_same_columns_are_accepted(tmp_path: Path) -> None:
    """The names of the root and of list items, which depend on the writer, do not matter."""
    import duckdb

    first = write(tmp_path / "a.parquet", {"id": [1, 2], "y": [0, 1], "s": [0.1, 0.9], "v": [[1.0], [2.0]]})
    second = tmp_path / "b.parquet"
    duckdb.execute(
        "COPY (SELECT 3::BIGINT AS id, 1::BIGINT AS y, 0.5::DOUBLE AS s, [1.0::DOUBLE] AS v) TO $1 (FORMAT parquet)",
        [str(second)],
    )
    both = Source(files=(first, second), display_name="both")
    result = artifacts.observe({"baseline": both, "candidate": both}, BINARY)
    assert result.facts.pairs
    assert result.facts.pairs.paired == 3


def test_file_name_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    """A file name that is not UTF-8 cannot be passed to the engine."""
    path = tmp_path / os.fsdecode(b"bad-\xff.parquet")
    write(tmp_path / "good.parquet", rows(5, 1)).rename(path)
    with pytest.raises(DataError, match="not UTF-8"):
        artifacts.observe({"baseline": Source.of(path, "x"), "candidate": Source.of(path, "x")}, BINARY)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """An artifact without faults."""
    return artifacts.write(tmp_path / "good.parquet", artifacts.rows(500, 1))


def test_decompression_bomb_is_rejected(tmp_path: Path, good: Path) -> None:
    """A file of less than 1 MB with 30 million equal rows is rejected when the session opens."""
    bomb = tmp_path / "bomb.parquet"
    duckdb.execute(
        "COPY (SELECT 1 AS id, 0 AS y, 0.5 AS s FROM range(30000000)) TO $1 (FORMAT parquet, COMPRESSION zstd)",
        [str(bomb)],
    )
    assert bomb.stat().st_size < 1_000_000
    with (
        pytest.raises(DataError, match="30,000,000 rows"),
        open_session({"baseline": Source.of(good, "a"), "candidate": Source.of(bomb, "b")}, artifacts.MEMORY),
    ):
        pass


def test_temporary_files_are_removed(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private folder is removed after success and after an error."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    files = {"baseline": Source.of(good, "a"), "candidate": Source.of(good, "b")}
    artifacts.observe(files, artifacts.BINARY)

    def fail() -> None:
        with open_session(files, artifacts.MEMORY):
            assert list(folder.iterdir())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(folder.iterdir()) == []
