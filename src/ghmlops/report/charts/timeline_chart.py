"""A metric by window as a line chart: SVG without script or style of its own. The table below it has every number."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from ghmlops.report.charts import mermaid
from ghmlops.report.charts.axis import Scale
from ghmlops.report.content import timeline
from ghmlops.report.text import escape, numbers
from ghmlops.report.text.blocks import Timeline, TimelinePoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 72, 744, 36, 250
MAX_WINDOWS = 400
MAX_AXIS_LABELS = 7
_LEGEND = {"baseline": 110, "candidate": 120, "interval": 100, "limit": 80}
"""Names above the drawing, and the room that each takes."""


def figure(drawn: Timeline) -> Iterator[str]:
    """Draw both lines, the interval of the change around the candidate's, its limit, and the windows with harm.

    Nothing is drawn where the numbers give no scale.
    """
    points = timeline.thin_out(drawn.points, MAX_WINDOWS)
    edges = timeline.axis_bounds(_reach(points, drawn)) if len(points) > 1 else None
    if edges is None:
        return
    across, up = Scale(0.0, len(points) - 1.0, LEFT, RIGHT), Scale(*edges, BOTTOM, TOP)
    parts = [
        *_shades(points, across),
        *_grid(points, drawn, across, up),
        *_band(points, across, up),
        *_limits(points, drawn, across, up),
        *_lines(points, across, up),
        *_legend(points, drawn),
    ]
    told = _told(drawn)
    box = f'class="chart wide-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}"'
    yield f"<figure>\n<svg {box}><title>{told}</title>{''.join(parts)}</svg>"
    yield f"<figcaption>{_caption(points, drawn)}</figcaption>\n</figure>"


def _told(drawn: Timeline) -> str:
    """Say what the drawing shows, for a reader who does not see it."""
    place = f" in data set {escape.page(drawn.dataset, 60)}" if drawn.dataset else ""
    harm = [point for point in drawn.points if point.outcome in timeline.REGRESSIONS]
    first, last = (escape.page(mermaid.short(drawn.points[at].window), 30) for at in (0, -1))
    shown = f"{len(harm):,} with harm, the first from {escape.page(harm[0].window, 40)}" if harm else "none with harm"
    name = escape.page(drawn.metric, 60)
    return f"{name} of baseline and candidate{place}: {len(drawn.points):,} windows from {first} to {last}, {shown}"


def _reach(points: Sequence[TimelinePoint], drawn: Timeline) -> list[float]:
    """Return the numbers that must lie in the drawing; an interval may be out of all proportion, and is cut off."""
    values = [value for point in points for value in (point.baseline, point.candidate)]
    span = max(values) - min(values)
    sides = [(-1.0, drawn.floor), (1.0, drawn.ceiling)]
    limits = [m.baseline + sign * size for m in points for sign, size in sides if size is not None]
    ends = [end for m in points for end in _interval(m) or ()]
    room = max(span, *(abs(size) for _, size in sides if size is not None), 0.0) * 1.5
    return values + [v for v in (*limits, *ends) if min(values) - room <= v <= max(values) + room]


def _interval(point: TimelinePoint) -> tuple[float, float] | None:
    """Return the limits of the change as limits of the candidate's value."""
    if point.low is None or point.high is None or point.low > point.high:
        return None
    return point.baseline + point.low, point.baseline + point.high


def _shades(points: Sequence[TimelinePoint], across: Scale) -> Iterator[str]:
    """Shade every window with harm over the whole height."""
    half = (RIGHT - LEFT) / (len(points) - 1) / 2
    for place, point in enumerate(points):
        if point.outcome in timeline.REGRESSIONS:
            middle = float(across(place))
            left, right = max(middle - half, LEFT), min(middle + half, RIGHT)
            box = f'x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{BOTTOM - TOP}"'
            yield f'<rect class="shade {point.outcome.value}" {box}/>'


