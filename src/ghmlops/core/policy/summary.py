"""A human-readable summary of what a policy measures, one line per section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.policy.document import Policy
from ghmlops.core.quantities import format_duration

if TYPE_CHECKING:
    from ghmlops.core.policy.before_traffic.synthetic import Synthetic
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.policy.objectives import Objectives


def describe(policy: Policy) -> list[str]:
    """Return one line per measurement that the policy would run, and one for the gate."""
    lines = []
    if policy.paths:
        lines.append(f"paths: a pull request is measured if it changes {', '.join(policy.paths)}")
    if policy.preview:
        source = f"start `{policy.preview.command}`" if policy.preview.command else f"use {policy.preview.url}"
        lines.append(
            f"preview: {source}, ready at {policy.preview.ready} within {format_duration(policy.preview.timeout)}"
        )
    if policy.latency:
        lines.append(_latency(policy.latency))
    if capacity := policy.capacity:
        lines.append(
            f"capacity: from {capacity.start:g}/s to at most {capacity.most:g}/s, "
            f"probes of {format_duration(capacity.probe)}, within {format_duration(capacity.budget)}; "
            f"objectives: {describe_objectives(capacity.slo) if not capacity.slo.empty else 'those of `latency`'}"
        )
    if policy.synthetic:
        lines.append(_synthetic(policy.synthetic))
    if policy.latency:
        hosts = f", of these only {', '.join(policy.targets)} and the preview" if policy.targets else ""
        lines.append(f"load may be sent to: loopback, and the hosts of the input `allow-hosts`{hosts}")
    if regression := policy.regression:
        labels = ", ".join(t.label for t in regression.targets) or regression.label or "none"
        slices = ", ".join(" x ".join(columns) for columns in regression.slices) or "none"
        lines.append(
            f"regression: {regression.task}, key {', '.join(regression.key)}, label {labels}; "
            f"data sets: {', '.join(d.name for d in regression.datasets if d.name) or 'one'}; "
            f"slices: {slices}; windows: {regression.window or 'none'}; intent: {regression.intent}"
            + ("; `predict` makes the predictions of both commits" if regression.predict else "")
        )
    if shadow := policy.shadow:
        safe = ", ".join(("GET", "HEAD", "OPTIONS", *shadow.safe))
        logs = shadow.access_logs
        source = (
            f"logs {logs.live} and {logs.candidate}, joined by {logs.id}, sends nothing"
            if logs
            else f"{shadow.requests or shadow.har}, sends {safe} at most at {shadow.send.rate:g}/s"
        )
        twin = bool(logs.twin) if logs else shadow.twin
        lines.append(
            f"shadow: {source}; "
            f"expected: {shadow.expect}; coverage at least {shadow.coverage:.4g}; "
            f"{'with' if twin else 'without'} a twin of the baseline"
        )
    lines.append(
        f"gate: {policy.gate.environment} needs {', '.join(policy.required) or 'no evidence (and never passes)'}, "
        f"not older than {format_duration(policy.gate.max_age)}"
    )
    return lines


def _latency(latency: Latency) -> str:
    arrivals, margins = latency.arrivals, latency.margins
    requests = ", ".join(f"{r.method} {r.path.partition('?')[0]}" for r in latency.endpoints)
    options: list[str] = [latency.protocol] if latency.protocol != "http/1.1" else []
    options += [f"{latency.preset} of {latency.model}"] if latency.preset else []
    if arrivals.trace:
        demand = f"replay of {arrivals.trace.file} at {arrivals.trace.speed:g} times the recorded speed"
    else:
        rate = "at half of the knee" if arrivals.auto else f"{arrivals.rate:.4g}/s"
        demand = f"{arrivals.model} {rate} for {format_duration(arrivals.duration)}"
    limits = ", ".join(f"{name} {100 * m.fail:.3g} %/{100 * m.safe:.3g} %" for name, m in margins.items())
    suffix = f" ({', '.join(options)})" if options else ""
    return (
        f"latency: {requests}{suffix}, {demand} after {format_duration(arrivals.warmup)} of warm-up; "
        f"objectives: {describe_objectives(latency.slo)}; margins (fail/safe): {limits}"
    )


def _synthetic(synthetic: Synthetic) -> str:
    fields = {
        "absent": synthetic.absent,
        "invariant": synthetic.invariant,
        "monotone": synthetic.monotone,
        "rescaled": synthetic.rescaled,
        "assertions": synthetic.assertions,
    }
    declared = ", ".join(f"{name} {', '.join(paths)}" for name, paths in fields.items() if paths) or "none"
    return (
        f"synthetic: at most {synthetic.requests:,} generated requests within {format_duration(synthetic.budget)}; "
        f"expect: {synthetic.expect}; off: {', '.join(synthetic.off) or 'none'}; declared: {declared}"
        + (f"; Schemathesis on {synthetic.schemathesis.schema}" if synthetic.schemathesis else "")
    )


def describe_objectives(slo: Objectives) -> str:
    """Return the objectives on one line, or `none`."""
    groups = {
        "": slo.quantiles,
        "first token ": slo.first_token,
        "first output token ": slo.first_output_token,
        "token gap ": slo.token_gap,
    }
    limits = [
        f"{prefix}{name} <= {format_duration(limit)}"
        for prefix, quantiles in groups.items()
        for name, limit in quantiles.items()
    ]
    limits += [f"errors <= {slo.errors:.4g}"] if slo.errors is not None else []
    return ", ".join(limits) or "none"
