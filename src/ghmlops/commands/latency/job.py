"""Everything that `ghmlops latency` needs, read and checked before the first request is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.details.latency import FailedRun
from ghmlops.core.errors import EvidenceError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome
from ghmlops.core.verdict.confirmation import CONFIRM

if TYPE_CHECKING:
    from ghmlops.commands.latency.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.load.request_source import RequestSource
    from ghmlops.core.details.load_runs import RateSearch
    from ghmlops.core.latency.stopping import Plan
    from ghmlops.core.load.allowed_hosts import HostRules
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.latency import Latency
    from ghmlops.measure.load.target import Target
    from ghmlops.measure.requests.trace import ArrivalTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a run needs, read and checked.

    Attributes:
        full_policy: the policy as written.
        source: the requests; its `policy` is the section `latency` as it is sent.
        plan: the schedule, and how far it may be extended.
        targets: address of each arm, in the order of the slots.
        hosts: the hosts that may be loaded.
        confirms: the failed run that this one repeats; `None` for any other run.
        leg: leg of the evidence.
        shard: number of the shard, and number of shards; `None` for a run that is not sharded.
        start_at: common start of all shards, in seconds of the Unix epoch.
        recorded: the recording to replay; `None` for generated demand.
        rate_search: how `rate: auto` was determined; `None` if the policy states the rate.
    """

    full_policy: Policy
    source: RequestSource
    plan: Plan
    targets: dict[str, Target]
    hosts: HostRules
    confirms: FailedRun | None
    leg: str
    shard: tuple[int, int] | None = None
    start_at: float | None = None
    recorded: ArrivalTrace | None = None
    rate_search: RateSearch | None = None

    @property
    def policy(self) -> Latency:
        """The section `latency` as it is sent."""
        return self.source.policy


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy, the addresses, the payloads and the file to confirm.

    Raises:
        GhmlopsError: As `ghmlops.commands.latency.command.run`, except for services that cannot be reached.
    """
    from ghmlops.commands.shared.input_paths import input_path, policy_path
    from ghmlops.commands.shared.load.load_source import prepare_latency, read_host_rules
    from ghmlops.commands.shared.load.request_source import RequestSource
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.load.redirects import RedirectRules
    from ghmlops.measure.requests.calls import read_calls

    full_policy = load_policy(policy_path(services, inputs.policy), inputs.policy)
    policy, private = prepare_latency(full_policy, inputs, services)
    hosts = read_host_rules(full_policy, inputs.allow_hosts)
    targets = _targets(inputs, services, full_policy, hosts)
    if "baseline" not in targets and policy.slo.empty:
        raise InputError(
            f"nothing could be judged: no `baseline-url` was passed and {inputs.policy} has no `latency.slo`",
            hint="pass --baseline-url, or add objectives such as `slo: {p99: 150ms, errors: 0.1%}`",
        )
    shard, start_at = _shard(inputs, services)
    if shard and policy.arrivals.auto:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` has the rate `auto`, which shards cannot determine together",
            hint="state the rate: `{poisson: 200/s, duration: 60s}`",
        )
    recorded = _recorded(policy, services)
    plan = make_run_plan(policy, inputs, paired="baseline" in targets, shard=shard, recorded=recorded)
    confirms = _failed_run(inputs, services) if inputs.confirm else None
    if confirms:  # A confirming run swaps the slots.
        targets = dict(reversed(targets.items()))
    calls = read_calls(policy, lambda name: input_path(services, name), inputs.payloads)
    ca_file = str(input_path(services, policy.ca_file)) if policy.ca_file else ""
    redirects = RedirectRules(hosts=hosts, ca_file=ca_file)
    return Job(
        full_policy=full_policy,
        source=RequestSource(policy=policy, calls=calls, seed=_seed(inputs), private=private, redirects=redirects),
        plan=plan,
        targets=targets,
        hosts=hosts,
        confirms=confirms,
        leg=evidence_leg(inputs),
        shard=shard,
        start_at=start_at,
        recorded=recorded,
    )


def _targets(inputs: Inputs, services: Services, policy: Policy, hosts: HostRules) -> dict[str, Target]:
    """Return the address of each arm, in the order of the slots."""
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.commands.shared.load.load_source import read_routing, read_target

    name = policy.latency.ca_file if policy.latency else ""
    ca_file = str(input_path(services, name)) if name else ""
    routing = read_routing(inputs, services)
    candidate = read_target(inputs.url, "url", ca_file, hosts, routing)
    if not inputs.baseline_url:
        return {"candidate": candidate}
    baseline = read_target(inputs.baseline_url, "baseline-url", ca_file, hosts, routing)
    if (baseline.host, baseline.port, baseline.prefix) == (candidate.host, candidate.port, candidate.prefix):
        raise InputError(
            "`url` and `baseline-url` are the same address: the candidate would be compared with itself",
            hint="deploy the baseline at a separate address",
        )
    return {"baseline": baseline, "candidate": candidate}


def _recorded(policy: Latency, services: Services) -> ArrivalTrace | None:
    """Read the recording to replay, if the policy names one."""
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.measure.requests.trace import read_trace

    trace = policy.arrivals.trace
    if trace is None:
        return None
    return read_trace(input_path(services, trace.file), trace.file, trace, policy.arrivals.duration)


def _shard(inputs: Inputs, services: Services) -> tuple[tuple[int, int] | None, float | None]:
    from ghmlops.core.latency.shards.inputs import parse_shard, parse_start

    shard, start_at = parse_shard(inputs.shard), parse_start(inputs.start_at, services.now().timestamp())
    if shard and shard[1] > 1 and start_at is None:
        raise InputError(
            "input `shard` needs `start-at`: the shards of one schedule start at the same time",
            hint="pass the same value to all of them, for example `--start-at $(($(date +%s) + 60))`",
        )
    return shard, start_at


def evidence_leg(inputs: Inputs) -> str:
    """Return the leg of the evidence; a confirming run and a shard append their part.

    Raises:
        InputError: The input `shard` is malformed.
    """
    from ghmlops.core.latency.shards.inputs import parse_shard, shard_leg

    leg, shard = inputs.leg or (CONFIRM if inputs.confirm else ""), parse_shard(inputs.shard)
    return shard_leg(leg, *shard) if shard else leg


def _seed(inputs: Inputs) -> int:
    return 1 if inputs.seed is None else inputs.seed


def make_run_plan(
    policy: Latency,
    inputs: Inputs,
    *,
    paired: bool,
    shard: tuple[int, int] | None,
    recorded: ArrivalTrace | None,
) -> Plan:
    """Return the plan of a run, within the hard limits.

    Raises:
        InputError: The shard has no request to send.
        PolicyError: The policy requires more than the hard limits, or no request.
    """
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
            f"{inputs.policy}: `latency.arrivals` requires {seconds * arrivals.rate / part:,.0f} requests per arm, "
            f"more than {MAX_REQUESTS:,}",
            hint="lower the rate or the duration",
        )
    trace = recorded.times if recorded else None
    plan = make_plan(policy, _seed(inputs), paired=paired, trace=trace, shard=shard)
    if not plan.planned and part > 1:
        raise InputError(f"input `shard`: shard {inputs.shard} has no request to send", hint="use fewer shards")
    if not plan.planned:
        raise PolicyError(
            f"{inputs.policy}: `latency.arrivals` sends no request", hint="raise the rate or the duration"
        )
    return plan


def _failed_run(inputs: Inputs, services: Services) -> FailedRun:
    """Read the evidence of the failed run that this run repeats."""
    import hashlib

    from ghmlops.commands.shared.provenance import local_commit
    from ghmlops.measure.evidence import decode, read_bounded

    data = read_bounded(services.cwd / inputs.confirm)
    first = decode(data, Evidence, EVIDENCE_SCHEMA, inputs.confirm)
    failed = sorted(f.id for f in first.findings if f.outcome is Outcome.FAIL)
    if first.command != "latency" or not failed:
        raise EvidenceError(
            f"{inputs.confirm} is not the evidence of a failed `latency` run: there is nothing to confirm",
            hint="name the file of the run whose outcome was `fail`",
        )
    if first.provenance.head_sha != local_commit(services):
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
