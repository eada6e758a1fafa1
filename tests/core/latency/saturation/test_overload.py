"""Overload: response times that grow, of queues whose rate of completion is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.latency.saturation.overload import growth


def levels_of(utilisation: float, blocks: int, noise: float = 0.0) -> list[float]:
    """Return the levels of a queue with a constant service time of 10 ms, 250 requests per block."""
    arrivals = np.arange(blocks * 250) * 0.01 / utilisation
    start = np.maximum.accumulate(arrivals - 0.01 * np.arange(len(arrivals))) + 0.01 * np.arange(len(arrivals))
    times = (start + 0.01 - arrivals) * np.exp(noise * np.random.default_rng(1).standard_normal(len(arrivals)))
    return [math.log(block.mean()) for block in times.reshape(blocks, 250)]


@pytest.mark.parametrize("utilisation", [1.05, 1.2, 1.5])
@pytest.mark.parametrize("blocks", [5, 24])
def test_growth_is_the_excess_of_the_rate(utilisation: float, blocks: int) -> None:
    """Response times grow by utilisation - 1 seconds per second, from five blocks on."""
    grown = growth(levels_of(utilisation, blocks), range(1, blocks + 1), 250 * 0.01 / utilisation)
    assert grown == pytest.approx(utilisation - 1, rel=0.02)


@pytest.mark.parametrize("utilisation", [0.1, 0.9, 1.0])
def test_a_stable_queue_does_not_grow(utilisation: float) -> None:
    """At or below capacity there is no growth, with or without noise."""
    for noise in (0.0, 0.5):
        assert growth(levels_of(utilisation, 24, noise), range(1, 25), 2.5 / utilisation) == 0.0


def test_a_slower_machine_is_no_overload() -> None:
    """Response times of 10 ms that double within a minute do not accumulate requests."""
    levels = [math.log(0.01 * (1 + block / 24)) for block in range(24)]
    assert growth(levels, range(24), 2.5) == 0.0


def test_slow_responses_may_vary() -> None:
    """Response times of seconds that rise by less than a fifth are no overload, although they grow fast enough."""
    assert growth([math.log(5 + 0.05 * block) for block in range(12)], range(12), 1.0) == 0.0


def test_shards_are_joined_by_window() -> None:
    """Pairs of two shards with the same number are one window."""
    levels, windows = levels_of(1.2, 8), range(1, 9)
    doubled = [level for level in levels for _ in range(2)]
    twice = [window for window in windows for _ in range(2)]
    assert growth(doubled, twice, 2.0) == pytest.approx(growth(levels, windows, 2.0))


@pytest.mark.parametrize(("levels", "seconds"), [([], 1.0), ([0.0], 1.0), ([0.0, 1.0, 2.0, 3.0], 1.0), ([0.0] * 9, 0)])
def test_too_little_data_shows_nothing(levels: list[float], seconds: float) -> None:
    """Fewer than five blocks, equal ones, and demand without a rate show no growth."""
    assert growth(levels, range(len(levels)), seconds) == 0.0
