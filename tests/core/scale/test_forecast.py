"""The forecast of a demand: the season relative to the level, and the peak without a season."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.scale.forecast import forecast
from scaled_service import DAY, NOW, STEP, daily, judged, series_of

PLACES = round(DAY / STEP)


def cycle(days: int, *, growth: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a daily cycle of which each day is `growth` times the day before."""
    day = 60.0 - 40.0 * np.cos(2.0 * np.pi * np.arange(PLACES) / PLACES)
    return np.concatenate([day * growth**number for number in range(days)])


def test_the_rise_of_past_days_is_forecast() -> None:
    """At six, the demand of the next hour is known from the days before, though the level is still lower."""
    rates = cycle(8)[: 7 * PLACES + PLACES // 4]
    prediction = forecast(series_of(rates), period=DAY, quantile=0.95, lead=3600.0)
    ahead = cycle(8)[len(rates) : len(rates) + 12].max()
    assert prediction.periods == 7
    assert prediction.rate == pytest.approx(ahead, rel=1e-6)
    assert prediction.level < ahead


def test_growth_is_followed_by_the_level() -> None:
    """Each day has twice the demand of the day before: the ratio is the same, and the level is that of today."""
    rates = cycle(6, growth=2.0)[: 5 * PLACES + PLACES // 4]
    prediction = forecast(series_of(rates), period=DAY, quantile=0.95, lead=3600.0)
    assert prediction.rate == pytest.approx(cycle(6, growth=2.0)[len(rates) : len(rates) + 12].max(), rel=1e-6)


def test_a_service_that_opens_in_the_morning() -> None:
    """Before it opens its level is 0: the forecast is the rate of the days before, times their growth."""
    day = np.where(np.arange(PLACES) < PLACES // 3, 0.0, 60.0)
    rates = np.concatenate([day, day, 2.0 * day, 2.0 * day, 2.0 * day, np.zeros(PLACES // 3)])
    prediction = forecast(series_of(rates), period=DAY, quantile=0.5, lead=600.0)
    assert (prediction.level, prediction.periods, prediction.rate) == (0.0, 5, 120.0)
    night = forecast(series_of(rates[: -PLACES // 6]), period=DAY, quantile=0.95, lead=600.0)
    assert night.rate == 0.0


def test_a_recent_peak_is_served_though_no_day_had_it() -> None:
    """The forecast is never below what has just arrived."""
    rates = cycle(7)
    rates[-1] = 500.0
    prediction = forecast(series_of(rates), period=DAY, quantile=0.95, lead=300.0)
    assert prediction.rate == prediction.peak == 500.0


def test_without_a_season_the_peak_of_the_hour() -> None:
    """Two days are too few; what is older than an hour does not count."""
    rates = np.concatenate([np.full(20, 900.0), cycle(2)])
    prediction = forecast(series_of(rates), period=DAY, quantile=0.95, lead=300.0)
    assert (prediction.periods, prediction.rate) == (0, cycle(2)[-12:].max())


def test_holes_of_the_past_are_left_out() -> None:
    """A day without data gives no ratio, neither before nor after its phase."""
    rates = cycle(7)
    rates[3 * PLACES : 4 * PLACES] = np.nan
    assert forecast(series_of(rates), period=DAY, quantile=0.95, lead=300.0).periods == 4


def test_the_quantile_of_noisy_days() -> None:
    """A higher quantile is never a lower forecast."""
    series = judged(daily(noise=0.3, now=NOW - DAY / 4), now=NOW - DAY / 4)
    low, high = (forecast(series, period=DAY, quantile=q, lead=300.0).rate for q in (0.5, 1.0))
    assert low <= high
