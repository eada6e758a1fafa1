"""Describes in lines what a policy measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.policy.document import Policy
from ghmlops.core.quantities import show_duration

if TYPE_CHECKING:
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.policy.objectives import Objectives


def describe(policy: Policy) -> list[str]:
    """Return one line for each thing that the policy would run."""
    lines = []
    if policy.preview:
        source = f"start `{policy.preview.command}`" if policy.preview.command else f"use {policy.preview.url}"
        lines.append(
            f"preview: {source}, ready at {policy.preview.ready} within {show_duration(policy.preview.timeout)}"
        )
    if policy.latency:
        lines.append(_latency(policy.latency))
    if capacity := policy.capacity:
        lines.append(
            f"capacity: from {capacity.start:g}/s to at most {capacity.most:g}/s, "
            f"probes of {show_duration(capacity.probe)}, within {show_duration(capacity.budget)}; "
            f"objectives: {describe_objectives(capacity.slo) if not capacity.slo.empty else 'those of latency'}"
        )
    if policy.latency:
        hosts = ", ".join(policy.targets)
        lines.append(f"load may go to: loopback, the preview's own host{', ' + hosts if hosts else ''}")
    if regression := policy.regression:
        where = ", ".join(" x ".join(s) for s in regression.slices) or "none"
        lines.append(
            f"regression: {regression.task}, key {', '.join(regression.key)}, label {regression.label or 'none'}; "
            f"data sets: {', '.join(d.name for d in regression.datasets if d.name) or 'one'}; "
            f"slices: {where}; windows: {regression.window or 'none'}; intent: {regression.intent}"
        )
    lines.append(
        f"gate: {policy.gate.environment} needs {', '.join(policy.required) or 'nothing (and so never passes)'}, "
        f"not older than {show_duration(policy.gate.max_age)}"
    )
    return lines


def _latency(latency: Latency) -> str:
    arrivals, margins = latency.arrivals, latency.margins
    requests = ", ".join(f"{r.method} {r.path.partition('?')[0]}" for r in latency.endpoints)
    how: list[str] = [latency.protocol] if latency.protocol != "http/1.1" else []
    how += [f"{latency.preset} of {latency.model}"] if latency.preset else []
    if arrivals.trace:
        demand = f"replay of {arrivals.trace.file} at {arrivals.trace.speed:g} times its speed"
    else:
        demand = f"{arrivals.model} {arrivals.rate:.4g}/s for {show_duration(arrivals.duration)}"
    limits = ", ".join(f"{name} {m.fail:.3g}/{m.safe:.3g}" for name, m in margins.items())
    special = f" ({', '.join(how)})" if how else ""
    return (
        f"latency: {requests}{special}, {demand} after {show_duration(arrivals.warmup)} of warm-up; "
        f"objectives: {describe_objectives(latency.slo)}; margins (fail/safe): {limits}"
    )


def describe_objectives(slo: Objectives) -> str:
    """Return the objectives on one line; `none` where there are none."""
    named = {"": slo.quantiles, "first token ": slo.first_token, "token gap ": slo.token_gap}
    limits = [
        f"{what}{name} <= {show_duration(limit)}" for what, limits in named.items() for name, limit in limits.items()
    ]
    limits += [f"errors <= {slo.errors:.4g}"] if slo.errors is not None else []
    return ", ".join(limits) or "none"
