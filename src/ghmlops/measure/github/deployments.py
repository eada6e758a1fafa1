"""Reads the deployments of an environment: what is live, and what a run left open."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages
from ghmlops.core.errors import GitHubError, InputError, NeedsPerson
from ghmlops.core.steps.recorded import OVERRIDE_KEY, PAYLOAD_KEY, RecordedDeployment, marked_service
from ghmlops.core.steps.standing import Standing, serving, standing, was_good
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.clients.github.client import Client

READ = "deployments: read"
TASK = "deploy"
MAX_DEPLOYMENTS = 1000
"""Maximum deployments of an environment that are listed, newest first."""
MAX_STATES = 200
"""Maximum deployments whose statuses are read to find the one that is live; each takes one request."""
MAX_UNNAMED = 30
"""Maximum deployments without our payload that are examined once one of them is live, in search of one that names the
service."""
MAX_DATED = 100
"""Maximum deployments whose times are read, newest first; each takes one request."""
MAX_OVERRIDE = 1000
"""Maximum length of the reason of an override that is read from a payload, in characters."""

FAILED_STATES = ("failure", "error")
"""States of a deployment that did not reach the users, unless it succeeded before."""
_RUN = re.compile(r"/actions/runs/([0-9]{1,18})(?:/|$)")


class _Deployment(msgspec.Struct, frozen=True):
    id: int
    sha: str
    created_at: str
    payload: Any = None
    """JSON of any tool."""


class _Status(msgspec.Struct, frozen=True):
    id: int
    state: str
    created_at: str
    description: str | None = None
    log_url: str | None = None
    target_url: str | None = None


class _Examined(msgspec.Struct, frozen=True):
    """A deployment with its state."""

    recorded: RecordedDeployment
    live_at: str = ""
    """Time of its first success; empty without one."""


class DatedDeployment(NamedTuple):
    """A deployment with its times (UTC): when it was created, and when it was live first; `None` if it never was."""

    sha: str
    created: datetime
    live: datetime | None
    failed: bool
    """Whether it ended without ever being live."""
    serves: bool
    """Whether it is live still: nothing newer replaced it, and it was not closed as a failure since."""
    is_named: bool
    """Whether it names the service; a job's `environment:` does not."""


def list_deployments(client: Client, environment: str, service: str, limit: int = 30) -> list[RecordedDeployment]:
    """Return the deployments of one service to one environment with their states, newest first.

    A deployment without our payload, such as one of a job's `environment:`, has no service unless a status of ours
    names it. It is included as well.

    Args:
        client: The connection.
        environment: Name of the environment.
        service: Name of the service; deployments of other services are left out.
        limit: Maximum deployments whose state is read, which takes one request each.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    deployments = _matching(client, environment, service)[:limit]
    states = [_examine(client, deployment).recorded for deployment in deployments]
    return [recorded for recorded in states if recorded.service in ("", service)]


def dated_deployments(client: Client, environment: str, service: str, since: datetime) -> list[DatedDeployment]:
    """Return the deployments of one service to one environment since a time, at most `MAX_DATED`, oldest first.

    Those that name no service are included.

    Raises:
        GitHubError: GitHub rejected a request (`PermissionMissing` names the permission), or states no time.
    """
    deployments = [d for d in _matching(client, environment, service) if _time(d.created_at) >= since][:MAX_DATED]
    dated = []
    for deployment in deployments:
        examined = _examine(client, deployment)
        if examined.recorded.service in ("", service):
            live = _time(examined.live_at) if examined.live_at else None
            failed = live is None and examined.recorded.state in FAILED_STATES
            serves, named = examined.recorded.state == "success", bool(examined.recorded.service)
            dated.append(DatedDeployment(deployment.sha, _time(deployment.created_at), live, failed, serves, named))
    return dated[::-1]


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise GitHubError(
            f"GitHub answers with no time of a deployment: {text[:40]!a}",
            hint="try again",
            reason_code="github-refused",
        ) from None


def commit_deployments(client: Client, environment: str, service: str, commit: str) -> list[RecordedDeployment]:
    """Return the deployments of one commit of one service to one environment with their states, newest first.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    deployments = _matching(client, environment, service, {"sha": commit})
    states = [_examine(client, deployment).recorded for deployment in deployments[:MAX_STATES]]
    return [recorded for recorded in states if recorded.service == service]


