"""A chart of response time over the arrival rate, as SVG without scripts and inline styles."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ghmlops.report.charts.axis import Axis
from ghmlops.report.text import escape, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.report.text.blocks import CapacityCurve

    _Point = tuple[float, float | None]

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 626, 30, 252
LIMIT_REACH = 2.0
"""The chart ends at this multiple of the largest objective: the response time of an overloaded service is unbounded."""
LEGEND_STEP = 90
"""Distance between two entries of the legend."""


def figure(curve: CapacityCurve) -> Iterator[str]:
    """Draw the lines, the objectives and the interval of the capacity with a caption; both axes are linear from zero.

    Yields nothing if no line has a number.
    """
    slowest = max((v for line in curve.lines.values() for v in line if v is not None), default=None)
    if slowest is None:
        return
    top = min(slowest, LIMIT_REACH * max(curve.limits.values())) if curve.limits else slowest
    max_rate = _max_rate(curve, top)
    x_axis, y_axis = Axis(0.0, max_rate, LEFT, RIGHT), Axis(0.0, top, BOTTOM, TOP)
    parts = [
        *_band(curve, x_axis),
        *_grid(x_axis, y_axis),
        *(
            f'<line class="limit" x1="{LEFT}" y1="{y_axis(v)}" x2="{RIGHT}" y2="{y_axis(v)}"/>'
            for v in curve.limits.values()
            if v < top
        ),
        *_lines(curve, x_axis, y_axis),
    ]
    box = f'class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Response time against the offered rate"'
    yield f"<figure>\n<svg {box}>{''.join(parts)}</svg>"
    yield f"<figcaption>{_caption(curve, max_rate, top, truncated=slowest > top)}</figcaption>\n</figure>"


def _max_rate(curve: CapacityCurve, top: float) -> float:
    """Return the end of the rate axis: one rate after the last one with a dot in the chart, or the interval."""
    visible = [any(v is not None and v <= top for v in values) for values in zip(*curve.lines.values(), strict=True)]
    following = max((index for index, is_visible in enumerate(visible) if is_visible), default=0) + 1
    rate = curve.rates[min(following, len(curve.rates) - 1)]
    return min(max(rate, curve.low or 0.0, curve.high or 0.0), curve.rates[-1])


def _band(curve: CapacityCurve, x_axis: Axis) -> Iterator[str]:
    """Shade the interval of the capacity; an open interval extends to the border."""
    if curve.low is None or not curve.low <= min(curve.high or x_axis.max_value, x_axis.max_value):
        return
    left, right = x_axis(curve.low), x_axis(min(curve.high or x_axis.max_value, x_axis.max_value))
    yield f'<rect class="band" x="{left}" y="{TOP}" width="{float(right) - float(left):.1f}" height="{BOTTOM - TOP}"/>'
    for edge in [left, *([right] if curve.high else [])]:
        yield f'<line class="edge" x1="{edge}" y1="{TOP}" x2="{edge}" y2="{BOTTOM}"/>'


def _grid(x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    for value in y_axis.ticks():
        yield f'<line class="grid" x1="{LEFT}" y1="{y_axis(value)}" x2="{RIGHT}" y2="{y_axis(value)}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(y_axis(value)) + 4:.1f}">{numbers.plain(value)}</text>'
    for value in x_axis.ticks():
        yield f'<line class="axis" x1="{x_axis(value)}" y1="{BOTTOM}" x2="{x_axis(value)}" y2="{BOTTOM + 5}"/>'
        yield f'<text x="{x_axis(value)}" y="{BOTTOM + 20}">{numbers.plain(value)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}">offered rate, requests per second</text>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 12}">ms</text>'


def _lines(curve: CapacityCurve, x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    """Draw each line between neighbours that both have a value, with its dots and its entry in the legend."""
    for number, (name, values) in enumerate(curve.lines.items()):
        points = [point for point in zip(curve.rates, values, strict=True) if point[0] <= x_axis.max_value]
        segments = [segment for pair in pairwise(points) if (segment := _segment(*pair, x_axis, y_axis))]
        if segments:
            yield f'<path class="{name}" d="{" ".join(segments)}"/>'
        x = LEFT + 16 + number * LEGEND_STEP
        yield f'<line class="{name}" x1="{x}" y1="{TOP - 16}" x2="{x + 30}" y2="{TOP - 16}"/>'
        yield f'<text class="name" x="{x + 38}" y="{TOP - 12}">{name}</text>'
        for rate, value in points:
            if value is not None and value <= y_axis.max_value:
                yield f'<circle class="{name}" cx="{x_axis(rate)}" cy="{y_axis(value)}" r="2.5"/>'


def _segment(start: _Point, end: _Point, x_axis: Axis, y_axis: Axis) -> str:
    """Return the path between two points, clipped at the top of the chart; an empty string if none of it is inside."""
    (rate, value), (next_rate, next_value) = start, end
    if value is None or next_value is None or min(value, next_value) > y_axis.max_value:
        return ""
    ends = []
    for x, y in ((rate, value), (next_rate, next_value)):
        excess = max(y - y_axis.max_value, 0.0) / abs(next_value - value) if y > y_axis.max_value else 0.0
        towards_other_end = rate + next_rate - 2 * x
        ends.append(f"{x_axis(x + excess * towards_other_end)} {y_axis(min(y, y_axis.max_value))}")
    return f"M{ends[0]}L{ends[1]}"


def _caption(curve: CapacityCurve, max_rate: float, top: float, *, truncated: bool) -> str:
    sentences = ["Each dot is the longest probe at a rate; failed requests count as the slowest."]
    if curve.low is not None:
        met = f"{_rate(curve.low)} was shown to meet the objectives"
        missed = f"{'no probed rate' if curve.high is None else _rate(curve.high)} was shown to miss them"
        sentences.append(f"The band is the interval of the capacity: {met}, {missed}.")
    if curve.limits:
        limits = curve.limits.items()
        allowed = [f"{escape.page(name, 20)} ≤ {numbers.number(v, numbers.MILLISECONDS)}" for name, v in limits]
        sentences.append(f"Dashed lines: limits of the objectives ({', '.join(allowed)}).")
    if truncated:
        sentences.append(f"Response times above {numbers.number(top, numbers.MILLISECONDS)} are not shown.")
    if max_rate < curve.rates[-1]:
        sentences.append(f"Rates above {_rate(max_rate)} are in the table only.")
    return " ".join(sentences)


def _rate(rate: float) -> str:
    return numbers.number(rate, numbers.unit_scale("1/s"))
