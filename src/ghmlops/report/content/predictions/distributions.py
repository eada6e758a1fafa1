"""Distributions of scores and features in both artifacts: the table of drift, and the histograms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ghmlops.core.details.regression import DistributionRow, DriftRow, regression_details
from ghmlops.report.content.prediction_rows import (
    dataset_column,
    name_cell,
    number_cell,
    outcome_cell,
    rank_rows,
    rows_table,
    table_title,
    trailing_passes,
)
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Column, Histogram, Table
from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.report.content.prediction_rows import Field

MAX_BINS = 60


def drift_table(file: Evidence) -> Table:
    """Return the distances between the distributions of each column, the worst first, then the largest PSI."""
    rows = rank_rows(regression_details(file.details).drift, lambda row: -(finite(row.psi) or 0.0))
    fields: list[Field[DriftRow]] = [
        (Column("Outcome"), outcome_cell),
        (Column("Column"), lambda row: name_cell(row.column)),
        *dataset_column(rows),
        (Column("PSI", right=True), lambda row: number_cell(row.psi)),
        (Column("KS", right=True), lambda row: number_cell(row.ks)),
        (Column("JS", right=True), lambda row: number_cell(row.js)),
        (Column("Wasserstein", right=True), lambda row: number_cell(row.wasserstein)),
    ]
    return rows_table(table_title(file, "drift of the distributions"), rows, fields, expendable=trailing_passes(rows))


def histograms(file: Evidence) -> list[Histogram]:
    """Return the distributions that can be drawn: those that drifted first, then by descending PSI."""
    details = regression_details(file.details)
    drift = {(row.dataset, row.column): row for row in details.drift}
    pairs = [(row, drift.get((row.dataset, row.column))) for row in details.distributions]
    drawings = [drawing_of(row, drift) for row, drift in sorted(pairs, key=_rank)]
    return [drawing for drawing in drawings if drawing is not None]


def _rank(pair: tuple[DistributionRow, DriftRow | None]) -> tuple[int, float]:
    drift = pair[1]
    severity = -drift.outcome.severity if drift and drift.outcome else 1
    return severity, -((finite(drift.psi) if drift else None) or 0.0)


def drawing_of(row: DistributionRow, drift: DriftRow | None) -> Histogram | None:
    """Return the drawing; None if bins and counts do not match, or if the numbers have no scale."""
    before, after = _counts(row.baseline), _counts(row.candidate)
    numeric = row.edges is not None
    labels = _edges(row.edges) if row.edges is not None else [value[:60] for value in row.values]
    if not before or len(before) != len(after) or len(labels) != len(before) + numeric or len(before) > MAX_BINS:
        return None
    distances = (("PSI", finite(drift.psi)), ("KS", finite(drift.ks))) if drift else ()
    return Histogram(
        column=row.column,
        dataset=row.dataset,
        labels=labels,
        numeric=numeric,
        baseline=before,
        candidate=after,
        distances=", ".join(f"{name} {numbers.plain(value)}" for name, value in distances if value is not None),
        outcome=drift.outcome if drift else None,
    )


def _counts(rows: Sequence[int]) -> list[float]:
    """Return the rows per bin; an empty list if one of them is negative or too large to draw."""
    counts = [finite(count) for count in rows]
    drawable = [count for count in counts if count is not None and 0 <= count < numbers.MAX_FIXED]
    return drawable if len(drawable) == len(counts) else []


def _edges(edges: Sequence[float | None]) -> list[str]:
    """Return the edges as text; an empty list if they are not in ascending order."""
    values = [value for edge in edges if (value := finite(edge)) is not None]
    ascending = len(values) == len(edges) and all(a < b for a, b in pairwise(values))
    return [numbers.plain(value) for value in values] if ascending else []
