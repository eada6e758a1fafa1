"""The scaling law: recovered from exact data, solved for response times, open where it has no answer."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.capacity.constants import MIN_LEVELS
from ghmlops.core.capacity.scaling_law import Fit, Law, fit

LEVELS = np.array([0.3, 0.8, 2.0, 4.0, 8.0, 16.0, 32.0])
TRUE = Law(rate=50.0, sigma=0.08, kappa=0.002)


def noisy(seed: int, noise: float = 0.02) -> Fit:
    rng = np.random.default_rng(seed)
    return fit(LEVELS, TRUE.throughput(LEVELS) * np.exp(rng.normal(0, noise, len(LEVELS))), seed, 60)


def test_exact_data_recover_the_law() -> None:
    """Without noise all three parameters and the peak are recovered."""
    law = fit(LEVELS, TRUE.throughput(LEVELS), 1, resamples=5).law
    assert math.isclose(law.rate, 50.0, rel_tol=1e-3)
    assert math.isclose(law.sigma, 0.08, rel_tol=1e-2)
    assert math.isclose(law.kappa, 0.002, rel_tol=2e-2)
    assert law.peak is not None
    assert math.isclose(law.peak, math.sqrt(0.92 / 0.002), rel_tol=0.02)


def test_the_response_time_solves_the_law() -> None:
    """R = N / X on the branch before the peak; there is no response time beyond it."""
    for n in (0.5, 1.0, 5.0, 20.0):
        x = float(TRUE.throughput(np.array(n)))
        response = TRUE.response(x)
        assert response is not None
        assert math.isclose(response, n / x, rel_tol=1e-9)
    assert TRUE.max_throughput is not None
    assert TRUE.response(TRUE.max_throughput * 1.001) is None
    assert TRUE.response(TRUE.max_throughput * 0.999) is not None


def test_a_law_without_coherency_has_no_peak() -> None:
    """For kappa = 0 throughput approaches lambda / sigma; without contention it is unlimited."""
    law = Law(rate=10.0, sigma=0.1, kappa=0.0)
    assert (law.peak, law.max_throughput) == (None, 100.0)
    assert law.response(100.0) is None
    assert law.response(99.0) is not None
    linear = Law(rate=10.0, sigma=0.0, kappa=0.0)
    assert (linear.max_throughput, linear.response(1000.0)) == (None, 0.1)


def test_intervals_cover_the_true_response_time() -> None:
    """Of 20 noisy fits, the 95 % interval of the response time at 200/s covers the true one in at least 75 %."""
    truth = TRUE.response(200.0)
    assert truth is not None
    covered = 0
    for seed in range(20):
        bounds = noisy(seed).response(200.0)
        assert bounds.low is not None
        covered += bounds.low <= truth <= (bounds.high or math.inf)
    assert covered >= 15


def test_a_fit_is_reproducible() -> None:
    """Two fits of the same data with the same seed are identical."""
    first, second = noisy(7), noisy(7)
    assert first.bounds("sigma") == second.bounds("sigma")


def test_bounds_may_be_open() -> None:
    """If resamples have no peak, the interval has no high end; beyond the peak there is no interval."""
    rng = np.random.default_rng(1)
    grown = fit(LEVELS, Law(rate=50.0, sigma=0.2, kappa=0.0).throughput(LEVELS) * np.exp(rng.normal(0, 0.02, 7)), 1)
    assert grown.bounds("sigma").low is not None
    assert grown.response(1e9) == (None, None, None)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_invalid_levels_are_refused(bad: float) -> None:
    """A level without positive finite concurrency or throughput, and too few levels, are errors."""
    n = LEVELS.copy()
    n[0] = bad
    with pytest.raises(ValueError, match="at least six levels"):
        fit(n, LEVELS, 1)
    with pytest.raises(ValueError, match="positive throughput"):
        fit(LEVELS, n, 1)
    with pytest.raises(ValueError, match="at least six levels"):
        fit(LEVELS[: MIN_LEVELS - 1], LEVELS[: MIN_LEVELS - 1], 1)
