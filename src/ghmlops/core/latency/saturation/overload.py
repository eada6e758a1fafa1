"""Whether an arm receives more requests than it completes, so that its queue and its response times grow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import MIN_GROWTH, MIN_RISE, OVERLOAD_Z

if TYPE_CHECKING:
    from collections.abc import Sequence


def growth(levels: Sequence[float], windows: Sequence[int], seconds: float) -> float:
    """Return by how many seconds the response time of an arm grows per second of the run; 0 unless a trend is shown.

    Requests that arrive at a rate r and are completed at a rate c < r wait longer by (r - c) / c seconds per second. By
    Little's law this is also the share of the offered requests that accumulates. Three conditions must hold: the
    Mann-Kendall test (Mann, 1945) shows a rise of the block means; they grow by more than `MIN_GROWTH`; and the last
    third of the run is slower than the first by the factor `MIN_RISE`.

    Args:
        levels: Logarithm of the mean response time in seconds of each pair of blocks.
        windows: Number of each block in its shard; pairs with equal numbers belong together.
        seconds: Duration of a window in seconds.
    """
    numbers = np.unique(np.array(windows, np.int64))
    times = np.exp(np.array(levels, np.float64))
    means = np.array([times[np.equal(windows, number)].mean() for number in numbers])
    n = len(means)
    third = max(n // 3, 1)
    if n < 2 or not seconds > 0 or not _rises(means):
        return 0.0
    first, last = float(means[:third].mean()), float(means[-third:].mean())
    elapsed = float(numbers[-third:].mean() - numbers[:third].mean()) * seconds
    rise = (last - first) / elapsed
    return rise if rise > MIN_GROWTH and last > MIN_RISE * first else 0.0


def _rises(means: np.ndarray) -> bool:
    n = len(means)
    score = float(np.triu(np.sign(means[None, :] - means[:, None]), 1).sum())
    return (score - 1) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18.0) > OVERLOAD_Z
