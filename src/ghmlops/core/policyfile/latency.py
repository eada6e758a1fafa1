"""The strict readers of the policy's sections `latency` and `capacity`, and of `targets`."""

from __future__ import annotations

import re
from typing import Any

from ghmlops.core import quantities
from ghmlops.core.load import rate_curve as demand
from ghmlops.core.policy.latency import (
    DEFAULT_LATENCY_MARGINS,
    PRESETS,
    PROTOCOLS,
    QUANTILES,
    STREAMED_PRESETS,
    Arrivals,
    Expect,
    JsonCheck,
    Latency,
    LatencyMargin,
    Request,
    Trace,
)
from ghmlops.core.policyfile import yaml_reader as located
from ghmlops.core.policyfile.objectives import read_objectives
from ghmlops.core.policyfile.scalars import (
    PER_SECOND,
    RATIO,
    SECONDS,
    boolean,
    header_name,
    path,
    positive_count,
    seconds_or_zero,
)
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, table, text

_MODELS = ("poisson", "constant", "ramp", "steps", "spike", "diurnal", "replay")
_MAX_PERIODS = 1000
_MAX_PROCESSES = 128
_MAX_ENDPOINTS = 32
_EXAMPLE = "for example `{poisson: 200/s, duration: 60s}`"


def _processes(at: Located) -> int:
    value = positive_count(at)
    if value > _MAX_PROCESSES:
        raise at.error(f"expected at most {_MAX_PROCESSES}", "one per core is enough; omit the key")
    return value


def _trace(at: Located) -> Trace:
    def positive(words: str) -> float:
        value = quantities.number(words)
        if not value > 0:
            raise ValueError(f'expected a number above 0, got "{words}"')
        return value

    readers = {
        "file": text,
        "format": one_of("common", "combined", "w3c", "alb", "envoy", "csv", "jsonl", "har", "parquet", "demand"),
        "time": text,
        "zone": text,
        "speed": scalar(positive),
        "share": _demand_share,
    }
    return record(Trace, readers, required=("file",))(at)


def _demand_share(at: Located) -> float:
    value = RATIO(at)
    if not value > 0.0:
        raise at.error("expected a share above 0 of the demand", "for example `1%`")
    return value


def _arrivals(at: Located) -> Arrivals:
    values = dict(located.entries(at))
    models = [name for name in values if name in _MODELS]
    if len(models) > 1 or (values and not models and not values.keys() - {"duration", "warmup"}):
        raise at.error("needs exactly one arrival model", _EXAMPLE)
    readers = {"duration": SECONDS, "warmup": seconds_or_zero}
    if not models:
        return record(Arrivals, dict.fromkeys(_MODELS, PER_SECOND) | readers)(at)
    model: Any = models[0]
    settings = values.pop(model)
    common: dict[str, Any] = record(dict, dict.fromkeys(_MODELS, text) | readers)(_with_entries(at, values))
    if model in ("poisson", "constant") and settings.value == "auto":
        return Arrivals(model=model, auto=True, **common)
    if model in ("poisson", "constant"):
        return Arrivals(model=model, rate=PER_SECOND(settings), **common)
    if model == "replay":
        return Arrivals(model=model, rate=0.0, trace=_trace(settings), **({"duration": 0.0} | common))
    duration = common.setdefault("duration", Arrivals().duration)
    curve = _CURVES[model](settings, duration)
    rate = demand.mean_rate(curve)
    if not rate > 0:
        raise settings.error("no request would be sent", "increase a rate")
    return Arrivals(model=model, rate=rate, curve=curve, **common)


def _with_entries(at: Located, entries: dict[str, Located]) -> Located:
    return Located(value=entries, line=at.line, path=at.path, file=at.file)


def _rate_or_zero(at: Located) -> float:
    return 0.0 if at.value in ("0", "0/s", "0/m", "0/h") else PER_SECOND(at)


def _ramp(at: Located, duration: float) -> demand.Curve:
    rates: dict[str, float] = record(dict, dict.fromkeys(("from", "to"), _rate_or_zero), required=("from", "to"))(at)
    return demand.ramp(duration, rates["from"], rates["to"])


def _steps(at: Located, duration: float) -> demand.Curve:
    rates = listing(_rate_or_zero)(at)
    if not rates:
        raise at.error("expected a list of rates", "for example `[50/s, 100/s, 200/s]`")
    return demand.steps(duration, rates)


def _spike(at: Located, duration: float) -> demand.Curve:
    readers = {"base": _rate_or_zero, "peak": PER_SECOND, "at": SECONDS, "lasts": SECONDS}
    values: dict[str, float] = record(dict, readers, required=tuple(readers))(at)
    if values["at"] + values["lasts"] > duration:
        raise at.error(f"the spike ends after the duration of {quantities.format_duration(duration)}")
    return demand.spike(duration, **values)


def _diurnal(at: Located, duration: float) -> demand.Curve:
    readers = {"low": _rate_or_zero, "high": PER_SECOND, "period": SECONDS}
    values: dict[str, float] = record(dict, readers, required=("low", "high"))(at)
    period = values.get("period", duration)
    if duration / period > _MAX_PERIODS:
        raise at.error(f"has more than {_MAX_PERIODS:,} periods within the duration", "increase `period`")
    return demand.diurnal(duration, values["low"], values["high"], period)


