"""A small drawing of an interval against its limits, as SVG that needs no style of its own and no script."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from ghmlops.report.text.blocks import IntervalPlot

WIDTH, HEIGHT = 150, 18
_EDGE = 6
_ROOM_FOR_LIMIT = 1.5


def svg(plot: IntervalPlot) -> str:
    """Draw estimate and interval; no change is in the middle, so that every row shows its direction.

    Each drawing has its own scale. An open end of the interval runs to the border. The words beside it say the same, so
    it is hidden from readers of text. Returns nothing where the numbers give no scale.
    """
    estimate, low, high = finite(plot.estimate), finite(plot.low), finite(plot.high)
    limits = [limit for limit in (finite(plot.floor), finite(plot.ceiling)) if limit is not None]
    known = [abs(v) for v in (estimate, low, high) if v is not None] + [_ROOM_FOR_LIMIT * abs(v) for v in limits]
    reach = max(known, default=0.0)
    if estimate is None or not 0 < reach < math.inf:
        return ""

    def at(value: float) -> str:
        return f"{WIDTH / 2 + value / reach * (WIDTH / 2 - _EDGE):.1f}"

    left = at(low) if low is not None else "0"
    right = at(high) if high is not None else str(WIDTH)
    middle = HEIGHT / 2
    room_left = at(min(limits)) if plot.floor is not None and limits else "0"
    room_right = float(at(max(limits)) if plot.ceiling is not None and limits else WIDTH) - float(room_left)
    parts = [
        f'<rect class="room" x="{room_left}" y="1" width="{room_right:.1f}" height="{HEIGHT - 2}"/>' if limits else "",
        f'<line class="axis" x1="{WIDTH / 2}" y1="1" x2="{WIDTH / 2}" y2="{HEIGHT - 1}"/>',
        *(f'<line class="limit" x1="{at(v)}" y1="1" x2="{at(v)}" y2="{HEIGHT - 1}"/>' for v in limits),
        f'<line class="span" x1="{left}" y1="{middle}" x2="{right}" y2="{middle}"/>',
        f'<circle class="dot" cx="{at(estimate)}" cy="{middle}" r="4"/>',
    ]
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg class="{plot.outcome.value}" {box} aria-hidden="true">{"".join(parts)}</svg>'
