"""Aggregates of paired rows: the contract between the engines that read the artifacts and the metrics.

An engine delivers a table of cells (all rows, a slice, a window, a cluster within one of them). Each cell has partial
aggregates that can be added to those of other rows: sums of a row's value (`Cells`), counts of label and decisions
(`Counts`), counts of binned scores (`Grid`). A metric (`ghmlops.core.paired.metric`) states which of them it needs and
how they become a change with its interval. Only a metric that depends on the order of all scores needs the rows
themselves: `Columns`.

Naming throughout: `a` is the baseline's value of a row and `d` the difference candidate - baseline; `aa`, `ad`, `dd`
are their products. Shapes: m cells, k entries of a sparse table, n rows.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str | int | float | bool | None, ...]
"""The attribute values of a cell."""
DecisionValue = Callable[[Ints, Ints], Floats]
"""Maps label (-1: none) and decision of rows, shape (k,), to the value of each row, shape (k,)."""

FINE_BINS = 65_280
"""Number of bins of equal width over 0 to 1 for the scores of one side (without unit).

A multiple of `COARSE_BINS` and of the 15 bins of the expected calibration error, so that no bin crosses an edge of
theirs; small enough that the counts of both sides stay in memory. The error that remains is part of every comparison
(`MetricComparison.bound`), and scores are compared exactly if it could change the verdict.
Benchmark: `scripts/bench/verdict_predictions`, cases "false detection: ..., bins" and "non-coverage: ..., bins"."""
_ROUNDING = 1e-12
"""Relative distance from a whole number below which an effective number of rows is that number."""
COARSE_BINS = 510
"""Number of bins per side of the joint table of both sides' scores (without unit), each of 128 fine bins.

