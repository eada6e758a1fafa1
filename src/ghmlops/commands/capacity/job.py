"""Everything that `ghmlops capacity` needs, read and checked before the first request is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from ghmlops.commands.capacity.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.load.request_source import RequestSource
    from ghmlops.core.capacity.search_state import SearchPlan
    from ghmlops.core.load.allowed_hosts import HostRules
    from ghmlops.core.policy.capacity import Capacity
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.objectives import Objectives
    from ghmlops.measure.load.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a search needs, read and checked.

    Attributes:
        full_policy: the policy as written.
        policy: its section `capacity`, or the defaults.
        slo: the objectives that are judged.
        plan: limits of the search.
        source: the requests.
        target: address of the service.
        hosts: the hosts that may be loaded.
    """

    full_policy: Policy
    policy: Capacity
    slo: Objectives
    plan: SearchPlan
    source: RequestSource
    target: Target
    hosts: HostRules


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy, the address and the payloads.

    Raises:
        GhmlopsError: As `ghmlops.commands.capacity.command.run`, except for services that cannot be reached.
    """
    from ghmlops.commands.shared.input_paths import policy_path
    from ghmlops.commands.shared.load.load_source import read_host_rules
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.policy.capacity import Capacity

    full_policy = load_policy(policy_path(services, inputs.policy), inputs.policy)
    if full_policy.latency is None:
        raise PolicyError(
            f"{inputs.policy} has no section `latency`, which defines the requests",
            hint="add one: `latency: {request: ...}`",
        )
    policy = full_policy.capacity or Capacity()
    slo = full_policy.latency.slo if policy.slo.empty else policy.slo
    plan = _plan(policy, slo, inputs.policy)
    hosts = read_host_rules(full_policy, inputs.allow_hosts)
    target, source = _source(full_policy, inputs, services, hosts)
    return Job(full_policy=full_policy, policy=policy, slo=slo, plan=plan, source=source, target=target, hosts=hosts)


def _source(full_policy: Policy, inputs: Inputs, services: Services, hosts: HostRules) -> tuple[Target, RequestSource]:
    """Return the address of the service and the requests."""
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.commands.shared.load.load_source import prepare_latency, read_routing, read_target
    from ghmlops.commands.shared.load.request_source import RequestSource
    from ghmlops.core.load.redirects import RedirectRules
    from ghmlops.measure.requests.calls import read_calls

    policy, private = prepare_latency(full_policy, inputs, services)
    ca_file = str(input_path(services, policy.ca_file)) if policy.ca_file else ""
    target = read_target(inputs.url, "url", ca_file, hosts, read_routing(inputs, services))
    calls = read_calls(policy, lambda name: input_path(services, name), inputs.payloads)
    seed = 1 if inputs.seed is None else inputs.seed
    redirects = RedirectRules(hosts=hosts, ca_file=ca_file)
    return target, RequestSource(policy=policy, calls=calls, seed=seed, private=private, redirects=redirects)


def _plan(policy: Capacity, slo: Objectives, name: str) -> SearchPlan:
    from ghmlops.core.capacity.probe import probe_floor
    from ghmlops.core.capacity.search_state import SearchPlan
    from ghmlops.measure.load.load import MAX_REQUESTS, MAX_SECONDS

    if slo.empty:
        raise PolicyError(
            f"{name}: neither `capacity.slo` nor `latency.slo` names an objective, so no rate could fail",
            hint="add one: `capacity: {slo: {p99: 150ms, errors: 0.1%}}`",
        )
    floor = probe_floor(slo)
    if not floor:
        raise PolicyError(
            f"{name}: an objective of `errors: 0` cannot be shown by any sample, so no rate could pass",
            hint="allow a small share, for example `errors: 0.1%`",
        )
    plan = SearchPlan(
        start_rate=policy.start,
        max_rate=policy.most,
        probe_seconds=policy.probe,
        warmup=policy.warmup,
        resolution=policy.resolution,
        budget=policy.budget,
        sample_floor=floor,
        max_probe_requests=MAX_REQUESTS,
        max_probe_seconds=MAX_SECONDS,
    )
    seconds = plan.first_probe_seconds(plan.start_rate) + plan.warmup
    if seconds > min(plan.budget, plan.max_probe_seconds):
        raise PolicyError(
            f"{name}: the first probe needs {floor:,} requests, {seconds:.0f} s at {plan.start_rate:g}/s, and the "
            f"budget is {min(plan.budget, plan.max_probe_seconds):g} s",
            hint="raise `capacity.start` or `capacity.budget`, or require a lower percentile",
        )
    if plan.start_rate * seconds > plan.max_probe_requests:
        raise PolicyError(
            f"{name}: the first probe requires more than {plan.max_probe_requests:,} requests",
            hint="lower `capacity.start` or `capacity.probe`",
        )
    return plan
