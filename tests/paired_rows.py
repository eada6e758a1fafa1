"""Paired rows of each task for the tests of metrics, and what an engine makes of them: sums, counts, bins.

The value of a row is computed from the metric's own SQL by DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import duckdb
import msgspec
import numpy as np
from numpy.typing import NDArray

from ghmlops.core.paired.aggregates import (
    COARSE_BINS,
    FINE_BINS,
    Cells,
    Columns,
    Counts,
    Floats,
    Grid,
    Groups,
    Ints,
    MetricComparison,
    Squares,
)
from ghmlops.core.paired.counted_sums import cells_from_decisions
from ghmlops.core.paired.metric import Metric

Numbers = NDArray[Any]
"""Numbers or booleans, which are converted to doubles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The columns of one side, shape (n,)."""

    p: Floats
    """Decisions or values."""
    s: Floats
    """Scores."""
    t: Floats
    """Probability of the true class."""
    r: Floats
    """Rank of the true class, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Paired rows of a task."""

    label: Floats
    baseline: Side
    candidate: Side
    classes: int = 0
    """Number of classes; 0 in a task without classes."""
    scored: bool = False
    """True in a binary task: scores are between 0 and 1."""
    group: Ints | None = None
    weight: Floats | None = None

    def select(self, indices: Ints) -> Rows:
        """Return some of the rows, in the order of the indices."""
        sides = [
            Side(**{name: getattr(side, name)[indices] for name in "pstr"}) for side in (self.baseline, self.candidate)
        ]
        group = None if self.group is None else self.group[indices]
        weight = None if self.weight is None else self.weight[indices]
        label = self.label[indices]
        return replace(self, label=label, baseline=sides[0], candidate=sides[1], group=group, weight=weight)

    def swapped(self) -> Rows:
        """Return the rows with the two sides exchanged."""
        return replace(self, baseline=self.candidate, candidate=self.baseline)


def side(p: Numbers, s: Numbers | None = None, t: Numbers | None = None, r: Numbers | None = None) -> Side:
    """Return a side; columns that are None equal `p`."""
    p, s, t, r = (np.asarray(p if x is None else x, dtype=np.float64) for x in (p, s, t, r))
    return Side(p=p, s=s, t=t, r=r)


def binary(label: Numbers, baseline: Numbers, candidate: Numbers, group: Ints | None = None) -> Rows:
    """Return rows of a binary task from scores, decided at the threshold 0.5."""
    label = np.asarray(label, dtype=np.float64)
    sides = [side((s >= 0.5) * 1.0, s, np.where(label == 1, s, 1.0 - s)) for s in (baseline, candidate)]
    return Rows(label=label, baseline=sides[0], candidate=sides[1], classes=2, scored=True, group=group)


def multiclass(label: Ints, baseline: Floats, candidate: Floats, group: Ints | None = None) -> Rows:
    """Return rows of a multiclass task from vectors of probabilities, shape (n, classes)."""
    index = np.arange(len(label))
    sides = []
    for vectors in (baseline, candidate):
        true = vectors[index, label]
        rank = 1.0 + np.sum(vectors > true[:, None], axis=1)
        sides.append(side(np.argmax(vectors, axis=1), true, true, rank))
    return Rows(
        label=label.astype(np.float64),
        baseline=sides[0],
        candidate=sides[1],
        classes=baseline.shape[1],
        group=group,
    )


def valued(label: Floats, baseline: Floats, candidate: Floats, group: Ints | None = None) -> Rows:
    """Return rows of a regression; or queries with the value of a metric; or keys with a distance."""
    return Rows(label=label, baseline=side(baseline), candidate=side(candidate), group=group)


def random_decisions(n: int = 2000) -> tuple[Floats, Floats, Floats]:
    """Return binary labels and the decisions of two models: 80 % correct, and 10 % of the decisions changed."""
    rng = np.random.default_rng(n)
    label: Floats = (rng.random(n) < 0.4).astype(np.float64)
    first = np.where(rng.random(n) < 0.8, label, 1 - label)
    return label, first, np.where(rng.random(n) < 0.1, 1 - first, first)


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def values(sql: str, metric: Metric, rows: Rows, columns_of: Side) -> Floats:
    """Return the value of each row of one side by the metric's SQL, shape (n,)."""
    if not len(rows.label):
        return np.zeros(0)
    names = {"y": "y", "p": "p", "s": "s", "t": "t", "r": "r", metric.id: "p"}
    names |= {"y0": repr(float(np.average(rows.label, weights=rows.weight)))}
    names |= {"p0": repr(float(np.average(columns_of.p, weights=rows.weight)))}
    table = {"y": rows.label, "p": columns_of.p, "s": columns_of.s, "t": columns_of.t, "r": columns_of.r}
    database = _database()
    database.register("sides", {name: np.asarray(column, dtype=np.float64) for name, column in table.items()})
    query = f"SELECT CAST({sql.format(**names)} AS DOUBLE) AS v FROM sides"  # noqa: S608  # the metric's own SQL
    result = database.execute(query).fetchnumpy()
    return np.asarray(result["v"], dtype=np.float64)


