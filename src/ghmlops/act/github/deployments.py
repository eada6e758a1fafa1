"""Writes deployments with their statuses, and commit statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from github import BadAttributeException
from github.GithubObject import NotSet

from ghmlops.clients.github.client import Client, require, send

if TYPE_CHECKING:
    from github.Deployment import Deployment

    from ghmlops.core.steps.step import CreateDeployment, SetCommitStatus, SetDeploymentStatus

DEPLOYMENTS, STATUSES = "deployments: write", "statuses: write"
PAYLOAD_KEY = "ghmlops"
"""Key of our payload within that of the deployment."""


def record_deployment(client: Client, step: CreateDeployment) -> int:
    """Create a deployment, or adopt that of an earlier attempt of the same run; return its id.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    if (existing := _existing_deployment(client, step)) is not None:
        return existing
    return send(
        client,
        lambda: require(
            client.repo.create_deployment(
                ref=step.sha,
                task=step.task,
                auto_merge=False,
                required_contexts=[],
                payload={PAYLOAD_KEY: step.payload},
                environment=step.environment,
                description=step.description,
                transient_environment=step.transient,
                production_environment=step.production,
            ).id
        ),
        activity=f"creating the deployment to {step.environment}",
        permission=DEPLOYMENTS,
        find_existing=lambda: _existing_deployment(client, step),
    )


def _existing_deployment(client: Client, step: CreateDeployment) -> int | None:
    ids = send(
        client,
        lambda: [
            require(d.id)
            for d in client.repo.get_deployments(sha=step.sha, task=step.task, environment=step.environment)
            if _payload(d) == step.payload
        ],
        activity=f"listing the deployments to {step.environment}",
        permission=DEPLOYMENTS,
    )
    return min(ids, default=None)


def _payload(deployment: Deployment) -> Any:  # noqa: ANN401  (JSON of any tool)
    payload: Any
    try:
        payload = deployment.payload
    except BadAttributeException:  # text instead of an object, from another tool
        return None
    return payload.get(PAYLOAD_KEY) if isinstance(payload, dict) else None


def set_deployment_status(client: Client, deployment_id: int, step: SetDeploymentStatus) -> None:
    """Add a status to a deployment. The newest status counts, so a repetition has no effect.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    send(
        client,
        lambda: require(
            client.repo.get_deployment(deployment_id)
            .create_status(
                step.state,
                description=step.description,
                environment=step.environment,
                environment_url=step.environment_url or NotSet,
                target_url=step.log_url or NotSet,
            )
            .state
        ),
        activity=f"setting deployment {deployment_id} to {step.state}",
        permission=DEPLOYMENTS,
    )


def set_commit_status(client: Client, step: SetCommitStatus) -> None:
    """Set the status of a commit for one context. The newest status counts, so a repetition has no effect.

    PyGithub's own method would read the commit first, which requires `contents: read`.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    fields = {"state": step.state, "description": step.description, "context": step.context}
    if step.target_url:
        fields["target_url"] = step.target_url
    address = f"/repos/{client.repository}/statuses/{step.sha}"

    def write() -> str:
        _, response = client.api.requester.requestJsonAndCheck("POST", address, input=fields)
        state: str | None = response.get("state") or None
        return require(state)

    send(
        client,
        write,
        activity=f"setting the status {step.context} of commit {step.sha[:12]} to {step.state}",
        permission=STATUSES,
    )
