"""The finest table of partial aggregates and its roll-up to any coarser one. Pure.

An engine sums the paired rows once, by every combination of attribute values that occurs (slice columns, binned
features, the window). Each slice, crossed slice and window, and every subgroup of the search, is then an addition.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec.structs import replace

from ghmlops.core.paired.aggregates import Cells, CellTable, Counts, Squares, effective_rows
from ghmlops.core.paired.attributes import WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.paired.aggregates import Floats, Ints, Key

Value = str | int | float | bool | None
"""A value of an attribute."""
BOTH, ONLY_BASELINE, ONLY_CANDIDATE = 0, 1, 2
"""Codes of `Cube.side`: which sides have the rows of an entry."""
_NAMES = ("n", "a", "d", "aa", "ad", "dd")
_MAX_TABLE_RATIO = 4
"""Possible codes per entry up to which codes are counted in a dense table; beyond, they are sorted."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of a row's value over the usable rows of a cell that have one, shape (s,). Names as in `Cells`."""

    n: Floats
    a: Floats
    d: Floats
    aa: Floats
    ad: Floats
    dd: Floats
    weight: Floats | None = None
    squares: Squares | None = None


class Cube(msgspec.Struct, frozen=True, kw_only=True):
    """Aggregates of m cells: rows by side, usability and (in a task with classes) label and decisions, and sums.

    The k entries count rows, the s sums add their values; a cell has several entries and at most one sum per kind. Sums
    do not distinguish decisions, because a table by cells alone is a fifth of the size.
    """

    columns: tuple[str, ...]
    """The attributes."""
    values: tuple[Sequence[Value], ...]
    """For each attribute, the distinct values that occur, as sorted by `sort_values`."""
    codes: Ints
    """Index of each cell's value per attribute, shape (attributes, m)."""
    cell: Ints
    """Cell of each entry, 0 to m - 1, shape (k,)."""
    side: Ints
    """`BOTH`, `ONLY_BASELINE` or `ONLY_CANDIDATE`, shape (k,)."""
    usable: NDArray[np.bool_]
    """True if the rows of the entry are compared, shape (k,)."""
    label: Ints
    """Class of the label, shape (k,); 0 if the label is no class; -1 without a label."""
    baseline: Ints
    """Decision of the baseline, shape (k,)."""
    candidate: Ints
    """Decision of the candidate, shape (k,)."""
    n: Floats
    """Number of rows, shape (k,)."""
    sum_cell: Ints
    """Cell of each sum, 0 to m - 1, shape (s,)."""
    sums: Mapping[tuple[str, bool], Sums] = msgspec.field(default_factory=dict)
    """By (`Metric.row`, `Metric.needs_label`)."""
    classes: int = 0
    """Number of classes; 0 in a task without classes."""
    weight: Floats | None = None
    """Sum of the weights of the rows, shape (k,); None if rows are not weighted."""
    squares: Floats | None = None
    """Sum of the squared weights, shape (k,); None if rows are not weighted."""

    @property
    def cells(self) -> int:
        """Number of cells, m."""
        return int(self.codes.shape[1])

    def __add__(self, other: Cube) -> Cube:
        """Return the aggregates of the rows of both cubes, which must have the same attributes and kinds of sums."""
        values, codes = [], []
        for axis, own_values in enumerate(self.values):
            merged = sort_values([*own_values, *other.values[axis]])
            index = {_identity(value): i for i, value in enumerate(merged)}
            recoded = [
                np.array([index[_identity(v)] for v in side], dtype=np.int64)[cube.codes[axis]]
                for side, cube in ((own_values, self), (other.values[axis], other))
            ]
            values.append(merged)
            codes.append(np.concatenate(recoded))

        def concatenated(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(self, name), getattr(other, name)])

        return Cube(
            columns=self.columns,
            values=tuple(values),
            codes=np.stack(codes) if codes else np.zeros((0, self.cells + other.cells), dtype=np.int64),
            cell=np.concatenate([self.cell, other.cell + self.cells]),
            side=concatenated("side"),
            usable=concatenated("usable"),
            label=concatenated("label"),
            baseline=concatenated("baseline"),
            candidate=concatenated("candidate"),
            n=concatenated("n"),
            sum_cell=np.concatenate([self.sum_cell, other.sum_cell + self.cells]),
            sums={kind: _concatenate_sums(sums, other.sums[kind]) for kind, sums in self.sums.items()},
            classes=self.classes,
            **({} if self.weight is None else {name: concatenated(name) for name in ("weight", "squares")}),
        )

    def roll_up(self, columns: Sequence[str], min_rows: int = 0) -> CellTable:
        """Return the table by some of the attributes; cells with fewer usable rows than `min_rows` are only counted.

        Without attributes the result is a single cell of all rows. Rows without a window are in no cell of a window. Of
        weighted rows the effective number counts (`effective_rows`).
        """
        keys, cell_of_code = self._merge_cells(columns)
        cell = cell_of_code[self.cell]
        inside = cell >= 0

        def count_rows(selection: NDArray[np.bool_], n: Floats = self.n) -> Floats:
            weights = np.where(selection & inside, n, 0.0)
            counts = np.bincount(np.maximum(cell, 0), weights=weights, minlength=len(keys)).astype(np.float64)
            # Without a key, bincount still returns one count of 0.
            return np.asarray(counts[: len(keys)])

        usable = count_rows(self.usable)
        before, after = count_rows(self.side != ONLY_CANDIDATE), count_rows(self.side != ONLY_BASELINE)
        large = usable >= min_rows
        if self.weight is not None and self.squares is not None:
            sums = count_rows(self.usable, self.weight), count_rows(self.usable, self.squares)
            large &= np.nan_to_num(effective_rows(*sums)) >= min_rows
        # The last element is the index of rows that are in no cell.
        index = np.append(np.where(large, np.cumsum(large) - 1, -1), -1)
        small = (usable > 0) & ~large
        missing = [(keys[i], int(before[i])) for i in np.flatnonzero((after == 0) & (before >= max(min_rows, 1)))]
        cell_index = np.where(inside, index[np.maximum(cell, 0)], -1)
        selection, size = self.usable & (cell_index >= 0), int(large.sum())
        index_of_sum = index[cell_of_code[self.sum_cell]]
        return CellTable(
            keys=[key for key, is_large in zip(keys, large, strict=True) if is_large],
            sums={kind: _sum_cells(sums, index_of_sum, size) for kind, sums in self.sums.items()},
            counts=self._counts(selection, cell_index, size),
            small_cells=int(small.sum()),
            small_rows=int(usable[small].sum()),
            missing_cells=sorted(missing, key=lambda key_rows: -key_rows[1]) if columns else [],
            new_cells=int(((before == 0) & (after > 0)).sum()),
            cell_index=index[cell_of_code],
        )

    def _merge_cells(self, columns: Sequence[str]) -> tuple[list[Key], Ints]:
        """Return the sorted keys of the coarser cells and the coarser cell of each cell (-1: in no window)."""
        if not columns:
            return [()], np.zeros(self.cells, dtype=np.int64)
        axes = [self.columns.index(column) for column in columns]
        sizes = [len(self.values[i]) for i in axes]
        code = np.zeros(self.cells, dtype=np.int64)
        timeless = np.zeros(self.cells, dtype=np.bool_)
        for i, size, column in zip(axes, sizes, columns, strict=True):
            code = code * size + self.codes[i]
            if column == WINDOW and None in self.values[i]:
                timeless |= self.codes[i] == list(self.values[i]).index(None)
        distinct, index = np.unique(code[~timeless], return_inverse=True)
        cell_of_code = np.full(self.cells, -1, dtype=np.int64)
        cell_of_code[~timeless] = index
        parts = np.unravel_index(distinct, sizes)
        key_columns = [[self.values[i][c] for c in part.tolist()] for i, part in zip(axes, parts, strict=True)]
        return list(zip(*key_columns, strict=True)), cell_of_code

    def _counts(self, selection: NDArray[np.bool_], cell: Ints, cells: int) -> Counts | None:
        if not self.classes:
            return None
        # One more code than classes, because "none" is -1.
        base = self.classes + 1
        shape = (max(cells, 1), base, base, base)
        parts = (
            cell[selection],
            self.label[selection] + 1,
            self.baseline[selection] + 1,
            self.candidate[selection] + 1,
        )
        code = np.ravel_multi_index(parts, shape)
        codes, n = _sum_by_code(code, self.n[selection], math.prod(shape))
        weight, squares = (
            None if sums is None else _sum_by_code(code, sums[selection], math.prod(shape))[1]
            for sums in (self.weight, self.squares)
        )
        split = np.unravel_index(codes, shape)
        return Counts(
            cells=cells,
            classes=self.classes,
            cell=split[0].astype(np.int64),
            label=split[1].astype(np.int64) - 1,
            baseline=split[2].astype(np.int64) - 1,
            candidate=split[3].astype(np.int64) - 1,
            n=n,
            weight=weight,
            squares=squares,
        )


