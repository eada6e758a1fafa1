"""The JSON Schema of the policy file for editors, derived from the types of its sections.

A field of a section is the key of the same name. `_OWN` and `_NOTATIONS` list the values whose notation in the file
differs from the type. Rules that join several keys, which only the strict reader knows, are left out.
"""

from __future__ import annotations

import types
import typing
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from ghmlops.core.model import Direction
from ghmlops.core.policy.before_traffic.shadow import Compare, Send, Shadow, ShadowMargins
from ghmlops.core.policy.before_traffic.synthetic import Synthetic
from ghmlops.core.policy.document import Policy
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policy.latency import QUANTILES, Arrivals, Expect, Latency, LatencyMargin, Request, Trace
from ghmlops.core.policy.objectives import OBJECTIVES, Objectives
from ghmlops.core.policy.preview import Preview
from ghmlops.core.policy.production import harvest
from ghmlops.core.policy.production.history import History, Page
from ghmlops.core.policy.production.scale import (
    Demand,
    Limits,
    Queue,
    Scale,
    ScaleCapacity,
    ScaledTarget,
    ScaleToZero,
)
from ghmlops.core.policy.production.watch import BurnRate, Log, Watch, WatchedMetric, WatchLimits
from ghmlops.core.policy.promote import Metric, Observe
from ghmlops.core.policy.regression import ROLES, Changed, CustomMetric, Dataset, Regression
from ghmlops.core.policy.section import Section
from ghmlops.core.policy.target import TargetSettings
from ghmlops.core.policyfile.before_traffic import synthetic_schema

