"""A metric over the live deployments of a service, with the deployments at which its level changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.watch.alerts import Kind, Rules, find_alerts
from ghmlops.core.watch.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.core.history.deployments import Deployment

MIN_CHANGE = 0.1
"""Least relative change of a level that is marked: unpaired values of separate runs differ by several percent."""
MAX_CHANGES = 50
"""Change points of a metric."""


class MetricPoint(NamedTuple):
    """The value of a metric that a deployment brought to users."""

    time: datetime
    value: float
    commit: str
    id: str
    """Id of the record, which names the evidence."""
    undone: bool = False
    """Whether the deployment was reverted or quarantined later."""
    changed: bool = False
    """Whether the level changed with this deployment."""


class MetricSeries(NamedTuple):
    """A metric of one service and environment."""

    service: str
    environment: str
    metric: str
    dataset: str
    unit: str
    """Unit of the effect; the values of a relative change are in the unit of the metric."""
    points: tuple[MetricPoint, ...]


def metric_series(deployments: Sequence[Deployment]) -> list[MetricSeries]:
    """Return the series of all metrics whose values were recorded, in the order of their names."""
    points: dict[tuple[str, str, str, str, str], list[MetricPoint]] = {}
    for item in deployments:
        if item.state != "live":
            continue
        for identity, record in zip(item.ids, item.records, strict=True):
            for effect in record.effects:
                if effect.candidate is not None and math.isfinite(effect.candidate):
                    key = (item.service, item.environment, effect.metric, effect.dataset, effect.unit)
                    point = MetricPoint(item.time, effect.candidate, item.commit, identity, bool(item.harmed_by))
                    points.setdefault(key, []).append(point)
    return [MetricSeries(*key, points=tuple(_marked(values))) for key, values in sorted(points.items())]


def _marked(points: list[MetricPoint]) -> list[MetricPoint]:
    changes = change_points([point.value for point in points])
    return [point._replace(changed=index in changes) for index, point in enumerate(points)]


def change_points(values: Sequence[float]) -> set[int]:
    """Return the indices at which the level of a metric changed, up or down, by the detector of `watch`.

    Its series are points of equal weight, in the order of the deployments. After a change the search begins anew, so
    that the new level becomes the reference. Metrics with a value below zero have no change points.
    """
    if any(value < 0 for value in values):
        return set()
    changes: set[int] = set()
    start = 0
    while len(changes) < MAX_CHANGES:
        onsets = [onset for sign in (Direction.LOWER, Direction.HIGHER) if (onset := _first(values[start:], sign))]
        if not onsets:
            break
        start += min(onsets)
        changes.add(start)
    return changes


def _first(values: Sequence[float], direction: Direction) -> int | None:
    """Return the index of the first lasting step for the worse; `None` without one."""
    series = Series(
        name="",
        direction=direction,
        step=1.0,
        times=np.arange(len(values), dtype=np.int64),
        values=np.array(values, np.float64),
        left_out={},
    )
    alerts, _ = find_alerts(series, Rules(period=1.0, change=MIN_CHANGE, accepted_until=0.0, deployments=()))
    return next((alert.onset for alert in alerts if alert.kind is Kind.STEP), None)
