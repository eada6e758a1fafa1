"""Metrics of Prometheus: a range query with a point per interval, or the samples that one instant query returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.watch.evaluation import Interval

if TYPE_CHECKING:
    from ghmlops.commands.watch.sources.reading import Reading
    from ghmlops.core.policy.production.watch import WatchedMetric
    from ghmlops.measure.telemetry.prometheus import PrometheusSource


def read(metric: WatchedMetric, reading: Reading) -> list[Interval]:
    """Return the values at the end of each interval; a query over `[every]` is then about this interval.

    Raises:
        PolicyError: A query is malformed, returns several series, or the variable with the token is not set.
        ServiceError: Prometheus cannot be reached, or answers with something else.
    """
    source = _source(reading)
    if metric.query == "instant":
        return _samples(source, metric, reading)
    total = _values(source, metric.prometheus, metric.step, reading)
    if metric.burn is None:
        return [Interval(int(time), value) for time, value in total]
    failed = dict(_values(source, metric.failed, metric.step, reading))
    rows = [(int(time), requests, failed.get(time)) for time, requests in total]
    # An interval without one of both values is a hole: no failures are not zero failures.
    return [
        Interval(time, None, round(requests), min(round(bad), round(requests)))
        for time, requests, bad in rows
        if requests is not None and bad is not None and requests >= 0.0 and bad >= 0.0
    ]


def _source(reading: Reading) -> PrometheusSource:
    from ghmlops.measure.telemetry.prometheus import PrometheusSource

    settings = reading.watch.prometheus
    assert settings is not None  # noqa: S101  (narrows the type; the policy was checked)
    return PrometheusSource(settings, reading.services.environ, "watch.prometheus")


def _values(source: PrometheusSource, query: str, step: float, reading: Reading) -> list[tuple[float, float | None]]:
    first, last = (math.ceil(reading.since / step) + 1) * step, math.floor(reading.now / step) * step
    if last < first:
        return []
    content = source.query_range(query, start=first, end=last, step=step)
    return [(time - step, value) for time, value in content.points]


def _samples(source: PrometheusSource, metric: WatchedMetric, reading: Reading) -> list[Interval]:
    """Return each sample as the value of the interval that it falls into, or that it ends; of several the last."""
    step = metric.step
    content = source.query_samples(metric.prometheus, time=reading.now)
    values = {int((math.ceil(time / step) - 1) * step): value for time, value in content.points}
    return [Interval(time, value) for time, value in sorted(values.items()) if time >= reading.since]
