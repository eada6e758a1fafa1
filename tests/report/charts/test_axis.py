"""Axes of charts: positions and ticks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.report.charts.axis import MAX_STEPS, Axis


def test_values_are_mapped_linearly() -> None:
    """The ends of the range are at the ends of the axis, which may point downwards."""
    axis = Axis(10.0, 20.0, 250, 36)
    assert [axis(value) for value in (10.0, 15.0, 20.0)] == ["250.0", "143.0", "36.0"]


def test_values_beyond_the_axis_are_clipped() -> None:
    """A value beyond an end is moved to this end."""
    axis = Axis(0.0, 1.0, 0, 100)
    assert [axis.clip(value) for value in (-5.0, 0.5, 7.0)] == ["0.0", "50.0", "100.0"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 100.0, [0, 20, 40, 60, 80, 100]),
        (0.0, 7.0, [0, 2, 4, 6]),
        (69.4, 80.6, [70, 72, 74, 76, 78, 80]),
    ],
)
def test_ticks_are_round_values(low: float, high: float, ticks: list[float]) -> None:
    """Ticks are multiples of 1, 2 or 5 times a power of ten."""
    assert Axis(low, high, 0, 1).ticks() == pytest.approx(ticks)


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_there_are_few_ticks_inside_the_range(low: float, span: float) -> None:
    """At most `MAX_STEPS` steps lie between the ticks, and all ticks are on the axis."""
    axis = Axis(low, low + span, 0, 1)
    ticks = axis.ticks()
    assert len(ticks) <= MAX_STEPS + 1
    tolerance = 1e-6 * span + 1e-12 * abs(low)
    assert all(low - tolerance <= tick <= low + span + tolerance for tick in ticks)
