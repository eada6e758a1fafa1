"""ECE: expected calibration error over 15 bins of equal width. No unit; range 0 to 1; lower is better.

The absolute difference of mean score and proportion of positives in each bin, averaged with the rows of the bins as
weights. Bin k contains scores in [k/15, (k+1)/15), the last one also 1. Sources: Naeini, Cooper and Hauskrecht (2015),
AAAI; Guo et al. (2017), On calibration of modern neural networks, ICML, which uses 15 bins. Compared by the delta
method on the paired rows.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import FINE_BINS, Columns, Floats, Grid, Ints, MetricComparison
from ghmlops.core.paired.change import DELTA_METHOD
from ghmlops.core.paired.default_margins import CALIBRATION_MARGIN
from ghmlops.core.paired.influence import BIN_CENTERS, SideEstimate, compare_pair, pair_of_columns, pair_of_grid
from ghmlops.core.paired.metric import Metric

BINS = 15
"""Number of bins of equal width over 0 to 1, as in Guo et al. (2017)."""
METHOD = f"{DELTA_METHOD}, {BINS} equal-width bins"


def compare(columns: Columns, tail: float) -> MetricComparison:
    """Compare two calibration errors by the delta method on the paired rows, with the sign of each bin held fixed.

    The sign of a calibrated bin is random; the method then overstates the standard error, it never understates it.
    """
    first, second = (_exact_side(columns.label, s, columns.weights) for s in (columns.baseline, columns.candidate))
    return compare_pair(pair_of_columns(columns, first, second, METHOD), Direction.LOWER, tail)


def compare_grid(grid: Grid, tail: float) -> MetricComparison:
    """Compare two calibration errors of binned scores; the center of a bin is at most half a bin from any score."""
    pair = pair_of_grid(grid, _binned_side(grid.baseline), _binned_side(grid.candidate), METHOD)
    return compare_pair(pair, Direction.LOWER, tail)


def signed_gaps(label: Floats, scores: Floats, weight: Floats) -> Floats:
    """Return score minus label, multiplied by the sign of the bin's sum, shape (n,); the mean is the calibration error.

    The sums and the mean are weighted.

    The bin follows from the fine bin of `Grid`, so that both ways assign a score on an edge to the same bin.
    """
    index = np.minimum((scores * FINE_BINS).astype(np.int64), FINE_BINS - 1) // (FINE_BINS // BINS)
    gaps = scores - label
    sums = np.bincount(index, weights=gaps * weight, minlength=BINS)
    return np.asarray(np.sign(sums)[index] * gaps, dtype=np.float64)


def _exact_side(label: Floats, scores: Floats, weight: Floats) -> SideEstimate:
    if not len(label):
        return SideEstimate(float("nan"), label)
    gaps, total = signed_gaps(label, scores, weight), weight.sum()
    value = float((weight * gaps).sum() / total)
    return SideEstimate(value, weight * (gaps - value) / total)


def _binned_side(counts: Ints | Floats) -> SideEstimate:
    total = float(counts.sum()) or 1.0
    gaps = np.stack([BIN_CENTERS, BIN_CENTERS - 1.0])
    sums = (counts * gaps).reshape(2, BINS, FINE_BINS // BINS).sum(axis=(0, 2))
    signed_gap = np.repeat(np.sign(sums), FINE_BINS // BINS) * gaps
    value = float(np.abs(sums).sum()) / total if counts.any() else float("nan")
    return SideEstimate(value, (signed_gap - value) / total, 0.5 / FINE_BINS)


ECE = Metric(
    id="ece",
    title="expected calibration error",
    tasks=("binary",),
    direction=Direction.LOWER,
    unit="",
    margin=CALIBRATION_MARGIN,
    compare_columns=compare,
    compare_grid=compare_grid,
)
