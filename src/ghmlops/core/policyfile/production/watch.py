"""Reads the section `watch`."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

from ghmlops.core.model import Direction
from ghmlops.core.policy.production.watch import (
    SOURCES,
    WARNINGS,
    Acknowledgement,
    BurnRate,
    DeploymentStatistic,
    EvidenceMetric,
    Log,
    LogStatistic,
    Query,
    Watch,
    WatchedMetric,
)
from ghmlops.core.policyfile.production.watch_reactions import (
    check_reactions,
    read_dismissals,
    read_limits,
    read_reactions,
    read_workflows,
)
from ghmlops.core.policyfile.promotion.metrics import read_prometheus
from ghmlops.core.policyfile.scalars import RATIO, SECONDS, boolean, moment, relative_path
from ghmlops.core.policyfile.yaml_reader import Located, entries, listing, one_of, record, text
from ghmlops.core.watch.constants import BURN_RATES, WARM_UP_PERIODS

_DIRECTIONS = {"higher": Direction.HIGHER, "lower": Direction.LOWER}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_MAX_METRICS = 50


def read_watch(at: Located) -> Watch:
    """Read the section `watch`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "metrics": _metrics,
        "prometheus": read_prometheus,
        "github-deployments": boolean,
        "season": SECONDS,
        "history": SECONDS,
        "stale": SECONDS,
        "acknowledge": listing(_acknowledgement),
        "dismiss": read_dismissals,
        "on": read_reactions,
        "workflows": read_workflows,
        "limits": read_limits,
    }
    watch: Watch = record(Watch, readers, required=("metrics",))(at)
    names = [metric.name for metric in watch.metrics]
    for accepted in watch.acknowledge:
        if accepted.metric not in names:
            raise at.error(
                f"`acknowledge` names `{accepted.metric}`, which is no metric of `watch.metrics`",
                f"metrics: {', '.join(names)}",
            )
    for metric in watch.metrics:
        if metric.prometheus and watch.prometheus is None:
            raise at.error(
                f"the query of `{metric.name}` needs `watch.prometheus`",
                "its address, for example `http://prometheus:9090`",
            )
        if metric.burn is None:
            _check_season(at, watch, metric)
    check_reactions(at, watch)
    return watch


def _check_season(at: Located, watch: Watch, metric: WatchedMetric) -> None:
    if watch.season % metric.step:
        raise at.error(
            f"`season` is no multiple of the interval (`every`) of `{metric.name}`",
            "for example `season: 1d` and `every: 1h`",
        )
    if watch.history - metric.delay < (WARM_UP_PERIODS + 1) * watch.season:
        raise at.error(
            f"`history` has less than {WARM_UP_PERIODS + 1} seasons before the `delay` of `{metric.name}`, so nothing "
            "could be judged",
            "for example `season: 1d` and `history: 30d`",
        )


def _metrics(at: Located) -> tuple[WatchedMetric, ...]:
    metrics = listing(_metric)(at)
    if len(metrics) > _MAX_METRICS:
        raise at.error(f"more than {_MAX_METRICS} metrics", "watch what a person would act on")
    repeated = [name for name, count in Counter(metric.name for metric in metrics).items() if count > 1]
    if repeated:
        raise at.error(f"two metrics are named `{repeated[0]}`", "give each its own name")
    return metrics


def _metric(at: Located) -> WatchedMetric:
    readers = {
        "name": _name,
        "log": _log,
        "prometheus": text,
        "query": one_of(*get_args(Query)),
        "failed": text,
        "evidence": record(EvidenceMetric, {"metric": text, "dataset": text}, required=("metric",)),
        "deployments": one_of(*filter(None, get_args(DeploymentStatistic))),
        "every": _interval,
        "direction": lambda value: _DIRECTIONS[one_of(*_DIRECTIONS)(value)],
        "change": _change,
        "delay": SECONDS,
        "burn": record(BurnRate, {"objective": _objective}, required=("objective",)),
    }
    metric: WatchedMetric = record(WatchedMetric, readers, required=("name",))(at)
    if sum(bool(getattr(metric, source)) for source in SOURCES) != 1:
        raise at.error(f"expected exactly one source: {', '.join(f'`{source}`' for source in SOURCES)}")
    if metric.query == "instant" and (not metric.prometheus or metric.burn):
        raise at.error("`query: instant` is about the samples of `prometheus` without `burn`")
    if metric.log is not None and "every" in entries(at):
        raise at.error("the interval of a log is `log.every`")
    if metric.failed and not (metric.prometheus and metric.burn):
        raise at.error("`failed` is the query of the failed requests of `prometheus` with `burn`")
    if metric.log and metric.log.statistic == "estimated-accuracy" and metric.direction is Direction.LOWER:
        raise at.error("`estimated-accuracy` needs `direction: higher`", "a fall is a change for the worse")
    if metric.burn is not None:
        _check_burn(at, metric)
    return metric


def _check_burn(at: Located, metric: WatchedMetric) -> None:
    if metric.delay:
        raise at.error("the windows of `burn` end now, and `delay` leaves them out", "remove one of them")
    if metric.evidence is not None or metric.deployments:
        raise at.error("`burn` needs requests", "use `log` or `prometheus`")
    if not (metric.log.failed if metric.log else metric.failed):
        raise at.error(
            "`burn` needs `log.failed`, the column that says whether a request failed, or `failed`, their query"
        )
    widest = max(short for _, _, short in BURN_RATES)
    if metric.step > widest:
        raise at.error("the interval is longer than the windows of `burn`", "for example `every: 5m`")


def _log(at: Located) -> Log:
    readers = {
        "files": relative_path("working directory", "logs/*.parquet"),
        "time": text,
        "every": _interval,
        "statistic": one_of(*get_args(LogStatistic)),
        "value": text,
        "failed": text,
    }
    log: Log = record(Log, readers, required=("files", "time"))(at)
    if log.statistic not in ("count", "failed") and not log.value and not log.failed:
        raise at.error(f"the statistic `{log.statistic}` needs the key `value`", "name the column of the values")
    if log.statistic in WARNINGS and not log.value:
        raise at.error(f"the statistic `{log.statistic}` needs the key `value`", "name the column")
    if log.statistic == "failed" and not log.failed:
        raise at.error("the statistic `failed` needs the key `failed`", "name the column of the failures")
    return log


def _name(at: Located) -> str:
    value = text(at)
    if not _NAME.fullmatch(value):
        raise at.error("expected a name of letters, digits, `-` and `_`", "for example `p95`")
    return value


def _interval(at: Located) -> float:
    value = SECONDS(at)
    if value < 1.0 or value % 1.0:
        raise at.error("expected whole seconds, at least 1s", "for example `1h`")
    return value


def _change(at: Located) -> float:
    value = RATIO(at)
    if not 0.01 <= value <= 1.0:
        raise at.error("expected a share from 1 % to 100 %", "for example `50%`")
    return value


def _objective(at: Located) -> float:
    value = RATIO(at)
    if not 0.0 < value < 1.0:
        raise at.error("expected a share below 100 %", "for example `99.9%`")
    return value


def _acknowledgement(at: Located) -> Acknowledgement:
    readers = {"metric": text, "until": moment("a date or time", "2027-01-31"), "reason": text}
    accepted: Acknowledgement = record(Acknowledgement, readers, required=("metric", "until", "reason"))(at)
    return accepted
