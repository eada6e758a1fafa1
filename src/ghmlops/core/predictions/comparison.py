"""Compares the metrics of a task: over all rows, in every cell of a breakdown, and per class.

Each metric is computed from the cheapest aggregate that suffices for it: sums, counts, columns of rows, or bins.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.metrics import overall_metrics
from ghmlops.core.paired.aggregates import Cells, effective_rows
from ghmlops.core.paired.confusion import labelled_rows
from ghmlops.core.paired.counted_sums import cells_from_decisions
from ghmlops.core.predictions.constants import ALPHA
from ghmlops.core.predictions.per_class import CLASS_METRICS, compare_per_class
from ghmlops.core.predictions.ruling import Comparison, comparison_at
from ghmlops.core.predictions.subgroup import Subgroup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.core.paired.aggregates import CellTable, Columns, Counts, Floats, Grid, MetricComparison
    from ghmlops.core.paired.metric import Metric
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observation import Observation


def compare_overall(observation: Observation, policy: Regression) -> list[Comparison]:
    """Compare every metric of the task over all rows; metrics without a row that counts for them are left out."""
    comparisons = []
    for metric in overall_metrics(policy):
        result = _compare_aggregates(metric, observation.tables[()], policy)
        if result is None and metric.compare_columns and observation.columns is not None:
            result = _compare_columns(metric, observation.columns)
        if result is None and metric.compare_grid and observation.grid is not None:
            result = _compare_grid(metric, observation.grid)
            if observation.grid.squares is not None:
                result = _weighted(result, np.array([observation.grid.joint_n.sum()]), observation.grid.effective)
        if result is not None and result.n[0] > 0:
            comparisons.append(_comparison(result, 0, metric, observation, policy))
    return comparisons


def compare_cells(
    metric: Metric, observation: Observation, breakdown: tuple[str, ...], policy: Regression
) -> Iterator[tuple[int, Comparison]]:
    """Compare one metric in every cell of a breakdown; yields (index of the cell, comparison)."""
    table = observation.tables[breakdown]
    result = _compare_aggregates(metric, table, policy)
    if result is not None:
        for index in range(len(table.keys)):
            yield index, _comparison(result, index, metric, observation, policy)
    elif metric.compare_columns and observation.columns is not None and observation.columns.cell is not None:
        yield from _compare_cell_columns(metric, observation, table, policy)


def _compare_cell_columns(
    metric: Metric, observation: Observation, table: CellTable, policy: Regression
) -> Iterator[tuple[int, Comparison]]:
    """Compare a metric that needs the rows themselves in every cell of a table."""
    columns = observation.columns
    if columns is None or columns.cell is None or table.cell_index is None or metric.compare_columns is None:
        return
    index_of_row = table.cell_index[columns.cell]
    order = np.argsort(index_of_row, kind="stable")
    starts = np.searchsorted(index_of_row[order], np.arange(len(table.keys) + 1))
    for index in range(len(table.keys)):
        rows = columns.select(order[starts[index] : starts[index + 1]])
        result = _compare_columns(metric, rows)
        if result is not None:
            yield index, _comparison(result, 0, metric, observation, policy)


def _compare_columns(metric: Metric, columns: Columns) -> MetricComparison | None:
    """Compare a metric that needs the rows themselves over some rows; None if sums are all that it is compared from."""
    if metric.compare_columns is None:
        return None
    result = metric.compare_columns(columns, metric.tail(ALPHA))
    return result if columns.weight is None else _weighted(result, np.array([columns.weight.sum()]), columns.effective)


def _weighted(result: MetricComparison, weight: Floats, effective: Floats | float) -> MetricComparison:
    """Return the comparison with the sum of the weights and the effective number of rows, shape (m,) each."""
    return msgspec.structs.replace(result, weight=weight, effective=np.broadcast_to(effective, weight.shape))


def _with_weights(result: MetricComparison, part: Cells | Counts) -> MetricComparison:
    """Return the comparison with the weights of the sums or counts that it was computed from."""
    if part.squares is None:
        return result
    if isinstance(part, Cells):
        return _weighted(result, part.mass, part.effective)
    mass, squares = (
        np.bincount(part.cell, weights=sums, minlength=part.cells).astype(np.float64)
        for sums in (part.mass, part.square_mass)
    )
    return _weighted(result, mass, effective_rows(mass, squares))


def _compare_aggregates(metric: Metric, table: CellTable, policy: Regression) -> MetricComparison | None:
    """Compare a metric in every cell of a table from sums or counts; None if these do not suffice for it."""
    tail = metric.tail(ALPHA)
    if metric.compare_rows is not None:
        sums = tuple(table.sums[row, metric.needs_label] for row in metric.rows)
        return _with_weights(metric.compare_rows(sums, tail), sums[0])
    # With many classes the engine counts right and wrong decisions only, which is too little for some metrics.
    has_all_classes = table.counts is not None and table.counts.classes >= len(policy.classes)
    if metric.compare_counts is not None and table.counts is not None and has_all_classes:
        used = labelled_rows(table.counts) if metric.needs_label else table.counts
        return _with_weights(metric.compare_counts(table.counts, tail), used)
    if metric.compare is not None and metric.decision_value is not None and table.counts is not None:
        cells = cells_from_decisions(table.counts, metric.decision_value, labelled=metric.needs_label)
        return _with_weights(metric.compare(cells, tail), cells)
    if metric.compare is not None and metric.row:
        cells = table.sums[metric.row, metric.needs_label]
        return _with_weights(metric.compare(cells, tail), cells)
    return None


def _comparison(
    result: MetricComparison, index: int, metric: Metric, observation: Observation, policy: Regression
) -> Comparison:
    spread = (observation.facts.pairs.label_spread if observation.facts.pairs else None) or 0.0
    return comparison_at(result, index, metric, spread=spread, margins=policy.margins)


def compare_classes(observation: Observation, policy: Regression) -> list[Subgroup]:
    """Compare recall and F1 of every class with the minimum number of rows; each class is the slice `class = NAME`."""
    counts = observation.tables[()].counts
    if counts is None:
        return []
    subgroups = []
    for name, result in compare_per_class(counts, ALPHA).items():
        for index, label in enumerate(policy.classes):
            comparison = _comparison(result, index, CLASS_METRICS[name], observation, policy)
            if comparison.evidence_rows >= policy.minimum_rows:
                subgroups.append(
                    Subgroup(slice={"class": label}, window=None, comparison=comparison, dataset=observation.dataset)
                )
    return subgroups


def compare_binned(grid: Grid, policy: Regression) -> None:
    """Compare every metric that is computed from bins over all rows, so that `compare_overall` finds the results."""
    for metric in overall_metrics(policy):
        if metric.compare_grid is not None:
            _compare_grid(metric, grid)


@functools.lru_cache(maxsize=16)
def _compare_grid(metric: Metric, grid: Grid) -> MetricComparison:
    """Compare binned scores. The result is kept: whether bins suffice is decided by the comparison of the verdict.

    Raises:
        TypeError: The metric cannot be computed from bins (a bug).
    """
    if metric.compare_grid is None:
        raise TypeError(f"{metric.id} cannot be computed from bins")
    return metric.compare_grid(grid, metric.tail(ALPHA))


def compare_shifted(metric: Metric, grid: Grid, policy: Regression) -> list[Comparison]:
    """Compare binned scores three times: as they are, and with the change shifted by the error bound of the bins.

    The list is empty if the metric cannot be computed from bins.
    """
    if metric.compare_grid is None:
        return []
    comparison = comparison_at(_compare_grid(metric, grid), 0, metric, spread=0.0, margins=policy.margins)
    return [_shift(comparison, sign * comparison.bound) for sign in (0.0, 1.0, -1.0)]


def _shift(comparison: Comparison, shift: float) -> Comparison:
    names = ("candidate", "low", "high", "loss", "loss_low", "loss_high")
    return msgspec.structs.replace(comparison, **{name: getattr(comparison, name) + shift for name in names})
