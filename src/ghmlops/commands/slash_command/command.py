"""`ghmlops slash-command`: reads the comment of the event, decides, acts, and answers with a reaction and one line."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.github import connection
from ghmlops.core.context import dig
from ghmlops.core.errors import GitHubError, InputError
from ghmlops.core.model import Outcome
from ghmlops.core.steps.slash_command import Refusal, SlashCommand, Targets, decide, parse, refusal
from ghmlops.core.steps.step import React, RerunWorkflow, Step, UpsertComment, describe
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.slash_command.inputs import Inputs
    from ghmlops.core.steps.step import DispatchWorkflow
    from ghmlops.measure.github import Client
    from ghmlops.measure.github.commented import Comment

MARKER = "<!-- ghmlops: answer to comment {} -->"
STARTED = "The command is being carried out."
"""Answer before the step is performed: with it, a second delivery knows that the first one has begun."""
_WORKFLOW = re.compile(r"[A-Za-z0-9_.-]{1,100}\.ya?ml")
UNKNOWN = "It is unknown whether the command was carried out, because its run was interrupted; look, and comment again."


def run(inputs: Inputs, services: Services) -> Result:
    """Carry out the command in the comment of an `issue_comment` event, once.

    Raises:
        InputError: The event is no new comment, a name is not that of a workflow file, or there is no token.
        PolicyError: The policy is invalid.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    for name, file in (("measure-workflow", inputs.measure_workflow), ("gate-workflow", inputs.gate_workflow)):
        if file and not _WORKFLOW.fullmatch(file):
            raise InputError(f"input `{name}`: not the name of a workflow file", hint=f"{name}: measure.yml")
    comment_id = _comment_id(services)
    if comment_id is None:
        return _nothing("no-pull-request", "The comment is not on a pull request.")
    body = dig(services.context.event, "comment", "body")
    command = parse(body if isinstance(body, str) else "")
    if command is None:
        return _nothing("no-command", "The comment contains no command.")
    if not inputs.token:
        raise InputError("the comment cannot be read without a token", hint="pass `token: ${{ github.token }}`")
    with connection(inputs.token, services) as client:
        return _answer(inputs, services, client, _read(services, client, comment_id), command)


def _comment_id(services: Services) -> int | None:
    """Return the id of the new comment on a pull request; `None` if it is on an issue.

    Raises:
        InputError: The event is another one.
    """
    context = services.context
    number = dig(context.event, "comment", "id")
    if (
        context.event_name != "issue_comment"
        or dig(context.event, "action") != "created"
        or not isinstance(number, int)
    ):
        raise InputError(
            f"the event is {context.event_name or 'unknown'}, not a new comment",
            hint="run this action `on: {issue_comment: {types: [created]}}` only",
        )
    return number if dig(context.event, "issue", "pull_request") else None


def _nothing(code: str, reason: str) -> Result:
    return Result(outcome=Outcome.PASS, reason_code=code, reason=reason, text=terminal.block([reason]))


def _read(services: Services, client: Client, comment_id: int) -> Comment:
    """Return the comment; one whose text is not that of the event was edited, also within the second it was created."""
    from ghmlops.measure.github.commented import read_comment

    comment = read_comment(client, comment_id)
    return comment._replace(edited=comment.edited or comment.body != dig(services.context.event, "comment", "body"))


def _answer(
    inputs: Inputs, services: Services, client: Client, comment: Comment, command: SlashCommand | Refusal
) -> Result:
    """Decide, perform and answer. Bots get no answer, since two of them could answer each other without an end."""
    from ghmlops.act.github.comments import own_comment

    if comment.is_bot:
        return _nothing("bot", "The comment was not written by a person.")
    answer = own_comment(client, number=comment.number, marker=MARKER.format(comment.id))
    if answer is not None and STARTED not in answer.body:
        return _nothing("answered-before", "The command was answered before.")
    decision = command if isinstance(command, Refusal) else _decide(inputs, services, client, comment, command)
    if answer is not None and not isinstance(decision, Refusal) and not isinstance(decision, RerunWorkflow):
        # Whether a run was started again can be read, and whether one with these inputs was started cannot.
        decision = Refusal("unknown-result", UNKNOWN)
    if inputs.dry_run:
        text = decision.sentence if isinstance(decision, Refusal) else describe(decision)
        return dry_run_result(text, terminal.block([text]))
    name = command.name if isinstance(command, SlashCommand) else ""
    if isinstance(decision, Refusal):
        _perform([_reply(comment, decision.sentence), _reaction(comment, "confused")], client, services)
        return Result(
            outcome=Outcome.WARN,
            reason_code=decision.code,
            reason=decision.sentence,
            outputs={"slash-command": name},
            text=terminal.block([decision.sentence]),
        )
    return _carry_out(client, services, comment, name, decision)


def _decide(
    inputs: Inputs, services: Services, client: Client, comment: Comment, command: SlashCommand
) -> RerunWorkflow | DispatchWorkflow | Refusal:
    """Return the step, or why nothing is done."""
    from ghmlops.commands.gate.person import describe_rules, may_override
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.policy.gate import Override
    from ghmlops.measure.github.commented import read_situation

    rules = Override(role="write")
    if command.name == "override":
        rules = load_policy(services.cwd / inputs.policy, inputs.policy).gate.override
    situation = read_situation(client, comment, inputs.measure_workflow)
    allowed = not comment.is_bot and may_override(client, comment.login, rules)
    if (problem := refusal(situation, allowed=allowed, who=describe_rules(rules))) is not None:
        return problem
    branch = dig(services.context.event, "repository", "default_branch")
    targets = Targets(gate_workflow=inputs.gate_workflow, branch=str(branch or ""), comment_id=comment.id)
    return decide(command, situation, targets)


def _carry_out(
    client: Client, services: Services, comment: Comment, name: str, step: RerunWorkflow | DispatchWorkflow
) -> Result:
    """Perform the step between two answers: that it begins, and what came of it."""
    from ghmlops.act.github.perform import perform

    _perform([_reaction(comment, "eyes"), _reply(comment, STARTED)], client, services)
    try:
        url = perform([step], client, note=services.console.note).run_url
    except GitHubError as error:
        sentence = f"The command failed, or its result is unknown ({error.reason_code}); the log names the cause."
        with contextlib.suppress(GitHubError):
            _perform([_reply(comment, sentence), _reaction(comment, "confused")], client, services)
        raise
    what = "measured again" if isinstance(step, RerunWorkflow) else "presented to the gate with your reason"
    sha = step.sha if isinstance(step, RerunWorkflow) else step.inputs["commit"]
    sentence = f"Commit {sha[:7]} is {what}{f': {url}' if url else ''}."
    _perform([_reply(comment, sentence), _reaction(comment, "+1")], client, services)
    return Result(
        outcome=Outcome.PASS,
        reason_code="rerun-started" if isinstance(step, RerunWorkflow) else "gate-started",
        reason=sentence,
        outputs={"slash-command": name, "run-url": url},
        text=terminal.block([sentence]),
        data={"run_url": url, "commit": sha},
    )


def _perform(steps: list[Step], client: Client, services: Services) -> None:
    from ghmlops.act.github.perform import perform

    perform(steps, client, note=services.console.note)


def _reply(comment: Comment, sentence: str) -> UpsertComment:
    marker = MARKER.format(comment.id)
    return UpsertComment(number=comment.number, marker=marker, body=f"{marker}\n{sentence}\n")


def _reaction(comment: Comment, content: str) -> React:
    return React(comment_id=comment.id, content=content)
