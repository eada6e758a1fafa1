"""Response time over the percentile of both arms, as HdrHistogram draws it: SVG without scripts and inline styles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.charts import arm_chart
from ghmlops.report.charts.arm_chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP
from ghmlops.report.charts.log_axis import LogAxis
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.report.text.blocks import LatencyCharts

PERCENTILES = {1: "0", 2: "50", 10: "90", 100: "99", 1_000: "99.9", 10_000: "99.99", 100_000: "99.999"}
"""Labels of the percentile axis by 1 / (1 - q)."""


def figure(charts: LatencyCharts) -> Iterator[str]:
    """Draw the curve of each measured arm; both axes are logarithmic, the percentile one in 1 / (1 - q).

    Yields nothing if no arm has two points.
    """
    curves = {arm: points for arm, points in charts.curves.items() if len(points) > 1}
    y_axis = arm_chart.time_axis((time for points in curves.values() for _, time in points), BOTTOM, TOP)
    if y_axis is None:
        return
    x_axis = LogAxis(1.0, max(points[-1][0] for points in curves.values()), LEFT, RIGHT)
    parts = [*_grid(x_axis, y_axis), *arm_chart.legend(curves)]
    for arm, points in curves.items():
        path = "L".join(f"{x_axis(odds)} {y_axis(time)}" for odds, time in points)
        parts.append(f'<path class="{arm}" d="M{path}"/>')
    summary = f"Response time by percentile. {arm_chart.quantiles_in_words(charts)}"
    caption = (
        "Response time by percentile: successful requests, timed from their scheduled send. Each curve ends at its "
        "maximum. Both axes are logarithmic."
    )
    yield from arm_chart.figure(parts, summary, caption)


def _grid(x_axis: LogAxis, y_axis: LogAxis) -> Iterator[str]:
    for value in y_axis.ticks():
        yield f'<line class="grid" x1="{LEFT}" y1="{y_axis(value)}" x2="{RIGHT}" y2="{y_axis(value)}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(y_axis(value)) + 4:.1f}">{numbers.plain(value)}</text>'
    for odds, label in PERCENTILES.items():
        if odds <= x_axis.max_value:
            yield f'<line class="grid" x1="{x_axis(odds)}" y1="{TOP}" x2="{x_axis(odds)}" y2="{BOTTOM}"/>'
            yield f'<text x="{x_axis(odds)}" y="{BOTTOM + 18}">{label}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 14}">ms</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 10}">percentile</text>'
