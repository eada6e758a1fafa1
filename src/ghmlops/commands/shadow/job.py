"""Everything that `ghmlops shadow` needs, read and checked before the first request is sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.answers.walk import Aspect, Place
from ghmlops.core.details.shadow import ShadowDetails
from ghmlops.core.errors import EvidenceError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome
from ghmlops.core.shadow.outcome import Question
from ghmlops.core.shadow.recorded import Endpoint, dropped_credentials, endpoint_name, kept_headers, parse_endpoint
from ghmlops.core.verdict.confirmation import CONFIRM

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shadow.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.load.allowed_hosts import HostRules
    from ghmlops.core.policy.before_traffic.shadow import Shadow
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.shadow.recorded import Recorded
    from ghmlops.measure.load.target import Target
    from ghmlops.measure.shadow.recordings import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPlaces:
    """What a failed run has proven, which this run repeats.

    Attributes:
        digest: digest of its evidence.
        places: places that it has proven to differ.
        questions: rows that it has proven by asking again.
        slower: whether it has shown the candidate to be slower.
    """

    digest: str
    places: frozenset[tuple[str, Place]]
    questions: tuple[Question, ...]
    slower: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a run needs, read and checked.

    Attributes:
        policy: the section `shadow`.
        recording: the recorded requests.
        sendable: of these, the requests that may be sent, in order.
        names: name of the endpoint of each.
        headers: headers of each, as they are sent.
        refused: requests with an unsafe method, with the name of their endpoint.
        credentials: recorded headers with credentials that are not sent.
        targets: baseline, twin and candidate.
        hosts: the hosts that may be asked.
        confirms: the failed run that this one repeats; `None` for any other run.
        leg: leg of the evidence.
        seed: seed of the order in which the arms are asked.
    """

    policy: Shadow
    recording: Recording
    sendable: list[Recorded]
    names: list[str]
    headers: list[dict[str, str]]
    refused: list[tuple[Recorded, str]]
    credentials: int
    targets: dict[str, Target]
    hosts: HostRules
    confirms: FailedPlaces | None
    leg: str
    seed: int


def load_section(inputs: Inputs, services: Services) -> tuple[Policy, Shadow]:
    """Return the policy and its section, with everything that it and the policy of the base commit call private.

    Raises:
        PolicyError: The policy is invalid, or has no section `shadow`.
    """
    from ghmlops.commands.shared.input_paths import policy_path
    from ghmlops.commands.shared.policy_file import base_policy, load_policy

    policy = load_policy(policy_path(services, inputs.policy), inputs.policy)
    if policy.shadow is None:
        raise PolicyError(
            f"{inputs.policy} has no section `shadow`", hint="add one: `shadow: {requests: data/requests.parquet}`"
        )
    private = _private_names(policy, base_policy(inputs.policy, services))
    return policy, msgspec.structs.replace(policy.shadow, private=private)


