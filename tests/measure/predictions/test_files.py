"""Artifacts in several files and in partition folders: results depend only on the rows, not on their storage."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError
from ghmlops.core.paired.aggregates import WINDOW
from ghmlops.measure.predictions.artifacts.source import Source
from prediction_artifacts import BINARY, rows, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 600


def take(content: dict[str, Any], indices: Any) -> dict[str, Any]:
    return {name: pa.array(values).take(pa.array(indices)) for name, values in content.items()}


def source(folder: Path, parts: list[dict[str, Any]], **options: Any) -> Source:
    folder.mkdir(parents=True)
    files = [write(folder / f"part {i} [x]*.parquet", part, **options) for i, part in enumerate(parts)]
    return Source(files=tuple(files), display_name=folder.name)


def fingerprints(baseline: Source, candidate: Source) -> tuple[str, str]:
    result = artifacts.observe({"baseline": baseline, "candidate": candidate}, BINARY)
    return result.fingerprints["baseline"], result.fingerprints["candidate"]


def test_fingerprint_depends_only_on_the_content(tmp_path: Path) -> None:
    """Order of rows and columns, files, row groups, codec, dictionaries and page versions do not change it."""
    content = rows(N, 1)
    order = np.random.default_rng(3).permutation(N)
    parts = [take(content, order[:100]), take(content, order[100:450]), take(content, order[450:])]
    parts = [dict(reversed(part.items())) for part in parts]
    options = {"row_group_size": 37, "compression": "zstd", "use_dictionary": False, "data_page_version": "2.0"}
    first, second = fingerprints(source(tmp_path / "a", [content]), source(tmp_path / "b", parts, **options))
    assert first == second
    assert first.startswith(f"content:duckdb-2.0:{N}:")


def test_fingerprints_of_different_contents_differ(tmp_path: Path) -> None:
    """A changed value, a duplicate row, swapped values, null instead of 0, another type, another column name."""
    content = rows(N, 1)
    label, device = content["y"].copy(), list(content["device"])
    label[5] = 1 - label[5]
    i = next(i for i in range(1, N) if device[i] != device[0])
    device[0], device[i] = device[i], device[0]
    null = [None if i == int(np.flatnonzero(content["y"] == 0)[0]) else int(y) for i, y in enumerate(content["y"])]
    changes = {
        "value": content | {"y": label},
        "twice": take(content, [*range(N), 0]),
        "swapped": content | {"device": device},
        "null": content | {"y": null},
        "type": content | {"y": content["y"].astype(np.int32)},
        "name": {("gadget" if k == "device" else k): v for k, v in content.items()},
    }
    plain = source(tmp_path / "a", [content])
    pairs = {name: fingerprints(plain, source(tmp_path / name, [changed])) for name, changed in changes.items()}
    assert len({fingerprint for pair in pairs.values() for fingerprint in pair}) == 1 + len(changes)


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


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda c: c | {"y": c["y"].astype(np.int32)}, '"y" is INTEGER in the former and BIGINT in the latter'),
        (
            lambda c: {k: v for k, v in c.items() if k != "user"},
            '"user" is missing in the former and BIGINT in the latter',
        ),
        (lambda c: c | {"more": [[{"x": 1}]] * N}, '"more" is STRUCT'),
    ],
)
def test_files_with_different_columns_are_rejected_with_both_names(
    change: Callable[[dict[str, Any]], dict[str, Any]], difference: str, tmp_path: Path
) -> None:
    """The message has both files, the column and both types; the engine would cast, or fill in nulls."""
    mixed = source(tmp_path / "mixed", [rows(N, 1), change(rows(N, 2))])
    with pytest.raises(DataError) as excinfo:
        artifacts.observe({"baseline": mixed, "candidate": mixed}, BINARY)
    assert (
        f"mixed (part 1 [x]*.parquet): its columns differ from those of mixed (part 0 [x]*.parquet): {difference}"
        in str(excinfo.value)
    )


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


def test_file_name_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    """A file name that is not UTF-8 cannot be passed to the engine."""
    path = tmp_path / os.fsdecode(b"bad-\xff.parquet")
    write(tmp_path / "good.parquet", rows(5, 1)).rename(path)
    with pytest.raises(DataError, match="not UTF-8"):
        artifacts.observe({"baseline": Source.of(path, "x"), "candidate": Source.of(path, "x")}, BINARY)


@pytest.mark.parametrize("by", ["role", "name"])
def test_columns_may_have_other_names_on_one_side(by: str, read: Read) -> None:
    """`renamed` maps keys and slices by name, and score, label and time by role or by name."""
    policy = replace(BINARY, slices=(("device",),), time="t", window="1d", minimum_rows=1)
    names = {"id": "key", "s": "p", "y": "clicked", "device": "gadget", "t": "when"}
    first = {names.get(k, k): v for k, v in rows(N, 1).items()}
    roles = {"s": "score", "y": "label", "t": "time"} if by == "role" else {}
    renamed = replace(policy, renamed={"baseline": {roles.get(k, k): v for k, v in names.items()}})
    result, plain = read(first, rows(N, 2), renamed), read(rows(N, 1), rows(N, 2), policy)
    assert result.facts.pairs == plain.facts.pairs
    assert result.tables["device",].keys == plain.tables["device",].keys
    assert result.tables[WINDOW,].keys == plain.tables[WINDOW,].keys
    assert result.facts.schema.unused == ()
