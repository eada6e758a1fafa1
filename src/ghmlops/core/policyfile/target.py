"""Reads the value `target`: a mapping with exactly one key, the kind of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core import quantities
from ghmlops.core.errors import nearest
from ghmlops.core.policy.target import CommandTarget, DryRunTarget, HaproxyTarget, TargetSettings
from ghmlops.core.policyfile.scalars import boolean, positive_count
from ghmlops.core.policyfile.yaml_reader import Located, entries, listing, record, scalar, text

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
        value = text(at)
        missing = [field for field in fields if f"{{{field}}}" not in value]
        if missing:
            raise at.error(f"the command has no `{{{missing[0]}}}`", "ghmlops replaces it when it runs the command")
        return value

    return read


def _haproxy(at: Located) -> HaproxyTarget:
    readers = {
        "socket": text,
        "backend": scalar(_router_name),
        "candidate": listing(scalar(_router_name)),
        "baseline": listing(scalar(_router_name)),
        "twin": listing(scalar(_router_name)),
    }
    target: HaproxyTarget = record(HaproxyTarget, readers, required=("socket", "backend", "candidate", "baseline"))(at)
    servers = (*target.candidate, *target.baseline, *target.twin)
    repeated = sorted({name for name in servers if servers.count(name) > 1})
    if repeated:
        raise at.error(f'the server "{repeated[0]}" is named twice', "a server belongs to one arm")
    if not target.candidate or not target.baseline:
        raise at.error("candidate and baseline need at least one server each")
    return target


def _router_name(name: str) -> str:
    """Return a name of a backend or server; other characters could add a command on the socket."""
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_.:") for c in name):
        raise ValueError(f'expected a name of letters, digits, "-", "_", "." and ":", got "{name}"')
    return name


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


READERS: dict[str, Callable[[Located], TargetSettings]] = {
    "dry-run": _dry_run,
    "command": _own_commands,
    "haproxy": _haproxy,
}
"""The table of targets: kind to its reader. `act.targets` has one class per kind."""
