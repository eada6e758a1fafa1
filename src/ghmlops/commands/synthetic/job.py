"""Everything that `ghmlops synthetic` needs, read and checked before the first request is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import DataError, EvidenceError, InputError, PolicyError, nearest
from ghmlops.core.model import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.synthetic.inputs import Inputs
    from ghmlops.commands.synthetic.plan import EndpointPlan
    from ghmlops.core.load.allowed_hosts import HostRules
    from ghmlops.core.policy.before_traffic.synthetic import Synthetic
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.synthetic.rows.generate import Source
    from ghmlops.core.synthetic.saved_case import SavedCase
    from ghmlops.measure.load.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a run needs, read and checked.

    Attributes:
        policy: section `synthetic`.
        latency: section `latency` as it is sent: the requests.
        targets: address of each arm.
        hosts: the hosts that may be loaded.
        seed: seed of the rows and of the order of the arms.
        plans: what is sent to each endpoint; empty for a replay.
        cases: saved failures that are asked again.
        replayed: name of the file whose cases are replayed in place of generated rows; empty for none.
        private: whether a header contains the value of a variable, so that answers are not quoted.
        fingerprints: `sha256:<hex>` of each payload file.
        not_measured: endpoints that cannot be measured.
        file: name of the policy file.
    """

    policy: Synthetic
    latency: Latency
    targets: Mapping[str, Target]
    hosts: HostRules
    seed: int
    plans: Sequence[EndpointPlan]
    cases: Sequence[SavedCase]
    replayed: str = ""
    private: bool = False
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    not_measured: Sequence[NotMeasured] = ()
    file: str = ""

    @property
    def described(self) -> bool:
        """Whether Schemathesis runs: the policy says so, and no saved failures are replayed."""
        return self.policy.schemathesis is not None and not self.replayed

    @property
    def compared(self) -> bool:
        """Whether there is a baseline."""
        return "baseline" in self.targets


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy, the addresses, the payloads and the saved cases.

    Raises:
        GhmlopsError: As `ghmlops.commands.synthetic.command.run`, except for services that cannot be reached.
    """
    from ghmlops.commands.shared.input_paths import policy_path
    from ghmlops.commands.shared.load.load_source import prepare_latency, read_host_rules
    from ghmlops.commands.shared.policy_file import load_policy

    full_policy = load_policy(policy_path(services, inputs.policy), inputs.policy)
    policy = full_policy.synthetic
    if policy is None and not inputs.replay:
        raise PolicyError(f"{inputs.policy} has no section `synthetic`", hint="add one: `synthetic: {}`")
    policy = policy or _defaults()
    latency, private = prepare_latency(full_policy, inputs, services)
    if latency.protocol != "http/1.1":
        raise PolicyError(
            f"{inputs.policy}: `latency.protocol` is {latency.protocol}, and `synthetic` sends HTTP/1.1 only",
            hint="if the service speaks HTTP/1.1 too, name a policy of its own with --policy",
        )
    if inputs.confirm:
        _check_failed_run(inputs, services)
    hosts = read_host_rules(full_policy, inputs.allow_hosts)
    targets = _targets(inputs, services, full_policy, hosts)
    seed = 1 if inputs.seed is None else inputs.seed
    cases = _cases(policy, inputs, services, latency)
    plans, fingerprints, left_out = list[Any](), dict[str, str](), list[NotMeasured]()
    if not inputs.replay:
        plans, fingerprints, left_out = _plans(policy, latency, inputs, services, (len(targets), seed))
    return Job(
        policy=policy,
        latency=latency,
        targets=targets,
        hosts=hosts,
        seed=seed,
        plans=plans,
        cases=cases,
        replayed=inputs.replay,
        private=private,
        fingerprints=fingerprints,
        not_measured=left_out,
        file=inputs.policy,
    )


def _check_failed_run(inputs: Inputs, services: Services) -> None:
    """Check that the run to confirm is a failed one of this command.

    Raises:
        EvidenceError: It is not.
    """
    from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
    from ghmlops.core.model import Outcome
    from ghmlops.measure.evidence import decode, read_bounded

    first = decode(read_bounded(services.cwd / inputs.confirm), Evidence, EVIDENCE_SCHEMA, inputs.confirm)
    if first.command != "synthetic" or not any(finding.outcome is Outcome.FAIL for finding in first.findings):
        raise EvidenceError(
            f"{inputs.confirm} is not the evidence of a failed `synthetic` run: there is nothing to confirm",
            hint="name the file of the run whose outcome was `fail`",
        )


def _defaults() -> Synthetic:
    from ghmlops.core.policy.before_traffic.synthetic import Synthetic

    return Synthetic()


def _targets(inputs: Inputs, services: Services, policy: Policy, hosts: HostRules) -> dict[str, Target]:
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


def _cases(policy: Synthetic, inputs: Inputs, services: Services, latency: Latency) -> list[SavedCase]:
    """Read the file to replay, or the files of the policy.

    Raises:
        DataError: A file is not a file of cases, or names an endpoint that the policy does not have.
    """
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.core.synthetic.saved_case import MAX_BYTES, read

    cases: list[SavedCase] = []
    for name in (inputs.replay,) if inputs.replay else policy.cases:
        path = services.cwd / name if inputs.replay else input_path(services, name)
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise DataError(f"{name}: {error.strerror}", hint="name a file of saved cases") from None
        if len(data) > MAX_BYTES:
            raise DataError(f"{name}: larger than {MAX_BYTES} bytes", hint="keep the cases that matter")
        cases += read(data, name)
    endpoints = range(len(latency.endpoints))
    for case in cases:
        if any(message.endpoint not in endpoints for message in case.messages):
            raise DataError(
                f"a saved case of {case.endpoint[:80]} asks an endpoint that {inputs.policy} does not have",
                hint="remove the case, or restore the endpoint",
            )
    return cases


def _plans(
    policy: Synthetic, latency: Latency, inputs: Inputs, services: Services, run: tuple[int, int]
) -> tuple[list[EndpointPlan], dict[str, str], list[NotMeasured]]:
    """Read the payloads of each endpoint and plan its requests; `run` is the number of arms and the seed."""
    from ghmlops.commands.synthetic.plan import plan_endpoint
    from ghmlops.commands.synthetic.source import read_source

    sources: dict[int, Source] = {}
    fingerprints: dict[str, str] = {}
    left_out: list[NotMeasured] = []
    for number, endpoint in enumerate(latency.endpoints):
        name = f"{endpoint.method} {endpoint.public_path}"
        file = inputs.payloads or policy.payloads or endpoint.payloads or latency.payloads
        if not file:
            left_out.append(NotMeasured(what=name, why="it has no payload file from which rows could be generated"))
            continue
        place = (file, endpoint.method, endpoint.public_path)
        sources[number], fingerprints[file] = read_source(policy, services, place, run[1])
    if not sources:
        raise InputError(
            "no endpoint has a payload file, from which rows are generated",
            hint="pass --payloads, or set `synthetic.from` in the policy",
        )
    _check_paths(policy, inputs.policy)
    _check_fields(policy, list(sources.values()), inputs.policy)
    arms, seed = run
    share = policy.requests // len(sources)
    return (
        [plan_endpoint(policy, latency, (number, source), (arms, seed, share)) for number, source in sources.items()],
        fingerprints,
        left_out,
    )


def _check_paths(policy: Synthetic, file: str) -> None:
    """Check the paths of the policy that need not be in a payload.

    Raises:
        PolicyError: One is no path.
    """
    from ghmlops.core.synthetic.rows.fields import check_path

    rescaled = policy.rescaled.values()
    declared = {
        "score": (policy.score,),
        "assert": policy.assertions,
        "relations.rescaled": [path for rule in rescaled for path in (rule.rename, *rule.set)],
    }
    for key, paths in declared.items():
        for path in filter(None, paths):
            try:
                check_path(path)
            except ValueError as error:
                raise PolicyError(f"{file}: `synthetic.{key}`: {error}", hint="correct the path") from None


def _check_fields(policy: Synthetic, sources: Sequence[Source], file: str) -> None:
    """Check that every field that the policy names is in a payload.

    Raises:
        PolicyError: One is not.
    """
    profiled = list(dict.fromkeys(path for source in sources for path in source.profile.fields))
    declared = {
        "private": policy.private,
        "ranges": policy.ranges,
        "relations.absent": policy.absent,
        "relations.invariant": policy.invariant,
        "relations.monotone": policy.monotone,
        "relations.rescaled": policy.rescaled,
    }
    for key, paths in declared.items():
        for path in paths:
            if path not in profiled:
                raise PolicyError(
                    f"{file}: `synthetic.{key}` names the field `{path}`, which no payload has",
                    hint=nearest(path, tuple(profiled[:100])),
                )
