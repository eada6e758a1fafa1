"""A metric by window as a line chart: SVG without script or style of its own. The table below it has every number."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from ghmlops.report.charts import mermaid
from ghmlops.report.charts.axis import Scale
from ghmlops.report.content import timeline
from ghmlops.report.text import escape, numbers
from ghmlops.report.text.blocks import Moment, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 72, 744, 36, 250
MOST_POINTS = 400
MOST_NAMES = 7
_LEGEND = {"baseline": 110, "candidate": 120, "interval": 100, "limit": 80}
"""Names above the drawing, and the room that each takes."""


def figure(drawn: Timeline) -> Iterator[str]:
    """Draw both lines, the interval of the change around the candidate's, its limit, and the windows with harm.

    Nothing is drawn where the numbers give no scale.
    """
    moments = timeline.thin_out(drawn.moments, MOST_POINTS)
    edges = timeline.axis_bounds(_reach(moments, drawn)) if len(moments) > 1 else None
    if edges is None:
        return
    across, up = Scale(0.0, len(moments) - 1.0, LEFT, RIGHT), Scale(*edges, BOTTOM, TOP)
    parts = [
        *_shades(moments, across),
        *_grid(moments, drawn, across, up),
        *_band(moments, across, up),
        *_limits(moments, drawn, across, up),
        *_lines(moments, across, up),
        *_legend(moments, drawn),
    ]
    told = _told(drawn)
    box = f'class="chart wide-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}"'
    yield f"<figure>\n<svg {box}><title>{told}</title>{''.join(parts)}</svg>"
    yield f"<figcaption>{_caption(moments, drawn)}</figcaption>\n</figure>"


def _told(drawn: Timeline) -> str:
    """Say what the drawing shows, for a reader who does not see it."""
    place = f" in data set {escape.page(drawn.dataset, 60)}" if drawn.dataset else ""
    harm = [moment for moment in drawn.moments if moment.outcome in timeline.REGRESSIONS]
    first, last = (escape.page(mermaid.short(drawn.moments[at].window), 30) for at in (0, -1))
    shown = f"{len(harm):,} with harm, the first from {escape.page(harm[0].window, 40)}" if harm else "none with harm"
    name = escape.page(drawn.metric, 60)
    return f"{name} of baseline and candidate{place}: {len(drawn.moments):,} windows from {first} to {last}, {shown}"


def _reach(moments: Sequence[Moment], drawn: Timeline) -> list[float]:
    """Return the numbers that must lie in the drawing; an interval may be out of all proportion, and is cut off."""
    values = [value for moment in moments for value in (moment.baseline, moment.candidate)]
    span = max(values) - min(values)
    sides = [(-1.0, drawn.floor), (1.0, drawn.ceiling)]
    limits = [m.baseline + sign * size for m in moments for sign, size in sides if size is not None]
    ends = [end for m in moments for end in _interval(m) or ()]
    room = max(span, *(abs(size) for _, size in sides if size is not None), 0.0) * 1.5
    return values + [v for v in (*limits, *ends) if min(values) - room <= v <= max(values) + room]


def _interval(moment: Moment) -> tuple[float, float] | None:
    """Return the limits of the change as limits of the candidate's value."""
    if moment.low is None or moment.high is None or moment.low > moment.high:
        return None
    return moment.baseline + moment.low, moment.baseline + moment.high


def _shades(moments: Sequence[Moment], across: Scale) -> Iterator[str]:
    """Shade every window with harm over the whole height."""
    half = (RIGHT - LEFT) / (len(moments) - 1) / 2
    for place, moment in enumerate(moments):
        if moment.outcome in timeline.REGRESSIONS:
            middle = float(across(place))
            left, right = max(middle - half, LEFT), min(middle + half, RIGHT)
            box = f'x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{BOTTOM - TOP}"'
            yield f'<rect class="shade {moment.outcome.value}" {box}/>'


