"""Merges evidence into a verdict for one exact commit, and records the deployment with its statuses on GitHub."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.act.evidence import encode, verdict_digest
from ghmlops.act.files import write_atomically
from ghmlops.commands.gate.announcement import comment_decision, decision_text, hold_alert
from ghmlops.commands.gate.emergency import allow_emergency, confirm_emergency
from ghmlops.commands.gate.environment import environment_state
from ghmlops.commands.gate.job import prepare, required_signer
from ghmlops.commands.gate.person import confirm_override
from ghmlops.commands.gate.reviewed import changed_inputs, push_reviewers
from ghmlops.commands.history.record_file import leave_record, record_origin
from ghmlops.commands.report.judge_changed import with_findings
from ghmlops.commands.shared.alerts.send import check_alerts, send_alert
from ghmlops.commands.shared.base import Result
from ghmlops.commands.shared.evidence_source import EvidenceSource, read_evidence
from ghmlops.commands.shared.github import connection
from ghmlops.commands.shared.production.watch_runs import look_at_schedule
from ghmlops.commands.shared.stale_evidence.old_verdict import remove_old_verdict
from ghmlops.core.errors import GitError, GitHubError
from ghmlops.core.history.from_results import from_verdict
from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.core.steps.gate import Origin, Target, decide, gate_steps, passes, stale_steps
from ghmlops.core.steps.recorded import OPEN_STATES
from ghmlops.core.steps.step import describe, short
from ghmlops.core.verdict.admission import UNFINISHED
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.review import accept_inputs, override_verdict
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.commands.gate.inputs import Inputs
    from ghmlops.commands.gate.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.production.watch_runs import Schedule
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.core.steps.step import Step
    from ghmlops.measure.github import Client

EMERGENCY_SECONDS = 150.0
"""Seconds to fetch the evidence in an emergency, half of what a command may spend on GitHub's API."""
_HINTS = {
    "evidence-unreadable": "measure again, and use the same release of ghmlops to write and to read the evidence",
    "evidence-foreign": "measure this commit, or name the measured one with --commit",
    "evidence-stale": "measure again; `gate: {max-age: ...}` in the policy sets how old evidence may be",
    "evidence-missing": "measure it for this commit, or provide its artifact in --evidence-dir",
    "evidence-empty": "measure again",
    "nothing-measured": "run what the policy requires, and provide its evidence in --evidence-dir",
}


def run(inputs: Inputs, services: Services) -> Result:
    """Judge one commit, write the verdict file, and record it on GitHub if there is a token.

    The verdict file is always written, before anything is sent; without a token, and with `dry-run`, the plan is
    printed instead. The exit code is 0 for `pass` and `warn` only.

    Raises:
        InputError: An input is malformed, or a token comes without the server or repository that it is for.
        PolicyError: The policy is not valid.
        GitHubError: The evidence could not be fetched, or the verdict could not be recorded.
    """
    remove_old_verdict(services.cwd, inputs.verdict_file, inputs.evidence_dir)
    with contextlib.ExitStack() as stack:
        client = None
        if inputs.token and (inputs.run_id or not inputs.dry_run):
            client = stack.enter_context(connection(inputs.token, services))
        job = prepare(inputs, services, client)
        check_alerts(inputs, job.policy)
        judgement = _decide(inputs, services, client, job)
        verdict, source = judgement.verdict, judgement.source
        write_atomically(services.cwd / inputs.verdict_file, encode(verdict))
        passed = passes(verdict.outcome, inputs.fail_on)
        decision = decide(verdict.outcome, passed=passed)
        _print_notes(services, verdict, passed=passed, override=judgement.override)
        origin = Origin(run_id=services.context.run_id, run_url=services.context.run_url)
        plan = gate_steps(verdict, origin, passed=passed)
        unfinished = source.run is not None and source.run.conclusion in UNFINISHED
        if source.run is not None and unfinished:
            services.console.note(f"nothing was recorded: run {source.run.run_id} was {source.run.conclusion}")
        sending = client is not None and not inputs.dry_run and not unfinished
        deployment_id = _record(client, services, job, plan) if client and sending else None
        digest = verdict_digest(verdict)
        watch = judgement.schedule.state
        record = from_verdict(verdict, record_origin(services), allowed=passed, digest=digest, watch=watch)
        record_file = leave_record(inputs.record_file if sending else "", record, services)
        summary = _announce(inputs, services, client if sending else None, job, judgement)
    return Result(
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=verdict.reason,
        outputs={
            "verdict-file": inputs.verdict_file,
            "verdict-digest": digest,
            "decision": decision,
            "record-file": record_file,
            "deployment-id": str(deployment_id or ""),
            "reason": short(verdict.reason, 1000),
            "commit": verdict.commit,
            "base-sha": verdict.base_sha,
        },
        text=_text(verdict, inputs.verdict_file, () if sending or unfinished else plan),
        summary=summary,
        data={
            "verdict": msgspec.to_builtins(verdict),
            "plan": [msgspec.to_builtins(step) for step in plan],
            "deployment_id": deployment_id,
        },
        findings=(*verdict.findings, *judgement.schedule.warnings),
        exit_code=2 if verdict.outcome is Outcome.ERROR else 0 if passed else 1,
    )


