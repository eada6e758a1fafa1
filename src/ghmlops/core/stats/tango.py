"""Interval of a difference of paired proportions that stays honest with few or no discordant pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
_HALVINGS = 45


def interval(n: Floats, gained: Floats, lost: Floats, tail: float) -> tuple[Floats, Floats]:
    """Return the limits of (gained - lost) / n, each one-sided at `tail`.

    Args:
        n: pairs, shape (m,), at least 1.
        gained: pairs in which only the candidate says yes, shape (m,).
        lost: pairs in which only the baseline says yes, shape (m,).
        tail: probability beyond each limit, e.g. 0.01.

    At no change the score statistic is McNemar's, so the interval and that test agree; without discordant pairs the
    limits are -z^2 / (n + z^2) and its mirror image, never a point.

    Source: Tango (1998), Statistics in Medicine 17, 891-908; solved by bisection.
    """
    z = float(special.ndtri(1.0 - tail))
    estimate = (gained - lost) / n
    ends = np.stack([np.full_like(estimate, -1.0), estimate, np.full_like(estimate, 1.0)])
    low, high = _solve(ends[:2], ends[1:], (n, gained, lost), np.array([[z], [-z]]))  # both at once
    return low, high


def _solve(left: Floats, right: Floats, counts: tuple[Floats, Floats, Floats], target: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_HALVINGS):
            middle = (left + right) / 2.0
            above = _score(middle, *counts) > target  # the statistic falls as the difference grows
            left, right = np.where(above, middle, left), np.where(above, right, middle)
    return np.asarray((left + right) / 2.0, dtype=np.float64)


def _score(change: Floats, n: Floats, gained: Floats, lost: Floats) -> Floats:
    first = 2.0 * n
    second = -gained - lost + (2.0 * n - gained + lost) * change
    third = -lost * change * (1.0 - change)
    share = (np.sqrt(np.maximum(second * second - 4.0 * first * third, 0.0)) - second) / (2.0 * first)
    variance = n * (2.0 * share + change * (1.0 - change))
    distance = gained - lost - n * change
    score = distance / np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(np.where(np.isnan(score), 0.0, score), dtype=np.float64)
