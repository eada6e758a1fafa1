"""Replicas over time, and what they carry beside the demand: two charts and a table per service and environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ghmlops.report.charts.axis import Axis
from ghmlops.report.content.timeline import axis_bounds
from ghmlops.report.dashboard.charts import BOTTOM, LEFT, RIGHT, TOP, figure, grid
from ghmlops.report.dashboard.tables import commit_cell, evidence_cell
from ghmlops.report.text import escape, numbers
from ghmlops.report.text.blocks import Column, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.history.deployments import Deployment
    from ghmlops.core.history.scaling import Scaling, ScalingPoint
    from ghmlops.report.dashboard.data import Dashboard
    from ghmlops.report.text.blocks import Cell

MAX_CHANGES, MAX_ROWS = 120, 30
"""Changes of a service that are drawn, and those that are listed, the newest ones."""
MAX_DOTS = 60
"""Changes up to which each is a dot; of more, only the line is drawn."""
MARK = 10
"""Height of the mark of a deployment in pixels."""
MAX_DEPLOYMENTS = 100
"""Deployments that are marked, the newest ones."""


def replica_figures(series: Scaling, data: Dashboard) -> Iterator[str]:
    """Draw the replicas, and below them the demand and what the replicas carry; deployments are marked in both."""
    points = series.points[-MAX_CHANGES:]
    first = points[0].time
    live = [
        item
        for item in data.deployments
        if (item.service, item.environment) == (series.service, series.environment)
        and item.state == "live"
        and first <= item.time <= data.written
    ][-MAX_DEPLOYMENTS:]
    x_axis = Axis(first.timestamp(), max(data.written.timestamp(), first.timestamp() + 1.0), LEFT, RIGHT)
    name = " · ".join(filter(None, (series.service, series.environment)))
    yield from _replicas(points, live, x_axis, name)
    yield from _capacity(points, live, x_axis, name)


def _replicas(points: Sequence[ScalingPoint], live: Sequence[Deployment], x_axis: Axis, name: str) -> Iterator[str]:
    values = [float(point.record.replicas) for point in points]
    before = points[0].record.before
    bounds = axis_bounds([0.0, *values, *([] if before is None else [float(before)])])
    if bounds is None:
        return
    y_axis = Axis(0.0, bounds[1], BOTTOM, TOP)
    line = _steps([(point.time, float(point.replicas)) for point in points], x_axis, y_axis)
    parts = [*grid(y_axis), *_marks(live, x_axis), line]
    for point in points:
        position = f'cx="{_x(point.time, x_axis)}" cy="{y_axis(float(point.record.replicas))}" r="3"'
        if not point.record.applied:
            parts.append(f'<circle class="shrunk" {position}/>')
        elif len(points) <= MAX_DOTS:
            parts.append(f'<circle class="candidate" {position}/>')
    newest, planned = points[-1], sum(not point.record.applied for point in points)
    text = f"{_number(newest.replicas, 'replica')} since {newest.time:%Y-%m-%d %H:%M}"
    text += f", {_number(len(points) - planned, 'change')}"
    if planned:
        text += f"; {_number(planned, 'ring')}: planned and not set"
    yield from figure(
        escape.page(f"Replicas of {name} over time", 200),
        "".join([*parts, *_dates(x_axis)]),
        f"<bdi>{escape.page(name, 200)}</bdi> · replicas: {text}; {_legend(live)}",
    )


def _capacity(points: Sequence[ScalingPoint], live: Sequence[Deployment], x_axis: Axis, name: str) -> Iterator[str]:
    # What a plan would carry that was not set is no capacity.
    served = [(p.time, p.record.capacity) for p in points if p.record.applied or p.record.before is None]
    demands = [(point.time, point.record.demand) for point in points if point.record.demand is not None]
    bounds = axis_bounds([0.0, *(rate for _, rate in served), *(rate for _, rate in demands)])
    if bounds is None:
        return
    y_axis = Axis(0.0, bounds[1], BOTTOM, TOP)
    parts = [*grid(y_axis), *_marks(live, x_axis), *([_steps(served, x_axis, y_axis)] if served else [])]
    radius = 3 if len(points) <= MAX_DOTS else 2
    parts += [
        f'<circle class="baseline" cx="{_x(time, x_axis)}" cy="{y_axis(rate)}" r="{radius}"/>' for time, rate in demands
    ]
    capacity = f"{numbers.plain(served[-1][1])}/s with headroom (line)" if served else "not known: no plan was set"
    demand = f"{numbers.plain(demands[-1][1])}/s at the newest plan (grey dots)" if demands else "not known"
    yield from figure(
        escape.page(f"Capacity and demand of {name} over time", 200),
        "".join([*parts, *_dates(x_axis)]),
        f"<bdi>{escape.page(name, 200)}</bdi> · capacity: {capacity}; demand: {demand}; {_legend(live)}",
    )


def _steps(values: Sequence[tuple[datetime, float]], x_axis: Axis, y_axis: Axis) -> str:
    """Return a line that keeps each value until the next change, the last one until the page was written."""
    path = f"M{_x(values[0][0], x_axis)} {y_axis(values[0][1])}"
    for time, value in values[1:]:
        path += f"H{_x(time, x_axis)}V{y_axis(value)}"
    return f'<path class="candidate" d="{path}H{RIGHT}"/>'


def _marks(live: Sequence[Deployment], x_axis: Axis) -> Iterator[str]:
    for item in live:
        x = _x(item.time, x_axis)
        yield f'<line class="deployed" x1="{x}" y1="{BOTTOM - MARK}" x2="{x}" y2="{BOTTOM}"/>'


def _dates(x_axis: Axis) -> Iterator[str]:
    for anchor, place, time in (("name", LEFT, x_axis.min_value), ("row", RIGHT, x_axis.max_value)):
        date = f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"
        yield f'<text class="{anchor}" x="{place}" y="{BOTTOM + 20}">{date}</text>'


def _legend(live: Sequence[Deployment]) -> str:
    return f"marks at the bottom: {_number(len(live), 'live deployment')}." if live else "no deployment went live."


def _number(count: int, word: str) -> str:
    return f"{numbers.count(count)} {word}{'' if count == 1 else 's'}"


def _x(time: datetime, x_axis: Axis) -> str:
    return x_axis.clip(time.timestamp())


def changes(series: Scaling, data: Dashboard) -> Table:
    """Return a row per change, the newest first."""
    rows = [_row(point, data) for point in reversed(series.points[-MAX_ROWS:])]
    names = ("Time (UTC)", "Commit", "Replicas", "Set", "Why")
    columns = (*map(Column, names), Column("Demand", right=True), Column("Capacity", right=True))
    title = " · ".join(filter(None, ("Changes of replicas", series.service, series.environment)))
    return Table(title=title, columns=(*columns, Column("Record and evidence")), rows=rows)


def _row(point: ScalingPoint, data: Dashboard) -> tuple[Cell, ...]:
    record = point.record
    rates = (
        numbers.MISSING if rate is None else f"{numbers.plain(rate)}/s" for rate in (record.demand, record.capacity)
    )
    return (
        (Words(f"{point.time:%Y-%m-%d %H:%M}"),),
        commit_cell(record.commit, data),
        (Words(f"{numbers.count(record.before)} → {numbers.count(record.replicas)}"),),
        (Words("set" if record.applied else "planned"),),
        (Text(record.reason, 160),),
        *((Words(rate),) for rate in rates),
        evidence_cell(point.id, [evidence.sha256 for evidence in record.evidence]),
    )
