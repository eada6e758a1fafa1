"""What `latency` and `capacity` send, and where to: the policy's section made ready, and the hosts it may load."""

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

A_PROCESS = {"http/1.1": 10_000.0, "http/2": 2_000.0, "grpc": 1_000.0}
"""Requests a second, of all arms together, for which one generator process is taken."""


def ready_latency(policy: Policy, shown: str, services: Services) -> Latency:
    """Return the section `latency` as it is sent: preset filled in, `${NAME}` in headers replaced.

    Raises:
        PolicyError: there is no such section (`shown` names the policy), a header's variable is not set, or a check
            cannot be read.
    """
    import msgspec

    from ghmlops.core.load import header_values as headers
    from ghmlops.core.load import presets
    from ghmlops.measure.load.checks import Check

    if policy.latency is None:
        raise PolicyError(f"{shown} has no section `latency`", hint="add one: `latency: {request: ...}`")
    latency = presets.apply(policy.latency) if policy.latency.preset else policy.latency
    filled = headers.fill(latency.endpoints, services.environ)
    for endpoint in filled:
        Check(endpoint.expect)  # a path of JSON that cannot be read is told before anything is sent
    if latency.mix:
        return msgspec.structs.replace(latency, mix=filled)
    return msgspec.structs.replace(latency, request=filled[0])


def read_target(url: str, name: str, policy: Policy, services: Services) -> Target:
    """Read the address of the input `name`; the policy must allow its host.

    Raises:
        InputError: it is malformed, or a host that may not be loaded.
        PolicyError: the policy's `ca-file` cannot be used.
    """
    from ghmlops.core.load.allowed_hosts import is_allowed, refusal
    from ghmlops.measure.load.target import numeric_addresses, parse_target

    ca_file = policy.latency.ca_file if policy.latency else ""
    target = parse_target(url, name, str(services.cwd / ca_file) if ca_file else "")
    own = _preview_hosts(policy)
    if not is_allowed(target.host, "", policy.targets, own):
        found = numeric_addresses(target)
        if not found or not all(is_allowed(target.host, address, policy.targets, own) for address in found):
            raise refusal(target.host, found[0] if found else "", name)
    return target


def reach(target: Target, name: str, policy: Policy) -> Target:
    """Return the target with the address that answered a first look; that address, too, must be allowed.

    Raises:
        InputError: the name led elsewhere this time.
        ServiceError: it cannot be reached.
    """
    from ghmlops.core.load.allowed_hosts import is_allowed, refusal
    from ghmlops.measure.load.target import probe

    found = probe(target, name)
    if not is_allowed(found.host, found.address, policy.targets, _preview_hosts(policy)):
        raise refusal(found.host, found.address, name)
    return found


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
    """Run `load` in this process, or in several: as many as the rate asks for, at most one a core.

    The policy's `processes` overrides that.
    """
    import os

    from ghmlops.measure.load.engine import run_load
    from ghmlops.measure.load.processes import run_processes

    seconds = float(load.times[-1]) if len(load.times) else 0.0
    rate = len(load.times) * len(load.targets) / max(seconds, 1.0)
    processes = policy.processes or min(1 + int(rate / A_PROCESS[policy.protocol]), os.cpu_count() or 1)
    if processes == 1 or len(load.times) < 2 * processes:
        return run_load(load, on_block, on_tick)
    return run_processes(load, processes, on_block, on_tick)
