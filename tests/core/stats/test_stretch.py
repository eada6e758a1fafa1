"""The stretch of a series in which a loss stands."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.stats.stretch import Stretch, worst


def series(rng: np.random.Generator, truth: list[float], error: float = 0.005) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(truth, error), np.full(len(truth), error)


def test_the_start_is_found_in_noise() -> None:
    """A loss of three standard errors from point 40 of 60: the start is at most two points off in 95 of 100 runs."""
    rng = np.random.default_rng(1)
    found = [worst(*series(rng, [0.0] * 40 + [0.015] * 20), 0.005) for _ in range(100)]
    assert sum(f is not None and abs(f.first - 40) <= 2 and f.lasting for f in found) >= 95


def test_a_loss_that_ended_is_told_with_its_end() -> None:
    """Ten bad points in the middle, in noise."""
    rng = np.random.default_rng(2)
    found = [worst(*series(rng, [0.0] * 30 + [0.03] * 10 + [0.0] * 20), 0.005) for _ in range(100)]
    assert sum(f == Stretch(30, 39, False) for f in found) >= 90


def test_one_freak_point_long_before_does_not_move_the_start() -> None:
    """A spike of forty standard errors at point 3 says no more than `MOST`."""
    loss, error = series(np.random.default_rng(3), [0.0] * 40 + [0.03] * 20)
    loss[3] = 0.2
    assert worst(loss, error, 0.005) == Stretch(40, 59, True)


def test_one_good_point_inside_does_not_end_it() -> None:
    """A single recovery is bridged."""
    loss, error = series(np.random.default_rng(4), [0.0] * 10 + [0.03] * 20)
    loss[20] = 0.0
    assert worst(loss, error, 0.005) == Stretch(10, 29, True)


def test_a_loss_from_the_start_is_the_whole_series() -> None:
    """No change point is made up."""
    loss, error = series(np.random.default_rng(5), [0.03] * 25)
    assert worst(loss, error, 0.005) == Stretch(0, 24, True)


@pytest.mark.parametrize("least", [0.005, 0.0])
def test_no_loss_is_no_stretch(least: float) -> None:
    """Only gains: nothing to tell, with a margin and without."""
    assert worst(np.full(10, -0.02), np.full(10, 0.005), least) is None


def test_unusable_points_are_skipped_and_places_kept() -> None:
    """NaN and zero errors neither count nor shift the places."""
    loss = np.array([math.nan, 0.0, 0.0, 0.05, 0.05, math.nan])
    error = np.array([0.005, 0.005, 0.0, 0.005, 0.005, 0.005])
    assert worst(loss, error, 0.005) == Stretch(3, 4, True)
    assert worst(np.full(3, math.nan), np.ones(3), 0.1) is None
    assert worst(np.empty(0), np.empty(0), 0.1) is None
