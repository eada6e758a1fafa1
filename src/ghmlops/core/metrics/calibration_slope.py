"""Calibration slope: of a logistic regression of the label on the log-odds of the score. The ideal value is 1.

No unit; any real number. Below 1 the scores are overconfident, above 1 underconfident; the loss is the growth of the
distance from 1. Source: Cox (1958), Two further applications of a model for binary regression, Biometrika 45, 562-565.
Compared by the sandwich estimator of both slopes on the paired rows.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from ghmlops.core.metrics import TARGETS
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import FINE_BINS, Columns, Floats, Grid, Ints, MetricComparison
from ghmlops.core.paired.distance_to_target import compare_distances
from ghmlops.core.paired.influence import (
    BIN_CENTERS,
    EstimatePair,
    SideEstimate,
    pair_of_columns,
    pair_of_grid,
    undefined_side,
)
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import logistic, special

LOG_ODDS_PROBABILITY_FLOOR = 1e-6
"""Scores are clipped to [1e-6, 1 - 1e-6] before their log-odds are taken (at most 13.8), so that a few scores of 0 or 1
do not determine the slope. Far above the floor of the log loss, which only has to keep the loss finite."""
TARGET = TARGETS["calibration-slope"]
"""The ideal value."""
METHOD = "paired sandwich estimator, intersection-union"


def compare(columns: Columns, tail: float) -> MetricComparison:
    """Compare the distances of two slopes from 1; NaN if a slope is undefined (one class, separated classes)."""
    first, second = (_exact_side(columns.label, s, columns.weights) for s in (columns.baseline, columns.candidate))
    return _compare_pair(pair_of_columns(columns, first, second, METHOD), tail)


def compare_grid(grid: Grid, tail: float) -> MetricComparison:
    """Compare two slopes of binned scores, each row at the center of its bin; the bound holds to first order."""
    return _compare_pair(pair_of_grid(grid, _binned_side(grid.baseline), _binned_side(grid.candidate), METHOD), tail)


def _compare_pair(pair: EstimatePair, tail: float) -> MetricComparison:
    first, second = pair.first, pair.second
    values = np.array([[pair.n], [first.value], [second.value - first.value]], dtype=np.float64)
    comparison = compare_distances((values[0], values[1], values[2]), pair.spread, tail, TARGET)
    return replace(comparison, method=pair.method, bound=first.bound + second.bound)


def log_odds(scores: Floats) -> Floats:
    """Return the log-odds of clipped scores, shape (n,)."""
    clipped = np.clip(scores, LOG_ODDS_PROBABILITY_FLOOR, 1.0 - LOG_ODDS_PROBABILITY_FLOOR)
    return np.asarray(special.logit(clipped), dtype=np.float64)


def _exact_side(label: Floats, scores: Floats, weight: Floats) -> SideEstimate:
    x = log_odds(scores)
    line = logistic.fit(x, weight * label, weight * (1.0 - label))
    return SideEstimate(line.slope, weight * logistic.slope_influence(line, x, label))


def _binned_side(counts: Ints | Floats) -> SideEstimate:
    occupied = counts.sum(axis=0) > 0
    x, rows = log_odds(BIN_CENTERS)[occupied], counts[:, occupied].astype(np.float64)
    line = logistic.fit(x, rows[1], rows[0])
    if not np.isfinite(line.slope):
        return undefined_side((2, FINE_BINS))
    influence = np.zeros((2, FINE_BINS))
    influence[:, occupied] = [logistic.slope_influence(line, x, label) for label in (0.0, 1.0)]
    edges = log_odds(np.arange(FINE_BINS + 1) / FINE_BINS)
    half_width = np.maximum(edges[1:][occupied] - x, x - edges[:-1][occupied])
    return SideEstimate(line.slope, influence, logistic.slope_shift_bound(line, x, rows[1], rows[0], half_width))


CALIBRATION_SLOPE = Metric(
    id="calibration-slope",
    title="calibration slope",
    tasks=("binary",),
    direction=Direction.LOWER,
    unit="",
    margin=None,
    target=TARGET,
    compare_columns=compare,
    compare_grid=compare_grid,
)
