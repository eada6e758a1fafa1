"""A metric by window as a line chart, as SVG without scripts and inline styles. The table below it has all numbers."""

from __future__ import annotations

from itertools import groupby, pairwise
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
_LEGEND_WIDTHS = {"baseline": 110, "candidate": 120, "interval": 100, "limit": 80}


def figure(series: Timeline) -> Iterator[str]:
    """Draw baseline and candidate, the interval of the change, its limits, and the windows with a regression.

    Yields nothing if the values have no usable scale.
    """
    points = timeline.thin_out(series.points, MAX_WINDOWS)
    bounds = timeline.axis_bounds(_visible_values(points, series)) if len(points) > 1 else None
    if bounds is None:
        return
    x_axis, y_axis = Axis(0.0, len(points) - 1.0, LEFT, RIGHT), Axis(*bounds, BOTTOM, TOP)
    parts = [
        *_shades(points, x_axis),
        *_grid(points, series, x_axis, y_axis),
        *_band(points, x_axis, y_axis),
        *_limits(points, series, x_axis, y_axis),
        *_lines(points, x_axis, y_axis),
        *_legend(points, series),
    ]
    summary = _summary(series)
    box = f'class="chart wide-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{summary}"'
    yield f"<figure>\n<svg {box}><title>{summary}</title>{''.join(parts)}</svg>"
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
    return f"{escape.page(series.metric, 60)} of baseline and candidate{dataset}: {span}, {result}"


def _visible_values(points: Sequence[TimelinePoint], series: Timeline) -> list[float]:
    """Return the values that must be inside the chart: all points, and limits and intervals near them.

    An interval may be far wider than the range of the points; it is clipped at the border instead.
    """
    values = [value for point in points for value in (point.baseline, point.candidate)]
    span = max(values) - min(values)
    sides = [(-1.0, series.floor), (1.0, series.ceiling)]
    limits = [point.baseline + sign * size for point in points for sign, size in sides if size is not None]
    ends = [end for point in points for end in _interval(point) or ()]
    room = max(span, *(abs(size) for _, size in sides if size is not None), 0.0) * 1.5
    return values + [v for v in (*limits, *ends) if min(values) - room <= v <= max(values) + room]


def _interval(point: TimelinePoint) -> tuple[float, float] | None:
    """Return the interval of the change, shifted by the baseline to an interval of the candidate's value."""
    if point.low is None or point.high is None or point.low > point.high:
        return None
    return point.baseline + point.low, point.baseline + point.high


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
    scale = numbers.unit_scale(series.unit)
    tick_axis = Axis(y_axis.min_value * scale.factor, y_axis.max_value * scale.factor, BOTTOM, TOP)
    for value in tick_axis.ticks():
        y = tick_axis(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(y) + 4:.1f}">{numbers.plain(value)}</text>'
    for index in range(0, len(points), -(-len(points) // MAX_AXIS_LABELS)):
        x = x_axis(index)
        yield f'<line class="axis" x1="{x}" y1="{BOTTOM}" x2="{x}" y2="{BOTTOM + 5}"/>'
        yield f'<text x="{x}" y="{BOTTOM + 20}">{escape.page(short_window(points[index].window), 16)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 14}">{escape.page(scale.unit, 16)}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}">start of the window (UTC)</text>'


def _band(points: Sequence[TimelinePoint], x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    """Draw the interval as one area per run of windows that have one, clipped at the border."""
    intervals = enumerate(_interval(point) for point in points)
    for has_interval, run in groupby(intervals, key=lambda entry: entry[1] is not None):
        ends = [(index, interval) for index, interval in run if interval is not None]
        if has_interval and len(ends) > 1:
            upper = [f"{x_axis(index)} {y_axis.clip(interval[1])}" for index, interval in ends]
            lower = [f"{x_axis(index)} {y_axis.clip(interval[0])}" for index, interval in reversed(ends)]
            yield f'<path class="band" d="M{"L".join([*upper, *lower])}Z"/>'


def _limits(points: Sequence[TimelinePoint], series: Timeline, x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    """Draw the lowest and the highest value that the candidate may have, as far as the metric has such limits."""
    for offset in (-series.floor if series.floor is not None else None, series.ceiling):
        if offset is not None:
            yield _path("limit", [point.baseline + offset for point in points], x_axis, y_axis)


def _lines(points: Sequence[TimelinePoint], x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    """Draw baseline and candidate; dots mark the windows of the candidate."""
    yield _path("baseline", [point.baseline for point in points], x_axis, y_axis)
    yield _path("candidate", [point.candidate for point in points], x_axis, y_axis)
    for index, point in enumerate(points):
        position = f'cx="{x_axis(index)}" cy="{y_axis(point.candidate)}"'
        if point.outcome in timeline.REGRESSIONS:
            title = f"<title>{escape.page(point.window, 40)}: {point.outcome.value}</title>"
            yield f'<circle class="mark {point.outcome.value}" {position} r="4.5">{title}</circle>'
        elif len(points) <= MAX_DOTS:
            yield f'<circle class="candidate" {position} r="2.5"/>'


def _path(name: str, values: Sequence[float], x_axis: Axis, y_axis: Axis) -> str:
    """Draw a line; segments that leave the chart are omitted."""
    inside = [y_axis.min_value <= value <= y_axis.max_value for value in values]
    segments = [
        f"M{x_axis(index)} {y_axis(start)}L{x_axis(index + 1)} {y_axis(end)}"
        for index, (start, end) in enumerate(pairwise(values))
        if inside[index] and inside[index + 1]
    ]
    return f'<path class="{name}" d="{" ".join(segments)}"/>' if segments else ""


def _legend(points: Sequence[TimelinePoint], series: Timeline) -> Iterator[str]:
    is_drawn = {
        "interval": any(_interval(point) for point in points),
        "limit": series.floor is not None or series.ceiling is not None,
    }
    x, y = LEFT + 8, TOP - 18
    for name, width in _LEGEND_WIDTHS.items():
        if not is_drawn.get(name, True):
            continue
        if name == "interval":
            yield f'<rect class="band" x="{x}" y="{y - 6}" width="30" height="12"/>'
        else:
            yield f'<line class="{name}" x1="{x}" y1="{y}" x2="{x + 30}" y2="{y}"/>'
        yield f'<text class="name" x="{x + 38}" y="{y + 4}">{name}</text>'
        x += width


def _caption(points: Sequence[TimelinePoint], series: Timeline) -> str:
    metric = f"<code><bdi>{escape.page(series.metric, 60)}</bdi></code>"
    dataset = f" in data set <code><bdi>{escape.page(series.dataset, 80)}</bdi></code>" if series.dataset else ""
    sentences = [f"{metric} by window{dataset}."]
    if any(_interval(point) for point in points):
        sentences.append("The band is the interval of the change, added to the baseline.")
    if series.floor is not None or series.ceiling is not None:
        sentences.append("Dashed lines: how far the candidate may be from the baseline.")
    if timeline.has_regression(series):
        sentences.append("Shaded: windows with a regression, corrected for testing all windows.")
    if len(points) < len(series.points):
        omitted = len(series.points) - len(points)
        sentences.append(f"The chart omits {omitted:,} windows, all without a regression.")
    return " ".join(sentences)
