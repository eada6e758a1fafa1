"""The policy file `.github/ghmlops.yml`: its types, its defaults, its strict reader.

Every default of the suite stands here once. Durations are seconds, rates are per second, ratios are fractions.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ghmlops.core import located, quantities
from ghmlops.core.located import Located, listing, one_of, record, scalar, table, text

DEFAULT_PATH = ".github/ghmlops.yml"
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
OBJECTIVES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
PILLARS = ("preview", "latency", "regression")
BINARY_METRICS = ("accuracy", "auc", "log-loss", "ece", "positive-rate", "churn", "negative-flips")
REGRESSION_METRICS = ("rmse", "mae", "bias")
_SPELLINGS = {"logloss": "log-loss", "log_loss": "log-loss", "roc-auc": "auc", "negative_flips": "negative-flips"}


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the sections."""


class LatencyMargin(Section, frozen=True, kw_only=True):
    """The two limits of the duet verdict on one quantile, as ratios of the baseline.

    The candidate fails when it is shown to be slower by more than `fail` (m0), and passes when it is shown to be
    slower by less than `safe` (m1).
    """

    fail: float
    safe: float


DEFAULT_LATENCY_MARGINS = {
    "p50": LatencyMargin(fail=0.02, safe=0.10),
    "p95": LatencyMargin(fail=0.03, safe=0.15),
    "p99": LatencyMargin(fail=0.05, safe=0.20),
}


class Preview(Section, frozen=True, kw_only=True):
    """How to get a running service: exactly one of `command` and `url`."""

    command: str = ""
    """Shell-like words, split without a shell; `{port}` becomes a free port."""
    url: str = ""
    baseline_url: str = ""
    ready: str = "/"
    """Path that answers 2xx when the service is ready."""
    timeout: float = 60.0


class Request(Section, frozen=True, kw_only=True):
    """The request that is sent again and again, its body taken from the payloads."""

    method: str = "POST"
    path: str = "/"
    headers: dict[str, str] = {}
    timeout: float = 10.0


class Arrivals(Section, frozen=True, kw_only=True):
    """When requests are sent: an open model, independent of the answers."""

    model: Literal["poisson", "constant"] = "poisson"
    rate: float = 50.0
    duration: float = 60.0
    warmup: float = 5.0


class Objectives(Section, frozen=True, kw_only=True):
    """Limits on the candidate alone: seconds for quantiles of the response time, a ratio for errors."""

    quantiles: dict[str, float] = {}
    errors: float | None = None


class Latency(Section, frozen=True, kw_only=True):
    """The latency smoke test."""

    request: Request = Request()
    payloads: str = ""
    arrivals: Arrivals = Arrivals()
    slo: Objectives = Objectives()
    margins: dict[str, LatencyMargin] = msgspec.field(default_factory=lambda: dict(DEFAULT_LATENCY_MARGINS))
    connections: int = 64
    """Most connections the generator opens to each arm."""


class Artifacts(Section, frozen=True, kw_only=True):
    """Where the prediction artifacts of both sides lie, relative to the repository."""

    baseline: str = ""
    candidate: str = ""


class Regression(Section, frozen=True, kw_only=True):
    """The diff of two prediction artifacts."""

    task: Literal["binary", "regression"]
    key: tuple[str, ...]
    label: str
    score: str = ""
    """Column of the probability of the positive class (binary)."""
    prediction: str = ""
    """Column of the decision (binary) or of the predicted value (regression)."""
    threshold: float = 0.5
    """Decision threshold on `score` where there is no `prediction` column; at or above is positive."""
    classes: tuple[str, ...] = ()
    """Binary: `[negative, positive]` where labels are not 0/1 or booleans."""
    time: str = ""
    window: Literal["", "1h", "1d", "1w", "1mo"] = ""
    slices: tuple[tuple[str, ...], ...] = ()
    minimum_rows: int = 200
    """Slices and windows with fewer rows are listed as not measured."""
    group: str = ""
    """Column that groups dependent rows (user, session): tests then work on groups."""
    margins: dict[str, float] = {}
    """By metric id: absolute for accuracy-like metrics, a fraction of the baseline's value for losses."""
    undecided: Literal["inconclusive", "warn"] = "inconclusive"
    """What an overall metric is called that neither passes nor fails."""
    intent: Literal["improve", "unchanged"] = "improve"
    artifacts: Artifacts = Artifacts()
    labels: str = ""