def _sum_by_code(code: Ints, n: Floats, codes: int) -> tuple[Ints, Floats]:
    """Return the codes that occur, ascending, and the number of rows of each.

    Args:
        code: Code of each entry, 0 to codes - 1, shape (k,).
        n: Number of rows of each entry, shape (k,).
        codes: Number of possible codes; entries are sorted only if there are many.
    """
    if codes <= _MAX_TABLE_RATIO * len(code):
        n = np.bincount(code, weights=n, minlength=codes).astype(np.float64)
        present = np.flatnonzero(np.bincount(code, minlength=codes)).astype(np.int64)
        return present, n[present]
    distinct, index = np.unique(code, return_inverse=True)
    return distinct, np.bincount(index.ravel(), weights=n, minlength=len(distinct)).astype(np.float64)


def sort_values(values: Sequence[Value]) -> list[Value]:
    """Return the distinct values: nulls first, then by type and value. 1 and 1.0 are one value, 1 and True are two."""
    distinct = {_identity(value): value for value in values}
    return sorted(distinct.values(), key=lambda v: (v is not None, _type_name(v), v if v is not None else 0))


def _identity(value: Value) -> tuple[str, Value]:
    """Return a key that differs for values of different types, which Python may take as equal (1 == True)."""
    return _type_name(value), value


