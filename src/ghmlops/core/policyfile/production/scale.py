"""Reads the section `scale`."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import get_args

from ghmlops.core import quantities
from ghmlops.core.policy.production.scale import (
    CapacityFile,
    Consent,
    Demand,
    Limits,
    Manifest,
    Mode,
    Queue,
    Scale,
    ScaleCapacity,
    ScaledBackend,
    ScaledDeployment,
    ScaleToZero,
)
from ghmlops.core.policy.production.watch import Log
from ghmlops.core.policyfile.production.scaled_target import deployment_name, namespace_name, read_scaled_target
from ghmlops.core.policyfile.promotion.metrics import read_prometheus
from ghmlops.core.policyfile.scalars import PER_SECOND, RATIO, SECONDS, boolean, positive_count, relative_path
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, table, text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE = relative_path("working directory")
_FACTOR = re.compile(r"([0-9]+(?:\.[0-9]+)?)x")
MAX_REPLICAS = 10_000
MAX_POINTS = 500_000


def read_scale(at: Located) -> Scale:
    """Read the section `scale`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "capacity": _capacity,
        "demand": _demands,
        "limits": _limits,
        "target": read_scaled_target,
        "prometheus": read_prometheus,
        "headroom": _headroom,
        "fallback": scalar(quantities.count),
        "zero": record(
            ScaleToZero,
            {"cold-start": _FILE, "within": SECONDS, "idle": SECONDS},
            required=("cold-start", "within"),
        ),
        "manifest": record(
            Manifest,
            {"deployment": deployment_name, "namespace": namespace_name, "metric": _metric},
            required=("deployment",),
        ),
        "pause": boolean,
        "freeze-file": _FILE,
        "mode": one_of(*get_args(Mode)),
    }
    scale: Scale = record(Scale, readers, required=("capacity", "demand", "limits"))(at)
    _check(at, scale)
    return scale


def _check(at: Located, scale: Scale) -> None:
    if scale.prometheus is None and any(d.prometheus or d.queue for d in scale.demand):
        raise at.error("a query needs `scale.prometheus`", "its address, for example `http://prometheus:9090`")
    if scale.mode == "apply" and scale.target is None:
        raise at.error("`mode: apply` needs `target`", "for example `target: {kubernetes: {...}}`")
    if (scale.limits.min == 0) != (scale.zero is not None):
        raise at.error(
            "`limits.min: 0` and `zero` belong together",
            "`zero` names the measured cold start that the first request waits for",
        )
    if isinstance(scale.target, ScaledBackend) and scale.limits.max > len(scale.target.servers):
        raise at.error(
            f"`limits.max` is {scale.limits.max:,}, and `target` names {len(scale.target.servers):,} servers",
            "name as many servers, or lower it",
        )
    if scale.fallback is not None and not scale.limits.min <= scale.fallback <= scale.limits.max:
        raise at.error("`fallback` must lie within `limits`")
    if scale.manifest is not None and isinstance(scale.target, ScaledDeployment):
        raise at.error("`manifest` repeats the names of the target", "remove it")


def _capacity(at: Located) -> ScaleCapacity:
    readers = {
        "evidence": listing(_capacity_file),
        "max-age": SECONDS,
        "machine": text,
        "accept": listing(one_of(*get_args(Consent))),
    }
    capacity: ScaleCapacity = record(ScaleCapacity, readers, required=("evidence",))(at)
    if not capacity.evidence:
        raise at.error("`evidence` names no file")
    return capacity


def _capacity_file(at: Located) -> CapacityFile:
    if isinstance(at.value, dict):
        row: CapacityFile = record(CapacityFile, {"file": _FILE, "replicas": _replicas}, required=("file",))(at)
        return row
    return CapacityFile(file=_FILE(at))