class Gate(Section, frozen=True, kw_only=True):
    """What a deployment needs."""

    environment: str = "production"
    require: tuple[str, ...] = ()
    """Commands whose evidence must be there; every section of the policy that measures, where empty."""
    max_age: float = 7 * 86400.0
    """Evidence older than this is stale."""


class Policy(Section, frozen=True, kw_only=True):
    """The whole file."""

    service: str
    version: int = 1
    preview: Preview | None = None
    latency: Latency | None = None
    regression: Regression | None = None
    gate: Gate = Gate()

    @property
    def required(self) -> tuple[str, ...]:
        """Commands whose evidence the gate needs."""
        if self.gate.require:
            return self.gate.require
        return tuple(name for name in ("latency", "regression") if getattr(self, name) is not None)


def read_policy(content: str, file: str = DEFAULT_PATH) -> Policy:
    """Read a policy strictly.

    Args:
        content: the text of the file.
        file: its name, for messages.

    Raises:
        PolicyError: names the file, line, key and the nearest valid one.
    """
    return _policy(located.parse(content, file))


def metric_id(name: str) -> str:
    """Return the kebab-case id of a metric as people may spell it.

    Raises:
        ValueError: there is no such metric; the sentence names the known ones.
    """
    known = (*BINARY_METRICS, *REGRESSION_METRICS)
    found = _SPELLINGS.get(name, name)
    if found not in known:
        from ghmlops.core.errors import nearest

        raise ValueError(f"there is no metric `{name}`: {nearest(found, known)}")
    return found


def _version(at: Located) -> int:
    if text(at) != "1":
        raise at.error(f'version "{at.value}" is not known', "this release reads `version: 1`")
    return 1


def _service(at: Located) -> str:
    name = text(at)
    if len(name) > 100 or not all(c.isalnum() or c in "-_. " for c in name):
        raise at.error("expected at most 100 letters, digits, `-`, `_`, `.` or spaces")
    return name


def _url(at: Located) -> str:
    value = text(at)
    if not value.startswith(("http://", "https://")):
        raise at.error(f'expected an http or https address, got "{value}"')
    return value.rstrip("/")


def _path(at: Located) -> str:
    value = text(at)
    if not value.startswith("/"):
        raise at.error(f'expected a path that starts with "/", got "{value}"')
    return value


def _command(at: Located) -> str:
    value = text(at)
    if "{port}" not in value:
        raise at.error("the command has no `{port}`", "the service must listen where it is told: add `--port {port}`")
    return value


def _preview(at: Located) -> Preview:
    readers = {
        "command": _command,
        "url": _url,
        "baseline-url": _url,
        "ready": _path,
        "timeout": scalar(quantities.duration),
    }
    found = record(Preview, readers)(at)
    if bool(found.command) == bool(found.url):
        raise at.error("needs exactly one of `command` and `url`")
    return found


def _arrivals(at: Located) -> Arrivals:
    def make(**fields: Any) -> Arrivals:  # noqa: ANN401  (the readers below fix the types)
        models = [name for name in ("poisson", "constant") if name in fields]
        if len(models) != 1:
            raise at.error("needs exactly one arrival model", "for example `{poisson: 200/s, duration: 60s}`")
        model = models[0]
        return Arrivals(model=model, rate=fields.pop(model), **fields)

    seconds, per_second = scalar(quantities.duration), scalar(quantities.rate)
    return record(make, {"poisson": per_second, "constant": per_second, "duration": seconds, "warmup": seconds})(at)


def _objectives(at: Located) -> Objectives:
    given = dict(located.entries(at))
    errors = scalar(quantities.ratio)(given.pop("errors")) if "errors" in given else None
    readers = dict.fromkeys(OBJECTIVES, scalar(quantities.duration))
    rest = Located(value=given, line=at.line, path=at.path, file=at.file)
    known = {**readers, "errors": scalar(quantities.ratio)}
    values: dict[str, float] = record(dict, known)(rest)
    return Objectives(quantiles={k.replace("p99_9", "p99.9"): v for k, v in values.items()}, errors=errors)


