"""Reads the section `harvest`."""

from __future__ import annotations

import re

from ghmlops.core.policy.production.harvest import Demand, Harvest, Keep, Traffic
from ghmlops.core.policyfile.scalars import RATIO, SECONDS, positive_count
from ghmlops.core.policyfile.yaml_reader import Located, listing, record, text

_FIELD = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?")
_HOUR = 3600.0
_MAX_FIELDS, _MAX_SLICES, _MAX_ROWS = 200, 10, 100_000


def read_harvest(at: Located) -> Harvest:
    """Read the section `harvest`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    harvest: Harvest = record(Harvest, READERS, required=("traffic",))(at)
    if harvest.keep is None and harvest.demand is None:
        raise at.error("nothing would be taken", "add `keep: {fields: [...]}` or `demand: {}`")
    return harvest


def _traffic(at: Located) -> Traffic:
    readers = {
        "files": _log_files,
        "id": _field,
        "time": _field,
        "body": _field,
        "client": _field,
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
    value = _relative_path(at)
    if not value.lower().endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")):
        raise at.error(f'expected JSON Lines, got "{value[:80]}"', "for example `logs/*.jsonl`")
    return value


def _relative_path(at: Located) -> str:
    value = text(at)
    if value.startswith("/") or "\\" in value or any(part in ("", ".", "..") for part in value.split("/")):
        raise at.error(f'expected a path below the working directory, got "{value[:80]}"', "for example `data/name`")
    return value


def _parquet(at: Located) -> str:
    return _output(at, ".parquet")


def _json(at: Located) -> str:
    return _output(at, ".json")


def _output(at: Located, ending: str) -> str:
    value = _relative_path(at)
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


READERS = {"traffic": _traffic, "keep": _keep, "demand": _demand}
