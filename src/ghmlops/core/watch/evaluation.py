"""The evaluation of all watched metrics at one time: from their points to findings and details."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.details.watch import AlertRow, WatchedSeries
from ghmlops.core.model import Outcome
from ghmlops.core.policy.production.watch import WARNINGS
from ghmlops.core.watch.alerts import Rules
from ghmlops.core.watch.burn_rate import Counts
from ghmlops.core.watch.cause import cause_of
from ghmlops.core.watch.constants import MAX_REQUESTS
from ghmlops.core.watch.findings import ALERTS, judge_burn, judge_series
from ghmlops.core.watch.incident import EndedAlarm, OpenAlarm
from ghmlops.core.watch.series import Point, make_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.watch import Watch, WatchedMetric
    from ghmlops.core.watch.alerts import Alert
    from ghmlops.core.watch.cause import Deployed
    from ghmlops.core.watch.series import Series


class Interval(NamedTuple):
    """The rows of one interval of a metric: start in seconds since the epoch, value, number of rows, failed rows."""

    time: int
    value: float | None
    rows: int = 0
    failed: int = 0


class Evaluation(NamedTuple):
    """Findings and series of all metrics, the newest deployment that precedes an alarm, and the alarms that last."""

    findings: list[Finding]
    series: list[WatchedSeries]
    suspect: str
    open_alarms: list[OpenAlarm]

    @property
    def alarms(self) -> list[Finding]:
        """The findings that are alarms."""
        return [finding for finding in self.findings if finding.id in ALERTS]

    @property
    def unusable(self) -> set[str]:
        """Metrics whose data does not count now."""
        return {finding.metric for finding in self.findings if finding.outcome is Outcome.INCONCLUSIVE}

    @property
    def ended_alarms(self) -> list[EndedAlarm]:
        """The alarms that ended, with the deployment that precedes each of them."""
        return [
            EndedAlarm(row.commit, datetime.fromtimestamp(row.onset, UTC), datetime.fromtimestamp(row.end, UTC))
            for series in self.series
            for row in series.alerts
            if row.end is not None and row.commit
        ]


def evaluate(
    watch: Watch, content: Sequence[Sequence[Interval]], deployments: Sequence[Deployed], *, now: float, clock: float
) -> Evaluation:
    """Judge all metrics at a time. Intervals that have not ended by then, or a `delay` before it, do not count.

    Args:
        watch: the section `watch`.
        content: the intervals of each metric, in the order of `watch.metrics`.
        deployments: deployments in the order of time.
        now: seconds since the epoch.
        clock: the current time, which is later than `now` if the past is evaluated; intervals beyond it are reported.
    """
    findings: list[Finding] = []
    rows: list[WatchedSeries] = []
    alarms: list[OpenAlarm] = []
    for metric, intervals in zip(watch.metrics, content, strict=True):
        rules = _rules(watch, metric, deployments)
        if metric.burn is not None:
            counts = _counts(metric, intervals, now)
            burning = judge_burn(metric.name, counts, metric.burn.objective, rules, stale=watch.stale, now=now)
            findings += burning.findings
            if burning.onset is not None:
                cause = cause_of(burning.onset, counts.step, deployments)
                alarms.append(_alarm(metric.name, burning.onset, counts.step, cause))
            continue
        series = _series(metric, intervals, now - metric.delay, clock)
        judged = judge_series(series, rules, watch.stale, now, deployments)
        findings += judged.findings
        causes = [cause_of(alert.onset, series.step, deployments) for alert in judged.alerts]
        rows.append(_row(series, judged.alerts, causes))
        alarms += [
            _alarm(metric.name, alert.onset, series.step, cause)
            for alert, cause in zip(judged.alerts, causes, strict=True)
            if alert.end is None and not metric.warns_only and not rules.is_dismissed(alert.onset, series.step)
        ]
    newest = {deployed.commit: deployed.time for deployed in deployments}
    suspect = max((alarm.commit for alarm in alarms if alarm.commit), key=newest.__getitem__, default="")
    return Evaluation(findings, rows, suspect, alarms)


def _alarm(metric: str, onset: int, step: float, cause: Deployed | None) -> OpenAlarm:
    return OpenAlarm(metric, onset, int(step), cause.commit if cause else "")


def _series(metric: WatchedMetric, intervals: Sequence[Interval], now: float, clock: float) -> Series:
    every = metric.step
    floor = WARNINGS.get(metric.log.statistic, 0.0) if metric.log else 0.0
    points = [Point(i.time, _at_least(i.value, floor)) for i in intervals if i.time + every <= now or i.time > clock]
    return make_series(metric.name, metric.direction, every, points, clock)


def _at_least(value: float | None, floor: float) -> float | None:
    return floor if floor and value is not None and value < floor else value


def _counts(metric: WatchedMetric, intervals: Sequence[Interval], now: float) -> Counts:
    past = [i for i in intervals if i.time + metric.step <= now and max(i.rows, i.failed) <= MAX_REQUESTS]
    columns = [[interval[i] for interval in past] for i in (0, 2, 3)]
    times, total, failed = (np.array(column, np.int64) for column in columns)
    return Counts(step=metric.step, times=times, total=total, failed=failed)


def _rules(watch: Watch, metric: WatchedMetric, deployments: Sequence[Deployed]) -> Rules:
    until = [datetime.fromisoformat(a.until).timestamp() for a in watch.acknowledge if a.metric == metric.name]
    return Rules(
        period=watch.season,
        change=metric.change,
        accepted_until=max(until, default=0.0),
        deployments=tuple(deployed.time for deployed in deployments),
        dismissed=tuple(datetime.fromisoformat(d.onset).timestamp() for d in watch.dismiss if d.metric == metric.name),
        delay=metric.delay,
    )


def _row(series: Series, alerts: Sequence[Alert], causes: Sequence[Deployed | None]) -> WatchedSeries:
    return WatchedSeries(
        metric=series.name,
        step=series.step,
        times=series.times.tolist(),
        values=[float(f"{value:.6g}") for value in series.values],
        left_out=series.left_out,
        alerts=[
            AlertRow(
                kind=alert.kind.value,
                onset=alert.onset,
                raised=alert.raised,
                end=alert.end,
                level=alert.level,
                value=alert.value,
                commit=cause.commit if cause else "",
            )
            for alert, cause in zip(alerts, causes, strict=True)
        ],
    )


def iso(seconds: float) -> str:
    """Return a time in ISO 8601 (UTC)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