def failed_range(client: Client, number: int, environment: str, service: str) -> tuple[str, str]:
    """Return the commit that was live before a failed deployment, and the commit of that deployment.

    Raises:
        InputError: The service has no such deployment to this environment.
        NeedsPerson: It did not fail, or nothing else was live before it.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    deployments = _matching(client, environment, service)
    place = next((index for index, d in enumerate(deployments) if d.id == number), None)
    if place is None:
        raise InputError(
            f"input `commit`: deployment {number} of {service} to {environment} was not found",
            hint="the output `deployment-id` of actions/gate names it",
        )
    failed = _examine(client, deployments[place]).recorded
    if failed.service != service or standing(failed) is not Standing.QUARANTINED:
        raise NeedsPerson(
            f"deployment {number} is {failed.state} ({standing(failed)}), and only one that failed is reverted",
            hint="name the commits instead, with a --reason",
            reason_code="deployment-not-failed",
        )
    for deployment in deployments[place + 1 : place + 1 + MAX_STATES]:
        earlier = _examine(client, deployment).recorded
        # One that was rolled back served no more; its commits came again with the one that failed.
        if was_good(earlier) and earlier.service == service and earlier.sha != failed.sha:
            return earlier.sha, failed.sha
    raise NeedsPerson(
        f"no other commit was live before deployment {number}, so it is unknown which commits it brought",
        hint="name the commits instead, with a --reason",
        reason_code="range-unknown",
    )


def newest_successful_deployment(client: Client, environment: str, service: str) -> str | None:
    """Return the commit of the newest deployment with the state `success`, or `None` if none ever succeeded.

    Deployments that name the service decide; those of a job's `environment:` count only if no deployment names it,
    because any job may use the environment. If no deployment is live any more (all are `inactive`, or were closed as
    `error` after their success), the newest one that ever succeeded and was not rolled back counts: a service that was
    deployed before is not a first deployment.

    Raises:
        GitHubError: GitHub rejected a request (`PermissionMissing` names the permission), or none of the newest
            `MAX_STATES` deployments succeeded, and there are more (reason code `deployments-unclear`).
    """
    deployments = _matching(client, environment, service)
    has_payload = any(_payload(d) for d in deployments)
    examined: list[RecordedDeployment] = []
    for deployment in deployments[:MAX_STATES]:
        item = _examine(client, deployment).recorded
        if item.service == service and item.state == "success":
            return item.sha
        if item.service in ("", service):
            examined.append(item)
        enough = len(examined) >= MAX_UNNAMED and any(i.state == "success" for i in examined)
        if enough and not has_payload:
            break
    if newest := serving(examined) or next((i for i in examined if i.service and i.succeeded), None):
        return newest.sha
    if len(deployments) > MAX_STATES:
        raise GitHubError(
            f"none of the newest {MAX_STATES} deployments to {environment} succeeded, and there are more",
            hint="deploy a good commit, or name the baseline with the input `base`",
            reason_code="deployments-unclear",
        )
    return None


def _matching(
    client: Client, environment: str, service: str, condition: Mapping[str, str] | None = None
) -> list[_Deployment]:
    """Return the deployments that do not name another service in their payload, newest first."""
    pages = read_pages(
        client,
        "deployments",
        _Deployment,
        parameters={"environment": environment, "task": TASK, **(condition or {})},
        activity=f"listing the deployments to {environment}",
        permission=READ,
        max_pages=MAX_DEPLOYMENTS // 100,
    )
    deployments = [d for page in pages for d in page if _payload(d).get("service", service) == service]
    return sorted(deployments, key=lambda d: (d.created_at, d.id), reverse=True)


def _examine(client: Client, deployment: _Deployment) -> _Examined:
    pages = read_pages(
        client,
        f"deployments/{deployment.id}/statuses",
        _Status,
        activity=f"reading the statuses of deployment {deployment.id}",
        permission=READ,
    )
    statuses = sorted((s for page in pages for s in page), key=lambda s: (s.created_at, s.id))
    payload = _payload(deployment)
    adopted = "" if payload else next(filter(None, (marked_service(s.description or "") for s in statuses)), "")
    state = statuses[-1].state if statuses else "pending"
    successes = [s for s in statuses if s.state == "success"]
    if adopted:
        # The runner reports the end of its job as success; only our own status says that the service was deployed.
        successes = [s for s in successes if marked_service(s.description or "")]
        state = "in_progress" if state == "success" and not successes else state
    own = [s for s in statuses if marked_service(s.description or "")] if adopted else statuses
    recorded = RecordedDeployment(
        id=deployment.id,
        sha=deployment.sha,
        state=state,
        run_id=str(payload.get("run_id", "")) or (_adopting_run(statuses) if adopted else ""),
        service=str(payload.get("service", "") or adopted),
        adopted=bool(adopted),
        own_state=own[-1].state if own else "",
        succeeded=bool(successes),
        description=(own[-1].description or "") if own else "",
        override=short(override, MAX_OVERRIDE) if isinstance(override := payload.get(OVERRIDE_KEY), str) else "",
    )
    return _Examined(recorded, live_at=successes[0].created_at if successes else "")


def _adopting_run(statuses: Sequence[_Status]) -> str:
    """Return the id of the run that adopted a deployment last, from the address in our own status."""
    own = (s for s in reversed(statuses) if marked_service(s.description or ""))
    addresses = (s.log_url or s.target_url or "" for s in own)
    matches = (_RUN.search(address) for address in addresses)
    return next((match[1] for match in matches if match), "")


def _payload(deployment: _Deployment) -> dict[str, Any]:
    """Return our payload; empty if another tool created the deployment. GitHub may return it as text."""
    payload = deployment.payload
    if isinstance(payload, str):
        try:
            payload = msgspec.json.decode(payload)
        except ValueError:
            return {}
    own = payload.get(PAYLOAD_KEY) if isinstance(payload, dict) else None
    return own if isinstance(own, dict) else {}
