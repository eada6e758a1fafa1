"""Metrics that the gate measured, at the deployments of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.history.record import DeploymentRecord, record_time
from ghmlops.core.history.selection import LIVE
from ghmlops.core.watch.evaluation import Interval

if TYPE_CHECKING:
    from ghmlops.commands.watch.sources.reading import Reading
    from ghmlops.core.policy.production.watch import WatchedMetric


def read(metric: WatchedMetric, reading: Reading) -> list[Interval]:
    """Return what the gate measured, at the live deployments of each interval; the newest of several counts."""
    settings = metric.evidence
    assert settings is not None  # noqa: S101  (narrows the type; the table of sources was asked for it)
    values: dict[int, float] = {}
    for stored in reading.records:
        record = stored.record
        if not isinstance(record, DeploymentRecord) or record.decision not in LIVE:
            continue
        time = record_time(record).timestamp()
        for effect in record.effects:
            name = (effect.metric, effect.dataset) == (settings.metric, settings.dataset)
            if name and effect.candidate is not None and time >= reading.since:
                values[int(time // metric.step * metric.step)] = effect.candidate
    return [Interval(time, value) for time, value in sorted(values.items())]
