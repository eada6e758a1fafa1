"""Effects as data: one frozen type per step that `act` performs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    pass


DESCRIPTION_LIMIT = 140
"""Characters that GitHub shows of a status."""


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="step"):
    """One change outside the process."""


class SetCommitStatus(Step, frozen=True, kw_only=True):
    """The line a pull request shows under its checks; `state` is `pending`, `success`, `failure` or `error`."""

    sha: str
    context: str
    state: str
    description: str
    target_url: str = ""


class CreateDeployment(Step, frozen=True, kw_only=True):
    """A deployment of one commit to one environment; one with the same `payload` is adopted instead of doubled."""

    sha: str
    environment: str
    description: str
    payload: dict[str, str]
    """What makes it ours: run id and service, not the attempt."""
    task: str = "deploy"
    transient: bool = False
    production: bool = False


class SetDeploymentStatus(Step, frozen=True, kw_only=True):
    """A status of the deployment that the last `CreateDeployment` gave, or of `deployment_id`."""

    state: str
    description: str
    environment: str
    environment_url: str = ""
    log_url: str = ""
    deployment_id: int | None = None


class UpsertComment(Step, frozen=True, kw_only=True):
    """The one comment of a pull request that carries `marker`."""

    number: int
    marker: str
    body: str


class OpenPullRequest(Step, frozen=True, kw_only=True):
    """A pull request between two branches of the repository; an open one is taken instead of doubled."""

    head: str
    base: str
    title: str
    body: str


def describe(step: Step) -> str:
    """Return one line that says what a step does."""
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
    raise TypeError(f"no line for {type(step).__name__}")


def short(text: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """Return `text` on one line of at most `limit` characters, unprintable characters replaced."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
