"""Whether a deployment that only GitHub knows has replaced the one that an action is about: it is not undone then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ghmlops.commands.shared.github import connection
from ghmlops.core.errors import GitHubError
from ghmlops.core.history.record import DeploymentRecord, record_time
from ghmlops.core.incidents.standing import State, replaced_elsewhere
from ghmlops.core.watch.cause import Deployed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.core.history.reading import Stored
    from ghmlops.core.policy.production.watch import Watch
    from ghmlops.core.watch.incident import Incident
    from ghmlops.measure.github.deployments import DatedDeployment

SECONDS = 60.0
"""Seconds for the deployments of GitHub: a rollback waits for them."""
MAX_WAIT = timedelta(days=30)
"""Time before now since which deployments are read: one that waited longer for its approval is not seen."""


def newer_deployment(
    inputs: Inputs, services: Services, watch: Watch | None, incident: Incident, records: Sequence[Stored]
) -> tuple[tuple[State, str] | None, str]:
    """Return what a newer deployment that only GitHub knows means for an action, and why none could be looked for.

    Of the deployments that do not name the service, those of a job's `environment:`, only `github-deployments: true`
    says that they are deployments at all.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        watch: section of the policy; `None` without one.
        incident: what the action is about.
        records: records of the service and environment in the order of time.

    Raises:
        InputError: The token or the repository is malformed.
        GitHubError: With `github-deployments: true`, the deployments cannot be read; `PermissionMissing` names the
            permission.
    """
    from ghmlops.measure.github.deployments import dated_deployments

    if not inputs.token:
        return None, "there is no token"
    counts_all = watch is not None and watch.github_deployments
    since = datetime.fromtimestamp(services.now().timestamp(), UTC) - MAX_WAIT
    try:
        with connection(inputs.token, services) as client:
            listed = dated_deployments(client.with_time(SECONDS), incident.environment, incident.service, since)
    except GitHubError as error:
        if counts_all:
            raise
        return None, error.message
    serving = [d for d in listed if d.is_named or counts_all]
    return replaced_elsewhere(incident, records, unrecorded(serving, records)), ""


def unrecorded(deployments: Sequence[DatedDeployment], records: Sequence[Stored]) -> list[Deployed]:
    """Return the deployments that serve and that no record is about, in the order of time.

    A record of the commit that is older than the deployment is about an earlier deployment of it.
    """
    recorded: dict[str, datetime] = {}
    for stored in records:
        if isinstance(stored.record, DeploymentRecord):
            time = record_time(stored.record)
            recorded[stored.record.commit] = max(time, recorded.get(stored.record.commit, time))
    return sorted(
        Deployed(d.live.timestamp(), d.sha)
        for d in deployments
        if d.live is not None and d.serves and (d.sha not in recorded or recorded[d.sha] < d.created)
    )
