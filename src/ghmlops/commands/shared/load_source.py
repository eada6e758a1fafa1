"""Where `latency` and `capacity` send requests: the prepared policy section, allowed hosts, generator processes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.load.load import Load, Recording
    from ghmlops.measure.load.target import Target


def prepare_latency(policy: Policy, name: str, services: Services) -> Latency:
    """Return the section `latency` as it is sent: preset applied, `${NAME}` in headers replaced.

    Raises:
        PolicyError: The policy called `name` has no such section, a header's variable is not set, or a check is
            malformed.
    """
    import msgspec

    from ghmlops.core.load import header_values as headers
    from ghmlops.core.load import presets
    from ghmlops.measure.load.checks import Check

    if policy.latency is None:
        raise PolicyError(f"{name} has no section `latency`", hint="add one: `latency: {request: ...}`")
    latency = presets.apply(policy.latency) if policy.latency.preset else policy.latency
    filled = headers.fill(latency.endpoints, services.environ)
    for endpoint in filled:
        Check(endpoint.expect)  # Raises for a malformed JSON path before anything is sent.
    if latency.mix:
        return msgspec.structs.replace(latency, mix=filled)
    return msgspec.structs.replace(latency, request=filled[0])


def read_target(url: str, name: str, policy: Policy, services: Services) -> Target:
    """Read the address of the input `name`; the policy must allow its host.

    Raises:
        InputError: The address is malformed, or its host may not be loaded.
        PolicyError: The policy's `ca-file` cannot be used.
    """
    from ghmlops.core.load.allowed_hosts import is_allowed, refusal
    from ghmlops.measure.load.target import numeric_addresses, parse_target

    ca_file = policy.latency.ca_file if policy.latency else ""
    target = parse_target(url, name, str(services.cwd / ca_file) if ca_file else "")
    preview_hosts = _preview_hosts(policy)
    if not is_allowed(target.host, "", policy.targets, preview_hosts):
        addresses = numeric_addresses(target)
        allowed = (is_allowed(target.host, address, policy.targets, preview_hosts) for address in addresses)
        if not addresses or not all(allowed):
            raise refusal(target.host, addresses[0] if addresses else "", name)
    return target


def reach(target: Target, name: str, policy: Policy) -> Target:
    """Contact the target and return it with the address that answered, which must be allowed, too.

    Raises:
        InputError: The name resolved to an address that may not be loaded.
        ServiceError: The target cannot be reached.
    """
    from ghmlops.core.load.allowed_hosts import is_allowed, refusal
    from ghmlops.measure.load.target import probe

    reached = probe(target, name)
    if not is_allowed(reached.host, reached.address, policy.targets, _preview_hosts(policy)):
        raise refusal(reached.host, reached.address, name)
    return reached


def _preview_hosts(policy: Policy) -> list[str]:
    if policy.preview is None:
        return []
    return [urlsplit(url).hostname or "" for url in (policy.preview.url, policy.preview.baseline_url) if url]


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
