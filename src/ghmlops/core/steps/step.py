"""One frozen type per effect outside the process."""

from __future__ import annotations

import msgspec

from ghmlops.core.steps.github_limits import STATUS_LIMIT

REASON_LIMIT = 500
"""Maximum length of a reason that a person or a finding states, in characters."""


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="step"):
    """One change outside the process."""


class SetCommitStatus(Step, frozen=True, kw_only=True):
    """Sets the status of a commit, which pull requests list among their checks."""

    sha: str
    context: str
    state: str
    """`pending`, `success`, `failure` or `error`."""
    description: str
    target_url: str = ""


class CreateDeployment(Step, frozen=True, kw_only=True):
    """Creates a deployment of one commit to one environment.

    Adopts the open one with the same `payload`, or else the open one that the `environment:` of a job of the same run
    created.
    """

    sha: str
    environment: str
    description: str
    payload: dict[str, str]
    """Identifies the deployment: id of the run and service, but not the attempt."""
    override: str = ""
    """Reason of the person who overrode the gate. It is kept in the payload, and identifies nothing."""
    task: str = "deploy"
    transient: bool = False
    production: bool = False


class SetDeploymentStatus(Step, frozen=True, kw_only=True):
    """Adds a status to `deployment_id`, or else to the deployment of the last `CreateDeployment`."""

    state: str
    description: str
    environment: str
    environment_url: str = ""
    log_url: str = ""
    deployment_id: int | None = None
    service: str = ""
    """Named in the description of an adopted deployment, which has no payload of ours."""


class UpsertComment(Step, frozen=True, kw_only=True):
    """Creates or edits the comment of a pull request that contains `marker`."""

    number: int
    marker: str
    body: str


class OpenPullRequest(Step, frozen=True, kw_only=True):
    """Opens a pull request between two branches of the repository, or adopts the open one."""

    head: str
    base: str
    title: str
    body: str


class React(Step, frozen=True, kw_only=True):
    """Adds a reaction to a comment; GitHub keeps one of each kind per person."""

    comment_id: int
    content: str
    """`eyes`, `+1` or `confused`."""


class RerunWorkflow(Step, frozen=True, kw_only=True):
    """Runs all jobs of a workflow run again, unless a later attempt exists."""

    run_id: int
    attempt: int
    """The newest attempt at the time of the decision."""
    sha: str


class DispatchWorkflow(Step, frozen=True, kw_only=True):
    """Starts a workflow by its `workflow_dispatch`, with inputs."""

    workflow: str
    """File name of the workflow."""
    branch: str
    inputs: dict[str, str]


def describe(step: Step) -> str:  # noqa: PLR0911  (one line per type of step)
    """Return one line that describes the effect of a step.

    Raises:
        TypeError: The type of the step is unknown (a bug, not an input).
    """
    match step:
        case SetCommitStatus():
            return f'set the status {step.context} of commit {step.sha} to {step.state}: "{step.description}"'
        case CreateDeployment():
            return f"create a deployment of commit {step.sha} to {step.environment}"
        case SetDeploymentStatus():
            return f'set the deployment to {step.environment} to {step.state}: "{step.description}"'
        case UpsertComment():
            return f"create or edit the comment on pull request #{step.number} ({len(step.body)} characters)"
        case OpenPullRequest():
            return f'open a pull request from {step.head} to {step.base}: "{step.title}"'
        case React():
            return f"react to comment {step.comment_id} with {step.content}"
        case RerunWorkflow():
            return f"run {step.run_id} again for commit {step.sha} after attempt {step.attempt}"
        case DispatchWorkflow():
            return f"start {step.workflow} on {step.branch} with {', '.join(step.inputs)}"
    raise TypeError(f"no description for {type(step).__name__}")


def short(text: str, limit: int = STATUS_LIMIT) -> str:
    """Return `text` on one line of at most `limit` characters, with unprintable characters replaced."""
    line = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"
