"""Reads `scale.target`: a mapping with exactly one key, the kind of what has replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from ghmlops.core import quantities
from ghmlops.core.errors import nearest
from ghmlops.core.policy.production.scale import ScaledBackend, ScaledCommand, ScaledDeployment
from ghmlops.core.policy.target import ManagerName
from ghmlops.core.policyfile.scalars import command
from ghmlops.core.policyfile.target import context_name, label_name, object_name, router_name
from ghmlops.core.policyfile.yaml_reader import Located, entries, listing, one_of, record, scalar, text

if TYPE_CHECKING:
    from collections.abc import Callable

deployment_name, namespace_name = scalar(object_name), scalar(label_name)


def read_scaled_target(at: Located) -> ScaledDeployment | ScaledBackend | ScaledCommand:
    """Read a target.

    Raises:
        PolicyError: There is not exactly one kind, or a value is malformed.
    """
    kinds = entries(at)
    if len(kinds) != 1:
        raise at.error(f"expected exactly one kind of target: {', '.join(READERS)}", "for example `kubernetes: {...}`")
    ((kind, settings),) = kinds.items()
    if kind not in READERS:
        raise settings.error(f"unknown target `{kind}`", nearest(kind, tuple(READERS)))
    return READERS[kind](settings)


def _kubernetes(at: Located) -> ScaledDeployment:
    readers = {
        "namespace": namespace_name,
        "deployment": deployment_name,
        "context": scalar(context_name),
        "coexists-with": listing(one_of(*get_args(ManagerName))),
        "timeout": scalar(quantities.duration),
    }
    target: ScaledDeployment = record(ScaledDeployment, readers, required=("namespace", "deployment"))(at)
    return target


def _haproxy(at: Located) -> ScaledBackend:
    readers = {"socket": text, "backend": scalar(router_name), "servers": listing(scalar(router_name))}
    target: ScaledBackend = record(ScaledBackend, readers, required=("socket", "backend", "servers"))(at)
    if repeated := sorted({name for name in target.servers if target.servers.count(name) > 1}):
        raise at.error(f'the server "{repeated[0]}" is named twice', "a server is one replica")
    if not target.servers:
        raise at.error("there is no server", "name those that may serve")
    return target


def _command(at: Located) -> ScaledCommand:
    readers = {"get": command, "set": _with_replicas, "timeout": scalar(quantities.duration)}
    target: ScaledCommand = record(ScaledCommand, readers, required=("get", "set"))(at)
    return target


def _with_replicas(at: Located) -> str:
    value = command(at)
    if "{replicas}" not in value:
        raise at.error("the command has no `{replicas}`", "ghmlops replaces it when it runs the command")
    return value


READERS: dict[str, Callable[[Located], ScaledDeployment | ScaledBackend | ScaledCommand]] = {
    "kubernetes": _kubernetes,
    "haproxy": _haproxy,
    "command": _command,
}
"""The table of kinds. `act.targets.scaling` has one class per kind."""
