"""Calibration slope: of a logistic regression of the label on the score's log-odds. 1 is right; harm is to be farther.

Below 1 the scores are too sure of themselves, above 1 not sure enough. Scores are kept away from 0 and 1 by 1e-6, so
that a certain answer does not carry the line alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import special

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import FINE, Columns, Compared, Floats, Grid, Ints
from ghmlops.core.paired.distance_to_target import compare_distances
from ghmlops.core.paired.influence import MIDDLES, Pair, Side, pair_of_columns, pair_of_grid, undefined
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import logistic

CLIP = 1e-6
METHOD = "paired sandwich estimator, both signs"


def compare(columns: Columns, tail: float) -> Compared:
    """Compare the distances of two slopes from 1; NaN where a slope is undefined (one class, separated classes)."""
    first, second = (_exact(columns.label, scores) for scores in (columns.baseline, columns.candidate))
    return _compared(pair_of_columns(columns, first, second, METHOD), tail)


def compare_grid(grid: Grid, tail: float) -> Compared:
    """Compare from fine bins, each row at the log-odds of its bin's middle; the bound holds to first order."""
    return _compared(pair_of_grid(grid, _binned(grid.baseline), _binned(grid.candidate), METHOD), tail)


def _compared(pair: Pair, tail: float) -> Compared:
    first, second = pair.first, pair.second
    values = np.array([[pair.n], [first.value], [second.value - first.value]], dtype=np.float64)
    found = compare_distances((values[0], values[1], values[2]), pair.spread, tail, 1.0)
    return replace(found, method=pair.method, bound=first.bound + second.bound)


def log_odds(scores: Floats) -> Floats:
    """Return the log-odds of scores that are kept away from 0 and 1, shape (n,)."""
    return np.asarray(special.logit(np.clip(scores, CLIP, 1.0 - CLIP)), dtype=np.float64)


def _exact(label: Floats, scores: Floats) -> Side:
    x = log_odds(scores)
    line = logistic.fit(x, label, 1.0 - label)
    return Side(line.slope, logistic.slope_influence(line, x, label))


def _binned(counts: Ints) -> Side:
    used = counts.sum(axis=0) > 0
    x, rows = log_odds(MIDDLES)[used], counts[:, used].astype(np.float64)
    line = logistic.fit(x, rows[1], rows[0])
    if not np.isfinite(line.slope):
        return undefined((2, FINE))
    influence = np.zeros((2, FINE))
    influence[:, used] = [logistic.slope_influence(line, x, label) for label in (0.0, 1.0)]
    edges = log_odds(np.arange(FINE + 1) / FINE)
    half = np.maximum(edges[1:][used] - x, x - edges[:-1][used])
    return Side(line.slope, influence, logistic.slope_reach(line, x, rows[1], rows[0], half))


CALIBRATION_SLOPE = Metric(
    id="calibration-slope",
    title="calibration slope",
    tasks=("binary",),
    direction=Direction.LOWER,
    unit="",
    margin=None,
    compare_columns=compare,
    compare_grid=compare_grid,
)
