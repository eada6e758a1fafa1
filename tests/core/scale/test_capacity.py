"""Capacity of several replicas: a line, contention, coherency, and the peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.scale.capacity import Curve, Measured, fit


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
    assert curve.peak == 22
    assert curve.capacity(22) >= max(curve.capacity(21), curve.capacity(23))


def test_no_number_of_replicas_carries_it() -> None:
    """Beyond the peak more replicas carry less, so that none is returned."""
    curve = Curve(rate=100.0, sigma=0.05, kappa=0.002)
    most = curve.capacity(22)
    assert curve.replicas_for(most, 0.0, 1000) == 22
    assert curve.replicas_for(most * 1.001, 0.0, 1000) is None
    assert curve.replicas_for(most * 0.8, 0.3, 1000) is None


def test_replicas_that_carry_less_from_the_second_on() -> None:
    """Contention beyond 1 without coherency: one replica carries most, and what it carries needs no second one."""
    assert fit([Measured(1, 100.0), Measured(4, 100.0)]).peak == 1
    curve = fit([Measured(1, 100.0), Measured(4, 90.0)])
    assert (curve.sigma > 1.0, curve.kappa, curve.peak) == (True, 0.0, 1)
    assert [curve.replicas_for(rate, 0.3, 4000) for rate in (50.0, 63.0, 70.0, 71.0)] == [1, 1, 1, None]


@pytest.mark.parametrize(
    ("sigma", "kappa", "peak"), [(1.0, 0.0, 1), (1.5, 0.01, 1), (0.0, 1.0, 1), (0.99, 0.0, None), (0.0, 0.0, None)]
)
def test_the_peak(sigma: float, kappa: float, peak: int | None) -> None:
    """There is none as long as each replica adds capacity."""
    curve = Curve(rate=100.0, sigma=sigma, kappa=kappa)
    assert curve.peak == peak
    if peak is None:
        assert all(curve.capacity(count + 1) > curve.capacity(count) for count in range(1, 1000))
    else:
        assert all(curve.capacity(count) <= curve.capacity(peak) for count in range(1, 1000))


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
        assert all(curve.capacity(count) * 0.8 < demand * (1.0 + 1e-6) for count in (1, 2, *range(97, 10_001, 97)))
    assert np.isfinite(curve.rate)
