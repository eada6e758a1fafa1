"""Reads the section `regression` strictly."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core import quantities
from ghmlops.core.metrics import METRIC_IDS
from ghmlops.core.model import Direction
from ghmlops.core.policy.regression import ROLES, TASKS, Changed, CustomMetric, Dataset, Drift, Regression
from ghmlops.core.policyfile.predictions.checks import check_regression
from ghmlops.core.policyfile.preview import shell_commands
from ghmlops.core.policyfile.quantiles import read_quantiles
from ghmlops.core.policyfile.scalars import positive_count
from ghmlops.core.policyfile.targets import read_targets
from ghmlops.core.policyfile.yaml_reader import Located, entries, listing, one_of, record, scalar, table, text

if TYPE_CHECKING:
    from collections.abc import Callable

_SPELLINGS = {"logloss": "log-loss", "log_loss": "log-loss", "roc-auc": "auc", "negative_flips": "negative-flips"}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_DIRECTIONS = {"higher": Direction.HIGHER, "lower": Direction.LOWER, "target": Direction.TARGET}


def metric_id(name: str) -> str:
    """Return the kebab-case id of a metric for any of its common spellings."""
    return _SPELLINGS.get(name, name)


def _number(name: str) -> float:
    """Convert text to a finite number of at least 0."""
    try:
        value = float(name)
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise ValueError(f'expected a number of 0 or more, got "{name}"')
    return value


def _fraction(name: str) -> float:
    """Convert text to a fraction strictly between 0 and 1."""
    value = quantities.ratio(name)
    if not 0 < value < 1:
        raise ValueError(f'expected a share between 0 and 1, got "{name}"')
    return value


def _count(at: Located) -> int:
    return 0 if text(at) == "0" else positive_count(at)


def _slices(at: Located) -> tuple[tuple[str, ...], ...]:
    if not isinstance(at.value, list):
        raise at.error("expected a list of columns", "for example `[device, [device, country]]`")
    for item in at.value:
        if item.value == []:
            raise item.error("a slice names at least one column", "for example `[device, [device, country]]`")
    return tuple(listing(text)(item) for item in at.value)


def _time_zone(at: Located) -> str:
    """Read the name of a time zone of the IANA database."""
    import zoneinfo

    name, names = text(at), zoneinfo.available_timezones()
    # Without a database on this machine, the engine rejects an unknown name.
    if names and name not in names:
        close = difflib.get_close_matches(name, sorted(names), n=1)
        hint = f"did you mean `{close[0]}`?" if close else "write a name such as `Europe/Berlin`"
        raise at.error(f'"{name}" is not a time zone', hint)
    return name


def _name(at: Located, name: str, subject: str) -> str:
    if not _NAME.fullmatch(name):
        raise at.error(f"`{name}` cannot name {subject}", "use at most 40 lower-case letters, digits and `-`")
    return name


def _dataset(at: Located) -> Dataset:
    artifacts = listing(text)
    return record(Dataset, dict.fromkeys(("baseline", "candidate", "labels", "noise"), artifacts))(at)


def _datasets(at: Located) -> tuple[Dataset, ...]:
    datasets = []
    for name, value in entries(at).items():
        dataset = _dataset(value)
        datasets.append(msgspec.structs.replace(dataset, name=_name(value, name, "a data set")))
    return tuple(datasets)


def _direction(at: Located) -> Direction:
    return _DIRECTIONS[one_of(*_DIRECTIONS)(at)]


def _metrics(at: Located) -> tuple[CustomMetric, ...]:
    builtin = {metric for metrics in METRIC_IDS.values() for metric in metrics}
    custom = []
    for name, value in entries(at).items():
        if name in builtin:
            raise value.error(f"`{name}` is a built-in metric", "give your metric another name")
        readers: dict[str, Callable[[Located], object]] = {
            "sql": text,
            "direction": _direction,
            "margin": scalar(_number),
            "unit": text,
        }

        def make(name: str = _name(value, name, "a metric"), **fields: object) -> CustomMetric:
            return CustomMetric(name=name, **fields)  # type: ignore[arg-type]

        custom.append(record(make, readers, required=("sql", "direction"))(value))
    return tuple(custom)


def read_regression(at: Located) -> Regression:
    """Read the section `regression`.

    Raises:
        PolicyError: A key or value is not valid; the message names file, line, key and the nearest valid one.
    """
    columns = table(str, text)
    readers: dict[str, Callable[[Located], object]] = {
        "task": one_of(*TASKS),
        "key": listing(text),
        "label": listing(text),
        "score": listing(text),
        "prediction": listing(text),
        "quantiles": listing(scalar(_fraction)),
        "threshold": listing(scalar(quantities.ratio)),
        "classes": listing(text),
        "query": text,
        "at": positive_count,
        "gain": one_of("linear", "exponential"),
        "unjudged": one_of("irrelevant", "left-out"),
        "top": positive_count,
        "quantile": scalar(_fraction),
        "error-quantile": scalar(_fraction),
        "time": text,
        "time-unit": one_of("s", "ms", "us", "ns"),
        "time-zone": _time_zone,
        "window": one_of("1h", "1d", "1w", "1mo"),
        "slices": _slices,
        "features": listing(text),
        "search": _count,
        "minimum-rows": positive_count,
        "min-label-coverage": scalar(quantities.ratio),
        "weight": text,
        "group": text,
        "margins": table(metric_id, scalar(quantities.ratio)),
        "metrics": _metrics,
        "tolerance": table(str, scalar(_number)),
        "drift": record(Drift, {name: scalar(_number) for name in ("psi", "ks", "js", "wasserstein")}),
        "changed-rows": record(
            Changed, {"rows": _count, "show": listing(text), "mask": listing(text), "hash": listing(text)}
        ),
        "private": listing(text),
        "undecided": one_of("inconclusive", "warn"),
        "intent": one_of("improve", "unchanged"),
        "predict": shell_commands,
        "predict-timeout": scalar(quantities.duration),
        "artifacts": _dataset,
        "datasets": _datasets,
        "labels": listing(text),
        **dict.fromkeys(ROLES[:2], columns),
    }
    return record(lambda **values: _build(at, values), readers, required=("task", "key"))(at)


def _build(at: Located, values: dict[str, Any]) -> Regression:
    """Build the section from the values of its keys: join the data sets, collect renamed columns, check the result."""
    single, labels = values.pop("artifacts", None), values.pop("labels", ())
    if single is not None and values.get("datasets"):
        raise at.error("`artifacts` and `datasets` are both given", "name the artifacts of each data set there")
    if single is None and labels and not values.get("datasets"):
        single = Dataset()
    if isinstance(single, Dataset):
        values["datasets"] = (msgspec.structs.replace(single, labels=single.labels or labels),)
    elif labels:
        raise at.error("`labels` beside `datasets` is not read", "name the labels of each data set there")
    values |= read_targets(values, entries(at))
    values |= read_quantiles(values, entries(at))
    scores = values.pop("score", ())
    values |= {"scores": scores} if len(scores) > 1 else {"score": scores[0] if scores else ""}
    values["renamed"] = {role: values.pop(role) for role in ROLES[:2] if role in values}
    if "changed_rows" in values:
        values["changed"] = values.pop("changed_rows")
    section = Regression(**values)
    check_regression(section, at)
    return section