510 x 510 entries per class stay in memory. Coarse bins can only widen the interval; same benchmark as `FINE_BINS`."""


class Squares(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the rows of weighted cells with the square of each weight as factor, shape (m,); names as in `Cells`.

    The sampling variance of a weighted mean needs them, and the effective number of rows.
    """

    n: Floats
    """Sum of the squared weights."""
    a: Floats
    d: Floats
    aa: Floats
    ad: Floats
    dd: Floats


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """Sums per cluster of dependent rows, one entry per (cell, cluster) that occurs, shape (k,); as `Cells`."""

    cell: Ints
    """Index of the cell, 0 to m - 1."""
    n: Floats
    """Number of rows, or sum of their weights if rows are weighted."""
    a: Floats
    d: Floats
    dd: Floats


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the paired rows of m cells, shape (m,). `a` is the baseline's value of a row, `d` candidate - baseline.

    Sums of differences are kept instead of sums of both sides, so that no digits cancel if the sides nearly agree. If
    rows are weighted, each value is multiplied by the weight of its row.
    """

    n: Floats
    """Number of rows."""
    a: Floats
    d: Floats
    aa: Floats
    ad: Floats
    dd: Floats
    groups: Groups | None = None
    """Sums per cluster; None if rows are independent."""
    weight: Floats | None = None
    """Sum of the weights; None if rows are not weighted."""
    squares: Squares | None = None
    """Sums with squared weights; None if rows are not weighted."""

    @property
    def mass(self) -> Floats:
        """Sum of the weights, shape (m,): the number of rows if rows are not weighted."""
        return self.n if self.weight is None else self.weight

    @property
    def effective(self) -> Floats:
        """Effective number of rows, shape (m,): see `effective_rows`."""
        return self.n if self.squares is None else effective_rows(self.mass, self.squares.n)

    @property
    def baseline(self) -> Floats:
        """Mean of the baseline's values, shape (m,); NaN without rows."""
        return ratio(self.a, self.mass)

    @property
    def change(self) -> Floats:
        """Mean of candidate - baseline, shape (m,); NaN without rows."""
        return ratio(self.d, self.mass)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Usable rows counted by cell, label and both decisions: one entry per combination that occurs, shape (k,).

    Classes are numbered 0 to classes - 1; a binary task has the classes 0 (negative) and 1 (positive).
    """

    cells: int
    """Number of cells, m; a cell may have no entry."""
    classes: int
    cell: Ints
    """Index of the cell, 0 to m - 1."""
    label: Ints
    """Class of the label; -1 if the row has no label (yet)."""
    baseline: Ints
    """Class that the baseline decided for."""
    candidate: Ints
    """Class that the candidate decided for."""
    n: Floats
    """Number of rows."""
    group: Ints | None = None
    """Cluster of the entry if rows are dependent: entries are then one per (cell, combination, cluster)."""
    weight: Floats | None = None
    """Sum of the weights of the rows; None if rows are not weighted."""
    squares: Floats | None = None
    """Sum of the squared weights; None if rows are not weighted."""

    @property
    def mass(self) -> Floats:
        """Sum of the weights of each entry, shape (k,): the number of rows if rows are not weighted."""
        return self.n if self.weight is None else self.weight

    @property
    def square_mass(self) -> Floats:
        """Sum of the squared weights of each entry, shape (k,): the number of rows if rows are not weighted."""
        return self.n if self.squares is None else self.squares

    @property
    def effective(self) -> float:
        """Effective number of rows of all entries: see `effective_rows`."""
        return float(effective_rows(self.mass.sum(), self.square_mass.sum()))

    def select(self, mask: NDArray[np.bool_] | Ints) -> Counts:
        """Return some of the entries."""
        return replace(
            self,
            cell=self.cell[mask],
            label=self.label[mask],
            baseline=self.baseline[mask],
            candidate=self.candidate[mask],
            n=self.n[mask],
            group=None if self.group is None else self.group[mask],
            weight=None if self.weight is None else self.weight[mask],
            squares=None if self.squares is None else self.squares[mask],
        )


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The usable paired rows themselves, shape (n,). Every row has a label; labels are 0 and 1 in a binary task."""

    label: Floats
    baseline: Floats
    """Scores (binary task) or values (regression) of the baseline."""
    candidate: Floats
    """Scores or values of the candidate."""
    group: NDArray[np.uint64] | None = None
    """Cluster of each row; None if rows are independent."""
    cell: Ints | None = None
    """Cell of each row, if the columns are those of several cells."""
    weight: Floats | None = None
    """Weight of each row, > 0; None if rows are not weighted."""

    @property
    def weights(self) -> Floats:
        """Weight of each row, shape (n,): 1 if rows are not weighted."""
        return np.ones(len(self.label)) if self.weight is None else self.weight

    @property
    def effective(self) -> float:
        """Effective number of rows: see `effective_rows`."""
        return float(len(self.label)) if self.weight is None else _effective(self.weight)

    @property
    def effective_smaller_class(self) -> float:
        """Effective number of rows of the class with fewer of them (binary task)."""
        positive = self.positive
        if self.weight is None:
            positives = int(positive.sum())
            return float(min(positives, len(positive) - positives))
        return min(_effective(self.weight[rows]) for rows in (positive, ~positive))

    @property
    def positive(self) -> NDArray[np.bool_]:
        """True for rows of the positive class (binary task), shape (n,)."""
        return np.asarray(self.label == 1)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Columns:
        """Return the columns of some of the rows, without their cells."""
        return Columns(
            label=self.label[rows],
            baseline=self.baseline[rows],
            candidate=self.candidate[rows],
            group=None if self.group is None else self.group[rows],
            weight=None if self.weight is None else self.weight[rows],
        )


