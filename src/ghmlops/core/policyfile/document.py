"""The strict reader of the policy file: one function a section, each from a located YAML value to its type."""

from __future__ import annotations

from ghmlops.core.policy.document import DEFAULT_PATH, PILLARS, Policy
from ghmlops.core.policyfile import yaml_reader as located
from ghmlops.core.policyfile.capacity import read_capacity
from ghmlops.core.policyfile.gate import read_gate
from ghmlops.core.policyfile.latency import read_latency
from ghmlops.core.policyfile.preview import read_preview
from ghmlops.core.policyfile.regression import read_regression
from ghmlops.core.policyfile.scalars import host
from ghmlops.core.policyfile.yaml_reader import Located, listing, record, text


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


def _policy(at: Located) -> Policy:
    readers = {
        "version": _version,
        "service": _service,
        "preview": read_preview,
        "targets": listing(host),
        "latency": read_latency,
        "capacity": read_capacity,
        "regression": read_regression,
        "gate": read_gate,
    }
    found: Policy = record(Policy, readers, required=("version", "service"))(at)
    if found.capacity is not None and found.latency is None:
        raise at.error("the section `capacity` needs a section `latency`", "its requests and payloads stand there")
    for name in found.gate.require:
        if name in PILLARS and getattr(found, name) is None:
            raise at.error(f"`gate.require` names `{name}`, but the policy has no section `{name}`", f"add `{name}:`")
    return found
