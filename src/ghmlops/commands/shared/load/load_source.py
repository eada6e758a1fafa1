"""Where `latency` and `capacity` send requests: the prepared policy section, allowed hosts, generator processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ghmlops.commands.shared.base import LoadLimits, Services
    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.load.allowed_hosts import HostRules
    from ghmlops.core.load.routing import ConnectTo
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.load.load import Load, Recording
    from ghmlops.measure.load.target import Target


def prepare_latency(policy: Policy, inputs: LoadLimits, services: Services) -> tuple[Latency, bool]:
    """Return the section `latency` as it is sent, and whether a header contains the value of a variable.

    The preset is applied, and `${NAME}` in a header is replaced if the input `allow-env` names the variable.

    Raises:
        InputError: `allow-env` is malformed, or this system cannot send load.
        PolicyError: The policy has no such section, a header's variable is not allowed or not set, or a check is
            malformed.
    """
    import msgspec

    from ghmlops.commands.shared.policy_file import base_policy
    from ghmlops.core.load import header_values as headers
    from ghmlops.core.load import presets
    from ghmlops.measure.load.checks import Check
    from ghmlops.measure.machine import require_linux

    require_linux("the load generator")  # before its packages are imported, some of which exist for Linux only
    if policy.latency is None:
        raise PolicyError(f"{inputs.policy} has no section `latency`", hint="add one: `latency: {request: ...}`")
    latency = presets.apply(policy.latency) if policy.latency.preset else policy.latency
    filled = headers.fill(latency.endpoints, services.environ, headers.read_names(inputs.allow_env))
    for endpoint in filled:
        Check(endpoint.expect)  # Raises for a malformed JSON path before anything is sent.
    private = headers.has_variables(latency.endpoints)
    # A response may repeat fields of the request, as the validation errors of FastAPI do.
    policies = (policy, base_policy(inputs.policy, services))
    private |= any(one.regression and one.regression.private for one in policies if one)
    if latency.mix:
        return msgspec.structs.replace(latency, mix=filled), private
    return msgspec.structs.replace(latency, request=filled[0]), private


def read_host_rules(policy: Policy | None, allow_hosts: str) -> HostRules:
    """Return the hosts that may be loaded: those of the input, narrowed by `targets` and the preview of the policy.

    Raises:
        InputError: The input is malformed.
    """
    from ghmlops.core.load.allowed_hosts import HostRules, read_entries

    targets = policy.targets if policy else ()
    if policy and policy.preview and targets:
        urls = (policy.preview.url, policy.preview.baseline_url)
        targets = (*targets, *(_any_commit(urlsplit(url).hostname or "") for url in urls if url))
    return HostRules(allowed=read_entries(allow_hosts), targets=targets)


def _any_commit(host: str) -> str:
    """Return the host; one that names the commit stands for every host below its domain."""
    labels = host.split(".")
    named = [index for index, label in enumerate(labels) if "{sha}" in label]
    return ".".join(["*", *labels[named[-1] + 1 :]]) if named else host


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How services are reached, by the inputs and the environment of the job, which a policy cannot change.

    Attributes:
        environ: Variables of the job, which may name a proxy.
        connect_to: Rules of the input `connect-to`.
        client_certificate: Path of the input `client-certificate`, as written; empty without one.
        folder: Folder to which the path is relative.
    """

    environ: Mapping[str, str]
    connect_to: tuple[ConnectTo, ...]
    client_certificate: str
    folder: Path


def read_routing(inputs: LoadLimits, services: Services) -> Routing:
    """Read the inputs that determine how services are reached.

    Raises:
        InputError: The input `connect-to` is malformed.
    """
    from ghmlops.core.load.routing import read_connect_to

    return Routing(
        environ=services.environ,
        connect_to=read_connect_to(inputs.connect_to),
        client_certificate=inputs.client_certificate,
        folder=services.cwd,
    )


