"""A small plot of a change with its interval and its limits, as SVG without scripts and inline styles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from ghmlops.report.text.blocks import IntervalPlot

WIDTH, HEIGHT = 150, 18
_EDGE = 6
_LIMIT_REACH = 1.5
"""The plot extends to at least this multiple of the limit."""


def svg(plot: IntervalPlot) -> str:
    """Draw the estimate, the interval and the limits, with no change in the middle; each plot has its own scale.

    An open end of the interval extends to the border. The plot is hidden from screen readers, because the text beside
    it contains the same numbers. Returns an empty string if the numbers have no usable scale.
    """
    estimate, low, high = finite(plot.estimate), finite(plot.low), finite(plot.high)
    limits = [limit for limit in (finite(plot.floor), finite(plot.ceiling)) if limit is not None]
    sizes = [abs(v) for v in (estimate, low, high) if v is not None] + [_LIMIT_REACH * abs(v) for v in limits]
    reach = max(sizes, default=0.0)
    if estimate is None or not 0 < reach < math.inf:
        return ""

    def at(value: float) -> str:
        return f"{WIDTH / 2 + value / reach * (WIDTH / 2 - _EDGE):.1f}"

    left = at(low) if low is not None else "0"
    right = at(high) if high is not None else str(WIDTH)
    middle = HEIGHT / 2
    allowed_left = at(min(limits)) if plot.floor is not None and limits else "0"
    allowed_right = float(at(max(limits)) if plot.ceiling is not None and limits else WIDTH)
    allowed = f'x="{allowed_left}" y="1" width="{allowed_right - float(allowed_left):.1f}" height="{HEIGHT - 2}"'
    parts = [
        f'<rect class="room" {allowed}/>' if limits else "",
        f'<line class="axis" x1="{WIDTH / 2}" y1="1" x2="{WIDTH / 2}" y2="{HEIGHT - 1}"/>',
        *(f'<line class="limit" x1="{at(v)}" y1="1" x2="{at(v)}" y2="{HEIGHT - 1}"/>' for v in limits),
        f'<line class="span" x1="{left}" y1="{middle}" x2="{right}" y2="{middle}"/>',
        f'<circle class="dot" cx="{at(estimate)}" cy="{middle}" r="4"/>',
    ]
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg class="{plot.outcome.value}" {box} aria-hidden="true">{"".join(parts)}</svg>'
