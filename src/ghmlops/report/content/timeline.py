"""Timelines of a prediction diff: one metric by window, and which windows a drawing with limited room contains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.details.regression import TimelineRow, regression_details
from ghmlops.core.model import Direction, Outcome
from ghmlops.report.content.prediction_rows import MetricFacts, metric_facts
from ghmlops.report.text.blocks import Timeline, TimelinePoint
from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.evidence.document import Evidence

REGRESSIONS = (Outcome.ERROR, Outcome.FAIL, Outcome.WARN)
"""Outcomes of a window that are marked in a drawing."""
_MIN_SCALE, _MAX_SCALE = 1e-6, 1e12


class Series(NamedTuple):
    """One metric of one data set: its timeline, and the rows in time order that it consists of."""

    timeline: Timeline
    rows: list[TimelineRow]


def metric_series(file: Evidence) -> list[Series]:
    """Return the timelines of the evidence that can be drawn, the worst first."""
    facts = metric_facts(file)
    grouped: dict[tuple[str, str], list[TimelineRow]] = {}
    for row in regression_details(file.details).timeline:
        grouped.setdefault((row.dataset, row.metric), []).append(row)
    series = [Series(_timeline(*key, rows, facts), rows) for key, rows in grouped.items()]
    return sorted((one for one in series if len(one.timeline.points) > 1), key=lambda one: _badness(one.timeline))


def _badness(timeline: Timeline) -> tuple[int, ...]:
    """Return a sort key: the number of windows with each outcome, the worst outcome first."""
    return tuple(-sum(point.outcome is outcome for point in timeline.points) for outcome in REGRESSIONS)


def _timeline(dataset: str, metric: str, rows: Iterable[TimelineRow], facts: MetricFacts) -> Timeline:
    margin, direction = facts.margins.get((dataset, metric)), facts.directions.get(metric)
    return Timeline(
        metric=metric,
        dataset=dataset,
        unit=facts.units.get(metric, ""),
        points=[point for row in rows if (point := _point(row))],
        floor=margin if direction in (Direction.HIGHER, Direction.TARGET) else None,
        ceiling=margin if direction in (Direction.LOWER, Direction.TARGET) else None,
    )


def _point(row: TimelineRow) -> TimelinePoint | None:
    baseline, candidate = finite(row.baseline), finite(row.candidate)
    if not row.window or baseline is None or candidate is None or max(abs(baseline), abs(candidate)) > _MAX_SCALE:
        return None
    return TimelinePoint(row.window, baseline, candidate, finite(row.low), finite(row.high), row.outcome)


def has_regression(timeline: Timeline) -> bool:
    """Return whether a window of the timeline failed or has a warning."""
    return any(point.outcome in REGRESSIONS for point in timeline.points)


def thin_out(points: Sequence[TimelinePoint], max_points: int) -> list[TimelinePoint]:
    """Return at most `max_points` windows, evenly over time; those with a regression stay, however many they are."""
    regressions = {position for position, point in enumerate(points) if point.outcome in REGRESSIONS}
    others = [position for position in range(len(points)) if position not in regressions]
    room = max(max_points - len(regressions), 0)
    if len(others) > room:
        others = [others[(2 * number + 1) * len(others) // (2 * room)] for number in range(room)]
    return [points[position] for position in sorted({*regressions, *others})]


def axis_bounds(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the bounds of an axis, slightly wider than the range of the values; None if they have no usable scale."""
    low, high = min(values), max(values)
    if not max(abs(low), abs(high)) < _MAX_SCALE or (high == low and abs(high) < _MIN_SCALE):
        return None
    room = max(0.06 * (high - low), 1e-3 * max(abs(low), abs(high)), _MIN_SCALE)
    return low - room, high + room
