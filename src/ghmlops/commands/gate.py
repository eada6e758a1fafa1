"""Merge evidence into a verdict for one exact commit, and record the deployment with its statuses on GitHub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import msgspec

from ghmlops.act.evidence import encode
from ghmlops.act.files import write_atomically
from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, Output, Result, WithToken
from ghmlops.commands.shared.evidence_folder import collect
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.provenance import commit_under_test
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.evidence.verdict import Rules, merge
from ghmlops.core.model import Outcome
from ghmlops.core.steps.gate import Origin, gate_steps, passes
from ghmlops.core.steps.step import describe, short
from ghmlops.measure import checkout
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.steps.step import Step

REASON_LIMIT = 500
"""Characters of an override's reason."""
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")
_ADDRESS = re.compile(r"https?://[^\s/]\S*")
_HINTS = {
    "evidence-unreadable": "measure again, and write and read it with the same release of ghmlops",
    "evidence-foreign": "measure this commit, or name the measured one with --commit",
    "evidence-stale": "measure again; `gate: {max-age: ...}` in the policy sets how old evidence may be",
    "evidence-missing": "measure it for this commit, or hand its artifact over in --evidence-dir",
    "evidence-empty": "measure again",
    "nothing-measured": "run what the policy asks for, and hand its evidence over in --evidence-dir",
}


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `gate`."""

    commit: Annotated[str, Doc(description="Full SHA of the commit to judge; the run's own commit where empty.")] = ""
    environment: Annotated[str, Doc(description="Environment to record; the policy's where empty.")] = ""
    environment_url: Annotated[str, Doc(description="Address of the deployed service, shown on GitHub.")] = ""
    verdict_file: Annotated[str, Doc(description="File to write the verdict to.")] = "verdict.json"
    override_reason: Annotated[
        str, Doc(description="Why a person lets an inconclusive verdict through; a failure is never let through.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("deployment-id", "Id of the GitHub deployment; empty without a token."),
    Output("reason", "The verdict's reason in one sentence."),
)


def run(inputs: Inputs, services: Services) -> Result:
    """Judge one commit, write the verdict file, and record it on GitHub where there is a token.

    The verdict file is written in any case, before anything is sent; without a token, and with `dry-run`, the plan is
    printed instead. The exit code is 0 for `pass` and `warn` alone.

    Raises:
        InputError: an input is malformed, or a token came without the server or repository it is for.
        PolicyError: the policy is not valid.
        GitHubError: the verdict could not be recorded.
    """
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    environment = _environment(inputs.environment or policy.gate.environment)
    environment_url = _address(inputs.environment_url)
    verdict = _judge(inputs, services, policy, environment)
    write_atomically(services.cwd / inputs.verdict_file, encode(verdict))
    passed = passes(verdict.outcome, inputs.fail_on)
    _tell(verdict, inputs, services, passed=passed)
    origin = Origin(run_id=services.context.run_id, run_url=services.context.run_url)
    plan = gate_steps(verdict, origin, passed=passed, environment_url=environment_url)
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


def _judge(inputs: Inputs, services: Services, policy: Policy, environment: str) -> Verdict:
    commit = _commit(inputs.commit.strip().lower(), services)
    files, absent = collect(services.cwd / inputs.evidence_dir, inputs.evidence_dir)
    rules = Rules(
        commit=commit,
        required=policy.required,
        now=services.now(),
        max_age=policy.gate.max_age,
        repository=services.context.repository or checkout.repository_name(services.cwd),
        policy=checkout.fingerprint(services.cwd / inputs.policy),
    )
    given = short(inputs.override_reason, REASON_LIMIT)
    override = f"{given} (by {short(services.context.actor) or 'an unknown person'})" if given else ""
    verdict = merge(files, rules, service=policy.service, environment=environment, override=override)
    return msgspec.structs.replace(verdict, not_measured=[*verdict.not_measured, *absent])


def _commit(given: str, services: Services) -> str:
    if not given:
        return commit_under_test(services)
    if is_sha(given):
        return given
    if _SHORT_SHA.fullmatch(given):
        found = checkout.git_read(services.cwd, "rev-parse", "--verify", "--quiet", f"{given}^{{commit}}")
        if is_sha(found) and found.startswith(given):  # and not a branch that is called so
            return found
    raise InputError(
        f'input `commit`: expected a full SHA of 40 characters, got "{printable(given)}"',
        hint="`git rev-parse HEAD` prints it; in a workflow, `${{ github.event.pull_request.head.sha || github.sha }}`",
    )


def _environment(name: str) -> str:
    if not name or len(name) > 255 or not name.isprintable() or name != name.strip():
        raise InputError(
            f'input `environment`: "{printable(name[:80])}" is not a name',
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


def _tell(verdict: Verdict, inputs: Inputs, services: Services, *, passed: bool) -> None:
    """Say on stderr why the gate is shut, and how to mend it."""
    note = services.console.note
    if inputs.override_reason.strip() and not verdict.override:
        note(
            f"override-reason changes nothing: the verdict is {verdict.outcome.value}, and only inconclusive is let by"
        )
    if not passed:
        word = "error" if verdict.outcome is Outcome.ERROR else "the gate is shut"
        line = f"ghmlops: {word}: {verdict.reason.rstrip('.')}"
        line += "".join(f"; {n.why}" for n in verdict.not_measured if n.what == "everything")
        hint = _HINTS.get(verdict.reason_code, "")
        note(f"{line}; {hint}" if hint else line)


def _text(verdict: Verdict, file: str, plan: Sequence[Step]) -> str:
    lines = [f"{verdict.outcome.value}: {verdict.environment}, commit {verdict.commit}", f"  {verdict.reason}"]
    lines += [f"  {e.outcome.value:<12}  {e.file}" for e in verdict.evidence]
    lines += [f"  not measured  {n.what}: {n.why}" for n in verdict.not_measured]
    lines.append(f"verdict written to {file}")
    if plan:
        lines += ["on GitHub this would, with a token and without --dry-run:", *(f"  {describe(s)}" for s in plan)]
    return "\n".join(printable(line) for line in lines)
