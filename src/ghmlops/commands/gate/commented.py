"""An override by a comment on the pull request: confirmed again here, whoever started the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import InputError
from ghmlops.core.steps.slash_command import SlashCommand, parse, refusal

if TYPE_CHECKING:
    from ghmlops.commands.gate.inputs import Inputs
    from ghmlops.core.steps.slash_command import Refusal
    from ghmlops.measure.github import Client
    from ghmlops.measure.github.commented import Comment

HINT = "write a new comment `/ghmlops override REASON` on the pull request"


class CommentedOverride(NamedTuple):
    """An override whose comment and pull request GitHub confirms; the role of the person is not confirmed here."""

    person: str
    reason: str


def commented_override(inputs: Inputs, client: Client, commit: str) -> CommentedOverride:
    """Return person and reason of the comment `override-comment`.

    The inputs of a run can be chosen by everybody who may start it, so that nothing but the id of the comment is taken
    from there: its text is read from GitHub, must not have been edited, and counts for the head of its pull request at
    that time, if that is still the head and the commit to judge. The run must be one of this pull request: the workflow
    of another one, as a push or a dispatch on the same commit, would tell nothing about when the head was pushed.

    Args:
        inputs: Inputs of the command.
        client: The connection.
        commit: Full SHA of the commit to judge.

    Raises:
        InputError: The comment does not override the verdict on this commit.
        GitHubError: GitHub rejected a request.
    """
    from ghmlops.measure.github.commented import read_comment, read_situation
    from ghmlops.measure.github.runs import read_api_run, run_number

    if inputs.override_comment is None or not inputs.run_id:
        raise InputError("input `override-comment`: the run that measured is unknown", hint="pass `run-id`")
    comment = read_comment(client, inputs.override_comment)
    command = parse(comment.body)
    if not isinstance(command, SlashCommand) or command.name != "override":
        raise _refused(comment, "it contains no override")
    run = read_api_run(client, run_number(inputs.run_id))
    workflow = run.path.partition("@")[0].rpartition("/")[2]
    if not workflow:
        raise _refused(comment, f"GitHub does not name the workflow of run {run.id}")
    situation = read_situation(client, comment, workflow)
    if situation.head_sha != commit or run.head_sha != commit:
        raise _refused(comment, f"commit {commit[:12]} is not the head of pull request #{comment.number}")
    if run.id not in {measured.id for measured in situation.runs}:
        raise _refused(comment, f"run {run.id} is not a run of pull request #{comment.number}")
    problem: Refusal | None = refusal(situation, allowed=True, who="")
    if problem is not None:
        raise _refused(comment, problem.sentence.rstrip("."))
    return CommentedOverride(comment.login, command.reason)


def _refused(comment: Comment, problem: str) -> InputError:
    return InputError(f"input `override-comment`: comment {comment.id} overrides nothing: {problem}", hint=HINT)