_CURVES = {"ramp": _ramp, "steps": _steps, "spike": _spike, "diurnal": _diurnal}


def _latency_margin(name: str, at: Located) -> LatencyMargin:
    default = DEFAULT_LATENCY_MARGINS[name]
    if isinstance(at.value, dict):
        margin = record(LatencyMargin, {"fail": RATIO, "safe": RATIO}, required=("fail", "safe"))(at)
    else:
        fail = RATIO(at)
        margin = LatencyMargin(fail=fail, safe=max(default.safe, fail * default.safe / default.fail))
    if not margin.fail < margin.safe:
        raise at.error(
            "`safe` must be larger than `fail`", "the candidate fails beyond `fail` and passes within `safe`"
        )
    return margin


def latency_margins(at: Located) -> dict[str, LatencyMargin]:
    """Read margins by quantile; those that are left out have their defaults."""
    values: dict[str, Located] = record(dict, dict.fromkeys(QUANTILES, lambda at: at))(at)
    return DEFAULT_LATENCY_MARGINS | {name: _latency_margin(name, value) for name, value in values.items()}


def _status(at: Located) -> int:
    value = scalar(quantities.count)(at)
    if not 200 <= value <= 599:
        raise at.error(f"expected a status from 200 to 599, got {value}")
    return value


def _pattern(at: Located) -> str:
    value = text(at)
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise at.error(f"not a regular expression: {error}") from None
    return value


def _json_checks(at: Located) -> tuple[JsonCheck, ...]:
    checks = []
    for name, value in located.entries(at).items():
        if isinstance(value.value, dict):
            check: dict[str, str] = record(dict, {"equals": _literal, "matches": _pattern})(value)
            if len(check) != 1:
                raise value.error("needs exactly one of `equals` and `matches`")
            checks.append(JsonCheck(path=name, **check))
        else:
            checks.append(JsonCheck(path=name, equals=_literal(value)))
    return tuple(checks)


def _literal(at: Located) -> str:
    return "null" if at.value is None else text(at)


def _expect(at: Located) -> Expect:
    size = scalar(quantities.size)
    readers = {
        "status": listing(_status),
        "contains": text,
        "json": _json_checks,
        "body": record(dict, {"min": size, "max": size}),
    }
    values: dict[str, Any] = record(dict, readers)(at)
    body = values.pop("body", {})
    expect = Expect(smallest=body.get("min", 0), largest=body.get("max"), **values)
    if expect.largest is not None and expect.largest < expect.smallest:
        raise at.error("`body.max` is smaller than `body.min`")
    return expect


_REQUEST = {
    "method": one_of("GET", "POST", "PUT", "PATCH", "DELETE"),
    "path": path,
    "headers": table(header_name, text),
    "timeout": SECONDS,
    "follow-redirect": boolean,
    "template": text,
    "expect": _expect,
}


def _weight(at: Located) -> float:
    value = scalar(quantities.number)(at)
    if not value > 0:
        raise at.error("expected a weight above 0")
    return value


def _mix(at: Located) -> tuple[Request, ...]:
    extra = {"name": text, "weight": _weight, "payloads": text}
    if not isinstance(at.value, list) or not at.value:
        raise at.error("expected a list of endpoints", "for example `[{path: /predict, weight: 9}, {path: /explain}]`")
    endpoints = tuple(record(Request, _REQUEST | extra, required=("path",))(item) for item in at.value)
    if len(endpoints) > _MAX_ENDPOINTS:
        raise at.error(f"expected at most {_MAX_ENDPOINTS} endpoints")
    return endpoints


def read_latency(at: Located) -> Latency:
    """Read the section `latency`.

    Raises:
        PolicyError: A key or value is not valid, or two of them contradict each other.
    """
    readers = {
        "request": record(Request, _REQUEST),
        "mix": _mix,
        "protocol": one_of(*PROTOCOLS),
        "preset": one_of(*PRESETS),
        "model": text,
        "stream": one_of("sse", "chunked"),
        "ca-file": text,
        "payloads": text,
        "arrivals": _arrivals,
        "slo": read_objectives,
        "margins": latency_margins,
        "connections": positive_count,
        "processes": _processes,
    }
    latency: Latency = record(Latency, readers)(at)
    if latency.mix and "request" in located.entries(at):
        raise at.error("has both `request` and `mix`", "each endpoint of the mix is a request; keep one of the two")
    if latency.preset and not latency.model:
        raise at.error(f"preset `{latency.preset}` needs the key `model`", "name the model: `model: scorer`")
    streamed = bool(latency.stream) or latency.preset in STREAMED_PRESETS
    if any(endpoint.follow_redirect for endpoint in latency.endpoints) and (streamed or latency.protocol != "http/1.1"):
        raise at.error(
            "`follow-redirect` requires the protocol `http/1.1` without a stream", "state the final address in `path`"
        )
    if latency.protocol == "grpc" and latency.preset != "open-inference":
        raise at.error("protocol `grpc` requires `preset: open-inference`")
    if latency.slo.on_tokens and not streamed:
        raise at.error("objectives on tokens need the key `stream`", "add `stream: sse`, or `preset: openai-chat`")
    return latency
