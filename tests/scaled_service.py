"""Demand of a service with a daily cycle, its capacity evidence, and what serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.policy.production.scale import Limits
from ghmlops.core.scale.capacity import Curve
from ghmlops.core.scale.demand import Rules, Sample, Series, make_series
from ghmlops.core.scale.plan import Supply

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP, DAY = 300.0, 86_400.0
RULES = Rules(step=STEP, period=DAY, history=7 * DAY, stale=900.0, labels={"app": "scorer"})
LABELS = {"app": "scorer"}
NOW = 1_790_000_100.0 // DAY * DAY + 12 * 3600.0
"""Noon."""


def daily(days: float = 7.0, *, noise: float = 0.05, seed: int = 1, now: float = NOW) -> list[Sample]:
    """Return samples until `now`: a rise from 20 to 100/s and back each day."""
    ends = np.arange(now - days * DAY + STEP, now + 1.0, STEP)
    rates = (60.0 - 40.0 * np.cos(2.0 * np.pi * ends / DAY)) * np.exp(
        noise * np.random.default_rng(seed).standard_normal(len(ends))
    )
    return [Sample(float(end), float(rate)) for end, rate in zip(ends, rates, strict=True)]


def series_of(rates: NDArray[np.float64], *, step: float = STEP) -> Series:
    """Return a series that counts."""
    return Series(end=len(rates) * step, step=step, rates=rates)


def judged(samples: list[Sample], *, now: float = NOW) -> Series:
    """Return the series of samples with the labels of the service."""
    return make_series(samples, LABELS, RULES, now)


def supply(rate: float = 10.0, *, headroom: float = 0.0, **limits: float) -> Supply:
    """Return replicas of `rate` requests per second each."""
    values: dict[str, float] = {"max": 100, **limits}
    return Supply(curve=Curve(rate=rate), headroom=headroom, limits=Limits(**values))  # type: ignore[arg-type]