def _private_names(*policies: Policy | None) -> tuple[str, ...]:
    """Return the names of private fields and columns: an answer may repeat a column of a prediction."""
    names: dict[str, None] = {}
    for policy in filter(None, policies):
        names |= dict.fromkeys(policy.shadow.private if policy.shadow else ())
        names |= dict.fromkeys(policy.regression.private_columns if policy.regression else ())
    return tuple(names)


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy, the addresses, the recording and the file to confirm.

    Raises:
        GhmlopsError: As `ghmlops.commands.shadow.command.run`, except for services that cannot be reached.
    """
    from ghmlops.commands.shared.load.load_source import read_host_rules
    from ghmlops.core.load.header_values import fill_headers, read_names

    full_policy, policy = load_section(inputs, services)
    own = fill_headers(policy.send.headers, services.environ, read_names(inputs.allow_env))
    hosts = read_host_rules(full_policy, inputs.allow_hosts)
    targets = _targets(inputs, services, full_policy, hosts)
    if not (policy.twin and inputs.twin_url):
        policy = msgspec.structs.replace(policy, twin=False)
    declared = [parse_endpoint(text) for text in policy.safe]
    recording = _read(inputs, services, policy, declared)
    sendable, names, refused = [], [], []
    for request in recording.requests:
        name, safe = endpoint_name(request.method, request.path, declared)
        if safe:
            sendable.append(request)
            names.append(name)
        else:
            refused.append((request, name))
    recorded_headers = policy.send.recorded_headers
    return Job(
        policy=policy,
        recording=recording,
        sendable=sendable,
        names=names,
        headers=[kept_headers(request.headers, recorded_headers, own) for request in sendable],
        refused=refused,
        credentials=sum(len(dropped_credentials(r.headers, recorded_headers)) for r in recording.requests),
        targets=targets,
        hosts=hosts,
        confirms=_failed_places(inputs, services) if inputs.confirm else None,
        leg=evidence_leg(inputs),
        seed=1 if inputs.seed is None else inputs.seed,
    )


def evidence_leg(inputs: Inputs) -> str:
    """Return the leg of the evidence."""
    return inputs.leg or (CONFIRM if inputs.confirm else "")


def _read(inputs: Inputs, services: Services, policy: Shadow, declared: list[Endpoint]) -> Recording:
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.measure.shadow.recordings import read_har, read_rows, read_traces

    name = inputs.requests or policy.har or policy.requests
    path: Path = services.cwd / name if inputs.requests else input_path(services, name)
    if path.is_dir():
        return read_traces(path, name)
    return read_har(path, name) if path.suffix.lower() == ".har" else read_rows(path, name, declared)


def _targets(inputs: Inputs, services: Services, policy: Policy, hosts: HostRules) -> dict[str, Target]:
    from ghmlops.commands.shared.baseline_file import ABSENT
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.commands.shared.load.load_source import read_routing, read_target

    sections = (policy.latency, policy.preview)
    name = next((section.ca_file for section in sections if section and section.ca_file), "")
    ca_file = str(input_path(services, name)) if name else ""
    routing = read_routing(inputs, services)
    if not inputs.url:
        raise InputError("there is no candidate to ask", hint="pass --url")
    if not inputs.baseline_url:
        raise InputError("there is no baseline to compare answers with", hint="pass --baseline-url", reason_code=ABSENT)
    addresses = {"baseline-url": inputs.baseline_url, "twin-url": inputs.twin_url or inputs.baseline_url}
    addresses["url"] = inputs.url
    read = {key: read_target(address, key, ca_file, hosts, routing) for key, address in addresses.items()}
    places = {key: (target.host, target.port, target.prefix) for key, target in read.items()}
    for other in ("baseline-url", "twin-url"):
        if places["url"] == places[other]:
            raise InputError(
                f"`url` and `{other}` are the same address: the candidate would be compared with itself",
                hint="deploy the baseline at a separate address",
            )
    if inputs.twin_url and places["twin-url"] == places["baseline-url"]:
        raise InputError(
            "`twin-url` and `baseline-url` are the same address", hint="start a second process, or omit `twin-url`"
        )
    return {"baseline": read["baseline-url"], "twin": read["twin-url"], "candidate": read["url"]}


def _failed_places(inputs: Inputs, services: Services) -> FailedPlaces:
    """Read the evidence of the failed run that this run repeats."""
    from ghmlops.commands.shared.provenance import local_commit
    from ghmlops.measure.evidence import decode, read_bounded

    data = read_bounded(services.cwd / inputs.confirm)
    first = decode(data, Evidence, EVIDENCE_SCHEMA, inputs.confirm)
    details = first.details
    failed = any(f.outcome is Outcome.FAIL for f in first.findings)
    if not isinstance(details, ShadowDetails) or not failed:
        raise EvidenceError(
            f"{inputs.confirm} is not the evidence of a failed `shadow` run: there is nothing to confirm",
            hint="name the file of the run whose outcome was `fail`",
        )
    if first.provenance.head_sha != local_commit(services):
        raise EvidenceError(
            f"{inputs.confirm} was measured on commit {first.provenance.head_sha}, not on the one under test",
            hint="measure the same commit again",
        )
    try:
        places = frozenset((p.endpoint, Place(p.path, Aspect(p.aspect))) for p in details.places if p.proven_by)
        questions = tuple(
            Question(p.endpoint, p.row, Place(p.path, Aspect(p.aspect))) for p in details.proofs if p.proven
        )
    except ValueError:
        raise EvidenceError(f"{inputs.confirm} names an unknown aspect", hint="measure again") from None
    slower = any(f.id == "shadow-latency" and f.outcome is Outcome.FAIL for f in first.findings)
    return FailedPlaces(digest=hashlib.sha256(data).hexdigest(), places=places, questions=questions, slower=slower)