def _type_name(value: Value) -> str:
    """Return the type by which values are sorted first; integers and floats are one type."""
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _concatenate_sums(first: Sums, second: Sums) -> Sums:
    def concatenated(one: Sums | Squares, other: Sums | Squares) -> dict[str, Any]:
        return {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in _NAMES}

    sums = Sums(**concatenated(first, second))
    if first.weight is None or second.weight is None or first.squares is None or second.squares is None:
        return sums
    squares = Squares(**concatenated(first.squares, second.squares))
    return replace(sums, weight=np.concatenate([first.weight, second.weight]), squares=squares)


def _sum_cells(sums: Sums, cell: Ints, cells: int) -> Cells:
    """Add the sums of each cell; those of cell -1 are left out."""
    inside = cell >= 0
    selected = cell[inside]

    def sum_all(part: Sums | Squares) -> dict[str, Any]:
        # Without an element, bincount returns integers.
        return {
            name: np.bincount(selected, weights=getattr(part, name)[inside], minlength=cells).astype(np.float64)
            for name in _NAMES
        }

    if sums.weight is None or sums.squares is None:
        return Cells(**sum_all(sums))
    weight = np.bincount(selected, weights=sums.weight[inside], minlength=cells).astype(np.float64)
    return Cells(**sum_all(sums), weight=weight, squares=Squares(**sum_all(sums.squares)))
