"""The runs of `watch`, which other commands look at: a schedule that is dead cannot report itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.context import dig
from ghmlops.core.errors import GitHubError
from ghmlops.core.watch.schedule import schedule_finding

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.github import Client


def newest_watch(policy: Policy | None, services: Services, client: Client) -> datetime | None:
    """Return the start of the newest successful run of the workflow that runs `watch`; `None` if there is none.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    from ghmlops.measure.github.runs import newest_success

    assert policy is not None and policy.watch is not None  # noqa: PT018, S101  (narrows the type)
    branch = str(dig(services.context.event, "repository", "default_branch") or "")
    try:
        return newest_success(client, policy.watch.workflows.watch, branch)
    except GitHubError as error:
        if error.reason_code == "not-found":  # No workflow of this name ever was on the default branch.
            return None
        raise


def dead_schedule(
    policy: Policy | None, services: Services, client: Client | None, *, is_watch: bool = False
) -> tuple[Finding, ...]:
    """Return the finding that `watch` no longer runs, and print it; empty if it runs, or if nothing says how it runs.

    That its runs cannot be read is a note: it is neither alive nor dead.

    Args:
        policy: The policy, which may name the workflow in `watch.workflows.watch`; `None` without one.
        services: Services of the command.
        client: The connection; `None` without a token.
        is_watch: Whether this is a run of `watch` itself, before which there may have been none.
    """
    if policy is None or policy.watch is None or not policy.watch.workflows.watch or client is None:
        return ()
    workflow = policy.watch.workflows.watch
    try:
        newest = newest_watch(policy, services, client)
    except GitHubError as error:
        services.console.note(f"whether {workflow} still runs is unknown: {error.message}")
        return ()
    if newest is None and is_watch:
        return ()
    finding = schedule_finding(workflow, newest, policy.watch.stale, services.now())
    if finding is None:
        return ()
    services.console.note(finding.reason)
    return (finding,)
