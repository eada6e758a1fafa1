"""A timeline as a Mermaid chart, which GitHub draws in comments and job summaries.

The chart has neither gaps nor marks nor a legend. So harm is a shaded bar behind the lines, a text beside it says which
line is which, and the windows left without a name, for want of room, have names that cannot be seen: Mermaid takes two
windows of one name for the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.content import timeline
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Timeline, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_WINDOWS = 60
"""Windows drawn, beside those that tell of harm."""
MAX_AXIS_LABELS = 6
"""Names below the axis that stand beside each other without touching."""
_COLOURS = "#cf222e66, #8b949e, #2f81f7"
"""Harm, baseline, candidate: seen on white and on black."""
_UNSEEN = "\u200b\u200c"
_KEPT = frozenset(" _.,:+-/()=")


def chart_lines(drawn: Timeline) -> list[str]:
    """Return the lines of the chart; none where its numbers give no scale."""
    points = timeline.thin_out(drawn.points, MAX_WINDOWS)
    scale = numbers.unit_scale(drawn.unit)
    before = [point.baseline * scale.factor for point in points]
    after = [point.candidate * scale.factor for point in points]
    edges = timeline.axis_bounds([*before, *after])
    if edges is None or len(points) < 2:
        return []
    low, high = edges
    below = low - (high - low)  # a bar that ends below the axis is not drawn
    harm = [high if point.outcome in timeline.REGRESSIONS else below for point in points]
    unit = f", {scale.unit}" if scale.unit else ""
    shade = [f"    bar [{_numbers(harm)}]"] if timeline.has_regression(drawn) else []
    colours = _COLOURS if shade else _COLOURS.partition(", ")[2]
    return [
        f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{colours}"}}}}}}}}%%',
        "xychart-beta",
        f"    x-axis [{', '.join(_names([point.window for point in points]))}]",
        f'    y-axis "{_word(drawn.metric, 40)}{unit}" {format_number(low)} --> {format_number(high)}',
        *shade,
        f"    line [{_numbers(before)}]",
        f"    line [{_numbers(after)}]",
    ]


def chart_legend(drawn: Timeline) -> Cell:
    """Say what is drawn, and what of it is left out."""
    shown = len(timeline.thin_out(drawn.points, MAX_WINDOWS))
    total = len(drawn.points)
    said: Cell = (Code(drawn.metric, 60), Words(" by window"))
    if drawn.dataset:
        said = (*said, Words(" in data set "), Code(drawn.dataset, 60))
    harm = [point for point in drawn.points if point.outcome in timeline.REGRESSIONS]
    said = (*said, Words(": baseline grey, candidate blue"))
    if harm:
        windows = f"{len(harm):,} {'window' if len(harm) == 1 else 'windows'}"
        said = (*said, Words(f", shaded the {windows} with harm, the first from "), Code(harm[0].window, 40))
    left = f" {total - shown:,} of {total:,} windows, none of them with harm, are left out of the drawing."
    return (*said, Words("." + (left if shown < total else "")))


def _names(windows: Sequence[str]) -> list[str]:
    """Return a name for each window, no two alike, every few of them to be seen."""
    step = -(-len(windows) // MAX_AXIS_LABELS)
    width = len(windows).bit_length()
    unseen = ["".join(_UNSEEN[int(bit)] for bit in f"{place:0{width}b}") for place in range(len(windows))]
    shown = [_word(short(window), 20) if place % step == 0 else "" for place, window in enumerate(windows)]
    return [f'"{word}{mark}"' for word, mark in zip(shown, unseen, strict=True)]


def short(window: str) -> str:
    """Return the name of a window as an axis has room for it: a date without midnight, a time without seconds."""
    date, _, time = window.partition("T")
    clock = time.removesuffix("Z")[:5]
    return f"{date} {clock}" if clock not in ("", "00:00") else date


def _word(text: str, limit: int) -> str:
    """Return text that nothing in Mermaid's grammar, in its directives or in Markdown takes for more than text."""
    cut = text[:limit] if len(text) <= limit else text[: limit - 1]
    kept = "".join(c if c.isalnum() or c in _KEPT else "_" for c in cut)
    return kept.strip() or "_"


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(format_number(value) for value in values)


def format_number(value: float) -> str:
    """Write a number without an exponent, which the grammar does not have."""
    digits = f"{value:.6g}"
    return digits if "e" not in digits else (f"{value:.9f}".rstrip("0").rstrip(".") or "0")
