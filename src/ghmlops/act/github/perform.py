"""Performs steps on GitHub: either all of them, or what was started is closed as `error`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.act.github import comments, deployments, pull_requests
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.gate import closing_steps
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
    from collections.abc import Callable, Sequence

    from ghmlops.clients.github.client import Client


class StepResults(NamedTuple):
    """Results of performed steps; `None` or empty if there was no such step."""

    deployment_id: int | None = None
    comment_url: str = ""
    pull_request: int | None = None


def perform(steps: Sequence[Step], client: Client, *, note: Callable[[str], None]) -> StepResults:
    """Perform `steps` in order.

    If a step fails, what earlier steps started is closed (`core.steps.gate.closing_steps`), and the error is raised.

    Args:
        steps: The steps.
        client: The connection to GitHub.
        note: Reports each step to the user.

    Raises:
        GitHubError: GitHub rejected a step.
    """
    results, completed = StepResults(), list[Step]()
    for step in steps:
        note(describe(step))
        try:
            results = _perform_step(step, client, results)
        except BaseException as error:
            reason = error.message if isinstance(error, GitHubError) else "the gate was interrupted"
            _close(closing_steps(completed, reason), replace(client, retries=False), results, note)
            raise
        completed.append(step)
    return results


def _perform_step(step: Step, client: Client, results: StepResults) -> StepResults:
    match step:
        case CreateDeployment():
            return results._replace(deployment_id=deployments.record_deployment(client, step))
        case SetDeploymentStatus():
            deployment_id = step.deployment_id if step.deployment_id is not None else results.deployment_id
            if deployment_id is None:
                raise ValueError("a deployment status without a deployment")
            deployments.set_deployment_status(client, deployment_id, step)
        case SetCommitStatus():
            deployments.set_commit_status(client, step)
        case UpsertComment():
            comment = comments.upsert_comment(client, number=step.number, marker=step.marker, body=step.body)
            return results._replace(comment_url=comment.url)
        case OpenPullRequest():
            number = pull_requests.open_revert_pull_request(
                client, head=step.head, base=step.base, title=step.title, body=step.body
            )
            return results._replace(pull_request=number)
        case _:
            raise TypeError(f"{type(step).__name__} is not a step on GitHub")
    return results


def _close(steps: Sequence[Step], client: Client, results: StepResults, note: Callable[[str], None]) -> None:
    for step in steps:
        try:
            _perform_step(step, client, results)
            note(f"closed an unfinished step: {describe(step)}")
        except GitHubError as error:
            note(f"could not close an unfinished step: {error.message}")
