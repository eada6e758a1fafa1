"""Paired rows, summed up: the one contract between the engines that read the artifacts and the metrics.

An engine delivers a table of cells (overall, a slice, a window, a cluster inside one of them), each with partial
aggregates that can be added to those of other rows: sums of a row's value (`Cells`), counts of label and decisions
(`Counts`), counts of binned scores (`Grid`). A metric (`ghmlops.core.paired.metric`) says which of them it needs and
how they become a change with its interval. Only what depends on the order of all scores needs the rows: `Columns`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str | int | float | bool | None, ...]
Decided = Callable[[Ints, Ints], Floats]
"""Label (-1: none) and decision of rows, shape (k,), to the value of each."""
FINE, COARSE = 65_280, 510
"""Bins of equal width of one side's scores, and of each side of the joint table: 128 fine ones make a coarse one, and
both are multiples of the 15 bins of the expected calibration error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The same sums a cluster: one entry a (cell, cluster), shape (k,). Present where rows depend on each other."""

    cell: Ints
    """Index into the cells, 0..m-1."""
    n: Floats
    a: Floats
    d: Floats
    dd: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Sums over the paired rows of m cells, shape (m,). `a` is the baseline's value of a row, `d` candidate - baseline.

    Sums of differences are kept instead of sums of both sides, so that nothing cancels where the sides nearly agree.
    """

    n: Floats
    a: Floats
    d: Floats
    aa: Floats
    ad: Floats
    dd: Floats
    groups: Groups | None = None

    @property
    def baseline(self) -> Floats:
        """Mean of the baseline's values; NaN without rows."""
        return ratio(self.a, self.n)

    @property
    def change(self) -> Floats:
        """Mean of candidate - baseline; NaN without rows."""
        return ratio(self.d, self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Usable rows counted by cell, label and both decisions: one entry a combination that occurs, shape (k,).

    Classes are numbered 0..classes-1; a binary task has the classes 0 (negative) and 1 (positive).
    """

    cells: int
    """m; entries of a cell may be absent."""
    classes: int
    cell: Ints
    """0..m-1."""
    label: Ints
    """-1: the row has no label (yet)."""
    baseline: Ints
    candidate: Ints
    n: Floats
    group: Ints | None = None
    """Cluster of the entry, where rows depend on each other: entries are then one a (cell, combination, cluster)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The usable paired rows themselves, shape (n,). Labels are 0 and 1 in a binary task, and known for every row."""

    label: Floats
    baseline: Floats
    """Scores (binary), values (regression)."""
    candidate: Floats
    group: NDArray[np.uint64] | None = None
    cell: Ints | None = None
    """Cell of each row, where the columns are those of several cells."""

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Rows of the positive class (binary)."""
        return np.asarray(self.label == 1)

    def of(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Columns:
        """Return some of the rows."""
        return Columns(
            label=self.label[rows],
            baseline=self.baseline[rows],
            candidate=self.candidate[rows],
            group=None if self.group is None else self.group[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The usable labelled rows of a binary task, counted in bins of equal width over 0..1: floor(score * bins).

    A score of 1 is in the last bin. All counts can be added to those of other rows.
    """

    baseline: Ints
    """Counts by class and `FINE` bin of the baseline's score, shape (2, FINE)."""
    candidate: Ints
    label: Ints
    """The joint table, one entry a combination that occurs, shape (k,): class, `COARSE` bins of both sides, rows."""
    first: Ints
    second: Ints
    n: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a metric says about m cells, arrays of shape (m,). NaN where it is undefined.

    `loss` is the change turned so that positive is harm; its limits are one-sided at the tail that was asked for.
    """

    n: Floats
    baseline: Floats
    candidate: Floats
    low: Floats
    """Limits of candidate - baseline."""
    high: Floats
    loss: Floats
    loss_low: Floats
    loss_high: Floats
    p: Floats
    """Against "no harm"; two-sided where any move is harm."""
    error: Floats
    """Standard error of candidate - baseline."""
    method: str
    bound: float = 0.0
    """Largest error of `candidate - baseline` that comes from counting in bins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTable:
    """The partial aggregates of one cut through the rows: overall, by slice columns, or by window."""

    keys: list[Key]
    """Of each cell, in the order of the cut's columns; a window is the ISO date or time of its start."""
    sums: dict[tuple[str, bool], Cells]
    """By (`Metric.row`, `Metric.labelled`), in the order of `keys`."""
    counts: Counts | None = None
    """Of a task with classes."""
    small: int = 0
    """Cells left out because they hold fewer rows than the minimum."""
    small_rows: int = 0
    lost: list[tuple[Key, int]] = field(default_factory=list)
    """Cells of the baseline that the candidate has no row of: key and rows of the baseline."""
    new: int = 0
    """Cells that only the candidate has."""
    place: Ints | None = None
    """Of each cell of `Columns.cell`: its place in `keys`, or -1 where it is in none."""


def decided_cells(counts: Counts, decided: Decided, *, labelled: bool) -> Cells:
    """Return the sums of a value that follows from label and decision, shape (counts.cells,)."""
    a = decided(counts.label, counts.baseline)
    return paired_cells(counts, a, decided(counts.label, counts.candidate) - a, labelled=labelled)


def paired_cells(counts: Counts, a: Floats, d: Floats, *, labelled: bool = False) -> Cells:
    """Return the sums of `a`, the baseline's value, and `d`, candidate - baseline, of each entry, shape (k,).

    Args:
        counts: the entries; each value counts for the rows of its entry.
        a: shape (k,).
        d: shape (k,).
        labelled: leave rows without a label out.
    """
    used = counts.label >= 0 if labelled else np.ones(len(counts.n), dtype=np.bool_)
    cell, n, a, d = counts.cell[used], counts.n[used], a[used], d[used]

    def summed(values: Floats) -> Floats:
        return np.bincount(cell, weights=values * n, minlength=counts.cells).astype(np.float64)

    groups = None
    if counts.group is not None:
        groups = _grouped(cell, counts.group[used], (n, a * n, d * n, d * d * n))
    return Cells(
        n=summed(np.ones_like(n)),
        a=summed(a),
        d=summed(d),
        aa=summed(a * a),
        ad=summed(a * d),
        dd=summed(d * d),
        groups=groups,
    )


def _grouped(cell: Ints, group: Ints, values: tuple[Floats, Floats, Floats, Floats]) -> Groups:
    pairs, place = np.unique(np.stack([cell, group]), axis=1, return_inverse=True)
    n, a, d, dd = (np.bincount(place.ravel(), weights=v, minlength=pairs.shape[1]).astype(np.float64) for v in values)
    return Groups(cell=pairs[0], n=n, a=a, d=d, dd=dd)


def ratio(above: Floats, below: Floats) -> Floats:
    """Return `above` / `below`, NaN where that is no number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(below != 0, above / below, np.nan), dtype=np.float64)


WINDOW = ""
"""The attribute that is the window's start; no column has an empty name."""
