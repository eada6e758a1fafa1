"""Reads the value `target`: a mapping with exactly one key, the kind of the target."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from ghmlops.core import quantities
from ghmlops.core.errors import nearest
from ghmlops.core.policy.target import (
    CommandTarget,
    Deployments,
    DryRunTarget,
    EnvoyTarget,
    HaproxyTarget,
    KubernetesTarget,
    ManagerName,
    NginxTarget,
    TargetSettings,
)
from ghmlops.core.policyfile.scalars import boolean, command, positive_count
from ghmlops.core.policyfile.yaml_reader import Located, entries, listing, one_of, record, scalar, text

if TYPE_CHECKING:
    from collections.abc import Callable


def read_target(at: Located) -> TargetSettings:
    """Read a target.

    Raises:
        PolicyError: There is not exactly one kind, or a value is malformed.
    """
    kinds = entries(at)
    if len(kinds) != 1:
        raise at.error(f"expected exactly one kind of target: {', '.join(READERS)}", "for example `haproxy: {...}`")
    ((kind, settings),) = kinds.items()
    if kind not in READERS:
        raise settings.error(f"unknown target `{kind}`", nearest(kind, tuple(READERS)))
    return READERS[kind](settings)


def _command(*fields: str) -> Callable[[Located], str]:
    def read(at: Located) -> str:
        value = command(at)
        missing = [field for field in fields if f"{{{field}}}" not in value]
        if missing:
            raise at.error(f"the command has no `{{{missing[0]}}}`", "ghmlops replaces it when it runs the command")
        return value

    return read


def _haproxy(at: Located) -> HaproxyTarget:
    readers = {"socket": text, "backend": scalar(router_name), **_ARMS, "header-route": scalar(router_name)}
    target: HaproxyTarget = record(HaproxyTarget, readers, required=("socket", "backend", "candidate", "baseline"))(at)
    _check_arms(at, target, "server")
    _check_header_route(at, target.header_route, target.backend)
    return target


def _envoy(at: Located) -> EnvoyTarget:
    readers = {"admin": scalar(_address), "runtime-key-prefix": scalar(router_name), **_ARMS}
    readers["header-route"] = scalar(router_name)
    required = ("admin", "runtime-key-prefix", "candidate", "baseline")
    target: EnvoyTarget = record(EnvoyTarget, readers, required=required)(at)
    _check_arms(at, target, "cluster")
    _check_header_route(at, target.header_route, target.runtime_key_prefix)
    return target


def _nginx(at: Located) -> NginxTarget:
    addresses = {arm: listing(scalar(_address)) for arm in _ARMS}
    readers = {"servers": text, **addresses, "check": command, "reload": command}
    target: NginxTarget = record(NginxTarget, readers, required=("servers", "candidate", "baseline"))(at)
    _check_arms(at, target, "server")
    return target


def _check_arms(at: Located, target: HaproxyTarget | EnvoyTarget | NginxTarget, kind: str) -> None:
    servers = (*target.candidate, *target.baseline, *target.twin)
    repeated = sorted({name for name in servers if servers.count(name) > 1})
    if repeated:
        raise at.error(f'the {kind} "{repeated[0]}" is named twice', f"a {kind} belongs to one arm")
    if not target.candidate or not target.baseline:
        raise at.error(f"candidate and baseline need at least one {kind} each")


def _check_header_route(at: Located, header_route: str, route: str) -> None:
    if header_route and header_route == route:
        raise at.error(
            f'`header-route` is "{route}", the route of all requests',
            "name the one that only requests with a header take",
        )


def _address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f'expected `host:port`, got "{value}"')
    if not all(c.isascii() and (c.isalnum() or c in "-_.:[]") for c in host):
        raise ValueError(f'expected `host:port`, got "{value}"')
    return value


def router_name(name: str) -> str:
    """Return a name of a backend or server; other characters could add a command on the socket."""
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_.:") for c in name):
        raise ValueError(f'expected a name of letters, digits, "-", "_", "." and ":", got "{name}"')
    return name


_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A label by RFC 1123, of which the names of Kubernetes consist."""
_ARMS = {arm: listing(scalar(router_name)) for arm in ("candidate", "baseline", "twin")}
"""Readers of the names of each arm."""


def _dry_run(at: Located) -> DryRunTarget:
    if at.value is None:
        return DryRunTarget()
    return record(DryRunTarget, {"file": text, "twin": boolean})(at)


def _own_commands(at: Located) -> CommandTarget:
    readers = {
        "set": _command("arm", "weight"),
        "get": _command("arm"),
        "limit": positive_count,
        "twin": boolean,
        "timeout": scalar(quantities.duration),
        "ready": _command("arm"),
        "scale": _command("arm", "replicas"),
    }
    target: CommandTarget = record(CommandTarget, readers, required=("set", "get"))(at)
    if target.scale and not target.ready:
        raise at.error(
            "`scale` needs `ready`: traffic follows servers that are ready", "add `ready: ./router ready {arm}`"
        )
    return target


def _kubernetes(at: Located) -> KubernetesTarget:
    services, deployments = dict.fromkeys(_ARMS, scalar(label_name)), dict.fromkeys(_ARMS, scalar(object_name))
    readers = {
        "route": scalar(object_name),
        "namespace": scalar(label_name),
        **services,
        "rule": scalar(object_name),
        "context": scalar(context_name),
        "deployments": record(Deployments, deployments, required=("candidate", "baseline")),
        "scale": boolean,
        "coexists-with": listing(one_of(*get_args(ManagerName))),
        "timeout": scalar(quantities.duration),
    }
    required = ("route", "namespace", "candidate", "baseline")
    target: KubernetesTarget = record(KubernetesTarget, readers, required=required)(at)
    _check_distinct(at, [target.candidate, target.baseline, target.twin], "Service")
    if target.scale and target.deployments is None:
        raise at.error("`scale` needs `deployments`", "name the Deployment of each arm")
    if target.deployments:
        names = target.deployments
        _check_distinct(at, [names.candidate, names.baseline, names.twin], "Deployment")
        if bool(names.twin) != bool(target.twin):
            raise at.error("`twin` is named for the Services or the Deployments only", "name both, or none")
    return target


def _check_distinct(at: Located, names: list[str], kind: str) -> None:
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise at.error(f'the {kind} "{repeated[0]}" is named twice', f"a {kind} belongs to one arm")


def label_name(name: str) -> str:
    """Return a name of a namespace or Service: it becomes an argument of `kubectl`."""
    if not _LABEL.fullmatch(name):
        raise ValueError(f'expected at most 63 of the characters a-z, 0-9 and "-", got "{name[:80]}"')
    return name


def object_name(name: str) -> str:
    """Return a name of an object: it becomes an argument of `kubectl`."""
    if len(name) > 253 or not all(_LABEL.fullmatch(part) for part in name.split(".")):
        raise ValueError(f'expected a name of the characters a-z, 0-9, "-" and ".", got "{name[:80]}"')
    return name


def context_name(name: str) -> str:
    """Return a name of a context, which may have any printable character except a space."""
    if not name.isprintable() or " " in name or name.startswith("-") or len(name) > 253:
        raise ValueError(f'expected a name of a context without spaces, got "{name[:80]}"')
    return name


READERS: dict[str, Callable[[Located], TargetSettings]] = {
    "dry-run": _dry_run,
    "command": _own_commands,
    "haproxy": _haproxy,
    "envoy": _envoy,
    "nginx": _nginx,
    "kubernetes": _kubernetes,
}
"""The table of targets: kind to its reader. `act.targets` has one class per kind."""
