"""Capacity of several replicas: a line, contention, coherency, and the peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.scale.capacity import Curve, Measured, fit
from ghmlops.core.scale.constants import MIN_GAIN


def test_one_measurement_grows_in_proportion() -> None:
    """There is no peak, and replicas are rounded up."""
    curve = fit([Measured(1, 50.0)])
    assert (curve.capacity(4), curve.peak) == (200.0, None)
    assert [curve.replicas_for(rate, 0.0, 100) for rate in (0.0, 1.0, 50.0, 50.1, 150.0)] == [0, 1, 1, 2, 3]
    assert curve.replicas_for(70.0, 0.3, 100) == 2
    assert curve.replicas_for(5001.0, 0.0, 100) is None


def test_a_law_is_found_again() -> None:
    """Contention and coherency follow from four counts of replicas, and the peak from them."""
    law = Curve(rate=100.0, sigma=0.05, kappa=0.002)
    curve = fit([Measured(count, law.capacity(count)) for count in (1, 2, 8, 16)])
    assert (curve.rate, curve.sigma, curve.kappa) == pytest.approx((100.0, 0.05, 0.002), rel=1e-6)
    assert curve.peak == 21
    assert (curve.gain(21) > MIN_GAIN > curve.gain(22) > 0.0 > curve.gain(23), curve.gain(1)) == (True, 1.0)


def test_no_number_of_replicas_carries_it() -> None:
    """Beyond the peak more replicas carry less, so that none is returned."""
    curve = Curve(rate=100.0, sigma=0.05, kappa=0.002)
    most = curve.capacity(21)
    assert curve.replicas_for(most, 0.0, 1000) == 21
    assert curve.replicas_for(most * 1.001, 0.0, 1000) is None
    assert curve.replicas_for(most * 0.8, 0.3, 1000) is None


def test_replicas_that_carry_less_from_the_second_on() -> None:
    """Contention beyond 1 without coherency: one replica carries most, and what it carries needs no second one."""
    assert fit([Measured(1, 100.0), Measured(4, 100.0)]).peak == 1
    curve = fit([Measured(1, 100.0), Measured(4, 90.0)])
    assert (curve.sigma > 1.0, curve.kappa, curve.peak) == (True, 0.0, 1)
    assert [curve.replicas_for(rate, 0.3, 4000) for rate in (50.0, 63.0, 70.0, 71.0)] == [1, 1, 1, None]


@pytest.mark.parametrize(
    ("sigma", "kappa", "peak"),
    [
        (1.0, 0.0, 1),
        (1.5, 0.01, 1),
        (0.0, 1.0, 1),
        (0.0, 0.01, 10),
        (0.99, 0.0, 1),
        (0.9, 0.0, 3),
        (0.5, 0.0, 13),
        (0.1, 0.0, 86),
        (1e-12, 0.0, None),
        (5e-324, 0.0, None),
        (0.0, 0.0, None),
    ],
)
def test_the_peak(sigma: float, kappa: float, peak: int | None) -> None:
    """There is none as long as each replica adds at least a hundredth of what the first one carries."""
    curve = Curve(rate=100.0, sigma=sigma, kappa=kappa)
    assert curve.peak == peak
    gains = [curve.capacity(count) - curve.capacity(count - 1) for count in range(1, 1000)]
    assert gains == pytest.approx([100.0 * curve.gain(count) for count in range(1, 1000)], abs=1e-6)
    assert sum(gain >= 100.0 * MIN_GAIN for gain in gains) == (peak or len(gains))


def test_what_was_measured_is_not_called_useless() -> None:
    """4 replicas that carry 4 % more than 1 are used to the fourth, and no fifth is."""
    curve = fit([Measured(1, 100.0), Measured(4, 104.0)])
    assert (curve.peak, curve.gain(4) < MIN_GAIN) == (4, True)
    assert [curve.replicas_for(rate, 0.0, 4000) for rate in (100.0, 103.0, 104.0, 104.5)] == [1, 3, 4, None]


def test_more_than_proportional_growth_is_not_trusted() -> None:
    """The line through the lowest capacity per replica stays."""
    curve = fit([Measured(1, 50.0), Measured(4, 400.0)])
    assert (curve.capacity(1), curve.capacity(4)) == pytest.approx((50.0, 200.0))


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(1e-3, 1e6)), min_size=1, max_size=6, unique_by=lambda row: row[0]),
    st.floats(1e-6, 1e7),
)
def test_no_measurement_is_exceeded_and_the_number_is_the_least(rows: list[tuple[int, float]], demand: float) -> None:
    """Whatever was measured: the curve lies at or below it, and one replica less would not do."""
    curve = fit([Measured(*row) for row in rows])
    for count, rate in rows:
        assert curve.capacity(count) <= rate * (1.0 + 1e-9)
    needed = curve.replicas_for(demand, 0.2, 10_000)
    if needed is not None:
        assert curve.capacity(needed) * 0.8 >= demand * (1.0 - 1e-6)
        assert curve.capacity(needed - 1) * 0.8 < demand * (1.0 + 1e-6)
    else:
        most = min(curve.peak or 10_000, 10_000)
        counts = {count for count in (1, 2, most, *range(97, 10_001, 97)) if count <= most}
        assert all(curve.capacity(count) * 0.8 < demand * (1.0 + 1e-6) for count in counts)
    assert np.isfinite(curve.rate)
