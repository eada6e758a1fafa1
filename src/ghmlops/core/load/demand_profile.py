"""The profile of a demand that repeats itself: rates per hour and burstiness, and arrivals that have them.

The arrivals are a renewal process in operational time: gaps of a gamma distribution, whose coefficient of variation
makes short bursts, under a rate that varies from window to window by a log-normal factor, which makes long ones. The
number of requests of each hour is that of the profile, as in `core.load.arrivals.poisson`.

Sources: Cox & Isham (1980), Point Processes, section 3.2 (operational time); Leland et al. (1994), IEEE/ACM
Transactions on Networking 2 (variation at several time scales).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from ghmlops.core.model import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Times = NDArray[np.float64]

HOUR = 3600.0
WINDOW = 60.0
"""Seconds of a window, in which requests are counted for the dispersion; the rate varies from window to window."""


class DemandProfile(Frozen, frozen=True, kw_only=True):
    """A demand that repeats itself.

    Attributes:
        schema: version of the format.
        start: start of the first hour, ISO 8601 (UTC).
        period: seconds after which the demand repeats itself.
        rates: requests per second of each hour of the period.
        gap_cv: coefficient of variation of the gaps between requests, relative to the mean gap of their hour; `None` if
            the log has whole seconds only.
        dispersion: variance of the requests per window within an hour, relative to their mean; 1 for a Poisson process.
        gap_shape: coefficient of variation of the gaps in operational time.
        modulation: variance of the factor of the rate from window to window.
        requests: requests of the log in whole hours.
        periods: number of times that the least observed hour of the period was observed.
        seed: seed of the arrivals.
    """

    schema: Literal["ghmlops/demand/v1"] = "ghmlops/demand/v1"
    start: str
    period: float
    rates: list[float]
    gap_cv: float | None
    dispersion: float
    gap_shape: float
    modulation: float
    requests: int
    periods: int
    seed: int = 0


def arrival_times(profile: DemandProfile, share: float = 1.0, limit: float = 0.0) -> Times:
    """Return the times of the requests of one period in ascending order, in seconds from its start.

    Args:
        profile: the demand.
        share: fraction of the requests; the burstiness is that of the profile.
        limit: seconds after which no request is needed; 0 for the whole period.
    """
    hours = len(profile.rates) if not limit else min(len(profile.rates), int(-(-limit // HOUR)))
    parts = []
    for hour in range(hours):
        # Each hour has its own random stream, so that a truncated replay starts like the whole one.
        rng = np.random.default_rng([profile.seed, hour])
        rate = profile.rates[hour] * share
        parts.append(hour * HOUR + hour_times(rate, profile.gap_shape, profile.modulation, rng))
    times = np.concatenate(parts) if parts else np.zeros(0)
    return times[times < limit] if limit else times


def hour_times(rate: float, gap_shape: float, modulation: float, rng: np.random.Generator) -> Times:
    """Return the times of the requests of one hour in seconds from its start.

    Args:
        rate: requests per second.
        gap_shape: coefficient of variation of the gaps in operational time.
        modulation: variance of the factor of the rate from window to window.
        rng: source of the random numbers.
    """
    # Rounding up or down at random keeps the mean of low rates.
    count = int(rate * HOUR + rng.random())
    if count == 0:
        return np.zeros(0)
    windows = int(HOUR / WINDOW)
    sigma = np.sqrt(np.log1p(modulation))
    factors = np.exp(sigma * rng.standard_normal(windows))
    edges = np.concatenate([[0.0], np.cumsum(factors / factors.sum())])
    gaps = rng.gamma(1.0 / gap_shape**2, gap_shape**2, count + 1) if gap_shape > 0 else np.ones(count + 1)
    # A very small shape has gaps that are all 0 in floating point.
    total = float(gaps.sum())
    positions = np.cumsum(gaps)[:count] / total if total > 0 else np.sort(rng.random(count))
    times: Times = np.interp(positions, edges, np.arange(windows + 1) * WINDOW)
    return np.minimum(times, HOUR - 1e-6)
