"""Series of production metrics for the tests of `watch`: seeded noise with a daily season, and planted changes."""

from __future__ import annotations

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.watch.series import Series

DAY, HOUR = 86_400, 3600


def make(logs: np.ndarray, step: int = DAY, direction: Direction = Direction.LOWER) -> Series:
    """Return a series of log values from time 0."""
    times = np.arange(len(logs), dtype=np.int64) * step
    return Series(name="p95", direction=direction, step=step, times=times, values=np.exp(logs), left_out={})


def days(count: int, noise: float = 0.05, seed: int = 1) -> np.ndarray:
    """Return daily log values without a change."""
    return noise * np.random.default_rng(seed).normal(size=count)


def hours(count: int, noise: float = 0.05, seed: int = 1) -> np.ndarray:
    """Return hourly log values with a daily cycle and without a change."""
    rng = np.random.default_rng(seed)
    return noise * rng.normal(size=count) + 0.4 * np.sin(2 * np.pi * np.arange(count) / 24)
