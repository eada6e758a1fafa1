"""The segment of a series in which a value is elevated (an "epidemic" change): since when and until when."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghmlops.core.stats import Floats

MAX_POINT_EVIDENCE = 9.0
"""Largest log-likelihood ratio (in nats) that a single point contributes for or against a change.

Without this limit one outlier outweighs any number of ordinary points. 9 nats are odds of 8,000 to 1. Shown by
tests/core/stats/test_epidemic_change.py: an outlier of 40 standard errors does not move the start of the segment."""
RECOVERY_EVIDENCE = 3.0
"""Log-likelihood ratio (in nats) by which the points after the segment must contradict the change before it counts as
over: odds of e^3, 20 to 1. Shown by tests/core/stats/test_epidemic_change.py: of 100 changes that last, and of 100
that end, at least 95 and 90 are recognised as such."""
_MAX_ITERATIONS = 10


class Segment(NamedTuple):
    """Consecutive points of a series in which the loss is elevated."""

    first: int
    """Index of the first point."""
    last: int
    """Index of the last point."""
    ongoing: bool
    """The loss is still elevated at the end of the series."""


def most_likely_segment(loss: Floats, error: Floats, min_loss: float) -> Segment | None:
    """Return the segment of consecutive points that one constant loss, with no loss outside of it, explains best.

    The segment has the largest sum of log-likelihood ratios of N(level, error) against N(0, error), each limited to
    `MAX_POINT_EVIDENCE`. The level is the weighted mean of the segment that it leads to, found by fixed-point
    iteration.

    Sources: the epidemic alternative of Levin and Kline (1985), Statistics in Medicine 4, 469-488; the largest sum of
    consecutive terms by Kadane's linear scan (Bentley 1984).

    Args:
        loss: Loss of each point in chronological order, shape (n,); positive is worse.
        error: Standard errors, shape (n,). Points without a finite loss or a positive, finite error are skipped.
        min_loss: Smallest loss that counts, e.g. the margin of the metric; same unit as `loss`.

    Returns:
        The segment, or None if no point supports a loss.
    """
    usable = np.flatnonzero(np.isfinite(loss) & np.isfinite(error) & (error > 0))
    if not len(usable):
        return None
    values, weights = loss[usable], 1.0 / error[usable] ** 2
    level = min_loss if min_loss > 0 else float(values[np.argmax(values * np.sqrt(weights))])
    if level <= 0:
        return None
    previous: tuple[int, int] | None = None
    for _ in range(_MAX_ITERATIONS):
        evidence = np.clip(level * (values - level / 2.0) * weights, -MAX_POINT_EVIDENCE, MAX_POINT_EVIDENCE)
        first, last = _largest_sum(evidence)
        if evidence[first : last + 1].sum() <= 0:
            return None
        if (first, last) == previous:
            break
        previous = first, last
        inside = slice(first, last + 1)
        level = max(float(np.average(values[inside], weights=weights[inside])), min_loss)
    ongoing = bool(evidence[last + 1 :].sum() > -RECOVERY_EVIDENCE)
    return Segment(int(usable[first]), int(usable[last]), ongoing)


def _largest_sum(terms: Floats) -> tuple[int, int]:
    """Return the indices of the first and the last of the consecutive terms with the largest sum."""
    sums = np.r_[0.0, np.cumsum(terms)]
    last = int(np.argmax(sums[1:] - np.minimum.accumulate(sums[:-1])))
    return int(np.argmin(sums[: last + 1])), last
