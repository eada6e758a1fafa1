"""One artifact in several files: what counts is the rows, not how they are stored."""

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


def some(content: dict[str, Any], chosen: Any) -> dict[str, Any]:
    return {name: pa.array(values).take(pa.array(chosen)) for name, values in content.items()}


def source(folder: Path, parts: list[dict[str, Any]], **options: Any) -> Source:
    folder.mkdir(parents=True)
    files = [write(folder / f"part {i} [x]*.parquet", part, **options) for i, part in enumerate(parts)]
    return Source(files=tuple(files), display_name=folder.name)


def prints(baseline: Source, candidate: Source) -> tuple[str, str]:
    seen = artifacts.observe({"baseline": baseline, "candidate": candidate}, BINARY)
    return seen.fingerprints["baseline"], seen.fingerprints["candidate"]


def test_a_fingerprint_is_of_the_content_alone(tmp_path: Path) -> None:
    """Order of rows and columns, files, row groups, codec, dictionaries and page versions change nothing."""
    content = rows(N, 1)
    order = np.random.default_rng(3).permutation(N)
    parts = [some(content, order[:100]), some(content, order[100:450]), some(content, order[450:])]
    parts = [dict(reversed(part.items())) for part in parts]
    options = {"row_group_size": 37, "compression": "zstd", "use_dictionary": False, "data_page_version": "2.0"}
    first, second = prints(source(tmp_path / "a", [content]), source(tmp_path / "b", parts, **options))
    assert first == second
    assert first.startswith(f"content:duckdb-2.0:{N}:")


def test_a_fingerprint_tells_contents_apart(tmp_path: Path) -> None:
    """One value, a row twice, two rows with a value swapped, a null for a 0, another type, another name."""
    content = rows(N, 1)
    label, device = content["y"].copy(), list(content["device"])
    label[5] = 1 - label[5]
    i = next(i for i in range(1, N) if device[i] != device[0])
    device[0], device[i] = device[i], device[0]
    null = [None if i == int(np.flatnonzero(content["y"] == 0)[0]) else int(y) for i, y in enumerate(content["y"])]
    other = {
        "value": content | {"y": label},
        "twice": some(content, [*range(N), 0]),
        "swapped": content | {"device": device},
        "null": content | {"y": null},
        "type": content | {"y": content["y"].astype(np.int32)},
        "name": {("gadget" if k == "device" else k): v for k, v in content.items()},
    }
    plain = source(tmp_path / "a", [content])
    found = {name: prints(plain, source(tmp_path / name, [changed])) for name, changed in other.items()}
    assert len({print_ for pair in found.values() for print_ in pair}) == 1 + len(other)


def test_several_files_of_both_sides_are_one_artifact_each(tmp_path: Path) -> None:
    """Counts and sums are those of one file."""
    first, second = rows(N, 1), rows(N, 2)
    order = np.random.default_rng(5).permutation(N)
    sides = {
        "baseline": source(tmp_path / "a", [some(first, range(200)), some(first, range(200, N))]),
        "candidate": source(tmp_path / "b", [some(second, order[:1]), some(second, order[1:])]),
    }
    seen = artifacts.observe(sides, BINARY)
    whole = artifacts.observe(
        {"baseline": source(tmp_path / "c", [first]), "candidate": source(tmp_path / "d", [second])}, BINARY
    )
    assert seen.facts.pairs
    assert seen.facts.pairs == whole.facts.pairs
    assert seen.columns
    assert whole.columns
    assert np.array_equal(seen.columns.candidate, whole.columns.candidate)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c | {"y": c["y"].astype(np.int32)}, '"y" is INTEGER in the former and BIGINT in the latter'),
        (lambda c: {k: v for k, v in c.items() if k != "user"}, '"user" is missing in the former and BIGINT in the latter'),
        (lambda c: c | {"more": [[{"x": 1}]] * N}, '"more" is STRUCT'),
    ],
)
def test_files_of_different_columns_are_refused_with_both_names(
    change: Callable[[dict[str, Any]], dict[str, Any]], said: str, tmp_path: Path
) -> None:
    """The engine would cast, or fill up with nulls."""
    mixed = source(tmp_path / "mixed", [rows(N, 1), change(rows(N, 2))])
    with pytest.raises(DataError) as caught:
        artifacts.observe({"baseline": mixed, "candidate": mixed}, BINARY)
    assert f"mixed (part 1 [x]*.parquet): its columns differ from those of mixed (part 0 [x]*.parquet): {said}" in str(
        caught.value
    )