def _grid(points: Sequence[TimelinePoint], drawn: Timeline, across: Scale, up: Scale) -> Iterator[str]:
    scale = numbers.unit_scale(drawn.unit)
    shown = Scale(up.least * scale.factor, up.most * scale.factor, BOTTOM, TOP)
    for value in shown.ticks():
        at = shown(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{RIGHT}" y2="{at}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(at) + 4:.1f}">{numbers.plain(value)}</text>'
    step = -(-len(points) // MAX_AXIS_LABELS)
    for place in range(0, len(points), step):
        at = across(place)
        yield f'<line class="axis" x1="{at}" y1="{BOTTOM}" x2="{at}" y2="{BOTTOM + 5}"/>'
        yield f'<text x="{at}" y="{BOTTOM + 20}">{escape.page(mermaid.short(points[place].window), 16)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 14}">{escape.page(scale.unit, 16)}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}">start of the window (UTC)</text>'


def _band(points: Sequence[TimelinePoint], across: Scale, up: Scale) -> Iterator[str]:
    """Draw the interval as an area, a piece for each run of windows that have one; ends are cut off at the border."""
    placed = enumerate(_interval(point) for point in points)
    for known, run in groupby(placed, key=lambda entry: entry[1] is not None):
        points = [(place, ends) for place, ends in run if ends is not None]
        if known and len(points) > 1:
            above = [f"{across(place)} {_inside(ends[1], up)}" for place, ends in points]
            below = [f"{across(place)} {_inside(ends[0], up)}" for place, ends in reversed(points)]
            yield f'<path class="band" d="M{"L".join([*above, *below])}Z"/>'


def _inside(value: float, up: Scale) -> str:
    return up(min(max(value, up.least), up.most))


def _limits(points: Sequence[TimelinePoint], drawn: Timeline, across: Scale, up: Scale) -> Iterator[str]:
    """Draw how far from the baseline the candidate may lie, a line for each side."""
    for offset in (-drawn.floor if drawn.floor is not None else None, drawn.ceiling):
        if offset is not None:
            yield _path("limit", [point.baseline + offset for point in points], across, up)


def _lines(points: Sequence[TimelinePoint], across: Scale, up: Scale) -> Iterator[str]:
    """Draw both sides; the candidate's windows are dots where there is room, and those with harm always."""
    yield _path("baseline", [point.baseline for point in points], across, up)
    yield _path("candidate", [point.candidate for point in points], across, up)
    for place, point in enumerate(points):
        harm = point.outcome in timeline.REGRESSIONS
        if harm or len(points) <= mermaid.MAX_WINDOWS:
            kind = f"mark {point.outcome.value}" if harm else "candidate"
            said = f"<title>{escape.page(point.window, 40)}: {point.outcome.value}</title>" if harm else ""
            dot = f'class="{kind}" cx="{across(place)}" cy="{up(point.candidate)}" r="{4.5 if harm else 2.5}"'
            yield f"<circle {dot}>{said}</circle>" if said else f"<circle {dot}/>"


def _path(name: str, values: Sequence[float], across: Scale, up: Scale) -> str:
    """Draw a line; a piece that leaves the drawing is left out."""
    inside = [up.least <= value <= up.most for value in values]
    pieces = [
        f"M{across(place)} {up(one)}L{across(place + 1)} {up(two)}"
        for place, (one, two) in enumerate(pairwise(values))
        if inside[place] and inside[place + 1]
    ]
    return f'<path class="{name}" d="{" ".join(pieces)}"/>' if pieces else ""


def _legend(points: Sequence[TimelinePoint], drawn: Timeline) -> Iterator[str]:
    there = {
        "interval": any(_interval(point) for point in points),
        "limit": drawn.floor is not None or drawn.ceiling is not None,
    }
    at, line = LEFT + 8, TOP - 18
    for name, room in _LEGEND.items():
        if not there.get(name, True):
            continue
        if name == "interval":
            yield f'<rect class="band" x="{at}" y="{line - 6}" width="30" height="12"/>'
        else:
            yield f'<line class="{name}" x1="{at}" y1="{line}" x2="{at + 30}" y2="{line}"/>'
        yield f'<text class="name" x="{at + 38}" y="{line + 4}">{name}</text>'
        at += room


def _caption(points: Sequence[TimelinePoint], drawn: Timeline) -> str:
    name = f"<code><bdi>{escape.page(drawn.metric, 60)}</bdi></code>"
    place = f" in data set <code><bdi>{escape.page(drawn.dataset, 80)}</bdi></code>" if drawn.dataset else ""
    said = [f"{name} by window{place}."]
    if any(_interval(point) for point in points):
        said.append("The band is the interval of the change, laid on the baseline.")
    if drawn.floor is not None or drawn.ceiling is not None:
        said.append("Dashed: how far the candidate may lie from the baseline.")
    if timeline.has_regression(drawn):
        said.append("Shaded: windows with harm, after correction over all of them.")
    if len(points) < len(drawn.points):
        said.append(f"{len(drawn.points) - len(points):,} windows, none of them with harm, are left out.")
    return " ".join(said)
