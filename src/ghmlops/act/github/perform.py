"""Performs steps on GitHub: either all of them, or what was started is closed as `error`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.act.github import comments, deployments, dispatches, pull_requests, reactions
from ghmlops.clients.github.errors import UnknownResult
from ghmlops.core.errors import GitHubError
from ghmlops.core.steps.gate import closing_steps
from ghmlops.core.steps.step import (
    CreateDeployment,
    DispatchWorkflow,
    OpenPullRequest,
    React,
    RerunWorkflow,
    SetCommitStatus,
    SetDeploymentStatus,
    Step,
    UpsertComment,
    describe,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.clients.github.client import Client

CLOSING_SECONDS = 30.0
"""Seconds to close what was started after a step failed, beyond the deadline of the command if necessary."""
INTERRUPT_SECONDS = 5.0
"""The same after an interrupt: the runner kills a cancelled step 7.5 s after its first signal."""


class StepResults(NamedTuple):
    """Results of performed steps; `None` or empty if there was no such step."""

    deployment_id: int | None = None
    adopted: bool = False
    """Whether the `environment:` of a job created the deployment."""
    service: str = ""
    """Service of the deployment."""
    comment_url: str = ""
    pull_request: int | None = None
    run_url: str = ""
    """Address of the run that was started."""


def perform(steps: Sequence[Step], client: Client, *, note: Callable[[str], None]) -> StepResults:
    """Perform `steps` in order.

    If a step fails, what earlier steps started is closed (`core.steps.gate.closing_steps`), and the error is raised.
    A failing step whose effect is unknown, because its response was lost, is closed as well.

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
            interrupted = not isinstance(error, GitHubError)
            reason = error.message if isinstance(error, GitHubError) else "the gate was interrupted"
            started = [*completed, step] if interrupted or isinstance(error, UnknownResult) else completed
            closing_client = client.with_time(INTERRUPT_SECONDS if interrupted else CLOSING_SECONDS)
            _close(started, reason, closing_client, results, note)
            raise
        completed.append(step)
    return results


def _perform_step(step: Step, client: Client, results: StepResults) -> StepResults:
    match step:
        case CreateDeployment():
            recorded = deployments.record_deployment(client, step)
            return results._replace(
                deployment_id=recorded.id, adopted=recorded.adopted, service=step.payload.get("service", "")
            )
        case SetDeploymentStatus():
            deployment_id = step.deployment_id if step.deployment_id is not None else results.deployment_id
            if step.deployment_id is None and results.adopted:
                step = msgspec.structs.replace(step, service=results.service)
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
        case React():
            reactions.react(client, comment_id=step.comment_id, content=step.content)
        case RerunWorkflow():
            return results._replace(run_url=dispatches.rerun_workflow(client, step))
        case DispatchWorkflow():
            return results._replace(run_url=dispatches.start_workflow(client, step))
        case _:
            raise TypeError(f"{type(step).__name__} is not a step on GitHub")
    return results


def _close(
    started: Sequence[Step], reason: str, client: Client, results: StepResults, note: Callable[[str], None]
) -> None:
    """Close what the steps `started`; what cannot be closed is reported."""
    try:
        results = _with_lost_deployment(started, client, results)
    except GitHubError as error:
        note(f"could not look for the deployment: {error.message}")
    for step in closing_steps(started, reason):
        if isinstance(step, SetDeploymentStatus) and step.deployment_id is None and results.deployment_id is None:
            continue
        try:
            _perform_step(step, client, results)
            note(f"closed an unfinished step: {describe(step)}")
        except GitHubError as error:
            note(f"could not close an unfinished step: {error.message}")


def _with_lost_deployment(started: Sequence[Step], client: Client, results: StepResults) -> StepResults:
    """Return the results with the deployment whose creation was not confirmed, if it exists."""
    step = next((s for s in started if isinstance(s, CreateDeployment)), None)
    if step is None or results.deployment_id is not None:
        return results
    recorded = deployments.find_deployment(client, step)
    return results._replace(deployment_id=recorded.id, adopted=recorded.adopted) if recorded else results
