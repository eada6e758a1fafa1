"""`init` writes a commented starter policy; `check` validates a policy and prints what would run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Common, Doc, Result
from ghmlops.core.errors import InputError, PolicyError, nearest
from ghmlops.core.model import Outcome
from ghmlops.core.policy.document import Policy
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.quantities import show_duration

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.policy.objectives import Objectives

TASKS = ("init", "check")
MAX_POLICY_BYTES = 1 << 20


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `policy`."""

    task: Annotated[str, Doc(description="init or check.", extra={"positional": True})]


OUTPUTS = OUTCOME_OUTPUTS


def run(inputs: Inputs, services: Services) -> Result:
    """Run `policy init` or `policy check`.

    Raises:
        InputError: the task is not known, or `init` would overwrite a file.
        PolicyError: the policy is not valid.
    """
    path = services.cwd / inputs.policy
    if inputs.task == "init":
        return _init(path, inputs)
    if inputs.task == "check":
        policy = load_policy(path, inputs.policy)
        lines = describe(policy)
        return Result(
            outcome=Outcome.PASS,
            reason_code="policy-valid",
            reason=f"{inputs.policy} is a valid policy.",
            text="\n".join([f"{inputs.policy}: valid. It would run:", *(f"  {line}" for line in lines)]),
            data={"runs": lines, "policy": msgspec.to_builtins(policy)},
        )
    raise InputError(f'"{inputs.task}" is not a task of `policy`', hint=nearest(inputs.task, TASKS))


def load_policy(path: Path, shown: str) -> Policy:
    """Read the policy file at `path`, called `shown` in messages.

    Raises:
        PolicyError: it is missing, unreadable or invalid.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_POLICY_BYTES).decode()
    except FileNotFoundError:
        raise PolicyError(f"{shown}: no such file", hint="`ghmlops policy init` writes a starter policy") from None
    except OSError as error:
        raise PolicyError(f"{shown}: {error.strerror}", hint="name the policy file with --policy") from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"{shown}: not UTF-8 at byte {error.start}", hint="save the file as UTF-8 text") from None
    return read_policy(content, shown)


def _init(path: Path, inputs: Inputs) -> Result:
    from ghmlops.act.files import write_atomically

    starter = (Path(__file__).parent.parent / "starter.yml").read_text(encoding="utf-8")
    try:
        there = path.exists()
    except OSError as error:
        raise InputError(f"cannot write {inputs.policy[:80]}: {error.strerror}", hint="choose another path") from None
    if there:
        raise InputError(f"{inputs.policy} exists already", hint="edit it, or name another file with --policy")
    if inputs.dry_run:
        return Result(
            outcome=Outcome.PASS, reason_code="dry-run", reason=f"{inputs.policy} would be written.", text=starter
        )
    write_atomically(path, starter)
    return Result(
        outcome=Outcome.PASS,
        reason_code="policy-written",
        reason=f"{inputs.policy} was written.",
        text=f"wrote {inputs.policy}; edit it, then run `ghmlops policy check`",
        data={"policy_file": inputs.policy},
    )


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