def _latency_margin(name: str, at: Located) -> LatencyMargin:
    default = DEFAULT_LATENCY_MARGINS[name]
    if isinstance(at.value, dict):
        ratio = scalar(quantities.ratio)
        made = record(LatencyMargin, {"fail": ratio, "safe": ratio}, required=("fail", "safe"))(at)
    else:
        fail = scalar(quantities.ratio)(at)
        made = LatencyMargin(fail=fail, safe=max(default.safe, fail * default.safe / default.fail))
    if not made.fail < made.safe:
        raise at.error(
            "`safe` must be larger than `fail`", "the candidate fails beyond `fail` and passes within `safe`"
        )
    return made


def _latency_margins(at: Located) -> dict[str, LatencyMargin]:
    given = located.entries(at)
    record(dict, dict.fromkeys(QUANTILES, lambda at: at))(at)
    return DEFAULT_LATENCY_MARGINS | {name: _latency_margin(name, value) for name, value in given.items()}


def _header_name(name: str) -> str:
    if not name or not all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name):
        raise ValueError("is not a header name")
    return name.lower()


def _positive_count(at: Located) -> int:
    value = scalar(quantities.count)(at)
    if value < 1:
        raise at.error("expected at least 1")
    return value


def _latency(at: Located) -> Latency:
    request = record(
        Request,
        {
            "method": one_of("GET", "POST", "PUT", "PATCH", "DELETE"),
            "path": _path,
            "headers": table(_header_name, text),
            "timeout": scalar(quantities.duration),
        },
    )
    readers = {
        "request": request,
        "payloads": text,
        "arrivals": _arrivals,
        "slo": _objectives,
        "margins": _latency_margins,
        "connections": _positive_count,
    }
    return record(Latency, readers)(at)


def _slices(at: Located) -> tuple[tuple[str, ...], ...]:
    if not isinstance(at.value, list):
        raise at.error("expected a list of columns", "for example `[device, [device, country]]`")
    return tuple(listing(text)(item) for item in at.value)


def _labels_margin(at: Located) -> dict[str, float]:
    return table(metric_id, scalar(quantities.ratio))(at)


def _regression(at: Located) -> Regression:
    readers = {
        "task": one_of("binary", "regression"),
        "key": listing(text),
        "label": text,
        "score": text,
        "prediction": text,
        "threshold": scalar(quantities.ratio),
        "classes": listing(text),
        "time": text,
        "window": one_of("1h", "1d", "1w", "1mo"),
        "slices": _slices,
        "minimum-rows": _positive_count,
        "group": text,
        "margins": _labels_margin,
        "undecided": one_of("inconclusive", "warn"),
        "intent": one_of("improve", "unchanged"),
        "artifacts": record(Artifacts, {"baseline": text, "candidate": text}),
        "labels": text,
    }
    found: Regression = record(Regression, readers, required=("task", "key", "label"))(at)
    if not found.key:
        raise at.error("`key` is empty", "name the column that identifies a row: `key: [id]`")
    if found.task == "binary" and not found.score:
        raise at.error("task `binary` needs the key `score`", "name the column of the probability: `score: p_click`")
    if found.task == "regression" and not found.prediction:
        raise at.error("task `regression` needs the key `prediction`", "name the column of the predicted value")
    if len(found.classes) not in (0, 2):
        raise at.error("`classes` of a binary task names two", "the negative class, then the positive: `[no, yes]`")
    if found.window and not found.time:
        raise at.error("`window` needs the key `time`", "name the column of the event time: `time: event_time`")
    _check_margins(found, at)
    return found


def _check_margins(found: Regression, at: Located) -> None:
    known = BINARY_METRICS if found.task == "binary" else REGRESSION_METRICS
    for name in found.margins:
        if name not in known:
            from ghmlops.core.errors import nearest

            raise at.error(f"`margins.{name}`: not a metric of task `{found.task}`", nearest(name, known))


def _gate(at: Located) -> Gate:
    readers = {
        "environment": text,
        "require": listing(one_of(*PILLARS)),
        "max-age": scalar(quantities.duration),
    }
    return record(Gate, readers)(at)


def _policy(at: Located) -> Policy:
    readers = {
        "version": _version,
        "service": _service,
        "preview": _preview,
        "latency": _latency,
        "regression": _regression,
        "gate": _gate,
    }
    found: Policy = record(Policy, readers, required=("version", "service"))(at)
    for name in found.gate.require:
        if getattr(found, name) is None:
            raise at.error(f"`gate.require` names `{name}`, but the policy has no section `{name}`", f"add `{name}:`")
    return found
