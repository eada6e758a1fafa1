"""Scores by class, and errors of a regression, in bins: what the curves of the report are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.details.regression import DistributionRow, ScoreBinsRow
from ghmlops.core.paired.aggregates import FINE_BINS
from ghmlops.core.predictions.constants import ERROR_BINS, ERROR_SHARE, SCORE_BINS

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Columns, Floats, Ints
    from ghmlops.core.predictions.observation import Observation

ERRORS = "error (prediction - label)"


def score_bins(observation: Observation) -> ScoreBinsRow | None:
    """Return the scores of a binary task by class; None if no row has a label and a score from 0 to 1.

    Rows are weighted if the policy weights them.
    """
    if observation.grid is not None:
        counts = [_of_grid(side) for side in (observation.grid.baseline, observation.grid.candidate)]
    elif observation.columns is not None and len(observation.columns.label):
        columns = observation.columns
        counts = [_of_columns(columns, scores) for scores in (columns.baseline, columns.candidate)]
    else:
        return None
    return ScoreBinsRow(
        dataset=observation.dataset,
        baseline=_rounded(counts[0]),
        candidate=_rounded(counts[1]),
    )


def _of_grid(counts: Ints | Floats) -> Floats:
    return np.asarray(counts.reshape(2, SCORE_BINS, FINE_BINS // SCORE_BINS).sum(axis=2), dtype=np.float64)


def _of_columns(columns: Columns, scores: Floats) -> Floats:
    index = np.clip((scores * SCORE_BINS).astype(np.int64), 0, SCORE_BINS - 1)
    cells = columns.positive.astype(np.int64) * SCORE_BINS + index
    counts = np.bincount(cells, weights=columns.weights, minlength=2 * SCORE_BINS)
    return np.asarray(counts, dtype=np.float64).reshape(2, SCORE_BINS)


def _rounded(counts: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    negative, positive = np.round(counts, 6).tolist()
    return tuple(negative), tuple(positive)


def error_row(observation: Observation) -> DistributionRow | None:
    """Return the errors of a regression, prediction minus label; None if the rows themselves were not read.

    The bins are symmetric around zero, and the same for both sides.
    """
    columns = observation.columns
    if columns is None or not len(columns.label):
        return None
    errors = [side - columns.label for side in (columns.baseline, columns.candidate)]
    sizes = np.abs(np.concatenate(errors))
    if not np.isfinite(sizes).all() or not (reach := float(np.quantile(sizes, ERROR_SHARE))) > 0:
        return None
    edges = np.linspace(-reach, reach, ERROR_BINS + 1)
    baseline, candidate = (np.histogram(np.clip(side, -reach, reach), edges)[0].tolist() for side in errors)
    return DistributionRow(
        dataset=observation.dataset,
        column=ERRORS,
        baseline=tuple(baseline),
        candidate=tuple(candidate),
        missing=(0, 0),
        edges=tuple(edges.tolist()),
    )
