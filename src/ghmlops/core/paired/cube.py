"""The finest table of partial aggregates, and the roll-up to any coarser one. Pure.

An engine sums the paired rows up once, by every combination of attribute values that occurs (slice columns, binned
features, the window). Each slice, crossed slice and window, and what the slice search looks at, is then an addition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.paired.aggregates import WINDOW, Cells, CellTable, Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.paired.aggregates import Floats, Ints, Key

Value = str | int | float | bool | None
BOTH, ONLY_BASELINE, ONLY_CANDIDATE = 0, 1, 2
_FEW = 4
"""Times the entries: so many possible codes are counted in a table of all of them instead of sorting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of a row's value over the rows of each entry that have one, shape (k,). Names as in `Cells`."""

    n: Floats
    a: Floats
    d: Floats
    aa: Floats
    ad: Floats
    dd: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """Aggregates by cell, side, usability and (where there are classes) label and decisions: one entry each, (k,)."""

    columns: tuple[str, ...]
    """The attributes."""
    values: tuple[Sequence[Value], ...]
    """Of each attribute: the values that occur, each once, in order, nulls first."""
    codes: Ints
    """Of each of the m cells: the place of its value of each attribute, shape (attributes, m)."""
    cell: Ints
    """0..m-1."""
    side: Ints
    usable: NDArray[np.bool_]
    label: Ints
    """Class; 0 for a label that is no class; -1 without a label."""
    baseline: Ints
    candidate: Ints
    n: Floats
    sums: Mapping[tuple[str, bool], Sums] = field(default_factory=dict)
    """By (`Metric.row`, `Metric.labelled`)."""
    classes: int = 0
    """0: a task without classes."""

    @property
    def cells(self) -> int:
        """m."""
        return int(self.codes.shape[1])

    def __add__(self, other: Cube) -> Cube:
        """Return the aggregates of the rows of both, which are about the same attributes and values of rows."""
        values, codes = [], []
        for place, own in enumerate(self.values):
            merged = ordered([*own, *other.values[place]])
            where = {_mark(value): i for i, value in enumerate(merged)}
            both = [
                np.array([where[_mark(v)] for v in side], dtype=np.int64)[cube.codes[place]]
                for side, cube in ((own, self), (other.values[place], other))
            ]
            values.append(merged)
            codes.append(np.concatenate(both))

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(self, name), getattr(other, name)])

        return Cube(
            columns=self.columns,
            values=tuple(values),
            codes=np.stack(codes) if codes else np.zeros((0, self.cells + other.cells), dtype=np.int64),
            cell=np.concatenate([self.cell, other.cell + self.cells]),
            side=joined("side"),
            usable=joined("usable"),
            label=joined("label"),
            baseline=joined("baseline"),
            candidate=joined("candidate"),
            n=joined("n"),
            sums={kind: _added(one, other.sums[kind]) for kind, one in self.sums.items()},
            classes=self.classes,
        )

    def cut(self, columns: Sequence[str], minimum: int = 0) -> CellTable:
        """Return the table by some of the attributes; cells with fewer than `minimum` usable rows are only counted.

        Without attributes the result is one cell of all rows. Rows without a window are in no cell of a window.
        """
        keys, of_code = self._merged(columns)
        cell = of_code[self.cell]
        inside = cell >= 0

        def rows(chosen: NDArray[np.bool_]) -> Floats:
            weights = np.where(chosen & inside, self.n, 0.0)
            counts = np.bincount(np.maximum(cell, 0), weights=weights, minlength=len(keys)).astype(np.float64)
            return np.asarray(counts[: len(keys)])  # without a key there is still a count of nothing

        usable = rows(self.usable)
        before, after = rows(self.side != ONLY_CANDIDATE), rows(self.side != ONLY_BASELINE)
        kept = usable >= minimum
        place = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)  # the last: of what is in no cell
        small = (usable > 0) & ~kept
        lost = [(keys[i], int(before[i])) for i in np.flatnonzero((after == 0) & (before >= max(minimum, 1)))]
        placed = np.where(inside, place[np.maximum(cell, 0)], -1)
        chosen, size = self.usable & (placed >= 0), int(kept.sum())
        return CellTable(
            keys=[key for key, here in zip(keys, kept, strict=True) if here],
            sums={kind: _cells(one, chosen, placed, size) for kind, one in self.sums.items()},
            counts=self._counts(chosen, placed, size),
            small=int(small.sum()),
            small_rows=int(usable[small].sum()),
            lost=sorted(lost, key=lambda one: -one[1]) if columns else [],
            new=int(((before == 0) & (after > 0)).sum()),
            place=place[of_code],
        )

    def _merged(self, columns: Sequence[str]) -> tuple[list[Key], Ints]:
        """Return the keys of the coarser cells in order, and the coarser cell of each cell (-1: in no window)."""
        if not columns:
            return [()], np.zeros(self.cells, dtype=np.int64)
        where = [self.columns.index(column) for column in columns]
        sizes = [len(self.values[i]) for i in where]
        code = np.zeros(self.cells, dtype=np.int64)
        timeless = np.zeros(self.cells, dtype=np.bool_)
        for i, size, column in zip(where, sizes, columns, strict=True):
            code = code * size + self.codes[i]
            if column == WINDOW and None in self.values[i]:
                timeless |= self.codes[i] == list(self.values[i]).index(None)
        found, place = np.unique(code[~timeless], return_inverse=True)
        of_code = np.full(self.cells, -1, dtype=np.int64)
        of_code[~timeless] = place
        parts = np.unravel_index(found, sizes)
        listed = [[self.values[i][c] for c in part.tolist()] for i, part in zip(where, parts, strict=True)]
        return list(zip(*listed, strict=True)), of_code

    def _counts(self, chosen: NDArray[np.bool_], cell: Ints, cells: int) -> Counts | None:
        if not self.classes:
            return None
        base = self.classes + 1  # one more for "none", which is -1
        shape = (max(cells, 1), base, base, base)
        parts = (cell[chosen], self.label[chosen] + 1, self.baseline[chosen] + 1, self.candidate[chosen] + 1)
        found, n = _summed(np.ravel_multi_index(parts, shape), self.n[chosen], math.prod(shape))
        split = np.unravel_index(found, shape)
        return Counts(
            cells=cells,
            classes=self.classes,
            cell=split[0].astype(np.int64),
            label=split[1].astype(np.int64) - 1,
            baseline=split[2].astype(np.int64) - 1,
            candidate=split[3].astype(np.int64) - 1,
            n=n,
        )


