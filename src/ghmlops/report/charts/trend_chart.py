"""A trend as a Mermaid chart, which GitHub renders in comments, with its numbers as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.charts.mermaid import format_number, plain_text
from ghmlops.report.content import timeline
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Table, Text, Words
from ghmlops.report.text.scope import scope_cell

if TYPE_CHECKING:
    from ghmlops.report.text.drawings import Trend

SHORT = 7
"""Characters of a commit below the axis: eight of them fit."""
HEIGHT = 240
"""Pixels; half of what Mermaid takes by itself, so that the chart does not fill the screen."""
_COLOURS = ("#2f81f7", "#cf222e", "#cf222e")
"""Colours of the values and of their limits; visible on a light and on a dark background."""
THIS = "now"
"""Name of the reported change among the commits."""


def chart_lines(trend: Trend) -> list[str]:
    """Return the source lines of the chart; an empty list if the values have no usable scale."""
    values = [value * trend.scale.factor for _, value in trend.points]
    drawn = [limit * trend.scale.factor for limit in _drawn_limits(trend)]
    bounds = timeline.axis_bounds([0.0, *values, *drawn])
    if bounds is None:
        return []
    unit = f", {trend.scale.unit}" if trend.scale.unit else ""
    palette = ", ".join(_COLOURS[: 1 + len(drawn)])
    return [
        f'%%{{init: {{"xyChart": {{"height": {HEIGHT}}}, "themeVariables": {{"xyChart": '
        f'{{"plotColorPalette": "{palette}"}}}}}}}}%%',
        "xychart-beta",
        f"x-axis [{', '.join(_names(trend))}]",
        f'y-axis "{plain_text(trend.metric, 40)}{unit}" {_short(bounds[0])} --> {_short(bounds[1])}',
        f"line [{', '.join(map(_short, values))}]",
        *(f"line [{', '.join([_short(limit)] * len(values))}]" for limit in drawn),
    ]


def _drawn_limits(trend: Trend) -> list[float]:
    """Return the limits that are in the chart: one far beyond the values would flatten them."""
    reach = 3 * max(abs(value) for _, value in trend.points)
    return [limit for limit in trend.limits if abs(limit) <= reach]


def _names(trend: Trend) -> list[str]:
    """Return a unique name for each point: Mermaid draws two of the same name as one."""
    names = [commit[:SHORT] for commit, _ in trend.points[:-1]]
    unique = [name if name not in names[:index] else f"{name}-{index}" for index, name in enumerate(names)]
    return [f'"{name}"' for name in [*unique, THIS]]


def _short(value: float) -> str:
    return format_number(float(f"{value:.3g}"))


def legend(trend: Trend) -> Cell:
    """Return the sentence above the chart."""
    metric: Cell = (Text(trend.metric.replace("-", " "), 60),)
    dataset: Cell = scope_cell(trend.dataset, " in ") if trend.dataset else ()
    limit = "; red: today's limit" if _drawn_limits(trend) else ""
    earlier = len(trend.points) - 1
    return (
        Words("Change of "),
        *metric,
        *dataset,
        Words(f" in the last {earlier} decisions and now{limit}."),
    )


def table(trend: Trend) -> Table:
    """Return the numbers of the chart."""
    names: list[Cell] = [*((Code(commit[:SHORT]),) for commit, _ in trend.points[:-1]), (Words(THIS),)]
    values = [numbers.rounded(value, 2, trend.scale, signed=True) for _, value in trend.points]
    rows: list[tuple[Cell, ...]] = [(name, (Words(value),)) for name, value in zip(names, values, strict=True)]
    return Table(title="Trend", columns=(Column("Commit"), Column("Change", right=True)), rows=rows)
