"""Tables by slices, features, windows and groups, independent of the plan that computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.metrics.accuracy import is_correct
from ghmlops.core.paired.counted_sums import cells_from_decisions
from ghmlops.measure.predictions import reading
from ghmlops.measure.predictions.sql import attribute_values, summing
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.paired.aggregates import CellTable
    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 1200


def table_by_key(table: CellTable) -> dict[Any, Any]:
    """Return the sums and counts of a table by key, independent of the order of its entries."""
    counts, cells = table.counts, dict[Any, Any]()
    for index, key in enumerate(table.keys):
        cells[key] = {
            kind: tuple(getattr(c, f)[index] for f in ("n", "a", "d", "dd")) for kind, c in table.sums.items()
        }
        if counts is not None:
            entries = np.flatnonzero(counts.cell == index)
            cells[key]["counts"] = sorted(
                zip(
                    counts.label[entries],
                    counts.baseline[entries],
                    counts.candidate[entries],
                    counts.n[entries],
                    strict=True,
                )
            )
    return cells | {
        "rest": (table.small_cells, table.small_rows, sorted(table.missing_cells, key=str), table.new_cells)
    }


def test_values_of_rare_codes_are_searched_in_all_rows(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that no first row has, nulls, and values that one side alone has, are found in the other rows."""
    policy = replace(BINARY, slices=(("device",), ("flag",)), time="t", window="1d", minimum_rows=5)
    sides = []
    for seed, alone in ((1, 0), (2, -1)):
        content = rows(N, seed, shift=seed)
        devices = [None if index % 9 == 8 else device for index, device in enumerate(content["device"])]
        devices[alone] = f"rare-{seed}"  # the other side lacks this row
        sides.append(content | {"device": devices, "flag": [index % 3 == 1 for index in range(N)]})
    expected = read(*sides, policy)
    monkeypatch.setattr(attribute_values, "FIRST_ROWS", 3)
    result = read(*sides, policy)
    assert {("device",), ("flag",)} < result.tables.keys()
    assert {key[0] for key in result.tables["device",].keys} == {None, "phone", "desktop", "tablet"}
    assert result.tables["flag",].keys == [(False,), (True,)]
    assert result.tables["device",].new_cells == 1
    for name, table in expected.tables.items():
        assert table_by_key(table) == table_by_key(result.tables[name]), name


def test_one_code_per_attribute_gives_the_same_tables(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared code and separate codes give the same windows, crossed slices, and small, missing and new cells."""
    policy = replace(
        BINARY,
        slices=(("device",), ("device", "country"), ("user",)),
        time="t",
        window="1d",
        minimum_rows=15,
        features=("f",),
    )
    more = {"f": np.random.default_rng(3).normal(size=N)}
    first, second = rows(N, 1) | more, rows(N, 2) | more
    indices = np.flatnonzero(np.array(first["device"]) != "tablet")
    second = {k: pa.array(v).take(pa.array(indices)) for k, v in second.items()}
    first["user"] = np.where(np.arange(N) > 900, -1, first["user"])
    shared = read(first, second, policy)
    monkeypatch.setattr(reading, "has_too_many_combinations", lambda _: True)
    single = read(first, second, policy)
    assert set(shared.tables) == set(single.tables)
    for columns, table in shared.tables.items():
        assert_same_cells(table_by_key(table), table_by_key(single.tables[columns]))
    assert shared.facts.pairs == single.facts.pairs
    assert shared.changes == single.changes


def assert_same_cells(first: dict[Any, Any], second: dict[Any, Any]) -> None:
    assert set(first) == set(second)
    for key, cell in first.items():
        if key == "rest":
            assert cell == second[key]
            continue
        for kind, numbers in cell.items():
            if kind == "counts":
                assert numbers == second[key][kind]
            else:
                assert numbers == pytest.approx(second[key][kind], rel=1e-9, abs=1e-12, nan_ok=True)


def test_slice_column_of_one_side_applies_to_the_pairs(read: Read) -> None:
    """A slice column that only one side has gives the same tables as one that both sides have."""
    policy = replace(BINARY, slices=(("device",), ("country",), ("device", "country")), minimum_rows=1)
    first, second = rows(N, 1), rows(N, 2)
    del second["device"], first["country"]
    result, plain = read(first, second, policy), read(rows(N, 1), rows(N, 2), policy)
    for columns in (("device",), ("country",), ("device", "country")):
        assert_same_cells(table_by_key(result.tables[columns]), table_by_key(plain.tables[columns]))
    assert result.facts.pairs
    assert result.facts.pairs.slice_conflicts == {}


def test_slice_with_too_many_values_is_only_counted(read: Read) -> None:
    """If every row is a separate slice, no slice is large enough, and only their number is reported."""
    policy = replace(BINARY, slices=(("each",), ("device",)), minimum_rows=50)
    each = {"each": [f"value {i}" for i in range(N)]}
    result = read(rows(N, 1) | each, rows(N, 2) | each, policy)
    table = result.tables["each",]
    assert (table.keys, table.small_cells, table.small_rows) == ([], N, N)
    assert len(result.tables["device",].keys) == 3


def test_multiclass_slices_agree_with_the_rows(read: Read) -> None:
    """Accuracy by slice is that of the rows; a vector that is null on both sides is not a change."""
    policy = replace(artifacts.MULTICLASS, slices=(("site",),), intent="unchanged")
    first, second = artifacts.classified(1, N), artifacts.classified(2, N)
    for side in (first, second):
        side["v"] = [None, *[list(v) for v in side["v"][1:]]]
    result = read(first, second, policy)
    counts = result.tables["site",].counts
    assert counts
    for index, key in enumerate(result.tables["site",].keys):
        rows = [i for i in range(1, N) if second["site"][i] == key[0]]
        hits = sum(artifacts.CLASSES[int(np.argmax(second["v"][i]))] == second["y"][i] for i in rows)
        correct = (counts.cell == index) & (counts.label == counts.candidate)
        assert (hits, len(rows)) == (counts.n[correct].sum(), counts.n[counts.cell == index].sum())
    same = read(first, first, policy)
    assert same.facts.pairs
    assert (same.facts.pairs.changed, [c.kind for c in same.changes]) == (0, ["bit-identical"] * 4)


def test_many_classes_are_collapsed_to_right_and_wrong(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collapsed cells give the same accuracy, by group too; the cells then have two classes."""
    policy = replace(artifacts.MULTICLASS, slices=(("site",),), group="team")
    first, second = (artifacts.classified(seed, N) | {"team": np.arange(N) // 6} for seed in (1, 2))
    plain = read(first, second, policy)
    monkeypatch.setattr(summing, "MAX_ENTRIES", 1)
    collapsed = read(first, second, policy)
    for observation in (plain, collapsed):
        assert observation.tables[()].counts
        assert observation.tables[()].counts.classes == 3
    cells = []
    for observation, classes in ((plain, 3), (collapsed, 2)):
        counts = observation.tables["site",].counts
        assert counts
        assert counts.classes == classes
        cells.append(cells_from_decisions(counts, is_correct, labelled=True))
    for name in ("n", "a", "d", "dd"):
        assert np.array_equal(getattr(cells[0], name), getattr(cells[1], name))
        assert cells[0].groups
        assert cells[1].groups
        if name != "n":
            assert np.array_equal(getattr(cells[0].groups, name), getattr(cells[1].groups, name))