def cells(baseline: Floats, candidate: Floats, group: Ints | None = None, weight: Floats | None = None) -> Cells:
    """Return the sums of the values of one cell's rows, and of its clusters."""
    change = candidate - baseline
    one = np.ones(len(change))
    mass = one if weight is None else weight
    groups = None
    if group is not None:
        index = np.unique(group, return_inverse=True)[1]
        n, a, d, dd = (
            np.bincount(index, weights=mass * w).astype(np.float64) for w in (one, baseline, change, change**2)
        )
        groups = Groups(cell=np.zeros(len(n), dtype=np.int64), n=n, a=a, d=d, dd=dd)
    products = (baseline, change, baseline * baseline, baseline * change, change * change)
    names = ("a", "d", "aa", "ad", "dd")

    def sums(factor: Floats) -> dict[str, Any]:
        return {name: np.array([(factor * product).sum()]) for name, product in zip(names, products, strict=True)}

    number = np.array([float(len(change))])
    if weight is None:
        return Cells(n=number, **sums(one), groups=groups)
    squares = Squares(n=np.array([(weight**2).sum()]), **sums(weight**2))
    return Cells(n=number, **sums(weight), groups=groups, weight=np.array([weight.sum()]), squares=squares)


def counts(rows: Rows) -> Counts:
    """Return label and decisions, one entry per row; an engine may merge equal ones."""
    label, first, second = (x.astype(np.int64) for x in (rows.label, rows.baseline.p, rows.candidate.p))
    return Counts(
        cells=1,
        classes=rows.classes,
        cell=np.zeros(len(label), dtype=np.int64),
        label=label,
        baseline=first,
        candidate=second,
        n=np.ones(len(label)),
        group=rows.group,
        weight=rows.weight,
        squares=None if rows.weight is None else rows.weight**2,
    )


def columns(rows: Rows) -> Columns:
    """Return the columns for a metric that needs the rows themselves."""
    first, second = (side.s if rows.scored else side.p for side in (rows.baseline, rows.candidate))
    group = None if rows.group is None else rows.group.astype(np.uint64)
    return Columns(label=rows.label, baseline=first, candidate=second, group=group, weight=rows.weight)


def grid(rows: Rows) -> Grid:
    """Return the scores of a binary task, counted in bins; of weighted rows the sums of weights and their squares."""
    if rows.weight is None:
        return _grid(rows, None)
    squares, number = _grid(rows, rows.weight**2), len(rows.label)
    return msgspec.structs.replace(_grid(rows, rows.weight), squares=squares, weighted_rows=number)


def _grid(rows: Rows, weight: Floats | None) -> Grid:
    label = rows.label.astype(np.int64)
    first, second = rows.baseline.s, rows.candidate.s

    def fine(scores: Floats) -> Any:
        index = np.minimum((scores * FINE_BINS).astype(np.int64), FINE_BINS - 1)
        counted = np.bincount(label * FINE_BINS + index, weights=weight, minlength=2 * FINE_BINS)
        return counted.reshape(2, FINE_BINS)

    coarse = (np.minimum((s * COARSE_BINS).astype(np.int64), COARSE_BINS - 1) for s in (first, second))
    joint, index = np.unique(np.stack([label, *coarse]), axis=1, return_inverse=True)
    return Grid(
        baseline=fine(first),
        candidate=fine(second),
        joint_label=joint[0],
        joint_baseline=joint[1],
        joint_candidate=joint[2],
        joint_n=np.bincount(index.ravel(), weights=weight, minlength=joint.shape[1]),
    )


def compare(metric: Metric, rows: Rows, tail: float = 0.01) -> MetricComparison:
    """Compare as the product does without binning: from sums, from counts or from columns."""
    if metric.compare_counts is not None:
        return metric.compare_counts(counts(rows), tail)
    if metric.compare_columns is not None:
        return metric.compare_columns(columns(rows), tail)
    if metric.compare_rows is not None:
        return metric.compare_rows(tuple(sums(sql, metric, rows) for sql in metric.rows), tail)
    assert metric.compare is not None
    if metric.decision_value is not None:
        cells_of_rows = cells_from_decisions(counts(rows), metric.decision_value, labelled=metric.needs_label)
        return metric.compare(cells_of_rows, tail)
    return metric.compare(sums(metric.row, metric, rows), tail)


def sums(sql: str, metric: Metric, rows: Rows) -> Cells:
    """Return the sums of one kind of row value."""
    first, second = (values(sql, metric, rows, side) for side in (rows.baseline, rows.candidate))
    return cells(first, second, rows.group, rows.weight)
