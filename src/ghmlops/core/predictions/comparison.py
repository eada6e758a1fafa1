"""From what was observed to comparisons: each metric is asked in the way it can answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.metrics import metrics_of
from ghmlops.core.paired.aggregates import decided_cells
from ghmlops.core.predictions import per_class as classes
from ghmlops.core.predictions.place import Place
from ghmlops.core.predictions.ruling import ALPHA, Comparison, comparison_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.core.paired.aggregates import CellTable, Compared, Grid
    from ghmlops.core.paired.metric import Metric
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observed import Observed


def overall_metrics(policy: Regression) -> tuple[Metric, ...]:
    """Return the metrics that are looked at over all rows."""
    return tuple(metric for metric in metrics_of(policy) if metric.overall)


def compare_overall(one: Observed, policy: Regression) -> list[Comparison]:
    """Compare every metric of the task over all rows; those that have no row to look at are left out."""
    found = []
    for metric in overall_metrics(policy):
        compared = _from_aggregates(metric, one.tables[()], policy)
        if compared is None and metric.compare_columns and one.columns is not None:
            compared = metric.compare_columns(one.columns, metric.tail(ALPHA))
        if compared is None and metric.compare_grid and one.grid is not None:
            compared = metric.compare_grid(one.grid, metric.tail(ALPHA))
        if compared is not None and compared.n[0] > 0:
            found.append(_at(compared, 0, metric, one, policy))
    return found


def compare_cells(
    metric: Metric, one: Observed, cut: tuple[str, ...], policy: Regression
) -> Iterator[tuple[int, Comparison]]:
    """Compare one metric in every cell of a cut; yields (place of the cell, comparison)."""
    table = one.tables[cut]
    compared = _from_aggregates(metric, table, policy)
    if compared is not None:
        for place in range(len(table.keys)):
            yield place, _at(compared, place, metric, one, policy)
    elif metric.compare_columns and one.columns is not None and one.columns.cell is not None:
        yield from _by_columns(metric, one, table, policy)


def _by_columns(
    metric: Metric, one: Observed, table: CellTable, policy: Regression
) -> Iterator[tuple[int, Comparison]]:
    columns = one.columns
    if columns is None or columns.cell is None or table.place is None or metric.compare_columns is None:
        return
    place = table.place[columns.cell]
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(table.keys) + 1))
    for cell in range(len(table.keys)):
        rows = columns.of(order[starts[cell] : starts[cell + 1]])
        yield cell, _at(metric.compare_columns(rows, metric.tail(ALPHA)), 0, metric, one, policy)


def _from_aggregates(metric: Metric, table: CellTable, policy: Regression) -> Compared | None:
    """Return the comparison where the table has what the metric needs; counts may tell right and wrong only."""
    tail = metric.tail(ALPHA)
    whole = table.counts is not None and table.counts.classes >= len(policy.classes)
    if metric.compare_rows is not None:
        return metric.compare_rows(tuple(table.sums[row, metric.labelled] for row in metric.rows), tail)
    if metric.compare_counts is not None and table.counts is not None and whole:
        return metric.compare_counts(table.counts, tail)
    if metric.compare is not None and metric.decided is not None and table.counts is not None:
        return metric.compare(decided_cells(table.counts, metric.decided, labelled=metric.labelled), tail)
    if metric.compare is not None and metric.row:
        return metric.compare(table.sums[metric.row, metric.labelled], tail)
    return None


def _at(compared: Compared, place: int, metric: Metric, one: Observed, policy: Regression) -> Comparison:
    spread = (one.facts.pairs.label_spread if one.facts.pairs else None) or 0.0
    return comparison_at(compared, place, metric, spread=spread, margins=policy.margins)


def compare_classes(one: Observed, policy: Regression) -> list[Place]:
    """Return recall and F1 of every class with the minimum of rows."""
    counts = one.tables[()].counts
    if counts is None:
        return []
    found = []
    for name, compared in classes.per_class(counts, ALPHA).items():
        for place, label in enumerate(policy.classes):
            if compared.n[place] >= policy.minimum_rows:
                comparison = _at(compared, place, classes.METRICS[name], one, policy)
                found.append(Place(slice={"class": label}, window=None, found=comparison, dataset=one.dataset))
    return found


def shifted(metric: Metric, grid: Grid, policy: Regression) -> list[Comparison]:
    """Return the comparison from bins, and what it would be if the true change lay at either end of the bins' bound."""
    if metric.compare_grid is None:
        return []
    found = comparison_at(metric.compare_grid(grid, metric.tail(ALPHA)), 0, metric, spread=0.0, margins=policy.margins)
    return [
        dataclasses.replace(
            found,
            candidate=found.candidate + sign * found.bound,
            **{
                name: getattr(found, name) + sign * found.bound
                for name in ("low", "high", "loss", "loss_low", "loss_high")
            },
        )
        for sign in (0.0, 1.0, -1.0)
    ]
