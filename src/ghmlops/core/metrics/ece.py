"""Expected calibration error: 15 bins of equal width on the score; mean distance of score and outcome, by rows.

Bin k holds scores in [k/15, (k+1)/15), the last one also 1.
"""

from __future__ import annotations

import numpy as np

from ghmlops.core.metric import Metric
from ghmlops.core.model import Direction
from ghmlops.core.paired import Columns, Compared, Estimated, Floats, cluster_error, compare_estimates

BINS = 15


def signed_gaps(positive: Floats, scores: Floats) -> Floats:
    """Return score minus label with the sign of its bin's sum, shape (n,); the mean is the calibration error."""
    place = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    gaps = scores - positive
    sums = np.bincount(place, weights=gaps, minlength=BINS)
    return np.asarray(np.sign(sums)[place] * gaps, dtype=np.float64)


def compare(columns: Columns, tail: float) -> Compared:
    """Compare two calibration errors by the delta method on the paired rows: the signs of the bins are held fixed.

    Where a bin is calibrated its sign is a coin toss; the method then overstates the spread, never understates it.
    """
    n = len(columns.positive)
    label = columns.positive.astype(np.float64)
    first, second = signed_gaps(label, columns.baseline), signed_gaps(label, columns.candidate)
    method, freedom, error = "paired delta method, 15 equal-width bins", n - 1, float("nan")
    sides = (first.mean(), second.mean()) if n else (np.nan, np.nan)
    if n > 1:
        difference = second - first
        influence = (difference - difference.mean()) / n
        error = float(np.sqrt(np.sum(influence**2) * n / (n - 1)))
        if columns.group is not None:
            error, freedom = cluster_error(influence, columns.group)
            method += ", summed in clusters"
    found = Estimated(
        n=np.array([float(n)]),
        baseline=np.array([sides[0]]),
        change=np.array([sides[1] - sides[0]]),
        error=np.array([error]),
        freedom=np.array([float(freedom)]),
        method=method,
    )
    return compare_estimates(found, tail, Direction.LOWER)


ECE = Metric(
    id="ece",
    title="expected calibration error",
    task="binary",
    direction=Direction.LOWER,
    unit="",
    margin=0.01,
    compare_columns=compare,
)
