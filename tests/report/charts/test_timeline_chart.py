"""Timelines as SVG charts: positions, and values that cannot be drawn."""

from __future__ import annotations

import re

import pytest

from ghmlops.core.model import Outcome
from ghmlops.report.charts.timeline_chart import figure
from ghmlops.report.content import timeline
from ghmlops.report.text.blocks import TimelinePoint
from ghmlops.report.text.numbers import MINUS
from report.reading import read_html
from report.timeline_samples import sample_points, sample_timeline


def test_positions_follow_the_differences() -> None:
    """Windows extend from edge to edge; a regression is shaded and marked; the limit is below zero."""
    text = "".join(figure(sample_timeline({1}, 3)))
    read_html(text)
    low, high = timeline.axis_bounds([-0.1, 0.02, -0.05, 0.0]) or (0.0, 1.0)

    def y(value: float) -> str:
        return f"{250 + (value - low) / (high - low) * (36 - 250):.1f}"

    assert f'<path class="candidate" d="M72.0 {y(0.0)}L408.0 {y(-0.1)}L744.0 {y(0.0)}"/>' in text
    assert f'<line class="limit" x1="72" y1="{y(-0.05)}" x2="744" y2="{y(-0.05)}"/>' in text
    assert f'<path class="band" d="M72.0 {y(0.02)}L408.0 {y(0.02)}L744.0 {y(0.02)}L744.0 {y(-0.02)}' in text
    assert f'<line class="axis" x1="72" y1="{y(0.0)}" x2="744" y2="{y(0.0)}"/>' in text
    assert '<rect class="shade fail" x="240.0" y="36" width="336.0" height="214"/>' in text
    assert f'<circle class="mark fail" cx="408.0" cy="{y(-0.1)}" r="4.5"><title>2025-01-001: fail</title>' in text


def test_differences_of_percentages_are_points() -> None:
    """The axis of a share is in points with a sign; a metric that may move either way has two limits."""
    text = "".join(figure(sample_timeline({1}, 3, ceiling=0.05)))
    assert re.search(r'<text class="row"[^>]*>pt</text>', text)
    assert f">{MINUS}5</text>" in text
    assert text.count('<line class="limit" x1="72"') == 2


def test_the_chart_is_described_for_screen_readers() -> None:
    """The label names the metric, the number of windows, the first and the last one, and the regressions."""
    text = "".join(figure(sample_timeline({1}, 3)))
    (label,) = [value for tag, name, value in read_html(text).attributes if (tag, name) == ("svg", "aria-label")]
    assert re.match("accuracy.* baseline: 3 windows ", label)
    assert re.findall(r"2025-01-\d+", label)[:2] == ["2025-01-000", "2025-01-002"]
    assert re.search(r"2025-01-002, 1 with\b", label)


def test_a_wide_interval_does_not_flatten_the_lines() -> None:
    """An interval far wider than the values is clipped at the border of the chart."""
    points = [point._replace(low=-1e6, high=1e6) for point in sample_points({1}, 3)]
    text = "".join(figure(sample_timeline({1}, 3, points=points)))
    assert '<path class="band" d="M72.0 36.0L408.0 36.0L744.0 36.0L744.0 250.0L' in text


@pytest.mark.parametrize("value", [0.0, 1e-9, 1e13])
def test_values_without_a_usable_scale_give_no_chart(value: float) -> None:
    """Numbers too small or too large to be distinguished are not drawn and cause no error."""
    points = [TimelinePoint(f"w{index}", value, value, None, None, Outcome.PASS) for index in range(3)]
    assert list(figure(sample_timeline(set(), 3, points=points, unit="", floor=None))) == []


def test_one_window_gives_no_chart() -> None:
    """A line needs two points."""
    assert list(figure(sample_timeline(set(), 1))) == []


@pytest.mark.parametrize(("total", "dots"), [(60, 60), (61, 0)])
def test_dots_are_omitted_if_there_are_many_windows(total: int, dots: int) -> None:
    """Up to 60 windows without a regression have a dot each."""
    assert "".join(figure(sample_timeline(set(), total))).count('<circle class="candidate"') == dots


def test_at_most_400_windows_are_drawn() -> None:
    """The caption reports how many windows are omitted."""
    text = "".join(figure(sample_timeline(set(), 1000)))
    assert text.count("L") >= 399
    assert "omits 600 windows" in text
