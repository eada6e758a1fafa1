"""Plots of intervals: positions, open ends, and numbers that cannot be drawn."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Outcome
from ghmlops.report.charts.interval_plot import svg
from ghmlops.report.text.blocks import IntervalPlot


def test_positions_follow_the_numbers() -> None:
    """No change is in the middle; estimate, limit, interval and allowed range are at the positions of their numbers."""
    text = svg(IntervalPlot(estimate=0.1, low=0.05, high=0.2, floor=None, ceiling=0.1, outcome=Outcome.FAIL))
    assert '<circle class="dot" cx="110"' in text
    assert '<line class="limit" x1="110"' in text
    assert '<line class="span" x1="92" y1="9" x2="144"' in text
    assert '<rect class="room" x="0" y="1" width="110"' in text


def test_an_open_end_extends_to_the_border() -> None:
    """A missing bound is not drawn as a number."""
    text = svg(IntervalPlot(estimate=0.1, low=None, high=0.2, floor=-0.1, ceiling=0.1, outcome=Outcome.PASS))
    assert '<line class="span" x1="0" ' in text


@pytest.mark.parametrize("value", [None, 0.0, 1e308, 10**400])
def test_numbers_without_a_usable_scale_give_no_plot(value: float | None) -> None:
    """Zero, missing and huge numbers are not drawn and cause no error."""
    plot = IntervalPlot(estimate=value, low=value, high=value, floor=None, ceiling=None, outcome=Outcome.PASS)
    assert svg(plot) == ""
