"""A request in the workflow that it started: whether it is still to be carried out, and the paired verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec

from ghmlops.commands.gate.job import own_run
from ghmlops.commands.history.record_file import leave_record, record_origin
from ghmlops.commands.shared.base import Result
from ghmlops.commands.shared.policy_file import history_policies, load_policy
from ghmlops.commands.watch.job import read_service_history
from ghmlops.commands.watch.proof import problem_of
from ghmlops.commands.watch.replaced import newer_deployment
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError
from ghmlops.core.history.record import ConfirmationRecord
from ghmlops.core.incidents.accuracy import undoing
from ghmlops.core.incidents.requests import read_alarm, request_of
from ghmlops.core.incidents.standing import State, last_good, standing_of, verdict_of
from ghmlops.core.model import Outcome
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.rules import policy_rules
from ghmlops.core.watch.incident import Incident, StepKind
from ghmlops.measure import checkout
from ghmlops.report.formats import terminal
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.history.reading import Stored
    from ghmlops.core.policy.document import Policy

EMPTY_OUTPUTS = {
    "evidence-file": "",
    "alarms": "",
    "suspect": "",
    "states": "",
    "proceed": "",
    "verdict-file": "",
    "record-file": "",
}


class Request(NamedTuple):
    """A request whose id follows from what it is about."""

    kind: StepKind
    policy: Policy
    incident: Incident


def claim(inputs: Inputs, services: Services) -> Result:
    """Say whether the request of this run is still to be carried out: not done yet, and for an action, still right.

    Between the start of an action and its turn, a person may have decided otherwise, or deployed another commit. The
    verdict of an action is read from the run that measured it: a record in the history alone undoes nothing.

    The runs of one request wait for each other by the `concurrency` of their workflow, so that the second one finds
    what the first one left in the history.

    Raises:
        InputError: The id is not that of these inputs, or the history does not count; in spite of a single damaged
            record, traffic returns, and nothing is reverted.
        PolicyError: The policy is invalid.
        GitError: The remote cannot be reached.
        GitHubError: The verdict of an action cannot be read, or the deployments with `github-deployments: true`.
    """
    request = _request(inputs, services)
    history = read_service_history(inputs, services, request.policy, services.now().timestamp())
    if history.problem and not (history.is_partial and request.kind == "rollback"):
        raise InputError(
            f"a request cannot be claimed without the history: {history.problem}",
            hint="the history has what was done already; see actions/history/README.md",
        )
    code, reason = _state(inputs, request, history.records)
    if history.problem:
        services.console.note(f"the traffic returns although a record may forbid it: {history.problem}")
        reason = f"{reason} Not every record could be read: {history.problem}"
    if code == "claimed" and request.kind != "confirm" and _is_frozen(inputs, services, request.policy):
        code, reason = State.FROZEN.value, "The default branch has the freeze file, so nothing is undone."
    if code == "claimed" and request.kind != "confirm":
        code, reason = _look_at_github(inputs, services, request, history.records, reason)
    verdict = verdict_of(request.incident, history.records) if request.kind != "confirm" else None
    if code == "claimed" and verdict and (problem := problem_of(inputs, services, request.policy, verdict)):
        code, reason = "verdict-unproven", f"The confirmed failure is not proven, so nothing is undone: {problem}."
    return Result(
        outcome=Outcome.PASS,
        reason_code=code,
        reason=reason,
        outputs=EMPTY_OUTPUTS | {"proceed": str(code == "claimed").lower()},
        text=terminal.block([reason]),
        data={"proceed": code == "claimed", "kind": request.kind},
        exit_code=0,
    )


def _look_at_github(
    inputs: Inputs, services: Services, request: Request, records: list[Stored], reason: str
) -> tuple[str, str]:
    """Return code and reason of a claim that nothing in the history speaks against."""
    replaced, unknown = newer_deployment(inputs, services, request.policy.watch, request.incident, records)
    if replaced:
        return replaced[0].value, replaced[1]
    if unknown:
        reason = f"{reason} Whether GitHub knows a newer deployment was not measured: {unknown}."
    return "claimed", reason


def _is_frozen(inputs: Inputs, services: Services, policy: Policy) -> bool:
    from ghmlops.act.git import limits, open_repository

    file = policy.watch.limits.freeze_file if policy.watch else ""
    git = open_repository(services.cwd, services.environ)
    return bool(file) and limits.is_frozen(git, remote=inputs.remote, token=inputs.token, file=file)


def _state(inputs: Inputs, request: Request, records: list[Stored]) -> tuple[str, str]:
    verdicts = [
        stored.record
        for stored in records
        if isinstance(stored.record, ConfirmationRecord)
        and (stored.record.commit, stored.record.base_sha) == (inputs.commit, inputs.base)
    ]
    if request.kind == "confirm":
        if any(verdict.request == inputs.request for verdict in verdicts):
            return "already-concluded", "The history has the paired verdict of this request."
        return "claimed", "The paired verdict is to be measured."
    if not any(verdict.is_confirmed for verdict in verdicts[-1:]):
        return "not-confirmed", "The history has no confirmed failure of these commits, so nothing is undone."
    last = max(index for index, stored in enumerate(records) if stored.record in verdicts)
    if any(inputs.commit in undoing(stored.record) for stored in records[last:]):
        return "already-undone", "The deployment was undone already."
    return _decided_meanwhile(request, records) or ("claimed", f"The {request.kind} is to be carried out.")


def _decided_meanwhile(request: Request, records: list[Stored]) -> tuple[str, str] | None:
    """Return what speaks against an action since it was started."""
    incident = request.incident
    if (standing := standing_of(incident, records)) is not None:
        return standing[0].value, standing[1]
    if last_good(records, incident.commit) != incident.base:
        return "other-base", f"{incident.base[:12]} is no longer the last good deployment before the commit."
    return None


def conclude(inputs: Inputs, services: Services) -> Result:
    """Merge the evidence of this run into the paired verdict, and leave it and its record as files.

    Raises:
        InputError: The id is not that of these inputs.
        PolicyError: The policy is invalid.
    """
    from ghmlops.act.evidence import encode, verdict_digest
    from ghmlops.act.files import write_atomically
    from ghmlops.commands.shared.evidence_folder import read_evidence_folder

    request = _request(inputs, services)
    policy, incident = request.policy, request.incident
    rules = policy_rules(
        policy,
        commit=inputs.commit,
        now=services.now(),
        repository=services.context.repository or checkout.repository_name(services.cwd),
        policy=checkout.fingerprint(services.cwd / inputs.policy),
        policies=history_policies(inputs.commit, inputs.policy, services),
        base_sha=inputs.base,
        run=own_run(services),
        strict=services.context.in_actions,
    )
    files, _ = read_evidence_folder(services.cwd / inputs.evidence_dir, inputs.evidence_dir)
    verdict = _paired(merge(files, rules, service=policy.service, environment=incident.environment), files, inputs.base)
    record = ConfirmationRecord(
        **record_origin(services)._asdict(),
        service=policy.service,
        environment=incident.environment,
        commit=inputs.commit,
        request=inputs.request,
        alarm=inputs.alarm,
        base_sha=inputs.base,
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=verdict.reason[:1000],
        confirmed=tuple(verdict.confirmed),
        verdict_sha256=verdict_digest(verdict),
    )
    outputs = {"verdict-file": "", "record-file": ""}
    if not inputs.dry_run:
        write_atomically(services.cwd / inputs.verdict_file, encode(verdict))
        outputs = {
            "verdict-file": inputs.verdict_file,
            "record-file": leave_record(inputs.record_file, record, services),
        }
    state = "confirmed" if record.is_confirmed else "not confirmed"
    reason = f"The alarm {inputs.alarm} is {state}: {verdict.outcome.value}, {verdict.reason}"
    return Result(
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=reason,
        outputs=EMPTY_OUTPUTS | outputs,
        text=terminal.block([printable(reason)]),
        data={"confirmed": record.is_confirmed},
        exit_code=0,  # The run did what it was started for, whatever the verdict is.
    )


def _paired(verdict: Verdict, files: Sequence[Loaded], base: str) -> Verdict:
    """Return the verdict with those confirmed failures that a comparison with the base shows, and no others."""
    origins = [(file.evidence.command, file.evidence.provenance.base_sha) for file in files if file.evidence]
    is_foreign = any(other not in ("", base) for _, other in origins)
    confirmed = [] if is_foreign else [c for c in verdict.confirmed if (c.partition(":")[0], base) in origins]
    return msgspec.structs.replace(verdict, confirmed=confirmed)


def _request(inputs: Inputs, services: Services) -> Request:
    for name in ("commit", "base"):
        if not is_sha(getattr(inputs, name)):
            raise InputError(
                f'input `{name}`: expected a full SHA of 40 characters, got "{printable(getattr(inputs, name)[:80])}"',
                hint="pass the inputs with which the workflow was started",
            )
    try:
        alarm = read_alarm(inputs.alarm, inputs.commit)
    except ValueError:
        raise InputError(
            f'input `alarm`: expected METRIC@ONSET, got "{printable(inputs.alarm[:80])}"',
            hint="pass the inputs with which the workflow was started",
        ) from None
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    environment = inputs.environment or policy.gate.environment
    incident = Incident(policy.service, environment, inputs.commit, inputs.base, (alarm,))
    for kind in get_args(StepKind):
        if request_of(incident, kind) == inputs.request:
            return Request(kind, policy, incident)
    raise InputError(
        f'input `request`: "{printable(inputs.request[:40])}" is not the request of these commits',
        hint="pass the inputs with which the workflow was started, and the policy and environment of `watch`",
    )
