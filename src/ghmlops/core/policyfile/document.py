"""Strict reader of the policy file: one function per section, from a located YAML value to its type."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ghmlops.core.pillars import PILLARS
from ghmlops.core.policy.document import DEFAULT_PATH, Policy
from ghmlops.core.policy.paths import pattern_problem
from ghmlops.core.policyfile import yaml_reader as located
from ghmlops.core.policyfile.before_traffic.shadow import read_shadow
from ghmlops.core.policyfile.before_traffic.synthetic import read_synthetic
from ghmlops.core.policyfile.capacity import read_capacity
from ghmlops.core.policyfile.gate import read_gate
from ghmlops.core.policyfile.latency import read_latency
from ghmlops.core.policyfile.preview import read_preview
from ghmlops.core.policyfile.production.harvest import read_harvest
from ghmlops.core.policyfile.production.history import read_history
from ghmlops.core.policyfile.production.scale import read_scale
from ghmlops.core.policyfile.production.watch import read_watch
from ghmlops.core.policyfile.promote import read_promote
from ghmlops.core.policyfile.reactions import read_alerts, read_revert
from ghmlops.core.policyfile.regression import read_regression
from ghmlops.core.policyfile.scalars import host
from ghmlops.core.policyfile.yaml_reader import Located, listing, record, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.core.policy.regression import Regression


@functools.lru_cache(maxsize=8)
def read_policy(content: str, file: str = DEFAULT_PATH) -> Policy:
    """Read a policy strictly. A command reads its policy several times: for its origin, its legs and its work.

    Args:
        content: the text of the file.
        file: its name, for messages.

    Raises:
        PolicyError: names the file, line, key and the nearest valid one.
    """
    return _policy(located.parse(content, file))


def read_policy_values(values: Mapping[str, object], name: str = "policy") -> Policy:
    """Read a policy from Python values as strictly as from a file.

    Args:
        values: the policy as nested mappings.
        name: its name, for messages.

    Raises:
        PolicyError: names the key and the nearest valid one.
    """
    return _policy(located.from_values(values, name))


def read_regression_values(values: Mapping[str, object], name: str = "policy") -> Regression:
    """Read the section `regression` from Python values as strictly as from a file; see `read_policy_values`."""
    return read_regression(located.from_values(values, name))


def _version(at: Located) -> int:
    if text(at) != "1":
        raise at.error(f'version "{at.value}" is not known', "this release reads `version: 1`")
    return 1


def _service(at: Located) -> str:
    name = text(at)
    if len(name) > 100 or not all(c.isalnum() or c in "-_. " for c in name):
        raise at.error("expected at most 100 letters, digits, `-`, `_`, `.` or spaces")
    return name


def _path_pattern(at: Located) -> str:
    pattern = text(at)
    if problem := pattern_problem(pattern):
        raise at.error(f'"{pattern[:80]}": {problem}', "for example `services/scorer/**`")
    return pattern


def _paths(at: Located) -> tuple[str, ...]:
    patterns = listing(_path_pattern)(at)
    if all(pattern.startswith("!") for pattern in patterns):
        raise at.error("no pattern includes a file, so no change would be measured", 'add "**" in front for all files')
    return patterns


def _policy(at: Located) -> Policy:
    policy: Policy = record(Policy, READERS, required=("version", "service"))(at)
    if policy.capacity is not None and policy.latency is None:
        raise at.error(
            "the section `capacity` needs a section `latency`", "it defines the requests and payloads to send"
        )
    if policy.synthetic is not None and policy.latency is None:
        raise at.error("the section `synthetic` needs a section `latency`", "it defines the requests and payloads")
    for pillar in PILLARS:
        if pillar.command in policy.gate.require and pillar.section and not policy.has(pillar):
            raise at.error(
                f"`gate.require` names `{pillar.command}`, but the policy has no section `{pillar.section}`",
                f"add `{pillar.section}:`",
            )
    return policy


READERS: dict[str, Callable[[Located], object]] = {
    "version": _version,
    "service": _service,
    "paths": _paths,
    "preview": read_preview,
    "targets": listing(host),
    "latency": read_latency,
    "capacity": read_capacity,
    "regression": read_regression,
    "shadow": read_shadow,
    "synthetic": read_synthetic,
    "gate": read_gate,
    "promote": read_promote,
    "revert": read_revert,
    "alerts": read_alerts,
    "watch": read_watch,
    "harvest": read_harvest,
    "scale": read_scale,
    "history": read_history,
}
"""The table of sections: key of the policy file to its reader."""