def _demands(at: Located) -> tuple[Demand, ...]:
    demands = listing(_demand)(at)
    if not demands:
        raise at.error("no demand", "replicas follow from a demand")
    repeated = [name for name, count in Counter(demand.name for demand in demands).items() if count > 1]
    if repeated:
        raise at.error(f"two demands are named `{repeated[0]}`", "give each a `name`")
    return demands


def _demand(at: Located) -> Demand:
    readers = {
        "name": _name,
        "prometheus": text,
        "log": _log,
        "rate": PER_SECOND,
        "every": _whole_seconds,
        "period": SECONDS,
        "history": SECONDS,
        "quantile": _quantile,
        "lead": SECONDS,
        "stale": SECONDS,
        "labels": table(_label, text),
        "queue": record(Queue, {"prometheus": text, "drain": SECONDS}, required=("prometheus",)),
    }
    demand: Demand = record(Demand, readers)(at)
    if sum((bool(demand.prometheus), demand.log is not None, demand.rate > 0.0)) != 1:
        raise at.error("expected exactly one of `prometheus`, `log` and `rate`")
    if demand.rate and demand.queue:
        raise at.error("`queue` needs a demand that is measured")
    if demand.labels and not demand.prometheus:
        raise at.error("`labels` are those of a query", "remove them")
    step = demand.log.every if demand.log else demand.every
    if demand.period % step:
        raise at.error("`period` is no multiple of the interval", "for example `period: 1d` and `every: 1m`")
    if demand.history / step > MAX_POINTS:
        raise at.error(f"`history` has more than {MAX_POINTS:,} intervals", "read less of it, or in longer intervals")
    if demand.stale < step:
        raise at.error("`stale` is shorter than one interval, so that no demand would ever count")
    return demand


def _log(at: Located) -> Log:
    readers = {"files": _FILE, "time": text, "every": _whole_seconds}
    rows = partial(Log, statistic="count", every=60.0)
    log: Log = record(rows, readers, required=("files", "time"))(at)
    return log


def _limits(at: Located) -> Limits:
    readers = {
        "min": scalar(quantities.count),
        "max": _replicas,
        "step-up": _factor,
        "step-down": _step_down,
        "settle-down": SECONDS,
    }
    limits: Limits = record(Limits, readers, required=("max",))(at)
    if limits.min > limits.max:
        raise at.error("`min` is larger than `max`")
    return limits


def _replicas(at: Located) -> int:
    value = positive_count(at)
    if value > MAX_REPLICAS:
        raise at.error(f"expected at most {MAX_REPLICAS:,} replicas")
    return value


def _factor(at: Located) -> float:
    match = _FACTOR.fullmatch(text(at).strip())
    value = float(match[1]) if match else 0.0
    if not 1.0 < value <= 100.0:
        raise at.error("expected a factor above 1x and up to 100x", "for example `2x`")
    return value


def _step_down(at: Located) -> float:
    value = RATIO(at)
    if not value > 0.0:
        raise at.error("expected a share above 0 %", "for example `10%`")
    return value


def _headroom(at: Located) -> float:
    value = RATIO(at)
    if value > 0.9:
        raise at.error("`headroom` must be at most 90%")
    return value


def _quantile(at: Located) -> float:
    value = RATIO(at)
    if not 0.5 <= value <= 1.0:
        raise at.error("expected a quantile from 0.5 to 1", "for example `0.95`")
    return value


def _whole_seconds(at: Located) -> float:
    value = SECONDS(at)
    if value < 1.0 or value % 1.0:
        raise at.error("expected whole seconds, at least 1s", "for example `1m`")
    return value


def _name(at: Located) -> str:
    value = text(at)
    if not _NAME.fullmatch(value):
        raise at.error("expected a name of letters, digits, `-` and `_`", "for example `requests`")
    return value


def _metric(at: Located) -> str:
    value = text(at)
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9_.]{0,251}[a-z0-9])?", value):
        raise at.error("expected a name of a-z, 0-9, `-`, `_` and `.`", "for example `requests_per_second`")
    return value


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise ValueError("is no name of a label")
    return name
