"""Forecast of the demand: the same phase of the last periods relative to its level, times the present level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.scale.constants import LEVEL_SECONDS, MAX_RISE, MIN_COVERAGE, MIN_PERIODS
from ghmlops.core.scale.demand import level, mean

if TYPE_CHECKING:
    from ghmlops.core.scale.demand import Series


class Forecast(NamedTuple):
    """The demand to serve until replicas that are started now are ready.

    Attributes:
        rate: requests per second.
        level: mean of the last hour.
        peak: highest recent interval.
        periods: past periods that the seasonal part rests on; 0: the season is unknown, and the peak of the last hour
            is served.
    """

    rate: float
    level: float
    peak: float
    periods: int


def forecast(series: Series, *, period: float, quantile: float, lead: float) -> Forecast:
    """Return the upper forecast of a series that counts.

    For each past period k, r_k is the highest rate in the `lead` after the same phase, divided by the level before it.
    The forecast is the quantile of the r_k times the present level, and at least the highest recent rate. If r_k is
    more than `MAX_RISE`, that rate times the growth since then takes the place of r_k times the level.

    Args:
        series: the demand.
        period: seconds after which it repeats itself.
        quantile: quantile of the ratios, 0 to 1; the next higher ratio is used.
        lead: seconds until a replica that is started now is ready.
    """
    rates, ahead = series.rates, series.intervals(lead)
    width, per_period = series.intervals(LEVEL_SECONDS), series.intervals(period)
    present = level(series)
    peak = _max(rates[-max(ahead, 2) :])
    forecasts = []
    for end in range(len(rates) - per_period, width - 1, -per_period):
        before, after = rates[end - width : end], rates[end : end + ahead]
        if min(_coverage(before), _coverage(after)) >= MIN_COVERAGE:
            highest, base = _max(after), mean(before)
            if highest > MAX_RISE * base:
                forecasts.append(highest * _growth(rates, end, per_period))
            else:
                forecasts.append(highest / base * present if base else 0.0)
    if len(forecasts) < MIN_PERIODS:
        return Forecast(_max(rates[-width:]), present, peak, 0)
    seasonal = float(np.quantile(forecasts, quantile, method="higher"))
    return Forecast(max(seasonal, peak), present, peak, len(forecasts))


def _growth(rates: np.typing.NDArray[np.float64], end: int, per_period: int) -> float:
    """Return the mean of the last period relative to that of the period before a place; 1 if one of them is unknown."""
    now, then = mean(rates[-per_period:]), mean(rates[max(0, end - per_period) : end])
    return now / then if then > 0.0 and np.isfinite(now) else 1.0


def _coverage(rates: np.typing.NDArray[np.float64]) -> float:
    return float(np.isfinite(rates).mean()) if len(rates) else 0.0


def _max(rates: np.typing.NDArray[np.float64]) -> float:
    present = rates[np.isfinite(rates)]
    return float(present.max()) if len(present) else 0.0
