"""Everything that `ghmlops capacity` needs, read and checked before the first request is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from ghmlops.commands.capacity.inputs import Inputs
    from ghmlops.commands.latency.measure import Source
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.capacity.search import Plan
    from ghmlops.core.policy.capacity import Capacity
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.objectives import Objectives
    from ghmlops.measure.load.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a search needs, read and checked. `whole` is the policy as written."""

    whole: Policy
    policy: Capacity
    slo: Objectives
    plan: Plan
    source: Source
    target: Target


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy, the address and the payloads.

    Raises:
        GhmlopsError: as `ghmlops.commands.capacity.command.run`, but for services that cannot be reached.
    """
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.policy.capacity import Capacity

    whole = load_policy(services.cwd / inputs.policy, inputs.policy)
    if whole.latency is None:
        raise PolicyError(
            f"{inputs.policy} has no section `latency`, which says what is requested",
            hint="add one: `latency: {request: ...}`",
        )
    policy = whole.capacity or Capacity()
    slo = whole.latency.slo if policy.slo.empty else policy.slo
    plan = _plan(policy, slo, inputs.policy)
    target, source = _source(whole, inputs, services)
    return Job(whole=whole, policy=policy, slo=slo, plan=plan, source=source, target=target)


def _source(whole: Policy, inputs: Inputs, services: Services) -> tuple[Target, Source]:
    """Return where requests go and what is sent."""
    from ghmlops.commands.latency.measure import Source
    from ghmlops.commands.shared.load_source import read_target, ready_latency
    from ghmlops.measure.requests.calls import read_calls

    policy = ready_latency(whole, inputs.policy, services)
    target = read_target(inputs.url, "url", whole, services)
    calls = read_calls(policy, services.cwd, inputs.payloads)
    return target, Source(policy=policy, calls=calls, seed=1 if inputs.seed is None else inputs.seed)


def _plan(policy: Capacity, slo: Objectives, shown: str) -> Plan:
    from ghmlops.core.capacity.probe import floor_of
    from ghmlops.core.capacity.search import Plan
    from ghmlops.measure.load.load import MAX_REQUESTS, MAX_SECONDS

    if slo.empty:
        raise PolicyError(
            f"{shown}: neither `capacity.slo` nor `latency.slo` names an objective, so no rate could fail",
            hint="add one: `capacity: {slo: {p99: 150ms, errors: 0.1%}}`",
        )
    floor = floor_of(slo)
    if not floor:
        raise PolicyError(
            f"{shown}: an objective of `errors: 0` cannot be shown by any sample, so no rate could pass",
            hint="allow a small share, for example `errors: 0.1%`",
        )
    plan = Plan(
        start=policy.start,
        most=policy.most,
        probe=policy.probe,
        warmup=policy.warmup,
        resolution=policy.resolution,
        budget=policy.budget,
        floor=floor,
        requests=MAX_REQUESTS,
        longest=MAX_SECONDS,
    )
    first = plan.base(plan.start) + plan.warmup
    if first > min(plan.budget, plan.longest):
        raise PolicyError(
            f"{shown}: the first probe needs {floor:,} requests, {first:.0f} s at {plan.start:g}/s, and the budget is "
            f"{min(plan.budget, plan.longest):g} s",
            hint="raise `capacity.start` or `capacity.budget`, or ask for a lower percentile",
        )
    if plan.start * (plan.base(plan.start) + plan.warmup) > plan.requests:
        raise PolicyError(
            f"{shown}: the first probe asks for more than {plan.requests:,} requests",
            hint="lower `capacity.start` or `capacity.probe`",
        )
    return plan
