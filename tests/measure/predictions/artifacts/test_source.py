"""Artifacts in several files and in partition folders: results depend only on the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.measure.predictions.artifacts.source import Source
from prediction_artifacts import BINARY, rows, write

if TYPE_CHECKING:
    from pathlib import Path


N = 600


def take(content: dict[str, Any], indices: Any) -> dict[str, Any]:
    return {name: pa.array(values).take(pa.array(indices)) for name, values in content.items()}


def source(folder: Path, parts: list[dict[str, Any]], **options: Any) -> Source:
    folder.mkdir(parents=True)
    files = [write(folder / f"part {i} [x]*.parquet", part, **options) for i, part in enumerate(parts)]
    return Source(files=tuple(files), display_name=folder.name)


def test_several_files_give_the_same_result_as_one_file(tmp_path: Path) -> None:
    """Counts and scores of an artifact in several files are those of the same rows in one file."""
    first, second = rows(N, 1), rows(N, 2)
    order = np.random.default_rng(5).permutation(N)
    sides = {
        "baseline": source(tmp_path / "a", [take(first, range(200)), take(first, range(200, N))]),
        "candidate": source(tmp_path / "b", [take(second, order[:1]), take(second, order[1:])]),
    }
    result = artifacts.observe(sides, BINARY)
    single = artifacts.observe(
        {"baseline": source(tmp_path / "c", [first]), "candidate": source(tmp_path / "d", [second])}, BINARY
    )
    assert result.facts.pairs
    assert result.facts.pairs == single.facts.pairs
    assert result.columns
    assert single.columns
    assert np.array_equal(result.columns.candidate, single.columns.candidate)


def hive(root: Path, column: str, content: dict[str, Any], *, escape: bool = True) -> Source:
    """Write one folder per value of a column; the column exists only in the names of the folders."""
    values = content[column]
    files = []
    for value in dict.fromkeys(values):
        text = "__HIVE_DEFAULT_PARTITION__" if value is None else quote(value, safe=" ") if escape else value
        folder = root / f"{quote(column, safe=' ') if escape else column}={text}"
        folder.mkdir(parents=True)
        indices = [i for i, v in enumerate(values) if v == value]
        files.append(write(folder / "x.parquet", take({k: v for k, v in content.items() if k != column}, indices)))
    return Source(files=tuple(files), display_name=root.name, hive_root=root)


HOSTILE_VALUES = [
    "a*b",
    "c?d",
    "e[f]g",
    "100%",
    "h i",
    "j%20k",
    "x=y",
    "07",
    "NULL",
    "{a,b}",
    "ünï",
    "a'b\"c",
    "k\\l",
    "m\nn",
    "#&;:",
    None,
]


@pytest.mark.parametrize("escape", [True, False])
def test_partition_folders_are_text_columns(escape: bool, tmp_path: Path) -> None:
    """Values keep their text: digits, null, path patterns, quotes, and percent signs in the encoding of Hive."""
    values = (
        HOSTILE_VALUES if escape else [v for v in HOSTILE_VALUES if v not in ("j%20k", "k\\l")]
    )  # Hive would escape these
    content = rows(N, 1) | {"the city": [values[i % len(values)] for i in range(N)]}
    policy = replace(BINARY, slices=(("the city",),), minimum_rows=1)
    sides = {
        "baseline": hive(tmp_path / "a", "the city", content, escape=escape),
        "candidate": Source.of(write(tmp_path / "b.parquet", content | {"s": rows(N, 2)["s"]})),
    }
    result = artifacts.observe(sides, policy)
    assert {key[0] for key in result.tables["the city",].keys} == set(values)
    assert "the city" in [change.column for change in result.changes if change.kind == "bit-identical"]
    assert result.facts.pairs
    assert result.facts.pairs.slice_conflicts == {}


def test_time_may_be_a_partition_folder(tmp_path: Path) -> None:
    """Folders of days become windows; rows whose folder is not a date have no window, and are counted."""
    days = [None if i % 10 == 9 else "not a day" if i % 10 == 8 else f"2025-03-{1 + i % 3:02}" for i in range(N)]
    content = {k: v for k, v in rows(N, 1).items() if k != "t"} | {"t": days}
    policy = replace(BINARY, time="t", window="1d", minimum_rows=1)
    sides = {role: hive(tmp_path / role, "t", content) for role in ("baseline", "candidate")}
    result = artifacts.observe(sides, policy)
    assert [key[0] for key in result.tables[WINDOW,].keys] == ["2025-03-01", "2025-03-02", "2025-03-03"]
    assert result.facts.pairs
    assert result.facts.pairs.windows_without_time == N // 5