def _grid(moments: Sequence[Moment], drawn: Timeline, across: Scale, up: Scale) -> Iterator[str]:
    scale = numbers.unit_scale(drawn.unit)
    shown = Scale(up.least * scale.factor, up.most * scale.factor, BOTTOM, TOP)
    for value in shown.ticks():
        at = shown(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{RIGHT}" y2="{at}"/>'
        yield f'<text class="row" x="{LEFT - 8}" y="{float(at) + 4:.1f}">{numbers.plain(value)}</text>'
    step = -(-len(moments) // MOST_NAMES)
    for place in range(0, len(moments), step):
        at = across(place)
        yield f'<line class="axis" x1="{at}" y1="{BOTTOM}" x2="{at}" y2="{BOTTOM + 5}"/>'
        yield f'<text x="{at}" y="{BOTTOM + 20}">{escape.page(mermaid.short(moments[place].window), 16)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>'
    yield f'<text class="row" x="{LEFT - 8}" y="{TOP - 14}">{escape.page(scale.unit, 16)}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}">start of the window (UTC)</text>'


def _band(moments: Sequence[Moment], across: Scale, up: Scale) -> Iterator[str]:
    """Draw the interval as an area, a piece for each run of windows that have one; ends are cut off at the border."""
    placed = enumerate(_interval(moment) for moment in moments)
    for known, run in groupby(placed, key=lambda entry: entry[1] is not None):
        points = [(place, ends) for place, ends in run if ends is not None]
        if known and len(points) > 1:
            above = [f"{across(place)} {_inside(ends[1], up)}" for place, ends in points]
            below = [f"{across(place)} {_inside(ends[0], up)}" for place, ends in reversed(points)]
            yield f'<path class="band" d="M{"L".join([*above, *below])}Z"/>'


def _inside(value: float, up: Scale) -> str:
    return up(min(max(value, up.least), up.most))


def _limits(moments: Sequence[Moment], drawn: Timeline, across: Scale, up: Scale) -> Iterator[str]:
    """Draw how far from the baseline the candidate may lie, a line for each side."""
    for offset in (-drawn.floor if drawn.floor is not None else None, drawn.ceiling):
        if offset is not None:
            yield _path("limit", [moment.baseline + offset for moment in moments], across, up)


def _lines(moments: Sequence[Moment], across: Scale, up: Scale) -> Iterator[str]:
    """Draw both sides; the candidate's windows are dots where there is room, and those with harm always."""
    yield _path("baseline", [moment.baseline for moment in moments], across, up)
    yield _path("candidate", [moment.candidate for moment in moments], across, up)
    for place, moment in enumerate(moments):
        harm = moment.outcome in timeline.REGRESSIONS
        if harm or len(moments) <= mermaid.MOST_POINTS:
            kind = f"mark {moment.outcome.value}" if harm else "candidate"
            said = f"<title>{escape.page(moment.window, 40)}: {moment.outcome.value}</title>" if harm else ""
            dot = f'class="{kind}" cx="{across(place)}" cy="{up(moment.candidate)}" r="{4.5 if harm else 2.5}"'
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


def _legend(moments: Sequence[Moment], drawn: Timeline) -> Iterator[str]:
    there = {
        "interval": any(_interval(moment) for moment in moments),
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


def _caption(moments: Sequence[Moment], drawn: Timeline) -> str:
    name = f"<code><bdi>{escape.page(drawn.metric, 60)}</bdi></code>"
    place = f" in data set <code><bdi>{escape.page(drawn.dataset, 80)}</bdi></code>" if drawn.dataset else ""
    said = [f"{name} by window{place}."]
    if any(_interval(moment) for moment in moments):
        said.append("The band is the interval of the change, laid on the baseline.")
    if drawn.floor is not None or drawn.ceiling is not None:
        said.append("Dashed: how far the candidate may lie from the baseline.")
    if timeline.has_regression(drawn):
        said.append("Shaded: windows with harm, after correction over all of them.")
    if len(moments) < len(drawn.moments):
        said.append(f"{len(drawn.moments) - len(moments):,} windows, none of them with harm, are left out.")
    return " ".join(said)
