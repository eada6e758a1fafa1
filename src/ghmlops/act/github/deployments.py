"""Deployments with their statuses, and the status of a commit."""

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


def record_deployment(client: Client, step: CreateDeployment) -> int:
    """Create the deployment, or adopt the one that an earlier attempt of the same run made, and return its id.

    Raises:
        GitHubError: GitHub refused; `PermissionMissing` names the permission.
    """
    if (adopted := _existing(client, step)) is not None:
        return adopted
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
        find_existing=lambda: _existing(client, step),
    )


def _existing(client: Client, step: CreateDeployment) -> int | None:
    listed = send(
        client,
        lambda: [
            require(d.id)
            for d in client.repo.get_deployments(sha=step.sha, task=step.task, environment=step.environment)
            if _payload(d) == step.payload
        ],
        activity=f"listing the deployments to {step.environment}",
        permission=DEPLOYMENTS,
    )
    return min(listed, default=None)


def _payload(deployment: Deployment) -> Any:  # noqa: ANN401  (somebody's JSON)
    found: Any
    try:
        found = deployment.payload
    except BadAttributeException:  # text, from another maker
        return None
    return found.get(PAYLOAD_KEY) if isinstance(found, dict) else None


def set_deployment_status(client: Client, deployment_id: int, step: SetDeploymentStatus) -> None:
    """Add a status to a deployment. Twice does no harm: the newest counts.

    Raises:
        GitHubError: GitHub refused; `PermissionMissing` names the permission.
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
    """Set the status of a commit under its context. Twice does no harm: the newest counts.

    PyGithub's own way would read the commit first, for which the token may lack `contents: read`.

    Raises:
        GitHubError: GitHub refused; `PermissionMissing` names the permission.
    """
    fields = {"state": step.state, "description": step.description, "context": step.context}
    if step.target_url:
        fields["target_url"] = step.target_url
    address = f"/repos/{client.repository}/statuses/{step.sha}"
    send(
        client,
        lambda: require(
            client.api.requester.requestJsonAndCheck("POST", address, input=fields)[1].get("state") or None
        ),
        activity=f"setting the status {step.context} of commit {step.sha[:12]} to {step.state}",
        permission=STATUSES,
    )
