"""Paired rows, summed up: the one contract between the engines that read the artifacts and the metrics.

An engine delivers a table of cells (overall, a slice, a window, a cluster inside one of them), each with partial
aggregates that can be added to those of other rows: sums of a row's value (`Cells`), counts of label and decisions
(`Counts`), counts of binned scores (`Grid`). A metric (`ghmlops.core.metric`) says which of them it needs and how they
become a change with its interval. Only what depends on the order of all scores needs the rows: `Columns`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ghmlops.core.model import Direction
from ghmlops.core.stats import mcnemar, sign_flip, student, tango

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
        return _ratio(self.a, self.n)

    @property
    def change(self) -> Floats:
        """Mean of candidate - baseline; NaN without rows."""
        return _ratio(self.d, self.n)


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
class Moments:
    """Sampling variances and covariance of the means of `a` and `d`, shape (m,), and their degrees of freedom."""

    var_a: Floats
    cov_ad: Floats
    var_d: Floats
    freedom: Floats


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


def moments(cells: Cells) -> Moments:
    """Return the variances of the cells' means: of independent rows, or of independent clusters where there are some.

    Source of the second: the sandwich estimator of a ratio mean with G / (G - 1) (Cameron and Miller 2015, section II).
    """
    mean_a, mean_d = cells.baseline, cells.change
    if cells.groups is None:
        n, freedom = cells.n, cells.n - 1
        scale = _ratio(np.ones_like(n), n * np.where(freedom > 0, freedom, np.nan))
        with np.errstate(over="ignore", invalid="ignore"):  # values whose squares have no number: nothing is known
            return Moments(
                var_a=np.maximum(cells.aa - n * mean_a**2, 0.0) * scale,
                cov_ad=(cells.ad - n * mean_a * mean_d) * scale,
                var_d=np.maximum(cells.dd - n * mean_d**2, 0.0) * scale,
                freedom=freedom,
            )
    groups, size = cells.groups, len(cells.n)
    off_a = groups.a - groups.n * mean_a[groups.cell]
    off_d = groups.d - groups.n * mean_d[groups.cell]
    count = np.bincount(groups.cell, minlength=size).astype(np.float64)
    scale = _ratio(count, np.where(count > 1, count - 1, np.nan) * cells.n**2)

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(groups.cell, weights=values, minlength=size) * scale, dtype=np.float64)

    return Moments(
        var_a=summed(off_a * off_a), cov_ad=summed(off_a * off_d), var_d=summed(off_d * off_d), freedom=count - 1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """Two estimates a cell whose difference has a known standard error, arrays of shape (m,)."""

    n: Floats
    baseline: Floats
    change: Floats
    error: Floats
    """Standard error of the change."""
    freedom: Floats
    """Degrees of freedom of the error; below 1 nothing is known."""
    method: str
    bound: float = 0.0
    """How far counting in bins may have moved the change."""


def compare_shares(cells: Cells, tail: float, direction: Direction) -> Compared:
    """Compare the shares of rows that say yes (each value 0 or 1).

    Independent rows: McNemar mid-p and Tango's interval. Clusters: sign-flip test and the cluster-robust interval,
    never inside of Tango's; where no row changed, that of as many rows as there are clusters.
    """
    gained, lost = (cells.dd + cells.d) / 2.0, (cells.dd - cells.d) / 2.0
    rows, number = np.where(cells.n > 0, 1.0, np.nan), cells.n
    if cells.groups is not None:
        clusters = np.bincount(cells.groups.cell, minlength=len(cells.n)).astype(np.float64)
        number = np.where(cells.dd > 0, cells.n, clusters)
    low, high = tango.interval(np.maximum(number, 1.0), gained, lost, tail)
    if cells.groups is not None:
        found, (least, most), p = _clustered(cells, tail)
        interval = np.minimum(low * rows, least), np.maximum(high * rows, most)
        return oriented(found, interval=interval, p=p, direction=direction)
    p = mcnemar.p_more(gained, lost) * rows, mcnemar.p_more(lost, gained) * rows
    found = _estimated(cells, "McNemar mid-p, Tango interval")
    return oriented(found, interval=(low * rows, high * rows), p=p, direction=direction)


def compare_means(cells: Cells, tail: float, direction: Direction) -> Compared:
    """Compare the means of the two sides by their paired differences: Student's t, or sign-flip over clusters."""
    if cells.groups is None:
        return compare_estimates(_estimated(cells, "paired t"), tail, direction)
    found, interval, p = _clustered(cells, tail)
    return oriented(found, interval=interval, p=p, direction=direction)


def _clustered(cells: Cells, tail: float) -> tuple[Estimated, tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return the change of means over clusters, its limits, and the p-values of a rise and of a fall."""
    if cells.groups is None:
        raise ValueError("the cells have no clusters")
    found = _estimated(cells, "cluster sign-flip, cluster-robust t interval")
    known = np.where(found.freedom >= 1, 1.0, np.nan)
    up = sign_flip.p_above(cells.groups.cell, cells.groups.d, len(cells.n)) * known
    return found, student.limits(found.change, found.error, found.freedom, tail), (up, 1.0 - up)


def compare_estimates(found: Estimated, tail: float, direction: Direction) -> Compared:
    """Compare two estimates by Student's t on their difference (means, the delta method, DeLong)."""
    up = student.p_above(found.change, found.error, found.freedom)
    interval = student.limits(found.change, found.error, found.freedom, tail)
    return oriented(found, interval=interval, p=(up, 1.0 - up), direction=direction)


def _estimated(cells: Cells, method: str) -> Estimated:
    spread = moments(cells)
    return Estimated(
        n=cells.n,
        baseline=cells.baseline,
        change=cells.change,
        error=np.sqrt(spread.var_d),
        freedom=spread.freedom,
        method=method,
    )


def oriented(
    found: Estimated, *, interval: tuple[Floats, Floats], p: tuple[Floats, Floats], direction: Direction
) -> Compared:
    """Turn a change so that positive is harm.

    Args:
        found: the change.
        interval: its limits.
        p: the one-sided p-values of a rise and of a fall.
        direction: which way is harm.
    """
    low, high = interval
    up, down = p
    if direction is Direction.LOWER:
        loss, loss_low, loss_high, harm = found.change, low, high, up
    elif direction is Direction.HIGHER:
        loss, loss_low, loss_high, harm = -found.change, -high, -low, down
    else:
        loss, loss_high = np.abs(found.change), np.maximum(np.abs(low), np.abs(high))
        loss_low = np.maximum(np.maximum(low, -high), 0.0)
        harm = np.minimum(2.0 * np.minimum(up, down), 1.0)
    return Compared(
        n=found.n,
        baseline=found.baseline,
        candidate=found.baseline + found.change,
        low=low,
        high=high,
        loss=loss,
        loss_low=loss_low,
        loss_high=loss_high,
        p=harm,
        error=found.error,
        method=found.method,
        bound=found.bound,
    )


def cluster_error(influence: Floats, group: NDArray[np.uint64]) -> tuple[float, int]:
    """Return (standard error, degrees of freedom) of a sum of row influences that depend within clusters.

    Args:
        influence: what each row adds to the estimate, shape (n,), of mean 0.
        group: cluster of each row, shape (n,).
    """
    _, place = np.unique(group, return_inverse=True)
    totals = np.bincount(place, weights=influence)
    count = len(totals)
    if count < 2:
        return float("nan"), 0
    return float(np.sqrt(np.sum(totals**2) * count / (count - 1))), count - 1


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(below != 0, above / below, np.nan), dtype=np.float64)