def _announce(inputs: Inputs, services: Services, client: Client | None, job: Job, judgement: _Judgement) -> str:
    """Return what people read about the decision, and comment it on the pull request if there is a connection.

    Empty if nobody needs to know: nothing waits or waited for a person, and nobody overrode the verdict.
    """
    verdict = judgement.verdict
    decision = decide(verdict.outcome, passed=passes(verdict.outcome, inputs.fail_on))
    if decision != "hold" and not verdict.override and not judgement.on_hold:
        return ""
    text = decision_text(verdict, decision, job, inputs, services)
    if client is not None:
        comment_decision(client, verdict, text, services)
        if decision == "hold":
            send_alert(hold_alert(verdict, services), inputs, services)
    return text


class _Judgement(NamedTuple):
    """The verdict, and what it is about."""

    verdict: Verdict
    source: EvidenceSource
    override: str
    """Reason of the person who overrides, whether or not the verdict allows it."""
    on_hold: bool
    """Whether an earlier run held this commit here."""
    schedule: Schedule
    """Whether `watch` still runs, which people should know, and which is no part of the verdict."""


def _decide(inputs: Inputs, services: Services, client: Client | None, job: Job) -> _Judgement:
    """Judge evidence and environment, with the exceptions of persons whom GitHub confirms."""
    override = confirm_override(inputs, services, client, job.policy.gate.override, job.rules.commit)
    emergency = confirm_emergency(inputs, services, client)
    source = _fetch(inputs, services, client, tolerant=bool(emergency))
    verdict = _judge(job, source)
    verdict = with_findings(verdict, changed_inputs(verdict, job.policy, inputs.policy, services))
    state = environment_state(job, client, services.now())
    verdict = with_findings(verdict, state.findings)
    if client is not None and (reviewer := push_reviewers(client, verdict, services)):
        verdict = accept_inputs(verdict, reviewer)
    verdict = override_verdict(allow_emergency(verdict, emergency, source.unavailable), override)
    schedule = look_at_schedule(job.policy, services, client=client)
    return _Judgement(verdict, source, override, state.on_hold, schedule)


def _fetch(inputs: Inputs, services: Services, client: Client | None, *, tolerant: bool) -> EvidenceSource:
    """Read the evidence; in an emergency, that GitHub does not deliver it is a value and not an error."""
    try:
        # In an emergency, time remains to record the deployment after the last try to fetch the evidence.
        patient = client.with_time(EMERGENCY_SECONDS) if tolerant and client is not None else client
        return read_evidence(
            inputs, services, patient, signer=required_signer(inputs, services), origin=inputs.evidence_from
        )
    except (GitHubError, GitError) as error:
        if not tolerant:
            raise
        services.console.note(f"the evidence cannot be fetched: {error.message}")
        return EvidenceSource(unavailable=error.message)


def _judge(job: Job, source: EvidenceSource) -> Verdict:
    rules = job.rules if source.run is None else msgspec.structs.replace(job.rules, run=source.run)
    verdict = merge(source.files, rules, service=job.policy.service, environment=job.environment)
    absent = [NotMeasured(what="everything", why=source.unavailable)] if source.unavailable else source.absent
    return msgspec.structs.replace(verdict, not_measured=[*verdict.not_measured, *absent])


def _record(client: Client, services: Services, job: Job, plan: Sequence[Step]) -> int | None:
    from ghmlops.act.github.perform import perform

    deployment_id = perform(plan, client, note=services.console.note).deployment_id
    _close_stale(client, services, job)
    return deployment_id


def _close_stale(client: Client, services: Services, job: Job) -> None:
    """Close what earlier runs left open. The verdict is recorded already, so a failure here is a note only."""
    from ghmlops.act.github.perform import perform
    from ghmlops.measure.github.deployments import list_deployments

    note, service = services.console.note, job.policy.service
    target = Target(service=service, environment=job.environment, log_url=services.context.run_url)
    try:
        listed = list_deployments(client, job.environment, service)
        candidates = [d for d in listed if d.state in OPEN_STATES and d.run_id not in ("", services.context.run_id)]
        completed = {run_id: _has_ended(client, run_id, note) for run_id in {d.run_id for d in candidates}}
        perform(stale_steps([d for d in candidates if completed[d.run_id]], target), client, note=note)
    except GitHubError as error:
        note(f"deployments of earlier runs were not closed: {error.message}")


def _has_ended(client: Client, run_id: str, note: Callable[[str], None]) -> bool:
    """Return whether a run has ended; not one that GitHub does not find, which the token may only not see."""
    from ghmlops.measure.github.runs import read_run

    try:
        return bool(read_run(client, run_id).conclusion)
    except GitHubError as error:
        if error.reason_code != "not-found":
            raise
        note(f"the deployment of run {run_id} stays open: {error.message}")
        return False


def _print_notes(services: Services, verdict: Verdict, *, passed: bool, override: str) -> None:
    """Print why the gate is closed and how to fix it, and whether an override had no effect."""
    notes = []
    if override and not verdict.override:
        notes.append(
            f"override-reason has no effect: the verdict is {verdict.outcome.value}, and only an inconclusive verdict "
            "can be overridden"
        )
    if not passed:
        state = "error" if verdict.outcome is Outcome.ERROR else "the gate is closed"
        line = f"ghmlops: {state}: {verdict.reason.rstrip('.')}"
        line += "".join(f"; {item.why}" for item in verdict.not_measured if item.what == "everything")
        hint = _HINTS.get(verdict.reason_code, "")
        notes.append(f"{line}; {hint}" if hint else line)
    for note in notes:
        services.console.note(note)


def _text(verdict: Verdict, file: str, plan: Sequence[Step]) -> str:
    lines = [*terminal.verdict(verdict, verdict.environment), f"verdict written to {file}"]
    if plan:
        lines += ["with a token and without --dry-run this would:", *(f"  {describe(step)}" for step in plan)]
    return terminal.block(lines)
