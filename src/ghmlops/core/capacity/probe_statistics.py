"""Statistics of one probe: requests in flight and their drift, autocorrelation time, late responses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.capacity.constants import (
    DRIFT_SLICES,
    DRIFT_Z,
    LAG_NOISE,
    MIN_DRIFT,
    MIN_EFFECTIVE,
    SLOW_QUANTILE,
)
from ghmlops.core.latency.objectives import limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.policy.objectives import Objectives

    Floats = NDArray[np.float64]


def count_late(answers: Answers, slo: Objectives, timeout: float) -> int:
    """Return the number of requests without a complete response in time.

    A response is in time until the end of the schedule plus the longest time that an objective allows.

    Args:
        answers: Judged requests.
        slo: The objectives.
        timeout: Seconds that are allowed if no objective limits a time.
    """
    if not len(answers):
        return 0
    allowance = max((limit for _, limit in limits(slo).values()), default=timeout)
    end = float(answers.scheduled[-1]) + allowance
    return int((~answers.ok | (answers.done > end)).sum())


def mean_rate(times: Floats) -> float:
    """Return the rate of ascending times in requests per second; NaN if they do not span any time."""
    span = float(times[-1] - times[0])
    return (len(times) - 1) / span if span > 0 else math.nan


def mean_in_flight(answers: Answers, edges: Floats) -> Floats:
    """Return the mean number of requests between their scheduled send and their end, for each slice, shape (m - 1,).

    Args:
        answers: Results of the requests.
        edges: Boundaries of the slices in seconds, ascending, shape (m,).
    """

    def cumulative(times: Floats) -> Floats:
        """Return the integral, up to each edge, of the number of `times` that have passed."""
        ordered = np.sort(times)
        sums = np.concatenate(([0.0], np.cumsum(ordered)))
        count = np.searchsorted(ordered, edges)
        return np.asarray(edges * count - sums[count], dtype=np.float64)

    # Relative to the first edge, because the sums of absolute times would lose precision.
    origin = edges[0]
    edges = edges - origin
    inside = np.diff(cumulative(answers.scheduled - origin) - cumulative(answers.done - origin))
    return np.asarray(inside / np.diff(edges), dtype=np.float64)


def is_drifting(answers: Answers, warmup: int) -> bool:
    """Return whether requests accumulate over the judged part of a probe, of which `warmup` requests are no part.

    Both conditions must hold: the Mann-Kendall test (Mann, 1945; any distribution, any shape of the trend) on the mean
    number of requests in flight of 12 equal slices shows a rise at p < 0.001; and from the first to the last third more
    than 1 % of the requests offered between their middles accumulated. The second condition keeps the fluctuations of a
    busy but stable queue, which are not independent noise either, from counting as a trend.
    """
    if len(answers) - warmup < 2 * DRIFT_SLICES:
        return False
    edges = np.linspace(float(answers.scheduled[warmup]), float(answers.scheduled[-1]), DRIFT_SLICES + 1)
    if not edges[-1] > edges[0]:
        return False
    means = mean_in_flight(answers, edges)
    signs = np.sign(means[None, :] - means[:, None])
    score = float(np.triu(signs, 1).sum())
    sd = math.sqrt(DRIFT_SLICES * (DRIFT_SLICES - 1) * (2 * DRIFT_SLICES + 5) / 18.0)
    third = DRIFT_SLICES // 3
    growth = float(means[-third:].mean() - means[:third].mean())
    offered = (len(answers) - warmup) * (DRIFT_SLICES - third) / DRIFT_SLICES
    return (score - 1) / sd > DRIFT_Z and growth > MIN_DRIFT * offered


def autocorrelation_time(values: Floats) -> float:
    """Return the integrated autocorrelation time of "slower than the p80", in requests; 1 if independent.

    The autocorrelations are summed in pairs of lags while the pairs exceed noise (Geyer, 1992, initial positive
    sequence).

    Args:
        values: Response times in schedule order, infinite for failures, shape (n,).
    """
    n = len(values)
    threshold = np.sort(values)[min(int(SLOW_QUANTILE * n), n - 1)]
    slow = (values >= threshold).astype(np.float64)
    centred = slow - slow.mean()
    power = float(centred @ centred)
    if power <= 0.0:
        return 1.0
    spectrum = np.fft.rfft(centred, 2 * n)
    rho = np.fft.irfft(spectrum * spectrum.conj(), 2 * n)[:n] / power
    pairs = rho[1 : 1 + 2 * ((n - 1) // 2)].reshape(-1, 2).sum(axis=1)
    below = np.flatnonzero(pairs < LAG_NOISE / math.sqrt(n))
    stop = int(below[0]) if len(below) else len(pairs)
    return float(min(max(1.0 + 2.0 * pairs[:stop].sum(), 1.0), max(n / MIN_EFFECTIVE, 1.0)))