class ScorePairs(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of all usable paired rows, with or without a label: one entry per row, or per pair of bins."""

    baseline: Floats
    """Scores or bins of the baseline, shape (k,)."""
    candidate: Floats
    """Scores or bins of the candidate, shape (k,)."""
    n: Floats | None = None
    """Number of rows of each entry, or sum of their weights, shape (k,); None: one each."""
    units: float
    """Number of independent rows or clusters; of weighted rows the effective number."""
    rows: int | None = None
    """Number of rows if they are weighted; None: the sum of `n`."""
    bins: int = 0
    """Number of bins of equal width per side; 0 if the scores themselves are listed."""


class QueryRanks(msgspec.Struct, frozen=True, kw_only=True):
    """Products of the ranks of all documents that both sides rank, each rank minus the mean of its query."""

    documents: int
    """Number of documents of queries with at least two."""
    queries: int
    """Number of such queries."""
    baseline: float
    """Sum of the squares on the baseline."""
    candidate: float
    """Sum of the squares on the candidate."""
    product: float
    """Sum of the products of both sides."""
    effective: float | None = None
    """Effective number of the queries (`effective_rows`); None if they are not weighted."""


class Grid(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The usable labelled rows of a binary task, counted in bins of equal width over 0 to 1: floor(score * bins).

    A score of 1 is in the last bin. All counts can be added to those of other rows. If rows are weighted, sums of their
    weights take the place of the numbers of rows. Two grids are equal only if they are the same object.
    """

    baseline: Ints | Floats
    """Number of rows by class and fine bin of the baseline's score, shape (2, FINE_BINS)."""
    candidate: Ints | Floats
    """Number of rows by class and fine bin of the candidate's score, shape (2, FINE_BINS)."""
    joint_label: Ints
    """Joint table, one entry per combination that occurs, shape (k,): the class."""
    joint_baseline: Ints
    """Joint table: coarse bin of the baseline's score, shape (k,)."""
    joint_candidate: Ints
    """Joint table: coarse bin of the candidate's score, shape (k,)."""
    joint_n: Ints | Floats
    """Joint table: number of rows, shape (k,)."""
    squares: Grid | None = None
    """The same bins with sums of squared weights; None if rows are not weighted."""
    weighted_rows: int | None = None
    """Number of rows if they are weighted."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.baseline.sum()) if self.weighted_rows is None else self.weighted_rows

    @property
    def effective(self) -> float:
        """Effective number of rows: see `effective_rows`."""
        squares = self if self.squares is None else self.squares
        return float(effective_rows(self.joint_n.sum(), squares.joint_n.sum()))


class MetricComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The change of a metric in each of m cells, arrays of shape (m,); NaN if it is undefined.

    `loss` is the change oriented so that positive is worse. All limits are one-sided at the requested tail.
    """

    n: Floats
    """Number of rows."""
    baseline: Floats
    candidate: Floats
    low: Floats
    """Lower limit of candidate - baseline."""
    high: Floats
    """Upper limit of candidate - baseline."""
    loss: Floats
    loss_low: Floats
    loss_high: Floats
    p: Floats
    """p-value of the null hypothesis that the metric did not get worse; two-sided if any move is a regression."""
    error: Floats
    """Standard error of candidate - baseline."""
    method: str
    """Name of the test and the interval."""
    bound: float = 0.0
    """Largest error of candidate - baseline that results from binning the scores."""
    weight: Floats | None = None
    """Sum of the weights of the rows; None if rows are not weighted."""
    effective: Floats | None = None
    """Effective number of rows (`effective_rows`); None if rows are not weighted."""


class CellTable(msgspec.Struct, frozen=True, kw_only=True):
    """The partial aggregates of one breakdown of the rows: all rows, by slice columns, or by window."""

    keys: list[Key]
    """Attribute values of each cell, in the order of the columns; a window is the ISO date or time of its start."""
    sums: dict[tuple[str, bool], Cells]
    """By (`Metric.row`, `Metric.needs_label`), in the order of `keys`."""
    counts: Counts | None = None
    """Counts of a task with classes."""
    small_cells: int = 0
    """Number of cells left out because they have fewer rows than the minimum."""
    small_rows: int = 0
    """Number of rows in these cells."""
    missing_cells: list[tuple[Key, int]] = msgspec.field(default_factory=list)
    """Cells of the baseline in which the candidate has no row: key and number of rows of the baseline."""
    new_cells: int = 0
    """Number of cells that only the candidate has."""
    cell_index: Ints | None = None
    """For each cell of `Columns.cell`: its index in `keys`, or -1 if it is in none."""


def _effective(weights: Floats) -> float:
    return float(np.nan_to_num(effective_rows(weights.sum(), weights @ weights)))


def effective_rows(weight: Floats | float, squares: Floats | float) -> Floats:
    """Return the number of rows of equal weight whose mean varies as much as a weighted mean; NaN without rows.

    Source: Kish (1965), Survey Sampling, section 11.7: the square of the sum of the weights by the sum of the squares.

    Args:
        weight: Sum of the weights.
        squares: Sum of the squared weights.
    """
    number = ratio(np.square(np.asarray(weight, dtype=np.float64)), np.asarray(squares, dtype=np.float64))
    # Rows of equal weight must not fall below a required number of rows by a rounding error.
    whole = np.round(number)
    return np.asarray(np.where(np.abs(number - whole) <= _ROUNDING * whole, whole, number), dtype=np.float64)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient of two arrays; NaN if the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominator != 0, numerator / denominator, np.nan), dtype=np.float64)
