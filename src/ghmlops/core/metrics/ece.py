"""Expected calibration error: 15 bins of equal width on the score; mean distance of score and outcome, by rows.

Bin k holds scores in [k/15, (k+1)/15), the last one also 1.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import FINE, Columns, Compared, Floats, Grid, Ints
from ghmlops.core.paired.influence import MIDDLES, Side, compare_pair, pair_of_columns, pair_of_grid
from ghmlops.core.paired.metric import Metric

BINS = 15
METHOD = "paired delta method, 15 equal-width bins"


def compare(columns: Columns, tail: float) -> Compared:
    """Compare two calibration errors by the delta method on the paired rows: the signs of the bins are held fixed.

    Where a bin is calibrated its sign is a coin toss; the method then overstates the spread, never understates it.
    """
    first, second = (_exact(columns.label, scores) for scores in (columns.baseline, columns.candidate))
    return compare_pair(pair_of_columns(columns, first, second, METHOD), Direction.LOWER, tail)


def compare_grid(grid: Grid, tail: float) -> Compared:
    """Compare from fine bins, each row at the middle of its bin, which is off by half a bin's width at most."""
    pair = pair_of_grid(grid, _binned(grid.baseline), _binned(grid.candidate), METHOD)
    return compare_pair(pair, Direction.LOWER, tail)


def signed_gaps(label: Floats, scores: Floats) -> Floats:
    """Return score minus label with the sign of its bin's sum, shape (n,); the mean is the calibration error.

    The bin is found through the fine bins of `Grid`, so that both ways agree on which bin an edge belongs to.
    """
    place = np.minimum((scores * FINE).astype(np.int64), FINE - 1) // (FINE // BINS)
    gaps = scores - label
    sums = np.bincount(place, weights=gaps, minlength=BINS)
    return np.asarray(np.sign(sums)[place] * gaps, dtype=np.float64)


def _exact(label: Floats, scores: Floats) -> Side:
    if not len(label):
        return Side(float("nan"), label)
    gaps = signed_gaps(label, scores)
    value = float(gaps.mean())
    return Side(value, (gaps - value) / len(gaps))


def _binned(counts: Ints) -> Side:
    total = max(int(counts.sum()), 1)
    gaps = np.stack([MIDDLES, MIDDLES - 1.0])
    sums = (counts * gaps).reshape(2, BINS, FINE // BINS).sum(axis=(0, 2))
    signed = np.repeat(np.sign(sums), FINE // BINS) * gaps
    value = float(np.abs(sums).sum()) / total if counts.any() else float("nan")
    return Side(value, (signed - value) / total, 0.5 / FINE)


ECE = Metric(
    id="ece",
    title="expected calibration error",
    tasks=("binary",),
    direction=Direction.LOWER,
    unit="",
    margin=0.01,
    compare_columns=compare,
    compare_grid=compare_grid,
)
