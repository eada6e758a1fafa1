"""What `ghmlops latency` is to do, read and checked before the first request is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import EvidenceError, InputError, PolicyError
from ghmlops.core.model import EVIDENCE_SCHEMA, Evidence, Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.commands.base import Services
    from ghmlops.commands.latency import Inputs
    from ghmlops.core.latency import Plan
    from ghmlops.core.policy import Latency, Request
    from ghmlops.measure.calls import Calls
    from ghmlops.measure.load.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a run needs, read and checked. `targets` is by arm, in the order of the slots."""

    policy: Latency
    seed: int
    plan: Plan
    targets: dict[str, Target]
    calls: Calls
    confirms: dict[str, Any]

    @property
    def order(self) -> NDArray[np.int64]:
        """For each scheduled request the place of its call."""
        from ghmlops.core.mix import order

        weights = [endpoint.weight for endpoint in self.policy.endpoints]
        return order(self.calls.places, weights, len(self.plan.times), self.plan.warmup, self.seed)


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy, the addresses, the payloads and the file to confirm.

    Raises:
        GhmlopsError: as `ghmlops.commands.latency.run`, but for services that cannot be reached.
    """
    from ghmlops.commands.policy import load_policy
    from ghmlops.measure.calls import read_calls
    from ghmlops.measure.load.target import parse_target

    policy = load_policy(services.cwd / inputs.policy, inputs.policy).latency
    if policy is None:
        raise PolicyError(f"{inputs.policy} has no section `latency`", hint="add one: `latency: {request: ...}`")
    targets = {"candidate": parse_target(inputs.url, "url")}
    if inputs.baseline_url:
        targets = {"baseline": parse_target(inputs.baseline_url, "baseline-url")} | targets
        if inputs.baseline_url.rstrip("/") == inputs.url.rstrip("/"):
            raise InputError(
                "`url` and `baseline-url` are the same address: the candidate would be compared with itself",
                hint="deploy the baseline at an address of its own",
            )
    elif policy.slo.empty:
        raise InputError(
            f"nothing could be judged: no `baseline-url` was given and {inputs.policy} has no `latency.slo`",
            hint="give --baseline-url, or objectives such as `slo: {p99: 150ms, errors: 0.1%}`",
        )
    seed = 1 if inputs.seed is None else inputs.seed
    plan = _plan(policy, seed, inputs, paired="baseline" in targets)
    confirms = _failed_run(inputs, services) if inputs.confirm else {}
    if confirms:  # a confirming run swaps the slots
        targets = dict(reversed(targets.items()))
    calls = read_calls(policy, services.cwd, inputs.payloads)
    return Job(policy=policy, seed=seed, plan=plan, targets=targets, calls=calls, confirms=confirms)


def shown_path(endpoint: Request) -> str:
    """Return the path without its query, which may hold a secret."""
    return endpoint.path.partition("?")[0]


def _plan(policy: Latency, seed: int, inputs: Inputs, *, paired: bool) -> Plan:
    from ghmlops.core.latency import make_plan
    from ghmlops.measure.load.engine import MAX_REQUESTS, MAX_SECONDS

    arrivals = policy.arrivals
    seconds = arrivals.warmup + arrivals.duration * (2 if paired else 1)
    if seconds > MAX_SECONDS:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` may take {seconds:.0f} s, more than {MAX_SECONDS:.0f}",
            hint="shorten `duration`",
        )
    if seconds * arrivals.rate > MAX_REQUESTS:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` asks for {seconds * arrivals.rate:,.0f} requests an arm, "
            f"more than {MAX_REQUESTS:,}",
            hint="lower the rate or the duration",
        )
    plan = make_plan(policy, seed, paired=paired)
    if not plan.planned:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` sends no request at all", hint="raise the rate or the duration"
        )
    return plan


def _failed_run(inputs: Inputs, services: Services) -> dict[str, Any]:
    """Read the evidence that this run is to confirm: which findings failed there."""
    import hashlib

    from ghmlops.commands.provenance import commit_under_test
    from ghmlops.measure.evidence import decode, read_bounded

    data = read_bounded(services.cwd / inputs.confirm)
    first = decode(data, Evidence, EVIDENCE_SCHEMA, inputs.confirm)
    failed = sorted(f.id for f in first.findings if f.outcome is Outcome.FAIL)
    if first.command != "latency" or not failed:
        raise EvidenceError(
            f"{inputs.confirm} is not the evidence of a failed `latency` run: there is nothing to confirm",
            hint="name the file of the run whose outcome was `fail`",
        )
    if first.provenance.head_sha != commit_under_test(services):
        raise EvidenceError(
            f"{inputs.confirm} was measured on commit {first.provenance.head_sha}, not on the one under test",
            hint="measure the same commit again",
        )
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "run_id": first.provenance.run_id,
        "started": first.provenance.started,
        "failed": failed,
    }
