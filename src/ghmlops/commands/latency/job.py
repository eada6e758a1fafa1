"""What `ghmlops latency` is to do, read and checked before the first request is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.details.latency import FailedRun
from ghmlops.core.errors import EvidenceError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.evidence.verdict import CONFIRM
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.commands.latency.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.latency.stopping import Plan
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.load.target import Target
    from ghmlops.measure.requests.calls import Calls
    from ghmlops.measure.requests.trace import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a run needs, read and checked. `targets` is by arm, in the order of the slots.

    `whole` is the policy as written; `policy` its section `latency` as it is sent.
    """

    whole: Policy
    policy: Latency
    seed: int
    plan: Plan
    targets: dict[str, Target]
    calls: Calls
    confirms: FailedRun | None
    leg: str
    shard: tuple[int, int] | None = None
    start_at: float | None = None
    recorded: Recorded | None = None
    """Of a replay."""

    @property
    def order(self) -> NDArray[np.int64]:
        """For each scheduled request the place of its call; a shard's requests keep theirs of the whole schedule."""
        from ghmlops.core.load.request_order import assign_calls

        weights = [endpoint.weight for endpoint in self.policy.endpoints]
        n, warmup = _whole(self.plan)
        found = assign_calls(self.calls.places, weights, requests=n, warmup=warmup, seed=self.seed)
        return found[self.plan.part.indices] if self.plan.part else found

    @property
    def write_order(self) -> NDArray[np.uint8]:
        """Write order of each scheduled request; a shard's requests keep that of the total schedule."""
        from ghmlops.core.load.arrivals import write_order

        n, _ = _whole(self.plan)
        found = write_order(n, self.seed)
        return found[self.plan.part.indices] if self.plan.part else found


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy, the addresses, the payloads and the file to confirm.

    Raises:
        GhmlopsError: as `ghmlops.commands.latency.command.run`, but for services that cannot be reached.
    """
    from ghmlops.commands.shared.load_source import read_target, ready_latency
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.measure.requests.calls import read_calls

    whole = load_policy(services.cwd / inputs.policy, inputs.policy)
    policy = ready_latency(whole, inputs.policy, services)
    targets = {"candidate": read_target(inputs.url, "url", whole, services)}
    if inputs.baseline_url:
        targets = {"baseline": read_target(inputs.baseline_url, "baseline-url", whole, services)} | targets
        if len({(arm.host, arm.port, arm.prefix) for arm in targets.values()}) == 1:
            raise InputError(
                "`url` and `baseline-url` are the same address: the candidate would be compared with itself",
                hint="deploy the baseline at an address of its own",
            )
    elif policy.slo.empty:
        raise InputError(
            f"nothing could be judged: no `baseline-url` was given and {inputs.policy} has no `latency.slo`",
            hint="give --baseline-url, or objectives such as `slo: {p99: 150ms, errors: 0.1%}`",
        )
    seed = _seed(inputs)
    shard, start_at = _shard(inputs, services)
    recorded = _recorded(policy, services)
    plan = _plan(policy, inputs, paired="baseline" in targets, shard=shard, recorded=recorded)
    confirms = _failed_run(inputs, services) if inputs.confirm else None
    if confirms:  # a confirming run swaps the slots
        targets = dict(reversed(targets.items()))
    calls = read_calls(policy, services.cwd, inputs.payloads)
    return Job(
        whole=whole,
        policy=policy,
        seed=seed,
        plan=plan,
        targets=targets,
        calls=calls,
        confirms=confirms,
        leg=_leg(inputs, shard),
        shard=shard,
        start_at=start_at,
        recorded=recorded,
    )


def _recorded(policy: Latency, services: Services) -> Recorded | None:
    """Read the recording that is to be replayed, if there is one."""
    from ghmlops.measure.requests.trace import read_trace

    trace = policy.arrivals.trace
    if trace is None:
        return None
    return read_trace(services.cwd / trace.file, trace.file, trace, policy.arrivals.duration)


def _shard(inputs: Inputs, services: Services) -> tuple[tuple[int, int] | None, float | None]:
    from ghmlops.core.latency.shards.inputs import parse_shard, parse_start

    shard, start_at = parse_shard(inputs.shard), parse_start(inputs.start_at, services.now().timestamp())
    if shard and shard[1] > 1 and start_at is None:
        raise InputError(
            "input `shard` needs `start-at`: the shards of one schedule begin at one time",
            hint="give all of them the same, for example `--start-at $(($(date +%s) + 60))`",
        )
    return shard, start_at


def _whole(plan: Plan) -> tuple[int, int]:
    """Return how many requests the whole schedule has, and how many of them warm up."""
    return (plan.part.total, plan.part.warmup) if plan.part else (len(plan.times), plan.warmup)


def _leg(inputs: Inputs, shard: tuple[int, int] | None) -> str:
    """Return the leg of the evidence; a confirming run and a shard have a part of their own in it."""
    from ghmlops.core.latency.shards.inputs import shard_leg

    leg = inputs.leg or (CONFIRM if inputs.confirm else "")
    return shard_leg(leg, *shard) if shard else leg


def _seed(inputs: Inputs) -> int:
    return 1 if inputs.seed is None else inputs.seed


def _plan(
    policy: Latency,
    inputs: Inputs,
    *,
    paired: bool,
    shard: tuple[int, int] | None,
    recorded: Recorded | None,
) -> Plan:
    from ghmlops.core.latency.stopping import make_plan
    from ghmlops.measure.load.load import MAX_REQUESTS, MAX_SECONDS

    arrivals = policy.arrivals
    seconds = arrivals.warmup + arrivals.duration * (2 if paired and not (shard or arrivals.shaped) else 1)
    part = shard[1] if shard else 1
    if seconds > MAX_SECONDS:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` may take {seconds:.0f} s, more than {MAX_SECONDS:.0f}",
            hint="shorten `duration`",
        )
    if seconds * arrivals.rate / part > MAX_REQUESTS:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` asks for {seconds * arrivals.rate / part:,.0f} requests an arm, "
            f"more than {MAX_REQUESTS:,}",
            hint="lower the rate or the duration",
        )
    trace = recorded.times if recorded else None
    plan = make_plan(policy, _seed(inputs), paired=paired, trace=trace, shard=shard)
    if not plan.planned and part > 1:
        raise InputError(f"input `shard`: shard {inputs.shard} has no request to send", hint="use fewer shards")
    if not plan.planned:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` sends no request at all", hint="raise the rate or the duration"
        )
    return plan


def _failed_run(inputs: Inputs, services: Services) -> FailedRun:
    """Read the evidence that this run is to confirm: which findings failed there."""
    import hashlib

    from ghmlops.commands.shared.provenance import commit_under_test
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
    return FailedRun(
        sha256=hashlib.sha256(data).hexdigest(),
        run_id=first.provenance.run_id,
        started=first.provenance.started,
        failed=failed,
    )
