"""The finest aggregates and the roll-up to coarser ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ghmlops.core.metrics.accuracy import is_correct
from ghmlops.core.paired.aggregates import CellTable
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.paired.counted_sums import cells_from_decisions
from ghmlops.core.paired.cube import BOTH, ONLY_BASELINE, ONLY_CANDIDATE, Cube, Sums, sort_values

KIND = ("{s}", True)


def random_rows(n: int, seed: int) -> dict[str, Any]:
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


def cube(rows: dict[str, Any]) -> Cube:
    """Return a cube with one entry per row, the finest possible."""
    n = len(rows["label"])
    columns = ("device", "size", WINDOW)
    values = tuple(sort_values(rows[column].tolist()) for column in columns)
    codes = [
        [distinct.index(v) for v in rows[column].tolist()] for distinct, column in zip(values, columns, strict=True)
    ]
    usable = rows["side"] == BOTH
    labelled = usable & (rows["label"] >= 0)
    first = np.where(labelled, rows["first"], 0.0)
    change = np.where(labelled, rows["second"] - rows["first"], 0.0)
    return Cube(
        columns=columns,
        values=values,
        codes=np.array(codes, dtype=np.int64),
        cell=np.arange(n),
        side=rows["side"],
        usable=usable,
        label=rows["label"],
        baseline=rows["baseline"],
        candidate=rows["candidate"],
        n=np.ones(n),
        sum_cell=np.arange(n),
        sums={
            KIND: Sums(
                n=labelled.astype(float),
                a=first,
                d=change,
                aa=first**2,
                ad=first * change,
                dd=change**2,
            )
        },
        classes=2,
    )


def numbers_by_key(table: CellTable) -> dict[Any, tuple[float, ...]]:
    """Return, for each key, its rows, sums and correct decisions."""
    assert table.counts
    accuracy, sums = cells_from_decisions(table.counts, is_correct, labelled=True), table.sums[KIND]
    return {
        key: (sums.n[i], sums.a[i], sums.d[i], sums.dd[i], accuracy.n[i], accuracy.a[i], accuracy.d[i])
        for i, key in enumerate(table.keys)
    }


@pytest.mark.parametrize("columns", [("device",), ("size", "device"), (WINDOW,), ("device", "size", WINDOW)])
def test_every_cell_of_a_roll_up_is_what_its_rows_give(columns: tuple[str, ...]) -> None:
    """Counts, sums and correct decisions of each cell, recomputed row by row; rows without a window are in none."""
    rows = random_rows(3000, 1)
    table = numbers_by_key(cube(rows).roll_up(columns))
    usable = rows["side"] == BOTH
    for key, numbers in table.items():
        inside = usable & np.all([rows[c] == v for c, v in zip(columns, key, strict=True)], axis=0)
        labelled = inside & (rows["label"] >= 0)
        change = (rows["second"] - rows["first"])[labelled]
        first, second = ((rows[side] == rows["label"])[labelled].sum() for side in ("baseline", "candidate"))
        expected = (labelled.sum(), rows["first"][labelled].sum(), change.sum(), (change**2).sum())
        assert (*expected, labelled.sum(), first, second - first) == numbers
    timeless = rows[WINDOW] == None if WINDOW in columns else np.zeros(3000, dtype=bool)  # noqa: E711  (by element)
    assert sum(numbers[0] for numbers in table.values()) == (usable & (rows["label"] >= 0) & ~timeless).sum()


def test_cubes_add_up() -> None:
    """The sum of two cubes gives what all rows together give, whatever attribute values occur in each of them."""
    rows = random_rows(2000, 2)
    parts = [{name: column[part] for name, column in rows.items()} for part in (slice(0, 700), slice(700, 2000))]
    parts[0]["size"] = np.where(parts[0]["size"] == 10, 3, parts[0]["size"])
    rows["size"] = np.concatenate([part["size"] for part in parts])
    merged = cube(parts[0]) + cube(parts[1])
    for columns in ((), ("size",), ("device", "size"), (WINDOW,)):
        assert numbers_by_key(cube(rows).roll_up(columns)) == numbers_by_key(merged.roll_up(columns))


def test_small_missing_and_new_cells_are_reported() -> None:
    """Below the minimum a cell is only counted; a cell of one side alone is missing or new."""
    rows = random_rows(400, 3)
    rows["size"] = np.full(400, 1)
    rows["size"][:50], rows["side"][:50] = 2, ONLY_BASELINE
    rows["size"][50:60], rows["side"][50:60] = 3, ONLY_CANDIDATE
    rows["size"][60:70], rows["side"][60:70] = 4, BOTH
    table = cube(rows).roll_up(("size",), min_rows=20)
    assert table.keys == [(1,)]
    assert table.missing_cells == [((2,), 50)]
    assert (table.new_cells, table.small_cells, table.small_rows) == (1, 1, 10)
    assert table.cell_index is not None
    assert dict(zip(rows["size"].tolist(), table.cell_index.tolist(), strict=True)) == {1: 0, 2: -1, 3: -1, 4: -1}


def test_no_attribute_is_one_cell() -> None:
    """All rows together, including those without a window."""
    rows = random_rows(500, 4)
    ((key, numbers),) = numbers_by_key(cube(rows).roll_up(())).items()
    assert (key, numbers[0]) == ((), ((rows["side"] == BOTH) & (rows["label"] >= 0)).sum())


def test_values_are_sorted_whatever_their_types() -> None:
    """Nulls first, then by type and value; True, 1 and "1" are three values, and 1 and 1.0 are one number."""
    assert sort_values(["a", 2.5, None, 1, "1", True, 1, "a"]) == [None, True, 1, 2.5, "1", "a"]
