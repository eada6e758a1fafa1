"""The strict reader of the policy's section `regression`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ghmlops.core import quantities
from ghmlops.core.errors import nearest
from ghmlops.core.metrics import TABLE
from ghmlops.core.model import Direction
from ghmlops.core.policy.regression import ROLES, TASKS, Changed, CustomMetric, Dataset, Drift, Regression
from ghmlops.core.policyfile.scalars import positive_count
from ghmlops.core.policyfile.yaml_reader import Located, entries, listing, one_of, record, scalar, table, text

if TYPE_CHECKING:
    from collections.abc import Callable

_SPELLINGS = {"logloss": "log-loss", "log_loss": "log-loss", "roc-auc": "auc", "negative_flips": "negative-flips"}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_DIRECTIONS = {"higher": Direction.HIGHER, "lower": Direction.LOWER, "target": Direction.TARGET}
_NEEDED = {
    "binary": ("label", "score", "name the column of the probability: `score: p_click`"),
    "multiclass": ("label", "score", "name the column of the vector of class probabilities: `score: probabilities`"),
    "regression": ("label", "prediction", "name the column of the predicted value"),
    "ranking": ("label", "score", "name the column that documents are ordered by"),
    "embedding": ("score", "score", "name the column of the vector"),
}
"""Task to the keys it needs beside `task` and `key`, and how to mend the second."""
_OWN = {"query": ("ranking",), "threshold": ("binary",), "classes": ("binary", "multiclass")}
"""Keys that only some tasks read."""


def metric_id(name: str) -> str:
    """Return the kebab-case id of a metric as people may spell it."""
    return _SPELLINGS.get(name, name)


def _number(name: str) -> float:
    """Read a finite number that is not negative."""
    try:
        found = float(name)
    except ValueError:
        found = float("nan")
    if not 0 <= found < float("inf"):
        raise ValueError(f'expected a number of 0 or more, got "{name}"')
    return found


def _share(name: str) -> float:
    found = quantities.ratio(name)
    if not 0 < found < 1:
        raise ValueError(f'expected a share between 0 and 1, got "{name}"')
    return found


def _count(at: Located) -> int:
    return 0 if text(at) == "0" else positive_count(at)


def _slices(at: Located) -> tuple[tuple[str, ...], ...]:
    if not isinstance(at.value, list):
        raise at.error("expected a list of columns", "for example `[device, [device, country]]`")
    for item in at.value:
        if item.value == []:
            raise item.error("a slice names at least one column", "for example `[device, [device, country]]`")
    return tuple(listing(text)(item) for item in at.value)


def _name(at: Located, name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise at.error(f"`{name}` cannot name {what}", "use at most 40 lower-case letters, digits and `-`")
    return name


def _dataset(at: Located) -> Dataset:
    specs = listing(text)
    return record(Dataset, {"baseline": specs, "candidate": specs, "labels": specs, "noise": specs})(at)


def _datasets(at: Located) -> tuple[Dataset, ...]:
    found = []
    for name, value in entries(at).items():
        one = _dataset(value)
        for side in ("baseline", "candidate"):
            if not getattr(one, side):
                raise value.error(f"the data set needs the key `{side}`", f"add `{side}:` with the file")
        found.append(
            Dataset(
                name=_name(value, name, "a data set"),
                baseline=one.baseline,
                candidate=one.candidate,
                labels=one.labels,
                noise=one.noise,
            )
        )
    return tuple(found)


def _direction(at: Located) -> Direction:
    return _DIRECTIONS[one_of(*_DIRECTIONS)(at)]


def _metrics(at: Located) -> tuple[CustomMetric, ...]:
    known = {metric for metrics in TABLE.values() for metric in metrics}
    found = []
    for name, value in entries(at).items():
        if name in known:
            raise value.error(f"`{name}` is a metric already", "give yours another name")
        readers: dict[str, Callable[[Located], object]] = {
            "sql": text,
            "direction": _direction,
            "margin": scalar(_number),
            "unit": text,
        }

        def make(name: str = _name(value, name, "a metric"), **fields: object) -> CustomMetric:
            return CustomMetric(name=name, **fields)  # type: ignore[arg-type]

        found.append(record(make, readers, required=("sql", "direction"))(value))
    return tuple(found)


def read_regression(at: Located) -> Regression:
    """Read the section.

    Raises:
        PolicyError: names the file, line, key and the nearest valid one.
    """
    columns = table(str, text)
    readers: dict[str, Callable[[Located], object]] = {
        "task": one_of(*TASKS),
        "key": listing(text),
        "label": text,
        "score": text,
        "prediction": text,
        "threshold": scalar(quantities.ratio),
        "classes": listing(text),
        "query": text,
        "at": positive_count,
        "top": positive_count,
        "quantile": scalar(_share),
        "error-quantile": scalar(_share),
        "time": text,
        "window": one_of("1h", "1d", "1w", "1mo"),
        "slices": _slices,
        "features": listing(text),
        "search": _count,
        "minimum-rows": positive_count,
        "group": text,
        "margins": table(metric_id, scalar(quantities.ratio)),
        "metrics": _metrics,
        "tolerance": table(str, scalar(_number)),
        "drift": record(Drift, {name: scalar(_number) for name in ("psi", "ks", "js", "wasserstein")}),
        "changed-rows": record(
            Changed, {"rows": _count, "show": listing(text), "mask": listing(text), "hash": listing(text)}
        ),
        "undecided": one_of("inconclusive", "warn"),
        "intent": one_of("improve", "unchanged"),
        "artifacts": _dataset,
        "datasets": _datasets,
        "labels": listing(text),
        **dict.fromkeys(ROLES[:2], columns),
    }
    return record(lambda **given: _made(at, given), readers, required=("task", "key"))(at)


def _made(at: Located, given: dict[str, Any]) -> Regression:
    """Build the section from its keys: data sets joined, renamed columns gathered, then checked as a whole."""
    alone, labels = given.pop("artifacts", None), given.pop("labels", ())
    if alone is not None and given.get("datasets"):
        raise at.error("`artifacts` and `datasets` are both given", "name the artifacts of each data set there")
    if alone is None and labels and not given.get("datasets"):
        alone = Dataset()
    if isinstance(alone, Dataset):
        own = {name: getattr(alone, name) for name in ("baseline", "candidate", "noise")}
        given["datasets"] = (Dataset(**own, labels=alone.labels or labels),)
    elif labels:
        raise at.error("`labels` beside `datasets` is not read", "name the labels of each data set there")
    given["renamed"] = {role: given.pop(role) for role in ROLES[:2] if role in given}
    if "changed_rows" in given:
        given["changed"] = given.pop("changed_rows")
    found = Regression(**given)
    _check(found, at)
    return found


def _check(found: Regression, at: Located) -> None:
    if not found.key:
        raise at.error("`key` is empty", "name the column that identifies a row: `key: [id]`")
    first, second, mend = _NEEDED[found.task]
    for name in dict.fromkeys((second, first)):
        if not getattr(found, name):
            hint = mend if name == second else "name the column of the true answer: `label: clicked`"
            raise at.error(f"task `{found.task}` needs the key `{name}`", hint)
    given = entries(at)
    for name, tasks in _OWN.items():
        if name in given and found.task not in tasks:
            raise given[name].error(
                f"task `{found.task}` does not read `{name}`", f"it belongs to {' and '.join(tasks)}"
            )
    if found.task == "ranking" and not found.query:
        raise at.error("task `ranking` needs the key `query`", "name the column of the query: `query: query_id`")
    if found.task == "binary" and len(found.classes) not in (0, 2):
        raise at.error("`classes` of a binary task names two", "the negative class, then the positive: `[no, yes]`")
    if found.task == "multiclass" and len(found.classes) < 2:
        raise at.error("task `multiclass` needs the key `classes`", "in the order of the vector: `classes: [a, b, c]`")
    if len(set(found.classes)) != len(found.classes):
        raise at.error("`classes` names one twice", "each class once")
    if found.window and not found.time:
        raise at.error("`window` needs the key `time`", "name the column of the event time: `time: event_time`")
    _check_margins(found, at)
    _check_renamed(found, at)


def _check_margins(found: Regression, at: Located) -> None:
    known = (*TABLE[found.task], *(metric.name for metric in found.metrics))
    for name in found.margins:
        if name not in known:
            raise at.error(f"`margins.{name}`: not a metric of task `{found.task}`", nearest(name, known))


def _check_renamed(found: Regression, at: Located) -> None:
    roles = ("score", "label", "prediction", "time", "group", "query")
    used = [getattr(found, name) for name in roles if getattr(found, name)]
    used += [*found.key, *found.slice_columns, *found.features, *found.changed.show]
    known = tuple(dict.fromkeys((*roles, *used)))
    for role, names in found.renamed.items():
        for name in names:
            if name not in known:
                where = entries(entries(at)[role])[name]
                raise where.error(f"`{name}` is no column that the policy uses", nearest(name, known))
