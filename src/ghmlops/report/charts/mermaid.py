"""A timeline as a Mermaid chart, which GitHub renders in comments and job summaries.

Mermaid's xychart has no gaps, no markers and no legend. Regressions are therefore shaded bars behind the lines, and a
sentence above the chart explains the colours. Windows without a visible label have invisible names, because Mermaid
treats two windows with the same name as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.content import timeline
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Timeline, Words
from ghmlops.report.text.scope import scope_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_WINDOWS = 60
"""Windows in the chart; windows with a regression are included in any case."""
MAX_REGRESSIONS = 400
"""Windows with a regression in a chart: as many as a diff has. GitHub draws no chart of more than 50,000 characters."""
MAX_AXIS_LABELS = 6
"""Labels that fit below the axis without overlapping."""
_COLOURS = "#cf222e66, #8b949e, #2f81f7"
"""Colours of regressions, baseline and candidate; visible on a light and on a dark background."""
_INVISIBLE = "\u200b\u200c"
_ALLOWED_PUNCTUATION = frozenset(" _.,:+-/()=")


def chart_lines(series: Timeline) -> list[str]:
    """Return the source lines of the chart; an empty list if no scale fits the values, or they are too many."""
    points = timeline.thin_out(series.points, MAX_WINDOWS)
    scale = numbers.unit_scale(series.unit)
    baseline = [point.baseline * scale.factor for point in points]
    candidate = [point.candidate * scale.factor for point in points]
    bounds = timeline.axis_bounds([*baseline, *candidate])
    if bounds is None or not 2 <= len(points) <= MAX_REGRESSIONS:
        return []
    low, high = bounds
    below_axis = low - (high - low)  # a bar that ends below the axis is not drawn
    regressions = [high if point.outcome in timeline.REGRESSIONS else below_axis for point in points]
    unit = f", {scale.unit}" if scale.unit else ""
    shades = [f"    bar [{_number_list(regressions)}]"] if timeline.has_regression(series) else []
    colours = _COLOURS if shades else _COLOURS.partition(", ")[2]
    return [
        f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{colours}"}}}}}}}}%%',
        "xychart-beta",
        f"    x-axis [{', '.join(_axis_names([point.window for point in points]))}]",
        f'    y-axis "{plain_text(series.metric, 40)}{unit}" {format_number(low)} --> {format_number(high)}',
        *shades,
        f"    line [{_number_list(baseline)}]",
        f"    line [{_number_list(candidate)}]",
    ]


def chart_legend(series: Timeline) -> Cell:
    """Return a sentence that explains the colours and reports how many windows are omitted."""
    legend: Cell = (Code(series.metric, 60), Words(" by window"))
    if series.dataset:
        legend = (*legend, *scope_cell(series.dataset, " in "))
    legend = (*legend, Words(": baseline grey, candidate blue"))
    regressions = [point for point in series.points if point.outcome in timeline.REGRESSIONS]
    if regressions:
        windows = f"{len(regressions):,} {'window' if len(regressions) == 1 else 'windows'}"
        start = (Words(f", {windows} with a regression shaded, the first from "), Code(regressions[0].window, 40))
        legend = (*legend, *start)
    total = len(series.points)
    omitted = total - len(timeline.thin_out(series.points, MAX_WINDOWS))
    notice = f" The chart omits {omitted:,} of {total:,} windows, all without a regression." if omitted else ""
    return (*legend, Words("." + notice))


def _axis_names(windows: Sequence[str]) -> list[str]:
    """Return a unique name for each window; only every few of them are visible."""
    step = -(-len(windows) // MAX_AXIS_LABELS)
    width = len(windows).bit_length()
    names = []
    for index, window in enumerate(windows):
        label = plain_text(short_window(window), 20) if index % step == 0 else ""
        suffix = "".join(_INVISIBLE[int(bit)] for bit in f"{index:0{width}b}")
        names.append(f'"{label}{suffix}"')
    return names


def short_window(window: str) -> str:
    """Return the start of a window for an axis label: a date without midnight, a time without seconds."""
    date, _, time = window.partition("T")
    clock = time.removesuffix("Z")[:5]
    return f"{date} {clock}" if clock not in ("", "00:00") else date


def plain_text(text: str, limit: int) -> str:
    """Return text without any character that has a meaning in Mermaid's grammar and directives or in Markdown."""
    truncated = text[:limit] if len(text) <= limit else text[: limit - 1]
    return "".join(c if c.isalnum() or c in _ALLOWED_PUNCTUATION else "_" for c in truncated).strip() or "_"


def _number_list(values: Sequence[float]) -> str:
    return ", ".join(format_number(value) for value in values)


def format_number(value: float) -> str:
    """Format a number without an exponent, which Mermaid's grammar does not allow."""
    digits = f"{value:.6g}"
    return digits if "e" not in digits else (f"{value:.9f}".rstrip("0").rstrip(".") or "0")
