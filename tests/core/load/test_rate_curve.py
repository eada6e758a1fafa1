"""Rate curves of the shaped arrival models: their points and their mean rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.load.rate_curve import diurnal, mean_rate, ramp, spike, steps, truncate


def rate_at(curve: tuple[tuple[float, float], ...], second: float) -> float:
    return float(np.interp(second, [t for t, _ in curve], [r for _, r in curve]))


def test_points_of_ramp_steps_and_spike() -> None:
    """A ramp is one line, steps have equal length, a spike is a base rate with one step to a peak and back."""
    assert ramp(60.0, 10.0, 100.0) == ((0.0, 10.0), (60.0, 100.0))
    assert steps(20.0, (5.0, 0.0)) == ((0.0, 5.0), (10.0, 5.0), (10.0, 0.0), (20.0, 0.0))
    assert spike(8.0, 1.0, 9.0, 3.0, 2.0) == (
        (0.0, 1.0), (3.0, 1.0), (3.0, 9.0), (5.0, 9.0), (5.0, 1.0), (8.0, 1.0)
    )  # fmt: skip


@pytest.mark.parametrize("period", [60.0, 20.0, 45.0, 600.0])
def test_a_daily_cycle_follows_the_cosine(period: float) -> None:
    """The rate is low at 0 and high after half a period, and stays within 1 % of the amplitude of the smooth wave."""
    curve = diurnal(60.0, 20.0, 100.0, period)
    assert curve[0] == (0.0, 20.0)
    assert curve[-1][0] == 60.0
    for second in np.linspace(0.0, 60.0, 997).tolist():
        smooth = 60.0 - 40.0 * math.cos(2 * math.pi * second / period)
        assert abs(rate_at(curve, second) - smooth) < 0.4


def test_a_daily_cycle_from_zero_is_never_negative() -> None:
    """With a low of 0, the rate at each trough is 0, not slightly negative."""
    assert min(rate for _, rate in diurnal(30.0, 0.0, 7.3, 10.0)) >= 0.0


def test_mean_rate_is_the_area_over_the_duration() -> None:
    """The mean rate is the area under the curve divided by its duration."""
    assert mean_rate(ramp(60.0, 10.0, 100.0)) == 55.0
    assert mean_rate(steps(30.0, (2.0, 4.0, 6.0))) == 4.0
    assert mean_rate(spike(8.0, 1.0, 9.0, 3.0, 2.0)) == 3.0
    assert pytest.approx(mean_rate(diurnal(60.0, 20.0, 100.0, 20.0))) == 60.0


@settings(deadline=None)
@given(seconds=st.floats(0.01, 30.0))
def test_a_truncated_curve_has_the_same_rates(seconds: float) -> None:
    """Up to the end of a truncated curve every rate is unchanged, and no point lies beyond it."""
    curve = diurnal(20.0, 5.0, 50.0, 10.0)
    truncated = truncate(curve, seconds)
    assert min(seconds, 20.0) == truncated[-1][0]
    for second in np.linspace(0.0, truncated[-1][0], 50).tolist():
        assert rate_at(truncated, second) == pytest.approx(rate_at(curve, second))
