"""The segment of a series in which a loss is elevated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.stats.epidemic_change import Segment, most_likely_segment


def noisy_series(
    rng: np.random.Generator, true_loss: list[float], error: float = 0.005
) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(true_loss, error), np.full(len(true_loss), error)


def test_the_start_is_located_in_noise() -> None:
    """A loss of three standard errors from point 40 of 60: the start is at most two points off in 95 of 100 runs."""
    rng = np.random.default_rng(1)
    segments = [most_likely_segment(*noisy_series(rng, [0.0] * 40 + [0.015] * 20), 0.005) for _ in range(100)]
    assert sum(s is not None and abs(s.first - 40) <= 2 and s.ongoing for s in segments) >= 95


def test_a_loss_that_ended_has_an_end() -> None:
    """Ten elevated points in the middle: both ends are exact in 90 of 100 runs."""
    rng = np.random.default_rng(2)
    true_loss = [0.0] * 30 + [0.03] * 10 + [0.0] * 20
    segments = [most_likely_segment(*noisy_series(rng, true_loss), 0.005) for _ in range(100)]
    assert sum(s == Segment(30, 39, False) for s in segments) >= 90


def test_an_earlier_outlier_does_not_move_the_start() -> None:
    """A spike of forty standard errors at point 3 contributes at most `MAX_POINT_EVIDENCE`."""
    loss, error = noisy_series(np.random.default_rng(3), [0.0] * 40 + [0.03] * 20)
    loss[3] = 0.2
    assert most_likely_segment(loss, error, 0.005) == Segment(40, 59, True)


def test_a_single_good_point_does_not_end_the_segment() -> None:
    """One point without a loss within the segment is bridged."""
    loss, error = noisy_series(np.random.default_rng(4), [0.0] * 10 + [0.03] * 20)
    loss[20] = 0.0
    assert most_likely_segment(loss, error, 0.005) == Segment(10, 29, True)


def test_a_constant_loss_is_the_whole_series() -> None:
    """Without a change point the segment is the series."""
    loss, error = noisy_series(np.random.default_rng(5), [0.03] * 25)
    assert most_likely_segment(loss, error, 0.005) == Segment(0, 24, True)


@pytest.mark.parametrize("min_loss", [0.005, 0.0])
def test_gains_have_no_segment(min_loss: float) -> None:
    """A series of gains has none, with a margin and without."""
    assert most_likely_segment(np.full(10, -0.02), np.full(10, 0.005), min_loss) is None


def test_unusable_points_are_skipped_and_indices_preserved() -> None:
    """NaN losses and errors of 0 neither count nor shift the indices."""
    loss = np.array([math.nan, 0.0, 0.0, 0.05, 0.05, math.nan])
    error = np.array([0.005, 0.005, 0.0, 0.005, 0.005, 0.005])
    assert most_likely_segment(loss, error, 0.005) == Segment(3, 4, True)
    assert most_likely_segment(np.full(3, math.nan), np.ones(3), 0.1) is None
    assert most_likely_segment(np.empty(0), np.empty(0), 0.1) is None
