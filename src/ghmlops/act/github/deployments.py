"""Writes deployments with their statuses, and commit statuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages, write
from ghmlops.core.steps.github_limits import STATUS_LIMIT
from ghmlops.core.steps.recorded import OPEN_STATES, OVERRIDE_KEY, PAYLOAD_KEY, marked_service, service_mark
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from ghmlops.core.steps.step import CreateDeployment, SetCommitStatus, SetDeploymentStatus

DEPLOYMENTS, STATUSES = "deployments: write", "statuses: write"


class Recorded(NamedTuple):
    """The deployment that a step created or adopted."""

    id: int
    adopted: bool = False
    """Whether the `environment:` of a job created it, so that it does not name the service."""


class _Deployment(msgspec.Struct, frozen=True):
    id: int
    payload: Any = None
    """JSON of any tool."""


class _Status(msgspec.Struct, frozen=True):
    id: int
    state: str
    created_at: str
    description: str | None = None
    log_url: str | None = None
    target_url: str | None = None
    context: str = ""


def record_deployment(client: Client, step: CreateDeployment) -> Recorded:
    """Create a deployment, or adopt an open one.

    Adopted is that of an earlier attempt of the same run, whose response may have been lost, or else the one that the
    `environment:` of a job of this run created. One that succeeded or failed is history and is not opened again.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    if (existing := find_deployment(client, step)) is not None:
        return existing
    created = write(
        client,
        "POST",
        "deployments",
        _Deployment,
        body={
            "ref": step.sha,
            "task": step.task,
            "auto_merge": False,
            "required_contexts": [],
            "payload": {PAYLOAD_KEY: step.payload | ({OVERRIDE_KEY: step.override} if step.override else {})},
            "environment": step.environment,
            "description": step.description,
            "transient_environment": step.transient,
            "production_environment": step.production,
        },
        activity=f"creating the deployment to {step.environment}",
        permission=DEPLOYMENTS,
        find_existing=lambda: _own(client, step),
    )
    return Recorded(created.id)


def find_deployment(client: Client, step: CreateDeployment) -> Recorded | None:
    """Return the open deployment that `record_deployment` would adopt, or `None`.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    deployments = _list(client, step)
    for deployment in deployments:
        if _identity(deployment) == step.payload and _is_open(_statuses(client, deployment.id)):
            return Recorded(deployment.id)
    run_id = step.payload.get("run_id", "")
    for deployment in deployments if run_id else ():
        if _payload(deployment) is None and _is_adoptable(_statuses(client, deployment.id), step):
            return Recorded(deployment.id, adopted=True)
    return None


def _is_adoptable(statuses: list[_Status], step: CreateDeployment) -> bool:
    """Return whether a job of this run created an open deployment that no other service of the run has adopted."""
    service = step.payload.get("service", "")
    services = {marked_service(s.description or "") for s in statuses} - {""}
    of_run = any(_is_of_run(s, step.payload["run_id"]) for s in statuses)
    return _is_open(statuses) and of_run and services <= {service}


def _own(client: Client, step: CreateDeployment) -> _Deployment | None:
    """Return the open deployment with the payload of `step`, as the response to its creation would be."""
    deployments = [d for d in _list(client, step) if _identity(d) == step.payload]
    return next((d for d in deployments if _is_open(_statuses(client, d.id))), None)


def _list(client: Client, step: CreateDeployment) -> list[_Deployment]:
    """Return the deployments of the commit to the environment, oldest first."""
    pages = read_pages(
        client,
        "deployments",
        _Deployment,
        parameters={"sha": step.sha, "task": step.task, "environment": step.environment},
        activity=f"listing the deployments to {step.environment}",
        permission=DEPLOYMENTS,
    )
    return sorted((d for page in pages for d in page), key=lambda d: d.id)


def _identity(deployment: _Deployment) -> object:
    """Return what our payload identifies a deployment by, without the reason of an override."""
    payload = _payload(deployment)
    return {k: v for k, v in payload.items() if k != OVERRIDE_KEY} if isinstance(payload, dict) else payload


def _payload(deployment: _Deployment) -> object:
    """Return our payload; `None` if another tool created the deployment. GitHub may return it as text."""
    payload = deployment.payload
    if isinstance(payload, str):
        try:
            payload = msgspec.json.decode(payload)
        except ValueError:
            return None
    return payload.get(PAYLOAD_KEY) if isinstance(payload, dict) else None


def _statuses(client: Client, deployment_id: int) -> list[_Status]:
    """Return the statuses of a deployment, oldest first."""
    pages = read_pages(
        client,
        f"deployments/{deployment_id}/statuses",
        _Status,
        activity=f"reading the statuses of deployment {deployment_id}",
        permission=DEPLOYMENTS,
    )
    return sorted((s for page in pages for s in page), key=lambda s: (s.created_at, s.id))


def _is_open(statuses: list[_Status]) -> bool:
    return not statuses or statuses[-1].state in OPEN_STATES


def _is_of_run(status: _Status, run_id: str) -> bool:
    address = status.log_url or status.target_url or ""
    return re.search(rf"/actions/runs/{re.escape(run_id)}(/|$)", address) is not None


def set_deployment_status(client: Client, deployment_id: int, step: SetDeploymentStatus) -> None:
    """Add a status to a deployment. If the response is lost and the newest status is equal, none is added.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    mark = f" {service_mark(step.service)}" if step.service else ""
    description = short(step.description, STATUS_LIMIT - len(mark)) + mark
    body: dict[str, object] = {
        "state": step.state,
        "description": description,
        "environment": step.environment,
        # GitHub would close the deployments of other services to the same environment as well.
        "auto_inactive": False,
    }
    if step.environment_url:
        body["environment_url"] = step.environment_url
    if step.log_url:
        body["log_url"] = step.log_url

    def find_existing() -> _Status | None:
        newest = next(iter(_statuses(client, deployment_id)[-1:]), None)
        same = newest is not None and (newest.state, newest.description or "") == (step.state, description)
        return newest if same else None

    write(
        client,
        "POST",
        f"deployments/{deployment_id}/statuses",
        _Status,
        body=body,
        activity=f"setting deployment {deployment_id} to {step.state}",
        permission=DEPLOYMENTS,
        find_existing=find_existing,
    )


def set_commit_status(client: Client, step: SetCommitStatus) -> None:
    """Set the status of a commit for one context. If the response is lost and the newest one is equal, none is added.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    body = {"state": step.state, "description": step.description, "context": step.context}
    if step.target_url:
        body["target_url"] = step.target_url

    def find_existing() -> _Status | None:
        pages = read_pages(
            client,
            f"commits/{step.sha}/statuses",
            _Status,
            activity=f"reading the statuses of commit {step.sha[:12]}",
            permission=STATUSES,
        )
        statuses = sorted((s for page in pages for s in page), key=lambda s: (s.created_at, s.id))
        newest = next((s for s in reversed(statuses) if s.context == step.context), None)
        same = newest is not None and (newest.state, newest.description or "") == (step.state, step.description)
        return newest if same else None

    write(
        client,
        "POST",
        f"statuses/{step.sha}",
        _Status,
        body=body,
        activity=f"setting the status {step.context} of commit {step.sha[:12]} to {step.state}",
        permission=STATUSES,
        find_existing=find_existing,
    )
