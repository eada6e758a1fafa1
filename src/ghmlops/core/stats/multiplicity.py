"""p-values adjusted for multiple tests, which can be compared with the level of a single test."""

from __future__ import annotations

import numpy as np

from ghmlops.core.stats import Floats, Ints


def holm(p: Floats) -> Floats:
    """Return Holm's step-down adjusted p-values, shape (m,).

    Rejecting those at or below a level keeps the probability of any false rejection (the family-wise error rate) at
    that level, however the tests depend on each other.

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    return _in_original_order(np.minimum(np.maximum.accumulate(steps), 1.0) if len(p) else steps, order)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return Benjamini and Hochberg's step-up adjusted p-values, shape (m,).

    Rejecting those at or below a level keeps the expected proportion of false rejections (the false discovery rate) at
    that level, for independent or positively dependent tests.

    Source: Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    order = np.argsort(p, kind="stable")
    steps = len(p) / np.arange(1, len(p) + 1) * p[order]
    return _in_original_order(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def _in_original_order(adjusted_p: Floats, order: Ints) -> Floats:
    values = np.empty(len(adjusted_p))
    values[order] = adjusted_p
    return values
