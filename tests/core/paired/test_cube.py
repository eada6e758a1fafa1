"""The finest aggregates, and the roll-up to coarser ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghmlops.core.metrics.accuracy import right
from ghmlops.core.paired.aggregates import WINDOW, CellTable, decided_cells
from ghmlops.core.paired.cube import BOTH, ONLY_BASELINE, ONLY_CANDIDATE, Cube, Sums, ordered

KIND = ("{s}", True)


def rows(n: int, seed: int) -> dict[str, Any]:
    """Return rows of a binary task with two attributes and a window; every seventh has no label, some no window."""
    rng = np.random.default_rng(seed)
    return {
        "device": rng.choice(np.array(["phone", "tv", None], dtype=object), n),
        "size": rng.choice([1, 2, 10], n),
        WINDOW: rng.choice(np.array(["2025-03-01", "2025-03-02", None], dtype=object), n, p=[0.5, 0.4, 0.1]),
        "side": rng.choice([BOTH, ONLY_BASELINE, ONLY_CANDIDATE], n, p=[0.9, 0.06, 0.04]),
        "label": np.where(np.arange(n) % 7 == 0, -1, rng.integers(0, 2, n)),
        "baseline": rng.integers(0, 2, n),
        "candidate": rng.integers(0, 2, n),
        "first": rng.integers(0, 9, n).astype(float),
        "second": rng.integers(0, 9, n).astype(float),
    }


def cube(given: dict[str, Any]) -> Cube:
    """Return one entry a row, which is the finest there can be."""
    n = len(given["label"])
    columns = ("device", "size", WINDOW)
    values = tuple(ordered(given[column].tolist()) for column in columns)
    codes = [[own.index(v) for v in given[column].tolist()] for own, column in zip(values, columns, strict=True)]
    usable = given["side"] == BOTH
    known = usable & (given["label"] >= 0)
    first, change = np.where(known, given["first"], 0.0), np.where(known, given["second"] - given["first"], 0.0)
    return Cube(
        columns=columns,
        values=values,
        codes=np.array(codes, dtype=np.int64),
        cell=np.arange(n),
        side=given["side"],
        usable=usable,
        label=given["label"],
        baseline=given["baseline"],
        candidate=given["candidate"],
        n=np.ones(n),
        sums={
            KIND: Sums(
                n=known.astype(float),
                a=first,
                d=change,
                aa=first**2,
                ad=first * change,
                dd=change**2,
            )
        },
        classes=2,
    )


def shown(table: CellTable) -> dict[Any, tuple[float, ...]]:
    """Return key to rows, sum and right decisions of a table."""
    assert table.counts
    accuracy, sums = decided_cells(table.counts, right, labelled=True), table.sums[KIND]
    return {
        key: (sums.n[i], sums.a[i], sums.d[i], sums.dd[i], accuracy.n[i], accuracy.a[i], accuracy.d[i])
        for i, key in enumerate(table.keys)
    }


@pytest.mark.parametrize("columns", [("device",), ("size", "device"), (WINDOW,), ("device", "size", WINDOW)])
def test_every_cut_is_what_its_rows_give(columns: tuple[str, ...]) -> None:
    """Counts, sums and right decisions of each cell, recomputed row by row; rows without a window are in none."""
    given = rows(3000, 1)
    found = shown(cube(given).cut(columns))
    usable = given["side"] == BOTH
    for key, numbers in found.items():
        inside = usable & np.all([given[c] == v for c, v in zip(columns, key, strict=True)], axis=0)
        known = inside & (given["label"] >= 0)
        change = (given["second"] - given["first"])[known]
        first, second = ((given[side] == given["label"])[known].sum() for side in ("baseline", "candidate"))
        expected = (known.sum(), given["first"][known].sum(), change.sum(), (change**2).sum())
        assert (*expected, known.sum(), first, second - first) == numbers
    timeless = given[WINDOW] == None if WINDOW in columns else np.zeros(3000, dtype=bool)  # noqa: E711  (by element)
    assert sum(numbers[0] for numbers in found.values()) == (usable & (given["label"] >= 0) & ~timeless).sum()


def test_aggregates_add_up() -> None:
    """The sum of two cubes gives what the rows of both together give, whatever values each of them has seen."""
    whole = rows(2000, 2)
    parts = [{name: column[part] for name, column in whole.items()} for part in (slice(0, 700), slice(700, 2000))]
    parts[0]["size"] = np.where(parts[0]["size"] == 10, 3, parts[0]["size"])
    whole["size"] = np.concatenate([part["size"] for part in parts])
    merged = cube(parts[0]) + cube(parts[1])
    for columns in ((), ("size",), ("device", "size"), (WINDOW,)):
        assert shown(cube(whole).cut(columns)) == shown(merged.cut(columns))


def test_small_lost_and_new_cells_are_told() -> None:
    """Below the minimum a cell is counted only; a cell of one side alone is lost, or new."""
    given = rows(400, 3)
    given["size"] = np.full(400, 1)
    given["size"][:50], given["side"][:50] = 2, ONLY_BASELINE
    given["size"][50:60], given["side"][50:60] = 3, ONLY_CANDIDATE
    given["size"][60:70], given["side"][60:70] = 4, BOTH
    table = cube(given).cut(("size",), minimum=20)
    assert table.keys == [(1,)]
    assert table.lost == [((2,), 50)]
    assert (table.new, table.small, table.small_rows) == (1, 1, 10)
    assert table.place is not None
    assert dict(zip(given["size"].tolist(), table.place.tolist(), strict=True)) == {1: 0, 2: -1, 3: -1, 4: -1}


def test_no_attribute_is_one_cell() -> None:
    """All rows together, windowless ones too."""
    given = rows(500, 4)
    ((key, numbers),) = shown(cube(given).cut(())).items()
    assert (key, numbers[0]) == ((), ((given["side"] == BOTH) & (given["label"] >= 0)).sum())


def test_keys_come_in_order_whatever_their_types() -> None:
    """Nulls first, then by type and value; True, 1 and "1" are three values, and 1 and 1.0 are one number."""
    assert ordered(["a", 2.5, None, 1, "1", True, 1, "a"]) == [None, True, 1, 2.5, "1", "a"]
