"""Many tests at once: adjusted p-values that can be held against the level of one test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def holm(p: Floats) -> Floats:
    """Return Holm's adjusted p-values, shape (m,): below a level, the chance of any false finding is below it too.

    Source: Holm (1979). Valid however the tests depend on each other.
    """
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    return _placed(np.minimum(np.maximum.accumulate(steps), 1.0) if len(p) else steps, order)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return Benjamini and Hochberg's adjusted p-values, shape (m,): they bound the expected share of false findings.

    Source: Benjamini and Hochberg (1995).
    """
    order = np.argsort(p, kind="stable")
    steps = len(p) / np.arange(1, len(p) + 1) * p[order]
    return _placed(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def _placed(adjusted: Floats, order: NDArray[np.int64]) -> Floats:
    result = np.empty(len(adjusted))
    result[order] = adjusted
    return result