def read_target(url: str, name: str, ca_file: str, rules: HostRules, routing: Routing | None = None) -> Target:
    """Read the address of the input `name`; every address of its host must be allowed.

    Args:
        url: The address.
        name: Name of the input.
        ca_file: Path of the certificate authorities; empty for those of the system.
        rules: The hosts that may be loaded.
        routing: How the service is reached; `None`: directly.

    Raises:
        InputError: The address is malformed, its host may not be loaded, or an input or variable on how it is reached
            is malformed.
        PolicyError: `ca_file` cannot be used.
    """
    from ghmlops.measure.load.connecting.probe import numeric_addresses
    from ghmlops.measure.load.target import parse_target

    target = parse_target(url, name, ca_file)
    if routing is not None:
        target = _routed(target, routing)
    host = target.connect_host or target.host
    check_target(target, numeric_addresses(host, target.connect_port) or [""], name, rules)
    return target


def _routed(target: Target, routing: Routing) -> Target:
    from ghmlops.core.load.routing import apply_connect_to, select_proxy
    from ghmlops.measure.load.target import with_client_certificate

    host, port = apply_connect_to(target.host, target.port, routing.connect_to)
    scheme = "http" if target.tls is None else "https"
    if (host, port) != (target.host, target.port):
        target = replace(target, connect_host=host, connect_to_port=port)
    target = replace(target, proxy=select_proxy(scheme, host, port, routing.environ))
    if routing.client_certificate:
        file = str(routing.folder / routing.client_certificate)
        target = with_client_certificate(target, file, routing.client_certificate)
    return target


def check_target(target: Target, addresses: Sequence[str], name: str, rules: HostRules) -> None:
    """Check that the target may be loaded at each of these addresses, under its name and that of `connect-to`.

    Raises:
        InputError: One of them may not be loaded.
    """
    check_addresses(target.host, addresses, name, rules)
    if target.connect_host:
        check_addresses(target.connect_host, addresses, "connect-to", rules)


def check_addresses(host: str, addresses: Sequence[str], name: str, rules: HostRules) -> None:
    """Check that the host may be loaded at each of its addresses.

    Raises:
        InputError: One of them may not be loaded; the input `name` contained the host.
    """
    from ghmlops.core.load.allowed_hosts import is_allowed, refusal

    for address in addresses:
        if not is_allowed(host, address, rules):
            raise refusal(host, address, name, rules)


def reach(target: Target, name: str, rules: HostRules) -> Target:
    """Contact the target at an address that was checked, and return it with the address that answered.

    The load is sent to this address; the name is not resolved again.

    Raises:
        InputError: The name resolved to an address that may not be loaded.
        ServiceError: The target cannot be reached.
    """
    from ghmlops.measure.load.connecting.probe import probe

    return probe(target, name, lambda addresses: check_target(target, addresses, name, rules))


def generate(
    load: Load,
    policy: Latency,
    on_block: Callable[[Sequence[Answers]], bool],
    on_tick: Callable[[int, float], None],
) -> Recording:
    """Run `load` in this process or in several: as many as the rate requires, at most one per core.

    Args:
        load: the requests and their schedule.
        policy: the section `latency`; its `processes` overrides the number of processes.
        on_block: receives the answers to each block; False ends the run.
        on_tick: receives the number of requests sent and the seconds since the start.
    """
    import os

    from ghmlops.measure.load.engine import run_load
    from ghmlops.measure.load.processes import run_processes
    from ghmlops.measure.load.protocols.table import PROTOCOLS

    seconds = float(load.times[-1]) if len(load.times) else 0.0
    rate = len(load.times) * len(load.targets) / max(seconds, 1.0)
    per_process = PROTOCOLS[policy.protocol]().requests_per_process
    processes = policy.processes or min(1 + int(rate / per_process), os.cpu_count() or 1)
    if processes == 1 or len(load.times) < 2 * processes:
        return run_load(load, on_block, on_tick)
    return run_processes(load, processes, on_block, on_tick)