Schema = dict[str, Any]
TITLE = "Policy of ghmlops"
_NUMBER = r"([0-9]+(\.[0-9]+)?|\.[0-9]+)"
TEXT: Schema = {"anyOf": [{"type": "string", "pattern": r"\S"}, {"type": ["number", "boolean"]}]}
"""Text; YAML reads an unquoted word such as `1` or `true` as a number or a boolean, and the reader as text."""
DURATION: Schema = {"anyOf": [{"type": "string", "pattern": rf"^\s*{_NUMBER}\s*(us|ms|s|m|h|d)\s*$"}, {"const": 0}]}
RATE: Schema = {"type": "string", "pattern": rf"^\s*({_NUMBER}\s*/\s*(s|m|h)|0|auto)\s*$"}
RATE_OR_ZERO: Schema = {"anyOf": [RATE, {"const": 0}]}
RATIO: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*%?\s*$"},
    ]
}
NUMBER: Schema = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": rf"^\s*-?{_NUMBER}([eE][-+]?[0-9]+)?\s*$"}]
}
COUNT: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\s*[0-9]{1,15}\s*$"}]}
BOOLEAN: Schema = {"enum": [True, False, "true", "false"]}
SIZE: Schema = {"anyOf": [COUNT, {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*(B|[kKMGT]i?B)?\s*$"}]}
_DURATIONS = ("timeout", "max_age", "duration", "warmup", "probe", "budget", "settle", "bake", "watch", "max")
_RATES = ("start", "most", "demand")
_RATIOS = (
    "threshold",
    "resolution",
    "headroom",
    "errors",
    "quantile",
    "min_label_coverage",
    "coverage",
    "disagreement",
    "decisions",
    "fail",
    "safe",
    "share",  # of the demand
    "client_share",  # harvest
    "ladder",
    "steps",
)


def policy_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of the policy file."""
    body = _section(Policy) | {"required": ["version", "service"]}
    body["properties"]["version"] = {"enum": [1, "1"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": TITLE, **body}


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    body: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return body | ({"required": list(required)} if required else {})


def _listing(item: Schema) -> Schema:
    """Return the schema of a list; a single value is read as a list of one."""
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _table(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


_NAMES = {("MeasuredCapacity", "evidence"): "from"}
"""By type and field: keys with another name; `from` is a word of Python."""


def _key(kind: type[Section], field: str) -> str:
    return _NAMES.get((kind.__name__, field)) or field.replace("_", "-")


def _section(kind: type[Section], without: tuple[str, ...] = ()) -> Schema:
    """Return the schema of a section: one key per field."""
    hints = typing.get_type_hints(kind)
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in without]
    properties = {_key(kind, f.name): _OWN.get((kind, f.name)) or _value(f.name, hints[f.name]) for f in fields}
    required = (f.name for f in fields if f.required or (kind.__name__, f.name) in _NAMES)
    return _object(properties, tuple(_key(kind, name) for name in required))


def _value(name: str, hint: Any) -> Schema:  # noqa: ANN401  (a type)
    """Return the schema of a field by its type and, for a number, its name."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (arg for arg in args if arg is not type(None))
        return _value(name, inner)
    if origin is Literal:
        return {"enum": [word for word in args if word != ""]}
    if origin in (tuple, dict):
        return _listing(_value(name, args[0])) if origin is tuple else _table(_value(name, args[1]))
    return _NOTATIONS[hint] if hint in _NOTATIONS else _plain_value(name, hint)


def _plain_value(name: str, kind: type) -> Schema:
    if kind is TargetSettings:
        return _target()
    if issubclass(kind, Section):
        return _section(kind)
    return _quantity(name) if kind is float else {int: COUNT, bool: BOOLEAN, str: TEXT}[kind]


def _quantity(name: str) -> Schema:
    if name in _DURATIONS or name.endswith(("_timeout", "_duration")):
        return DURATION
    if name in _RATES or name == "predict":
        return RATE
    return RATIO if name in _RATIOS else NUMBER


def _target(base: type[Section] = TargetSettings) -> Schema:
    """Return the schema of `target`: one key, the kind, with the settings of that kind."""
    kinds: Schema = {}
    for kind in base.__subclasses__():
        settings = _section(kind)
        optional = "required" not in settings
        kinds[str(kind.__struct_config__.tag)] = {"anyOf": [settings, {"type": "null"}]} if optional else settings
    return _object(kinds) | {"minProperties": 1, "maxProperties": 1}


def _objectives() -> Schema:
    quantiles = dict.fromkeys(OBJECTIVES, DURATION)
    tokens = dict.fromkeys(("first-token", "first-output-token", "token-gap"), _object(dict(quantiles)))
    return _object({**quantiles, "errors": RATIO, **tokens})


def _arrivals() -> Schema:
    curves: Schema = {
        "poisson": RATE,
        "constant": RATE,
        "ramp": _object({"from": RATE_OR_ZERO, "to": RATE_OR_ZERO}, ("from", "to")),
        "steps": _listing(RATE_OR_ZERO),
        "spike": _object(
            {"base": RATE_OR_ZERO, "peak": RATE, "at": DURATION, "lasts": DURATION}, ("base", "peak", "at", "lasts")
        ),
        "diurnal": _object({"low": RATE_OR_ZERO, "high": RATE, "period": DURATION}, ("low", "high")),
        "replay": _section(Trace),
    }
    body = _object({**curves, "duration": DURATION, "warmup": DURATION})
    pairs = [{"not": {"required": [a, b]}} for i, a in enumerate(curves) for b in list(curves)[i + 1 :]]
    return body | {"allOf": pairs}


def _expect() -> Schema:
    literal = {"anyOf": [TEXT, {"type": "null"}]}
    check = {"anyOf": [literal, _object({"equals": literal, "matches": TEXT})]}
    body = _object({"min": SIZE, "max": SIZE})
    return _object({"status": _listing(COUNT), "contains": TEXT, "json": _table(check), "body": body})


_METHOD: Schema = {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
_PATH: Schema = {"type": "string", "pattern": "^/"}
_RATIO_OR_BOTH: Schema = {"anyOf": [RATIO, _object({"fail": RATIO, "safe": RATIO}, ("fail", "safe"))]}
_NOTATIONS: dict[Any, Schema] = {
    Objectives: _objectives(),
    Expect: _expect(),
    LatencyMargin: _RATIO_OR_BOTH,
    Direction: {"enum": ["higher", "lower", "target"]},
}
"""By type."""
_OWN: dict[tuple[Any, str], Schema] = {
    (Request, "method"): _METHOD,
    (Request, "path"): _PATH,
    (Preview, "ready"): _PATH,
    (Preview, "command"): {"type": "string", "pattern": r"\{port\}"},
    (Metric, "margin"): RATIO,
    (Metric, "interval"): DURATION,
    (Metric, "direction"): {"enum": ["higher", "lower"]},
    (Observe, "interval"): DURATION,
    (Observe, "prometheus"): {"anyOf": [TEXT, _object({"url": TEXT, "token-variable": TEXT}, ("url",))]},
    (Gate, "legs"): _table(_listing(TEXT)),
    (Gate, "windows"): _listing(
        {"type": "string", "pattern": r"^\s*[A-Za-z]{3}(-[A-Za-z]{3})? [0-9:]{5}-[0-9:]{5}\s*$"}
    ),
    (Gate, "after"): {"anyOf": [TEXT, _table(TEXT)]},
    (Log, "every"): DURATION,
    (WatchedMetric, "change"): RATIO,
    (WatchedMetric, "direction"): {"enum": ["higher", "lower"]},
    (BurnRate, "objective"): RATIO,
    (History, "keep"): DURATION,
    (Page, "stale"): DURATION,
    **{(Watch, field): DURATION for field in ("season", "history", "stale")},
    (WatchLimits, "actions"): {"anyOf": [COUNT, {"type": "string", "pattern": r"^\s*[0-9]{1,3}/day\s*$"}]},
    (WatchLimits, "pace"): DURATION,
    (Watch, "prometheus"): {"anyOf": [TEXT, _object({"url": TEXT, "token-variable": TEXT}, ("url",))]},
    **{(WatchedMetric, field): DURATION for field in ("every", "delay")},
    (Scale, "prometheus"): {"anyOf": [TEXT, _object({"url": TEXT, "token-variable": TEXT}, ("url",))]},
    (ScaleCapacity, "evidence"): _listing({"anyOf": [TEXT, _object({"file": TEXT, "replicas": COUNT}, ("file",))]}),
    (Demand, "rate"): RATE,
    (harvest.Demand, "period"): DURATION,
    **{(harvest.Outcomes, "mature"): DURATION, (harvest.Retrain, "cooldown"): DURATION},  # harvest
    **{(Demand, field): DURATION for field in ("every", "period", "history", "lead", "stale")},
    (Demand, "log"): _object({"files": TEXT, "time": TEXT, "every": DURATION}, ("files", "time")),
    (Queue, "drain"): DURATION,
    (Limits, "step_up"): {"type": "string", "pattern": rf"^\s*{_NUMBER}x\s*$"},
    (Limits, "step_down"): RATIO,
    (Limits, "settle_down"): DURATION,
    **{(ScaleToZero, field): DURATION for field in ("within", "idle")},
    (Compare, "tolerance"): {"anyOf": [{"const": "auto"}, _table(NUMBER)]},
    (Send, "rate"): RATE,
    (Shadow, "safe"): _listing({"type": "string", "pattern": r"^[A-Z]{1,20} /\S*$"}),
    **{
        at: _object(dict.fromkeys(QUANTILES, _RATIO_OR_BOTH))
        for at in ((Latency, "margins"), (ShadowMargins, "latency"))
    },
}
"""By type and field: values that the file writes in another way than the type."""


def _regression() -> Schema:
    without = ("scores", "predictions", "targets", "renamed", "changed", "datasets", "metrics", "withheld")
    body = _section(Regression, without)
    dataset = _section(Dataset, ("name",))
    metric = _section(CustomMetric, ("name", "relative", "target"))
    body["properties"] |= {
        "label": _listing(TEXT),
        "score": _listing(TEXT),
        "threshold": _listing(RATIO),
        "prediction": _listing(TEXT),
        "quantiles": _listing(RATIO),
        "slices": {"type": "array", "items": _listing(TEXT)},
        "margins": _table(RATIO),
        "metrics": _table(metric),
        "changed-rows": _section(Changed),
        "artifacts": dataset,
        "datasets": _table(dataset | {"required": ["baseline", "candidate"]}),
        "labels": _listing(TEXT),
        **dict.fromkeys(ROLES[:2], _table(TEXT)),
    }
    return body


def _single_request() -> Schema:
    """Return the schema of `request`, which has no name, no weight and no payloads of its own."""
    return _section(Request, ("name", "weight", "payloads"))


# Sections whose schema contains that of other sections, in this order.
_OWN[(Scale, "target")] = _target(ScaledTarget)
_NOTATIONS[Arrivals] = _arrivals()
_OWN[(Latency, "request")] = _single_request()
_OWN[(Latency, "mix")] = {"type": "array", "items": _section(Request) | {"required": ["path"]}, "minItems": 1}
_NOTATIONS[Regression] = _regression()
_NOTATIONS[Synthetic] = synthetic_schema.with_relations(
    _section(Synthetic, synthetic_schema.WITHOUT),
    {"text": TEXT, "count": COUNT, "number": NUMBER, "duration": DURATION},
)