def _summed(code: Ints, n: Floats, codes: int) -> tuple[Ints, Floats]:
    """Return the codes that occur, rising, and the rows of each; sorted only where many `codes` are possible."""
    if codes <= _FEW * len(code):
        n = np.bincount(code, weights=n, minlength=codes).astype(np.float64)
        seen = np.flatnonzero(np.bincount(code, minlength=codes)).astype(np.int64)
        return seen, n[seen]
    found, place = np.unique(code, return_inverse=True)
    return found, np.bincount(place.ravel(), weights=n, minlength=len(found)).astype(np.float64)


def ordered(values: Sequence[Value]) -> list[Value]:
    """Return the different values in order: nulls first, then by type; 1, 1.0 and True are one number only by type."""
    known = {_mark(value): value for value in values}
    return sorted(known.values(), key=lambda v: (v is not None, _rank(v), v if v is not None else 0))


def _mark(value: Value) -> tuple[str, Value]:
    return _rank(value), value


def _added(one: Sums, other: Sums) -> Sums:
    names = ("n", "a", "d", "aa", "ad", "dd")
    return Sums(**{name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in names})


def _rank(value: Value) -> str:
    """Order values of different types by type first; whole and other numbers are one type."""
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _cells(sums: Sums, chosen: NDArray[np.bool_], cell: Ints, cells: int) -> Cells:
    def summed(values: Floats) -> Floats:
        return np.bincount(cell[chosen], weights=values[chosen], minlength=cells).astype(np.float64)

    return Cells(
        n=summed(sums.n), a=summed(sums.a), d=summed(sums.d), aa=summed(sums.aa), ad=summed(sums.ad), dd=summed(sums.dd)
    )
