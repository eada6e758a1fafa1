"""Histograms of response times: shares, positions, and arms that were not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.charts.arm_chart import BOTTOM, LEFT, RIGHT, TOP
from ghmlops.report.charts.response_histogram import figure
from ghmlops.report.content.latency.latency_charts import latency_charts
from ghmlops.report.text.blocks import LatencyCharts
from report import latency_samples
from report.reading import read_html

if TYPE_CHECKING:
    from collections.abc import Callable

CHARTS = LatencyCharts(
    title="latency",
    requests={"baseline": 40, "candidate": 10},
    curves={},
    quantiles={"baseline": {"p50": 3.0}, "candidate": {"p50": 30.0}},
    edges=[1.0, 10.0, 100.0],
    counts={"baseline": [40, 0], "candidate": [5, 5]},
    pairs=[],
    problem="",
)


def test_shares_are_drawn_instead_of_counts() -> None:
    """All of the baseline is in the first bin, as a bar of full height; the candidate has half of it in each bin."""
    text = "".join(figure(CHARTS))
    read_html(text)
    middle, half = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2
    assert text.count('class="bar"') == 1
    assert f'x="{LEFT:.1f}" y="{TOP:.1f}" width="{middle - LEFT:.1f}" height="{BOTTOM - TOP:.1f}"' in text
    assert f'class="candidate" d="M{LEFT:.1f} {half:.1f}L{middle:.1f} {half:.1f}' in text


def test_arms_without_requests_are_absent() -> None:
    """An arm that was not measured is not in the legend; without any arm nothing is drawn."""
    text = "".join(figure(CHARTS._replace(counts={"candidate": [5, 5]}, quantiles={})))
    assert "baseline" not in text
    assert list(figure(CHARTS._replace(counts={"candidate": [0, 0]}))) == []
    assert list(figure(CHARTS._replace(counts={}, edges=[]))) == []


def test_the_drawing(golden: Callable[[str, str], None]) -> None:
    """The histogram of both arms is the one that was reviewed."""
    (charts,) = latency_charts([latency_samples.latency(ratio=1.3)])
    golden("chart-response-histogram.html", "\n".join(figure(charts)) + "\n")
