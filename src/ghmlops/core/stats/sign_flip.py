"""Sign-flip test on the totals of clusters (users, sessions): rows inside a cluster may depend on each other."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EXACT_CLUSTERS = 12
"""Up to this many clusters every one of the 2^k sign patterns is looked at."""
_STEPS = 60
_CLOSE = 1e-9


def p_above(cell: Ints, total: Floats, cells: int) -> Floats:
    """Return, a cell, the one-sided mid-p that the sum of its clusters' totals is above 0 by chance alone.

    Args:
        cell: cell of each cluster, 0..cells-1, shape (k,).
        total: sum of the paired differences in the cluster, shape (k,).
        cells: number of cells.

    Under no change every cluster's total is as likely to carry the other sign. Few clusters: exact. Many: the
    saddlepoint approximation of the same distribution (Lugannani and Rice 1980; Daniels 1958), which needs no random
    numbers and is accurate in the far tail, where multiplicity corrections look.
    """
    size = np.sqrt(np.bincount(cell, weights=total * total, minlength=cells))
    scaled = total / np.where(size > 0, size, 1.0)[cell]
    active = scaled != 0
    cell, scaled = cell[active], scaled[active]
    count = np.bincount(cell, minlength=cells)
    observed = np.bincount(cell, weights=scaled, minlength=cells)
    largest = np.bincount(cell, weights=np.abs(scaled), minlength=cells)
    upper = _tail(cell, scaled, np.abs(observed), cells)
    # every cluster points the same way: the pattern seen is the only one as extreme
    upper = np.where(np.abs(observed) >= largest * (1 - _CLOSE), 0.5 * np.exp2(-count.astype(float)), upper)
    for small in np.flatnonzero((count > 0) & (count <= EXACT_CLUSTERS)):
        upper[small] = _exact(scaled[cell == small])
    return np.asarray(np.where(count == 0, 0.5, np.where(observed >= 0, upper, 1.0 - upper)), dtype=np.float64)


def _exact(totals: Floats) -> float:
    observed = abs(float(totals.sum()))
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(totals))))
    sums = signs @ totals
    close = np.isclose(sums, observed, rtol=0.0, atol=_CLOSE)
    return float(np.mean((sums > observed) & ~close) + 0.5 * np.mean(close))


def _tail(cell: Ints, scaled: Floats, observed: Floats, cells: int) -> Floats:
    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(cell, weights=values, minlength=cells), dtype=np.float64)

    point = observed.copy()  # the slope of the cumulant function is concave: Newton's steps approach from the left
    for _ in range(_STEPS):
        tangent = np.tanh(point[cell] * scaled)
        slope = summed(scaled * scaled * (1.0 - tangent * tangent))
        step = (observed - summed(scaled * tangent)) / np.where(slope > 0, slope, 1.0)
        point = np.where(slope > 0, point + step, point)
        if np.all(np.abs(step) <= _CLOSE * (1.0 + np.abs(point))):
            break
    moved = point[cell] * scaled
    cumulant = summed(np.logaddexp(moved, -moved) - np.log(2.0))
    curvature = summed(scaled * scaled * (1.0 - np.tanh(moved) ** 2))
    root = np.sqrt(np.maximum(2.0 * (point * observed - cumulant), 0.0))
    rate = point * np.sqrt(curvature)
    near = (root < 1e-4) | (rate < 1e-4)
    safe_root, safe_rate = np.where(near, 1.0, root), np.where(near, 1.0, rate)
    density = np.exp(-0.5 * root * root) / np.sqrt(2.0 * np.pi)
    tail = special.ndtr(-root) + np.where(near, 0.0, density * (1.0 / safe_rate - 1.0 / safe_root))
    return np.asarray(np.clip(tail, 0.0, 0.5), dtype=np.float64)
