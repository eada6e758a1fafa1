"""Merges evidence into a verdict for one exact commit, and records the deployment with its statuses on GitHub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from ghmlops.act.evidence import encode
from ghmlops.act.files import write_atomically
from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, Output, Result, WithToken
from ghmlops.commands.shared.evidence_folder import read_evidence_folder
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.provenance import commit_under_test
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import Origin, gate_steps, passes
from ghmlops.core.steps.step import describe, short
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.rules import Rules
from ghmlops.measure import checkout
from ghmlops.report.formats import terminal
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.steps.step import Step

REASON_LIMIT = 500
"""Maximum length of an override's reason, in characters."""
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")
_ADDRESS = re.compile(r"https?://[^\s/]\S*")
_HINTS = {
    "evidence-unreadable": "measure again, and use the same release of ghmlops to write and to read the evidence",
    "evidence-foreign": "measure this commit, or name the measured one with --commit",
    "evidence-stale": "measure again; `gate: {max-age: ...}` in the policy sets how old evidence may be",
    "evidence-missing": "measure it for this commit, or provide its artifact in --evidence-dir",
    "evidence-empty": "measure again",
    "nothing-measured": "run what the policy requires, and provide its evidence in --evidence-dir",
}


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `gate`."""

    commit: Annotated[str, Doc(description="Full SHA of the commit to judge; empty: the commit of the run.")] = ""
    environment: Annotated[str, Doc(description="Environment to record; empty: the one of the policy.")] = ""
    environment_url: Annotated[str, Doc(description="Address of the deployed service, displayed on GitHub.")] = ""
    verdict_file: Annotated[str, Doc(description="File to write the verdict to.")] = "verdict.json"
    override_reason: Annotated[
        str, Doc(description="Why a person overrides an inconclusive verdict; a failure cannot be overridden.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("deployment-id", "Id of the GitHub deployment; empty without a token."),
    Output("reason", "Reason of the verdict in one sentence."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that the gate needs, read and checked.

    Attributes:
        policy: the policy of the trusted branch.
        rules: the commit to judge, and the conditions for evidence to count.
        environment: name of the environment.
        environment_url: address of the deployed service; may be empty.
        override: a person's reason to override an inconclusive verdict, with the person; may be empty.
    """

    policy: Policy
    rules: Rules
    environment: str
    environment_url: str
    override: str


def run(inputs: Inputs, services: Services) -> Result:
    """Judge one commit, write the verdict file, and record it on GitHub if there is a token.

    The verdict file is always written, before anything is sent; without a token, and with `dry-run`, the plan is
    printed instead. The exit code is 0 for `pass` and `warn` only.

    Raises:
        InputError: An input is malformed, or a token comes without the server or repository that it is for.
        PolicyError: The policy is not valid.
        GitHubError: The verdict could not be recorded.
    """
    job = _prepare(inputs, services)
    verdict = _judge(job, inputs, services)
    write_atomically(services.cwd / inputs.verdict_file, encode(verdict))
    passed = passes(verdict.outcome, inputs.fail_on)
    for note in _notes(verdict, passed=passed, override=job.override):
        services.console.note(note)
    origin = Origin(run_id=services.context.run_id, run_url=services.context.run_url)
    plan = gate_steps(verdict, origin, passed=passed, environment_url=job.environment_url)
    sending = bool(inputs.token) and not inputs.dry_run
    deployment_id = _record(inputs.token, services, verdict.repository, plan) if sending else None
    return Result(
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=verdict.reason,
        outputs={
            "verdict-file": inputs.verdict_file,
            "deployment-id": str(deployment_id or ""),
            "reason": short(verdict.reason, 1000),
        },
        text=_text(verdict, inputs.verdict_file, () if sending else plan),
        data={
            "verdict": msgspec.to_builtins(verdict),
            "plan": [msgspec.to_builtins(step) for step in plan],
            "deployment_id": deployment_id,
        },
        findings=tuple(verdict.findings),
        exit_code=2 if verdict.outcome is Outcome.ERROR else 0 if passed else 1,
    )


def _prepare(inputs: Inputs, services: Services) -> Job:
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    environment = _environment(inputs.environment or policy.gate.environment)
    environment_url = _address(inputs.environment_url)
    rules = Rules(
        commit=_commit(inputs.commit.strip().lower(), services),
        required=policy.required,
        now=services.now(),
        max_age=policy.gate.max_age,
        repository=services.context.repository or checkout.repository_name(services.cwd),
        policy=checkout.fingerprint(services.cwd / inputs.policy),
    )
    reason = short(inputs.override_reason, REASON_LIMIT)
    person = short(services.context.actor) or "an unknown person"
    return Job(
        policy=policy,
        rules=rules,
        environment=environment,
        environment_url=environment_url,
        override=f"{reason} (by {person})" if reason else "",
    )


def _judge(job: Job, inputs: Inputs, services: Services) -> Verdict:
    files, absent = read_evidence_folder(services.cwd / inputs.evidence_dir, inputs.evidence_dir)
    service = job.policy.service
    verdict = merge(files, job.rules, service=service, environment=job.environment, override=job.override)
    return msgspec.structs.replace(verdict, not_measured=[*verdict.not_measured, *absent])


def _commit(text: str, services: Services) -> str:
    if not text:
        return commit_under_test(services)
    if is_sha(text):
        return text
    if _SHORT_SHA.fullmatch(text):
        sha = checkout.git_read(services.cwd, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
        if is_sha(sha) and sha.startswith(text):  # A branch may have this name, too.
            return sha
    raise InputError(
        f'input `commit`: expected a full SHA of 40 characters, got "{printable(text)}"',
        hint="`git rev-parse HEAD` prints it; in a workflow, `${{ github.event.pull_request.head.sha || github.sha }}`",
    )


def _environment(name: str) -> str:
    if not name or len(name) > 255 or not name.isprintable() or name != name.strip():
        raise InputError(
            f'input `environment`: "{printable(name[:80])}" is not a valid name',
            hint="for example `--environment production`",
        )
    return name


def _address(url: str) -> str:
    if url and not (_ADDRESS.fullmatch(url) and url.isprintable()):
        raise InputError(
            f'input `environment-url`: "{printable(url[:80])}" is not an address',
            hint="for example `--environment-url https://shop.example.org`",
        )
    return url


def _record(token: str, services: Services, repository: str, plan: Sequence[Step]) -> int | None:
    from ghmlops.act.github import connect
    from ghmlops.act.github.perform import perform

    console = services.console
    with connect(token=token, api_url=services.context.api_url, repository=repository, note=console.note) as client:
        return perform(plan, client, note=console.note).deployment_id


def _notes(verdict: Verdict, *, passed: bool, override: str) -> list[str]:
    """Return why the gate is closed and how to fix it, and whether an override had no effect."""
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
    return notes


def _text(verdict: Verdict, file: str, plan: Sequence[Step]) -> str:
    lines = [*terminal.verdict(verdict, verdict.environment), f"verdict written to {file}"]
    if plan:
        lines += ["with a token and without --dry-run this would:", *(f"  {describe(step)}" for step in plan)]
    return terminal.block(lines)
