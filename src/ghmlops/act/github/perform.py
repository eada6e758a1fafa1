"""Performing steps on GitHub: all of them, or what was begun is closed as `error`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.act.github import comments, deployments, pulls
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.gate import clearing_steps
from ghmlops.core.steps.step import (
    CreateDeployment,
    OpenPullRequest,
    SetCommitStatus,
    SetDeploymentStatus,
    Step,
    UpsertComment,
    describe,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.act.console import Console
    from ghmlops.act.github.client import Client


class Performed(NamedTuple):
    """What the steps gave; `None` or empty where no such step was among them."""

    deployment_id: int | None = None
    comment_url: str = ""
    pull_request: int | None = None


def perform(steps: Sequence[Step], client: Client, console: Console) -> Performed:
    """Perform `steps` in order.

    Where one fails, what the earlier ones began is closed (`core.decide.clearing_steps`), and the error is raised.

    Raises:
        GitHubError: GitHub refused a step.
    """
    result, done = Performed(), list[Step]()
    for step in steps:
        console.note(describe(step))
        try:
            result = _one(step, client, result)
        except BaseException as error:
            why = error.message if isinstance(error, GitHubError) else "the gate was interrupted"
            _clear(clearing_steps(done, why), replace(client, patient=False), console, result)
            raise
        done.append(step)
    return result


def _one(step: Step, client: Client, so_far: Performed) -> Performed:
    match step:
        case CreateDeployment():
            return so_far._replace(deployment_id=deployments.record_deployment(client, step))
        case SetDeploymentStatus():
            known = step.deployment_id if step.deployment_id is not None else so_far.deployment_id
            if known is None:
                raise ValueError("a deployment status without a deployment")
            deployments.set_deployment_status(client, known, step)
        case SetCommitStatus():
            deployments.set_commit_status(client, step)
        case UpsertComment():
            made = comments.upsert_comment(client, number=step.number, marker=step.marker, body=step.body)
            return so_far._replace(comment_url=made.url)
        case OpenPullRequest():
            number = pulls.open_revert_pull_request(
                client, head=step.head, base=step.base, title=step.title, body=step.body
            )
            return so_far._replace(pull_request=number)
        case _:
            raise TypeError(f"{type(step).__name__} is not a step on GitHub")
    return so_far


def _clear(steps: Sequence[Step], client: Client, console: Console, so_far: Performed) -> None:
    for step in steps:
        try:
            _one(step, client, so_far)
            console.note(f"closed what was begun: {describe(step)}")
        except GitHubError as error:
            console.note(f"could not close what was begun: {error.message}")
