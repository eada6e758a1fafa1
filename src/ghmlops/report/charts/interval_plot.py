"""A small plot of a change with its interval and its limits, as SVG without scripts and inline styles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from ghmlops.report.text.blocks import IntervalPlot

WIDTH, HEIGHT = 150, 18
_EDGE = 6
_LIMIT_REACH = 1.5
"""The plot extends to at least this multiple of the limit."""


class Positions(NamedTuple):
    """Horizontal positions in a plot, in pixels from 0 to `WIDTH`."""

    estimate: int
    low: int
    """Left end of the interval; 0 if it is open."""
    high: int
    """Right end of the interval; `WIDTH` if it is open."""
    floor: int | None
    """Left end of the allowed range; None if it is open."""
    ceiling: int | None
    """Right end of the allowed range; None if it is open."""


def positions(plot: IntervalPlot) -> Positions | None:
    """Return where the parts of a plot are, with no change in the middle; each plot has its own scale.

    An open end of the interval extends to the border. Returns None if the numbers have no usable scale.
    """
    estimate, low, high, floor, ceiling = map(finite, plot[:5])
    sizes = [abs(v) for v in (estimate, low, high) if v is not None]
    sizes += [_LIMIT_REACH * abs(v) for v in (floor, ceiling) if v is not None]
    reach = max(sizes, default=0.0)
    if estimate is None or not 0 < reach < math.inf:
        return None

    def at(value: float) -> int:
        return round(WIDTH / 2 + value / reach * (WIDTH / 2 - _EDGE))

    return Positions(
        estimate=at(estimate),
        low=at(low) if low is not None else 0,
        high=at(high) if high is not None else WIDTH,
        floor=at(floor) if floor is not None else None,
        ceiling=at(ceiling) if ceiling is not None else None,
    )


def svg(plot: IntervalPlot) -> str:
    """Draw the estimate, the interval and the limits; an empty string if the numbers have no usable scale.

    The plot is hidden from screen readers, because the text beside it contains the same numbers.
    """
    if (place := positions(plot)) is None:
        return ""
    middle, parts = HEIGHT // 2, []
    limits = [limit for limit in (place.floor, place.ceiling) if limit is not None]
    if limits:
        left = place.floor or 0
        width = (WIDTH if place.ceiling is None else place.ceiling) - left
        parts.append(f'<rect class="room" x="{left}" y="1" width="{width}" height="{HEIGHT - 2}"/>')
    parts.append(f'<line class="axis" x1="{WIDTH // 2}" y1="1" x2="{WIDTH // 2}" y2="{HEIGHT - 1}"/>')
    parts += [f'<line class="limit" x1="{x}" y1="1" x2="{x}" y2="{HEIGHT - 1}"/>' for x in limits]
    parts.append(f'<line class="span" x1="{place.low}" y1="{middle}" x2="{place.high}" y2="{middle}"/>')
    parts.append(f'<circle class="dot" cx="{place.estimate}" cy="{middle}" r="4"/>')
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg class="{plot.outcome.value}" {box} aria-hidden="true">{"".join(parts)}</svg>'