def test_files_of_other_writers_with_the_same_columns_are_alike(tmp_path: Path) -> None:
    """How a writer calls the root and the items of lists is no difference."""
    import duckdb

    first = write(tmp_path / "a.parquet", {"id": [1, 2], "y": [0, 1], "s": [0.1, 0.9], "v": [[1.0], [2.0]]})
    second = tmp_path / "b.parquet"
    duckdb.execute(
        "COPY (SELECT 3::BIGINT AS id, 1::BIGINT AS y, 0.5::DOUBLE AS s, [1.0::DOUBLE] AS v) TO $1 (FORMAT parquet)",
        [str(second)],
    )
    both = Source(files=(first, second), display_name="both")
    seen = artifacts.observe({"baseline": both, "candidate": both}, BINARY)
    assert seen.facts.pairs
    assert seen.facts.pairs.paired == 3


def hive(root: Path, column: str, content: dict[str, Any], *, escape: bool = True) -> Source:
    """Write one folder a value of a column; the column is in the names of the folders alone."""
    values = content[column]
    files = []
    for value in dict.fromkeys(values):
        said = "__HIVE_DEFAULT_PARTITION__" if value is None else quote(value, safe=" ") if escape else value
        folder = root / f"{quote(column, safe=' ') if escape else column}={said}"
        folder.mkdir(parents=True)
        own = [i for i, v in enumerate(values) if v == value]
        files.append(write(folder / "x.parquet", some({k: v for k, v in content.items() if k != column}, own)))
    return Source(files=tuple(files), display_name=root.name, hive_root=root)


ODD = [
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
def test_folders_are_columns_of_text(escape: bool, tmp_path: Path) -> None:
    """Text as it is, digits too; no value, patterns of paths, quotes, percent signs as Hive writes them."""
    odd = ODD if escape else [v for v in ODD if v not in ("j%20k", "k\\l")]  # not what Hive would write
    content = rows(N, 1) | {"the place": [odd[i % len(odd)] for i in range(N)]}
    policy = replace(BINARY, slices=(("the place",),), minimum_rows=1)
    sides = {
        "baseline": hive(tmp_path / "a", "the place", content, escape=escape),
        "candidate": Source.of(write(tmp_path / "b.parquet", content | {"s": rows(N, 2)["s"]})),
    }
    seen = artifacts.observe(sides, policy)
    assert {key[0] for key in seen.tables["the place",].keys} == set(odd)
    assert "the place" in [change.column for change in seen.changes if change.kind == "bit-identical"]
    assert seen.facts.pairs
    assert seen.facts.pairs.slice_conflicts == {}


def test_the_time_may_be_the_name_of_a_folder(tmp_path: Path) -> None:
    """Days as folders are windows; what is no date has no window, and that is said."""
    days = [None if i % 10 == 9 else "not a day" if i % 10 == 8 else f"2025-03-{1 + i % 3:02}" for i in range(N)]
    content = {k: v for k, v in rows(N, 1).items() if k != "t"} | {"t": days}
    policy = replace(BINARY, time="t", window="1d", minimum_rows=1)
    sides = {role: hive(tmp_path / role, "t", content) for role in ("baseline", "candidate")}
    seen = artifacts.observe(sides, policy)
    assert [key[0] for key in seen.tables[WINDOW,].keys] == ["2025-03-01", "2025-03-02", "2025-03-03"]
    assert seen.facts.pairs
    assert seen.facts.pairs.windows_without_time == N // 5


def test_a_name_that_is_no_text_is_an_error_of_one_line(tmp_path: Path) -> None:
    """A file name that is not UTF-8 cannot be told to the engine."""
    path = tmp_path / os.fsdecode(b"bad-\xff.parquet")
    write(tmp_path / "good.parquet", rows(5, 1)).rename(path)
    with pytest.raises(DataError, match="not UTF-8"):
        artifacts.observe({"baseline": Source.of(path, "x"), "candidate": Source.of(path, "x")}, BINARY)


@pytest.mark.parametrize("by", ["role", "name"])
def test_columns_may_be_called_otherwise_on_one_side(by: str, read: Read) -> None:
    """Keys and slices by the policy's name for them; score and label by role, or by name."""
    policy = replace(BINARY, slices=(("device",),), time="t", window="1d", minimum_rows=1)
    names = {"id": "key", "s": "p", "y": "clicked", "device": "gadget", "t": "when"}
    first = {names.get(k, k): v for k, v in rows(N, 1).items()}
    roles = {"s": "score", "y": "label", "t": "time"} if by == "role" else {}
    renamed = replace(policy, renamed={"baseline": {roles.get(k, k): v for k, v in names.items()}})
    seen, plain = read(first, rows(N, 2), renamed), read(rows(N, 1), rows(N, 2), policy)
    assert seen.facts.pairs == plain.facts.pairs
    assert seen.tables["device",].keys == plain.tables["device",].keys
    assert seen.tables[WINDOW,].keys == plain.tables[WINDOW,].keys
    assert seen.facts.schema.unused == ()
