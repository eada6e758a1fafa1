"""The change of a metric by window, as SVG without scripts and inline styles. The table below it has all numbers."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ghmlops.report.charts.axis import Axis
from ghmlops.report.charts.mermaid import short_window
from ghmlops.report.content import timeline
from ghmlops.report.text import escape, numbers
from ghmlops.report.text.blocks import Timeline, TimelinePoint
from ghmlops.report.text.scope import scope_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 72, 744, 36, 250
MAX_WINDOWS = 400
"""Windows in the chart; windows with a regression are included in any case."""
MAX_DOTS = 60
"""Up to this number of windows, each window has a dot; above it, only those with a regression."""
MAX_AXIS_LABELS = 7
"""Labels that fit below the axis without overlapping."""
_LEGEND = {"candidate \u2212 baseline": ("candidate", 180), "interval": ("band", 100), "limit": ("limit", 80)}
"""Class and width of each entry of the legend, by its name."""


def figure(series: Timeline) -> Iterator[str]:
    """Draw candidate - baseline with its interval, its limits, and the windows with a regression.

    Yields nothing if the values have no usable scale.
    """
    points = timeline.thin_out(series.points, MAX_WINDOWS)
    bounds = timeline.axis_bounds(_visible_values(points, series)) if len(points) > 1 else None
    if bounds is None or not _has_scale(points):
        return
    x_axis, y_axis = Axis(0.0, len(points) - 1.0, LEFT, RIGHT), Axis(*bounds, BOTTOM, TOP)
    parts = [
        *_shades(points, x_axis),
        *_grid(points, series, x_axis, y_axis),
        *_band(points, x_axis, y_axis),
        f'<line class="axis" x1="{LEFT}" y1="{y_axis(0.0)}" x2="{RIGHT}" y2="{y_axis(0.0)}"/>',
        *_limits(series, y_axis),
        *_line(points, x_axis, y_axis),
        *_legend(points, series),
    ]
    title, summary = f"{escape.page(series.metric, 60)} by window", _summary(series)
    box = f'class="chart wide-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{summary}"'
    yield f'<figure>\n<div class="wide" role="group" tabindex="0" aria-label="Drawing: {title}">'
    yield f"<svg {box}><title>{summary}</title>{''.join(parts)}</svg></div>"
    yield f"<figcaption>{_caption(points, series)}</figcaption>\n</figure>"


def _summary(series: Timeline) -> str:
    """Describe the chart for screen readers."""
    regressions = [point for point in series.points if point.outcome in timeline.REGRESSIONS]
    dataset = escape.page(scope_text(series.dataset, " in "), 140)
    first, last = (escape.page(short_window(series.points[index].window), 30) for index in (0, -1))
    span = f"{len(series.points):,} windows from {first} to {last}"
    result = "none with a regression"
    if regressions:
        start = escape.page(regressions[0].window, 40)
        result = f"{len(regressions):,} with a regression, the first from {start}"
    return f"{escape.page(series.metric, 60)}, candidate minus baseline{dataset}: {span}, {result}"


def _difference(point: TimelinePoint) -> float:
    return point.candidate - point.baseline


def _has_scale(points: Sequence[TimelinePoint]) -> bool:
    """Return whether the values of both sides are large enough to have a difference."""
    return timeline.axis_bounds([value for p in points for value in (p.baseline, p.candidate)]) is not None


def _visible_values(points: Sequence[TimelinePoint], series: Timeline) -> list[float]:
    """Return the differences that must be inside the chart: zero, all windows, and limits and intervals near them.

    An interval may be far wider than the range of the points; it is clipped at the border instead.
    """
    values = [0.0, *(_difference(point) for point in points)]
    limits = _limit_values(series)
    ends = [end for point in points for end in _interval(point) or ()]
    room = max(max(values) - min(values), *(abs(limit) for limit in limits), 0.0) * 1.5
    return values + [v for v in (*limits, *ends) if min(values) - room <= v <= max(values) + room]


def _limit_values(series: Timeline) -> list[float]:
    """Return the differences that the metric may have at most in each direction with a limit."""
    return [*([] if series.floor is None else [-series.floor]), *([] if series.ceiling is None else [series.ceiling])]


def _interval(point: TimelinePoint) -> tuple[float, float] | None:
    """Return the interval of the difference."""
    return None if point.low is None or point.high is None or point.low > point.high else (point.low, point.high)


def _shades(points: Sequence[TimelinePoint], x_axis: Axis) -> Iterator[str]:
    """Shade each window with a regression over the full height."""
    half = (RIGHT - LEFT) / (len(points) - 1) / 2
    for index, point in enumerate(points):
        if point.outcome in timeline.REGRESSIONS:
            middle = float(x_axis(index))
            left, right = max(middle - half, LEFT), min(middle + half, RIGHT)
            box = f'x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{BOTTOM - TOP}"'
            yield f'<rect class="shade {point.outcome.value}" {box}/>'


def _grid(points: Sequence[TimelinePoint], series: Timeline, x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    scale = _scale(series)
    tick_axis = Axis(y_axis.min_value * scale.factor, y_axis.max_value * scale.factor, BOTTOM, TOP)
    for value in tick_axis.ticks():
        y, label = tick_axis(value), numbers.plain(value + 0.0)
        label = f"+{label}" if value > 0 and label != "0" else label
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(y) + 4:.1f}">{label}</text>'
    for index in range(0, len(points), -(-len(points) // MAX_AXIS_LABELS)):
        x = x_axis(index)
        yield f'<line class="axis" x1="{x}" y1="{BOTTOM}" x2="{x}" y2="{BOTTOM + 5}"/>'
        yield f'<text x="{x}" y="{BOTTOM + 20}">{escape.page(short_window(points[index].window), 16)}</text>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 14}">{escape.page(scale.unit, 16)}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}">start of the window (UTC)</text>'


def _scale(series: Timeline) -> numbers.Scale:
    """Return the format of a difference: that of two percentages is in points."""
    scale = numbers.unit_scale(series.unit)
    return numbers.POINTS if scale is numbers.PERCENT else scale


def _band(points: Sequence[TimelinePoint], x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    """Draw the interval as one area per run of windows that have one, clipped at the border."""
    intervals = enumerate(_interval(point) for point in points)
    for has_interval, run in groupby(intervals, key=lambda entry: entry[1] is not None):
        ends = [(index, interval) for index, interval in run if interval is not None]
        if has_interval and len(ends) > 1:
            upper = [f"{x_axis(index)} {y_axis.clip(interval[1])}" for index, interval in ends]
            lower = [f"{x_axis(index)} {y_axis.clip(interval[0])}" for index, interval in reversed(ends)]
            yield f'<path class="band" d="M{"L".join([*upper, *lower])}Z"/>'


def _limits(series: Timeline, y_axis: Axis) -> Iterator[str]:
    """Draw the smallest and the largest difference that the policy allows."""
    for value in _limit_values(series):
        if y_axis.min_value <= value <= y_axis.max_value:
            yield f'<line class="limit" x1="{LEFT}" y1="{y_axis(value)}" x2="{RIGHT}" y2="{y_axis(value)}"/>'


def _line(points: Sequence[TimelinePoint], x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    """Draw the difference; dots mark the windows."""
    path = "L".join(f"{x_axis(index)} {y_axis(_difference(point))}" for index, point in enumerate(points))
    yield f'<path class="candidate" d="M{path}"/>'
    for index, point in enumerate(points):
        position = f'cx="{x_axis(index)}" cy="{y_axis(_difference(point))}"'
        if point.outcome in timeline.REGRESSIONS:
            title = f"<title>{escape.page(point.window, 40)}: {point.outcome.value}</title>"
            yield f'<circle class="mark {point.outcome.value}" {position} r="4.5">{title}</circle>'
        elif len(points) <= MAX_DOTS:
            yield f'<circle class="candidate" {position} r="2.5"/>'


def _legend(points: Sequence[TimelinePoint], series: Timeline) -> Iterator[str]:
    is_drawn = {"interval": any(_interval(point) for point in points), "limit": bool(_limit_values(series))}
    x, y = LEFT + 8, TOP - 18
    for name, (kind, width) in _LEGEND.items():
        if not is_drawn.get(name, True):
            continue
        if name == "interval":
            yield f'<rect class="band" x="{x}" y="{y - 6}" width="30" height="12"/>'
        else:
            yield f'<line class="{kind}" x1="{x}" y1="{y}" x2="{x + 30}" y2="{y}"/>'
        yield f'<text class="name" x="{x + 38}" y="{y + 4}">{name}</text>'
        x += width


def _caption(points: Sequence[TimelinePoint], series: Timeline) -> str:
    metric = f"<code><bdi>{escape.page(series.metric, 60)}</bdi></code>"
    dataset = f" in data set <code><bdi>{escape.page(series.dataset, 80)}</bdi></code>" if series.dataset else ""
    low, high = (pick(point.baseline for point in points) for pick in (min, max))
    scale = numbers.unit_scale(series.unit)
    span = f"{numbers.number(low, scale, unit=False)} to {numbers.number(high, scale)}"
    sentences = [f"{metric} by window{dataset}: candidate minus baseline. The baseline ranges from {span}."]
    if any(_interval(point) for point in points):
        sentences.append("The band is the interval of the difference.")
    if _limit_values(series):
        sentences.append("Dashed: its limit.")
    if timeline.has_regression(series):
        sentences.append("Shaded: windows with a regression, corrected for testing all windows.")
    if len(points) < len(series.points):
        omitted = len(series.points) - len(points)
        sentences.append(f"The chart omits {omitted:,} windows, all without a regression.")
    return " ".join(sentences)
