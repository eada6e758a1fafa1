"""The charts of the dashboard: a metric over time, and stated against measured effects. SVG without scripts."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from ghmlops.report.charts.axis import Axis
from ghmlops.report.content.timeline import axis_bounds
from ghmlops.report.text import escape, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.history.calibration import Pair
    from ghmlops.core.history.metric_series import MetricPoint, MetricSeries

WIDTH, HEIGHT = 480, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 466, 20, 196
MAX_POINTS = 200
"""Points of a line; of more, neighbours are drawn as their median."""
MAX_PAIRS = 400
"""Expectations that are drawn, the newest ones."""


def metric_figure(series: MetricSeries, source: str) -> Iterator[str]:
    """Draw a metric over its live deployments: a dot per deployment, a dashed line at each change point.

    Args:
        series: The metric.
        source: Link to the deployments, as HTML.
    """
    points = series.points
    bounds = axis_bounds([point.value for point in points])
    if bounds is None:
        return
    first, last = points[0].time.timestamp(), points[-1].time.timestamp()
    x_axis = Axis(first, max(last, first + 1.0), LEFT, RIGHT)
    y_axis = Axis(*bounds, BOTTOM, TOP)
    drawn = _thinned(points)
    places = [(x_axis(time), y_axis(value)) for time, value in drawn]
    parts = [*grid(y_axis)]
    for point in points:
        if point.changed:
            x = x_axis(point.time.timestamp())
            parts.append(f'<line class="limit" x1="{x}" y1="{TOP}" x2="{x}" y2="{BOTTOM}"/>')
    parts.append(f'<path class="candidate" d="M{"L".join(f"{x} {y}" for x, y in places)}"/>')
    parts += [f'<circle class="candidate" cx="{x}" cy="{y}" r="2"/>' for x, y in places]
    for point in points:
        if point.undone:
            position = f'cx="{x_axis(point.time.timestamp())}" cy="{y_axis(point.value)}"'
            parts.append(f'<circle class="fail mark" {position} r="5"/>')
    for place, anchor, point in ((LEFT, "name", points[0]), (RIGHT, "row", points[-1])):
        parts.append(f'<text class="{anchor}" x="{place}" y="{BOTTOM + 20}">{point.time:%Y-%m-%d}</text>')
    name = " · ".join(filter(None, (series.service, series.environment, series.metric, series.dataset)))
    title = escape.page(f"{name} over time", 200)
    caption = _metric_caption(series, name, thinned=len(drawn) < len(points))
    yield from figure(title, "".join(parts), f"{caption} Counted from {source}.")


def _metric_caption(series: MetricSeries, name: str, *, thinned: bool) -> str:
    newest = series.points[-1]
    changes = [point for point in series.points if point.changed]
    scale = numbers.quantile_scale(series.metric) if series.unit == "ratio" else numbers.PLAIN
    value = numbers.number(newest.value, scale) if scale.unit else numbers.plain(newest.value)
    text = f"<bdi>{escape.page(name, 200)}</bdi>: {value} now, "
    text += f"{numbers.count(len(series.points))} live deployments (dots; red: undone later)"
    if thinned:
        text += ", neighbours drawn as their median"
    if not changes:
        return text + "; no change of level."
    listed = ", ".join(f"{p.time:%Y-%m-%d} with <code>{escape.page(p.commit[:7])}</code>" for p in changes[-3:])
    return f"{text}; dashed: changes of level, the last ones {listed}."


def _thinned(points: Sequence[MetricPoint]) -> list[tuple[float, float]]:
    size = -(-len(points) // MAX_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(median(p.time.timestamp() for p in group), median(p.value for p in group)) for group in groups]


def calibration_figure(metric: str, pairs: Sequence[Pair], source: str) -> Iterator[str]:
    """Draw the measured effects of one metric over the stated ones, and the shrunk ones beside them.

    Args:
        metric: The metric.
        pairs: Its expectations with their measured effects, oldest first.
        source: Link to these, as HTML.
    """
    pairs = pairs[-MAX_PAIRS:]
    scale = numbers.unit_scale(pairs[0].unit)
    values = [v * scale.factor for p in pairs for v in (p.stated, p.measured, p.shrunk) if v is not None]
    bounds = axis_bounds([0.0, *values])
    if bounds is None:
        return
    x_axis, y_axis = Axis(*bounds, LEFT, RIGHT), Axis(*bounds, BOTTOM, TOP)
    low, high = bounds
    parts = [*grid(y_axis)]
    parts += [f'<text x="{x_axis(v)}" y="{BOTTOM + 20}">{numbers.plain(v)}</text>' for v in x_axis.ticks()]
    ends = f'x1="{x_axis(low)}" y1="{y_axis(low)}" x2="{x_axis(high)}" y2="{y_axis(high)}"'
    parts.append(f'<line class="limit" {ends}/>')
    for pair in pairs:
        x, y = x_axis(pair.stated * scale.factor), y_axis(pair.measured * scale.factor)
        if pair.shrunk is not None:
            towards = y_axis(pair.shrunk * scale.factor)
            parts.append(f'<line class="axis" x1="{x}" y1="{y}" x2="{x}" y2="{towards}"/>')
            parts.append(f'<circle class="shrunk" cx="{x}" cy="{towards}" r="3"/>')
        parts.append(f'<circle class="candidate" cx="{x}" cy="{y}" r="3"/>')
    unit = f", {scale.unit}" if scale.unit else ""
    axis_title = f"stated effect{unit}; upwards: measured effect"
    parts.append(f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 6}">{axis_title}</text>')
    name = f"<bdi>{escape.page(metric, 80)}</bdi>"
    caption = (
        f"{name}: a dot per expectation; dashed: measured as stated; rings: shrunk effects. Counted from {source}."
    )
    yield from figure(escape.page(f"Stated and measured effects of {metric}", 120), "".join(parts), caption)


def grid(y_axis: Axis) -> Iterator[str]:
    """Draw the horizontal lines of a chart with their values, and its lower edge."""
    for value in y_axis.ticks():
        yield f'<line class="grid" x1="{LEFT}" y1="{y_axis(value)}" x2="{RIGHT}" y2="{y_axis(value)}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(y_axis(value)) + 4:.1f}">{numbers.plain(value)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'


def figure(title: str, content: str, caption: str) -> Iterator[str]:
    """Return a figure; all arguments are HTML, escaped already."""
    box = f'class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"'
    yield f"<figure>\n<svg {box}><title>{title}</title>{content}</svg>"
    yield f"<figcaption>{caption}</figcaption>\n</figure>"
