"""The strict reader of the policy file: one function a section, each from a located YAML value to its type."""

from __future__ import annotations

from urllib.parse import urlsplit

from ghmlops.core import quantities
from ghmlops.core.policy.document import DEFAULT_PATH, EXTRA_EVIDENCE, PILLARS, Policy
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policy.preview import Preview
from ghmlops.core.policyfile import yaml_reader as located
from ghmlops.core.policyfile.latency import host, path, read_capacity, read_latency
from ghmlops.core.policyfile.regression import read_regression
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, text


def read_policy(content: str, file: str = DEFAULT_PATH) -> Policy:
    """Read a policy strictly.

    Args:
        content: the text of the file.
        file: its name, for messages.

    Raises:
        PolicyError: names the file, line, key and the nearest valid one.
    """
    return _policy(located.parse(content, file))


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
        "regression": read_regression,
        "gate": _gate,
    }
    found: Policy = record(Policy, readers, required=("version", "service"))(at)
    if found.capacity is not None and found.latency is None:
        raise at.error("the section `capacity` needs a section `latency`", "its requests and payloads stand there")
    for name in found.gate.require:
        if name in PILLARS and getattr(found, name) is None:
            raise at.error(f"`gate.require` names `{name}`, but the policy has no section `{name}`", f"add `{name}:`")
    return found
