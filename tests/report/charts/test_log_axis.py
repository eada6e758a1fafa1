"""Positions and ticks of a logarithmic axis."""

from __future__ import annotations

import pytest

from ghmlops.report.charts.log_axis import MAX_TICKS, LogAxis


def test_powers_of_ten_are_equally_far_apart() -> None:
    """From 1 to 1000 over 300 units, each decade takes 100."""
    axis = LogAxis(1.0, 1000.0, 0.0, 300.0)
    assert [axis(value) for value in (1.0, 10.0, 100.0, 1000.0)] == ["0.0", "100.0", "200.0", "300.0"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (15.0, 290.0, [20.0, 50.0, 100.0, 200.0]),
        (1.0, 5e3, [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]),
        (1.0, 1e6, [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]),
        (41.0, 42.0, [41.0, 41.2, 41.4, 41.6, 41.8, 42.0]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    """The ticks are as dense as there is room for; a short axis has those of a linear one."""
    result = LogAxis(low, high, 0.0, 1.0).ticks()
    assert len(result) <= MAX_TICKS
    assert result == pytest.approx(ticks)
