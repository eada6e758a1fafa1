"""The strict reader of the policy file: one function a section, each from a located YAML value to its type."""

from __future__ import annotations

from urllib.parse import urlsplit

from ghmlops.core import located, quantities
from ghmlops.core.errors import nearest
from ghmlops.core.located import Located, listing, one_of, record, scalar, table, text
from ghmlops.core.metrics import TABLE
from ghmlops.core.policy import DEFAULT_PATH, EXTRA_EVIDENCE, PILLARS, Artifacts, Gate, Policy, Preview, Regression
from ghmlops.core.policy_load import host, path, positive_count, read_capacity, read_latency

_SPELLINGS = {"logloss": "log-loss", "log_loss": "log-loss", "roc-auc": "auc", "negative_flips": "negative-flips"}


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
    known = tuple(metric for metrics in TABLE.values() for metric in metrics)
    found = _SPELLINGS.get(name, name)
    if found not in known:
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
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # the value is not repeated: it may hold a password
        raise at.error("expected an http or https address", "for example `http://127.0.0.1:8000`")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise at.error("an address has no user name, query or fragment", "take it out; a policy is read by everybody")
    return value.rstrip("/")


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
        "ready": path,
        "timeout": scalar(quantities.duration),
    }
    found = record(Preview, readers)(at)
    if bool(found.command) == bool(found.url):
        raise at.error("needs exactly one of `command` and `url`")
    return found


def _slices(at: Located) -> tuple[tuple[str, ...], ...]:
    if not isinstance(at.value, list):
        raise at.error("expected a list of columns", "for example `[device, [device, country]]`")
    for item in at.value:
        if item.value == []:
            raise item.error("a slice names at least one column", "for example `[device, [device, country]]`")
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
        "minimum-rows": positive_count,
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
    known = TABLE[found.task]
    for name in found.margins:
        if name not in known:
            raise at.error(f"`margins.{name}`: not a metric of task `{found.task}`", nearest(name, known))


def _gate(at: Located) -> Gate:
    readers = {
        "environment": text,
        "require": listing(one_of(*PILLARS, *EXTRA_EVIDENCE)),
        "max-age": scalar(quantities.duration),
    }
    return record(Gate, readers)(at)


def _policy(at: Located) -> Policy:
    readers = {
        "version": _version,
        "service": _service,
        "preview": _preview,
        "targets": listing(host),
        "latency": read_latency,
        "capacity": read_capacity,
        "regression": _regression,
        "gate": _gate,
    }
    found: Policy = record(Policy, readers, required=("version", "service"))(at)
    if found.capacity is not None and found.latency is None:
        raise at.error("the section `capacity` needs a section `latency`", "its requests and payloads stand there")
    for name in found.gate.require:
        if name in PILLARS and getattr(found, name) is None:
            raise at.error(f"`gate.require` names `{name}`, but the policy has no section `{name}`", f"add `{name}:`")
    return found
