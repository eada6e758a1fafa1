"""A drawing of response times against the rate, as SVG without script or style of its own."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ghmlops.report.charts.axis import Scale
from ghmlops.report.text import escape, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.report.text.blocks import CapacityCurve

    _Point = tuple[float, float | None]

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 626, 30, 252
ROOM = 2.0
"""The drawing ends at the largest objective times this: overloaded, a queue takes any time."""
LEGEND = 90
"""From one name to the next."""


def figure(chart: CapacityCurve) -> Iterator[str]:
    """Draw the lines, the objectives and the interval, with a caption that says what they are; linear from zero.

    Nothing is drawn where no line has a number.
    """
    highest = max((v for line in chart.lines.values() for v in line if v is not None), default=None)
    if highest is None:
        return
    top = min(highest, ROOM * max(chart.limits.values())) if chart.limits else highest
    right = _last(chart, top)
    across, up = Scale(0.0, right, LEFT, RIGHT), Scale(0.0, top, BOTTOM, TOP)
    parts = [
        *_band(chart, across),
        *_grid(across, up),
        *(
            f'<line class="limit" x1="{LEFT}" y1="{up(v)}" x2="{RIGHT}" y2="{up(v)}"/>'
            for v in chart.limits.values()
            if v < top
        ),
        *_lines(chart, across, up),
    ]
    box = f'class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Response time against the offered rate"'
    yield f"<figure>\n<svg {box}>{''.join(parts)}</svg>"
    yield f"<figcaption>{_caption(chart, right, top, cut=highest > top)}</figcaption>\n</figure>"


def _last(chart: CapacityCurve, top: float) -> float:
    """Return where the axis of the rates ends: one rate after the last with a dot in the drawing, or the interval."""
    inside = [any(v is not None and v <= top for v in values) for values in zip(*chart.lines.values(), strict=True)]
    following = max((place for place, seen in enumerate(inside) if seen), default=0) + 1
    known = chart.rates[min(following, len(chart.rates) - 1)]
    return min(max(known, chart.low or 0.0, chart.high or 0.0), chart.rates[-1])


def _band(chart: CapacityCurve, across: Scale) -> Iterator[str]:
    """Shade the interval of the capacity; one that is open runs to the border."""
    if chart.low is None or not chart.low <= min(chart.high or across.most, across.most):
        return
    left, right = across(chart.low), across(min(chart.high or across.most, across.most))
    yield f'<rect class="band" x="{left}" y="{TOP}" width="{float(right) - float(left):.1f}" height="{BOTTOM - TOP}"/>'
    for edge in [left, *([right] if chart.high else [])]:
        yield f'<line class="edge" x1="{edge}" y1="{TOP}" x2="{edge}" y2="{BOTTOM}"/>'


def _grid(across: Scale, up: Scale) -> Iterator[str]:
    for value in up.ticks():
        yield f'<line class="grid" x1="{LEFT}" y1="{up(value)}" x2="{RIGHT}" y2="{up(value)}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(up(value)) + 4:.1f}">{numbers.plain(value)}</text>'
    for value in across.ticks():
        yield f'<line class="axis" x1="{across(value)}" y1="{BOTTOM}" x2="{across(value)}" y2="{BOTTOM + 5}"/>'
        yield f'<text x="{across(value)}" y="{BOTTOM + 20}">{numbers.plain(value)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}">offered rate, requests a second</text>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 12}">ms</text>'


def _lines(chart: CapacityCurve, across: Scale, up: Scale) -> Iterator[str]:
    """Draw each line where two neighbours are known, cut off at the top, and name it above."""
    for number, (name, values) in enumerate(chart.lines.items()):
        points = [point for point in zip(chart.rates, values, strict=True) if point[0] <= across.most]
        pieces = [piece for pair in pairwise(points) if (piece := _piece(*pair, across, up))]
        if pieces:
            yield f'<path class="{name}" d="{" ".join(pieces)}"/>'
        at = LEFT + 16 + number * LEGEND
        yield f'<line class="{name}" x1="{at}" y1="{TOP - 16}" x2="{at + 30}" y2="{TOP - 16}"/>'
        yield f'<text class="name" x="{at + 38}" y="{TOP - 12}">{name}</text>'
        for rate, value in points:
            if value is not None and value <= up.most:
                yield f'<circle class="{name}" cx="{across(rate)}" cy="{up(value)}" r="2.5"/>'


def _piece(one: _Point, two: _Point, across: Scale, up: Scale) -> str:
    """Return the path between two points, as far as it lies in the drawing; nothing where it does not."""
    (rate, value), (next_rate, next_value) = one, two
    if value is None or next_value is None or min(value, next_value) > up.most:
        return ""
    ends = []
    for at, seen in ((rate, value), (next_rate, next_value)):
        over = max(seen - up.most, 0.0) / abs(next_value - value) if seen > up.most else 0.0
        inward = rate + next_rate - 2 * at  # towards the other end
        ends.append(f"{across(at + over * inward)} {up(min(seen, up.most))}")
    return f"M{ends[0]}L{ends[1]}"


def _caption(chart: CapacityCurve, right: float, top: float, *, cut: bool) -> str:
    said = ["Every dot is a probed rate, by its longest probe; failed requests count as the slowest."]
    if chart.low is not None:
        high = "no probed rate" if chart.high is None else _rate(chart.high)
        said.append(
            f"The band is the capacity: {_rate(chart.low)} is shown to meet the objectives, {high} to miss them."
        )
    if chart.limits:
        limits = chart.limits.items()
        allowed = [f"{escape.page(name, 20)} ≤ {numbers.number(v, numbers.MILLISECONDS)}" for name, v in limits]
        said.append(f"Dashed across: what the objectives allow ({', '.join(allowed)}).")
    if cut:
        said.append(f"Response times beyond {numbers.number(top, numbers.MILLISECONDS)} are cut off.")
    if right < chart.rates[-1]:
        said.append(f"Rates beyond {_rate(right)} are left out; the table has them.")
    return " ".join(said)


def _rate(rate: float) -> str:
    return numbers.number(rate, numbers.unit_scale("1/s"))
