"""Metrics and places of which the truth is known, for the hunts in slices and windows: seeded, in milliseconds."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means, compare_shares
from ghmlops.core.paired.metric import Metric
from ghmlops.core.predictions.place import Place
from ghmlops.core.predictions.ruling import ALPHA, Comparison, comparison_at
from ghmlops.core.predictions.subgroups.search import search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.core.predictions.subgroups.family import Family

DISCORDANT = 0.045
"""Share of rows on which one model is right and the other wrong."""


def _metric(name: str, direction: Direction, unit: str, margin: float) -> Metric:
    def compare(cells: Cells, tail: float) -> Compared:
        return (compare_shares if unit == "ratio" else compare_means)(cells, tail, direction)

    return Metric(
        id=name,
        title=name.replace("-", " "),
        tasks=("binary",),
        direction=direction,
        unit=unit,
        margin=margin,
        row="{p}",
        compare=compare,
        hunted=True,
    )


ACCURACY = _metric("accuracy", Direction.HIGHER, "ratio", 0.005)
POSITIVE_RATE = _metric("positive-rate", Direction.TARGET, "ratio", 0.01)
LOSS = _metric("loss", Direction.LOWER, "", 0.01)


def share_cells(n: Floats, lost: Floats, gained: Floats) -> Cells:
    """Sums of answers, four in five of the baseline's right, with so many lost and gained; shape (m,) each."""
    right = n * 0.8
    return Cells(n=n, a=right, d=gained - lost, aa=right, ad=-lost, dd=gained + lost)


def compared(cells: Cells, metric: Metric = ACCURACY) -> list[Comparison]:
    """The comparison of each cell, with the metric's own margin."""
    assert metric.compare
    found = metric.compare(cells, metric.tail(ALPHA))
    return [comparison_at(found, i, metric, spread=1.0, margins={}) for i in range(len(cells.n))]


def windows(
    rng: np.random.Generator, losses: Sequence[float], rows: int = 2000, dataset: str = "", metric: Metric = ACCURACY
) -> list[Place]:
    """One window a day from 2025-01-01 on; `losses` are the true losses of accuracy."""
    truth = np.array(losses)
    n = np.full(len(losses), float(rows))
    lost = rng.binomial(rows, DISCORDANT / 2 + np.maximum(truth, 0.0)).astype(np.float64)
    gained = rng.binomial(rows, DISCORDANT / 2 + np.maximum(-truth, 0.0)).astype(np.float64)
    days = np.datetime64("2025-01-01") + np.arange(len(losses))
    found = compared(share_cells(n, lost, gained), metric)
    return [Place(slice={}, window=str(day), found=f, dataset=dataset) for day, f in zip(days, found, strict=True)]


def searched(
    rng: np.random.Generator,
    rows: int,
    values: Sequence[int],
    planted: Mapping[tuple[tuple[int, int], ...], float] | None = None,
    minimum: int = 200,
) -> tuple[list[Place], list[Place]]:
    """Places of a slice search over independent attributes `a0`, `a1`, ..., each with so many equally frequent values.

    Args:
        rng: the only source of chance.
        rows: of all.
        values: of each attribute.
        planted: ((attribute, value), ...) to the loss of accuracy there, on top of fair discordance.
        minimum: rows of a place.

    Returns:
        All single values and pairs, and all rows as one place.
    """
    columns = [rng.integers(0, size, rows) for size in values]
    chance = np.full(rows, DISCORDANT / 2)
    for items, loss in (planted or {}).items():
        chance[np.logical_and.reduce([columns[i] == value for i, value in items])] += loss
    draw = rng.random(rows)
    lost, gained = draw < chance, draw > 1.0 - DISCORDANT / 2
    found: list[Place] = []
    for size in (1, 2):
        for chosen in combinations(range(len(values)), size):
            found += _cut([columns[i] for i in chosen], [values[i] for i in chosen], chosen, (lost, gained), minimum)
    whole = share_cells(*(np.array([float(x)]) for x in (rows, lost.sum(), gained.sum())))
    return found, [Place(slice={}, window=None, found=compared(whole)[0])]


def _cut(
    columns: Sequence[Ints], sizes: Sequence[int], names: Sequence[int], moved: Sequence[object], minimum: int
) -> list[Place]:
    code = np.ravel_multi_index(tuple(columns), tuple(sizes))
    total = int(np.prod(sizes))
    n, lost, gained = (
        np.bincount(code, weights=weights, minlength=total).astype(np.float64)  # type: ignore[arg-type]
        for weights in (None, *moved)
    )
    kept = np.flatnonzero(n >= minimum)
    keys = np.stack(np.unravel_index(kept, tuple(sizes)), axis=1)
    found = compared(share_cells(n[kept], lost[kept], gained[kept]))
    return [
        Place(slice={f"a{i}": int(v) for i, v in zip(names, key, strict=True)}, window=None, found=one)
        for key, one in zip(keys, found, strict=True)
    ]


def search_alarms(
    seed: int, runs: int, rows: int = 100_000, values: Sequence[int] = (8, 8, 10, 12, 15, 20), loss: float = 0.0
) -> int:
    """Count the searches that warn where no slice is worse than the others; at most 1.2 % should.

    `loss` is that of accuracy in all rows alike. Some 2,200 places a search with the defaults, half a second each.
    """
    rng = np.random.default_rng(seed)
    return sum(bool(_searched_family(rng, rows, values, loss).bad) for _ in range(runs))


def _searched_family(rng: np.random.Generator, rows: int, values: Sequence[int], loss: float) -> Family:
    places, overall = searched(rng, rows, values, {(): loss})
    return search(places, top=5, minimum=200, overall=overall)
