"""Tango's score interval of a difference of paired proportions, which keeps its level with few discordant pairs."""

from __future__ import annotations

import numpy as np

from ghmlops.core.stats import Floats, special

_BISECTIONS = 45
"""Halvings of the interval -1 to 1: limits are exact to 2 / 2^45, about 6e-14."""


def interval(n: Floats, gained: Floats, lost: Floats, tail: float) -> tuple[Floats, Floats]:
    """Return the lower and the upper confidence limit of (gained - lost) / n, shape (m,) each.

    At a difference of 0 the score statistic is McNemar's, so the interval and that test agree. Without discordant pairs
    the limits are -z^2 / (n + z^2) and its mirror image, so the interval never collapses to a point.

    Source: Tango (1998), Statistics in Medicine 17, 891-908; solved by bisection.

    Args:
        n: Number of pairs, shape (m,), at least 1.
        gained: Number of pairs in which only the candidate is positive, shape (m,).
        lost: Number of pairs in which only the baseline is positive, shape (m,).
        tail: Probability beyond each limit, e.g. 0.01.
    """
    z = float(special.ndtri(1.0 - tail))
    estimate = (gained - lost) / n
    ends = np.stack([np.full_like(estimate, -1.0), estimate, np.full_like(estimate, 1.0)])
    # One bisection solves for both limits: the lower one between -1 and the estimate, the upper one above it.
    low, high = _bisect(ends[:2], ends[1:], (n, gained, lost), np.array([[z], [-z]]))
    return low, high


def _bisect(left: Floats, right: Floats, counts: tuple[Floats, Floats, Floats], target: Floats) -> Floats:
    """Return the differences at which the score statistic equals `target`; it falls as the difference grows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_BISECTIONS):
            middle = (left + right) / 2.0
            above = _score(middle, *counts) > target
            left, right = np.where(above, middle, left), np.where(above, right, middle)
    return np.asarray((left + right) / 2.0, dtype=np.float64)


def _score(difference: Floats, n: Floats, gained: Floats, lost: Floats) -> Floats:
    """Return Tango's score statistic of a difference, with the constrained maximum-likelihood nuisance parameter."""
    quadratic = 2.0 * n
    linear = -gained - lost + (2.0 * n - gained + lost) * difference
    constant = -lost * difference * (1.0 - difference)
    nuisance = (np.sqrt(np.maximum(linear * linear - 4.0 * quadratic * constant, 0.0)) - linear) / (2.0 * quadratic)
    variance = n * (2.0 * nuisance + difference * (1.0 - difference))
    distance = gained - lost - n * difference
    score = distance / np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(np.where(np.isnan(score), 0.0, score), dtype=np.float64)
