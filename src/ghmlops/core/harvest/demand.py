"""Fits the profile of a demand to what a log says about its arrivals."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.load.demand_profile import HOUR, WINDOW, DemandProfile, hour_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MIN_REQUESTS = 20
"""Requests of an hour from which its gaps and windows are judged."""
_FITTED_REQUESTS = 200_000
"""Requests of the simulated hours, on which the parameters are corrected."""
_CORRECTIONS = 12
_MONDAY = 4 * 86_400
"""1970-01-05: a period of a week starts on Monday, and one of a day at midnight (UTC)."""
_HOLE = 20
"""If the median hour has as many requests, an hour without any is a hole in the log."""


class HourCount(NamedTuple):
    """An hour of the log.

    Attributes:
        hour: number of the hour since 1970.
        requests: number of requests.
        squares: sum of the squared numbers of requests per window.
        gaps: number of gaps between requests of the hour.
        gap_sum: sum of the gaps in seconds.
        gap_squares: sum of the squared gaps.
    """

    hour: int
    requests: int
    squares: float
    gaps: int
    gap_sum: float
    gap_squares: float


class ArrivalCounts(NamedTuple):
    """The arrivals of a log.

    Attributes:
        hours: the hours that have requests.
        first: time of the first request in seconds since 1970.
        last: time of the last request in seconds since 1970.
        whole_seconds: whether all times are whole seconds, so that the gaps say nothing.
    """

    hours: Sequence[HourCount]
    first: float
    last: float
    whole_seconds: bool


class Burstiness(NamedTuple):
    """Coefficient of variation of the gaps, and dispersion of the requests per window; `None` if unknown."""

    gap_cv: float | None
    dispersion: float | None


class Fit(NamedTuple):
    """The profile, or the reason why there is none, and the number of hours of the period without data."""

    profile: DemandProfile | None
    missing: int
    hours: int


def fit_demand(arrivals: ArrivalCounts, period: float, seed: int) -> Fit:
    """Return the profile of a log.

    Only whole hours between the first and the last request count. An hour without requests in a busy log is missing,
    not silent.

    Args:
        arrivals: what the log says about its arrivals.
        period: seconds after which the demand repeats itself, a multiple of an hour.
        seed: seed of the arrivals.
    """
    complete = _whole_hours(arrivals)
    count = int(period // HOUR)
    offset = int(_MONDAY // HOUR)
    observed = [[row.requests for row in complete if (row.hour - offset) % count == phase] for phase in range(count)]
    missing = sum(1 for values in observed if not values)
    if missing or not any(row.requests for row in complete):
        return Fit(None, missing, count)
    rates = [sum(values) / len(values) / HOUR for values in observed]
    target = measure_burstiness(complete)
    if arrivals.whole_seconds:
        target = target._replace(gap_cv=None)
    shape, modulation = fit_burstiness(rates, target)
    earliest = complete[0].hour
    start = earliest - (earliest - offset) % count
    profile = DemandProfile(
        start=datetime.fromtimestamp(start * HOUR, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        period=period,
        rates=[round(rate, 6) for rate in rates],
        gap_cv=None if target.gap_cv is None else round(target.gap_cv, 4),
        dispersion=1.0 if target.dispersion is None else round(target.dispersion, 4),
        gap_shape=round(shape, 6),
        modulation=round(modulation, 8),
        requests=sum(row.requests for row in complete),
        periods=min(len(values) for values in observed),
        seed=seed,
    )
    return Fit(profile, 0, count)


def _whole_hours(arrivals: ArrivalCounts) -> list[HourCount]:
    """Return the whole hours, those without requests included unless they are holes."""
    hours, first, last = arrivals.hours, arrivals.first, arrivals.last
    if not hours:
        return []
    rows = {row.hour: row for row in hours}
    median = float(np.median([row.requests for row in hours]))
    begin, end = int(first // HOUR), int(last // HOUR)
    # A hundredth of an hour: the first request of a whole hour is rarely at its very start.
    if first - begin * HOUR > HOUR / 100:
        begin += 1
    if (end + 1) * HOUR - last > HOUR / 100:
        end -= 1
    real = [row for hour, row in rows.items() if begin <= hour <= end]
    if median >= _HOLE:
        return sorted(real)
    silent = [HourCount(hour, 0, 0.0, 0, 0.0, 0.0) for hour in range(begin, end + 1) if hour not in rows]
    return sorted([*real, *silent])


def measure_burstiness(hours: Sequence[HourCount]) -> Burstiness:
    """Return the burstiness of hours with enough requests, pooled over them."""
    windows = HOUR / WINDOW
    busy = [row for row in hours if row.requests >= MIN_REQUESTS]
    if not busy:
        return Burstiness(None, None)
    variance = sum((row.squares - row.requests**2 / windows) / (windows - 1) for row in busy)
    dispersion = variance / (sum(row.requests for row in busy) / windows)
    timed = [row for row in busy if row.gap_sum > 0]
    gaps = sum(row.gaps for row in timed)
    if not gaps:
        return Burstiness(None, dispersion)
    second = sum(row.gap_squares / (row.gap_sum / row.gaps) ** 2 for row in timed) / gaps
    return Burstiness(math.sqrt(max(second - 1.0, 0.0)), dispersion)


def count_hour(times: NDArray[np.float64], hour: int = 0) -> HourCount:
    """Return what a log would say about the requests of an hour, given in seconds from its start."""
    counts = np.bincount((times // WINDOW).astype(np.int64), minlength=int(HOUR / WINDOW))
    gaps = np.diff(times)
    return HourCount(hour, len(times), float((counts**2).sum()), len(gaps), float(gaps.sum()), float((gaps**2).sum()))


def fit_burstiness(rates: Sequence[float], target: Burstiness) -> tuple[float, float]:
    """Return `gap_shape` and `modulation` of arrivals with the burstiness of the log.

    The two equations of the process (mean and variance of gaps and counts under a log-normal factor) give a start,
    which simulated hours correct.
    """
    if target.dispersion is None:
        return 1.0, 0.0
    busy = [rate for rate in rates if rate * HOUR >= MIN_REQUESTS] or [max(rates)]
    sampled = _spread_hours(busy)
    means = np.array(sampled) * WINDOW
    scale = float((means**2).sum() / means.sum())
    aim = [target.gap_cv if target.gap_cv is not None else 1.0, target.dispersion]
    goal = list(aim)
    best, best_error = (1.0, 0.0), math.inf
    for attempt in range(_CORRECTIONS):
        shape, modulation = _solve(aim[0], aim[1], scale)
        rng = np.random.default_rng([0, attempt // 4])
        rows = [count_hour(hour_times(rate, shape, modulation, rng)) for rate in sampled]
        result = measure_burstiness(rows)
        reached = [result.gap_cv or 1e-3, result.dispersion or 1e-3]
        if target.gap_cv is None:
            reached[0] = goal[0]
        error = max(abs(math.log(a / max(b, 1e-3))) for a, b in zip(reached, goal, strict=True))
        if error < best_error:
            best, best_error = (shape, modulation), error
        aim = [a * (w / r) ** 0.7 for a, w, r in zip(aim, goal, reached, strict=True)]
    return best


def _spread_hours(rates: Sequence[float]) -> list[float]:
    """Return hours of all rates with a bounded number of requests."""
    ranked = sorted(rates)
    total = sum(ranked) * HOUR
    step = max(1, math.ceil(total / _FITTED_REQUESTS))
    return ranked[::-1][::step] * (1 if step > 1 else max(1, min(4, int(_FITTED_REQUESTS / max(total, 1.0)))))


def _solve(gap_cv: float, dispersion: float, scale: float) -> tuple[float, float]:
    """Return `gap_shape` c and `modulation` v: (1 + c²)(1 + v) = 1 + gap_cv², and c² + v * scale = dispersion.

    `scale` is the mean number of requests per window, weighted by itself.
    """
    b = scale + dispersion + 1.0
    x = (b + math.sqrt(max(b * b - 4.0 * scale * (1.0 + gap_cv**2), 0.0))) / (2.0 * scale)
    modulation = max(x - 1.0, 0.0)
    square = (1.0 + gap_cv**2) / (1.0 + modulation) - 1.0
    return math.sqrt(max(square, 1e-4)), modulation
