"""Histogram of the response times of both arms, as SVG without scripts and inline styles."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ghmlops.report.charts import arm_chart
from ghmlops.report.charts.arm_chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP
from ghmlops.report.charts.axis import Axis
from ghmlops.report.charts.log_axis import LogAxis
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.report.text.blocks import LatencyCharts


def figure(charts: LatencyCharts) -> Iterator[str]:
    """Draw the share of the requests of each arm per bin of the response time; the time axis is logarithmic.

    The baseline is drawn as bars with an outline, the candidate as an outline. Yields nothing without requests.
    """
    shares = {arm: _shares(counts) for arm, counts in charts.counts.items() if sum(counts) > 0}
    if not shares or len(charts.edges) < 2:
        return
    highest = max(max(values) for values in shares.values())
    x_axis = LogAxis(charts.edges[0], charts.edges[-1], LEFT, RIGHT)
    y_axis = Axis(0.0, 100 * highest, BOTTOM, TOP)
    parts = [*_grid(x_axis, y_axis), *arm_chart.legend(shares)]
    for arm, values in shares.items():
        if arm == "baseline":
            parts += _bars(charts.edges, values, x_axis, y_axis)
        steps = "L".join(
            f"{x_axis(low)} {y_axis(100 * share)}L{x_axis(high)} {y_axis(100 * share)}"
            for (low, high), share in zip(pairwise(charts.edges), values, strict=True)
        )
        parts.append(f'<path class="{arm}" d="M{steps}"/>')
    summary = f"Histogram of the response times. {arm_chart.quantiles_in_words(charts)}"
    caption = "Share of the successful requests per bin; the bins have equal widths on a logarithmic axis."
    yield from arm_chart.figure(parts, summary, caption)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts]


def _bars(edges: Sequence[float], shares: Sequence[float], x_axis: LogAxis, y_axis: Axis) -> Iterator[str]:
    for (low, high), share in zip(pairwise(edges), shares, strict=True):
        if share > 0:
            left, right, top = float(x_axis(low)), float(x_axis(high)), y_axis(100 * share)
            size = f'width="{right - left:.1f}" height="{BOTTOM - float(top):.1f}"'
            yield f'<rect class="bar" x="{left}" y="{top}" {size}/>'


def _grid(x_axis: LogAxis, y_axis: Axis) -> Iterator[str]:
    for value in y_axis.ticks():
        yield f'<line class="grid" x1="{LEFT}" y1="{y_axis(value)}" x2="{RIGHT}" y2="{y_axis(value)}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(y_axis(value)) + 4:.1f}">{numbers.plain(value)}</text>'
    for value in x_axis.ticks():
        yield f'<line class="axis" x1="{x_axis(value)}" y1="{BOTTOM}" x2="{x_axis(value)}" y2="{BOTTOM + 5}"/>'
        yield f'<text x="{x_axis(value)}" y="{BOTTOM + 18}">{numbers.plain(value)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 14}">%</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 10}">response time, ms</text>'
