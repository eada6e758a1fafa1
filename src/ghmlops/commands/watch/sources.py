"""Where the intervals of a metric are read: logs, Prometheus, or what the gate measured at the deployments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.history.record import DeploymentRecord, record_time
from ghmlops.core.history.selection import LIVE
from ghmlops.core.model import NotMeasured
from ghmlops.core.watch.evaluation import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.history.reading import Stored
    from ghmlops.core.policy.production.watch import EvidenceMetric, Log, Watch, WatchedMetric


class Sources:
    """The sources of the metrics of a policy.

    Args:
        watch: the section `watch`.
        services: services of the command.
        records: records of the service and environment in the order of time.
        now: time of the evaluation in seconds since the epoch.
        not_measured: receives what a source could not read.

    Raises:
        PolicyError: The variable with the token of Prometheus is not set.
    """

    def __init__(
        self, watch: Watch, services: Services, records: Sequence[Stored], now: float, not_measured: list[NotMeasured]
    ) -> None:
        self._watch, self._services, self._records = watch, services, records
        self._now, self._not_measured = now, not_measured

    def read(self, metric: WatchedMetric) -> list[Interval]:
        """Return the intervals of a metric until now.

        Raises:
            PolicyError: A query is malformed, or returns several series.
            DataError: A file is missing, or cannot be read.
            ServiceError: Prometheus cannot be reached, or answers with something else.
        """
        if metric.log is not None:
            return self._log(metric, metric.log)
        if metric.evidence is not None:
            return self._evidence(metric, metric.evidence)
        return self._prometheus(metric)

    @property
    def _since(self) -> float:
        return self._now - self._watch.history

    def _log(self, metric: WatchedMetric, settings: Log) -> list[Interval]:
        from ghmlops.measure.telemetry.log_files import read_log

        log = read_log(self._services.cwd, settings, self._since, self._now)
        if log.undated:
            why = f"{log.undated:,} rows have no readable time in the column `{settings.time}`"
            self._not_measured.append(NotMeasured(what=f"rows of {metric.name} without a time", why=why))
        return [Interval(i.time, i.value, i.rows, i.failed) for i in log.intervals]

    def _prometheus(self, metric: WatchedMetric) -> list[Interval]:
        """Return the values at the end of each interval; a query over `[every]` is then about this interval."""
        total = self._values(metric.prometheus, metric.step)
        if metric.burn is None:
            return [Interval(int(time), value) for time, value in total]
        failed = dict(self._values(metric.failed, metric.step))
        rows = [(int(time), requests, failed.get(time)) for time, requests in total]
        # An interval without one of both values is a hole: no failures are not zero failures.
        return [
            Interval(time, None, round(requests), min(round(bad), round(requests)))
            for time, requests, bad in rows
            if requests is not None and bad is not None and requests >= 0.0 and bad >= 0.0
        ]

    def _values(self, query: str, step: float) -> list[tuple[float, float | None]]:
        from ghmlops.measure.telemetry.prometheus import PrometheusSource

        settings = self._watch.prometheus
        assert settings is not None  # noqa: S101  (narrows the type; the policy was checked)
        source = PrometheusSource(settings, self._services.environ, "watch.prometheus")
        first, last = (math.ceil(self._since / step) + 1) * step, math.floor(self._now / step) * step
        if last < first:
            return []
        content = source.query_range(query, start=first, end=last, step=step)
        return [(time - step, value) for time, value in content.points]

    def _evidence(self, metric: WatchedMetric, settings: EvidenceMetric) -> list[Interval]:
        """Return what the gate measured, at the live deployments of each interval; the newest of several counts."""
        values: dict[int, float] = {}
        for stored in self._records:
            record = stored.record
            if not isinstance(record, DeploymentRecord) or record.decision not in LIVE:
                continue
            time = record_time(record).timestamp()
            for effect in record.effects:
                name = (effect.metric, effect.dataset) == (settings.metric, settings.dataset)
                if name and effect.candidate is not None and time >= self._since:
                    values[int(time // metric.step * metric.step)] = effect.candidate
        return [Interval(time, value) for time, value in sorted(values.items())]
