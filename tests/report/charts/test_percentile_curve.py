"""The percentile curves: positions of known quantiles, and arms that were not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.charts.arm_chart import BOTTOM, LEFT, RIGHT, TOP
from ghmlops.report.charts.log_axis import LogAxis
from ghmlops.report.charts.percentile_curve import figure
from ghmlops.report.content.latency.latency_charts import latency_charts
from report import latency_samples
from report.reading import read_html

if TYPE_CHECKING:
    from collections.abc import Callable


def test_known_quantiles_are_at_their_positions() -> None:
    """Of 1..1000 ms the p90 (900 ms) is at a third of the percentile axis and the p99 (990 ms) at two thirds."""
    file = latency_samples.latency(pairs=1)
    file = file._replace(log=latency_samples.log({"candidate": [float(v) for v in range(1, 1001)]}))
    text = "".join(figure(latency_charts([file])[0]))
    read_html(text)
    y_axis = LogAxis(1.0004 / 1.05, 1000.0 * 1.05, BOTTOM, TOP)
    for third, time in ((1, 900.0), (2, 990.0), (3, 1000.0)):
        assert f"{LEFT + third * (RIGHT - LEFT) / 3:.1f} {y_axis(time)}" in text
    assert [text.count(f">{label}</text>") for label in ("0", "50", "90", "99", "99.9", "99.99")] == [1, 1, 1, 1, 1, 0]
    assert "baseline" not in text


def test_the_drawing(golden: Callable[[str, str], None]) -> None:
    """The percentile curves of both arms are those that were reviewed."""
    (charts,) = latency_charts([latency_samples.latency(ratio=1.3)])
    golden("chart-percentile-curve.html", "\n".join(figure(charts)) + "\n")


def test_nothing_is_drawn_without_two_points() -> None:
    """Without a curve there is no figure."""
    (charts,) = latency_charts([latency_samples.latency()])
    assert list(figure(charts._replace(curves={}))) == []
    assert list(figure(charts._replace(curves={"candidate": [(1.0, 3.0)]}))) == []
