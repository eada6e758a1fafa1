"""Subgroups with known true losses, for the tests of slices, windows and the slice search: seeded, in milliseconds."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.change import compare_means, compare_proportions
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.constants import ALPHA
from ghmlops.core.predictions.ruling import Comparison, comparison_at
from ghmlops.core.predictions.subgroup import Subgroup
from ghmlops.core.predictions.subgroups.search import search_slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.core.predictions.subgroups.family import FamilyResult

DISCORDANT = 0.045
"""Share of rows on which one model is right and the other wrong."""


def _metric(name: str, direction: Direction, unit: str, margin: float) -> Metric:
    def compare(cells: Cells, tail: float) -> MetricComparison:
        return (compare_proportions if unit == "ratio" else compare_means)(cells, tail, direction)

    return Metric(
        id=name,
        title=name.replace("-", " "),
        tasks=("binary",),
        direction=direction,
        unit=unit,
        margin=margin,
        row="{p}",
        compare=compare,
        in_subgroups=True,
    )


ACCURACY = _metric("accuracy", Direction.HIGHER, "ratio", 0.005)
POSITIVE_RATE = _metric("positive-rate", Direction.TARGET, "ratio", 0.01)
LOSS = _metric("loss", Direction.LOWER, "", 0.01)


def accuracy_cells(n: Floats, lost: Floats, gained: Floats) -> Cells:
    """Return the sums of correct answers per cell, shape (m,) each; the baseline is right in four of five rows.

    Args:
        n: Rows per cell.
        lost: Rows that only the baseline has right.
        gained: Rows that only the candidate has right.
    """
    right = n * 0.8
    return Cells(n=n, a=right, d=gained - lost, aa=right, ad=-lost, dd=gained + lost)


def compare_cells(cells: Cells, metric: Metric = ACCURACY) -> list[Comparison]:
    """Return the comparison of each cell, with the metric's default margin."""
    assert metric.compare
    result = metric.compare(cells, metric.tail(ALPHA))
    return [comparison_at(result, i, metric, spread=1.0, margins={}) for i in range(len(cells.n))]


def daily_windows(
    rng: np.random.Generator, losses: Sequence[float], rows: int = 2000, dataset: str = "", metric: Metric = ACCURACY
) -> list[Subgroup]:
    """Return one window per day from 2025-01-01 on; `losses` are the true losses of accuracy."""
    truth = np.array(losses)
    n = np.full(len(losses), float(rows))
    lost = rng.binomial(rows, DISCORDANT / 2 + np.maximum(truth, 0.0)).astype(np.float64)
    gained = rng.binomial(rows, DISCORDANT / 2 + np.maximum(-truth, 0.0)).astype(np.float64)
    days = np.datetime64("2025-01-01") + np.arange(len(losses))
    comparisons = compare_cells(accuracy_cells(n, lost, gained), metric)
    return [
        Subgroup(slice={}, window=str(day), comparison=comparison, dataset=dataset)
        for day, comparison in zip(days, comparisons, strict=True)
    ]


def random_slices(
    rng: np.random.Generator,
    rows: int,
    values: Sequence[int],
    planted: Mapping[tuple[tuple[int, int], ...], float] | None = None,
    minimum: int = 200,
) -> tuple[list[Subgroup], list[Subgroup]]:
    """Return the slices by independent columns `a0`, `a1`, ..., each with equally frequent values.

    Args:
        rng: The only source of randomness.
        rows: Number of rows in total.
        values: Number of values of each column.
        planted: ((column, value), ...) to the loss of accuracy there, in addition to symmetric discordance.
        minimum: Smallest number of rows of a slice.

    Returns:
        All single values and pairs, and all rows as one subgroup.
    """
    columns = [rng.integers(0, size, rows) for size in values]
    probability = np.full(rows, DISCORDANT / 2)
    for items, loss in (planted or {}).items():
        probability[np.logical_and.reduce([columns[i] == value for i, value in items])] += loss
    draw = rng.random(rows)
    lost, gained = draw < probability, draw > 1.0 - DISCORDANT / 2
    slices: list[Subgroup] = []
    for size in (1, 2):
        for indices in combinations(range(len(values)), size):
            sizes = [values[i] for i in indices]
            slices += _slices_by([columns[i] for i in indices], sizes, indices, (lost, gained), minimum)
    total = accuracy_cells(*(np.array([float(x)]) for x in (rows, lost.sum(), gained.sum())))
    return slices, [Subgroup(slice={}, window=None, comparison=compare_cells(total)[0])]


def _slices_by(
    columns: Sequence[Ints], sizes: Sequence[int], names: Sequence[int], changes: Sequence[object], minimum: int
) -> list[Subgroup]:
    code = np.ravel_multi_index(tuple(columns), tuple(sizes))
    total = int(np.prod(sizes))
    n, lost, gained = (
        np.bincount(code, weights=weights, minlength=total).astype(np.float64)  # type: ignore[arg-type]
        for weights in (None, *changes)
    )
    large = np.flatnonzero(n >= minimum)
    keys = np.stack(np.unravel_index(large, tuple(sizes)), axis=1)
    comparisons = compare_cells(accuracy_cells(n[large], lost[large], gained[large]))
    return [
        Subgroup(slice={f"a{i}": int(v) for i, v in zip(names, key, strict=True)}, window=None, comparison=comparison)
        for key, comparison in zip(keys, comparisons, strict=True)
    ]


def undefined(subgroup: Subgroup) -> Subgroup:
    """Return the subgroup with an undefined loss and p-value."""
    return replace(subgroup, comparison=replace(subgroup.comparison, loss=math.nan, p=math.nan))


def search_alarms(
    seed: int, runs: int, rows: int = 100_000, values: Sequence[int] = (8, 8, 10, 12, 15, 20), loss: float = 0.0
) -> int:
    """Count the searches that warn although no slice is worse than the others; the goal is at most 1.2 %.

    `loss` is the loss of accuracy in all rows alike. With the defaults one search has about 2,200 slices and takes half
    a second.
    """
    rng = np.random.default_rng(seed)
    return sum(bool(_search(rng, rows, values, loss).flagged_keys) for _ in range(runs))


def _search(rng: np.random.Generator, rows: int, values: Sequence[int], loss: float) -> FamilyResult:
    slices, overall = random_slices(rng, rows, values, {(): loss})
    return search_slices(slices, max_findings=5, minimum=200, overall=overall)
