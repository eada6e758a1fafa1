"""Paired rows of each task for the tests of metrics, and what an engine would make of them: sums, counts, bins.

The value of a row is the metric's own SQL, computed by DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from ghmlops.core.paired.aggregates import (
    COARSE,
    FINE,
    Cells,
    Columns,
    Compared,
    Counts,
    Floats,
    Grid,
    Groups,
    Ints,
    decided_cells,
)
from ghmlops.core.paired.metric import Metric

Given = NDArray[Any]
"""Numbers or truth values; taken as doubles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side's columns, shape (n,): decisions or values `p`, scores `s`, the true class's chance `t` and rank `r`."""

    p: Floats
    s: Floats
    t: Floats
    r: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Paired rows of a task."""

    label: Floats
    baseline: Side
    candidate: Side
    classes: int = 0
    """0: a task without classes."""
    scored: bool = False
    """Binary: scores are between 0 and 1."""
    group: Ints | None = None

    def of(self, places: Ints) -> Rows:
        """Return some of the rows, in that order."""
        sides = [
            Side(**{name: getattr(side, name)[places] for name in "pstr"}) for side in (self.baseline, self.candidate)
        ]
        group = None if self.group is None else self.group[places]
        return replace(self, label=self.label[places], baseline=sides[0], candidate=sides[1], group=group)

    def swapped(self) -> Rows:
        """Return the rows with the sides exchanged."""
        return replace(self, baseline=self.candidate, candidate=self.baseline)


def side(p: Given, s: Given | None = None, t: Given | None = None, r: Given | None = None) -> Side:
    """Return a side; what is not given is as `p`."""
    p, s, t, r = (np.asarray(p if x is None else x, dtype=np.float64) for x in (p, s, t, r))
    return Side(p=p, s=s, t=t, r=r)


def binary(label: Given, baseline: Given, candidate: Given, group: Ints | None = None) -> Rows:
    """Return rows of a binary task from scores, decided at 0.5."""
    label = np.asarray(label, dtype=np.float64)
    sides = [side((s >= 0.5) * 1.0, s, np.where(label == 1, s, 1.0 - s)) for s in (baseline, candidate)]
    return Rows(label=label, baseline=sides[0], candidate=sides[1], classes=2, scored=True, group=group)


def multiclass(label: Ints, baseline: Floats, candidate: Floats, group: Ints | None = None) -> Rows:
    """Return rows of a multiclass task from the vectors of probabilities, shape (n, classes)."""
    every = np.arange(len(label))
    sides = []
    for vectors in (baseline, candidate):
        true = vectors[every, label]
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


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def values(sql: str, metric: Metric, rows: Rows, which: Side) -> Floats:
    """Return the value of each row by the metric's SQL."""
    if not len(rows.label):
        return np.zeros(0)
    names = {"y": "y", "p": "p", "s": "s", "t": "t", "r": "r", metric.id: "p"}
    names |= {"y0": repr(float(rows.label.mean())), "p0": repr(float(which.p.mean()))}
    table = {"y": rows.label, "p": which.p, "s": which.s, "t": which.t, "r": which.r}
    database = _database()
    database.register("sides", {name: np.asarray(column, dtype=np.float64) for name, column in table.items()})
    query = f"SELECT CAST({sql.format(**names)} AS DOUBLE) AS v FROM sides"  # noqa: S608  # the metric's own
    found = database.execute(query).fetchnumpy()
    return np.asarray(found["v"], dtype=np.float64)


def cells(baseline: Floats, candidate: Floats, group: Ints | None = None) -> Cells:
    """Sum the values of one cell's rows, and of its clusters."""
    change = candidate - baseline
    groups = None
    if group is not None:
        place = np.unique(group, return_inverse=True)[1]
        n, a, d, dd = (
            np.bincount(place, weights=w).astype(np.float64)
            for w in (np.ones(len(change)), baseline, change, change**2)
        )
        groups = Groups(cell=np.zeros(len(n), dtype=np.int64), n=n, a=a, d=d, dd=dd)
    sums = (np.ones(len(change)), baseline, change, baseline * baseline, baseline * change, change * change)
    n, a, d, aa, ad, dd = (np.array([one.sum()]) for one in sums)
    return Cells(n=n, a=a, d=d, aa=aa, ad=ad, dd=dd, groups=groups)


def counts(rows: Rows) -> Counts:
    """Count label and decisions, one entry a row: engines may deliver less of them."""
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
    )


def columns(rows: Rows) -> Columns:
    """Return the columns that a metric over columns sees."""
    first, second = (side.s if rows.scored else side.p for side in (rows.baseline, rows.candidate))
    group = None if rows.group is None else rows.group.astype(np.uint64)
    return Columns(label=rows.label, baseline=first, candidate=second, group=group)


def grid(rows: Rows) -> Grid:
    """Count the scores of a binary task in bins."""
    label = rows.label.astype(np.int64)
    first, second = rows.baseline.s, rows.candidate.s

    def fine(scores: Floats) -> Ints:
        place = np.minimum((scores * FINE).astype(np.int64), FINE - 1)
        return np.bincount(label * FINE + place, minlength=2 * FINE).reshape(2, FINE)

    joint = np.stack([label, *(np.minimum((s * COARSE).astype(np.int64), COARSE - 1) for s in (first, second))])
    found, n = np.unique(joint, axis=1, return_counts=True)
    return Grid(
        baseline=fine(first),
        candidate=fine(second),
        label=found[0],
        first=found[1],
        second=found[2],
        n=n.astype(np.int64),
    )


def compare(metric: Metric, rows: Rows, tail: float = 0.01) -> Compared:
    """Compare as the product would, exactly: from sums, from counts or from columns."""
    if metric.compare_counts is not None:
        return metric.compare_counts(counts(rows), tail)
    if metric.compare_columns is not None:
        return metric.compare_columns(columns(rows), tail)
    if metric.compare_rows is not None:
        return metric.compare_rows(tuple(sums(sql, metric, rows) for sql in metric.rows), tail)
    assert metric.compare is not None
    if metric.decided is not None:
        return metric.compare(decided_cells(counts(rows), metric.decided, labelled=metric.labelled), tail)
    return metric.compare(sums(metric.row, metric, rows), tail)


def sums(sql: str, metric: Metric, rows: Rows) -> Cells:
    """Return the sums of one kind of row value."""
    return cells(values(sql, metric, rows, rows.baseline), values(sql, metric, rows, rows.candidate), rows.group)
