"""The profile of a log reproduces its rates, gaps and dispersion, and covers every hour or does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.harvest.demand import ArrivalCounts, HourCount, count_hour, fit_demand, measure_burstiness
from ghmlops.core.load.demand_profile import arrival_times

if TYPE_CHECKING:
    from collections.abc import Callable

DAY, HOUR = 86_400.0, 3600.0
MIDNIGHT = 20_000 * DAY


def poisson(rate: float, rng: np.random.Generator) -> np.ndarray:
    """Independent requests."""
    return np.sort(rng.random(rng.poisson(rate * HOUR)) * HOUR)


def regular(rate: float, rng: np.random.Generator) -> np.ndarray:
    """Requests of a scheduler: gaps with half the variation of a Poisson process."""
    times = np.cumsum(rng.gamma(4.0, 0.25 / rate, int(rate * HOUR * 1.4)))
    return times[times < HOUR]


def sessions(rate: float, rng: np.random.Generator) -> np.ndarray:
    """Clusters of eight requests within some seconds."""
    starts = rng.random(rng.poisson(rate * HOUR / 8)) * HOUR
    sizes = rng.poisson(8, len(starts))
    times = np.repeat(starts, sizes) + rng.exponential(2.0, sizes.sum())
    return np.sort(times[times < HOUR])


def day(stream: Callable[[float, np.random.Generator], np.ndarray], days: int = 1) -> list[HourCount]:
    """Return the hours of some days with a daily cycle."""
    rng = np.random.default_rng(9)
    rates = 0.6 * (1 + 0.7 * np.sin(np.arange(24 * days) * 2 * np.pi / 24))
    return [count_hour(stream(rate, rng), int(MIDNIGHT // HOUR) + h) for h, rate in enumerate(rates)]


@pytest.mark.parametrize("stream", [poisson, regular, sessions])
def test_arrivals_have_the_burstiness_of_the_log(
    stream: Callable[[float, np.random.Generator], np.ndarray],
) -> None:
    """Within 10 %, and the hours within three standard deviations of a Poisson process."""
    rows = day(stream)
    fit = fit_demand(ArrivalCounts(rows, MIDNIGHT, MIDNIGHT + DAY - 1, False), DAY, 0)
    assert fit.profile is not None
    times = arrival_times(fit.profile)
    hours = [count_hour(times[(times >= h * HOUR) & (times < (h + 1) * HOUR)] - h * HOUR, h) for h in range(24)]
    target, result = measure_burstiness(rows), measure_burstiness(hours)
    assert result.gap_cv == pytest.approx(target.gap_cv, rel=0.1)
    assert result.dispersion == pytest.approx(target.dispersion, rel=0.1)
    means = [row.requests for row in rows]
    assert all(abs(row.requests - mean) <= 3 * np.sqrt(mean) for row, mean in zip(hours, means, strict=True))


def test_partial_hours_do_not_count() -> None:
    """A log that begins and ends within an hour lacks both."""
    rows = day(poisson)
    fit = fit_demand(ArrivalCounts(rows, MIDNIGHT + 1800, MIDNIGHT + DAY - 1800, False), DAY, 0)
    assert (fit.profile, fit.missing, fit.hours) == (None, 2, 24)


def test_a_hole_is_not_silence() -> None:
    """In a busy log an hour without requests is missing; in a sparse one it is an hour without requests."""
    rows = day(poisson)
    del rows[5]
    assert fit_demand(ArrivalCounts(rows, MIDNIGHT, MIDNIGHT + DAY - 1, False), DAY, 0).missing == 1
    sparse = [HourCount(row.hour, 2, 4.0, 1, 10.0, 100.0) for row in rows]
    fit = fit_demand(ArrivalCounts(sparse, MIDNIGHT, MIDNIGHT + DAY - 1, False), DAY, 0)
    assert fit.profile is not None
    assert fit.profile.rates[5] == 0.0
    assert fit.profile.dispersion == 1.0


def test_hours_of_a_busy_log_are_not_made_up() -> None:
    """A first line of long ago costs neither memory nor the profile."""
    rows = [HourCount(1, 1, 1.0, 0, 0.0, 0.0), *day(poisson)]
    fit = fit_demand(ArrivalCounts(rows, HOUR, MIDNIGHT + DAY - 1, False), DAY, 0)
    assert fit.profile is not None
    assert fit.profile.requests == sum(row.requests for row in rows)


def test_a_week_starts_on_monday_and_periods_are_averaged() -> None:
    """The first hour of the log is a Thursday; the profile starts on the Monday before."""
    rng = np.random.default_rng(2)
    first = int(MIDNIGHT // HOUR)
    rows = [count_hour(poisson(0.2 if h < 168 else 0.4, rng), first + h) for h in range(336)]
    end = MIDNIGHT + 14 * DAY - 1
    profile = fit_demand(ArrivalCounts(rows, MIDNIGHT, end, True), 7 * DAY, 0).profile
    assert profile is not None
    assert np.datetime64(profile.start.rstrip("Z")).astype("datetime64[D]").astype(int) % 7 == 4
    assert np.mean(profile.rates) == pytest.approx(0.3, rel=0.02)
    assert (profile.gap_cv, profile.periods) == (None, 2)
