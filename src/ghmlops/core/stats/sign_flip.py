"""Sign-flip test of paired differences summed by cluster (users, sessions): rows within a cluster may be dependent."""

from __future__ import annotations

import itertools

import numpy as np

from ghmlops.core.stats import Floats, Ints, special

MAX_EXACT_CLUSTERS = 12
"""Number of clusters up to which all 2^k sign patterns are enumerated; 2^12 patterns take a few milliseconds.

From 13 clusters on the saddlepoint approximation is within 0.01 of the enumerated p-value
(tests/core/stats/test_sign_flip.py). `scripts/bench/verdict_predictions`, cases "false alarm: 50-row clusters", shows
1.00 % false alarms with 20 clusters and 0.92 % with 100."""
_MAX_NEWTON_STEPS = 60
_TOLERANCE = 1e-9
"""Relative tolerance of Newton's method and of the comparison of two sums of cluster totals."""
_MIN_SADDLEPOINT = 1e-4
"""Size of the saddlepoint terms below which the correction 1/rate - 1/root, a difference of large numbers, is left out;
it tends to 0 there."""


def p_greater(cell: Ints, total: Floats, cells: int) -> Floats:
    """Return the one-sided mid-p value against a positive sum of the cluster totals, per cell, shape (cells,).

    Null hypothesis: the distribution of each cluster's total is symmetric about 0, so each sign pattern of the totals
    is equally likely. With few clusters all patterns are enumerated. With many the same distribution is evaluated by a
    saddlepoint approximation, which needs no random numbers and is accurate in the far tail, where corrections for
    multiple tests operate. A cell whose totals are all 0 has a p-value of 0.5.

    Sources: sign-flip (one-sample permutation) test of Fisher (1935), The Design of Experiments, section 21;
    saddlepoint approximation of Daniels (1958), Journal of the Royal Statistical Society B 20, discussion of Cox, and
    of Lugannani and Rice (1980), Advances in Applied Probability 12, 475-490.

    Args:
        cell: Cell of each cluster, 0 to cells - 1, shape (k,).
        total: Sum of the paired differences in each cluster, shape (k,).
        cells: Number of cells.
    """
    # Each cell is scaled to a root sum of squares of 1, so that tolerances do not depend on the unit.
    size = np.sqrt(np.bincount(cell, weights=total * total, minlength=cells))
    scaled_totals = total / np.where(size > 0, size, 1.0)[cell]
    active = scaled_totals != 0
    cell, scaled_totals = cell[active], scaled_totals[active]
    count = np.bincount(cell, minlength=cells)
    observed = np.bincount(cell, weights=scaled_totals, minlength=cells)
    largest = np.bincount(cell, weights=np.abs(scaled_totals), minlength=cells)
    upper = _saddlepoint_tail(cell, scaled_totals, np.abs(observed), cells)
    # If every total has the same sign, the observed pattern is the only one as extreme.
    upper = np.where(np.abs(observed) >= largest * (1 - _TOLERANCE), 0.5 * np.exp2(-count.astype(float)), upper)
    for small in np.flatnonzero((count > 0) & (count <= MAX_EXACT_CLUSTERS)):
        upper[small] = _exact_tail(scaled_totals[cell == small])
    return np.asarray(np.where(count == 0, 0.5, np.where(observed >= 0, upper, 1.0 - upper)), dtype=np.float64)


def _exact_tail(totals: Floats) -> float:
    """Return the mid-p tail probability of |sum| over all sign patterns."""
    observed = abs(float(totals.sum()))
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(totals))))
    sums = signs @ totals
    equal = np.isclose(sums, observed, rtol=0.0, atol=_TOLERANCE)
    return float(np.mean((sums > observed) & ~equal) + 0.5 * np.mean(equal))


def _saddlepoint_tail(cell: Ints, scaled_totals: Floats, observed: Floats, cells: int) -> Floats:
    """Return the Lugannani-Rice tail probability of the sign-flip distribution at `observed` >= 0, shape (cells,)."""

    def sum_by_cell(values: Floats) -> Floats:
        return np.asarray(np.bincount(cell, weights=values, minlength=cells), dtype=np.float64)

    # The derivative of the cumulant function is concave: Newton's steps approach the saddlepoint from the left.
    point = observed.copy()
    for _ in range(_MAX_NEWTON_STEPS):
        tangent = np.tanh(point[cell] * scaled_totals)
        slope = sum_by_cell(scaled_totals * scaled_totals * (1.0 - tangent * tangent))
        step = (observed - sum_by_cell(scaled_totals * tangent)) / np.where(slope > 0, slope, 1.0)
        point = np.where(slope > 0, point + step, point)
        if np.all(np.abs(step) <= _TOLERANCE * (1.0 + np.abs(point))):
            break
    tilt = point[cell] * scaled_totals
    cumulant = sum_by_cell(np.logaddexp(tilt, -tilt) - np.log(2.0))
    curvature = sum_by_cell(scaled_totals * scaled_totals * (1.0 - np.tanh(tilt) ** 2))
    root = np.sqrt(np.maximum(2.0 * (point * observed - cumulant), 0.0))
    rate = point * np.sqrt(curvature)
    near_zero = (root < _MIN_SADDLEPOINT) | (rate < _MIN_SADDLEPOINT)
    safe_root, safe_rate = np.where(near_zero, 1.0, root), np.where(near_zero, 1.0, rate)
    density = np.exp(-0.5 * root * root) / np.sqrt(2.0 * np.pi)
    tail = special.ndtr(-root) + np.where(near_zero, 0.0, density * (1.0 / safe_rate - 1.0 / safe_root))
    return np.asarray(np.clip(tail, 0.0, 0.5), dtype=np.float64)
