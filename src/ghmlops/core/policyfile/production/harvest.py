"""Reads the section `harvest`."""

from __future__ import annotations

import re

from ghmlops.core import quantities
from ghmlops.core.policy.production.harvest import (
    Demand,
    Disagreements,
    Golden,
    Harvest,
    Keep,
    Outcomes,
    Retrain,
    RetrainCost,
    Traffic,
)
from ghmlops.core.policyfile.scalars import RATIO, SECONDS, positive_count, relative_path, workflow_file
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, text

_FIELD = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?")
_RELATIVE_PATH = relative_path("working directory", "data/name")
_HOUR, _DAY = 3600.0, 86_400.0
_MAX_FIELDS, _MAX_SLICES, _MAX_ROWS = 200, 10, 100_000


def read_harvest(at: Located) -> Harvest:
    """Read the section `harvest`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    harvest: Harvest = record(Harvest, READERS, required=("traffic",))(at)
    if harvest.keep is None and harvest.demand is None and harvest.outcomes is None:
        raise at.error("nothing would be taken", "add `keep: {fields: [...]}`, `demand: {}` or `outcomes:`")
    if harvest.golden is not None and (harvest.outcomes is None or harvest.keep is None):
        raise at.error("`golden` needs `outcomes` and `keep`", "a case has a payload and a label")
    if harvest.retrain is not None and (harvest.outcomes is None or not harvest.traffic.score):
        raise at.error("`retrain` needs `outcomes` and `traffic.score`", "they show how good the model is")
    return harvest


def _traffic(at: Located) -> Traffic:
    readers = {
        "files": _log_files,
        "id": _field,
        "time": _field,
        "body": _field,
        "client": _field,
        "score": _field,
        "client-share": _share,
    }
    traffic: Traffic = record(Traffic, readers, required=("files", "id", "time"))(at)
    return traffic


def _keep(at: Located) -> Keep:
    readers = {
        "fields": _fields,
        "file": _parquet,
        "rows": _rows,
        "slices": listing(_field),
        "rare": _rows,
    }
    keep: Keep = record(Keep, readers, required=("fields",))(at)
    for name in keep.slices:
        if name not in keep.fields:
            raise at.error(f"`slices` names `{name}`, which is not in `fields`", "nothing is taken that is not a field")
    if len(keep.slices) > _MAX_SLICES:
        raise at.error(f"more than {_MAX_SLICES} slices", "name those that a person would look at")
    return keep


def _fields(at: Located) -> tuple[str, ...]:
    names = listing(_tree)(at)
    if not names or len(names) > _MAX_FIELDS:
        raise at.error(f"expected 1 to {_MAX_FIELDS} fields")
    for name in names:
        inside = [other for other in names if other != name and _covers(name, other)]
        if inside or names.count(name) > 1:
            raise at.error(f"`{name}` includes `{(inside or [name])[0]}`", "name each field once")
    return names


def _covers(name: str, other: str) -> bool:
    return other.removesuffix(".*").startswith(name.removesuffix(".*") + ".") or other == name + ".*"


def _demand(at: Located) -> Demand:
    demand: Demand = record(Demand, {"file": _json, "period": _period})(at)
    return demand


def _period(at: Located) -> float:
    value = SECONDS(at)
    if value < _HOUR or value % _HOUR or value > 366 * 24 * _HOUR:
        raise at.error("expected whole hours, at most a year", "for example `7d`")
    return value


def _tree(at: Located) -> str:
    value = text(at)
    if not _FIELD.fullmatch(value):
        raise at.error(f'expected a path of keys, got "{value[:80]}"', "for example `device` or `user.country`")
    return value


def _field(at: Located) -> str:
    value = _tree(at)
    if value.endswith("*"):
        raise at.error("`*` is not allowed here", "name one field")
    return value


def _log_files(at: Located) -> str:
    value = _RELATIVE_PATH(at)
    if not value.lower().endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")):
        raise at.error(f'expected JSON Lines, got "{value[:80]}"', "for example `logs/*.jsonl`")
    return value


def _parquet(at: Located) -> str:
    return _output(at, ".parquet")


def _json(at: Located) -> str:
    return _output(at, ".json")


def _output(at: Located, ending: str) -> str:
    value = _RELATIVE_PATH(at)
    if not value.endswith(ending) or any(c in value for c in "*?["):
        raise at.error(f"expected one file that ends with `{ending}`", f"for example `data/name{ending}`")
    return value


def _rows(at: Located) -> int:
    value = positive_count(at)
    if value > _MAX_ROWS:
        raise at.error(f"expected at most {_MAX_ROWS:,}", "`latency` reads no more payloads than that")
    return value


def _share(at: Located) -> float:
    value = RATIO(at)
    if not 0.0 < value <= 1.0:
        raise at.error("expected a share above 0 and up to 100 %", "for example `20%`")
    return value


def _outcomes(at: Located) -> Outcomes:
    readers = {
        "file": _table,
        "key": text,
        "label": text,
        "mature": SECONDS,
        "time": text,
        "censored": text,
        "days": _csv,
    }
    outcomes: Outcomes = record(Outcomes, readers, required=("file", "key", "label", "mature"))(at)
    return outcomes


def _table(at: Located) -> str:
    value = _RELATIVE_PATH(at)
    if not value.endswith((".parquet", ".csv", ".jsonl")):
        raise at.error("expected a file .parquet, .csv or .jsonl")
    return value


def _csv(at: Located) -> str:
    return _output(at, ".csv")


def _golden(at: Located) -> Golden:
    readers = {
        "file": _parquet,
        "rows": _rows,
        "add": listing(one_of("errors", "disagreements", "rare", "random")),
        "base": text,
        "training": _parquet,
        "training-key": text,
        "disagreements": _disagreements,
    }
    golden: Golden = record(Golden, readers)(at)
    if "disagreements" in golden.add and golden.disagreements is None:
        raise at.error(
            "`add` names `disagreements`, and no file has the answers",
            "add `disagreements: {baseline: ..., candidate: ..., value: ...}`",
        )
    if "disagreements" not in golden.add and golden.disagreements is not None:
        raise at.error("`disagreements` is never used", "add `disagreements` to `add`")
    return golden


def _disagreements(at: Located) -> Disagreements:
    readers = {
        "baseline": _parquet,
        "candidate": _parquet,
        "value": text,
        "key": text,
        "recording": _parquet,
        "tolerance": _difference,
    }
    disagreements: Disagreements = record(Disagreements, readers, required=("baseline", "candidate", "value"))(at)
    if disagreements.baseline == disagreements.candidate:
        raise at.error("`baseline` and `candidate` are the same file", "a model never disagrees with itself")
    return disagreements


def _difference(at: Located) -> float:
    value = scalar(quantities.number)(at)
    if not value >= 0:
        raise at.error("expected a difference of 0 or more", "for example `0.1`")
    return value


def _retrain(at: Located) -> Retrain:
    prices = {"retrain": _price, "point-of-auc-per-day": _price}
    readers = {
        "cost": record(RetrainCost, prices, required=tuple(prices)),
        "dispatch": workflow_file("retrain.yml"),
        "branch": text,
        "cooldown": _days,
        "max-per-month": positive_count,
    }
    retrain: Retrain = record(Retrain, readers, required=("cost", "dispatch"))(at)
    return retrain


def _price(at: Located) -> float:
    value = scalar(quantities.number)(at)
    if not value > 0:
        raise at.error("expected a price above 0", "for example `40`")
    return value


def _days(at: Located) -> float:
    value = SECONDS(at)
    if value < _DAY:
        raise at.error("expected at least a day", "for example `7d`")
    return value


READERS = {
    "traffic": _traffic,
    "keep": _keep,
    "demand": _demand,
    "outcomes": _outcomes,
    "golden": _golden,
    "retrain": _retrain,
}
