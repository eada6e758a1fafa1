"""Reads the demand: queries of Prometheus, rows of logs, and queues. What cannot be read does not count."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.errors import DataError, ServiceError
from ghmlops.core.scale.demand import Problem, Rules, Sample, Series, make_series

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.production.scale import Demand
    from ghmlops.measure.telemetry.prometheus import PrometheusSource


class DemandContent(NamedTuple):
    """The rates of a demand, and the requests that wait."""

    series: Series
    queued: float = 0.0


def read_demand(demand: Demand, source: PrometheusSource | None, root: Path, now: float) -> DemandContent:
    """Return a demand that is measured over time.

    Args:
        demand: the demand of the policy.
        source: where queries are answered; `None` if the policy has logs only.
        root: folder to which logs are relative.
        now: current time in seconds since the epoch.

    Raises:
        PolicyError: A query is malformed, or returns several series.
    """
    step = demand.log.every if demand.log else demand.every
    rules = Rules(step=step, period=demand.period, history=demand.history, stale=demand.stale, labels=demand.labels)
    try:
        if demand.log is not None or source is None:
            return DemandContent(_from_log(demand, root, rules, now))
        end = now // step * step
        content = source.query_range(demand.prometheus, start=end - rules.history + step, end=end, step=step)
        samples = [Sample(time, value) for time, value in content.points]
        series = make_series(samples, content.labels, rules, now)
        queued = source.query(demand.queue.prometheus) if demand.queue else 0.0
    except (ServiceError, DataError) as error:
        # A source that does not answer is missing data, which is judged, and no reason to judge nothing.
        return DemandContent(_problem(step, now, Problem.MISSING, error.message.removeprefix("watch: ")))
    if queued is None:
        return DemandContent(_problem(step, now, Problem.MISSING, "its queue has no value"))
    if queued < 0.0:
        return DemandContent(_problem(step, now, Problem.NEGATIVE, "its queue"))
    return DemandContent(series, queued)


def _from_log(demand: Demand, root: Path, rules: Rules, now: float) -> Series:
    from ghmlops.measure.telemetry.log_files import read_log

    if demand.log is None:
        raise DataError(f"`{demand.name}` has no log")
    content = read_log(root, demand.log, now - rules.history)
    step = rules.step
    if content.undated:
        # They may be requests of the last minutes: what is left would look like less demand.
        return _problem(step, now, Problem.NOT_A_NUMBER, f"{content.undated:,} rows have no readable time")
    rates = {interval.time: interval.rows / step for interval in content.intervals}
    samples = [Sample(time + step, rate) for time, rate in rates.items()]
    for before, after in pairwise(sorted(rates)):
        # A log has no row where there was no request. A longer silence is a log that was not written.
        if after - before <= rules.stale:
            samples += [Sample(float(time) + step, 0.0) for time in np.arange(before + step, after, step)]
    return make_series(samples, {}, rules, now)


def _problem(step: float, now: float, problem: Problem, detail: str) -> Series:
    return Series(end=now, step=step, rates=np.empty(0), problem=problem, detail=detail)
