"""Deployments with their statuses, and the status of a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from github import BadAttributeException
from github.GithubObject import NotSet

from ghmlops.act.github.client import Client, ask, told

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
    return ask(
        client,
        lambda: told(
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
        doing=f"creating the deployment to {step.environment}",
        need=DEPLOYMENTS,
        found=lambda: _existing(client, step),
    )


def _existing(client: Client, step: CreateDeployment) -> int | None:
    listed = ask(
        client,
        lambda: [
            told(d.id)
            for d in client.repo.get_deployments(sha=step.sha, task=step.task, environment=step.environment)
            if _payload(d) == step.payload
        ],
        doing=f"listing the deployments to {step.environment}",
        need=DEPLOYMENTS,
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
    ask(
        client,
        lambda: told(
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
        doing=f"setting deployment {deployment_id} to {step.state}",
        need=DEPLOYMENTS,
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
    ask(
        client,
        lambda: told(client.api.requester.requestJsonAndCheck("POST", address, input=fields)[1].get("state") or None),
        doing=f"setting the status {step.context} of commit {step.sha[:12]} to {step.state}",
        need=STATUSES,
    )
