"""The service that `preview` starts or finds: its inputs and the policy's section, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ghmlops.commands.shared.load.load_source import check_addresses, read_host_rules
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core import quantities
from ghmlops.core.errors import InputError
from ghmlops.core.load.header_values import fill_headers, read_names
from ghmlops.core.policy.document import DEFAULT_PATH
from ghmlops.core.policy.preview import Preview
from ghmlops.core.text.placeholders import fill
from ghmlops.measure.checkout import head_sha
from ghmlops.measure.load.connecting.probe import numeric_addresses
from ghmlops.measure.preview.probe import check_address

if TYPE_CHECKING:
    from ghmlops.commands.preview.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.load.allowed_hosts import HostRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The service to start or to find.

    Attributes:
        service: inputs and policy section combined; exactly one of `command` and `url` is set.
        lifetime: seconds after which a started service is terminated.
        hosts: the hosts at which a service may be waited for.
    """

    service: Preview
    lifetime: float
    hosts: HostRules


def prepare(inputs: Inputs, services: Services) -> Job:
    """Combine the inputs and the policy's section; an input overrides the policy.

    Raises:
        InputError: An input is malformed, or neither the inputs nor the policy define the service.
        PolicyError: The policy is invalid.
    """
    if inputs.command and inputs.url:
        raise InputError("inputs `command` and `url` exclude each other", hint="pass only one of them")
    path = services.cwd / inputs.policy
    by_input = bool(inputs.command or inputs.url)
    policy = None
    if not by_input or path.exists() or inputs.policy != DEFAULT_PATH:
        policy = load_policy(path, inputs.policy)
    section = policy.preview if policy else None
    if section is None and not by_input:
        raise InputError(
            f"neither `command` nor `url` is set, and {inputs.policy} has no section `preview`",
            hint='--command "python serve.py --port {port}"',
        )
    defaults = section or Preview()
    head = services.context.head_sha or head_sha(services.cwd)
    service = Preview(
        command=inputs.command or ("" if by_input else defaults.command),
        url=fill(inputs.url or ("" if by_input else defaults.url), {"sha": head}).rstrip("/"),
        build="" if by_input else defaults.build,
        build_timeout=defaults.build_timeout,
        ready=inputs.ready or defaults.ready,
        timeout=_seconds("timeout", inputs.timeout) if inputs.timeout else defaults.timeout,
        headers=fill_headers(defaults.headers, services.environ, read_names(inputs.allow_env)),
        ca_file=defaults.ca_file,
        ready_contains=defaults.ready_contains,
        ready_answers=defaults.ready_answers,
    )
    hosts = read_host_rules(policy, inputs.allow_hosts)
    if service.url:
        _check_host(service, hosts)
    return Job(service=service, lifetime=_seconds("lifetime", inputs.lifetime), hosts=hosts)


def _check_host(service: Preview, hosts: HostRules) -> None:
    """Check that the service may be waited for; its name may not be resolvable yet."""
    parts = urlsplit(check_address(service.url, service.ready))
    host = parts.hostname or ""
    check_addresses(host, numeric_addresses(host, parts.port or 0) or [""], "url", hosts)


def _seconds(name: str, text: str) -> float:
    try:
        return quantities.duration(text)
    except ValueError as error:
        raise InputError(f"input `{name}`: {error}", hint=f"--{name} {quantities.EXAMPLES['duration']}") from None
