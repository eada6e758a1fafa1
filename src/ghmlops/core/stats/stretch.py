"""The stretch of a series in which a loss stands: since when, and until when."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST = 9.0
"""Most that one point may say for or against (in nats): no single freak point decides."""
OVER = 3.0
"""The loss is over when the points after the stretch say so with odds of e^3 (20 to 1)."""
_ROUNDS = 10


class Stretch(NamedTuple):
    """Places of the first and the last point, and whether the loss still stands at the end of the series."""

    first: int
    last: int
    lasting: bool


def worst(loss: Floats, error: Floats, least: float) -> Stretch | None:
    """Find the stretch of consecutive points that is best told by one steady loss, with none outside of it.

    Args:
        loss: in the order of time, shape (n,); positive is harm.
        error: standard errors, shape (n,). Points without a finite loss or a positive error are skipped.
        least: smallest loss that counts, e.g. the margin.

    Returns:
        None where no point speaks for a loss.

    The largest sum of log-likelihood ratios of N(level, error) against N(0, error), each limited to `MOST`; the level
    is the mean of the stretch it leads to, found by repetition. Source: the epidemic alternative of Levin and Kline
    (1985); largest sum of consecutive terms by Kadane's linear scan.
    """
    usable = np.flatnonzero(np.isfinite(loss) & np.isfinite(error) & (error > 0))
    if not len(usable):
        return None
    values, weights = loss[usable], 1.0 / error[usable] ** 2
    level = least if least > 0 else float(values[np.argmax(values * np.sqrt(weights))])
    if level <= 0:
        return None
    found: tuple[int, int] | None = None
    for _ in range(_ROUNDS):
        scores = np.clip(level * (values - level / 2.0) * weights, -MOST, MOST)
        first, last = _largest(scores)
        if scores[first : last + 1].sum() <= 0:
            return None
        if (first, last) == found:
            break
        found = first, last
        inside = slice(first, last + 1)
        level = max(float(np.average(values[inside], weights=weights[inside])), least)
    lasting = bool(scores[last + 1 :].sum() > -OVER)
    return Stretch(int(usable[first]), int(usable[last]), lasting)


def _largest(scores: Floats) -> tuple[int, int]:
    """Return the ends of the consecutive terms with the largest sum."""
    sums = np.r_[0.0, np.cumsum(scores)]
    last = int(np.argmax(sums[1:] - np.minimum.accumulate(sums[:-1])))
    return int(np.argmin(sums[: last + 1])), last
