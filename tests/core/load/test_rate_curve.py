"""The course of demand: what each shaped model's curve looks like, and what lies under it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.load.rate_curve import cut, diurnal, mean_rate, ramp, spike, steps


def at(curve: tuple[tuple[float, float], ...], second: float) -> float:
    return float(np.interp(second, [t for t, _ in curve], [r for _, r in curve]))


def test_points() -> None:
    """A ramp is one line, steps are stairs of equal width, a spike is a base with one stay at the peak."""
    assert ramp(60.0, 10.0, 100.0) == ((0.0, 10.0), (60.0, 100.0))
    assert steps(20.0, (5.0, 0.0)) == ((0.0, 5.0), (10.0, 5.0), (10.0, 0.0), (20.0, 0.0))
    assert spike(8.0, 1.0, 9.0, 3.0, 2.0) == (
        (0.0, 1.0), (3.0, 1.0), (3.0, 9.0), (5.0, 9.0), (5.0, 1.0), (8.0, 1.0)
    )  # fmt: skip


@pytest.mark.parametrize("period", [60.0, 20.0, 45.0, 600.0])
def test_a_day_follows_its_cosine(period: float) -> None:
    """Low at 0, high after half a period, and everywhere within 1 % of the amplitude of the smooth wave."""
    curve = diurnal(60.0, 20.0, 100.0, period)
    assert curve[0] == (0.0, 20.0)
    assert curve[-1][0] == 60.0
    for second in np.linspace(0.0, 60.0, 997).tolist():
        smooth = 60.0 - 40.0 * math.cos(2 * math.pi * second / period)
        assert abs(at(curve, second) - smooth) < 0.4


def test_a_day_from_nothing_is_never_negative() -> None:
    """A low of 0 is 0 at each trough, not a little below."""
    assert min(rate for _, rate in diurnal(30.0, 0.0, 7.3, 10.0)) >= 0.0


def test_mean_rates() -> None:
    """The area under the curve over its duration."""
    assert mean_rate(ramp(60.0, 10.0, 100.0)) == 55.0
    assert mean_rate(steps(30.0, (2.0, 4.0, 6.0))) == 4.0
    assert mean_rate(spike(8.0, 1.0, 9.0, 3.0, 2.0)) == 3.0
    assert pytest.approx(mean_rate(diurnal(60.0, 20.0, 100.0, 20.0))) == 60.0


@settings(deadline=None)
@given(seconds=st.floats(0.01, 30.0))
def test_a_cut_curve_is_the_same_curve(seconds: float) -> None:
    """Up to the cut every rate is as before, and nothing lies beyond it."""
    whole = diurnal(20.0, 5.0, 50.0, 10.0)
    part = cut(whole, seconds)
    assert min(seconds, 20.0) == part[-1][0]
    for second in np.linspace(0.0, part[-1][0], 50).tolist():
        assert at(part, second) == pytest.approx(at(whole, second))
