"""Response times and failures over the time of a run: SVG without scripts and inline styles, and its numbers."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ghmlops.report.charts import arm_chart
from ghmlops.report.charts.axis import Axis
from ghmlops.report.charts.log_axis import LogAxis
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Column, Table, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ghmlops.report.text.drawings import RunOverTime

    Values = Sequence[float | None]

WIDTH, LEFT, RIGHT = 760, 64, 744
FIRST, ROW, GAP, FOOT = 52, 84, 30, 44
"""Top of the first row, height of a row of times, height of the title between two rows, height below the last row."""
FAILURE_ROW = 52
MIN_REACH = 2.0
"""Smallest ratio between the ends of a time axis, so that small differences do not fill it."""


def figure(run: RunOverTime) -> Iterator[str]:
    """Draw a row per quantile with a line per arm, and the failed requests as bars; the rows share the time axis.

    Yields nothing without a quantile and a count of failures.
    """
    if not run.quantiles and not run.failed:
        return
    start, end = _span(run)
    x_axis = Axis(start, end, LEFT, RIGHT)
    parts = [*arm_chart.legend(_arms(run))]
    top = FIRST
    for name, arms in run.quantiles.items():
        parts += _times(f"{name}, ms", arms, run, x_axis, top)
        top += ROW + GAP
    if run.failed:
        parts += _failures(run, x_axis, top)
        top += FAILURE_ROW + GAP
    parts += _time_labels(x_axis, top - GAP)
    height = top - GAP + FOOT
    box = f'class="chart wide-chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{_TITLE}"'
    head = f"<title>{_TITLE}</title><desc>{_description(run)}</desc>"
    yield f'<figure>\n<div class="wide" role="group" tabindex="0" aria-label="Drawing: {_TITLE}">'
    yield f"<svg {box}>{head}{''.join(parts)}</svg></div>"
    yield f"<figcaption>{_caption(run)}</figcaption>\n</figure>"


_TITLE = "Response times and failed requests over the run"


def table(run: RunOverTime) -> Table:
    """Return the numbers of the drawing, a row per interval."""
    arms = _arms(run)
    columns = [Column("Start, s", right=True), *(Column(f"requests, {arm}", right=True) for arm in run.requests)]
    values: list[list[str]] = [[numbers.count(value) for value in run.requests[arm]] for arm in run.requests]
    for name, quantile in run.quantiles.items():
        columns += [Column(f"{name}, {arm}", right=True) for arm in arms if arm in quantile]
        values += [[_milliseconds(value) for value in quantile[arm]] for arm in arms if arm in quantile]
    columns += [Column(f"failed, {arm}", right=True) for arm in run.failed]
    values += [[numbers.count(value) for value in run.failed[arm]] for arm in run.failed]
    rows: list[tuple[Cell, ...]] = [
        ((Words(numbers.count(run.start_s + index * run.width_s)),), *((Words(text),) for text in texts))
        for index, texts in enumerate(zip(*values, strict=True))
    ]
    title = f"Requests and response times in milliseconds per {_interval(run)}"
    return Table(title=title, columns=tuple(columns), rows=rows)


def _arms(run: RunOverTime) -> list[str]:
    drawn = {*run.failed, *(arm for arms in run.quantiles.values() for arm in arms)}
    return [arm for arm in ("baseline", "candidate") if arm in drawn]


def _span(run: RunOverTime) -> tuple[int, int]:
    """Return start and end of the run, in seconds."""
    sizes = [len(column) for column in (*run.requests.values(), *run.failed.values())]
    sizes += [len(values) for arms in run.quantiles.values() for values in arms.values()]
    return run.start_s, run.start_s + run.width_s * max(sizes)


def _interval(run: RunOverTime) -> str:
    return "second" if run.width_s == 1 else f"{numbers.count(run.width_s)} s"


def _milliseconds(value: float | None) -> str:
    return numbers.number(value, numbers.MILLISECONDS, unit=False)


def _times(title: str, arms: Mapping[str, Values], run: RunOverTime, x_axis: Axis, top: int) -> Iterator[str]:
    """Draw one quantile of both arms on its own logarithmic axis."""
    values = [value for row in arms.values() for value in row if value is not None]
    low, high = min(values), max(values)
    room = max(1.05, (MIN_REACH * low / high) ** 0.5)
    axis = LogAxis(low / room, high * room, top + ROW, top)
    ticks = axis.ticks()
    for value in ticks[:: -(-len(ticks) // 4)]:
        yield from _line_with_label(axis(value), numbers.plain(value))
    yield f'<text class="name" x="{LEFT}" y="{top - 9}">{title}</text>'
    for arm, row in arms.items():
        yield from _line(arm, row, run, x_axis, axis)


def _line(arm: str, row: Values, run: RunOverTime, x_axis: Axis, axis: LogAxis) -> Iterator[str]:
    """Draw the intervals with a value as lines; one without neighbours as a dot."""
    points = [(x_axis(run.start_s + (index + 0.5) * run.width_s), value) for index, value in enumerate(row)]
    for has_value, group in groupby(points, key=lambda point: point[1] is not None):
        stretch = [(x, axis(value)) for x, value in group if value is not None]
        if has_value and len(stretch) == 1:
            yield f'<circle class="{arm}" cx="{stretch[0][0]}" cy="{stretch[0][1]}" r="2"/>'
        elif has_value:
            yield f'<path class="{arm}" d="M{"L".join(f"{x} {y}" for x, y in stretch)}"/>'


def _failures(run: RunOverTime, x_axis: Axis, top: int) -> Iterator[str]:
    """Draw the failed requests of both arms side by side in each interval."""
    yield f'<text class="name" x="{LEFT}" y="{top - 9}">failed requests per {_interval(run)}</text>'
    bottom, most = top + FAILURE_ROW, max(value for row in run.failed.values() for value in row)
    if not most:
        yield f'<text x="{(LEFT + RIGHT) / 2}" y="{top + FAILURE_ROW / 2 + 4}">none</text>'
        return
    axis = Axis(0.0, float(most), bottom, top)
    for value in (0, most):
        yield from _line_with_label(axis(value), numbers.count(value))
    for place, (arm, row) in enumerate(run.failed.items()):
        for index, value in enumerate(row):
            if value:
                left = x_axis(run.start_s + (index + place / len(run.failed)) * run.width_s)
                right = x_axis(run.start_s + (index + (place + 1) / len(run.failed)) * run.width_s)
                width, height = float(right) - float(left), bottom - float(axis(value))
                size = f'width="{max(width - 0.5, 0.5):.1f}" height="{height:.1f}"'
                yield f'<rect class="column {arm}" x="{left}" y="{axis(value)}" {size}/>'


def _line_with_label(y: str, label: str) -> Iterator[str]:
    yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"/>'
    yield f'<text class="row" x="{LEFT - 8}" y="{float(y) + 4:.1f}">{label}</text>'


def _time_labels(x_axis: Axis, bottom: int) -> Iterator[str]:
    yield f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{RIGHT}" y2="{bottom}"/>'
    for value in x_axis.ticks():
        x = x_axis(value)
        yield f'<line class="axis" x1="{x}" y1="{bottom}" x2="{x}" y2="{bottom + 5}"/>'
        yield f'<text x="{x}" y="{bottom + 18}">{numbers.plain(value)}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{bottom + 36}">seconds since the start, warm-up included</text>'


def _description(run: RunOverTime) -> str:
    """Describe the drawing for screen readers: the range of each quantile, and the failures, per arm."""
    sentences = []
    for name, arms in run.quantiles.items():
        for arm, row in arms.items():
            values = [value for value in row if value is not None]
            if values:
                spread = f"{_milliseconds(min(values))} to {_milliseconds(max(values))} ms"
                sentences.append(f"{name} of the {arm}: {spread}.")
    for arm, counts in run.failed.items():
        bad = sum(count > 0 for count in counts)
        sentences.append(
            f"Failed requests of the {arm}: {numbers.count(sum(counts))}, in {bad} of {len(counts)} intervals."
        )
    return " ".join(sentences)


def _caption(run: RunOverTime) -> str:
    failed = " and failed requests" if run.failed else ""
    unknown = "" if run.failed else " Failed requests over time are not part of the evidence."
    return (
        f"Response times{failed} per {_interval(run)}, by the scheduled send. Each row has a separate scale; a "
        f"quantile is drawn where one request at least is beyond it.{unknown}"
    )
